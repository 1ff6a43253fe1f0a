/* SPDX-License-Identifier: Apache-2.0 */
#include "api/volume.h"

static const JsonField volume_create_params_fields[] = {
        JSON_STRING(VolumeCreateParams, name, "Name", 0),
        JSON_STRING(VolumeCreateParams, driver, "Driver", 0),
        JSON_STRING_MAP(VolumeCreateParams, driver_opts, "DriverOpts", 0),
        JSON_STRING_MAP(VolumeCreateParams, labels, "Labels", 0),
        JSON_RAW(VolumeCreateParams, cluster_volume_spec, "ClusterVolumeSpec", 0, .since = 42),
};
JSON_TYPE(VolumeCreateParams, volume_create_params_fields);

static const JsonField volume_usage_data_fields[] = {
        JSON_INT64(VolumeUsageData, ref_count, "RefCount", 0),
        JSON_INT64(VolumeUsageData, size, "Size", 0),
};
JSON_TYPE(VolumeUsageData, volume_usage_data_fields);

static const JsonField volume_info_fields[] = {
        JSON_TIME(VolumeInfo, created_at, "CreatedAt", 0),
        JSON_STRING(VolumeInfo, driver, "Driver", 0),
        JSON_STRING_MAP(VolumeInfo, labels, "Labels", 0),
        JSON_STRING(VolumeInfo, mountpoint, "Mountpoint", 0),
        JSON_STRING(VolumeInfo, name, "Name", 0),
        JSON_STRING_MAP(VolumeInfo, options, "Options", 0),
        JSON_STRING(VolumeInfo, scope, "Scope", 0),
        JSON_OBJECT(VolumeInfo, usage_data, VolumeUsageData, "UsageData", JSON_OMITEMPTY),
};
JSON_TYPE(VolumeInfo, volume_info_fields);

static const JsonField volume_list_params_fields[] = {
        JSON_FILTERS(VolumeListParams, filters, "filters", JSON_IN_QUERY),
};
JSON_TYPE(VolumeListParams, volume_list_params_fields);

static const JsonField volume_list_reply_fields[] = {
        JSON_ARRAY(VolumeListReply, volumes, VolumeInfo, "Volumes", JSON_NONNULL),
        JSON_STRV(VolumeListReply, warnings, "Warnings", 0),
};
JSON_TYPE(VolumeListReply, volume_list_reply_fields);

static const JsonField volume_inspect_params_fields[] = {
        JSON_STRING(VolumeInspectParams, name, "name", JSON_IN_PATH),
};
JSON_TYPE(VolumeInspectParams, volume_inspect_params_fields);

static const JsonField volume_remove_params_fields[] = {
        JSON_STRING(VolumeRemoveParams, name, "name", JSON_IN_PATH),
        JSON_BOOL(VolumeRemoveParams, force, "force", JSON_IN_QUERY, .since = 25),
};
JSON_TYPE(VolumeRemoveParams, volume_remove_params_fields);

static const JsonField volume_prune_params_fields[] = {
        JSON_FILTERS(VolumePruneParams, filters, "filters", JSON_IN_QUERY),
};
JSON_TYPE(VolumePruneParams, volume_prune_params_fields);

static const JsonField volume_prune_reply_fields[] = {
        JSON_STRV(VolumePruneReply, volumes_deleted, "VolumesDeleted", 0),
        JSON_INT64(VolumePruneReply, space_reclaimed, "SpaceReclaimed", 0),
};
JSON_TYPE(VolumePruneReply, volume_prune_reply_fields);
