/* SPDX-License-Identifier: Apache-2.0 */
/* What the API says of an image's manifests: those of the index it was pulled by, here or not, or its only
 * one. */
#pragma once

#include "image/image-internal.h"

/* Of the index or the manifest that the image's name stands for; NULL = its layers were not kept as
 * archives, so there is none. *ret is for the caller to free. */
int image_describe_target(ImageManager *m, Image *image, OciDescriptor **ret);

int image_list_manifests(ImageManager *m, Image *image, ImageManifestList *ret);
