/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image-job.h"

#include <sys/stat.h>

#include "basic/digest.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "image/content.h"
#include "image/layer-format.h"
#include "image/layer-store.h"

#define LAYER_MODE 0755

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
        if (j->staging)
                (void) trash_directory(m, j->staging, NULL);
        safe_close(j->input_fd);
        image_job_clear_image(j);
        free(j->staging);
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

/* --- layers --- */

static int open_staging(ImageJob *j, bool keep_blob, int *ret_root, int *ret_blob, Error *reterr) {
        _cleanup_free_ char *diff = path_join(j->staging, "diff"), *blob = path_join(j->staging, "blob");
        _cleanup_close_ int root = -EBADF, file = -EBADF;

        if (!diff || !blob)
                return error_fill(reterr, -ENOMEM);
        if (mkdir(diff, LAYER_MODE) < 0 || (root = open(diff, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", diff);
        if (keep_blob && (file = open(blob, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", blob);
        *ret_root = TAKE_FD(root);
        *ret_blob = TAKE_FD(file);
        return 0;
}

int image_job_start_layer(ImageJob *j, int fd, bool keep_blob,
                          void (*done)(Worker *w, int r, struct json_object *result, const Error *error,
                                       void *userdata),
                          Error *reterr) {
        const LayerApplyParams p = {
                .format = (char *) layer_format_to_string(LAYER_FORMAT_OVERLAY),
                .tee = keep_blob,
        };
        _cleanup_close_ int root = -EBADF, blob = -EBADF;
        int r;

        j->staging = mfree(j->staging);
        r = make_staging(j->manager, &j->staging, reterr);
        if (r >= 0)
                r = open_staging(j, keep_blob, &root, &blob, reterr);
        if (r < 0)
                return r;
        return worker_start(j->manager->config.workers, &(WorkerRequest) {
                .verb = "layer-apply",
                .params_type = &LayerApplyParams_json,
                .params = &p,
                .fds = (const int[]) { fd, root, blob },
                .n_fds = keep_blob ? 3 : 2,
                .done = done,
                .userdata = j,
        }, &j->worker, reterr);
}

static int adopt_blob(ImageJob *j, const char *digest, Error *reterr) {
        _cleanup_free_ char *blob = path_join(j->staging, "blob");
        int r;

        if (!blob)
                return error_fill(reterr, -ENOMEM);
        if (access(blob, F_OK) < 0)
                return 0;
        r = content_adopt(j->manager, AT_FDCWD, blob, digest, reterr);
        if (r >= 0)
                (void) unlink(blob);
        return r;
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

/* What the blob of the layer is called in a manifest. */
static const char *media_type_of(const char *compression) {
        return streq(compression, "gzip") ? MEDIA_TYPE_OCI_LAYER "+gzip" :
               streq(compression, "zstd") ? MEDIA_TYPE_OCI_LAYER "+zstd" :
                                            MEDIA_TYPE_OCI_LAYER;
}

int image_job_finish_layer(ImageJob *j, const LayerApplyReply *reply, Error *reterr) {
        size_t n = j->record.layers.n_items;
        _cleanup_free_ char *chain = NULL;
        ImageLayer layer;
        int r;

        r = chain_id_next(n > 0 ? j->record.layers.items[n - 1].chain : NULL, reply->diff_id, &chain);
        if (r < 0)
                return error_fill(reterr, r);
        r = adopt_blob(j, reply->blob, reterr);
        if (r < 0)
                return r;
        layer = (ImageLayer) {
                .chain = chain,
                .size = (int64_t) reply->size,
                .blob = content_has(j->manager, reply->blob) ? reply->blob : NULL,
                .blob_size = (int64_t) reply->blob_size,
                .media_type = (char *) media_type_of(strempty(reply->compression)),
        };
        r = layer_commit(j->manager, j->staging, &layer, reterr);
        j->staging = mfree(j->staging);
        return r < 0 ? r : image_job_add_layer(j, &layer, reterr);
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
