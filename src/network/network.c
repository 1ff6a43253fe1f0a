/* SPDX-License-Identifier: Apache-2.0 */
/* One network: made, recorded, shown. What it does on the host is the driver's. */
#include "network/network.h"

#include <stdio.h>

#include "basic/errno-util.h"
#include "basic/string-util.h"
#include "network/network-manager-private.h"
#include "store/store.h"

static const NetworkDriver *const drivers[] = {
        &network_driver_bridge,
        &network_driver_host,
        &network_driver_null,
};

const NetworkDriver *network_driver_find(const char *name) {
        FOREACH_ELEMENT(d, drivers)
                if (streq((*d)->name, name))
                        return *d;
        return NULL;
}

int network_new(NetworkManager *m, const char *id, const char *name, const NetworkDriver *driver,
                Network **ret) {
        _cleanup_(network_freep) Network *n = NULL;

        assert(id_is_valid(id));
        assert(name);
        assert(driver);

        n = new(Network, 1);
        if (!n)
                return -ENOMEM;
        *n = (Network) { .driver = driver, .manager = m };
        memcpy(n->id, id, sizeof(n->id));
        n->name = strdup(name);
        if (!n->name)
                return -ENOMEM;

        *ret = TAKE_PTR(n);
        return 0;
}

Network *network_free(Network *n) {
        if (!n)
                return NULL;
        ipam_pool_free(n->ipam);
        string_map_done(&n->labels);
        string_map_done(&n->options);
        string_map_done(&n->ipam_options);
        string_map_done(&n->auxiliary);
        free(n->name);
        return mfree(n);
}

const char *network_id(const Network *n) {
        return n->id;
}

const char *network_name(const Network *n) {
        return n->name;
}

const char *network_driver(const Network *n) {
        return n->driver->name;
}

/* --- record --- */

static int restore_wishes(Network *n, const NetworkRecord *record) {
        int r;

        if (network_is_predefined(n))
                return 0;
        n->attachable = record->attachable;
        n->subnet_given = record->subnet_given;
        r = string_map_copy(&n->labels, &record->labels);
        if (r >= 0)
                r = string_map_copy(&n->options, &record->options);
        if (r >= 0)
                r = string_map_copy(&n->ipam_options, &record->ipam_options);
        if (r >= 0)
                r = string_map_copy(&n->auxiliary, &record->auxiliary);
        if (r >= 0)
                r = network_apply_options(n, NULL);
        n->bridge.internal = record->internal;
        if (r >= 0 && record->range && net_prefix_parse(record->range, &n->wanted_range) < 0)
                return -EBADMSG;
        return r;
}

int network_from_record(NetworkManager *m, const NetworkRecord *record, Network **ret) {
        _cleanup_(network_freep) Network *n = NULL;
        const NetworkDriver *driver = network_driver_find(record->driver);
        int r;

        if (!driver || !id_is_valid(record->id) || isempty(record->name))
                return -EBADMSG;
        r = network_new(m, record->id, record->name, driver, &n);
        if (r < 0)
                return r;

        n->created = record->created;
        r = restore_wishes(n, record);
        if (r < 0)
                return r;
        if (record->interface) {
                if (strlen(record->interface) >= sizeof(n->bridge.interface))
                        return -EBADMSG;
                (void) snprintf(n->bridge.interface, sizeof(n->bridge.interface), "%s", record->interface);
        }
        if (record->subnet && net_prefix_parse(record->subnet, &n->address) < 0)
                return -EBADMSG;

        *ret = TAKE_PTR(n);
        return 0;
}

int network_save(Network *n, Error *reterr) {
        char subnet[NET_PREFIX_TEXT_MAX], range[NET_PREFIX_TEXT_MAX];
        NetworkRecord record = {
                .subnet_given = n->subnet_given,
                .range = net_addr_is_set(&n->wanted_range.addr) ?
                                         (char *) net_prefix_format(range, &n->wanted_range) :
                                         NULL,
                .internal = n->bridge.internal,
                .attachable = n->attachable,
                .labels = n->labels,            /* borrowed */
                .options = n->options,
                .ipam_options = n->ipam_options,
                .auxiliary = n->auxiliary,
                .id = n->id,
                .name = n->name,
                .driver = (char *) n->driver->name,
                .created = n->created,
                .interface = (char *) empty_to_null(n->bridge.interface),
                .subnet = net_addr_is_set(&n->address.addr) ?
                                          (char *) net_prefix_format(subnet, &n->address) :
                                          NULL,
        };
        _cleanup_free_ char *text = NULL;

        text = json_encode_text(&NetworkRecord_json, &record, 0);
        if (!text)
                return error_fill(reterr, -ENOMEM);
        return store_put(n->manager->store, STORE_NETWORK, n->id, text, STORE_SYNC_FULL, reterr);
}

/* --- addresses --- */

static int set_range(Network *n, const char *range, Error *reterr) {
        NetPrefix p;

        if (isempty(range))
                return 0;
        if (net_prefix_parse(range, &p) < 0 || p.addr.family != AF_INET)
                return error_setf(reterr, ERROR_INVALID, "invalid CIDR address: %s", range);
        if (p.length < n->address.length || !net_prefix_contains(&n->address, &p.addr))
                return error_setf(reterr, ERROR_INVALID, "fixed-cidr %s is not within the bridge's subnet",
                                  range);
        n->range = net_prefix_mask(&p);
        return 0;
}

static int set_gateway(Network *n, const char *gateway, Error *reterr) {
        n->gateway = n->address.addr;
        if (isempty(gateway))
                return 0;
        if (net_addr_parse(gateway, &n->gateway) < 0 || n->gateway.family != AF_INET)
                return error_setf(reterr, ERROR_INVALID, "invalid default gateway: %s", gateway);
        if (!net_prefix_contains(&n->address, &n->gateway))
                return error_setf(reterr, ERROR_INVALID,
                                  "default gateway %s must be part of the container network", gateway);
        return 0;
}

int network_set_subnet(Network *n, const NetPrefix *address, Error *reterr) {
        const NetworkManagerConfig *c = &n->manager->config;
        int r;

        n->address = *address;
        n->range = n->wanted_range;
        n->gateway = n->address.addr;
        r = network_is_predefined(n) ? set_range(n, c->fixed_cidr, reterr) : 0;
        if (r < 0)
                return r;
        r = network_is_predefined(n) ? set_gateway(n, c->default_gateway, reterr) : 0;
        if (r < 0)
                return r;

        n->ipam = ipam_pool_free(n->ipam);
        r = ipam_pool_new(address, net_addr_is_set(&n->range.addr) ? &n->range : NULL, &n->ipam);
        if (r < 0)
                return error_setf(reterr, ERROR_INVALID,
                                  "the bridge's subnet must have a prefix of /%u to /32",
                                  IPAM_PREFIX_LENGTH_MIN);
        /* Taken by the bridge, and by the other gateway if there is one. */
        (void) ipam_pool_take(n->ipam, &n->address.addr);
        (void) ipam_pool_take(n->ipam, &n->gateway);
        for (size_t i = 0; i < n->auxiliary.n_items; i++) {
                NetAddr a;

                if (net_addr_parse(strempty(n->auxiliary.items[i].value), &a) >= 0)
                        (void) ipam_pool_take(n->ipam, &a);
        }
        return 0;
}

int network_check_address(const Network *n, const char *address, Error *reterr) {
        NetAddr a;

        if (!n->subnet_given)
                return error_setf(reterr, ERROR_INVALID,
                                  "user specified IP address is supported only when connecting to networks "
                                  "with user configured subnets");
        if (net_addr_parse(address, &a) < 0 || a.family != AF_INET || !net_prefix_contains(&n->address, &a))
                return error_setf(reterr, ERROR_INVALID,
                                  "no configured subnet or ip-range contain the IP address %s", address);
        return 0;
}

/* --- inspect --- */

static int format_dup(char **ret, const char *text) {
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int inspect_ipam(const Network *n, Ipam *ret) {
        char text[NET_PREFIX_TEXT_MAX];
        NetPrefix subnet;
        IpamConfig *c;
        int r;

        r = format_dup(&ret->driver, "default");
        if (r >= 0 && n->ipam_options.n_items > 0)
                r = string_map_copy(&ret->options, &n->ipam_options);
        if (r < 0 || !n->ipam)
                return r;

        ret->config.items = c = new0(IpamConfig, 1);
        if (!c)
                return -ENOMEM;
        ret->config.n_items = 1;
        subnet = net_prefix_mask(&n->address);
        r = format_dup(&c->subnet, net_prefix_format(text, &subnet));
        if (net_addr_is_set(&n->range.addr))
                RET_GATHER(r, format_dup(&c->ip_range, net_prefix_format(text, &n->range)));
        RET_GATHER(r, format_dup(&c->gateway, net_addr_format(text, &n->gateway)));
        if (n->auxiliary.n_items > 0)
                RET_GATHER(r, string_map_copy(&c->auxiliary_addresses, &n->auxiliary));
        return r;
}

static int inspect_options(const Network *n, StringMap *ret) {
        const BridgeOptions *b = &n->bridge;
        const char *ip = empty_to_null(n->manager->config.ip) ?: "0.0.0.0";
        char mtu[12];
        int r = 0;

        if (n->driver != &network_driver_bridge)
                return 0;
        if (!network_is_predefined(n))
                return string_map_copy(ret, &n->options);

        (void) snprintf(mtu, sizeof(mtu), "%u", b->mtu);
        RET_GATHER(r, string_map_set(ret, "com.docker.network.bridge.default_bridge", "true"));
        RET_GATHER(r,
                   string_map_set(ret, "com.docker.network.bridge.enable_icc", b->icc ? "true" : "false"));
        RET_GATHER(r, string_map_set(ret, "com.docker.network.bridge.enable_ip_masquerade",
                                     b->masquerade ? "true" : "false"));
        RET_GATHER(r, string_map_set(ret, "com.docker.network.bridge.host_binding_ipv4", ip));
        RET_GATHER(r, string_map_set(ret, "com.docker.network.bridge.name", b->interface));
        RET_GATHER(r, string_map_set(ret, "com.docker.network.driver.mtu", mtu));
        return r;
}

static int inspect_container(const Sandbox *s, const Endpoint *e, NetworkContainerEntry *ret) {
        char mac[MAC_ADDR_TEXT_MAX], address[NET_PREFIX_TEXT_MAX];
        int r;

        r = format_dup(&ret->key, s->container_id);
        RET_GATHER(r, format_dup(&ret->value.name, strempty(s->container_name)));
        RET_GATHER(r, format_dup(&ret->value.endpoint_id, e->id));
        RET_GATHER(r, format_dup(&ret->value.mac_address, mac_addr_format(mac, &e->mac)));
        RET_GATHER(r, format_dup(&ret->value.ipv4_address, net_prefix_format(address, &e->address)));
        return r;
}

static int compare_entries(const void *a, const void *b) {
        return strcmp(((const NetworkContainerEntry *) a)->key, ((const NetworkContainerEntry *) b)->key);
}

/* Sorted, as Go prints its maps. */
static int inspect_containers(const Network *n, NetworkInspect *ret) {
        Hashmap *sandboxes = n->manager->sandboxes;
        Sandbox *s;
        int r;

        ret->containers.items = new0(NetworkContainerEntry, hashmap_size(sandboxes));
        if (!ret->containers.items)
                return -ENOMEM;
        HASHMAP_FOREACH(s, sandboxes) {
                const Endpoint *e = sandbox_find_endpoint(s, n->id);

                if (!e)
                        continue;
                r = inspect_container(s, e, ret->containers.items + ret->containers.n_items++);
                if (r < 0)
                        return r;
        }
        if (ret->containers.n_items > 1)
                qsort(ret->containers.items, ret->containers.n_items, sizeof(NetworkContainerEntry),
                      compare_entries);
        return 0;
}

int network_inspect(const Network *n, bool containers, NetworkInspect *ret) {
        int r;

        assert(n);
        assert(ret);

        ret->created = n->created;
        ret->enable_ipv4 = true;
        r = format_dup(&ret->name, n->name);
        RET_GATHER(r, format_dup(&ret->id, n->id));
        RET_GATHER(r, format_dup(&ret->scope, "local"));
        RET_GATHER(r, format_dup(&ret->driver, n->driver->name));
        RET_GATHER(r, inspect_ipam(n, &ret->ipam));
        RET_GATHER(r, inspect_options(n, &ret->options));
        RET_GATHER(r, string_map_copy(&ret->labels, &n->labels));
        ret->internal = n->bridge.internal;
        ret->attachable = n->attachable;
        if (containers)
                RET_GATHER(r, inspect_containers(n, ret));
        return r;
}
