/* SPDX-License-Identifier: Apache-2.0 */
/* `docker system df`: what images and containers take on the disk. */
#include "api/disk-usage.h"
#include "container/container-list.h"
#include "engine/calls.h"
#include "engine/engine-internal.h"
#include "json/json-text.h"

typedef enum UsageType {
        USAGE_CONTAINER,
        USAGE_IMAGE,
        USAGE_VOLUME,
        USAGE_BUILD_CACHE,
        _USAGE_TYPE_MAX,
} UsageType;

static const char *const usage_types[] = {
        [USAGE_CONTAINER] = "container",
        [USAGE_IMAGE] = "image",
        [USAGE_VOLUME] = "volume",
        [USAGE_BUILD_CACHE] = "build-cache",
};

static bool is_wanted(const Call *call, UsageType type) {
        const DiskUsageParams *p = call->params;

        return strv_isempty(p->types) || strv_contains(p->types, usage_types[type]);
}

static int check_types(const DiskUsageParams *p, Error *reterr) {
        STRV_FOREACH(t, p->types) {
                bool known = false;

                FOREACH_ELEMENT(k, usage_types)
                        known = known || streq(*t, *k);
                if (!known)
                        return error_setf(reterr, ERROR_INVALID, "unknown object type: %s", *t);
        }
        return 0;
}

/* There is no build cache that could take anything yet. */
static int empty_list(struct json_object **ret, Error *reterr) {
        return json_parse("[]", 2, 1, ret, reterr);
}

static int fill_images(Call *call, DiskUsage *u) {
        ImageManager *m = call->engine->images;
        const ImageListParams params = {
                .all = true, .shared_size = true, .containers = true, .version = call->version,
        };

        u->layers_size = image_manager_layers_size(m);
        return image_manager_list(m, &params, &u->images, &call->error);
}

static int fill_others(Call *call, DiskUsage *u) {
        int r = 0;

        if (is_wanted(call, USAGE_IMAGE))
                r = fill_images(call, u);
        if (r >= 0 && is_wanted(call, USAGE_BUILD_CACHE))
                r = empty_list(&u->build_cache, &call->error);
        return r;
}

static void free_usage(void *userdata) {
        json_free(&DiskUsage_json, userdata);
}

static void reply_usage(Call *call, VolumeInfoList *volumes, void *userdata) {
        DiskUsage *u = userdata;
        int r;

        u->volumes = TAKE_STRUCT(*volumes);
        r = fill_others(call, u);
        if (r < 0)
                call_fail_own(call, r);
        else
                call_reply(call, u);
}

static int add_volumes(Call *call, ContainerSummaryList *containers) {
        VolumeInfoList volumes = {};
        const Filters none = {};
        DiskUsage *u;
        int r;

        if (is_wanted(call, USAGE_VOLUME)) {
                r = volume_list(call->engine->volumes, &none, &volumes, &call->error);
                if (r < 0)
                        return r;
        }
        u = json_new(&DiskUsage_json);
        if (!u)
                return error_fill(&call->error, -ENOMEM);
        u->containers = TAKE_STRUCT(*containers);
        return engine_volume_sizes(call, &volumes, reply_usage, u, free_usage);
}

static void containers_sized(Call *call, ContainerSummaryList *containers) {
        int r = add_volumes(call, containers);

        if (r < 0)
                call_fail_own(call, r);
}

static int usage_call(Engine *e, Call *call) {
        _cleanup_(container_summary_list_donep) ContainerSummaryList containers = {};
        int r;

        r = check_types(call->params, &call->error);
        if (r < 0)
                return r;
        if (is_wanted(call, USAGE_CONTAINER)) {
                r = container_list(e->containers, &(ContainerListParams) { .all = true, .size = true },
                                   &containers, &call->error);
                if (r >= 0 && !containers.items && !(containers.items = new0(ContainerSummary, 1)))
                        r = error_fill(&call->error, -ENOMEM);
                return r < 0 ? r : engine_container_sizes(call, &containers, containers_sized);
        }
        return add_volumes(call, &containers);
}

const EngineCall engine_call_system_disk_usage = {
        "SystemDiskUsage", &DiskUsageParams_json, &DiskUsage_json, "system-disk-usage", 0, usage_call,
        "Tells how much of the disk images and containers take.",
};
