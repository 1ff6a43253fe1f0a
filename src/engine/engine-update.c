/* SPDX-License-Identifier: Apache-2.0 */
/* Changing what a container may use. */
#include "engine/calls.h"
#include "engine/engine-internal.h"

#include "container/container-update.h"

/* The warnings of one that is under way. */
typedef struct UpdateWait {
        Call *call;                     /* a reference */
        char **warnings;
} UpdateWait;

static void on_updated(Operation *o, int r, const Error *error, void *userdata) {
        UpdateWait *w = ASSERT_PTR(userdata);

        if (r < 0)
                call_fail(w->call, error);
        else
                call_reply(w->call, &(ContainerUpdateReply) { w->warnings });
        call_unref(w->call);
        strv_free(w->warnings);
        free(w);
}

/* Takes the warnings over. */
static int wait_for_update(Call *call, Operation *o, char ***warnings) {
        UpdateWait *w = new(UpdateWait, 1);
        int r;

        if (!w)
                return error_fill(&call->error, -ENOMEM);
        *w = (UpdateWait) { call_ref(call), TAKE_PTR(*warnings) };
        r = operation_wait(o, on_updated, w);
        if (r < 0) {
                call_unref(w->call);
                strv_free(w->warnings);
                free(w);
                return error_fill(&call->error, r);
        }
        return 0;
}

static int update_container(Engine *e, Call *call, Container *c) {
        _cleanup_(operation_unrefp) Operation *o = NULL;
        _cleanup_strv_free_ char **warnings = NULL;
        int r;

        r = container_update(c, call->params, call->version, &warnings, &o, &call->error);
        if (r == 0)
                return wait_for_update(call, o, &warnings);
        if (r > 0)
                call_reply(call, &(ContainerUpdateReply) { warnings });
        return r;
}

static int update_call(Engine *e, Call *call) {
        const ContainerUpdateParams *p = call->params;

        return engine_with_idle_container(e, call, p->id, false, update_container);
}

const EngineCall engine_call_container_update = {
        "ContainerUpdate", &ContainerUpdateParams_json, &ContainerUpdateReply_json, "container-update",
        CALL_MUTATES, update_call, "Changes limits and the restart policy of a container.",
};
