/* SPDX-License-Identifier: Apache-2.0 */
/* `docker load`: an archive is taken apart into a spool directory, then its images are put together one
 * after the other, layer by layer. */
#include "basic/digest.h"
#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/messages.h"
#include "basic/path-util.h"
#include "image/content.h"
#include "image/image-job.h"
#include "image/image-platform.h"
#include "image/layer-store.h"
#include "image/layer-unpack.h"

/* Layers of one image that are unpacked at once. */
#define LOAD_LAYERS_MAX 4U

typedef enum LayerState {
        LAYER_PENDING,
        LAYER_BUSY,
        LAYER_DONE,
} LayerState;

typedef struct LoadLayer {
        ImageJob *job;                  /* back-pointer */
        const UnpackedFile *file;
        const char *diff_id;            /* what the config says it unpacks to */
        const char *parent;             /* chain of the layer below; NULL = none */
        char *chain;
        LayerState state;
        LayerUnpack unpack;
        ImageLayer layer;               /* once it is done */
} LoadLayer;

typedef struct LoadData {
        PlatformBuffer platform;        /* that is wanted */
        bool only;                      /* nothing else is, since it was asked for */
        char *spool;                    /* directory with the archive in pieces */
        int spool_fd;
        ArchiveUnpackReply archive;
        size_t n_loaded;                /* images */
        size_t image;                   /* the one in work, and its layers */
        LoadLayer *layers;
        size_t n_layers;
} LoadData;

static void clear_image(ImageJob *j) {
        LoadData *d = j->data;

        for (size_t i = 0; i < d->n_layers; i++) {
                layer_unpack_done(&d->layers[i].unpack);
                json_done(&ImageLayer_json, &d->layers[i].layer);
                free(d->layers[i].chain);
        }
        d->layers = mfree(d->layers);
        d->n_layers = 0;
        image_job_clear_image(j);
}

static void load_free(ImageJob *j, void *data) {
        LoadData *d = data;

        if (!d)
                return;
        clear_image(j);
        if (d->spool)
                (void) trash_directory(j->manager, d->spool, NULL);
        safe_close(d->spool_fd);
        json_done(&ArchiveUnpackReply_json, &d->archive);
        free(d->spool);
        free(d);
}

static const UnpackedImage *current_image(const LoadData *d) {
        return d->archive.images.items + d->image;
}

static int open_spooled(const LoadData *d, const UnpackedFile *f) {
        return open_file_in_root(d->spool_fd, strempty(f->file));
}

static int read_config(ImageJob *j, Error *reterr) {
        const LoadData *d = j->data;
        const UnpackedFile *f = &current_image(d)->config;
        _cleanup_close_ int fd = open_spooled(d, f);
        size_t size;
        int r;

        r = fd < 0 ? fd : read_to_end(fd, IMAGE_DOCUMENT_MAX, &j->config_text, &size);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "cannot read the config of an image of the archive");
        r = json_decode_text(&OciImage_json, j->config_text, size, 0, &j->config, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "the config of an image of the archive");
        if (strv_length(j->config.rootfs.diff_ids) != current_image(d)->layers.n_items)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid manifest, layers length mismatch: expected %zu, got %zu",
                                  strv_length(j->config.rootfs.diff_ids), current_image(d)->layers.n_items);
        return 0;
}

static int report_loaded(ImageJob *j, const char *what, const char *name) {
        _cleanup_free_ char *line = NULL;
        int r;

        r = asprintf_safe(&line, "Loaded image%s: %s\n", what, name);
        if (r >= 0)
                image_job_progress(j, &(ProgressMessage) { .stream = line });
        return r;
}

static int name_loaded(ImageJob *j, const Image *image, Error *reterr) {
        const LoadData *d = j->data;
        int r = 0;

        STRV_FOREACH(n, current_image(d)->names) {
                _cleanup_reference_ Reference ref = {};
                _cleanup_free_ char *familiar = NULL;

                r = image_job_name(j, *n, NULL, image, reterr);
                if (r >= 0)
                        r = reference_parse(*n, &ref, reterr);
                if (r < 0)
                        return r;
                familiar = reference_add_default_tag(&ref) < 0 ? NULL : reference_familiar_string(&ref);
                r = familiar ? report_loaded(j, "", familiar) : -ENOMEM;
        }
        if (strv_isempty(current_image(d)->names))
                r = report_loaded(j, " ID", image->record.id);
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* So that the image can be saved and pushed with the digest that it came with. */
static int keep_manifest(ImageJob *j, Error *reterr) {
        const LoadData *d = j->data;
        const UnpackedFile *f = current_image(d)->manifest;
        int r;

        if (!f)
                return 0;
        r = content_adopt(j->manager, d->spool_fd, f->file, f->digest, reterr);
        return r >= 0 && free_and_strdup(&j->record.manifest, f->digest) < 0 ? error_fill(reterr, -ENOMEM) :
                                                                                r;
}

static int record_image(ImageJob *j, Error *reterr) {
        Image *image;
        int r;

        r = keep_manifest(j, reterr);
        if (r >= 0)
                r = image_job_record(j, &image, reterr);
        if (r >= 0)
                r = name_loaded(j, image, reterr);
        if (r < 0)
                return r;
        image_event(j->manager, "load", MESSAGE_IMAGE_LOAD_STR, image, image->record.id);
        return 0;
}

/* --- layers --- */

static void load_step(ImageJob *j);

/* The file of the archive becomes the layer's blob. */
static int adopt_spooled(const LoadData *d, const LoadLayer *l, Error *reterr) {
        return content_adopt(l->job->manager, d->spool_fd, l->file->file, l->file->digest, reterr);
}

static int finish_layer(LoadLayer *l, Error *reterr) {
        const LoadData *d = l->job->data;
        int r;

        if (!streq_ptr(l->unpack.reply.diff_id, l->diff_id))
                return error_setf(reterr, ERROR_INVALID,
                                  "the digest of layer %zu is %s, but the image's config says %s",
                                  (size_t) (l - d->layers), strnull(l->unpack.reply.diff_id), l->diff_id);
        r = adopt_spooled(d, l, reterr);
        if (r >= 0)
                r = layer_unpack_commit(&l->unpack, l->parent, layer_unpack_media_type(&l->unpack),
                                        &l->layer, reterr);
        return r;
}

static void on_layer(LayerUnpack *u, int r, const Error *error, void *userdata) {
        LoadLayer *l = ASSERT_PTR(userdata);
        ImageJob *j = l->job;
        _cleanup_error_ Error e = ERROR_NULL;

        if (r >= 0) {
                r = finish_layer(l, &e);
                error = &e;
        }
        if (r < 0) {
                image_job_finish(j, r, error);
                return;
        }
        l->state = LAYER_DONE;
        load_step(j);
}

/* A layer that is in place already need not be unpacked again to know what its file holds, if the digest of
 * the file tells: it is the plain archive, or the blob that the layer was made of. */
static int reuse_layer(LoadLayer *l, Error *reterr) {
        ImageManager *m = l->job->manager;
        const ImageLayer *known = layer_find(m, l->chain);
        int r;

        if (!known || !layer_exists(m, l->chain) ||
            !(streq(l->file->digest, l->diff_id) || streq_ptr(l->file->digest, known->blob)))
                return 0;
        r = content_has(m, known->blob) ? 0 : adopt_spooled(l->job->data, l, reterr);
        if (r >= 0 && json_copy(&ImageLayer_json, known, &l->layer) < 0)
                r = error_fill(reterr, -ENOMEM);
        return r < 0 ? r : 1;
}

static int start_layer(LoadLayer *l, Error *reterr) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = reuse_layer(l, reterr);
        if (r != 0) {
                l->state = LAYER_DONE;
                return r;
        }
        fd = open_spooled(l->job->data, l->file);
        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, fd, "cannot read a layer of the archive");
        l->state = LAYER_BUSY;
        return layer_unpack_start(&l->unpack, fd, false, reterr);
}

static int make_layers(ImageJob *j, Error *reterr) {
        LoadData *d = j->data;
        const UnpackedImage *image = current_image(d);

        d->layers = new0(LoadLayer, image->layers.n_items ?: 1);
        if (!d->layers)
                return error_fill(reterr, -ENOMEM);
        for (size_t i = 0; i < image->layers.n_items; i++) {
                LoadLayer *l = d->layers + d->n_layers++;

                *l = (LoadLayer) {
                        .job = j,
                        .file = image->layers.items + i,
                        .diff_id = j->config.rootfs.diff_ids[i],
                        .parent = i > 0 ? l[-1].chain : NULL,
                        .unpack = { .manager = j->manager, .done = on_layer, .userdata = l },
                };
                if (chain_id_next(l->parent, l->diff_id, &l->chain) < 0)
                        return error_setf(reterr, ERROR_INVALID, "%s is no digest of a layer", l->diff_id);
        }
        return 0;
}

static unsigned count_layers(const LoadData *d, LayerState state) {
        unsigned n = 0;

        for (size_t i = 0; i < d->n_layers; i++)
                n += d->layers[i].state == state;
        return n;
}

/* --- images --- */

static void next_image(ImageJob *j) {
        LoadData *d = j->data;

        clear_image(j);
        d->image++;
}

static int finish_image(ImageJob *j, Error *reterr) {
        LoadData *d = j->data;
        int r = 0;

        for (size_t i = 0; i < d->n_layers && r >= 0; i++)
                r = image_job_add_layer(j, &d->layers[i].layer, reterr);
        if (r >= 0)
                r = record_image(j, reterr);
        if (r < 0)
                return r;
        d->n_loaded++;
        next_image(j);
        return 0;
}

static bool is_wanted(const ImageJob *j) {
        const LoadData *d = j->data;
        const OciImage *o = &j->config;
        PlatformBuffer is_buf;
        const Platform wanted = platform_of(&d->platform),
                       is = platform_normalise(&(Platform) { o->os, o->architecture, o->variant }, &is_buf);

        return !d->only || platform_rank(&wanted, &is) >= 0;
}

/* What can go on of the image in work. Returns 1 if workers are on it, 0 if it is done. */
static int image_step(ImageJob *j, Error *reterr) {
        LoadData *d = j->data;
        int r = 0;

        if (!j->config_text) {
                r = read_config(j, reterr);
                if (r >= 0 && !is_wanted(j)) {
                        next_image(j);
                        return 0;
                }
                if (r >= 0)
                        r = make_layers(j, reterr);
        }
        for (size_t i = 0; i < d->n_layers && r >= 0; i++)
                if (d->layers[i].state == LAYER_PENDING && count_layers(d, LAYER_BUSY) < LOAD_LAYERS_MAX)
                        r = start_layer(d->layers + i, reterr);
        if (r < 0)
                return r;
        return count_layers(d, LAYER_DONE) < d->n_layers ? 1 : finish_image(j, reterr);
}

/* One step of a history, on the same layers: an image can be no parent of its own in any number of steps. */
static bool may_be_parent(const Image *parent, const Image *child) {
        const OciImage *p = &parent->document, *c = &child->document;

        if (p->history.n_items + 1 != c->history.n_items ||
            parent->record.layers.n_items > child->record.layers.n_items)
                return false;
        for (size_t i = 0; i < parent->record.layers.n_items; i++)
                if (!streq(parent->record.layers.items[i].chain, child->record.layers.items[i].chain))
                        return false;
        return true;
}

static bool has_image(const LoadData *d, const char *id) {
        for (size_t i = 0; i < d->archive.images.n_items; i++)
                if (streq(d->archive.images.items[i].config.digest, id))
                        return true;
        return false;
}

/* Parents are known when all images are, whatever their order. What does not fit is left out. */
static int set_parents(ImageJob *j, Error *reterr) {
        LoadData *d = j->data;
        int r = 0;

        for (size_t i = 0; i < d->archive.images.n_items && r >= 0; i++) {
                const UnpackedImage *u = d->archive.images.items + i;
                Image *child = image_manager_get(j->manager, u->config.digest);
                Image *parent = NULL;

                if (child && !isempty(u->parent) && has_image(d, u->parent))
                        parent = image_manager_get(j->manager, u->parent);
                if (parent && isempty(child->record.parent) && may_be_parent(parent, child))
                        r = image_set_parent(j->manager, child, u->parent, reterr);
        }
        return r;
}

static int check_loaded(const LoadData *d, Error *reterr) {
        const Platform wanted = platform_of(&d->platform);
        char text[PLATFORM_TEXT_MAX];

        if (!d->only || d->n_loaded > 0)
                return 0;
        return error_setf(reterr, ERROR_NOT_FOUND, "the archive has no image of the requested platform (%s)",
                          platform_format(text, &wanted));
}

static void load_step(ImageJob *j) {
        _cleanup_error_ Error e = ERROR_NULL;
        LoadData *d = j->data;
        int r = 0;

        while (r == 0 && d->image < d->archive.images.n_items)
                r = image_step(j, &e);
        if (r == 0)
                r = check_loaded(d, &e);
        if (r == 0)
                r = set_parents(j, &e);
        if (r <= 0)
                image_job_finish(j, r, &e);
}

/* --- start --- */

static void on_unpacked(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;
        LoadData *d = j->data;

        j->worker = NULL;
        if (r < 0) {
                image_job_finish(j, r, error);
                return;
        }
        r = json_decode(&ArchiveUnpackReply_json, result, 0, &d->archive, &e);
        if (r < 0)
                image_job_finish(j, r, &e);
        else
                load_step(j);
}

static int start_worker(ImageJob *j, Error *reterr) {
        LoadData *d = j->data;
        const ArchiveUnpackParams params = {
                d->platform.os, d->platform.architecture, d->platform.variant, d->only,
        };

        return worker_start(j->manager->config.workers, &(WorkerRequest) {
                .verb = "archive-unpack",
                .pace = WORKER_PACE_CLIENT,
                .params_type = &ArchiveUnpackParams_json,
                .params = &params,
                .fds = (const int[]) { j->input_fd, d->spool_fd },
                .n_fds = 2,
                .done = on_unpacked,
                .userdata = j,
        }, &j->worker, reterr);
}

static int start_unpack(ImageJob *j, const ImageLoadParams *p, Error *reterr) {
        LoadData *d;
        int r = 0;

        j->data_free = load_free;
        j->data = d = new0(LoadData, 1);
        if (!d)
                return error_fill(reterr, -ENOMEM);
        d->spool_fd = -EBADF;
        d->only = !isempty(p->platform);
        if (d->only)
                r = image_platform_parse(p->platform, &d->platform, reterr);
        else
                (void) platform_normalise(&(Platform) {}, &d->platform);
        if (r >= 0)
                r = make_staging(j->manager, &d->spool, reterr);
        if (r < 0)
                return r;
        d->spool_fd = open(d->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (d->spool_fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot open %s", d->spool);
        return start_worker(j, reterr);
}

int image_load_start(ImageManager *m, const ImageLoadParams *p, int input_fd,
                     const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr) {
        ImageJob *j;
        int r;

        j = image_job_new(m, handlers, input_fd, reterr);
        if (!j)
                return -ENOMEM;
        r = start_unpack(j, p, reterr);
        if (r < 0) {
                image_job_cancel(j);
                return r;
        }
        *ret = j;
        return 0;
}
