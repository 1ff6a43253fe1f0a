/* SPDX-License-Identifier: Apache-2.0 */
#include "image/rootfs-source.h"

#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/log.h"
#include "basic/path-util.h"
#include "image/image-job.h"
#include "image/rootfs.h"

void rootfs_source_done(RootfsSource *s) {
        s->layers_fd = safe_close(s->layers_fd);
        s->own_fd = safe_close(s->own_fd);
        json_done(&TreeParams_json, &s->params);
}

/* What a container made is read with care: through this mount no device is opened, no link followed, and no
 * time of access changed. */
static int open_read_only(const char *path) {
        struct mount_attr attr = {
                .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC |
                            MOUNT_ATTR_NOSYMFOLLOW,
        };
        _cleanup_close_ int fd = (int) syscall(SYS_open_tree, AT_FDCWD, path,
                                               OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

        if (fd < 0)
                return -errno;
        if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int rootfs_source_open(ImageManager *m, const Image *image, const char *rw_dir, RootfsSource *ret,
                       Error *reterr) {
        _cleanup_(rootfs_source_donep) RootfsSource s = ROOTFS_SOURCE_NULL;
        _cleanup_free_ char *diff = path_join(rw_dir, "diff");
        nsec_t copied = 0;
        int r;

        r = diff ? rootfs_layer_names(m, image, &s.params.layers, reterr) : -ENOMEM;
        if (r < 0)
                return error_fill(reterr, r);
        r = rootfs_is_copy(rw_dir, &copied);
        s.params.own_is_whole = r > 0;
        s.params.touched_since = copied;
        s.layers_fd = open_read_only(m->layers_dir);
        if (r == 0 || copied > 0)
                s.own_fd = open_read_only(diff);
        if (s.layers_fd < 0 || (s.own_fd < 0 && s.own_fd != -EBADF))
                return error_set_errnof(reterr, ERROR_INTERNAL, MIN(s.layers_fd, s.own_fd),
                                        "cannot open the root file system of a container");
        if (s.own_fd < 0)       /* not copied yet: it is as the image */
                s.params.own_is_whole = false;
        *ret = TAKE_GENERIC(s, RootfsSource, ROOTFS_SOURCE_NULL);
        return 0;
}

int rootfs_source_start(const RootfsSource *s, ImageJob *j, const char *verb, int output_fd,
                        void (*done)(Worker *w, int r, struct json_object *result, const Error *error,
                                     void *userdata),
                        Error *reterr) {
        return worker_start(j->manager->config.workers, &(WorkerRequest) {
                .verb = verb,
                .pace = s->pace,
                .params_type = &TreeParams_json,
                .params = &s->params,
                .fds = (const int[]) { output_fd, s->layers_fd, s->own_fd },
                .n_fds = s->own_fd >= 0 ? 3 : 2,
                .done = done,
                .userdata = j,
        }, &j->worker, reterr);
}

void tree_pack_log(struct json_object *result, const char *what) {
        _cleanup_(TreePackReply_donep) TreePackReply reply = {};
        _cleanup_free_ char *names = NULL;

        if (json_decode(&TreePackReply_json, result, 0, &reply, NULL) < 0 || reply.n_left_out == 0)
                return;
        names = strv_join(reply.left_out, ", ");
        log_warning("%" PRIu64 " files are not in %s (sockets, reserved names, too long paths): %s%s",
                    reply.n_left_out, what, strempty(names),
                    reply.n_left_out > strv_length(reply.left_out) ? ", ..." : "");
}

/* --- export, diff --- */

typedef struct ReadData {
        char *what;
} ReadData;

static void read_free(ImageJob *j, void *data) {
        ReadData *d = data;

        if (d)
                free(d->what);
        free(d);
}

static void on_read(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);

        j->worker = NULL;
        if (r >= 0)
                tree_pack_log(result, ((ReadData *) j->data)->what);
        image_job_finish(j, r, error);
}

static int start_read(ImageJob *j, const RootfsReadParams *p, const char *verb, int output_fd,
                      Error *reterr) {
        _cleanup_(rootfs_source_donep) RootfsSource s = ROOTFS_SOURCE_NULL;
        ReadData *d;
        int r;

        j->data_free = read_free;
        j->data = d = new0(ReadData, 1);
        if (!d || asprintf_safe(&d->what, "the archive of container %s", p->name) < 0)
                return error_fill(reterr, -ENOMEM);
        r = rootfs_source_open(j->manager, p->image, p->rw_dir, &s, reterr);
        s.params.difference = p->changes;
        s.pace = p->changes ? WORKER_PACE_LOCAL : WORKER_PACE_CLIENT;
        return r < 0 ? r : rootfs_source_start(&s, j, verb, output_fd, on_read, reterr);
}

int rootfs_read_start(ImageManager *m, const RootfsReadParams *p, int output_fd,
                      const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr) {
        ImageJob *j = image_job_new(m, handlers, -EBADF, reterr);
        int r;

        if (!j)
                return -ENOMEM;
        r = start_read(j, p, p->changes ? "tree-changes" : "tree-pack", output_fd, reterr);
        if (r < 0) {
                image_job_cancel(j);
                return r;
        }
        *ret = j;
        return 0;
}
