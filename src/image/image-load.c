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
#include "image/layer-store.h"

typedef struct LoadData {
        char *spool;                    /* directory with the archive in pieces */
        int spool_fd;
        ArchiveUnpackReply archive;
        size_t image, layer;            /* what is in work */
} LoadData;

static void load_free(ImageJob *j, void *data) {
        LoadData *d = data;

        if (!d)
                return;
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

static const UnpackedFile *current_layer(const LoadData *d) {
        return current_image(d)->layers.items + d->layer;
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

static int finish_loaded_image(ImageJob *j, Error *reterr) {
        LoadData *d = j->data;
        Image *image;
        int r;

        r = image_job_record(j, &image, reterr);
        if (r >= 0)
                r = name_loaded(j, image, reterr);
        if (r < 0)
                return r;
        image_event(j->manager, "load", MESSAGE_IMAGE_LOAD_STR, image, image->record.id);
        image_job_clear_image(j);
        d->image++;
        d->layer = 0;
        return 0;
}

/* --- layers --- */

static void load_step(ImageJob *j);

static const char *claimed_diff_id(const ImageJob *j, const LoadData *d) {
        return j->config.rootfs.diff_ids[d->layer];
}

/* The file of the archive becomes the layer's blob. */
static int adopt_spooled(ImageJob *j, const UnpackedFile *f, Error *reterr) {
        LoadData *d = j->data;

        return content_adopt(j->manager, d->spool_fd, f->file, f->digest, reterr);
}

static int check_layer(ImageJob *j, const LayerApplyReply *reply, Error *reterr) {
        LoadData *d = j->data;
        const char *claimed = claimed_diff_id(j, d);

        if (!streq_ptr(reply->diff_id, claimed))
                return error_setf(reterr, ERROR_INVALID,
                                  "the digest of layer %zu is %s, but the image's config says %s", d->layer,
                                  reply->diff_id, claimed);
        return adopt_spooled(j, current_layer(d), reterr);
}

static void on_layer_loaded(Worker *w, int r, struct json_object *result, const Error *error,
                            void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        _cleanup_(LayerApplyReply_donep) LayerApplyReply reply = {};
        _cleanup_error_ Error e = ERROR_NULL;
        LoadData *d = j->data;

        j->worker = NULL;
        if (r < 0) {
                image_job_finish(j, r, error);
                return;
        }
        r = json_decode(&LayerApplyReply_json, result, 0, &reply, &e);
        if (r >= 0)
                r = check_layer(j, &reply, &e);
        if (r >= 0)
                r = image_job_finish_layer(j, &reply, &e);
        if (r < 0) {
                image_job_finish(j, r, &e);
                return;
        }
        d->layer++;
        load_step(j);
}

/* A layer that is in place already need not be unpacked again to know what its file holds, if the digest of
 * the file tells: it is the plain archive, or the blob that the layer was made of. Returns 1 if that was
 * so. */
static int reuse_layer(ImageJob *j, Error *reterr) {
        LoadData *d = j->data;
        const UnpackedFile *f = current_layer(d);
        size_t n = j->record.layers.n_items;
        _cleanup_free_ char *chain = NULL;
        const ImageLayer *known;
        int r;

        r = chain_id_next(n > 0 ? j->record.layers.items[n - 1].chain : NULL, claimed_diff_id(j, d), &chain);
        if (r < 0)
                return error_setf(reterr, ERROR_INVALID, "%s is no digest of a layer",
                                  claimed_diff_id(j, d));
        known = layer_find(j->manager, chain);
        if (!known || !layer_exists(j->manager, chain) ||
            !(streq(f->digest, claimed_diff_id(j, d)) || streq_ptr(f->digest, known->blob)))
                return 0;
        r = content_has(j->manager, known->blob) ? 0 : adopt_spooled(j, f, reterr);
        if (r >= 0)
                r = image_job_add_layer(j, known, reterr);
        return r < 0 ? r : 1;
}

/* The next layer, the next image, or the end. Returns 1 if a worker is on it. */
static int load_next(ImageJob *j, Error *reterr) {
        _cleanup_close_ int fd = -EBADF;
        LoadData *d = j->data;
        int r;

        if (!j->config_text) {
                r = read_config(j, reterr);
                if (r < 0)
                        return r;
        }
        if (d->layer >= current_image(d)->layers.n_items)
                return finish_loaded_image(j, reterr);
        r = reuse_layer(j, reterr);
        if (r != 0) {
                d->layer += r > 0;
                return r < 0 ? r : 0;
        }
        fd = open_spooled(d, current_layer(d));
        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, fd, "cannot read a layer of the archive");
        r = image_job_start_layer(j, fd, false, on_layer_loaded, reterr);
        return r < 0 ? r : 1;
}

static void load_step(ImageJob *j) {
        _cleanup_error_ Error e = ERROR_NULL;
        LoadData *d = j->data;
        int r = 0;

        while (r == 0 && d->image < d->archive.images.n_items)
                r = load_next(j, &e);
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

static int start_unpack(ImageJob *j, Error *reterr) {
        LoadData *d;
        int r;

        j->data_free = load_free;
        j->data = d = new0(LoadData, 1);
        if (!d)
                return error_fill(reterr, -ENOMEM);
        d->spool_fd = -EBADF;
        r = make_staging(j->manager, &d->spool, reterr);
        if (r < 0)
                return r;
        d->spool_fd = open(d->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (d->spool_fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot open %s", d->spool);
        return worker_start(j->manager->config.workers, &(WorkerRequest) {
                .verb = "archive-unpack",
                .fds = (const int[]) { j->input_fd, d->spool_fd },
                .n_fds = 2,
                .done = on_unpacked,
                .userdata = j,
        }, &j->worker, reterr);
}

int image_load_start(ImageManager *m, const ImageLoadParams *p, int input_fd,
                     const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr) {
        ImageJob *j;
        int r;

        if (!isempty(p->platform))
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "loading one platform of an archive is not supported by this engine yet");
        j = image_job_new(m, handlers, input_fd, reterr);
        if (!j)
                return -ENOMEM;
        r = start_unpack(j, reterr);
        if (r < 0) {
                image_job_cancel(j);
                return r;
        }
        *ret = j;
        return 0;
}
