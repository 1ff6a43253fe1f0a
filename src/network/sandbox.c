/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox of a container: namespace, endpoints, and the record that makes both survive the daemon. */
#include <stdio.h>

#include "basic/crash-point.h"
#include "basic/errno-util.h"
#include "basic/log.h"
#include "basic/hexdecoct.h"
#include "basic/path-util.h"
#include "network/network-manager-private.h"
#include "shared/namespace-util.h"
#include "store/store.h"

Endpoint *endpoint_free(Endpoint *e) {
        if (!e)
                return NULL;
        free(e->network_id);
        free(e->network_name);
        strv_free(e->aliases);
        return mfree(e);
}

Endpoint *sandbox_find_endpoint(const Sandbox *s, const char *network_id) {
        for (size_t i = 0; i < s->n_endpoints; i++)
                if (streq(s->endpoints[i]->network_id, network_id))
                        return s->endpoints[i];
        return NULL;
}

/* --- life in memory --- */

int sandbox_new_internal(NetworkManager *m, const char *container_id, Sandbox **ret) {
        _cleanup_(sandbox_destroyp) Sandbox *s = NULL;
        int r;

        s = new(Sandbox, 1);
        if (!s)
                return -ENOMEM;
        *s = (Sandbox) { .netns_fd = -EBADF };
        s->container_id = strdup(container_id);
        if (!s->container_id)
                return -ENOMEM;
        r = hashmap_put(m->sandboxes, s->container_id, s);
        if (r < 0)
                return r;
        s->manager = m;

        *ret = TAKE_PTR(s);
        return 0;
}

Sandbox *sandbox_destroy(Sandbox *s) {
        if (!s)
                return NULL;
        if (s->manager)
                hashmap_remove(s->manager->sandboxes, s->container_id);
        sandbox_close(s);
        dns_server_free(s->names);
        for (size_t i = 0; i < s->n_endpoints; i++)
                endpoint_free(s->endpoints[i]);
        free(s->endpoints);
        free(s->ports);
        free(s->container_name);
        free(s->name);
        free(s->path);
        free(s->container_id);
        return mfree(s);
}

static int sandbox_open(Sandbox *s) {
        int r;

        if (s->netns_fd < 0) {
                r = netns_open(s->path, &s->netns_fd);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int open_netlink(void *userdata) {
        Netlink **ret = ASSERT_PTR(userdata);

        return netlink_open(ret);
}

int sandbox_open_netlink(Sandbox *s) {
        int r;

        r = sandbox_open(s);
        if (r < 0 || s->netlink)
                return r;
        return netns_run(s->netns_fd, open_netlink, &s->netlink);
}

void sandbox_close(Sandbox *s) {
        s->netlink = netlink_free(s->netlink);
        s->netns_fd = safe_close(s->netns_fd);
}

/* --- record --- */

static int endpoint_to_record(const Endpoint *e, EndpointRecord *ret) {
        char address[NET_PREFIX_TEXT_MAX], gateway[NET_ADDR_TEXT_MAX], mac[MAC_ADDR_TEXT_MAX];

        net_prefix_format(address, &e->address);
        net_addr_format(gateway, &e->gateway);
        mac_addr_format(mac, &e->mac);
        ret->id = strdup(e->id);
        ret->network_id = strdup(e->network_id);
        ret->network_name = strdup(e->network_name);
        ret->address = strdup(address);
        ret->gateway = strdup(gateway);
        ret->mac = strdup(mac);
        ret->interface = strdup(e->interface);
        ret->inside = strdup(e->inside);
        ret->gw_priority = e->gw_priority;
        ret->default_route = e->default_route;
        if (!ret->inside || strv_extend_strv(&ret->aliases, e->aliases) < 0)
                return -ENOMEM;
        return ret->id && ret->network_id && ret->network_name && ret->address && ret->gateway && ret->mac &&
                               ret->interface ? 0 : -ENOMEM;
}

static int port_to_record(const PortBindingActual *p, PortRecord *ret) {
        char address[NET_ADDR_TEXT_MAX];

        ret->protocol = strdup(port_protocol_to_string(p->protocol));
        ret->host_address = strdup(net_addr_format(address, &p->host_address));
        ret->container_port = p->container_port;
        ret->default_address = p->default_address;
        ret->host_port = p->host_port;
        return ret->protocol && ret->host_address ? 0 : -ENOMEM;
}

static int sandbox_to_record(const Sandbox *s, SandboxRecord *ret) {
        int r = 0;

        ret->container_id = strdup(s->container_id);
        ret->endpoints.items = new0(EndpointRecord, s->n_endpoints);
        ret->ports.items = new0(PortRecord, s->n_ports);
        if (!ret->container_id || !ret->endpoints.items || !ret->ports.items)
                return -ENOMEM;
        RET_GATHER(r, free_and_strdup(&ret->container_name, s->container_name));
        RET_GATHER(r, free_and_strdup(&ret->name, s->name));
        for (size_t i = 0; i < s->n_endpoints; i++)
                RET_GATHER(r, endpoint_to_record(s->endpoints[i],
                                                 ret->endpoints.items + ret->endpoints.n_items++));
        for (size_t i = 0; i < s->n_ports; i++)
                RET_GATHER(r, port_to_record(s->ports + i, ret->ports.items + ret->ports.n_items++));
        return r;
}

int sandbox_save(Sandbox *s, Error *reterr) {
        _cleanup_(SandboxRecord_donep) SandboxRecord record = {};
        _cleanup_free_ char *text = NULL;
        int r;

        r = sandbox_to_record(s, &record);
        if (r < 0)
                return error_fill(reterr, r);
        text = json_encode_text(&SandboxRecord_json, &record, 0);
        if (!text)
                return error_fill(reterr, -ENOMEM);

        /* Nothing of it survives a power cut, so the record need not either. */
        r = store_put(s->manager->store, STORE_LEASE, s->container_id, text, STORE_SYNC_LAZY, reterr);
        if (r < 0)
                return r;
        s->recorded = true;
        return 0;
}

static int endpoint_from_record(const EndpointRecord *record, Endpoint **ret) {
        _cleanup_(endpoint_freep) Endpoint *e = NULL;

        if (!id_is_valid(record->id) || strlen(strempty(record->interface)) >= sizeof(e->interface) ||
            strlen(strempty(record->inside)) >= sizeof(e->inside))
                return -EBADMSG;
        e = new0(Endpoint, 1);
        if (!e)
                return -ENOMEM;
        memcpy(e->id, record->id, sizeof(e->id));
        (void) snprintf(e->interface, sizeof(e->interface), "%s", strempty(record->interface));
        (void) snprintf(e->inside, sizeof(e->inside), "%s",
                        isempty(record->inside) ? CONTAINER_INTERFACE "0" : record->inside);
        e->gw_priority = record->gw_priority;
        e->default_route = record->default_route;
        e->network_id = strdup(record->network_id);
        e->network_name = strdup(record->network_name);
        if (!e->network_id || !e->network_name || strv_extend_strv(&e->aliases, record->aliases) < 0)
                return -ENOMEM;
        if ((!isempty(record->address) && net_prefix_parse(record->address, &e->address) < 0) ||
            (!isempty(record->gateway) && net_addr_parse(record->gateway, &e->gateway) < 0) ||
            (!isempty(record->mac) && mac_addr_parse(record->mac, &e->mac) < 0))
                return -EBADMSG;

        *ret = TAKE_PTR(e);
        return 0;
}

static int port_from_record(const PortRecord *record, PortBindingActual *ret) {
        PortBindingActual p = {
                .protocol = port_protocol_from_string(record->protocol),
                .container_port = record->container_port,
                .default_address = record->default_address,
                .host_port = record->host_port,
        };

        if ((int) p.protocol < 0 || net_addr_parse(record->host_address, &p.host_address) < 0)
                return -EBADMSG;
        *ret = p;
        return 0;
}

static int set_name(Sandbox *s, const char *name) {
        int r;

        if (!is_lower_hex(name, NETNS_NAME_MAX - 1) || strlen(name) != NETNS_NAME_MAX - 1)
                return -EBADMSG;
        r = free_and_strdup(&s->name, name);
        if (r < 0)
                return r;
        s->path = path_join(s->manager->netns_directory, name);
        return s->path ? 0 : -ENOMEM;
}

void network_restore_leases(Network *n) {
        Sandbox *s;

        if (!n->driver->restore)
                return;
        HASHMAP_FOREACH(s, n->manager->sandboxes)
                for (size_t i = 0; i < s->n_endpoints; i++)
                        if (streq(s->endpoints[i]->network_id, n->id))
                                n->driver->restore(n, s->endpoints[i]);
}

static int restore_endpoints(Sandbox *s, const SandboxRecord *record) {
        int r;

        if (!GREEDY_REALLOC0(s->endpoints, s->n_endpoints_allocated, record->endpoints.n_items))
                return -ENOMEM;
        for (size_t i = 0; i < record->endpoints.n_items; i++) {
                Endpoint **e = s->endpoints + s->n_endpoints;
                Network *n;

                r = endpoint_from_record(record->endpoints.items + i, e);
                if (r < 0)
                        return r;
                s->n_endpoints++;
                n = network_manager_find_id(s->manager, (*e)->network_id);
                if (n && n->driver->restore)
                        n->driver->restore(n, *e);
        }
        return 0;
}

static int restore_ports(Sandbox *s, const SandboxRecord *record) {
        int r;

        if (!GREEDY_REALLOC0(s->ports, s->n_ports_allocated, record->ports.n_items))
                return -ENOMEM;
        for (size_t i = 0; i < record->ports.n_items; i++) {
                r = port_from_record(record->ports.items + i, s->ports + i);
                if (r < 0)
                        return r;
                s->n_ports++;
        }
        return 0;
}

int sandbox_from_record(NetworkManager *m, const SandboxRecord *record) {
        _cleanup_(sandbox_destroyp) Sandbox *s = NULL;
        int r;

        r = sandbox_new_internal(m, record->container_id, &s);
        if (r < 0)
                return r;
        s->recorded = s->restored = true;
        r = free_and_strdup(&s->container_name, record->container_name);
        if (r >= 0 && record->name)
                r = set_name(s, record->name);
        if (r >= 0)
                r = restore_endpoints(s, record);
        if (r >= 0)
                r = restore_ports(s, record);
        if (r < 0)
                return r;

        TAKE_PTR(s);    /* the map holds it */
        return 0;
}

/* --- the API --- */

Sandbox *sandbox_find(NetworkManager *m, const char *container_id) {
        return hashmap_get(m->sandboxes, container_id);
}

int sandbox_new(NetworkManager *m, const char *container_id, Sandbox **ret, Error *reterr) {
        Sandbox *s;
        Netns n;
        int r;

        assert(m);
        assert(container_id);

        s = sandbox_find(m, container_id);
        if (s && s->restored) {
                /* A container that is started does not run, so nobody needs it; and how much of it there is
                 * depends on when that daemon died. */
                r = sandbox_free(m, container_id, reterr);
                if (r < 0)
                        return r;
                s = NULL;
        }
        if (s && s->name) {
                if (ret)
                        *ret = s;
                return 0;
        }
        if (s)
                return error_setf(reterr, ERROR_CONFLICT, "container %s uses the host's network",
                                  container_id);

        r = netns_pool_take(m->pool, &n);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to create a network namespace");
        r = sandbox_new_internal(m, container_id, &s);
        if (r >= 0) {
                s->name = strdup(n.name);
                s->path = TAKE_PTR(n.path);
                s->netns_fd = TAKE_FD(n.fd);
                s->netlink = TAKE_PTR(n.netlink);
                if (s->name) {
                        if (ret)
                                *ret = s;
                        return 0;
                }
                (void) netns_remove(s->path);
                sandbox_destroy(s);
                return error_fill(reterr, -ENOMEM);
        }
        (void) netns_remove(n.path);
        netns_done(&n);
        return error_fill(reterr, r);
}

static int disconnect_all(Sandbox *s) {
        int r = 0;

        for (size_t i = 0; i < s->n_endpoints; i++) {
                Network *n = network_manager_find_id(s->manager, s->endpoints[i]->network_id);

                if (n && n->driver->disconnect)
                        RET_GATHER(r, n->driver->disconnect(n, s->endpoints[i]));
        }
        return r;
}

static void release_all(Sandbox *s) {
        for (size_t i = 0; i < s->n_endpoints; i++) {
                Network *n = network_manager_find_id(s->manager, s->endpoints[i]->network_id);

                if (n && n->driver->release)
                        n->driver->release(n, s->endpoints[i]);
        }
}

int sandbox_free(NetworkManager *m, const char *container_id, Error *reterr) {
        Sandbox *s;
        int r;

        assert(m);
        assert(container_id);

        s = sandbox_find(m, container_id);
        if (!s)
                return 0;

        sandbox_close(s);
        s->names = dns_server_free(s->names);
        sandbox_unpublish(s);
        crash_point("sandbox-free:unpublished");
        r = disconnect_all(s);
        if (r < 0)
                error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to disconnect container %s",
                                 container_id);
        if (s->path) {
                int k = netns_remove(s->path);

                if (k < 0 && r >= 0)
                        error_set_errnof(reterr, ERROR_INTERNAL, k, "failed to remove network namespace %s",
                                         s->path);
                RET_GATHER(r, k);
        }
        crash_point("sandbox-free:removed");
        /* Last: until here a new daemon would find all of it by the record. */
        if (s->recorded)
                RET_GATHER(r, store_delete(m->store, STORE_LEASE, container_id, STORE_SYNC_LAZY,
                                           r < 0 ? NULL : reterr));
        release_all(s);
        sandbox_destroy(s);
        return r;
}

int sandbox_rename(NetworkManager *m, const char *container_id, const char *container_name, Error *reterr) {
        Sandbox *s = sandbox_find(m, container_id);
        int r;

        if (!s)
                return 0;
        r = free_and_strdup(&s->container_name, container_name);
        if (r < 0)
                return error_fill(reterr, r);
        return s->recorded ? sandbox_save(s, reterr) : 0;
}
