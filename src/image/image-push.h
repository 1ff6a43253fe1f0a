/* SPDX-License-Identifier: Apache-2.0 */
/* Pushing the images of one repository to its registry. */
#pragma once

#include "image/image-manager.h"
#include "registry/reference.h"
#include "registry/registry-verbs.h"

/* Layers of one push in work at once (--max-concurrent-uploads). */
#define PUSH_UPLOADS_DEFAULT 5U

typedef struct ImagePushParams {
        const Reference *reference;     /* without a tag: all tags of the repository, one after the other */
        const RegistryAccess *access;
        const char *platform;           /* NULL or "" = whatever the image is for */
        unsigned max_uploads;           /* 0 = PUSH_UPLOADS_DEFAULT */
} ImagePushParams;

int image_push_start(ImageManager *m, const ImagePushParams *params, const ImageJobHandlers *handlers,
                     ImageJob **ret, Error *reterr);
