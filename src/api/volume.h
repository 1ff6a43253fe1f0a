/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters and replies of the calls on volumes. */
#pragma once

#include "json/json-type.h"

/* POST /volumes/create */
typedef struct VolumeCreateParams {
        char *name;                     /* "" = one is made up */
        char *driver;                   /* "" = local */
        StringMap driver_opts;
        StringMap labels;
        struct json_object *cluster_volume_spec;
} VolumeCreateParams;
JSON_TYPE_DECLARE(VolumeCreateParams);
DEFINE_JSON_CLEANUP(VolumeCreateParams)

typedef struct VolumeUsageData {
        int64_t size;                   /* bytes; -1 = not known */
        int64_t ref_count;              /* containers that have it */
} VolumeUsageData;
JSON_TYPE_DECLARE(VolumeUsageData);

typedef struct VolumeInfo {
        nsec_t created_at;
        char *driver;
        StringMap labels;
        char *mountpoint;
        char *name;
        StringMap options;
        char *scope;
        VolumeUsageData *usage_data;    /* of GET /system/df only */
} VolumeInfo;
JSON_TYPE_DECLARE(VolumeInfo);
DEFINE_JSON_CLEANUP(VolumeInfo)

/* GET /volumes */
typedef struct VolumeListParams {
        Filters filters;
} VolumeListParams;
JSON_TYPE_DECLARE(VolumeListParams);

typedef struct VolumeInfoList {
        VolumeInfo *items;
        size_t n_items;
} VolumeInfoList;

typedef struct VolumeListReply {
        VolumeInfoList volumes;
        char **warnings;
} VolumeListReply;
JSON_TYPE_DECLARE(VolumeListReply);
DEFINE_JSON_CLEANUP(VolumeListReply)

/* GET /volumes/{name} */
typedef struct VolumeInspectParams {
        char *name;
} VolumeInspectParams;
JSON_TYPE_DECLARE(VolumeInspectParams);

/* DELETE /volumes/{name} */
typedef struct VolumeRemoveParams {
        char *name;
        bool force;
} VolumeRemoveParams;
JSON_TYPE_DECLARE(VolumeRemoveParams);

/* POST /volumes/prune */
typedef struct VolumePruneParams {
        Filters filters;
} VolumePruneParams;
JSON_TYPE_DECLARE(VolumePruneParams);

typedef struct VolumePruneReply {
        char **volumes_deleted;
        int64_t space_reclaimed;
} VolumePruneReply;
JSON_TYPE_DECLARE(VolumePruneReply);
DEFINE_JSON_CLEANUP(VolumePruneReply)
