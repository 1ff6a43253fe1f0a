/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layer-unpack.h"

#include <sys/stat.h>

#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "image/content.h"
#include "image/layer-format.h"
#include "image/layer-store.h"

#define LAYER_MODE 0755
#define BLOB_MODE 0600

static int open_staging(LayerUnpack *u, bool keep_blob, int *ret_root, int *ret_blob, Error *reterr) {
        _cleanup_free_ char *diff = path_join(u->staging, "diff"), *blob = path_join(u->staging, "blob");
        _cleanup_close_ int root = -EBADF, file = -EBADF;

        if (!diff || !blob)
                return error_fill(reterr, -ENOMEM);
        if (mkdir(diff, LAYER_MODE) < 0 || (root = open(diff, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", diff);
        if (keep_blob && (file = open(blob, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, BLOB_MODE)) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", blob);
        *ret_root = TAKE_FD(root);
        *ret_blob = TAKE_FD(file);
        return 0;
}

static void on_applied(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        LayerUnpack *u = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;

        u->worker = NULL;
        if (r >= 0) {
                r = json_decode(&LayerApplyReply_json, result, 0, &u->reply, &e);
                error = &e;
        }
        u->done(u, r, error, u->userdata);
}

static void on_progress(Worker *w, struct json_object *progress, void *userdata) {
        LayerUnpack *u = ASSERT_PTR(userdata);
        WorkerProgress p = {};

        if (json_decode(&WorkerProgress_json, progress, 0, &p, NULL) >= 0)
                u->progress(u, p.current, u->userdata);
}

int layer_unpack_start(LayerUnpack *u, int input_fd, bool keep_blob, Error *reterr) {
        const LayerApplyParams params = {
                .format = (char *) layer_format_to_string(LAYER_FORMAT_OVERLAY),
                .tee = keep_blob,
                .progress = u->progress,
        };
        _cleanup_close_ int root = -EBADF, blob = -EBADF;
        int r;

        r = make_staging(u->manager, &u->staging, reterr);
        if (r >= 0)
                r = open_staging(u, keep_blob, &root, &blob, reterr);
        if (r < 0)
                return r;
        return worker_start(u->manager->config.workers, &(WorkerRequest) {
                .verb = "layer-apply",
                .pace = u->pace,
                .params_type = &LayerApplyParams_json,
                .params = &params,
                .fds = (const int[]) { input_fd, root, blob },
                .n_fds = keep_blob ? 3 : 2,
                .progress = u->progress ? on_progress : NULL,
                .done = on_applied,
                .userdata = u,
        }, &u->worker, reterr);
}

int layer_unpack_keep_blob(LayerUnpack *u, Error *reterr) {
        _cleanup_free_ char *blob = path_join(u->staging, "blob");
        int r;

        if (!blob)
                return error_fill(reterr, -ENOMEM);
        r = content_adopt(u->manager, AT_FDCWD, blob, u->reply.blob, reterr);
        if (r >= 0)
                (void) unlink(blob);
        return r;
}

const char *layer_unpack_media_type(const LayerUnpack *u) {
        const char *c = strempty(u->reply.compression);

        return streq(c, "gzip") ? MEDIA_TYPE_OCI_LAYER "+gzip" :
               streq(c, "zstd") ? MEDIA_TYPE_OCI_LAYER "+zstd" :
                                  MEDIA_TYPE_OCI_LAYER;
}

int layer_unpack_commit(LayerUnpack *u, const char *parent_chain, const char *media_type, ImageLayer *ret,
                        Error *reterr) {
        _cleanup_(ImageLayer_donep) ImageLayer layer = {
                .size = (int64_t) u->reply.size,
                .blob_size = (int64_t) u->reply.blob_size,
        };
        int r;

        if (chain_id_next(parent_chain, strempty(u->reply.diff_id), &layer.chain) < 0 ||
            !(layer.blob = strdup(u->reply.blob)) || !(layer.media_type = strdup(media_type)))
                return error_fill(reterr, -ENOMEM);
        r = layer_commit(u->manager, u->staging, &layer, reterr);
        u->staging = mfree(u->staging);
        if (r < 0)
                return r;
        *ret = TAKE_STRUCT(layer);
        return 0;
}

void layer_unpack_done(LayerUnpack *u) {
        u->worker = worker_cancel(u->worker);
        if (u->staging)
                (void) trash_directory(u->manager, u->staging, NULL);
        u->staging = mfree(u->staging);
        json_done(&LayerApplyReply_json, &u->reply);
}
