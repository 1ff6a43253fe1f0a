/* SPDX-License-Identifier: Apache-2.0 */
/* `docker pull -a`: the tags of a repository, one pull after the other. */
#include "image/image-job.h"
#include "image/image-pull.h"

typedef struct TagsData {
        Reference reference;            /* without tag */
        RegistryAccess access;
        char *os, *architecture, *variant;
        unsigned max_downloads;
        RegistryTagsReply tags;
        size_t next;
        ImageJob *pull;                 /* of the tag in work */
} TagsData;

static void tags_free(ImageJob *j, void *data) {
        TagsData *d = data;

        if (!d)
                return;
        image_job_cancel(d->pull);
        reference_done(&d->reference);
        json_done(&RegistryAccess_json, &d->access);
        json_done(&RegistryTagsReply_json, &d->tags);
        free(d->os);
        free(d->architecture);
        free(d->variant);
        free(d);
}

static void pull_next(ImageJob *j);

static void on_progress(ImageJob *pull, const char *json, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);

        if (j->handlers.progress)
                j->handlers.progress(j, json, j->handlers.userdata);
}

static void on_pulled(ImageJob *pull, int r, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);

        ((TagsData *) j->data)->pull = NULL;
        if (r < 0)
                image_job_finish(j, r, error);
        else
                pull_next(j);
}

static int start_pull(ImageJob *j, const char *tag, Error *reterr) {
        const ImageJobHandlers handlers = { on_progress, on_pulled, j };
        _cleanup_reference_ Reference ref = {};
        TagsData *d = j->data;
        int r;

        r = reference_copy(&d->reference, &ref);
        if (r < 0)
                return error_fill(reterr, r);
        r = reference_set_tag(&ref, tag, reterr);
        if (r < 0)
                return r;
        return image_pull_start(j->manager, &(ImagePullParams) {
                .reference = &ref,
                .access = &d->access,
                .os = d->os,
                .architecture = d->architecture,
                .variant = d->variant,
                .max_downloads = d->max_downloads,
        }, &handlers, &d->pull, reterr);
}

static void pull_next(ImageJob *j) {
        _cleanup_error_ Error e = ERROR_NULL;
        TagsData *d = j->data;
        int r;

        if (d->next >= strv_length(d->tags.tags)) {
                image_job_finish(j, 0, NULL);
                return;
        }
        r = start_pull(j, d->tags.tags[d->next++], &e);
        if (r < 0)
                image_job_finish(j, r, &e);
}

static void on_tags(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;
        TagsData *d = j->data;

        j->worker = NULL;
        if (r < 0) {
                image_job_finish(j, r, error);
                return;
        }
        r = json_decode(&RegistryTagsReply_json, result, 0, &d->tags, &e);
        if (r < 0) {
                image_job_finish(j, r, &e);
                return;
        }
        d->access.first = d->tags.endpoint;
        pull_next(j);
}

static int start_tags(ImageJob *j, const ImagePullParams *p, Error *reterr) {
        TagsData *d = new0(TagsData, 1);

        j->data_free = tags_free;
        j->data = d;
        if (!d)
                return error_fill(reterr, -ENOMEM);
        d->max_downloads = p->max_downloads;
        d->os = strdup(strempty(p->os));
        d->architecture = strdup(strempty(p->architecture));
        d->variant = strdup(strempty(p->variant));
        if (!d->os || !d->architecture || !d->variant || reference_copy(p->reference, &d->reference) < 0 ||
            json_copy(&RegistryAccess_json, p->access, &d->access) < 0)
                return error_fill(reterr, -ENOMEM);
        return worker_start(j->manager->config.workers, &(WorkerRequest) {
                .verb = "registry-tags",
                .pace = WORKER_PACE_NETWORK,
                .params_type = &RegistryAccess_json,
                .params = &d->access,
                .done = on_tags,
                .userdata = j,
        }, &j->worker, reterr);
}

int image_pull_tags_start(ImageManager *m, const ImagePullParams *p, const ImageJobHandlers *handlers,
                          ImageJob **ret, Error *reterr) {
        ImageJob *j = image_job_new(m, handlers, -EBADF, reterr);
        int r;

        if (!j)
                return -ENOMEM;
        r = start_tags(j, p, reterr);
        if (r < 0) {
                image_job_cancel(j);
                return r;
        }
        *ret = j;
        return 0;
}
