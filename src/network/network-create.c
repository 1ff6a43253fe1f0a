/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that users make: what they ask for is checked, gets a subnet, a bridge and a record; and their
 * end. */
#include <stdio.h>

#include "basic/crash-point.h"
#include "basic/errno-util.h"
#include "basic/parse-util.h"
#include "network/network-manager-private.h"
#include "store/store.h"

#define NETWORK_NAME_MAX 255U
#define MTU_MAX 65535U

static int not_yet(Error *reterr, const char *what) {
        return error_setf(reterr, ERROR_NOT_IMPLEMENTED, "%s is not supported by this engine yet", what);
}

/* --- the request --- */

static int check_name(NetworkManager *m, const char *name, Error *reterr) {
        static const char *const predefined[] = { NETWORK_BRIDGE, NETWORK_HOST, NETWORK_NONE, "default" };

        if (isempty(name) || name[strspn(name, " ")] == 0)
                return error_setf(reterr, ERROR_INVALID, "invalid network name: name is empty");
        if (strlen(name) > NETWORK_NAME_MAX || strchr(name, '/') || string_has_control(name))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid network name: at most %u characters, no \"/\" among them",
                                  NETWORK_NAME_MAX);
        FOREACH_ELEMENT(p, predefined)
                if (streq(*p, name))
                        return error_setf(reterr, ERROR_FORBIDDEN,
                                          "operation is not permitted on predefined %s network ", name);
        for (size_t i = 0; i < m->n_networks; i++)
                if (streq(m->networks[i]->name, name))
                        return error_setf(reterr, ERROR_CONFLICT, "network with name %s already exists",
                                          name);
        return 0;
}

static int check_driver(const char *driver, Error *reterr) {
        static const char *const others[] = { "macvlan", "ipvlan", "overlay" };

        if (streq(driver, "bridge") || !driver[0])
                return 0;
        if (streq(driver, "host") || streq(driver, "null"))
                return error_setf(reterr, ERROR_FORBIDDEN, "only one instance of \"%s\" network is allowed",
                                  driver);
        FOREACH_ELEMENT(o, others)
                if (streq(*o, driver))
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                          "networks of the driver %s are not supported by this engine yet",
                                          driver);
        return error_setf(reterr, ERROR_NOT_FOUND, "plugin \"%s\" not found", driver);
}

static int flag_option(const StringMap *options, const char *key, bool *ret, Error *reterr) {
        const char *value = string_map_get(options, key);
        int r;

        if (!value)
                return 0;
        r = parse_go_bool(value);
        if (r < 0)
                return error_setf(reterr, ERROR_INVALID, "driver-opt \"%s\" is not a valid bool", key);
        *ret = r > 0;
        return 0;
}

/* A member of the request is stronger than the option of the same meaning. */
static int check_families(const NetworkCreateRequest *q, Error *reterr) {
        bool v4 = true, v6 = false;
        int r;

        r = flag_option(&q->options, "com.docker.network.enable_ipv4", &v4, reterr);
        if (r >= 0)
                r = flag_option(&q->options, "com.docker.network.enable_ipv6", &v6, reterr);
        if (r < 0)
                return r;
        if (q->enable_ipv4 != TRISTATE_UNSET)
                v4 = q->enable_ipv4 == TRISTATE_TRUE;
        if (q->enable_ipv6 != TRISTATE_UNSET)
                v6 = q->enable_ipv6 == TRISTATE_TRUE;
        if (v6)
                return not_yet(reterr, "IPv6 in a network");
        return v4 ? 0 : error_setf(reterr, ERROR_INVALID, "IPv4 or IPv6 must be enabled");
}

static int check_request(const NetworkCreateRequest *q, Error *reterr) {
        int r;

        if (!isempty(q->scope) && !streq(q->scope, "local"))
                return not_yet(reterr, "a network of another scope than \"local\"");
        if (q->ingress)
                return not_yet(reterr, "an ingress network");
        if (q->config_only)
                return not_yet(reterr, "a network that is only a configuration (--config-only)");
        if (q->config_from && !isempty(q->config_from->network))
                return not_yet(reterr, "a network with the configuration of another (--config-from)");
        r = check_families(q, reterr);
        return r < 0 ? r : check_driver(strempty(q->driver), reterr);
}

/* --- options of the driver --- */

typedef int (*OptionFunction)(Network *n, const char *value, Error *reterr);

static int bad_value(const char *key, const char *value, Error *reterr) {
        return error_setf(reterr, ERROR_INVALID, "invalid value \"%s\" of the network option %s", value,
                          key);
}

/* What neither the kernel ("%d") nor the language of nft ("*") reads as more than a name. */
#define BRIDGE_NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

static int option_name(Network *n, const char *value, Error *reterr) {
        if (!value[0] || strlen(value) >= IFNAMSIZ || value[strspn(value, BRIDGE_NAME_CHARACTERS)] ||
            streq(value, ".") || streq(value, ".."))
                return bad_value("com.docker.network.bridge.name", value, reterr);
        for (size_t i = 0; i < n->manager->n_networks; i++)
                if (streq(n->manager->networks[i]->bridge.interface, value))
                        return error_setf(reterr, ERROR_FORBIDDEN,
                                          "cannot create network %s (%s): conflicts with network %s (%s): "
                                          "networks have same bridge name",
                                          n->id, value, n->manager->networks[i]->id, value);
        (void) snprintf(n->bridge.interface, sizeof(n->bridge.interface), "%s", value);
        return 0;
}

static int parse_flag(const char *key, const char *value, bool *ret, Error *reterr) {
        int r = parse_go_bool(value);

        if (r < 0)
                return bad_value(key, value, reterr);
        *ret = r > 0;
        return 0;
}

static int option_icc(Network *n, const char *value, Error *reterr) {
        return parse_flag("com.docker.network.bridge.enable_icc", value, &n->bridge.icc, reterr);
}

static int option_masquerade(Network *n, const char *value, Error *reterr) {
        return parse_flag("com.docker.network.bridge.enable_ip_masquerade", value, &n->bridge.masquerade,
                          reterr);
}

static int option_host_binding(Network *n, const char *value, Error *reterr) {
        if (net_addr_parse(value, &n->bridge.host_binding) < 0 || n->bridge.host_binding.family != AF_INET)
                return bad_value("com.docker.network.bridge.host_binding_ipv4", value, reterr);
        return 0;
}

static int option_mtu(Network *n, const char *value, Error *reterr) {
        uint32_t mtu;

        if (parse_uint32(value, &mtu) < 0 || mtu < 68 || mtu > MTU_MAX)
                return bad_value("com.docker.network.driver.mtu", value, reterr);
        n->bridge.mtu = mtu;
        n->bridge.set_mtu = true;
        return 0;
}

static int option_default_bridge(Network *n, const char *value, Error *reterr) {
        return bad_value("com.docker.network.bridge.default_bridge", value, reterr);
}

/* The way out by the bridge's address, which is the only one there is. */
static int option_gateway_mode(Network *n, const char *value, Error *reterr) {
        static const char *const others[] = { "nat-unprotected", "routed", "isolated" };

        if (streq(value, "nat"))
                return 0;
        FOREACH_ELEMENT(o, others)
                if (streq(*o, value))
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                          "the network option com.docker.network.bridge.gateway_mode_ipv4=%s "
                                          "is not supported by this engine yet",
                                          value);
        return error_setf(reterr, ERROR_INVALID,
                          "failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: %s (unknown "
                          "gateway mode %s)",
                          value, value);
}

/* Checked with the request's members of the same meaning. */
static int option_family(Network *n, const char *value, Error *reterr) {
        return 0;
}

static const struct {
        const char *key;
        OptionFunction set;
} option_table[] = {
        { "com.docker.network.bridge.name",                 option_name           },
        { "com.docker.network.bridge.enable_icc",           option_icc            },
        { "com.docker.network.bridge.enable_ip_masquerade", option_masquerade     },
        { "com.docker.network.bridge.host_binding_ipv4",    option_host_binding   },
        { "com.docker.network.bridge.default_bridge",       option_default_bridge },
        { "com.docker.network.bridge.gateway_mode_ipv4",    option_gateway_mode   },
        { "com.docker.network.driver.mtu",                  option_mtu            },
        { "com.docker.network.enable_ipv4",                 option_family         },
        { "com.docker.network.enable_ipv6",                 option_family         },
};

static OptionFunction find_option(const char *key) {
        FOREACH_ELEMENT(t, option_table)
                if (streq(t->key, key))
                        return t->set;
        return NULL;
}

/* An option of Docker's own that is not in the table would be without effect: refused, where Docker passes
 * over its typing errors. Others are somebody's marks. */
#define OPTION_PREFIX "com.docker.network."

static int check_options(const StringMap *options, Error *reterr) {
        for (size_t i = 0; i < options->n_items; i++) {
                const char *key = options->items[i].key;

                if (startswith(key, OPTION_PREFIX) && !find_option(key))
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                          "the network option %s is not supported by this engine yet", key);
        }
        return 0;
}

int network_apply_options(Network *n, Error *reterr) {
        (void) snprintf(n->bridge.interface, sizeof(n->bridge.interface), "br-%.12s", n->id);
        n->bridge.own = n->bridge.masquerade = n->bridge.icc = true;
        n->bridge.mtu = NETWORK_MTU_DEFAULT;
        for (size_t i = 0; i < n->options.n_items; i++) {
                OptionFunction set = find_option(n->options.items[i].key);
                int r = set ? set(n, strempty(n->options.items[i].value), reterr) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

/* --- addresses --- */

static const NetPrefix *overlapping_network(NetworkManager *m, const NetPrefix *subnet) {
        for (size_t i = 0; i < m->n_networks; i++)
                if (net_addr_is_set(&m->networks[i]->address.addr) &&
                    net_prefix_overlaps(&m->networks[i]->address, subnet))
                        return &m->networks[i]->address;
        return NULL;
}

static int parse_subnet(NetworkManager *m, const char *text, NetPrefix *ret, Error *reterr) {
        char buffer[NET_PREFIX_TEXT_MAX];
        NetPrefix masked;

        if (net_prefix_parse(text, ret) < 0)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid network config:\ninvalid subnet %s: invalid CIDR block notation",
                                  text);
        if (ret->addr.family != AF_INET)
                return not_yet(reterr, "an IPv6 subnet in a network");
        masked = net_prefix_mask(ret);
        if (!net_addr_equal(&masked.addr, &ret->addr))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid network config:\ninvalid subnet %s: it should be %s", text,
                                  net_prefix_format(buffer, &masked));
        if (ret->length < IPAM_PREFIX_LENGTH_MIN || ret->length > 30)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid network config:\ninvalid subnet %s: a prefix of /%u to /30 is "
                                  "supported",
                                  text, IPAM_PREFIX_LENGTH_MIN);
        if (overlapping_network(m, ret))
                return error_setf(
                                reterr, ERROR_FORBIDDEN,
                                "invalid pool request: Pool overlaps with other one on this address space");
        return 0;
}

static int parse_in_subnet(const NetPrefix *subnet, const char *what, const char *text, NetAddr *ret,
                           Error *reterr) {
        char buffer[NET_PREFIX_TEXT_MAX];

        if (net_addr_parse(text, ret) < 0 || ret->family != AF_INET)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid network config:\ninvalid %s %s: invalid address", what, text);
        if (!net_prefix_contains(subnet, ret))
                return error_setf(
                                reterr, ERROR_INVALID,
                                "invalid network config:\ninvalid %s %s: parent subnet %s does not hold it",
                                what, text, net_prefix_format(buffer, subnet));
        return 0;
}

static int parse_range(const NetPrefix *subnet, const char *text, NetPrefix *ret, Error *reterr) {
        if (net_prefix_parse(text, ret) < 0 || ret->addr.family != AF_INET)
                return error_setf(
                                reterr, ERROR_INVALID,
                                "invalid network config:\ninvalid ip-range %s: invalid CIDR block notation",
                                text);
        if (ret->length < subnet->length || !net_prefix_contains(subnet, &ret->addr))
                return error_setf(
                                reterr, ERROR_INVALID,
                                "invalid network config:\ninvalid ip-range %s: it is not within the subnet",
                                text);
        *ret = net_prefix_mask(ret);
        return 0;
}

static int set_ipam(Network *n, const IpamConfig *c, Error *reterr) {
        NetPrefix subnet;
        int r;

        if (isempty(c->subnet)) {
                if (isempty(c->ip_range) && isempty(c->gateway) && c->auxiliary_addresses.n_items == 0)
                        return 0;
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid network config:\ninvalid subnet : invalid CIDR block notation");
        }
        r = parse_subnet(n->manager, c->subnet, &subnet, reterr);
        if (r < 0)
                return r;
        n->subnet_given = true;
        n->address = (NetPrefix) { net_addr_from_host(net_prefix_first(&subnet) + 1), subnet.length };
        if (!isempty(c->gateway))
                r = parse_in_subnet(&subnet, "gateway", c->gateway, &n->address.addr, reterr);
        if (r >= 0 && !isempty(c->ip_range))
                r = parse_range(&subnet, c->ip_range, &n->wanted_range, reterr);
        for (size_t i = 0; r >= 0 && i < c->auxiliary_addresses.n_items; i++) {
                NetAddr ignored;

                r = parse_in_subnet(&subnet, "auxiliary address",
                                    strempty(c->auxiliary_addresses.items[i].value), &ignored, reterr);
        }
        return r < 0 ? r : string_map_copy(&n->auxiliary, &c->auxiliary_addresses);
}

static int apply_ipam(Network *n, const Ipam *ipam, Error *reterr) {
        if (!ipam)
                return 0;
        if (streq(strempty(ipam->driver), "null"))
                return not_yet(reterr, "a network without addresses (the address driver null)");
        if (!isempty(ipam->driver) && !streq(ipam->driver, "default"))
                return error_setf(reterr, ERROR_NOT_FOUND, "plugin \"%s\" not found", ipam->driver);
        if (ipam->config.n_items > 1)
                return error_setf(reterr, ERROR_FORBIDDEN, "bridge driver doesn't support multiple subnets");
        if (string_map_copy(&n->ipam_options, &ipam->options) < 0)
                return error_fill(reterr, -ENOMEM);
        return ipam->config.n_items == 1 ? set_ipam(n, ipam->config.items, reterr) : 0;
}

/* --- create --- */

static int fill_network(Network *n, const NetworkCreateRequest *q, Error *reterr) {
        int r;

        r = check_options(&q->options, reterr);
        if (r < 0)
                return r;
        n->created = now_nsec();
        n->attachable = q->attachable;
        r = string_map_copy(&n->labels, &q->labels);
        if (r >= 0)
                r = string_map_copy(&n->options, &q->options);
        if (r >= 0)
                r = network_apply_options(n, reterr);
        n->bridge.internal = q->internal;
        if (r >= 0)
                r = apply_ipam(n, q->ipam, reterr);
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* One that is there is somebody else's, and would go with the network. */
static int check_interface(const Network *n, Error *reterr) {
        LinkInfo link;

        if (netlink_link_get(n->manager->netlink, n->bridge.interface, &link) < 0)
                return 0;
        return error_setf(reterr, ERROR_CONFLICT, "cannot create network %s: interface %s exists already",
                          n->name, n->bridge.interface);
}

/* The bridge chooses a subnet where none was asked for, and saves the record before anybody is told. */
static int start_network(Network *n, Error *reterr) {
        int r;

        r = network_save(n, reterr);
        crash_point("network-create:recorded");
        if (r < 0)
                return r;
        r = n->driver->start(n, reterr);
        crash_point("network-create:started");
        if (r >= 0)
                r = network_manager_renew_firewall(n->manager, reterr);
        if (r >= 0)
                return 0;
        (void) n->driver->stop(n, NULL);
        (void) store_delete(n->manager->store, STORE_NETWORK, n->id, STORE_SYNC_LAZY, NULL);
        return error_prefixf(reterr, r, "cannot create network %s", n->name);
}

int network_create(NetworkManager *m, const NetworkCreateRequest *q, Network **ret, Error *reterr) {
        _cleanup_(network_freep) Network *n = NULL;
        char id[ID_LENGTH + 1];
        int r;

        r = check_name(m, q->name, reterr);
        if (r >= 0)
                r = check_request(q, reterr);
        if (r < 0)
                return r;
        if (m->n_networks >= NETWORKS_MAX)
                return error_setf(reterr, ERROR_UNAVAILABLE, "there are %u networks, which is the limit",
                                  NETWORKS_MAX);
        r = id_generate(id);
        if (r >= 0)
                r = network_new(m, id, q->name, &network_driver_bridge, &n);
        if (r < 0)
                return error_fill(reterr, r);
        r = fill_network(n, q, reterr);
        if (r >= 0)
                r = check_interface(n, reterr);
        if (r >= 0)
                r = start_network(n, reterr);
        if (r >= 0)
                r = network_manager_add(m, n);
        if (r < 0)
                return error_fill(reterr, r);
        *ret = TAKE_PTR(n);
        return 0;
}

/* --- remove --- */

static int check_unused(const Network *n, Error *reterr) {
        _cleanup_buffer_ Buffer list = {};
        Sandbox *s;

        HASHMAP_FOREACH(s, n->manager->sandboxes) {
                const Endpoint *e = sandbox_find_endpoint(s, n->id);

                if (e && buffer_appendf(&list, "%sname:\"%s\" id:\"%.12s\"", list.size > 0 ? ", " : "",
                                        strempty(s->container_name), e->id) < 0)
                        return error_fill(reterr, -ENOMEM);
        }
        if (list.size == 0)
                return 0;
        return error_setf(reterr, ERROR_FORBIDDEN,
                          "error while removing network: network %s has active endpoints (%s)", n->name,
                          list.data);
}

bool network_is_predefined(const Network *n) {
        return streq(n->name, NETWORK_BRIDGE) || streq(n->name, NETWORK_HOST) ||
               streq(n->name, NETWORK_NONE);
}

bool network_has_endpoints(const Network *n) {
        return check_unused(n, NULL) < 0;
}

int network_remove(NetworkManager *m, Network *n, Error *reterr) {
        int r;

        if (network_is_predefined(n))
                return error_setf(reterr, ERROR_FORBIDDEN,
                                  "%s is a pre-defined network and cannot be removed", n->name);
        r = check_unused(n, reterr);
        if (r < 0)
                return r;
        r = store_delete(m->store, STORE_NETWORK, n->id, STORE_SYNC_FULL, reterr);
        crash_point("network-remove:record");
        if (r < 0)
                return r;
        r = n->driver->stop(n, reterr);
        crash_point("network-remove:bridge");
        RET_GATHER(r, network_manager_renew_firewall(m, r < 0 ? NULL : reterr));
        network_manager_drop(m, n);
        network_free(n);
        return r;
}
