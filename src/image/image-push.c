/* SPDX-License-Identifier: Apache-2.0 */
/* `docker push`: for each tag the config, then the layers side by side, then the manifest that names them.
 * The blobs are sent as they are in the content store, so an image that was pulled is pushed with the same
 * digest. */
#include "image/image-push.h"

#include <inttypes.h>
#include <stdio.h>

#include "basic/fd-util.h"
#include "basic/messages.h"
#include "image/content.h"
#include "image/image-job.h"
#include "image/image-manifest.h"
#include "image/image-platform.h"
#include "image/image-whole.h"
#include "image/pull-progress.h"

typedef struct PushLayer {
        ImageJob *job;          /* back-pointer */
        ImageLayer layer;       /* a copy: the image may be pulled meanwhile, packed in another way */
        Worker *worker;
        bool done;
        PullProgress progress;
} PushLayer;

typedef struct PushData {
        Reference repository;   /* without tag */
        RegistryAccess access;
        char *platform;
        unsigned max_uploads;
        char **tags;
        size_t next;            /* tag in work, plus one */
        Image *image;           /* of that tag, a reference */
        OciDescriptor manifest;
        PushLayer *layers;      /* each blob once */
        size_t n_layers;
} PushData;

static void push_next_tag(ImageJob *j);

static void clear_tag(PushData *d) {
        for (size_t i = 0; i < d->n_layers; i++) {
                worker_cancel(d->layers[i].worker);
                json_done(&ImageLayer_json, &d->layers[i].layer);
        }
        free(d->layers);
        d->layers = NULL;
        d->n_layers = 0;
        json_done(&OciDescriptor_json, &d->manifest);
        d->image = image_unref(d->image);
}

static void push_free(ImageJob *j, void *data) {
        PushData *d = data;

        if (!d)
                return;
        clear_tag(d);
        reference_done(&d->repository);
        json_done(&RegistryAccess_json, &d->access);
        strv_free(d->tags);
        free(d->platform);
        free(d);
}

static void layer_status(PushLayer *l, const char *status, int64_t current, int64_t total) {
        ProgressMessage message;

        if (pull_progress_set(&l->progress, status, current, total, &message))
                image_job_progress(l->job, &message);
}

/* A token and the endpoint that took it serve for what comes next. */
static int remember_session(PushData *d, uint64_t endpoint, const char *token, Error *reterr) {
        d->access.first = endpoint;
        return free_and_strdup(&d->access.token, token) < 0 ? error_fill(reterr, -ENOMEM) : 0;
}

/* Other repositories of the same registry that have the blob: it need not be sent again. */
static int mount_candidates(ImageJob *j, const char *blob, char ***ret) {
        PushData *d = j->data;
        _cleanup_strv_free_ char **l = NULL;
        ImageName *n;

        HASHMAP_FOREACH(n, j->manager->names) {
                _cleanup_reference_ Reference ref = {};
                const Image *image = image_manager_get(j->manager, n->id);

                if (!image || reference_parse(n->name, &ref, NULL) < 0 ||
                    !streq(ref.domain, d->repository.domain) || streq(ref.path, d->repository.path) ||
                    strv_contains(l, ref.path))
                        continue;
                if (image_record_has_blob(&image->record, blob) && strv_extend(&l, ref.path) < 0)
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(l);
        return 0;
}

static int start_blob(ImageJob *j, const char *digest, int64_t size, const WorkerRequest *handlers,
                      Worker **ret, Error *reterr) {
        PushData *d = j->data;
        _cleanup_strv_free_ char **from = NULL;
        _cleanup_close_ int fd = content_open(j->manager, digest);
        WorkerRequest request = *handlers;

        if (fd < 0)
                return content_missing(fd, digest, reterr);
        if (mount_candidates(j, digest, &from) < 0)
                return error_fill(reterr, -ENOMEM);
        const RegistryPushBlobParams params = {
                .access = d->access, .digest = (char *) digest, .size = (uint64_t) size, .mount_from = from,
        };
        request.verb = "registry-push-blob";
        request.pace = WORKER_PACE_NETWORK;
        request.params_type = &RegistryPushBlobParams_json;
        request.params = &params;
        request.fds = &fd;
        request.n_fds = 1;
        return worker_start(j->manager->config.workers, &request, ret, reterr);
}

/* --- the manifest --- */

static void report_pushed(ImageJob *j, const RegistryPushManifestReply *reply) {
        PushData *d = j->data;
        _cleanup_free_ char *status = NULL;
        PushResult result = {
                .tag = d->tags[d->next - 1],
                .digest = reply->digest,
                .size = (int64_t) reply->size,
        };

        if (asprintf_safe(&status, "%s: digest: %s size: %" PRIu64, result.tag, reply->digest,
                          reply->size) >= 0)
                image_job_progress(j, &(ProgressMessage) { .status = status });
        image_job_progress(j, &(ProgressMessage){ .progress_detail = &(ProgressDetail){}, .aux = &result });
}

/* What was pushed is now known by its digest as well. */
static int note_pushed(ImageJob *j, const RegistryPushManifestReply *reply, Error *reterr) {
        PushData *d = j->data;
        _cleanup_free_ char *repository = reference_name(&d->repository), *name = NULL, *familiar = NULL;

        if (!repository || !(name = strjoin(repository, "@", reply->digest)) ||
            !(familiar = reference_familiar_name(&d->repository)))
                return error_fill(reterr, -ENOMEM);
        report_pushed(j, reply);
        image_event(j->manager, "push", MESSAGE_IMAGE_PUSH_STR, d->image, familiar);
        return d->image->manager ? image_set_name(j->manager, name, d->image->record.id, reterr) : 0;
}

static void on_manifest(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        _cleanup_(RegistryPushManifestReply_donep) RegistryPushManifestReply reply = {};
        _cleanup_error_ Error e = ERROR_NULL;

        j->worker = NULL;
        if (r < 0) {
                image_job_finish(j, r, error);
                return;
        }
        r = json_decode(&RegistryPushManifestReply_json, result, 0, &reply, &e);
        if (r >= 0)
                r = note_pushed(j, &reply, &e);
        if (r < 0)
                image_job_finish(j, r, &e);
        else
                push_next_tag(j);
}

static int start_manifest(ImageJob *j, Error *reterr) {
        PushData *d = j->data;
        _cleanup_close_ int fd = content_open(j->manager, d->manifest.digest);
        RegistryPushManifestParams params = {
                .access = d->access, .tag = d->tags[d->next - 1], .media_type = d->manifest.media_type,
        };

        if (fd < 0)
                return content_missing(fd, d->manifest.digest, reterr);
        return worker_start(j->manager->config.workers, &(WorkerRequest) {
                .verb = "registry-push-manifest",
                .pace = WORKER_PACE_NETWORK,
                .params_type = &RegistryPushManifestParams_json,
                .params = &params,
                .fds = &fd,
                .n_fds = 1,
                .done = on_manifest,
                .userdata = j,
        }, &j->worker, reterr);
}

/* --- layers --- */

static void push_step(ImageJob *j);

static void report_layer(PushLayer *l, const RegistryPushBlobReply *reply) {
        _cleanup_free_ char *mounted = NULL;

        if (reply->existed)
                layer_status(l, "Layer already exists", 0, 0);
        else if (isempty(reply->mounted_from))
                layer_status(l, "Pushed", 0, 0);
        else if ((mounted = strjoin("Mounted from ", reply->mounted_from)))
                layer_status(l, mounted, 0, 0);
}

static void on_layer(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        PushLayer *l = ASSERT_PTR(userdata);
        ImageJob *j = l->job;
        _cleanup_(RegistryPushBlobReply_donep) RegistryPushBlobReply reply = {};
        _cleanup_error_ Error e = ERROR_NULL;

        l->worker = NULL;
        if (r < 0) {
                image_job_finish(j, r, error);
                return;
        }
        r = json_decode(&RegistryPushBlobReply_json, result, 0, &reply, &e);
        if (r < 0) {
                image_job_finish(j, r, &e);
                return;
        }
        l->done = true;
        report_layer(l, &reply);
        push_step(j);
}

static void on_layer_progress(Worker *w, struct json_object *progress, void *userdata) {
        PushLayer *l = ASSERT_PTR(userdata);
        _cleanup_(RegistryProgress_donep) RegistryProgress p = {};

        if (json_decode(&RegistryProgress_json, progress, 0, &p, NULL) >= 0 && isempty(p.retry))
                layer_status(l, "Pushing", (int64_t) p.current, l->layer.blob_size);
}

static int start_layers(ImageJob *j, Error *reterr) {
        PushData *d = j->data;
        unsigned n_busy = 0;
        int r = 0;

        for (size_t i = 0; i < d->n_layers; i++)
                n_busy += d->layers[i].worker != NULL;
        for (size_t i = 0; i < d->n_layers && n_busy < d->max_uploads && r >= 0; i++) {
                PushLayer *l = d->layers + i;
                const WorkerRequest handlers = { .progress = on_layer_progress,
                                                 .done = on_layer,
                                                 .userdata = l };

                if (l->done || l->worker)
                        continue;
                r = start_blob(j, l->layer.blob, l->layer.blob_size, &handlers, &l->worker, reterr);
                n_busy++;
        }
        return r;
}

static void push_step(ImageJob *j) {
        _cleanup_error_ Error e = ERROR_NULL;
        PushData *d = j->data;
        bool all = true;
        int r;

        for (size_t i = 0; i < d->n_layers; i++)
                all = all && d->layers[i].done;
        r = all ? start_manifest(j, &e) : start_layers(j, &e);
        if (r < 0)
                image_job_finish(j, r, &e);
}

static bool has_blob(const PushData *d, const char *blob) {
        for (size_t i = 0; i < d->n_layers; i++)
                if (streq(d->layers[i].layer.blob, blob))
                        return true;
        return false;
}

/* id: shown of it. A blob that is there twice is sent once. */
static int add_layer(ImageJob *j, const char *id, const ImageLayer *layer) {
        PushData *d = j->data;
        PushLayer *l = d->layers + d->n_layers;

        if (has_blob(d, layer->blob))
                return 0;
        l->job = j;
        pull_progress_init(&l->progress, id);
        d->n_layers++;
        return json_copy(&ImageLayer_json, layer, &l->layer);
}

static int add_layers_of_image(ImageJob *j, Error *reterr) {
        const Image *image = ((PushData *) j->data)->image;

        for (size_t i = 0; i < image->record.layers.n_items; i++) {
                const ImageLayer *layer = image->record.layers.items + i;

                if (!layer->blob)
                        return error_setf(reterr, ERROR_INTERNAL,
                                          "layer %s of image %s is not here as an archive, pull it again",
                                          layer->chain, image->record.id);
                if (add_layer(j, image->document.rootfs.diff_ids[i], layer) < 0)
                        return error_fill(reterr, -ENOMEM);
        }
        return 0;
}

/* Their config is the first one, and goes before. */
static int add_blobs_of_artifact(ImageJob *j) {
        const OciDescriptorList *blobs = &((PushData *) j->data)->image->record.blobs;
        int r = 0;

        for (size_t i = 1; i < blobs->n_items && r >= 0; i++) {
                const OciDescriptor *b = blobs->items + i;

                r = add_layer(j, b->digest, &(const ImageLayer) {
                        .chain = (char *) "",
                        .blob = b->digest,
                        .blob_size = b->size,
                        .media_type = b->media_type,
                });
        }
        return r;
}

static int make_layers(ImageJob *j, Error *reterr) {
        PushData *d = j->data;
        const ImageRecord *record = &d->image->record;

        d->layers = new0(PushLayer, record->layers.n_items + record->blobs.n_items + 1);
        if (!d->layers || add_blobs_of_artifact(j) < 0)
                return error_fill(reterr, -ENOMEM);
        return add_layers_of_image(j, reterr);
}

static void announce(ImageJob *j) {
        PushData *d = j->data;
        _cleanup_free_ char *name = reference_name(&d->repository), *status = NULL;

        if (d->next == 1 && name && asprintf_safe(&status, "The push refers to repository [%s]", name) >= 0)
                image_job_progress(j, &(ProgressMessage) { .status = status });
        for (size_t i = 0; i < d->n_layers; i++)
                layer_status(d->layers + i, "Preparing", 0, 0);
}

/* The config goes first: it is small, and finds out who answers and with which token. */
static void on_config(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        _cleanup_(RegistryPushBlobReply_donep) RegistryPushBlobReply reply = {};
        _cleanup_error_ Error e = ERROR_NULL;

        j->worker = NULL;
        if (r < 0) {
                image_job_finish(j, r, error);
                return;
        }
        r = json_decode(&RegistryPushBlobReply_json, result, 0, &reply, &e);
        if (r >= 0)
                r = remember_session(j->data, reply.endpoint, reply.token, &e);
        if (r < 0) {
                image_job_finish(j, r, &e);
                return;
        }
        announce(j);
        push_step(j);
}

/* --- tags --- */

static int start_config(ImageJob *j, Error *reterr) {
        const WorkerRequest handlers = { .done = on_config, .userdata = j };
        const ImageRecord *record = &((PushData *) j->data)->image->record;
        const OciDescriptor *own = record->blobs.items;

        if (own)
                return start_blob(j, own->digest, own->size, &handlers, &j->worker, reterr);
        return start_blob(j, record->id, (int64_t) strlen(record->config), &handlers, &j->worker, reterr);
}

static int start_tag(ImageJob *j, const char *tag, Error *reterr) {
        PushData *d = j->data;
        _cleanup_free_ char *repository = reference_name(&d->repository), *name = NULL;
        ImageName *n;
        int r;

        if (!repository || !(name = strjoin(repository, ":", tag)))
                return error_fill(reterr, -ENOMEM);
        n = hashmap_get(j->manager->names, name);
        d->image = n ? image_ref(image_manager_get(j->manager, n->id)) : NULL;
        if (!d->image)
                return error_setf(reterr, ERROR_NOT_FOUND, "tag does not exist: %s", name);
        r = image_check_platform(d->image, name, d->platform, reterr);
        if (r >= 0)
                r = image_manifest(j->manager, d->image, &d->manifest, reterr);
        if (r >= 0)
                r = make_layers(j, reterr);
        return r < 0 ? r : start_config(j, reterr);
}

static void push_next_tag(ImageJob *j) {
        _cleanup_error_ Error e = ERROR_NULL;
        PushData *d = j->data;
        int r;

        clear_tag(d);
        if (d->next >= strv_length(d->tags)) {
                image_job_finish(j, 0, NULL);
                return;
        }
        r = start_tag(j, d->tags[d->next++], &e);
        if (r < 0)
                image_job_finish(j, r, &e);
}

static int collect_tags(ImageJob *j, const Reference *wanted, Error *reterr) {
        PushData *d = j->data;
        _cleanup_free_ char *familiar = reference_familiar_name(wanted);
        ImageName *n;

        if (!familiar)
                return error_fill(reterr, -ENOMEM);
        HASHMAP_FOREACH(n, j->manager->names) {
                _cleanup_reference_ Reference ref = {};

                if (reference_parse(n->name, &ref, NULL) < 0 || !ref.tag ||
                    !reference_same_repository(&ref, wanted))
                        continue;
                if ((!wanted->tag || streq(wanted->tag, ref.tag)) && strv_extend(&d->tags, ref.tag) < 0)
                        return error_fill(reterr, -ENOMEM);
        }
        strv_sort(d->tags);
        if (!strv_isempty(d->tags))
                return 0;
        if (wanted->tag)
                return error_setf(reterr, ERROR_NOT_FOUND, "tag does not exist: %s:%s", familiar,
                                  wanted->tag);
        return error_setf(reterr, ERROR_NOT_FOUND, "An image does not exist locally with the tag: %s",
                          familiar);
}

static int begin(ImageJob *j, const ImagePushParams *p, Error *reterr) {
        PushData *d = new0(PushData, 1);
        int r;

        j->data_free = push_free;
        j->data = d;
        if (!d || !(d->platform = strdup(strempty(p->platform))) ||
            reference_copy(p->reference, &d->repository) < 0 ||
            json_copy(&RegistryAccess_json, p->access, &d->access) < 0)
                return error_fill(reterr, -ENOMEM);
        d->repository.tag = mfree(d->repository.tag);
        d->max_uploads = p->max_uploads ?: PUSH_UPLOADS_DEFAULT;
        r = collect_tags(j, p->reference, reterr);
        if (r < 0)
                return r;
        return start_tag(j, d->tags[d->next++], reterr);
}

int image_push_start(ImageManager *m, const ImagePushParams *params, const ImageJobHandlers *handlers,
                     ImageJob **ret, Error *reterr) {
        ImageJob *j;
        int r;

        if (params->reference->digest)
                return error_setf(reterr, ERROR_INVALID, "cannot push a digest reference");
        j = image_job_new(m, handlers, -EBADF, reterr);
        if (!j)
                return -ENOMEM;
        r = begin(j, params, reterr);
        if (r < 0) {
                image_job_cancel(j);
                return r;
        }
        *ret = j;
        return 0;
}
