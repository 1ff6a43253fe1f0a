/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on volumes. */
#include "engine/calls.h"
#include "engine/engine-internal.h"

#include "image/rootfs.h"

#define API_PRUNE_ANONYMOUS 42U         /* from this version on a prune spares volumes with a name */

/* --- sizes: a worker for each volume, one after another --- */

typedef struct SizesJob {
        Call *call;
        VolumeInfoList list;
        size_t next;
        ImageJob *job;
        VolumeSizesDone done;
        void *userdata;
        void (*userdata_free)(void *userdata);
} SizesJob;

static void sizes_job_free(void *p) {
        SizesJob *j = p;
        VolumeListReply owner = { .volumes = j->list };

        image_job_cancel(j->job);
        json_done(&VolumeListReply_json, &owner);
        if (j->userdata_free)
                j->userdata_free(j->userdata);
        free(j);
}

static void sizes_next(SizesJob *j);

static void on_size(ImageJob *job, int r, int64_t size, void *userdata) {
        SizesJob *j = userdata;

        j->job = NULL;
        if (r >= 0)
                j->list.items[j->next].usage_data->size = size;
        j->next++;
        sizes_next(j);
}

/* What is not below the data root is not the volume's. */
static bool start_size(SizesJob *j, const VolumeInfo *i) {
        Engine *e = j->call->engine;
        Volume *v = volume_get(e->volumes, i->name);

        return v && volume_kind(v) == VOLUME_DIRECTORY &&
                directory_usage_start(e->images, v->mountpoint, on_size, j, &j->job, NULL) >= 0;
}

static void sizes_next(SizesJob *j) {
        for (; j->next < j->list.n_items; j->next++)
                if (start_size(j, j->list.items + j->next))
                        return;
        j->done(j->call, &j->list, j->userdata);
}

static int add_usage(Engine *e, VolumeInfo *i) {
        _cleanup_strv_free_ char **ids = NULL;
        int r;

        r = container_manager_volume_users(e->containers, i->name, &ids);
        if (r < 0)
                return r;
        i->usage_data = json_new(&VolumeUsageData_json);
        if (!i->usage_data)
                return -ENOMEM;
        *i->usage_data = (VolumeUsageData) { .size = -1, .ref_count = (int64_t) strv_length(ids) };
        return 0;
}

int engine_volume_sizes(Call *call, VolumeInfoList *volumes, VolumeSizesDone done, void *userdata,
                        void (*userdata_free)(void *userdata)) {
        SizesJob *j = new(SizesJob, 1);
        int r = 0;

        if (!j) {
                if (userdata_free)
                        userdata_free(userdata);
                return error_fill(&call->error, -ENOMEM);
        }
        *j = (SizesJob) {
                .call = call, .list = TAKE_STRUCT(*volumes), .done = done, .userdata = userdata,
                .userdata_free = userdata_free,
        };
        if (call->data_free)
                call->data_free(call->data);
        call->data = j;
        call->data_free = sizes_job_free;
        for (size_t i = 0; r >= 0 && i < j->list.n_items; i++)
                r = add_usage(call->engine, j->list.items + i);
        if (r < 0)
                return error_fill(&call->error, r);
        call_ref(call);                 /* the answer may be the last to hold it */
        sizes_next(j);
        call_unref(call);
        return 0;
}

/* --- calls --- */

static int list_call(Engine *e, Call *call) {
        const VolumeListParams *p = call->params;
        _cleanup_(VolumeListReply_donep) VolumeListReply reply = {};
        int r;

        r = volume_list(e->volumes, &p->filters, &reply.volumes, &call->error);
        if (r < 0)
                return r;
        call_reply(call, &reply);
        return 1;
}

static int reply_info(Call *call, const Volume *v) {
        _cleanup_(VolumeInfo_donep) VolumeInfo i = {};
        int r;

        r = volume_info(v, &i);
        if (r < 0)
                return error_fill(&call->error, r);
        call_reply(call, &i);
        return 1;
}

static int create_call(Engine *e, Call *call) {
        Volume *v;
        int r;

        r = volume_create(e->volumes, call->params, &v, &call->error);
        return r < 0 ? r : reply_info(call, v);
}

static int inspect_call(Engine *e, Call *call) {
        const VolumeInspectParams *p = call->params;
        Volume *v;
        int r;

        r = volume_find(e->volumes, p->name, &v, &call->error);
        return r < 0 ? r : reply_info(call, v);
}

static int remove_call(Engine *e, Call *call) {
        const VolumeRemoveParams *p = call->params;
        int r;

        r = volume_remove(e->volumes, p->name, p->force, &call->error);
        if (r < 0)
                return r;
        call_reply(call, NULL);
        return 1;
}

/* --- prune --- */

/* One that somebody has begun to use meanwhile stays. */
static void prune_sized(Call *call, VolumeInfoList *volumes, void *userdata) {
        _cleanup_(VolumePruneReply_donep) VolumePruneReply reply = {};
        Engine *e = call->engine;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < volumes->n_items; i++) {
                const VolumeInfo *v = volumes->items + i;

                if (volume_remove(e->volumes, v->name, false, NULL) < 0)
                        continue;
                reply.space_reclaimed += MAX(v->usage_data->size, 0);
                r = strv_extend(&reply.volumes_deleted, v->name);
        }
        event_hub_publish_prune(e->events, "volume", reply.space_reclaimed);
        if (r < 0)
                call_fail_own(call, error_fill(&call->error, r));
        else
                call_reply(call, &reply);
}

static int list_candidates(Engine *e, Call *call, bool all, VolumeInfoList *ret) {
        const VolumePruneParams *p = call->params;
        _cleanup_(VolumeListReply_donep) VolumeListReply l = {};
        _cleanup_strv_free_ char **names = NULL;
        int r;

        r = volume_prune_candidates(e->volumes, &p->filters, all, &names, &call->error);
        if (r < 0)
                return r;
        l.volumes.items = new0(VolumeInfo, strv_length(names) + 1);
        r = l.volumes.items ? 0 : -ENOMEM;
        STRV_FOREACH(n, names)
                if (r >= 0)
                        r = volume_info(volume_get(e->volumes, *n), l.volumes.items + l.volumes.n_items++);
        if (r < 0)
                return error_fill(&call->error, r);
        *ret = TAKE_STRUCT(l.volumes);
        return 0;
}

static int prune_call(Engine *e, Call *call) {
        static const char *const keys[] = { "all", "label", "label!", NULL };
        const VolumePruneParams *p = call->params;
        VolumeInfoList candidates = {};
        Tristate all;
        int r;

        r = filters_check_keys(&p->filters, keys, &call->error);
        if (r >= 0)
                r = filters_get_tristate(&p->filters, "all", &all, &call->error);
        if (r >= 0)
                r = list_candidates(e, call, all == TRISTATE_TRUE || call->version < API_PRUNE_ANONYMOUS,
                                    &candidates);
        return r < 0 ? r : engine_volume_sizes(call, &candidates, prune_sized, NULL, NULL);
}

/* --- rows --- */

const EngineCall engine_call_volume_list = {
        "VolumeList", &VolumeListParams_json, &VolumeListReply_json, "volume-list", 0, list_call,
        "Lists volumes.",
};
const EngineCall engine_call_volume_create = {
        "VolumeCreate",
        &VolumeCreateParams_json,
        &VolumeInfo_json,
        "volume-create",
        CALL_MUTATES,
        create_call,
        "Makes a volume, or takes the one of that name.",
};
const EngineCall engine_call_volume_inspect = {
        "VolumeInspect", &VolumeInspectParams_json, &VolumeInfo_json, "volume-inspect", 0, inspect_call,
        "Shows a volume.",
};
const EngineCall engine_call_volume_remove = {
        "VolumeRemove", &VolumeRemoveParams_json, NULL, "volume-remove", CALL_MUTATES, remove_call,
        "Removes a volume that no container has, and its data.",
};
const EngineCall engine_call_volume_prune = {
        "VolumePrune",
        &VolumePruneParams_json,
        &VolumePruneReply_json,
        "volume-prune",
        CALL_MUTATES,
        prune_call,
        "Removes volumes that no container has.",
};
