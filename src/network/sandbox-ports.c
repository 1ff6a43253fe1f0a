/* SPDX-License-Identifier: Apache-2.0 */
/* Published ports of a sandbox: reserved on the host, translated by the firewall. */
#include <stdio.h>

#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/log.h"
#include "network/network-manager-private.h"
#include "shared/conntrack.h"

#define PORTS_MAX 65535U                /* of one container */

/* The one that leads out of the namespace. */
static const Endpoint *published_endpoint(const Sandbox *s) {
        const Endpoint *first = NULL;

        for (size_t i = 0; i < s->n_endpoints; i++) {
                if (s->endpoints[i]->default_route)
                        return s->endpoints[i];
                if (!first && net_addr_is_set(&s->endpoints[i]->gateway))
                        first = s->endpoints[i];
        }
        return first;
}

static int host_address(const NetworkManager *m, const Network *n, const PortBindingRequest *p, NetAddr *ret,
                        Error *reterr) {
        const char *s = empty_to_null(p->host_ip) ?: empty_to_null(m->config.ip) ?: "0.0.0.0";

        if (isempty(p->host_ip) && n && net_addr_is_set(&n->bridge.host_binding)) {
                *ret = n->bridge.host_binding;
                return 0;
        }
        if (net_addr_parse(s, ret) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid IP address: %s", s);
        if (ret->family != AF_INET)
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "publishing ports on IPv6 addresses is not implemented yet");
        return 0;
}

static int reserve(Sandbox *s, const Endpoint *e, const PortBindingRequest *p, Error *reterr) {
        NetworkManager *m = s->manager;
        PortBindingActual actual = {
                .protocol = p->protocol,
                .container_port = p->container_port,
                .default_address = isempty(p->host_ip),
        };
        int r;

        r = host_address(m, network_manager_find_id(m, e->network_id), p, &actual.host_address, reterr);
        if (r < 0)
                return r;
        if (s->n_ports >= PORTS_MAX)
                return error_setf(reterr, ERROR_TOO_LARGE, "more than %u ports published", PORTS_MAX);
        if (!GREEDY_REALLOC0(s->ports, s->n_ports_allocated, s->n_ports + 1))
                return error_fill(reterr, -ENOMEM);
        r = portmap_allocate(m->portmap, p->protocol, &actual.host_address, p->host_port_first,
                             p->host_port_last, &actual.host_port, reterr);
        if (r < 0)
                return r;
        s->ports[s->n_ports++] = actual;
        return 0;
}

void sandbox_release_ports(Sandbox *s) {
        for (size_t i = 0; i < s->n_ports; i++)
                portmap_release(s->manager->portmap, s->ports[i].protocol, &s->ports[i].host_address,
                                s->ports[i].host_port);
        s->n_ports = 0;
}

/* The less choice a request leaves, the earlier it is served: one port, a range, any port. */
enum {
        CHOICE_ONE,
        CHOICE_RANGE,
        CHOICE_ANY,
        _CHOICE_MAX,
};

static int choice_of(const PortBindingRequest *p) {
        if (p->host_port_first == 0)
                return CHOICE_ANY;
        return p->host_port_first == p->host_port_last ? CHOICE_ONE : CHOICE_RANGE;
}

static int reserve_all(Sandbox *s, const Endpoint *e, const EndpointParams *params, Error *reterr) {
        int r = 0;

        for (int choice = CHOICE_ONE; choice < _CHOICE_MAX; choice++)
                for (size_t i = 0; r >= 0 && i < params->n_ports; i++)
                        if (choice_of(params->ports + i) == choice)
                                r = reserve(s, e, params->ports + i, reterr);
        return r;
}

/* On host and none published ports are without effect, as everywhere. */
int sandbox_publish(Sandbox *s, const Endpoint *e, const EndpointParams *params, Error *reterr) {
        int r;

        if (params->n_ports == 0 || !net_addr_is_set(&e->gateway))
                return 0;
        if (!s->manager->firewall)
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "publishing ports with iptables=false is not implemented yet");

        r = reserve_all(s, e, params, reterr);
        if (r < 0) {
                sandbox_release_ports(s);
                return error_prefixf(reterr, r,
                                     "driver failed programming external connectivity on endpoint %s (%s)",
                                     strempty(params->container_name), e->id);
        }
        return 0;
}

/* The wildcard and an address of its own exclude each other, so the old one goes first. */
static int rebind(NetworkManager *m, PortBindingActual *p, const NetAddr *address, Error *reterr) {
        uint16_t port;
        int r;

        portmap_release(m->portmap, p->protocol, &p->host_address, p->host_port);
        r = portmap_allocate(m->portmap, p->protocol, address, p->host_port, p->host_port, &port, reterr);
        if (r >= 0)
                p->host_address = *address;
        else
                (void) portmap_allocate(m->portmap, p->protocol, &p->host_address, p->host_port,
                                        p->host_port, &port, NULL);
        return r;
}

int sandbox_rebind_ports(Sandbox *s, const Endpoint *e, Error *reterr) {
        NetAddr address;
        int r = 0;

        if (s->n_ports == 0)
                return 0;
        r = host_address(s->manager, network_manager_find_id(s->manager, e->network_id),
                         &(PortBindingRequest) {}, &address, reterr);
        for (size_t i = 0; r >= 0 && i < s->n_ports; i++)
                if (s->ports[i].default_address && !net_addr_equal(&s->ports[i].host_address, &address))
                        r = rebind(s->manager, s->ports + i, &address, reterr);
        return r;
}

static int to_firewall(const Sandbox *s, FirewallPort **ret) {
        const Endpoint *e = published_endpoint(s);
        FirewallPort *ports;

        assert(e);

        ports = new0(FirewallPort, s->n_ports);
        if (!ports)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_ports; i++)
                ports[i] = (FirewallPort) {
                        .protocol = s->ports[i].protocol,
                        .host_address = s->ports[i].host_address,
                        .host_port = s->ports[i].host_port,
                        .container_address = e->address.addr,
                        .container_port = s->ports[i].container_port,
                };
        *ret = ports;
        return 0;
}

/* Lets packets with a loopback source, from the host itself, out on the bridge. The table's first chain
 * keeps containers from using it the other way, so it is there before this. */
static void allow_localnet(Sandbox *s) {
        Network *n = network_manager_find_id(s->manager, published_endpoint(s)->network_id);
        char path[sizeof("/proc/sys/net/ipv4/conf//route_localnet") + IFNAMSIZ];
        int r;

        if (!n || n->localnet)
                return;
        (void) snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/route_localnet",
                        n->bridge.interface);
        r = write_string_file(path, "1");
        if (r < 0)
                (void) log_debug_errno(r,
                                       "Cannot set %s; published ports are not reachable at 127.0.0.1: %m",
                                       path);
        n->localnet = r >= 0;
}

int sandbox_install_ports(Sandbox *s, Error *reterr) {
        _cleanup_free_ FirewallPort *ports = NULL;
        int r;

        if (s->n_ports == 0 || !s->manager->firewall || !published_endpoint(s))
                return 0;
        r = to_firewall(s, &ports);
        if (r < 0)
                return error_fill(reterr, r);
        r = firewall_add_ports(s->manager->firewall, ports, s->n_ports, reterr);
        if (r < 0)
                return r;
        allow_localnet(s);
        return 0;
}

/* --- flows of UDP, which have no end of their own --- */

/* Without connection tracking there is nothing to forget. */
static bool has_conntrack(NetworkManager *m) {
        int r;

        if (m->conntrack)
                return true;
        r = conntrack_open(&m->conntrack);
        if (r < 0)
                (void) log_debug_errno(r, "Cannot open connection tracking: %m");
        return r >= 0;
}

void sandbox_forget_flows(Sandbox *s, const Endpoint *e) {
        int r;

        for (size_t i = 0; i < s->n_ports; i++) {
                if (s->ports[i].protocol != PORT_UDP)
                        continue;
                if (e->address.addr.family != AF_INET || !has_conntrack(s->manager))
                        return;
                r = conntrack_forget_flows_to(s->manager->conntrack, &e->address.addr);
                if (r < 0)
                        (void) log_debug_errno(r, "Flows to container %s are not forgotten: %m",
                                               s->container_id);
                return;
        }
}

static int on_own_address(unsigned index, const NetPrefix *address, void *userdata) {
        ConntrackPorts *w = ASSERT_PTR(userdata);

        if (!GREEDY_REALLOC0(w->addresses, w->n_allocated, w->n_addresses + 1))
                return -ENOMEM;
        w->addresses[w->n_addresses++] = address->addr;
        return 0;
}

void sandbox_catch_flows(Sandbox *s) {
        NetworkManager *m = s->manager;
        ConntrackPorts wanted = {};
        bool any = false;
        int r;

        for (size_t i = 0; i < s->n_ports; i++)
                if (s->ports[i].protocol == PORT_UDP) {
                        wanted.ports[s->ports[i].host_port / 8U] |=
                                        (uint8_t) (1U << (s->ports[i].host_port % 8U));
                        any = true;
                }
        if (!any || !has_conntrack(m))
                return;
        r = netlink_address_foreach(m->netlink, on_own_address, &wanted);
        if (r >= 0)
                r = conntrack_forget_untranslated_udp(m->conntrack, &wanted);
        if (r < 0)
                (void) log_debug_errno(r, "Flows to ports of container %s are not forgotten: %m",
                                       s->container_id);
        free(wanted.addresses);
}

/* After a restart: the sockets again. A port that another program took in between stays translated to us. */
int sandbox_publish_again(Sandbox *s) {
        for (size_t i = 0; i < s->n_ports; i++) {
                _cleanup_error_ Error error = ERROR_NULL;
                PortBindingActual *p = s->ports + i;
                uint16_t port;

                if (portmap_allocate(s->manager->portmap, p->protocol, &p->host_address, p->host_port,
                                     p->host_port, &port, &error) < 0)
                        log_debug("Cannot reserve a port of container %s again: %s", s->container_id,
                                  error_message(&error));
        }
        return sandbox_install_ports(s, NULL);
}

void sandbox_unpublish(Sandbox *s) {
        _cleanup_free_ FirewallPort *ports = NULL;

        if (s->n_ports == 0)
                return;
        if (s->manager->firewall && published_endpoint(s) && to_firewall(s, &ports) >= 0)
                (void) firewall_remove_ports(s->manager->firewall, ports, s->n_ports, NULL);
        for (size_t i = 0; i < s->n_endpoints; i++)
                sandbox_forget_flows(s, s->endpoints[i]);
        sandbox_release_ports(s);
}

/* The rules alone: the ports stay reserved for the container. */
void sandbox_withdraw_ports(Sandbox *s) {
        _cleanup_free_ FirewallPort *ports = NULL;

        if (s->n_ports > 0 && s->manager->firewall && published_endpoint(s) && to_firewall(s, &ports) >= 0)
                (void) firewall_remove_ports(s->manager->firewall, ports, s->n_ports, NULL);
}
