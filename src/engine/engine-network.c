/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of networks. */
#include "engine/calls.h"
#include "engine/engine-internal.h"

#include "basic/log.h"
#include "basic/messages.h"
#include "container/container-network.h"

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

/* --- events --- */

static void network_event(Engine *e, const char *id, const char *name, const char *driver,
                          const char *action, const char *message_id) {
        StringMap a = {};

        if (string_map_set(&a, "name", name) < 0 || string_map_set(&a, "type", driver) < 0)
                log_oom();
        else
                event_hub_publish(e->events, &(EventDraft) {
                        .type = "network", .action = action, .id = id, .message_id = message_id,
                        .attributes = &a,
                });
        string_map_done(&a);
}

/* --- create, remove --- */

static int network_create_call(Engine *e, Call *call) {
        Network *n;
        int r;

        r = network_create(e->networks, call->params, &n, &call->error);
        if (r < 0)
                return r;
        network_event(e, network_id(n), network_name(n), network_driver(n), "create",
                      MESSAGE_NETWORK_CREATE_STR);
        call_reply(call, &(NetworkCreateResponse) { (char *) network_id(n), (char *) "" });
        return 1;
}

const EngineCall engine_call_network_create = {
        "NetworkCreate", &NetworkCreateRequest_json, &NetworkCreateResponse_json, "network-create",
        CALL_MUTATES, network_create_call, "Makes a network.",
};

static int remove_network(Engine *e, Network *n, Error *reterr) {
        _cleanup_free_ char *id = strdup(network_id(n)), *name = strdup(network_name(n));
        const char *driver = network_driver(n);
        int r;

        if (!id || !name)
                return error_fill(reterr, -ENOMEM);
        r = network_remove(e->networks, n, reterr);
        if (r < 0)
                return r;
        network_event(e, id, name, driver, "destroy", MESSAGE_NETWORK_DESTROY_STR);
        return 0;
}

static int network_remove_call(Engine *e, Call *call) {
        const NetworkInspectParams *p = call->params;
        Network *n;
        int r;

        r = network_manager_find(e->networks, p->id, &n, &call->error);
        if (r >= 0)
                r = remove_network(e, n, &call->error);
        if (r < 0)
                return r;
        call_reply(call, NULL);
        return 1;
}

const EngineCall engine_call_network_remove = {
        "NetworkRemove", &NetworkInspectParams_json, NULL, "network-remove", CALL_MUTATES,
        network_remove_call, "Removes a network that no container is connected to.",
};

/* --- connect, disconnect --- */

static int connect_container(Engine *e, Call *call, Container *c) {
        const NetworkConnectRequest *p = call->params;
        Network *n;
        int r;

        r = network_manager_find(e->networks, p->id, &n, &call->error);
        if (r >= 0)
                r = container_network_connect(c, n, p->endpoint_config, &call->error);
        if (r < 0)
                return r;
        call_reply(call, NULL);
        return 1;
}

static int find_first(Engine *e, Call *call, const char *network) {
        Network *n;

        return network_manager_find(e->networks, strempty(network), &n, &call->error);
}

static int network_connect_call(Engine *e, Call *call) {
        const NetworkConnectRequest *p = call->params;
        int r = find_first(e, call, p->id);

        return r < 0 ? r :
                       engine_with_idle_container(e, call, strempty(p->container), false, connect_container);
}

const EngineCall engine_call_network_connect = {
        "NetworkConnect", &NetworkConnectRequest_json, NULL, "network-connect", CALL_MUTATES,
        network_connect_call, "Connects a container to a network.",
};

static int disconnect_container(Engine *e, Call *call, Container *c) {
        const NetworkDisconnectRequest *p = call->params;
        Network *n;
        int r;

        if (network_manager_find(e->networks, p->id, &n, NULL) >= 0)
                r = container_network_disconnect(c, n, &call->error);
        else
                r = container_network_disconnect_removed(c, p->id, &call->error);
        if (r < 0)
                return r;
        call_reply(call, NULL);
        return 1;
}

static int network_disconnect_call(Engine *e, Call *call) {
        const NetworkDisconnectRequest *p = call->params;

        return engine_with_idle_container(e, call, strempty(p->container), false, disconnect_container);
}

const EngineCall engine_call_network_disconnect = {
        "NetworkDisconnect", &NetworkDisconnectRequest_json, NULL, "network-disconnect", CALL_MUTATES,
        network_disconnect_call, "Disconnects a container from a network.",
};

/* --- prune --- */

static int network_prune_call(Engine *e, Call *call) {
        const NetworkPruneParams *p = call->params;
        _cleanup_(NetworkPruneReply_donep) NetworkPruneReply reply = {};
        _cleanup_strv_free_ char **ids = NULL;
        int r;

        r = network_prune_candidates(e->networks, &p->filters, &ids, &call->error);
        STRV_FOREACH(id, ids) {
                _cleanup_error_ Error error = ERROR_NULL;
                _cleanup_free_ char *name = NULL;
                Network *n;

                if (r < 0 || network_manager_find(e->networks, *id, &n, NULL) < 0)
                        continue;
                name = strdup(network_name(n));
                if (!name)
                        r = error_fill(&call->error, -ENOMEM);
                else if (remove_network(e, n, &error) < 0)
                        log_warning("Network %s is not pruned: %s", name, error_message(&error));
                else if (strv_extend(&reply.networks_deleted, name) < 0)
                        r = error_fill(&call->error, -ENOMEM);
        }
        event_hub_publish_prune(e->events, "network", 0);
        if (r < 0)
                return r;
        call_reply(call, &reply);
        return 1;
}

const EngineCall engine_call_network_prune = {
        "NetworkPrune", &NetworkPruneParams_json, &NetworkPruneReply_json, "network-prune", CALL_MUTATES,
        network_prune_call, "Removes networks that no container is connected to.",
};
