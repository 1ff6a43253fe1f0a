/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of networks. */
#include "engine/calls.h"
#include "engine/engine-internal.h"

typedef struct NetworkList {
        NetworkInspect *items;
        size_t n_items, n_allocated;
        const Filters *filters;         /* borrowed */
} NetworkList;

static void network_list_done(NetworkList *l) {
        for (size_t i = 0; i < l->n_items; i++)
                json_done(&NetworkInspect_json, l->items + i);
        free(l->items);
}
DEFINE_CLEANUP_DONE(NetworkList, network_list_done);

static int add_network(Network *n, void *userdata) {
        NetworkList *l = ASSERT_PTR(userdata);

        if (!network_matches(n, l->filters))
                return 0;
        if (!GREEDY_REALLOC0(l->items, l->n_allocated, l->n_items + 1))
                return -ENOMEM;
        return network_inspect(n, /* containers= */ false, l->items + l->n_items++);
}

static int network_list_call(Engine *e, Call *call) {
        const NetworkListParams *p = call->params;
        _cleanup_(network_list_donep) NetworkList l = { .filters = &p->filters };
        int r;

        r = network_filters_check(&p->filters, &call->error);
        if (r < 0)
                return r;
        r = network_foreach(e->networks, add_network, &l);
        if (r < 0)
                return error_fill(&call->error, r);
        call_reply(call, &(CallList) { l.items, l.n_items });
        return 1;
}

const EngineCall engine_call_network_list = {
        .name = "NetworkList",
        .params = &NetworkListParams_json,
        .reply = &NetworkInspect_json,
        .action = "network-list",
        .function = network_list_call,
        .doc = "Lists networks.",
        .reply_is_list = true,
};

static int network_inspect_call(Engine *e, Call *call) {
        _cleanup_(NetworkInspect_donep) NetworkInspect reply = {};
        const NetworkInspectParams *p = call->params;
        Network *n;
        int r;

        r = network_manager_find(e->networks, p->id, &n, &call->error);
        if (r < 0)
                return r;
        if (!isempty(p->scope) && !streq(p->scope, "local"))
                return error_setf(&call->error, ERROR_NOT_FOUND, "network %s not found", p->id);
        r = network_inspect(n, /* containers= */ true, &reply);
        if (r < 0)
                return error_fill(&call->error, r);
        call_reply(call, &reply);
        return 1;
}

const EngineCall engine_call_network_inspect = {
        .name = "NetworkInspect",
        .params = &NetworkInspectParams_json,
        .reply = &NetworkInspect_json,
        .action = "network-inspect",
        .function = network_inspect_call,
        .doc = "Shows a network and the containers connected to it.",
};
