/* SPDX-License-Identifier: Apache-2.0 */
/* The Dockerfile instructions that `docker import -c` and `docker commit -c` apply to an image's config. */
#pragma once

#include "api/oci-image.h"
#include "basic/error.h"

/* In their order; each string may hold several lines. Docker's texts. */
int image_changes_apply(OciImageConfig *c, char *const *changes, Error *reterr);
