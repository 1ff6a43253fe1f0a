/* SPDX-License-Identifier: Apache-2.0 */
/* Bridge networks: a bridge with an address on the host, a veth pair for each endpoint. Rules are the
 * firewall's. */
#include <stdio.h>
#include <sys/random.h>

#include "basic/crash-point.h"
#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/hexdecoct.h"
#include "basic/log.h"
#include "basic/string-util.h"
#include "network/network-manager-private.h"
#include "network/resolv-conf.h"

#define USED_MAX 4096U /* routes and addresses looked at; a router with more names its subnet itself */

/* --- which subnets the host uses --- */

typedef struct UsedSubnets {
        NetPrefix *items;
        size_t n, allocated;
        unsigned except;                /* interface that does not count: the bridge itself */
        NetPrefix own;                  /* first IPv4 address of that interface */
} UsedSubnets;

static void used_done(UsedSubnets *u) {
        free(u->items);
}

static int add_used(UsedSubnets *u, const NetPrefix *p) {
        if (u->n >= USED_MAX)
                return 0;
        if (!GREEDY_REALLOC0(u->items, u->allocated, u->n + 1))
                return -ENOMEM;
        u->items[u->n++] = *p;
        return 0;
}

static int on_used_address(unsigned index, const NetPrefix *address, void *userdata) {
        UsedSubnets *u = userdata;

        if (index != u->except)
                return add_used(u, address);
        if (!net_addr_is_set(&u->own.addr))
                u->own = *address;
        return 0;
}

static int on_used_route(unsigned index, const NetPrefix *destination, void *userdata) {
        UsedSubnets *u = userdata;

        return index == u->except ? 0 : add_used(u, destination);
}

/* A name server in the subnet would be out of reach for containers and host. */
static int add_name_servers(UsedSubnets *u, const char *path) {
        _cleanup_resolv_conf_ ResolvConf rc = {};
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (read_file_at(AT_FDCWD, path, RESOLV_CONF_SIZE_MAX, &text, &size) < 0)
                return 0;
        r = resolv_conf_parse(text, size, &rc);
        for (size_t i = 0; r >= 0 && i < rc.n_nameservers; i++)
                if (rc.nameservers[i].family == AF_INET)
                        r = add_used(u, &(NetPrefix) { rc.nameservers[i], 32 });
        return r;
}

static int find_used(NetworkManager *m, unsigned bridge_index, UsedSubnets *u) {
        int r;

        u->except = bridge_index;
        r = netlink_address_foreach(m->netlink, on_used_address, u);
        if (r < 0)
                return r;
        return netlink_route_foreach(m->netlink, on_used_route, u);
}

/* --- bridge and its address --- */

static int parse_bip(const char *bip, NetPrefix *ret, Error *reterr) {
        if (net_prefix_parse(bip, ret) < 0 || ret->addr.family != AF_INET)
                return error_setf(reterr, ERROR_INVALID, "failed to parse bip: invalid CIDR address: %s",
                                  bip);
        if (ret->length < 31 && net_prefix_first(ret) == net_addr_to_host(&ret->addr))
                return error_setf(reterr, ERROR_INVALID,
                                  "bip %s is the address of the network, not of a host in it", bip);
        return 0;
}

static const NetPrefix *overlapping(const UsedSubnets *u, const NetPrefix *p) {
        for (size_t i = 0; i < u->n; i++)
                if (u->items[i].length < 32 && net_prefix_overlaps(p, u->items + i))
                        return u->items + i;
        return NULL;
}

static NetPrefix first_address(const NetPrefix *subnet) {
        return (NetPrefix) { net_addr_from_host(net_prefix_first(subnet) + (subnet->length < 32)),
                             subnet->length };
}

/* An address of an earlier time that goes with --fixed-cidr. */
static bool holds_range(const NetPrefix *address, const NetPrefix *range) {
        return net_addr_is_set(&address->addr) && address->length <= range->length &&
               net_prefix_contains(address, &range->addr);
}

/* Without --bip the subnet of --fixed-cidr is the bridge's own, unless it has one that holds it. */
static int choose_by_range(const Network *n, const UsedSubnets *u, NetPrefix *ret, Error *reterr) {
        const char *text = n->manager->config.fixed_cidr;
        char buffer[NET_PREFIX_TEXT_MAX];
        const NetPrefix *other;
        NetPrefix range;

        if (net_prefix_parse(text, &range) < 0 || range.addr.family != AF_INET)
                return error_setf(reterr, ERROR_INVALID, "invalid CIDR address: %s", text);
        range = net_prefix_mask(&range);
        if (holds_range(&u->own, &range)) {
                *ret = u->own;
                return 0;
        }
        other = overlapping(u, &range);
        if (other)
                return error_setf(reterr, ERROR_INVALID,
                                  "fixed-cidr %s overlaps with %s, which this host uses already", text,
                                  net_prefix_format(buffer, other));
        *ret = holds_range(&n->address, &range) && !overlapping(u, &n->address) ? n->address :
                                                                                  first_address(&range);
        return 0;
}

/* --bip, else what the interface has already, else what it had before the reboot, else a free one of the
 * pools. */
static int choose_address(Network *n, UsedSubnets *u, NetPrefix *ret, Error *reterr) {
        const NetworkManagerConfig *c = &n->manager->config;
        char text[NET_PREFIX_TEXT_MAX];
        const NetPrefix *other;
        NetPrefix subnet;
        int r;

        if (!network_is_predefined(n)) {
                if (net_addr_is_set(&n->address.addr)) {
                        *ret = n->address;
                        return 0;
                }
        } else if (!isempty(c->bip)) {
                r = parse_bip(c->bip, ret, reterr);
                if (r < 0)
                        return r;
                other = overlapping(u, ret);
                if (other)
                        return error_setf(reterr, ERROR_INVALID,
                                          "bip %s overlaps with %s, which this host uses already", c->bip,
                                          net_prefix_format(text, other));
                return 0;
        }
        if (network_is_predefined(n) && n->bridge.own && !isempty(c->fixed_cidr))
                return choose_by_range(n, u, ret, reterr);
        if (network_is_predefined(n) && net_addr_is_set(&u->own.addr)) {
                *ret = u->own;
                return 0;
        }
        if (net_addr_is_set(&n->address.addr) && !overlapping(u, &n->address)) {
                *ret = n->address;
                return 0;
        }

        r = add_name_servers(u, resolv_conf_host_path(c->resolv_conf));
        if (r < 0)
                return error_fill(reterr, r);
        r = ipam_choose_subnet(c->pools, c->n_pools, u->items, u->n, &subnet, reterr);
        if (r < 0)
                return r;
        *ret = first_address(&subnet);
        return 0;
}

static int random_mac(MacAddr *ret) {
        *ret = (MacAddr) { { 0x02, 0x42 } };
        return getrandom(ret->bytes + 2, 4, 0) == 4 ? 0 : -EIO;
}

static int create_bridge(Network *n, LinkInfo *ret, Error *reterr) {
        NetworkManager *m = n->manager;
        NetlinkBatch b;
        MacAddr mac;
        int r;

        NETLINK_BATCH_INIT(&b);
        r = random_mac(&mac);
        if (r >= 0) {
                netlink_batch_bridge_new(&b, n->bridge.interface, &mac,
                                         n->bridge.set_mtu ? n->bridge.mtu : 0);
                r = netlink_batch_send(m->netlink, &b, NULL);
        }
        if (r >= 0)
                r = netlink_link_get(m->netlink, n->bridge.interface, ret);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to create bridge %s",
                                        n->bridge.interface);
        return 0;
}

static int find_or_create_bridge(Network *n, LinkInfo *ret, Error *reterr) {
        const char *name = n->bridge.interface;
        int r;

        r = netlink_link_get(n->manager->netlink, name, ret);
        if (r == -ENODEV && !n->bridge.own)
                return error_setf(reterr, ERROR_INVALID,
                                  "bridge device with non default name %s must be created manually", name);
        if (r == -ENODEV)
                return create_bridge(n, ret, reterr);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to look up interface %s", name);
        if (!streq(ret->kind, "bridge"))
                return error_setf(reterr, ERROR_INVALID, "existing interface %s is not a bridge", name);
        if (network_instance_is_foreign(&n->manager->instance, ret->alias))
                return error_setf(reterr, ERROR_CONFLICT,
                                  "bridge %s belongs to another dockerd, whose exec root is %s: one bridge cannot "
                                  "serve two", name, network_instance_owner(ret->alias));
        return 0;
}

/* A bridge that the user has made keeps its group, and a text that he gave to it. */
static void mark_bridge(Network *n, const LinkInfo *link, NetlinkBatch *b) {
        const char *mark = n->manager->instance.mark;
        unsigned group = n->bridge.own ? FIREWALL_BRIDGE_GROUP : link->group;

        if (!n->bridge.own && !isempty(link->alias))
                return;
        if (!streq(link->alias, mark) || link->group != group)
                netlink_batch_link_mark(b, link->index, mark, group);
}

static int configure_bridge(Network *n, const LinkInfo *link, const NetPrefix *old, Error *reterr) {
        NetlinkBatch b;
        int r;

        NETLINK_BATCH_INIT(&b);
        mark_bridge(n, link, &b);
        if (net_addr_is_set(&old->addr) && !net_prefix_equal(old, &n->address))
                netlink_batch_address_delete(&b, link->index, old);
        if (!net_prefix_equal(old, &n->address))
                netlink_batch_address_add(&b, link->index, &n->address);
        if (n->bridge.set_mtu && link->mtu != n->bridge.mtu)
                netlink_batch_link_mtu(&b, link->index, n->bridge.mtu);
        if (!(link->flags & IFF_UP))
                netlink_batch_link_up(&b, link->index, true);
        r = netlink_batch_send(n->manager->netlink, &b, NULL);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to configure bridge %s",
                                        n->bridge.interface);
        return 0;
}

static int add_to_firewall(Network *n) {
        FirewallBridge b = {
                .interface = n->bridge.interface,
                .subnet = n->address,
                .masquerade = n->bridge.masquerade,
                .icc = n->bridge.icc,
                .internal = n->bridge.internal,
        };

        return n->manager->firewall ? firewall_add_bridge(n->manager->firewall, &b) : 0;
}

static int bridge_start(Network *n, Error *reterr) {
        _cleanup_(used_done) UsedSubnets used = {};
        NetPrefix before = n->address, address;
        LinkInfo link;
        int r;

        r = find_or_create_bridge(n, &link, reterr);
        if (r < 0)
                return r;
        n->index = link.index;
        crash_point("network-start:bridge");

        r = find_used(n->manager, link.index, &used);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to list the host's addresses");
        r = choose_address(n, &used, &address, reterr);
        if (r < 0)
                return r;

        /* The bitmap with the leases in it stays if nothing changed. */
        if (!n->ipam || !net_prefix_equal(&address, &before)) {
                r = network_set_subnet(n, &address, reterr);
                if (r < 0)
                        return r;
                network_restore_leases(n);
        }
        if (!net_prefix_equal(&address, &before)) {
                r = network_save(n, reterr);
                if (r < 0)
                        return r;
        }
        r = configure_bridge(n, &link, &used.own, reterr);
        if (r < 0)
                return r;
        r = add_to_firewall(n);
        return r < 0 ? error_fill(reterr, r) : 0;
}

static void unmark_bridge(Network *n) {
        NetlinkBatch b;
        LinkInfo link;

        if (netlink_link_get(n->manager->netlink, n->bridge.interface, &link) < 0 ||
            !streq(link.alias, n->manager->instance.mark))
                return;
        NETLINK_BATCH_INIT(&b);
        netlink_batch_link_mark(&b, link.index, "", link.group);
        (void) netlink_batch_send(n->manager->netlink, &b, NULL);
}

static int bridge_stop(Network *n, Error *reterr) {
        NetlinkBatch b;
        int r;

        if (n->manager->firewall)
                firewall_remove_bridge(n->manager->firewall, n->bridge.interface);
        if (!n->bridge.own) {
                unmark_bridge(n);
                return 0;
        }

        NETLINK_BATCH_INIT(&b);
        netlink_batch_link_delete_name(&b, n->bridge.interface);
        r = netlink_batch_send(n->manager->netlink, &b, NULL);
        if (r < 0 && r != -ENODEV)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to delete bridge %s",
                                        n->bridge.interface);
        n->index = 0;
        return 0;
}

/* --- endpoints --- */

/* On a network whose subnet the user chose. */
static int take_wanted(Network *n, const char *text, NetAddr *ret, Error *reterr) {
        int r;

        if (network_is_predefined(n))
                return error_setf(reterr, ERROR_INVALID,
                                  "user specified IP address is supported on user defined networks only");
        r = network_check_address(n, text, reterr);
        if (r < 0)
                return r;
        if (net_addr_parse(text, ret) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid IPv4 address: %s", text);
        r = ipam_pool_take(n->ipam, ret);
        if (r == -EADDRINUSE)
                return error_setf(reterr, ERROR_FORBIDDEN, "Address already in use");
        return r < 0 ? error_fill(reterr, r) : 0;
}

static int take_address(Network *n, const EndpointParams *params, NetAddr *ret, Error *reterr) {
        int r;

        if (!isempty(params->ipv4_address))
                return take_wanted(n, params->ipv4_address, ret, reterr);
        r = ipam_pool_take_any(n->ipam, ret);
        if (r == -ENOSPC)
                return error_setf(reterr, ERROR_INTERNAL,
                                  "no available IPv4 addresses on this network's address pools: %s (%s)",
                                  n->name, n->id);
        return r < 0 ? error_fill(reterr, r) : 0;
}

static int set_interface_name(Endpoint *e) {
        uint8_t random[4];
        _cleanup_free_ char *hex = NULL;

        if (getrandom(random, sizeof(random), 0) != sizeof(random))
                return -EIO;
        hex = hexmem(random, sizeof(random));
        if (!hex)
                return -ENOMEM;
        (void) snprintf(e->interface, sizeof(e->interface), "veth%.7s", hex);
        return 0;
}

static int bridge_lease(Network *n, Endpoint *e, const EndpointParams *params, Error *reterr) {
        NetAddr address;
        int r;

        if (!n->ipam)
                return error_setf(reterr, ERROR_UNAVAILABLE, "network %s has not been started", n->name);
        if (!isempty(params->mac_address) && mac_addr_parse(params->mac_address, &e->mac) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid MAC address: %s", params->mac_address);
        r = set_interface_name(e);
        if (r < 0)
                return error_fill(reterr, r);
        r = take_address(n, params, &address, reterr);
        if (r < 0)
                return r;

        e->address = (NetPrefix) { address, n->address.length };
        if (!n->bridge.internal)
                e->gateway = n->gateway;
        if (!mac_addr_is_set(&e->mac))
                e->mac = mac_addr_from_ipv4(&address);
        return 0;
}

static void bridge_restore(Network *n, const Endpoint *e) {
        if (n->ipam)
                (void) ipam_pool_take(n->ipam, &e->address.addr);
}

static void bridge_release(Network *n, const Endpoint *e) {
        if (n->ipam)
                ipam_pool_release(n->ipam, &e->address.addr);
}

static int make_veth(Network *n, const Sandbox *s, const Endpoint *e) {
        NetlinkBatch b;
        MacAddr mac;
        int r;

        r = random_mac(&mac);
        if (r < 0)
                return r;
        NETLINK_BATCH_INIT(&b);
        netlink_batch_veth_new(&b, &(VethParams) {
                .name = e->interface,
                .mac = &mac,
                .master = n->index,
                .group = LINK_GROUP,
                .peer_name = e->inside,
                .peer_mac = &e->mac,
                .peer_netns_fd = s->netns_fd,
                .mtu = n->bridge.mtu,
        });
        return netlink_batch_send(n->manager->netlink, &b, NULL);
}

static int configure_inside(Network *n, Sandbox *s, const Endpoint *e) {
        NetlinkBatch b;
        LinkInfo link;
        int r;

        r = netlink_link_get(s->netlink, e->inside, &link);
        if (r < 0)
                return r;
        NETLINK_BATCH_INIT(&b);
        netlink_batch_link_up(&b, link.index, true);
        netlink_batch_address_add(&b, link.index, &e->address);
        if (e->default_route && net_addr_is_set(&e->gateway) && !n->bridge.internal)
                netlink_batch_default_route_add(&b, link.index, &e->gateway);
        return netlink_batch_send(s->netlink, &b, NULL);
}

/* Without icc the ports of the bridge are isolated: that holds without br_netfilter, which rules would
 * need. With br_netfilter a container's packet to a port it publishes itself is translated inside the
 * bridge and leaves by the port it came from. */
static int set_port_flags(Network *n, const Sandbox *s, const Endpoint *e) {
        bool isolated = !n->bridge.icc, hairpin = s->n_ports > 0;
        NetlinkBatch b;
        LinkInfo link;
        int r;

        /* Also where nothing is to be set: to ask for a link makes the kernel (6.8 and later) act on its
         * carrier first. Else the bridge drops the container's first packets until a work queue gets to
         * it. */
        r = netlink_link_get(n->manager->netlink, e->interface, &link);
        if (r < 0 || (!isolated && !hairpin))
                return r;
        NETLINK_BATCH_INIT(&b);
        netlink_batch_port_flags(&b, link.index, isolated, hairpin);
        return netlink_batch_send(n->manager->netlink, &b, NULL);
}

static int bridge_disconnect(Network *n, const Endpoint *e) {
        NetlinkBatch b;
        int r;

        if (isempty(e->interface))
                return 0;
        /* Down is immediate; deleting waits 20 ms for a grace period and the kernel does it anyway with the
         * namespace. */
        NETLINK_BATCH_INIT(&b);
        netlink_batch_link_down_name(&b, e->interface);
        r = netlink_batch_send(n->manager->netlink, &b, NULL);
        if (r == -ENODEV)
                return 0;
        network_manager_forget_link(n->manager, e->interface);
        return r;
}

static int bridge_cut(Network *n, const Endpoint *e) {
        NetlinkBatch b;
        int r;

        if (isempty(e->interface))
                return 0;
        NETLINK_BATCH_INIT(&b);
        netlink_batch_link_delete_name(&b, e->interface);
        r = netlink_batch_send(n->manager->netlink, &b, NULL);
        return r == -ENODEV ? 0 : r;
}

/* Somebody has deleted it from under us. */
static bool bridge_is_gone(Network *n) {
        LinkInfo link = {};
        int r = netlink_link_get(n->manager->netlink, n->bridge.interface, &link);

        return r == -ENODEV || (r >= 0 && link.index != n->index);
}

static int bridge_connect(Network *n, Sandbox *s, Endpoint *e, Error *reterr) {
        int r;

        r = make_veth(n, s, e);
        if (r < 0 && bridge_is_gone(n)) {
                log_warning("The bridge %s of network %s is gone, making it anew", n->bridge.interface,
                            n->name);
                r = bridge_start(n, reterr);
                if (r < 0)
                        return r;
                n->localnet = false;
                r = make_veth(n, s, e);
        }
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "failed to add the host (%s) <=> sandbox (%s) pair interfaces",
                                        e->interface, e->inside);
        crash_point("endpoint-connect:veth");

        r = configure_inside(n, s, e);
        if (r >= 0)
                r = set_port_flags(n, s, e);
        if (r < 0) {
                (void) bridge_disconnect(n, e);
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to configure interface %s",
                                        e->inside);
        }
        return 0;
}

const NetworkDriver network_driver_bridge = {
        .name = "bridge",
        .sandbox = true,
        .start = bridge_start,
        .stop = bridge_stop,
        .lease = bridge_lease,
        .restore = bridge_restore,
        .release = bridge_release,
        .connect = bridge_connect,
        .disconnect = bridge_disconnect,
        .cut = bridge_cut,
};
