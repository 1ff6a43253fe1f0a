/* SPDX-License-Identifier: Apache-2.0 */
/* Whether all that a recorded image needs is still on the disk; for the files of this folder. */
#pragma once

#include "image/image-internal.h"

/* Everything: a pull of it would find nothing to fetch. */
/* Whether this is one of the blobs that the record names. */
bool image_record_has_blob(const ImageRecord *record, const char *digest);
bool image_is_whole(ImageManager *m, const Image *image);
/* All layers are there, so that a container can be made of it; else an error that says what to do. */
int image_check_layers(ImageManager *m, const Image *image, Error *reterr);
