/* SPDX-License-Identifier: Apache-2.0 */
/* `docker import`: one archive becomes an image of one layer. */
#include <sys/utsname.h>

#include "basic/messages.h"
#include "image/image-change.h"
#include "image/image-job.h"
#include "image/layer-unpack.h"

typedef struct ImportData {
        ImageCreateParams params;
        LayerUnpack layer;
} ImportData;

static void import_free(ImageJob *j, void *data) {
        ImportData *d = data;

        if (!d)
                return;
        layer_unpack_done(&d->layer);
        json_done(&ImageCreateParams_json, &d->params);
        free(d);
}

static const char *host_architecture(void) {
        static struct utsname u;

        assert(uname(&u) >= 0);
        return streq(u.machine, "x86_64") ? "amd64" : streq(u.machine, "aarch64") ? "arm64" : u.machine;
}

static int build_config(const ImageCreateParams *p, const char *diff_id, OciImage *c, Error *reterr) {
        c->architecture = strdup(host_architecture());
        c->os = strdup("linux");
        c->created = now_nsec();
        c->comment = strdup(isempty(p->message) ? "Imported from -" : p->message);
        c->rootfs.type = strdup("layers");
        c->history.items = new0(OciHistory, 1);
        if (!c->architecture || !c->os || !c->comment || !c->rootfs.type || !c->history.items ||
            strv_extend(&c->rootfs.diff_ids, diff_id) < 0)
                return error_fill(reterr, -ENOMEM);
        c->history.n_items = 1;
        c->history.items[0] = (OciHistory) { .created = c->created, .comment = strdup(c->comment) };
        return image_changes_apply(&c->config, p->changes, reterr);
}

static int take_layer(ImageJob *j, Error *reterr) {
        ImportData *d = j->data;
        _cleanup_(ImageLayer_donep) ImageLayer layer = {};
        int r;

        r = layer_unpack_keep_blob(&d->layer, reterr);
        if (r >= 0)
                r = layer_unpack_commit(&d->layer, NULL, layer_unpack_media_type(&d->layer), &layer, reterr);
        return r < 0 ? r : image_job_add_layer(j, &layer, reterr);
}

static int finish_import(ImageJob *j, Error *reterr) {
        ImportData *d = j->data;
        Image *image;
        int r;

        r = build_config(&d->params, d->layer.reply.diff_id, &j->config, reterr);
        if (r >= 0)
                r = take_layer(j, reterr);
        if (r < 0)
                return r;
        j->config_text = json_encode_text(&OciImage_json, &j->config, 0);
        if (!j->config_text)
                return error_fill(reterr, -ENOMEM);
        r = image_job_record(j, &image, reterr);
        if (r >= 0 && !isempty(d->params.repo))
                r = image_job_name(j, d->params.repo, d->params.tag, image, reterr);
        if (r < 0)
                return r;
        image_event(j->manager, "import", MESSAGE_IMAGE_IMPORT_STR, image, image_first_tag(image));
        image_job_progress(j, &(ProgressMessage) { .status = image->record.id });
        return free_and_strdup(&j->image_id, image->record.id);
}

static void on_unpacked(LayerUnpack *u, int r, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;

        if (r >= 0) {
                r = finish_import(j, &e);
                error = &e;
        }
        image_job_finish(j, r, error);
}

static int check_params(const ImageCreateParams *p, Error *reterr) {
        _cleanup_reference_ Reference ref = {};
        OciImageConfig probe = {};
        int r = image_changes_apply(&probe, p->changes, reterr);

        json_done(&OciImageConfig_json, &probe);
        return r >= 0 && !isempty(p->repo) ? reference_parse(p->repo, &ref, reterr) : r;
}

int image_import_start(ImageManager *m, const ImageCreateParams *p, int input_fd,
                       const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr) {
        ImportData *d;
        ImageJob *j;
        int r;

        r = check_params(p, reterr);
        if (r < 0)
                return r;
        j = image_job_new(m, handlers, input_fd, reterr);
        if (!j)
                return -ENOMEM;
        j->data_free = import_free;
        j->data = d = new0(ImportData, 1);
        r = d ? json_copy(&ImageCreateParams_json, p, &d->params) : -ENOMEM;
        if (r >= 0) {
                d->layer = (LayerUnpack) { .manager = m, .done = on_unpacked, .userdata = j };
                r = layer_unpack_start(&d->layer, j->input_fd, true, reterr);
        }
        if (r < 0) {
                image_job_cancel(j);
                return error_fill(reterr, r);
        }
        *ret = j;
        return 0;
}
