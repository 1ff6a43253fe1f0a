/* SPDX-License-Identifier: Apache-2.0 */
/* GET /system/df of the Docker API (v1.51). No logic. */
#pragma once

#include "api/container.h"
#include "api/image.h"
#include "api/volume.h"

typedef struct DiskUsageParams {
        char **types;                   /* "container", "image", "volume", "build-cache"; empty = all */
} DiskUsageParams;
JSON_TYPE_DECLARE(DiskUsageParams);

/* What was not asked for is null. */
typedef struct DiskUsage {
        int64_t layers_size;            /* bytes of all layers of images, each counted once */
        ImageSummaryList images;
        ContainerSummaryList containers;
        VolumeInfoList volumes;
        struct json_object *build_cache;
} DiskUsage;
JSON_TYPE_DECLARE(DiskUsage);
DEFINE_JSON_CLEANUP(DiskUsage);

/* POST /build/prune: which entries of the builder's cache go. */
typedef struct BuildPruneParams {
        bool all;
        Filters filters;
} BuildPruneParams;
JSON_TYPE_DECLARE(BuildPruneParams);

typedef struct BuildPruneReply {
        char **caches_deleted;
        int64_t space_reclaimed;
} BuildPruneReply;
JSON_TYPE_DECLARE(BuildPruneReply);
