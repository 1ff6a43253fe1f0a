/* SPDX-License-Identifier: Apache-2.0 */
/* What every container finds in its root file system, whatever the image holds: the places for mounts, and
 * files that tell programs where they are. It is a layer of its own between the image's and the container's,
 * so that it is no change of the container's; made once for all containers of an image. For the files of
 * this folder. */
#pragma once

#include "image/image-internal.h"

int init_layer_ensure(ImageManager *m, const Image *image, Error *reterr);
/* Its name, as that of a layer below the directory of the layers: 1, or 0 if there is none. */
int init_layer_name(ImageManager *m, const Image *image, char **ret);
