/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of dockerd-worker: each turns its parameters into one call of image/. */

#include <fcntl.h>

#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "image/archive-pack.h"
#include "image/archive-unpack.h"
#include "image/layer-apply.h"
#include "image/path-pack.h"
#include "image/path-unpack.h"
#include "image/tree-pack.h"
#include "image/tree.h"
#include "image/worker-verbs.h"
#include "registry/registry-client.h"
#include "worker/worker.h"

static void report_progress(uint64_t current, void *userdata) {
        const WorkerProgress p = { .current = current };

        (void) worker_progress(&WorkerProgress_json, &p, NULL);
}

static int verb_layer_apply(const void *params, const int *fds, Error *reterr) {
        const LayerApplyParams *p = params;
        LayerApplyOptions options = {
                .input_fd = fds[0],
                .root_fd = fds[1],
                .tee_fd = p->tee ? fds[2] : -EBADF,
                .format = layer_format_from_string(p->format),
                .limits = LAYER_LIMITS_DEFAULT,
                .progress = p->progress ? report_progress : NULL,
        };
        char diff_id[DIGEST_TEXT_MAX], blob[DIGEST_TEXT_MAX];
        LayerApplyResult result;
        int r;

        if (options.format < 0)
                return error_setf(reterr, ERROR_INVALID, "unknown layer format %s", p->format);
        options.limits.input_max = p->input_max;
        r = layer_apply(&options, &result, reterr);
        if (r < 0)
                return r;

        const LayerApplyReply reply = {
                .diff_id = (char *) digest_format(diff_id, &result.stream.output_digest),
                .blob = (char *) digest_format(blob, &result.stream.input_digest),
                .blob_size = result.stream.input_size,
                .size = result.size,
                .compression = (char *) result.stream.compression,
        };
        return worker_result(&LayerApplyReply_json, &reply, reterr);
}

static int verb_archive_unpack(const void *params, const int *fds, Error *reterr) {
        _cleanup_(ArchiveUnpackReply_donep) ArchiveUnpackReply reply = {};
        int r;

        r = archive_unpack(fds[0], fds[1], params, &reply, reterr);
        return r < 0 ? r : worker_result(&ArchiveUnpackReply_json, &reply, reterr);
}

static int verb_archive_pack(const void *params, const int *fds, Error *reterr) {
        int r = archive_pack(fds[0], fds[1], params, reterr);

        return r < 0 ? r : worker_result(&EmptyReply_json, &(const EmptyReply) {}, reterr);
}

static int verb_layers_merge(const void *params, const int *fds, Error *reterr) {
        const LayersMergeParams *p = params;
        int r;

        STRV_FOREACH(layer, p->layers) {
                _cleanup_free_ char *path = path_join(*layer, "diff");
                _cleanup_close_ int fd = -EBADF;

                if (!path)
                        return error_fill(reterr, -ENOMEM);
                fd = open_beneath(fds[0], path, O_RDONLY | O_DIRECTORY, 0);
                if (fd < 0)
                        return error_set_errnof(reterr, ERROR_INTERNAL, fd, "Failed to open layer %s",
                                                *layer);
                r = tree_merge_layer(fd, fds[1], reterr);
                if (r < 0)
                        return r;
        }
        return worker_result(&EmptyReply_json, &(const EmptyReply) {}, reterr);
}

static int directory_is_empty(int fd) {
        _cleanup_closedir_ DIR *d = NULL;
        _cleanup_close_ int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct dirent *e;

        d = copy >= 0 ? fdopendir(copy) : NULL;
        if (!d)
                return -errno;
        TAKE_FD(copy);
        while ((e = readdir(d)))
                if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
                        return 0;
        return 1;
}

static int verb_tree_copy(const void *params, const int *fds, Error *reterr) {
        const TreeCopyParams *p = params;
        _cleanup_close_ int source = open_in_root(fds[0], p->path, O_RDONLY | O_DIRECTORY, 0);
        int r;

        if (source < 0 && !IN_SET(source, -ENOENT, -ENOTDIR, -ELOOP))
                return error_set_errnof(reterr, ERROR_INTERNAL, source, "Failed to open %s", p->path);
        r = directory_is_empty(fds[1]);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to read the target");
        if (source >= 0 && r > 0) {
                r = tree_merge_layer(source, fds[1], reterr);
                if (r < 0)
                        return r;
        }
        return worker_result(&EmptyReply_json, &(const EmptyReply) {}, reterr);
}

/* Not there for a container that has nothing yet. */
static int own_directory(const int *fds) {
        return fcntl(fds[2], F_GETFD) < 0 ? -EBADF : fds[2];
}

static int verb_tree_pack(const void *params, const int *fds, Error *reterr) {
        _cleanup_(TreePackReply_donep) TreePackReply reply = {};
        int r = tree_pack(fds[0], fds[1], own_directory(fds), params, &reply, reterr);

        return r < 0 ? r : worker_result(&TreePackReply_json, &reply, reterr);
}

static int verb_tree_changes(const void *params, const int *fds, Error *reterr) {
        int r = tree_changes(fds[0], fds[1], own_directory(fds), params, reterr);

        return r < 0 ? r : worker_result(&EmptyReply_json, &(const EmptyReply) {}, reterr);
}

/* --- paths in containers --- */

static int prepare_path(const void *params, const int *fds, Error *reterr) {
        return mount_paths(params, fds[0], reterr);
}

static int verb_path_stat(const void *params, const int *fds, Error *reterr) {
        _cleanup_(ContainerPathStat_donep) ContainerPathStat stat = {};
        _cleanup_(path_view_donep) PathView v = PATH_VIEW_NULL;
        const PathParams *p = params;
        int r;

        r = path_view_open(fds[0], p->path, &v, reterr);
        if (r >= 0)
                r = path_view_stat(fds[0], &v, &stat, reterr);
        return r < 0 ? r : worker_result(&ContainerPathStat_json, &stat, reterr);
}

static int report_found(const ContainerPathStat *stat, Error *reterr) {
        return worker_progress(&ContainerPathStat_json, stat, reterr);
}

static int verb_path_pack(const void *params, const int *fds, Error *reterr) {
        _cleanup_(TreePackReply_donep) TreePackReply reply = {};
        const PathPackOptions options = {
                .root_fd = fds[0],
                .output_fd = fds[1],
                .found = report_found,
        };
        int r = path_pack(&options, params, &reply, reterr);

        return r < 0 ? r : worker_result(&TreePackReply_json, &reply, reterr);
}

static int verb_path_unpack(const void *params, const int *fds, Error *reterr) {
        int r = path_unpack(fds[1], fds[0], fds[2], params, reterr);

        return r < 0 ? r : worker_result(&EmptyReply_json, &(const EmptyReply) {}, reterr);
}

static int verb_usage(const void *params, const int *fds, Error *reterr) {
        UsageReply reply;
        int r = tree_usage(fds[0], &reply, reterr);

        return r < 0 ? r : worker_result(&UsageReply_json, &reply, reterr);
}

static int verb_remove_children(const void *params, const int *fds, Error *reterr) {
        int r = tree_remove_children(fds[0]);

        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to remove everything");
        return worker_result(&EmptyReply_json, &(const EmptyReply) {}, reterr);
}

/* --- network --- */

static void report_transfer(const RegistryProgress *p) {
        (void) worker_progress(&RegistryProgress_json, p, NULL);
}

static int verb_registry_resolve(const void *params, const int *fds, Error *reterr) {
        _cleanup_(RegistryResolveReply_donep) RegistryResolveReply reply = {};
        int r = registry_resolve(params, fds[0], fds[1], fds[2], &reply, reterr);

        return r < 0 ? r : worker_result(&RegistryResolveReply_json, &reply, reterr);
}

static int verb_registry_fetch_blob(const void *params, const int *fds, Error *reterr) {
        const RegistryFetchParams *p = params;
        _cleanup_(RegistryFetchReply_donep) RegistryFetchReply reply = {};
        int r = registry_fetch_blob(p, fds[0], p->tee ? fds[1] : -EBADF, report_transfer, &reply, reterr);

        return r < 0 ? r : worker_result(&RegistryFetchReply_json, &reply, reterr);
}

static int verb_registry_tags(const void *params, const int *fds, Error *reterr) {
        _cleanup_(RegistryTagsReply_donep) RegistryTagsReply reply = {};
        int r = registry_tags(params, &reply, reterr);

        return r < 0 ? r : worker_result(&RegistryTagsReply_json, &reply, reterr);
}

static int verb_registry_inspect(const void *params, const int *fds, Error *reterr) {
        _cleanup_(RegistryInspectReply_donep) RegistryInspectReply reply = {};
        int r = registry_inspect(params, &reply, reterr);

        return r < 0 ? r : worker_result(&RegistryInspectReply_json, &reply, reterr);
}

static int verb_registry_login(const void *params, const int *fds, Error *reterr) {
        _cleanup_(RegistryLoginReply_donep) RegistryLoginReply reply = {};
        int r = registry_login(params, &reply, reterr);

        return r < 0 ? r : worker_result(&RegistryLoginReply_json, &reply, reterr);
}

static int verb_registry_search(const void *params, const int *fds, Error *reterr) {
        _cleanup_(RegistrySearchReply_donep) RegistrySearchReply reply = {};
        int r = registry_search(params, &reply, reterr);

        return r < 0 ? r : worker_result(&RegistrySearchReply_json, &reply, reterr);
}

static int verb_registry_push_blob(const void *params, const int *fds, Error *reterr) {
        _cleanup_(RegistryPushBlobReply_donep) RegistryPushBlobReply reply = {};
        int r = registry_push_blob(params, fds[0], report_transfer, &reply, reterr);

        return r < 0 ? r : worker_result(&RegistryPushBlobReply_json, &reply, reterr);
}

static void report_url(const UrlProgress *p) {
        (void) worker_progress(&UrlProgress_json, p, NULL);
}

static int verb_url_fetch(const void *params, const int *fds, Error *reterr) {
        UrlFetchReply reply = {};
        int r = url_fetch(params, fds[0], report_url, &reply, reterr);

        return r < 0 ? r : worker_result(&UrlFetchReply_json, &reply, reterr);
}

static int verb_registry_push_manifest(const void *params, const int *fds, Error *reterr) {
        _cleanup_(RegistryPushManifestReply_donep) RegistryPushManifestReply reply = {};
        int r = registry_push_manifest(params, fds[0], &reply, reterr);

        return r < 0 ? r : worker_result(&RegistryPushManifestReply_json, &reply, reterr);
}

const WorkerVerb worker_verbs[] = {
        { "archive-pack", &ArchivePackParams_json, 2, 1, 0, verb_archive_pack },
        { "archive-unpack", &ArchiveUnpackParams_json, 2, 1, WORKER_WRITE_FILES, verb_archive_unpack },
        { "layer-apply", &LayerApplyParams_json, 2, 1, WORKER_WRITE_FILES | WORKER_OWN_FILES,
          verb_layer_apply },
        { "layers-merge", &LayersMergeParams_json, 2, 1,
          WORKER_READ_FILES | WORKER_WRITE_FILES | WORKER_OWN_FILES, verb_layers_merge },
        { "path-pack", &PathParams_json, 2, 0, WORKER_READ_FILES, verb_path_pack, prepare_path },
        { "path-stat", &PathParams_json, 1, 0, WORKER_READ_FILES, verb_path_stat, prepare_path },
        { "path-unpack", &PathParams_json, 3, 0, WORKER_WRITE_FILES | WORKER_OWN_FILES, verb_path_unpack,
          prepare_path },
        { "registry-fetch-blob", &RegistryFetchParams_json, 1, -1, WORKER_NETWORK,
          verb_registry_fetch_blob },
        { "registry-inspect", &RegistryInspectParams_json, 0, -1, WORKER_NETWORK, verb_registry_inspect },
        { "registry-login", &RegistryAccess_json, 0, -1, WORKER_NETWORK, verb_registry_login },
        { "registry-push-blob", &RegistryPushBlobParams_json, 1, -1, WORKER_NETWORK,
          verb_registry_push_blob },
        { "registry-push-manifest", &RegistryPushManifestParams_json, 1, -1, WORKER_NETWORK,
          verb_registry_push_manifest },
        { "registry-resolve", &RegistryResolveParams_json, 3, -1, WORKER_NETWORK, verb_registry_resolve },
        { "registry-search", &RegistrySearchParams_json, 0, -1, WORKER_NETWORK, verb_registry_search },
        { "registry-tags", &RegistryAccess_json, 0, -1, WORKER_NETWORK, verb_registry_tags },
        { "remove-children", NULL, 1, 0, WORKER_WRITE_FILES, verb_remove_children },
        { "tree-changes", &TreeParams_json, 2, 1, WORKER_READ_FILES | WORKER_READ_MARKS, verb_tree_changes },
        { "tree-copy", &TreeCopyParams_json, 2, 1,
          WORKER_READ_FILES | WORKER_WRITE_FILES | WORKER_OWN_FILES, verb_tree_copy },
        { "tree-pack", &TreeParams_json, 2, 1, WORKER_READ_FILES | WORKER_READ_MARKS, verb_tree_pack },
        { "url-fetch", &UrlFetchParams_json, 1, -1, WORKER_NETWORK, verb_url_fetch },
        { "usage", NULL, 1, 0, WORKER_READ_FILES, verb_usage },
};
const size_t n_worker_verbs = ELEMENTSOF(worker_verbs);
