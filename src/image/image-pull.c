/* SPDX-License-Identifier: Apache-2.0 */
/* `docker pull`: one shared piece of work for all clients that want the same image. The documents come
 * first; then each layer is downloaded and unpacked at the same time, several layers at once, in any order.
 * A layer that is done is kept, so an interrupted pull goes on where it was. */
#include <stdio.h>

#include "basic/crash-point.h"
#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/messages.h"
#include "basic/path-util.h"
#include "image/content.h"
#include "image/image-job.h"
#include "image/image-pull.h"
#include "image/image-platform.h"
#include "image/image-whole.h"
#include "image/layer-store.h"
#include "image/pull-layer.h"
#include "registry/platform.h"

#define DOCUMENT_MODE 0600

struct Pull {
        ImageManager *manager;
        char *key;              /* equal for what may share the work */
        Reference reference;
        RegistryAccess access;
        char *os, *architecture, *variant;
        unsigned max_downloads;
        ImageJob **clients;
        size_t n_clients;

        Image *current;         /* what the name leads to already, for that platform: a reference, or NULL */
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

static void pull_free(Pull *p) {
        LIST_REMOVE(pulls, p->manager->pulls, p);
        worker_cancel(p->resolve);
        image_unref(p->current);
        for (size_t i = 0; i < p->n_layers; i++)
                pull_layer_done(p->layers + i);
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

/* Nothing that is an image's: no platform, no layers. */
#define ARTIFACT_CONFIG "{\"rootfs\":{\"type\":\"layers\"}}"

static int fill_artifact(Pull *p, ImageRecord *record) {
        const RegistryResolveReply *d = &p->resolved;

        record->id = strdup(d->manifest.digest);
        record->config = strdup(ARTIFACT_CONFIG);
        record->manifest = strdup(d->manifest.digest);
        record->target = strdup(d->target.digest);
        record->artifact = strdup(d->artifact);
        record->blobs.items = new0(OciDescriptor, d->layers.n_items + 1);
        if (!record->id || !record->config || !record->manifest || !record->target || !record->artifact ||
            !record->blobs.items)
                return -ENOMEM;
        for (size_t i = 0; i <= d->layers.n_items; i++)
                if (json_copy(&OciDescriptor_json, i == 0 ? &d->config : d->layers.items + i - 1,
                              record->blobs.items + record->blobs.n_items++) < 0)
                        return -ENOMEM;
        return 0;
}

static int fill_record(Pull *p, ImageRecord *record) {
        if (!isempty(p->resolved.artifact))
                return fill_artifact(p, record);
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

static int add_image(Pull *p, Image **ret, Error *reterr) {
        ImageRecord record = {};
        int r;

        r = adopt_documents(p, reterr);
        if (r >= 0)
                r = fill_record(p, &record) < 0 ? error_fill(reterr, -ENOMEM) :
                                                  image_add(p->manager, &record, ret, reterr);
        json_done(&ImageRecord_json, &record);
        return r;
}

/* What is no index is taken whatever it is for, and the client hears of it. */
static void warn_of_platform(Pull *p, const Image *image, const char *familiar) {
        _cleanup_free_ char *wanted = NULL;
        _cleanup_error_ Error e = ERROR_NULL;

        if (isempty(p->os) || !isempty(image->record.artifact) ||
            asprintf_safe(&wanted, "%s/%s%s%s", p->os, p->architecture, isempty(p->variant) ? "" : "/",
                          p->variant) < 0)
                return;
        if (image_check_platform(image, familiar, wanted, &e) < 0)
                broadcastf(p, NULL, "WARNING: %s", error_message(&e));
}

static int finish_image(Pull *p, Image *image, Error *reterr) {
        _cleanup_free_ char *familiar = reference_familiar_string(&p->reference);
        bool is_new = false;
        int r;

        if (!familiar)
                return error_fill(reterr, -ENOMEM);
        r = name_image(p, image, &is_new, reterr);
        if (r < 0)
                return r;
        image_event(p->manager, "pull", MESSAGE_IMAGE_PULL_STR, image, familiar);
        broadcastf(p, NULL, "Digest: %s", p->resolved.target.digest);
        broadcastf(p, NULL, "Status: %s for %s", is_new ? "Downloaded newer image" : "Image is up to date",
                   familiar);
        warn_of_platform(p, image, familiar);
        return 0;
}

/* --- all layers --- */

static bool blob_is_busy(ImageManager *m, const char *digest) {
        LIST_FOREACH(pulls, p, m->pulls)
                for (size_t i = 0; i < p->n_layers; i++)
                        if (p->layers[i].state == PULL_LAYER_BUSY &&
                            streq(p->layers[i].descriptor->digest, digest))
                                return true;
        return false;
}

static unsigned count_layers(const Pull *p, PullLayerState state) {
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

                if (l->state != PULL_LAYER_PENDING || blob_is_busy(p->manager, l->descriptor->digest))
                        continue;
                r = pull_layer_take_existing(l);
                if (r > 0)
                        pull_layer_status(l, "Already exists", 0, 0);
                else if (r < 0)
                        return error_fill(reterr, r);
                else if (count_layers(p, PULL_LAYER_BUSY) < p->max_downloads) {
                        r = pull_layer_start(l, reterr);
                        if (r < 0)
                                return r;
                } else
                        pull_layer_status(l, "Waiting", 0, 0);
        }
        return 0;
}

static void pull_step(Pull *p) {
        _cleanup_error_ Error e = ERROR_NULL;
        Image *image;
        int r;

        if (!p->layers)
                return;                 /* the documents are not here yet */
        r = start_layers(p, &e);
        if (r >= 0 && count_layers(p, PULL_LAYER_DONE) < p->n_layers)
                return;
        if (r >= 0)
                r = add_image(p, &image, &e);
        if (r >= 0)
                r = finish_image(p, image, &e);
        pull_end(p, r, &e);
}

static void on_layer_message(const ProgressMessage *message, void *userdata) {
        broadcast(userdata, message);
}

static void on_layer_done(PullLayer *l, int r, const Error *error, void *userdata) {
        Pull *p = ASSERT_PTR(userdata);
        ImageManager *m = p->manager;

        if (r < 0)
                pull_end(p, r, error);
        else
                pull_step(p);
        step_others(m);
}

/* --- the documents --- */

static int read_config(Pull *p, Error *reterr) {
        _cleanup_free_ char *path = path_join(p->documents, "config");
        size_t size;
        int r;

        if (!isempty(p->resolved.artifact))
                return 0;
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
        bool is_image = isempty(p->resolved.artifact);
        size_t n = p->resolved.layers.n_items;
        int r;

        p->layers = new0(PullLayer, n ?: 1);
        if (!p->layers)
                return error_fill(reterr, -ENOMEM);
        for (size_t i = 0; i < n; i++) {
                PullLayer *l = p->layers + p->n_layers++;

                *l = (PullLayer) {
                        .manager = p->manager,
                        .access = &p->access,
                        .descriptor = p->resolved.layers.items + i,
                        .diff_id = is_image ? p->config.rootfs.diff_ids[i] : NULL,
                        .parent = is_image && i > 0 ? l[-1].chain : NULL,
                        .on_message = on_layer_message,
                        .on_done = on_layer_done,
                        .userdata = p,
                };
                r = pull_layer_init(l, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Docker says nothing of the layers of an image that it has as a whole. */
static int take_existing_layers(Pull *p, Error *reterr) {
        bool whole = image_manager_get(p->manager, p->resolved.config.digest);

        for (size_t i = 0; i < p->n_layers; i++) {
                int r = pull_layer_take_existing(p->layers + i);

                if (r < 0)
                        return error_fill(reterr, r);
                if (r > 0 && !whole)
                        pull_layer_status(p->layers + i, "Already exists", 0, 0);
        }
        return 0;
}

static int begin_layers(Pull *p, Error *reterr) {
        int r;

        r = read_config(p, reterr);
        if (r >= 0)
                r = make_layers(p, reterr);
        if (r >= 0)
                r = take_existing_layers(p, reterr);
        for (size_t i = 0; i < p->n_layers && r >= 0; i++)
                if (p->layers[i].state == PULL_LAYER_PENDING)
                        pull_layer_status(p->layers + i, "Pulling fs layer", 0, 0);
        return r;
}

static void announce(Pull *p) {
        _cleanup_free_ char *full = reference_to_string(&p->reference);

        broadcastf(p, p->reference.digest ? full : p->reference.tag, "Pulling from %s", p->reference.path);
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
        announce(p);
        if (r >= 0 && p->resolved.up_to_date) {
                r = finish_image(p, p->current, &e);
                pull_end(p, r, &e);
                return;
        }
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

static bool is_for_host(const Image *image) {
        PlatformBuffer host, own;
        const Platform wanted = platform_normalise(&(Platform) {}, &host), is = image_platform(image, &own);

        return streq(wanted.architecture, is.architecture) && platform_rank(&wanted, &is) >= 0;
}

/* If the name still leads where it did, nothing need be fetched, unless something was lost. Only for the
 * host's platform: others may be in the same index. */
static void find_current(Pull *p) {
        _cleanup_free_ char *name = reference_to_string(&p->reference);
        const ImageName *n = name && isempty(p->os) ? hashmap_get(p->manager->names, name) : NULL;
        Image *image = n ? image_manager_get(p->manager, n->id) : NULL;

        if (image && image->record.target && (!isempty(image->record.artifact) || is_for_host(image)) &&
            image_is_whole(p->manager, image))
                p->current = image_ref(image);
}

static int start_resolve(Pull *p, Error *reterr) {
        char *known[] = { p->current ? p->current->record.target : NULL, NULL };
        RegistryResolveParams params = {
                .known = known,
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
                        .pace = WORKER_PACE_NETWORK,
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
                if (r >= 0) {
                        find_current(p);
                        r = start_resolve(p, reterr);
                }
        }
        if (r < 0) {
                image_job_cancel(j);
                return error_fill(reterr, r);
        }
        *ret = j;
        return 0;
}
