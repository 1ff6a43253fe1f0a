/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's inside, for the files of this folder. */
#pragma once

#include "basic/hashmap.h"
#include "basic/strv.h"
#include "network/dns-server.h"
#include "network/firewall.h"
#include "network/host-firewall.h"
#include "network/netns-pool.h"
#include "network/network-instance.h"
#include "network/network.h"
#include "shared/netlink.h"

#define NETNS_READY 2U                  /* namespaces kept ready */
#define LINK_GROUP 0x646f636bU          /* "dock": marks the veths that are ours */
#define CONTAINER_INTERFACE "eth"       /* in the namespace, with a number behind it */

/* Copied from the daemon's configuration. */
typedef struct NetworkManagerConfig {
        char *bridge, *bip, *fixed_cidr, *default_gateway;
        char *ip, *resolv_conf, *accept_fwmark;
        char **dns, **dns_opts, **dns_search, **host_gateway_ips;
        DaemonAddressPool *pools;
        size_t n_pools;
        bool icc, ip_forward, ip_forward_no_drop, ip_masq, iptables, allow_direct_routing;
        bool firewall_insert;           /* firewall-policy docker */
        unsigned mtu;
        bool mtu_given;
} NetworkManagerConfig;

struct NetworkManager {
        NetworkManagerConfig config;
        char *exec_root;
        char *netns_directory;

        NetworkInstance instance;       /* which names on the host are ours */
        Netlink *netlink;
        Netlink *conntrack;             /* NULL until it is needed */
        Firewall *firewall;             /* NULL: --iptables=false */
        HostFirewall *host_firewall;    /* NULL as long as there is no firewall */
        sd_bus *bus;                    /* borrowed; NULL while it is away */
        sd_event_source *firewall_source; /* applies it once the daemon serves */
        Portmap *portmap;
        NetnsPool *pool;
        Network **networks;             /* in the order of creation */
        size_t n_networks, n_networks_allocated;
        Hashmap *sandboxes;             /* by container id */

        /* veths whose namespace is not gone yet: looked after until they are */
        char **stale_links;
        sd_event_source *stale_source;

        Store *store;                   /* borrowed */
        sd_event *event;                /* borrowed */
};

/* network-config.c */
int network_config_copy(const DaemonNetworkConfig *src, NetworkManagerConfig *ret, Error *reterr);
/* What a reload may change. */
int network_config_update(NetworkManagerConfig *c, const DaemonNetworkConfig *src);
void network_config_done(NetworkManagerConfig *c);

/* sandbox.c */
int sandbox_new_internal(NetworkManager *m, const char *container_id, Sandbox **ret);
Sandbox *sandbox_destroy(Sandbox *s);
DEFINE_TRIVIAL_CLEANUP_FUNC(Sandbox *, sandbox_destroy);
int sandbox_from_record(NetworkManager *m, const SandboxRecord *record);
/* Takes the addresses of all recorded endpoints in the network's bitmap. */
void network_restore_leases(Network *n);

/* Opens the namespace and a socket inside if they are not open. */
int sandbox_open_netlink(Sandbox *s);
void sandbox_close(Sandbox *s);
Endpoint *endpoint_free(Endpoint *e);
DEFINE_TRIVIAL_CLEANUP_FUNC(Endpoint *, endpoint_free);

/* sandbox-names.c: whether names are looked up by our own resolver. */
bool sandbox_has_names(const Sandbox *s);

/* sandbox-ports.c */
int sandbox_publish(Sandbox *s, const Endpoint *e, const EndpointParams *params, Error *reterr);
int sandbox_publish_again(Sandbox *s);
/* Ports that asked for no address get the one of the network that leads out now. No rule of them may be in
 * force. */
int sandbox_rebind_ports(Sandbox *s, const Endpoint *e, Error *reterr);
int sandbox_install_ports(Sandbox *s, Error *reterr);
void sandbox_unpublish(Sandbox *s);
void sandbox_withdraw_ports(Sandbox *s);
/* Nobody can be reached by them any more: they are free again. */
void sandbox_release_ports(Sandbox *s);
/* UDP that goes on without a pause: what was led to an endpoint's address does not reach its next owner, and
 * what came to a port before it was published is led to the container. */
void sandbox_forget_flows(Sandbox *s, const Endpoint *e);
void sandbox_catch_flows(Sandbox *s);

/* network-stale.c: deletes the link later, if it is still there then. */
void network_manager_forget_link(NetworkManager *m, const char *name);

/* Makes the nft table if that was put off until now. */
int network_manager_apply_firewall(NetworkManager *m, Error *reterr);
/* After bridges came or went. */
int network_manager_renew_firewall(NetworkManager *m, Error *reterr);

/* Into and out of the list. */
int network_manager_add(NetworkManager *m, Network *n);
void network_manager_drop(NetworkManager *m, const Network *n);

/* A container is connected to it now. */
bool network_has_endpoints(const Network *n);
Network *network_manager_find_id(NetworkManager *m, const char *id);
