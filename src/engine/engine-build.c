/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on the image builder. There is none yet, and so it keeps nothing: that much can be told. */
#include "engine/calls.h"
#include "engine/engine-internal.h"

static int prune_call(Engine *e, Call *call) {
        const BuildPruneParams *p = call->params;
        nsec_t until;
        int r;

        r = filters_get_prune_until(&p->filters, &until, &call->error);
        if (r < 0)
                return error_prefixf(&call->error, r, "failed to prune build cache");
        call_reply(call, &(const BuildPruneReply) {});
        return 1;
}

const EngineCall engine_call_build_prune = {
        "BuildPrune", &BuildPruneParams_json, &BuildPruneReply_json, "build-prune", CALL_MUTATES, prune_call,
        "Removes what the builder keeps of earlier builds.",
};
