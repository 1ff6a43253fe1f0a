/* SPDX-License-Identifier: Apache-2.0 */
/* `docker commit`: what is other in a container than in its image becomes one more layer. One worker writes
 * it as an archive, another unpacks that archive as it comes, as if it were of a pull. */
#include <sys/stat.h>

#include "basic/digest.h"
#include "basic/fd-util.h"
#include "basic/messages.h"
#include "image/image-job.h"
#include "image/layer-unpack.h"
#include "image/rootfs.h"
#include "image/rootfs-source.h"

/* Of an archive without entries: such a layer is left out of an image. */
#define EMPTY_DIFF_ID "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

typedef struct CommitData {
        Image *parent;                  /* referenced */
        char *what;                     /* for the log */
        char *repo, *tag;
        int (*read_done)(void *userdata, Error *reterr);
        LayerUnpack layer;
        bool packed, unpacked;
        bool reader_gone;               /* said the packer: why, the unpacker is about to say */
} CommitData;

static void commit_free(ImageJob *j, void *data) {
        CommitData *d = data;

        if (!d)
                return;
        layer_unpack_done(&d->layer);
        image_unref(d->parent);
        free(d->what);
        free(d->repo);
        free(d->tag);
        free(d);
}

/* --- the image --- */

static int add_history(OciImage *c, const ImageCommitParams *p) {
        OciHistory *items, *h;

        items = reallocarray(c->history.items, c->history.n_items + 1, sizeof(OciHistory));
        if (!items)
                return -ENOMEM;
        c->history.items = items;
        h = items + c->history.n_items++;
        *h = (OciHistory) {
                .created = c->created,
                .created_by = strdup(strempty(p->created_by)),
                .author = strdup(strempty(p->author)),
                .comment = strdup(strempty(p->comment)),
        };
        return h->created_by && h->author && h->comment ? 0 : -ENOMEM;
}

/* The parent's document, with what is other; the layer comes when it is known. */
static int begin_config(const ImageCommitParams *p, OciImage *c) {
        int r;

        r = json_copy(&OciImage_json, &p->parent->document, c);
        if (r < 0)
                return r;
        json_done(&OciImageConfig_json, &c->config);
        r = json_copy(&OciImageConfig_json, p->config, &c->config);
        c->created = now_nsec();
        if (r >= 0)
                r = free_and_strdup(&c->author, strempty(p->author));
        if (r >= 0)
                r = free_and_strdup(&c->comment, "");
        return r < 0 ? r : add_history(c, p);
}

static int add_parent_layers(ImageJob *j, const Image *parent, Error *reterr) {
        int r = 0;

        for (size_t i = 0; i < parent->record.layers.n_items && r >= 0; i++)
                r = image_job_add_layer(j, parent->record.layers.items + i, reterr);
        return r;
}

static int add_new_layer(ImageJob *j, Error *reterr) {
        CommitData *d = j->data;
        _cleanup_(ImageLayer_donep) ImageLayer layer = {};
        const ImageRecord *parent = &d->parent->record;
        size_t n = parent->layers.n_items;
        int r;

        r = layer_unpack_keep_blob(&d->layer, reterr);
        if (r >= 0)
                r = layer_unpack_commit(&d->layer, n > 0 ? parent->layers.items[n - 1].chain : NULL,
                                        layer_unpack_media_type(&d->layer), &layer, reterr);
        if (r < 0)
                return r;
        if (strv_extend(&j->config.rootfs.diff_ids, d->layer.reply.diff_id) < 0)
                return error_fill(reterr, -ENOMEM);
        return image_job_add_layer(j, &layer, reterr);
}

static int make_image(ImageJob *j, Error *reterr) {
        CommitData *d = j->data;
        OciHistory *last = j->config.history.items + j->config.history.n_items - 1;
        Image *image;
        int r;

        last->empty_layer = streq(d->layer.reply.diff_id, EMPTY_DIFF_ID);
        r = add_parent_layers(j, d->parent, reterr);
        if (r >= 0 && !last->empty_layer)
                r = add_new_layer(j, reterr);
        if (r < 0)
                return r;
        j->config_text = json_encode_text(&OciImage_json, &j->config, 0);
        if (!j->config_text || !(j->record.parent = strdup(d->parent->record.id)))
                return error_fill(reterr, -ENOMEM);
        r = image_job_record(j, &image, reterr);
        if (r >= 0 && !isempty(d->repo))
                r = image_job_name(j, d->repo, d->tag, image, reterr);
        if (r < 0)
                return r;
        if (!isempty(d->repo))
                image_event(j->manager, "tag", MESSAGE_IMAGE_TAG_STR, image, image_first_tag(image));
        return free_and_strdup(&j->image_id, image->record.id);
}

/* --- the work --- */

/* The first to fail knows why: the other loses its end of the pipe then. But which of the two is heard first
 * is open when it is the reader. */
static void finish(ImageJob *j, int r, const Error *error) {
        CommitData *d = j->data;
        _cleanup_error_ Error e = ERROR_NULL;

        if (r >= 0 && (!d->packed || !d->unpacked))
                return;
        if (r >= 0) {
                r = make_image(j, &e);
                error = &e;
        }
        image_job_finish(j, r, error);
}

static void on_packed(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        CommitData *d = j->data;
        _cleanup_error_ Error e = ERROR_NULL;

        j->worker = NULL;
        d->packed = true;
        if (r >= 0) {
                tree_pack_log(result, d->what);
                r = d->read_done(j->handlers.userdata, &e);
                error = &e;
        }
        if (r < 0 && error->kind == ERROR_CANCELLED && !d->unpacked)
                d->reader_gone = true;
        else
                finish(j, r, error);
}

static void on_unpacked(LayerUnpack *u, int r, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        CommitData *d = j->data;
        _cleanup_error_ Error e = ERROR_NULL;

        d->unpacked = true;
        if (r >= 0 && d->reader_gone) {
                r = error_setf(&e, ERROR_INTERNAL, "the archive of %s ended too early", d->what);
                error = &e;
        }
        finish(j, r, error);
}

/* The reader first: while it waits for its turn among the workers, the writer waits as well. */
static int start_workers(ImageJob *j, const ImageCommitParams *p, Error *reterr) {
        CommitData *d = j->data;
        _cleanup_(rootfs_source_donep) RootfsSource s = ROOTFS_SOURCE_NULL;
        _cleanup_close_pair_ int pipe_fds[2] = EBADF_PAIR;
        int r;

        r = rootfs_source_open(j->manager, p->parent, p->rw_dir, &s, reterr);
        if (r < 0)
                return r;
        s.params.difference = s.params.zstd = true;
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return error_fill(reterr, -errno);
        r = layer_unpack_start(&d->layer, pipe_fds[0], true, reterr);
        return r < 0 ? r : rootfs_source_start(&s, j, "tree-pack", pipe_fds[1], on_packed, reterr);
}

static int prepare(ImageJob *j, const ImageCommitParams *p, Error *reterr) {
        CommitData *d;

        j->data_free = commit_free;
        j->data = d = new0(CommitData, 1);
        if (!d)
                return error_fill(reterr, -ENOMEM);
        *d = (CommitData) {
                .parent = image_ref(p->parent),
                .repo = strdup(strempty(p->repo)),
                .tag = strdup(strempty(p->tag)),
                .read_done = p->read_done,
                .layer = { .manager = j->manager, .done = on_unpacked, .userdata = j },
        };
        if (!d->repo || !d->tag || asprintf_safe(&d->what, "the new image of container %s", p->name) < 0 ||
            begin_config(p, &j->config) < 0)
                return error_fill(reterr, -ENOMEM);
        return 0;
}

int image_commit_start(ImageManager *m, const ImageCommitParams *p, const ImageJobHandlers *handlers,
                       ImageJob **ret, Error *reterr) {
        ImageJob *j;
        int r;

        if (p->parent->record.layers.n_items >= IMAGE_LAYERS_MAX)
                return error_setf(reterr, ERROR_INTERNAL, "max depth exceeded");
        j = image_job_new(m, handlers, -EBADF, reterr);
        if (!j)
                return -ENOMEM;
        r = prepare(j, p, reterr);
        if (r >= 0)
                r = start_workers(j, p, reterr);
        if (r < 0) {
                image_job_cancel(j);
                return r;
        }
        *ret = j;
        return 0;
}
