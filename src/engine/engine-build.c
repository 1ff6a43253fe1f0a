/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on the image builder. There is none yet, and so it keeps nothing: that much can be told. */
#include "engine/calls.h"
#include "engine/engine-internal.h"

static int prune_call(Engine *e, Call *call) {
        call_reply(call, &(const BuildPruneReply) {});
        return 1;
}

const EngineCall engine_call_build_prune = {
        "BuildPrune", &BuildPruneParams_json, &BuildPruneReply_json, "build-prune", CALL_MUTATES, prune_call,
        "Removes what the builder keeps of earlier builds.",
};
