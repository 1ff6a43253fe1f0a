/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image-job.h"

#include "basic/fd-util.h"
#include "image/content.h"
#include "image/layer-store.h"

ImageJob *image_job_new(ImageManager *m, const ImageJobHandlers *handlers, int input_fd, Error *reterr) {
        ImageJob *j = new0(ImageJob, 1);

        if (!j) {
                error_fill(reterr, -ENOMEM);
                return NULL;
        }
        j->manager = m;
        j->input_fd = input_fd < 0 ? -EBADF : fcntl(input_fd, F_DUPFD_CLOEXEC, 3);
        if (handlers)
                j->handlers = *handlers;
        LIST_PREPEND(jobs, m->jobs, j);
        return j;
}

void image_job_clear_image(ImageJob *j) {
        json_done(&ImageRecord_json, &j->record);
        json_done(&OciImage_json, &j->config);
        j->config_text = mfree(j->config_text);
}

static void job_free(ImageJob *j) {
        ImageManager *m = j->manager;

        LIST_REMOVE(jobs, m->jobs, j);
        worker_cancel(j->worker);
        if (j->data_free)
                j->data_free(j, j->data);
        safe_close(j->input_fd);
        image_job_clear_image(j);
        free(j->image_id);
        free(j);
        if (!m->jobs && m->sweep_later) {
                m->sweep_later = false;
                layers_sweep(m, 0);
        }
}

ImageJob *image_job_cancel(ImageJob *j) {
        if (j)
                job_free(j);
        return NULL;
}

const char *image_job_image_id(const ImageJob *j) {
        return j->image_id;
}

void image_job_finish(ImageJob *j, int r, const Error *error) {
        _cleanup_error_ Error fallback = ERROR_NULL;

        if (r < 0 && !error_is_set(error)) {
                error_fill(&fallback, r);
                error = &fallback;
        }
        if (j->handlers.done)
                j->handlers.done(j, r, error, j->handlers.userdata);
        job_free(j);
}

void image_job_progress(ImageJob *j, const ProgressMessage *message) {
        _cleanup_free_ char *text = NULL;

        if (!j->handlers.progress)
                return;
        text = json_encode_text(&ProgressMessage_json, message, 0);
        if (text)
                j->handlers.progress(j, text, j->handlers.userdata);
}

int image_job_add_layer(ImageJob *j, const ImageLayer *layer, Error *reterr) {
        size_t n = j->record.layers.n_items;
        ImageLayer *items;

        items = reallocarray(j->record.layers.items, n + 1, sizeof(ImageLayer));
        if (!items)
                return error_fill(reterr, -ENOMEM);
        j->record.layers.items = items;
        items[n] = (ImageLayer) {};
        j->record.layers.n_items++;
        return json_copy(&ImageLayer_json, layer, items + n) < 0 ? error_fill(reterr, -ENOMEM) : 0;
}

/* --- the image --- */

int image_job_record(ImageJob *j, Image **ret, Error *reterr) {
        int r;

        r = content_put(j->manager, j->config_text, strlen(j->config_text), &j->record.id, reterr);
        if (r < 0)
                return r;
        free(j->record.config);
        j->record.config = TAKE_PTR(j->config_text);
        return image_add(j->manager, &j->record, ret, reterr);
}

int image_job_name(ImageJob *j, const char *repo, const char *tag, const Image *image, Error *reterr) {
        _cleanup_reference_ Reference ref = {};
        _cleanup_free_ char *name = NULL;
        int r;

        r = reference_parse(repo, &ref, reterr);
        if (r >= 0 && !isempty(tag))
                r = reference_set_tag(&ref, tag, reterr);
        if (r < 0)
                return r;
        if (reference_add_default_tag(&ref) < 0 || !(name = reference_to_string(&ref)))
                return error_fill(reterr, -ENOMEM);
        return image_set_name(j->manager, name, image->record.id, reterr);
}
