/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting a container to one more network, and from one: at once if it runs, else with its next start. */
#include "basic/messages.h"
#include "container/container-config.h"
#include "container/container-network.h"
#include "container/container-ports.h"

static int check_mode(const Container *c, Error *reterr) {
        const char *mode = c->doc.host_config.network_mode;

        if (streq(mode, NETWORK_HOST))
                return error_setf(reterr, ERROR_FORBIDDEN,
                                  "container cannot be disconnected from host network or connected to host "
                                  "network");
        if (namespace_of_container(mode))
                return error_setf(
                                reterr, ERROR_CONFLICT,
                                "container sharing network namespace with another container or host cannot "
                                "be connected to any other network");
        if (c->state == CONTAINER_REMOVING || c->state == CONTAINER_DEAD)
                return error_setf(
                                reterr, ERROR_CONFLICT,
                                "Container %s is marked for removal and cannot be connected or disconnected "
                                "to the network",
                                c->doc.id);
        return 0;
}

static EndpointSettingsEntry *find_entry(Container *c, Network *n) {
        for (size_t i = 0; i < c->doc.networking.endpoints_config.n_items; i++) {
                EndpointSettingsEntry *e = c->doc.networking.endpoints_config.items + i;
                Network *other;

                if (network_manager_find(c->manager->config.networks, e->key, &other, NULL) >= 0 &&
                    other == n)
                        return e;
        }
        return NULL;
}

static void drop_entry(Container *c, EndpointSettingsEntry *e) {
        size_t at = (size_t) (e - c->doc.networking.endpoints_config.items),
               n = c->doc.networking.endpoints_config.n_items;

        free(e->key);
        json_free(&EndpointSettings_json, e->value);
        memmove(e, e + 1, (n - at - 1) * sizeof(*e));
        c->doc.networking.endpoints_config.n_items--;
}

static int connect_running(Container *c, Network *n, const EndpointSettings *settings, Error *reterr) {
        NetworkManager *networks = c->manager->config.networks;
        int64_t priority = settings ? settings->gw_priority : 0;
        bool leads = sandbox_would_lead(sandbox_find(networks, c->doc.id), n, priority);
        _cleanup_(port_requests_donep) PortRequests ports = {};
        _cleanup_strv_free_ char **names = NULL;
        Endpoint *e;
        int r;

        r = port_requests(&c->doc, &ports, reterr);
        if (r < 0)
                return r;
        if (container_endpoint_names(c, settings, &names) < 0)
                return error_fill(reterr, -ENOMEM);
        r = endpoint_connect(networks, &(EndpointParams) {
                .container_id = c->doc.id,
                .container_name = c->doc.name,
                .network = network_id(n),
                .ipv4_address = settings && settings->ipam_config ?
                                                empty_to_null(settings->ipam_config->ipv4_address) :
                                                NULL,
                .mac_address = settings ? empty_to_null(settings->mac_address) : NULL,
                .aliases = names,
                .gw_priority = priority,
                .default_route = leads,
                .ports = leads ? ports.items : NULL,
                .n_ports = leads ? ports.n_items : 0,
        }, &e, reterr);
        if (r < 0)
                return r;
        r = container_network_refresh(c, reterr);
        if (r < 0) {
                (void) endpoint_disconnect(networks, c->doc.id, n, NULL);
                return r;
        }
        container_network_event(c, e, "connect", MESSAGE_NETWORK_CONNECT_STR);
        return 0;
}

int container_network_connect(Container *c, Network *n, const EndpointSettings *settings, Error *reterr) {
        EndpointSettingsEntry *entry;
        int r;

        r = check_mode(c, reterr);
        if (r >= 0)
                r = container_endpoint_check(c->manager->config.networks, network_name(n), settings, reterr);
        if (r < 0)
                return r;
        if (streq(network_driver(n), "host"))
                return error_setf(reterr, ERROR_FORBIDDEN,
                                  "container cannot be connected to host network: its network mode is %s",
                                  c->doc.host_config.network_mode);
        if (streq(network_driver(n), "null") || streq(c->doc.host_config.network_mode, NETWORK_NONE))
                return error_setf(reterr, ERROR_FORBIDDEN,
                                  "container cannot be connected to multiple networks with one of the "
                                  "networks in private (none) mode");
        if (find_entry(c, n))
                return error_setf(reterr, ERROR_FORBIDDEN,
                                  "endpoint with name %s already exists in network %s", c->doc.name,
                                  network_name(n));
        r = container_is_running(c) ? connect_running(c, n, settings, reterr) : 0;
        if (r < 0)
                return r;
        entry = container_endpoint_add(&c->doc, network_name(n), settings);
        if (!entry)
                return error_fill(reterr, -ENOMEM);
        return container_save(c, STORE_SYNC_FULL, reterr);
}

static int disconnect_running(Container *c, Network *n, Error *reterr) {
        NetworkManager *networks = c->manager->config.networks;
        const Sandbox *s = sandbox_find(networks, c->doc.id);
        const Endpoint *e = s ? sandbox_find_endpoint(s, network_id(n)) : NULL;
        int r;

        if (!e)
                return 0;
        container_network_event(c, e, "disconnect", MESSAGE_NETWORK_DISCONNECT_STR);
        r = endpoint_disconnect(networks, c->doc.id, n, reterr);
        return r < 0 ? r : container_network_refresh(c, reterr);
}

int container_network_disconnect(Container *c, Network *n, Error *reterr) {
        EndpointSettingsEntry *entry;
        int r;

        r = check_mode(c, reterr);
        if (r < 0)
                return r;
        entry = find_entry(c, n);
        if (!entry)
                return error_setf(reterr, ERROR_FORBIDDEN, "container %s is not connected to network %s",
                                  c->doc.id, network_name(n));
        r = container_is_running(c) ? disconnect_running(c, n, reterr) : 0;
        if (r < 0)
                return r;
        /* By name and by id, where the client gave both. */
        for (; entry; entry = find_entry(c, n))
                drop_entry(c, entry);
        return container_save(c, STORE_SYNC_FULL, reterr);
}

static EndpointSettingsEntry *find_key(Container *c, const char *key) {
        for (size_t i = 0; i < c->doc.networking.endpoints_config.n_items; i++)
                if (streq(c->doc.networking.endpoints_config.items[i].key, key))
                        return c->doc.networking.endpoints_config.items + i;
        return NULL;
}

int container_network_disconnect_removed(Container *c, const char *network, Error *reterr) {
        EndpointSettingsEntry *entry = container_is_running(c) ? NULL : find_key(c, network);
        int r;

        r = check_mode(c, reterr);
        if (r < 0)
                return r;
        if (!entry)
                return error_setf(reterr, ERROR_NOT_FOUND, "network %s not found", network);
        drop_entry(c, entry);
        return container_save(c, STORE_SYNC_FULL, reterr);
}
