/* SPDX-License-Identifier: Apache-2.0 */
/* `docker pull`: one shared piece of work for all clients that want the same image. The documents come
 * first; then each layer is downloaded and unpacked at the same time, several layers at once, in any order.
 * A layer that is done is kept, so an interrupted pull goes on where it was. */
#include <inttypes.h>
#include <stdio.h>

#include "basic/crash-point.h"
#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/messages.h"
#include "basic/path-util.h"
#include "image/content.h"
#include "image/image-job.h"
#include "image/image-pull.h"
#include "image/layer-store.h"
#include "image/layer-unpack.h"
#include "image/pull-progress.h"

#define DOCUMENT_MODE 0600
#define PIPE_SIZE (1024 * 1024)

typedef enum LayerState {
        LAYER_PENDING,
        LAYER_BUSY,             /* its workers run */
        LAYER_DONE,
} LayerState;

typedef struct PullLayer {
        Pull *pull;             /* back-pointer */
        const OciDescriptor *descriptor;
        const char *diff_id;    /* what the config says it unpacks to */
        const char *parent;     /* chain of the layer below; NULL = none */
        char *chain;
        LayerState state;
        Worker *fetch;
        LayerUnpack unpack;
        char *ingest;           /* path of the file the blob is downloaded to; NULL = it was there */
        ImageLayer layer;       /* once it is done */
        PullProgress progress;
        int result;             /* of the workers, the download's counting more */
        Error error;
} PullLayer;

struct Pull {
        ImageManager *manager;
        char *key;              /* equal for what may share the work */
        Reference reference;
        RegistryAccess access;
        char *os, *architecture, *variant;
        unsigned max_downloads;
        ImageJob **clients;
        size_t n_clients;

        char *documents;        /* directory with index, manifest and config */
        Worker *resolve;
        RegistryResolveReply resolved;
        char *config_text;
        OciImage config;
        PullLayer *layers;
        size_t n_layers;
        LIST_FIELDS(Pull, pulls);
};

static void pull_step(Pull *p);

/* --- birth and end --- */

static void layer_done(PullLayer *l) {
        worker_cancel(l->fetch);
        layer_unpack_done(&l->unpack);
        free(l->chain);
        free(l->ingest);
        json_done(&ImageLayer_json, &l->layer);
        error_done(&l->error);
}

static void pull_free(Pull *p) {
        LIST_REMOVE(pulls, p->manager->pulls, p);
        worker_cancel(p->resolve);
        for (size_t i = 0; i < p->n_layers; i++)
                layer_done(p->layers + i);
        if (p->documents)
                (void) trash_directory(p->manager, p->documents, NULL);
        free(p->documents);
        free(p->layers);
        reference_done(&p->reference);
        json_done(&RegistryAccess_json, &p->access);
        json_done(&RegistryResolveReply_json, &p->resolved);
        json_done(&OciImage_json, &p->config);
        free(p->config_text);
        free(p->os);
        free(p->architecture);
        free(p->variant);
        free(p->clients);
        free(p->key);
        free(p);
}

static int on_step(sd_event_source *s, void *userdata) {
        ImageManager *m = ASSERT_PTR(userdata);

        LIST_FOREACH(pulls, p, m->pulls)
                pull_step(p);
        return 0;
}

/* Those who wait for a blob that this pull was loading go on; from the loop, since each may end. */
static void step_others(ImageManager *m) {
        if (!m->pull_source && sd_event_add_defer(m->config.event, &m->pull_source, on_step, m) < 0)
                return;
        (void) sd_event_source_set_enabled(m->pull_source, SD_EVENT_ONESHOT);
}

/* As data_free of a client's job. */
static void client_leave(ImageJob *j, void *data) {
        Pull *p = data;
        ImageManager *m;

        if (!p)
                return;
        for (size_t i = 0; i < p->n_clients; i++)
                if (p->clients[i] == j)
                        p->clients[i] = p->clients[--p->n_clients];
        if (p->n_clients > 0)
                return;
        m = p->manager;
        pull_free(p);
        step_others(m);
}

/* Each client's job ends; with the last one the pull does. */
static void pull_end(Pull *p, int r, const Error *error) {
        while (p->n_clients > 1)
                image_job_finish(p->clients[0], r, error);
        image_job_finish(p->clients[0], r, error);
}

static void broadcast(Pull *p, const ProgressMessage *message) {
        for (size_t i = 0; i < p->n_clients; i++)
                image_job_progress(p->clients[i], message);
}

static void broadcastf(Pull *p, const char *id, const char *format, ...) _printf_(3, 4);
static void broadcastf(Pull *p, const char *id, const char *format, ...) {
        _cleanup_free_ char *status = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&status, format, ap) < 0)
                status = NULL;
        va_end(ap);
        broadcast(p, &(ProgressMessage) { .status = status, .id = (char *) id });
}

static void layer_status(PullLayer *l, const char *status, int64_t current, int64_t total) {
        ProgressMessage message;

        if (pull_progress_set(&l->progress, status, current, total, &message))
                broadcast(l->pull, &message);
}

/* --- the image, once all layers are there --- */

static int adopt_document(Pull *p, const char *name, const char *digest, Error *reterr) {
        _cleanup_free_ char *path = path_join(p->documents, name);

        return path ? content_adopt(p->manager, AT_FDCWD, path, digest, reterr) :
                      error_fill(reterr, -ENOMEM);
}

static int adopt_documents(Pull *p, Error *reterr) {
        const RegistryResolveReply *d = &p->resolved;
        int r;

        r = adopt_document(p, "config", d->config.digest, reterr);
        if (r >= 0)
                r = adopt_document(p, "manifest", d->manifest.digest, reterr);
        if (r >= 0 && !streq(d->target.digest, d->manifest.digest))
                r = adopt_document(p, "index", d->target.digest, reterr);
        return r;
}

static int fill_record(Pull *p, ImageRecord *record) {
        record->id = strdup(p->resolved.config.digest);
        record->config = strdup(p->config_text);
        record->manifest = strdup(p->resolved.manifest.digest);
        record->target = strdup(p->resolved.target.digest);
        record->layers.items = new0(ImageLayer, p->n_layers ?: 1);
        if (!record->id || !record->config || !record->manifest || !record->target || !record->layers.items)
                return -ENOMEM;
        for (size_t i = 0; i < p->n_layers; i++)
                if (json_copy(&ImageLayer_json, &p->layers[i].layer,
                              record->layers.items + record->layers.n_items++) < 0)
                        return -ENOMEM;
        return 0;
}

/* "repository@digest" always, "repository:tag" where a tag was asked for. *ret_new: the name is new or led
 * elsewhere before. */
static int name_image(Pull *p, const Image *image, bool *ret_new, Error *reterr) {
        _cleanup_free_ char *repository = reference_name(&p->reference), *by_digest = NULL, *by_tag = NULL;
        const ImageName *had;
        const char *name;
        int r;

        if (!repository || !(by_digest = strjoin(repository, "@", p->resolved.target.digest)) ||
            (p->reference.tag && !p->reference.digest &&
             !(by_tag = strjoin(repository, ":", p->reference.tag))))
                return error_fill(reterr, -ENOMEM);
        name = by_tag ?: by_digest;
        had = hashmap_get(p->manager->names, name);
        *ret_new = !had || !streq(had->id, image->record.id);
        r = image_set_name(p->manager, by_digest, image->record.id, reterr);
        return r >= 0 && by_tag ? image_set_name(p->manager, by_tag, image->record.id, reterr) : r;
}

static int finish_image(Pull *p, Error *reterr) {
        _cleanup_free_ char *familiar = reference_familiar_string(&p->reference);
        ImageRecord record = {};
        Image *image;
        bool is_new = false;
        int r;

        r = adopt_documents(p, reterr);
        if (r >= 0)
                r = fill_record(p, &record) < 0 || !familiar ?
                                    error_fill(reterr, -ENOMEM) :
                                    image_add(p->manager, &record, &image, reterr);
        json_done(&ImageRecord_json, &record);
        if (r >= 0)
                r = name_image(p, image, &is_new, reterr);
        if (r < 0)
                return r;
        image_event(p->manager, "pull", MESSAGE_IMAGE_PULL_STR, image, familiar);
        broadcastf(p, NULL, "Digest: %s", p->resolved.target.digest);
        broadcastf(p, NULL, "Status: %s for %s", is_new ? "Downloaded newer image" : "Image is up to date",
                   familiar);
        return 0;
}

/* --- one layer --- */

static int keep_blob(PullLayer *l, Error *reterr) {
        int r;

        if (!l->ingest)
                return 0;
        r = content_adopt(l->pull->manager, AT_FDCWD, l->ingest, l->descriptor->digest, reterr);
        if (r >= 0)
                (void) unlink(l->ingest);
        return r;
}

static int finish_layer(PullLayer *l, Error *reterr) {
        const LayerApplyReply *reply = &l->unpack.reply;
        const OciDescriptor *d = l->descriptor;
        int r;

        if (!streq_ptr(reply->blob, d->digest))
                return error_setf(reterr, ERROR_INVALID, "layer %s was unpacked from %s", d->digest,
                                  strnull(reply->blob));
        if (!streq_ptr(reply->diff_id, l->diff_id))
                return error_setf(reterr, ERROR_INVALID,
                                  "layer %s unpacks to %s, but the image's config says %s", d->digest,
                                  strnull(reply->diff_id), l->diff_id);
        r = keep_blob(l, reterr);
        return r < 0 ? r :
                       layer_unpack_commit(&l->unpack, l->parent, strempty(d->media_type), &l->layer,
                                           reterr);
}

/* Once both workers have ended. */
static void layer_step(PullLayer *l) {
        Pull *p = l->pull;
        ImageManager *m = p->manager;
        int r;

        if (l->fetch || l->unpack.worker)
                return;
        r = l->result < 0 ? l->result : finish_layer(l, &l->error);
        if (r < 0) {
                pull_end(p, r, &l->error);
                return;
        }
        l->state = LAYER_DONE;
        layer_status(l, "Pull complete", 0, 0);
        pull_step(p);
        step_others(m);
}

/* The unpacker that loses its input fails as well, and a download whose unpacker failed is cancelled: the
 * other one's error tells why. */
static void note_result(PullLayer *l, int r, const Error *error, bool counts) {
        if (r >= 0 || (l->result < 0 && !counts))
                return;
        l->result = r;
        error_done(&l->error);
        (void) error_copy(&l->error, error);
}

static void on_unpacked(LayerUnpack *u, int r, const Error *error, void *userdata) {
        PullLayer *l = ASSERT_PTR(userdata);

        note_result(l, r, error, l->result < 0 && l->error.kind == ERROR_CANCELLED);
        layer_step(l);
}

static void on_unpack_progress(LayerUnpack *u, uint64_t current, void *userdata) {
        PullLayer *l = ASSERT_PTR(userdata);

        if (!l->fetch)
                layer_status(l, "Extracting", (int64_t) current, l->descriptor->size);
}

static void on_fetched(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        PullLayer *l = ASSERT_PTR(userdata);

        l->fetch = NULL;
        note_result(l, r, error, r < 0 && error->kind != ERROR_CANCELLED);
        if (r >= 0)
                layer_status(l, "Download complete", 0, 0);
        layer_step(l);
}

static void on_fetch_progress(Worker *w, struct json_object *progress, void *userdata) {
        PullLayer *l = ASSERT_PTR(userdata);
        _cleanup_(RegistryProgress_donep) RegistryProgress p = {};
        _cleanup_free_ char *text = NULL;

        if (json_decode(&RegistryProgress_json, progress, 0, &p, NULL) < 0)
                return;
        if (isempty(p.retry))
                layer_status(l, "Downloading", (int64_t) p.current, l->descriptor->size);
        else if (asprintf_safe(&text, "Retrying in %" PRIu64 " second%s", p.seconds,
                               p.seconds == 1 ? "" : "s") >= 0)
                layer_status(l, text, 0, 0);
}

static int start_fetch(PullLayer *l, int ingest_fd, int pipe_fd, Error *reterr) {
        const OciDescriptor *d = l->descriptor;
        RegistryFetchParams params = {
                .access = l->pull->access,
                .digest = d->digest,
                .size = (uint64_t) d->size,
                .tee = true,
        };

        return worker_start(l->pull->manager->config.workers, &(WorkerRequest) {
                .verb = "registry-fetch-blob",
                .params_type = &RegistryFetchParams_json,
                .params = &params,
                .fds = (const int[]) { ingest_fd, pipe_fd },
                .n_fds = 2,
                .progress = on_fetch_progress,
                .done = on_fetched,
                .userdata = l,
        }, &l->fetch, reterr);
}

static int start_download(PullLayer *l, Error *reterr) {
        _cleanup_close_pair_ int fds[2] = { -EBADF, -EBADF };
        _cleanup_close_ int ingest = -EBADF;
        int r;

        ingest = content_ingest_open(l->pull->manager, l->descriptor->digest, &l->ingest, reterr);
        if (ingest < 0)
                return ingest;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return error_fill(reterr, -errno);
        (void) fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE);
        /* In this order: where workers must queue, no download waits for its unpacker. */
        r = layer_unpack_start(&l->unpack, fds[0], false, reterr);
        return r < 0 ? r : start_fetch(l, ingest, fds[1], reterr);
}

static int start_layer(PullLayer *l, Error *reterr) {
        _cleanup_close_ int blob = content_open(l->pull->manager, l->descriptor->digest);

        l->state = LAYER_BUSY;
        if (blob < 0)
                return start_download(l, reterr);
        layer_status(l, "Download complete", 0, 0);
        return layer_unpack_start(&l->unpack, blob, false, reterr);
}

/* --- all layers --- */

static bool blob_is_busy(ImageManager *m, const char *digest) {
        LIST_FOREACH(pulls, p, m->pulls)
                for (size_t i = 0; i < p->n_layers; i++)
                        if (p->layers[i].state == LAYER_BUSY &&
                            streq(p->layers[i].descriptor->digest, digest))
                                return true;
        return false;
}

/* Whether the layer was in place already, from another image or an earlier try. One that was packed in
 * another way is not taken: the image could not be saved or pushed with its own digest. */
static int take_existing(PullLayer *l) {
        int r;

        r = layer_load(l->pull->manager, l->chain, l->descriptor->digest, &l->layer);
        if (r > 0)
                l->state = LAYER_DONE;
        return r;
}

static unsigned count_layers(const Pull *p, LayerState state) {
        unsigned n = 0;

        for (size_t i = 0; i < p->n_layers; i++)
                n += p->layers[i].state == state;
        return n;
}

/* Starts what can be started. */
static int start_layers(Pull *p, Error *reterr) {
        for (size_t i = 0; i < p->n_layers; i++) {
                PullLayer *l = p->layers + i;
                int r;

                if (l->state != LAYER_PENDING || blob_is_busy(p->manager, l->descriptor->digest))
                        continue;
                r = take_existing(l);
                if (r > 0)
                        layer_status(l, "Already exists", 0, 0);
                else if (r < 0)
                        return error_fill(reterr, r);
                else if (count_layers(p, LAYER_BUSY) < p->max_downloads) {
                        r = start_layer(l, reterr);
                        if (r < 0)
                                return r;
                } else
                        layer_status(l, "Waiting", 0, 0);
        }
        return 0;
}

static void pull_step(Pull *p) {
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        if (!p->layers)
                return;                 /* the documents are not here yet */
        r = start_layers(p, &e);
        if (r >= 0 && count_layers(p, LAYER_DONE) < p->n_layers)
                return;
        if (r >= 0)
                r = finish_image(p, &e);
        pull_end(p, r, &e);
}

/* --- the documents --- */

static int read_config(Pull *p, Error *reterr) {
        _cleanup_free_ char *path = path_join(p->documents, "config");
        size_t size;
        int r;

        r = path ? read_file_at(AT_FDCWD, path, REGISTRY_DOCUMENT_MAX, &p->config_text, &size) : -ENOMEM;
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot read the image's config");
        r = json_decode_text(&OciImage_json, p->config_text, size, 0, &p->config, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "the image's config");
        if (strv_length(p->config.rootfs.diff_ids) != p->resolved.layers.n_items)
                return error_setf(reterr, ERROR_INVALID,
                                  "the image's manifest has %zu layers, its config %zu",
                                  p->resolved.layers.n_items, strv_length(p->config.rootfs.diff_ids));
        return 0;
}

static int make_layers(Pull *p, Error *reterr) {
        size_t n = p->resolved.layers.n_items;
        int r;

        p->layers = new0(PullLayer, n ?: 1);
        if (!p->layers)
                return error_fill(reterr, -ENOMEM);
        for (size_t i = 0; i < n; i++) {
                PullLayer *l = p->layers + p->n_layers++;

                *l = (PullLayer) {
                        .pull = p,
                        .descriptor = p->resolved.layers.items + i,
                        .diff_id = p->config.rootfs.diff_ids[i],
                        .parent = i > 0 ? l[-1].chain : NULL,
                        .error = ERROR_NULL,
                        .unpack = {
                                .manager = p->manager,
                                .progress = on_unpack_progress,
                                .done = on_unpacked,
                                .userdata = l,
                        },
                };
                pull_progress_init(&l->progress, l->descriptor->digest);
                r = chain_id_next(l->parent, l->diff_id, &l->chain);
                if (r < 0)
                        return error_setf(reterr, ERROR_INVALID, "%s is no digest of a layer", l->diff_id);
        }
        return 0;
}

/* Docker says nothing of the layers of an image that it has as a whole. */
static int take_existing_layers(Pull *p, Error *reterr) {
        bool whole = image_manager_get(p->manager, p->resolved.config.digest);

        for (size_t i = 0; i < p->n_layers; i++) {
                int r = take_existing(p->layers + i);

                if (r < 0)
                        return error_fill(reterr, r);
                if (r > 0 && !whole)
                        layer_status(p->layers + i, "Already exists", 0, 0);
        }
        return 0;
}

static int begin_layers(Pull *p, Error *reterr) {
        _cleanup_free_ char *full = reference_to_string(&p->reference);
        int r;

        broadcastf(p, p->reference.digest ? full : p->reference.tag, "Pulling from %s", p->reference.path);
        r = read_config(p, reterr);
        if (r >= 0)
                r = make_layers(p, reterr);
        if (r >= 0)
                r = take_existing_layers(p, reterr);
        for (size_t i = 0; i < p->n_layers && r >= 0; i++)
                if (p->layers[i].state == LAYER_PENDING)
                        layer_status(p->layers + i, "Pulling fs layer", 0, 0);
        return r;
}

static void on_resolved(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        Pull *p = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;

        p->resolve = NULL;
        if (r < 0) {
                pull_end(p, r, error);
                return;
        }
        r = json_decode(&RegistryResolveReply_json, result, 0, &p->resolved, &e);
        if (r >= 0 && (free_and_strdup(&p->access.token, p->resolved.token) < 0))
                r = error_fill(&e, -ENOMEM);
        p->access.first = p->resolved.endpoint;
        crash_point("pull:resolved");
        if (r >= 0)
                r = begin_layers(p, &e);
        if (r < 0)
                pull_end(p, r, &e);
        else
                pull_step(p);
}

static int open_documents(Pull *p, int fds[static 3], Error *reterr) {
        static const char *const names[] = { "index", "manifest", "config" };
        int r;

        r = make_staging(p->manager, &p->documents, reterr);
        for (size_t i = 0; i < ELEMENTSOF(names) && r >= 0; i++) {
                _cleanup_free_ char *path = path_join(p->documents, names[i]);

                fds[i] = path ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, DOCUMENT_MODE) : -1;
                if (fds[i] < 0)
                        r = error_set_errnof(reterr, ERROR_INTERNAL, path ? -errno : -ENOMEM,
                                             "cannot make a file below %s", p->documents);
        }
        return r;
}

static int start_resolve(Pull *p, Error *reterr) {
        RegistryResolveParams params = {
                .access = p->access,
                .tag = p->reference.tag,
                .digest = p->reference.digest,
                .os = p->os,
                .architecture = p->architecture,
                .variant = p->variant,
        };
        int fds[3] = { -EBADF, -EBADF, -EBADF }, r;

        r = open_documents(p, fds, reterr);
        if (r >= 0)
                r = worker_start(p->manager->config.workers, &(WorkerRequest) {
                        .verb = "registry-resolve",
                        .params_type = &RegistryResolveParams_json,
                        .params = &params,
                        .fds = fds,
                        .n_fds = ELEMENTSOF(fds),
                        .done = on_resolved,
                        .userdata = p,
                }, &p->resolve, reterr);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                safe_close(fds[i]);
        return r;
}

/* --- start --- */

/* What may share the work: the same image for the same platform, asked for with the same rights. */
static int make_key(const ImagePullParams *params, char **ret) {
        _cleanup_free_ char *name = reference_to_string(params->reference),
                            *access = json_encode_text(&RegistryAccess_json, params->access, 0);

        if (!name || !access)
                return -ENOMEM;
        return asprintf_safe(ret, "%s %s/%s/%s %s", name, strempty(params->os),
                             strempty(params->architecture), strempty(params->variant), access);
}

static Pull *find_pull(ImageManager *m, const char *key) {
        LIST_FOREACH(pulls, p, m->pulls)
                if (streq(p->key, key))
                        return p;
        return NULL;
}

static int pull_add_client(Pull *p, ImageJob *j) {
        ImageJob **grown = reallocarray(p->clients, p->n_clients + 1, sizeof(ImageJob *));

        if (!grown)
                return -ENOMEM;
        p->clients = grown;
        p->clients[p->n_clients++] = j;
        j->data = p;
        j->data_free = client_leave;
        return 0;
}

static int pull_new(ImageManager *m, const ImagePullParams *params, char *key, Pull **ret) {
        Pull *p = new0(Pull, 1);

        if (!p)
                return -ENOMEM;
        p->manager = m;
        p->max_downloads = params->max_downloads ?: PULL_DOWNLOADS_DEFAULT;
        LIST_PREPEND(pulls, m->pulls, p);
        p->key = strdup(key);
        p->os = strdup(strempty(params->os));
        p->architecture = strdup(strempty(params->architecture));
        p->variant = strdup(strempty(params->variant));
        if (!p->key || !p->os || !p->architecture || !p->variant ||
            reference_copy(params->reference, &p->reference) < 0 ||
            json_copy(&RegistryAccess_json, params->access, &p->access) < 0) {
                pull_free(p);
                return -ENOMEM;
        }
        *ret = p;
        return 0;
}

/* A client that comes later sees where each layer is. */
static void send_state(Pull *p, ImageJob *j) {
        for (size_t i = 0; i < p->n_layers; i++) {
                const ProgressMessage message = pull_progress_message(&p->layers[i].progress);

                image_job_progress(j, &message);
        }
}

int image_pull_start(ImageManager *m, const ImagePullParams *params, const ImageJobHandlers *handlers,
                     ImageJob **ret, Error *reterr) {
        _cleanup_free_ char *key = NULL;
        Pull *p;
        ImageJob *j;
        int r;

        r = make_key(params, &key);
        if (r < 0)
                return error_fill(reterr, r);
        j = image_job_new(m, handlers, -EBADF, reterr);
        if (!j)
                return -ENOMEM;
        p = find_pull(m, key);
        if (p) {
                r = pull_add_client(p, j);
                send_state(p, j);
        } else {
                r = pull_new(m, params, key, &p);
                if (r >= 0 && (r = pull_add_client(p, j)) < 0)
                        pull_free(p);
                if (r >= 0)
                        r = start_resolve(p, reterr);
        }
        if (r < 0) {
                image_job_cancel(j);
                return error_fill(reterr, r);
        }
        *ret = j;
        return 0;
}
