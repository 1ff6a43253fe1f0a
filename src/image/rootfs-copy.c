/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of a root file system becomes the content of another one: of an empty volume. */
#include "image/image-job.h"
#include "image/rootfs.h"
#include "image/worker-verbs.h"

#include "basic/fd-util.h"

static void on_copied(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);

        j->worker = NULL;
        image_job_finish(j, r, error);
}

static int start_worker(ImageJob *j, int root_fd, const char *path, int target_fd, Error *reterr) {
        return worker_start(j->manager->config.workers, &(WorkerRequest) {
                .verb = "tree-copy",
                .params_type = &TreeCopyParams_json,
                .params = &(const TreeCopyParams) { .path = (char *) path },
                .fds = (const int[]) { root_fd, target_fd },
                .n_fds = 2,
                .done = on_copied,
                .userdata = j,
        }, &j->worker, reterr);
}

int rootfs_copy_start(ImageManager *m, Image *image, const char *rw_dir, const char *path,
                      const char *target, const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr) {
        _cleanup_close_ int root_fd = -EBADF, target_fd = -EBADF;
        ImageJob *j;
        int r;

        target_fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (target_fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot open %s", target);
        r = rootfs_mount(m, image, rw_dir, &root_fd, reterr);
        if (r < 0)
                return r;
        j = image_job_new(m, handlers, -EBADF, reterr);
        if (!j)
                return -ENOMEM;
        r = start_worker(j, root_fd, path, target_fd, reterr);
        if (r < 0) {
                image_job_cancel(j);
                return r;
        }
        *ret = j;
        return 0;
}
