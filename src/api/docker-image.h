/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's own image formats where they differ from the OCI ones: manifest.json of a `docker save`
 * archive. */
#pragma once

#include "json/json-type.h"

/* One item of the list in manifest.json. */
typedef struct DockerArchiveImage {
        char *config;                   /* path of the config in the archive */
        char **repo_tags;
        char **layers;                  /* paths of the layers in the archive, lowest first */
        char *parent;                   /* id of the image it was committed on, if that is in the archive */
} DockerArchiveImage;
JSON_TYPE_DECLARE(DockerArchiveImage);
DEFINE_JSON_CLEANUP(DockerArchiveImage);
