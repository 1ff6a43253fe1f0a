/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image-whole.h"

#include "image/content.h"
#include "image/layer-store.h"

bool image_record_has_blob(const ImageRecord *record, const char *digest) {
        if (streq(record->id, digest) || streq_ptr(record->manifest, digest) ||
            streq_ptr(record->target, digest))
                return true;
        for (size_t i = 0; i < record->layers.n_items; i++)
                if (streq_ptr(record->layers.items[i].blob, digest))
                        return true;
        for (size_t i = 0; i < record->blobs.n_items; i++)
                if (streq_ptr(record->blobs.items[i].digest, digest))
                        return true;
        return false;
}

bool image_is_whole(ImageManager *m, const Image *image) {
        const ImageRecord *record = &image->record;

        for (size_t i = 0; i < record->layers.n_items; i++) {
                const ImageLayer *l = record->layers.items + i;

                if (!l->blob || !content_has(m, l->blob) || !layer_exists(m, l->chain))
                        return false;
        }
        for (size_t i = 0; i < record->blobs.n_items; i++)
                if (!content_has(m, record->blobs.items[i].digest))
                        return false;
        return content_has(m, record->id) && record->manifest && content_has(m, record->manifest) &&
               (!record->target || content_has(m, record->target));
}

int image_check_layers(ImageManager *m, const Image *image, Error *reterr) {
        for (size_t i = 0; i < image->record.layers.n_items; i++) {
                const char *chain = image->record.layers.items[i].chain;

                if (!layer_exists(m, chain))
                        return error_setf(reterr, ERROR_INTERNAL,
                                          "layer %s of image %s is gone from the disk: pull the image again, "
                                          "or stop the daemon and run 'dockerd --repair'",
                                          chain, image->record.id);
        }
        return 0;
}
