/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling one image from a registry; registry-verbs.h says how a registry is talked to. */
#pragma once

#include "image/image-manager.h"
#include "registry/reference.h"
#include "registry/registry-verbs.h"

/* Layers of one pull in work at once (--max-concurrent-downloads). */
#define PULL_DOWNLOADS_DEFAULT 3U

typedef struct ImagePullParams {
        const Reference *reference;     /* with a tag, a digest or both: then the digest counts */
        const RegistryAccess *access;
        const char *os, *architecture, *variant;        /* NULL or "" = the host's */
        unsigned max_downloads;         /* 0 = PULL_DOWNLOADS_DEFAULT */
} ImagePullParams;

/* Clients that want the same with the same credentials share the work, which ends early when the last of
 * them leaves. */
int image_pull_start(ImageManager *m, const ImagePullParams *params, const ImageJobHandlers *handlers,
                     ImageJob **ret, Error *reterr);
/* All tags of the repository, one after the other, until one fails; the reference has neither tag nor
 * digest. */
int image_pull_tags_start(ImageManager *m, const ImagePullParams *params, const ImageJobHandlers *handlers,
                          ImageJob **ret, Error *reterr);
