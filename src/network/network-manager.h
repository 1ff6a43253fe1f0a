/* SPDX-License-Identifier: Apache-2.0 */
/* Owns everything of the networks: their records, the bridges, addresses, sandboxes, port maps and the nft
 * table. Every call is synchronous and takes low single-digit milliseconds; every call may be repeated. */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "api/daemon-config.h"
#include "api/network.h"
#include "network/endpoint.h"

typedef struct Store Store;

/* Names of the networks that exist always. */
#define NETWORK_BRIDGE "bridge"
#define NETWORK_HOST "host"
#define NETWORK_NONE "none"

/* Two steps, as everything that is restored:
 * new()    reads the records exactly as they are and touches nothing outside the store (the three default
 *          networks get their ids there the first time); config is copied.
 * start()  makes bridge, forwarding and nft table agree with them and begins to make namespaces ahead. */
int network_manager_new(
                const DaemonNetworkConfig *config,
                const char *exec_root,
                Store *store,
                sd_event *event,
                NetworkManager **ret,
                Error *reterr);
int network_manager_start(NetworkManager *m, Error *reterr);

/* Containers whose process lives keep sandbox, addresses and ports; all else of ours on the host is
 * removed: leases, namespaces, veths, port maps. */
int network_manager_reconcile(NetworkManager *m, char *const *live_container_ids, Error *reterr);

/* Leaves everything on the host as it is: containers run on. */
NetworkManager *network_manager_free(NetworkManager *m);
DEFINE_TRIVIAL_CLEANUP_FUNC(NetworkManager *, network_manager_free);

/* For the removal of the daemon from a host: all sandboxes, our bridge, the nft table. */
int network_manager_teardown(NetworkManager *m, Error *reterr);

/* Takes over what a reload may change: dns, dns-search, dns-opt, host-gateway-ips, ip. */
int network_manager_reload(NetworkManager *m, const DaemonNetworkConfig *config, Error *reterr);

/* Ports of the daemon's own tcp listeners, before containers are started. */
int network_manager_reserve_port(NetworkManager *m, const char *address, uint16_t port, Error *reterr);

/* The system bus is there (kept by the caller until it says NULL), or went: firewalld is on it. */
void network_manager_set_bus(NetworkManager *m, sd_bus *bus);

/* Warnings for /info ("WARNING: IPv4 forwarding is disabled"), added to the list. */
int network_manager_warnings(NetworkManager *m, char ***warnings);

/* --- networks --- */

/* By name, id or unambiguous id prefix; "network NAME not found" otherwise. "default" means bridge, or
 * none where the daemon has no default bridge. */
int network_manager_find(NetworkManager *m, const char *name, Network **ret, Error *reterr);
/* Whether ports can be published: not without a firewall of ours. */
bool network_manager_publishes(const NetworkManager *m);
/* What "default" means: the name of one of the two. */
const char *network_manager_default(const NetworkManager *m);
const char *network_id(const Network *n);
const char *network_name(const Network *n);
const char *network_driver(const Network *n);           /* "bridge", "host", "null" */

/* Fills a zeroed document; the caller releases it with json_done(). Containers is filled where asked for:
 * by inspect, not by list, as Docker does. */
int network_inspect(const Network *n, bool containers, NetworkInspect *ret);
/* Whether a network passes the filters of GET /networks; check them once before. A value of name or id
 * matches as part of it, or as an extended regular expression. */
int network_filters_check(const Filters *filters, Error *reterr);
bool network_matches(const Network *n, const Filters *filters);
/* In the order of creation; userdata is passed on. A negative result of function ends it and is returned. */
typedef int (*NetworkFunction)(Network *n, void *userdata);
int network_foreach(NetworkManager *m, NetworkFunction function, void *userdata);
/* The three that exist always. */
bool network_is_predefined(const Network *n);
/* The ids of those that POST /networks/prune removes: no container is connected to them now. */
int network_prune_candidates(NetworkManager *m, const Filters *filters, char ***ret, Error *reterr);
/* Whether a container may ask for the IPv4 address on it. Docker's texts. */
int network_check_address(const Network *n, const char *address, Error *reterr);
/* It leads nowhere but to the containers on it; so do host and none, which have no bridge. */
bool network_is_internal(const Network *n);

/* A user's network of the driver bridge: recorded, with bridge, subnet and rules when it returns. Docker's
 * texts. */
#define NETWORKS_MAX 1000U
int network_create(NetworkManager *m, const NetworkCreateRequest *request, Network **ret, Error *reterr);
/* Frees it. ERROR_FORBIDDEN while a container is connected to it. */
int network_remove(NetworkManager *m, Network *n, Error *reterr);

/* --- sandboxes of containers --- */

/* Order at start of a container:
 *   bridge, none:  sandbox_new(), endpoint_connect(), namespace path = sandbox->path
 *   host:          endpoint_connect() alone; no namespace path
 *   container:ID:  nothing here; the path is that of sandbox_find(manager, ID)
 * and sandbox_free() after the process is gone, or when the start fails. */

/* Takes a namespace that was made ahead, or makes one. The result is borrowed until sandbox_free(). */
int sandbox_new(NetworkManager *m, const char *container_id, Sandbox **ret, Error *reterr);
Sandbox *sandbox_find(NetworkManager *m, const char *container_id);
/* Records it, so that the next daemon knows it. Connecting and disconnecting do; one that stays without an
 * endpoint needs it. */
int sandbox_save(Sandbox *s, Error *reterr);

/* Leases an address, records it, makes the interface and publishes the ports. On failure nothing of the
 * endpoint is left. The result is borrowed until sandbox_free(). */
int endpoint_connect(NetworkManager *m, const EndpointParams *params, Endpoint **ret, Error *reterr);

/* An endpoint on n would have the default route of the sandbox (NULL: there is none yet). */
bool sandbox_would_lead(const Sandbox *s, const Network *n, int64_t gw_priority);

/* Of a container that runs on: interface and address go; what led through it (the default route, published
 * ports) moves to another endpoint. */
int endpoint_disconnect(NetworkManager *m, const char *container_id, Network *n, Error *reterr);

/* Unknown ids are fine. Keeps going after errors and returns the first. */
int sandbox_free(NetworkManager *m, const char *container_id, Error *reterr);
/* Makes the resolver of a container that is on a network of users, anew if it is there; takes it away from
 * one that is not. dns: HostConfig; empty = the daemon's or the host's servers. */
int sandbox_serve_names(NetworkManager *m, const char *container_id, char *const *dns, Error *reterr);

int sandbox_rename(NetworkManager *m, const char *container_id, const char *container_name, Error *reterr);

/* --- /etc/hosts, /etc/hostname, /etc/resolv.conf --- */

typedef struct NetworkFilesParams {
        const char *container_id;       /* its sandbox tells the addresses; without one there are none */
        const char *network_mode;       /* "host": the host's own files where nothing is overridden */
        const char *hostname;           /* host name; the content of /etc/hostname */
        const char *domainname;
        char *const *extra_hosts;       /* HostConfig.ExtraHosts */
        char *const *dns, *const *dns_search, *const *dns_options; /* HostConfig; empty = the daemon's */
} NetworkFilesParams;

/* Writes hosts, hostname and resolv.conf (0644) into the directory, overwriting in place: they may be
 * mounted. */
int network_files_write(NetworkManager *m, int dir_fd, const NetworkFilesParams *params, Error *reterr);
