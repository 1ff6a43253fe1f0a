/* SPDX-License-Identifier: Apache-2.0 */
/* The Dockerfile instructions that `docker import -c` and `docker commit -c` apply to an image's config. */
#pragma once

#include "api/oci-image.h"
#include "basic/error.h"

int image_change_apply(OciImageConfig *c, const char *instruction, Error *reterr);
