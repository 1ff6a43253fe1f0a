/* SPDX-License-Identifier: Apache-2.0 */
#include "api/disk-usage.h"

static const JsonField disk_usage_params_fields[] = {
        JSON_STRV(DiskUsageParams, types, "type", JSON_IN_QUERY, .since = 42),
};
JSON_TYPE(DiskUsageParams, disk_usage_params_fields);

static const JsonField disk_usage_fields[] = {
        JSON_INT64(DiskUsage, layers_size, "LayersSize", 0),
        JSON_ARRAY(DiskUsage, images, ImageSummary, "Images", 0),
        JSON_ARRAY(DiskUsage, containers, ContainerSummary, "Containers", 0),
        JSON_ARRAY(DiskUsage, volumes, VolumeInfo, "Volumes", 0),
        JSON_RAW(DiskUsage, build_cache, "BuildCache", 0),
};
JSON_TYPE(DiskUsage, disk_usage_fields);

static const JsonField build_prune_params_fields[] = {
        JSON_BOOL(BuildPruneParams, all, "all", JSON_IN_QUERY),
        JSON_FILTERS(BuildPruneParams, filters, "filters", JSON_IN_QUERY),
};
JSON_TYPE(BuildPruneParams, build_prune_params_fields);

static const JsonField build_prune_reply_fields[] = {
        JSON_STRV(BuildPruneReply, caches_deleted, "CachesDeleted", 0),
        JSON_INT64(BuildPruneReply, space_reclaimed, "SpaceReclaimed", 0),
};
JSON_TYPE(BuildPruneReply, build_prune_reply_fields);
