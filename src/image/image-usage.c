/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the disk a container's own layer takes. */
#include "image/image-job.h"
#include "image/worker-verbs.h"

#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "image/rootfs.h"

typedef void (*UsageDone)(ImageJob *job, int r, int64_t size, void *userdata);

typedef struct UsageData {
        UsageDone done;
} UsageData;

static void usage_free(ImageJob *j, void *data) {
        free(data);
}

static void on_usage(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        UsageReply reply = {};

        j->worker = NULL;
        if (r >= 0)
                r = json_decode(&UsageReply_json, result, 0, &reply, NULL);
        ((UsageData *) j->data)->done(j, r, (int64_t) reply.size, j->handlers.userdata);
        image_job_cancel(j);
}

int directory_usage_start(ImageManager *m, const char *directory,
                          void (*done)(ImageJob *job, int r, int64_t size, void *userdata), void *userdata,
                          ImageJob **ret, Error *reterr) {
        _cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        UsageData *data;
        ImageJob *j;
        int r;

        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot open %s", directory);
        j = image_job_new(m, &(ImageJobHandlers) { .userdata = userdata }, -EBADF, reterr);
        if (!j)
                return -ENOMEM;
        j->data_free = usage_free;
        j->data = data = new0(UsageData, 1);
        if (!data) {
                image_job_cancel(j);
                return error_fill(reterr, -ENOMEM);
        }
        data->done = done;
        r = worker_start(m->config.workers,
                         &(WorkerRequest){ .verb = "usage",
                                           .fds = &fd,
                                           .n_fds = 1,
                                           .done = on_usage,
                                           .userdata = j },
                         &j->worker, reterr);
        if (r < 0) {
                image_job_cancel(j);
                return r;
        }
        *ret = j;
        return 0;
}

int rootfs_usage_start(ImageManager *m, const char *rw_dir,
                       void (*done)(ImageJob *job, int r, int64_t size, void *userdata), void *userdata,
                       ImageJob **ret, Error *reterr) {
        _cleanup_free_ char *diff = path_join(rw_dir, "diff");

        if (!diff)
                return error_fill(reterr, -ENOMEM);
        return directory_usage_start(m, diff, done, userdata, ret, reterr);
}
