/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that are gone are unpacked again from their archives, as a pull would do it. */
#include "basic/fd-util.h"
#include "image/content.h"
#include "image/image-internal.h"
#include "image/layer-store.h"
#include "image/layer-unpack.h"
#include "image/store-check.h"

typedef struct Rebuild {
        bool done;
        int result;
        Error error;
} Rebuild;

static void on_unpacked(LayerUnpack *u, int r, const Error *error, void *userdata) {
        Rebuild *b = ASSERT_PTR(userdata);

        b->done = true;
        b->result = r;
        if (r < 0)
                (void) error_copy(&b->error, error);
}

static int unpack(LayerUnpack *u, Rebuild *b, const char *blob, Error *reterr) {
        _cleanup_close_ int fd = content_open(u->manager, blob);
        int r;

        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, fd, "cannot open blob %s", blob);
        r = layer_unpack_start(u, fd, false, reterr);
        while (r >= 0 && !b->done)
                r = sd_event_run(u->manager->config.event, UINT64_MAX);
        if (r < 0)
                return error_fill(reterr, r);
        return b->result < 0 ? error_copy(reterr, &b->error) : 0;
}

static int commit(LayerUnpack *u, const Image *i, size_t n, Error *reterr) {
        const ImageLayer *l = i->record.layers.items + n;
        _cleanup_(ImageLayer_donep) ImageLayer made = {};

        if (!streq_ptr(u->reply.diff_id, i->document.rootfs.diff_ids[n]))
                return error_setf(reterr, ERROR_INVALID, "its archive unpacks to %s",
                                  strnull(u->reply.diff_id));
        return layer_unpack_commit(u, n > 0 ? l[-1].chain : NULL, strempty(l->media_type), &made, reterr);
}

static int rebuild_layer(ImageManager *m, const Image *i, size_t n, Error *reterr) {
        Rebuild b = { .error = ERROR_NULL };
        LayerUnpack u = { .manager = m, .done = on_unpacked, .userdata = &b };
        int r;

        r = unpack(&u, &b, i->record.layers.items[n].blob, reterr);
        if (r >= 0)
                r = commit(&u, i, n, reterr);
        layer_unpack_done(&u);
        error_done(&b.error);
        return r;
}

static int forget_image(ImageManager *m, const Image *i, Error *reterr) {
        ImageName *n;
        int r;

        r = store_set_aside(m->config.store, STORE_IMAGE, i->record.id, reterr);
        HASHMAP_FOREACH(n, m->names)
                if (r >= 0 && streq(n->id, i->record.id))
                        r = store_delete(m->config.store, STORE_REFERENCE, n->name, STORE_SYNC_FULL, reterr);
        return r;
}

static int rebuild_image(ImageManager *m, const Image *i, FILE *output, StoreCheckResult *ret,
                         Error *reterr) {
        for (size_t n = 0; n < i->record.layers.n_items; n++) {
                const char *chain = i->record.layers.items[n].chain;
                _cleanup_error_ Error e = ERROR_NULL;

                if (layer_exists(m, chain))
                        continue;
                ret->n_found++;
                if (rebuild_layer(m, i, n, &e) >= 0) {
                        fprintf(output,
                                "image %s: gone from the disk is layer %s: made again from its archive\n",
                                i->record.id, chain);
                        continue;
                }
                fprintf(output, "image %s: gone from the disk is layer %s: set aside, pull it again (%s)\n",
                        i->record.id, chain, error_message(&e));
                return forget_image(m, i, reterr);
        }
        return 0;
}

int store_rebuild(ImageManager *m, FILE *output, StoreCheckResult *ret, Error *reterr) {
        Image *i;
        int r = 0;

        HASHMAP_FOREACH(i, m->images)
                if (r >= 0)
                        r = rebuild_image(m, i, output, ret, reterr);
        return r;
}
