/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of a local image: the one it came with, or one that is made of what is known. */
#pragma once

#include "image/image-internal.h"

#define OCI_LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"

/* Descriptor of the image's manifest, whose blob is in the content store when this returns. The manifest is
 * kept in the record, so that it is the same the next time. */
int image_manifest(ImageManager *m, const Image *image, OciDescriptor *ret, Error *reterr);
/* The same without keeping anything: *ret_text is the manifest that was made up, NULL if it is in the
 * content store. -ENOENT: the layers were not kept as archives. */
int image_manifest_describe(ImageManager *m, const Image *image, OciDescriptor *ret, char **ret_text);
