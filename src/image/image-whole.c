/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image-whole.h"

#include "image/content.h"
#include "image/layer-store.h"

bool image_is_whole(ImageManager *m, const Image *image) {
        const ImageRecord *record = &image->record;

        for (size_t i = 0; i < record->layers.n_items; i++) {
                const ImageLayer *l = record->layers.items + i;

                if (!l->blob || !content_has(m, l->blob) || !layer_exists(m, l->chain))
                        return false;
        }
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
