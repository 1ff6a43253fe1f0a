/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint joins one container to one network; a sandbox is the network namespace a container runs in,
 * with its endpoints. The record of a sandbox in the store is the lease of its addresses: it is written
 * before the kernel is touched and deleted when nothing of it is left there. */
#pragma once

#include "basic/error.h"
#include "basic/id.h"
#include "basic/net-addr.h"
#include "network/portmap.h"

typedef struct Network Network;
typedef struct NetworkManager NetworkManager;
typedef struct Sandbox Sandbox;

/* A published port as it is in force. */
typedef struct PortBindingActual {
        PortProtocol protocol;
        uint16_t container_port;
        NetAddr host_address;
        bool default_address;           /* chosen by network or daemon: it changes with the network */
        uint16_t host_port;
} PortBindingActual;

/* A port as it was asked for. */
typedef struct PortBindingRequest {
        PortProtocol protocol;
        uint16_t container_port;
        const char *host_ip;            /* NULL or "" = the daemon's default */
        uint16_t host_port_first;       /* 0 = any */
        uint16_t host_port_last;
} PortBindingRequest;

typedef struct Endpoint {
        char id[ID_LENGTH + 1];
        char *network_id;
        char *network_name;
        NetPrefix address;              /* family AF_UNSPEC on host and none */
        NetAddr gateway;
        MacAddr mac;
        char interface[16];             /* on the host: "vethXXXXXXX"; "" if there is none */
        char inside[16];                /* in the namespace: "eth0" */
        char **aliases;                 /* names beside the container's own */
        int64_t gw_priority;
        bool default_route;             /* what is not on a network goes this way; ports are published
                                         * here */
} Endpoint;

struct Sandbox {
        char *container_id;
        char *container_name;
        char *name;                     /* of the namespace below <exec-root>/netns/; NULL on host */
        char *path;                     /* for the OCI document and SandboxKey; NULL on host */
        Endpoint **endpoints;
        size_t n_endpoints, n_endpoints_allocated;
        PortBindingActual *ports;
        size_t n_ports, n_ports_allocated;

        NetworkManager *manager;        /* back-pointer */
        int netns_fd;                   /* -EBADF when not needed, ... */
        struct Netlink *netlink;        /* ... and the socket inside NULL */
        struct DnsServer *names;        /* the resolver; NULL: not on a network of users */
        bool recorded;                  /* the store holds a record */
        bool restored;                  /* made by an earlier daemon, perhaps not to its end */
};

/* The endpoint of a sandbox on a network, or NULL. By the id alone: a network may be named like the id of
 * another. */
Endpoint *sandbox_find_endpoint(const Sandbox *s, const char *network_id);

typedef struct EndpointParams {
        const char *container_id;
        const char *container_name;     /* for Containers of network inspect */
        const char *network;            /* name, id or id prefix */
        const char *ipv4_address;       /* asked for; NULL = the next free one */
        const char *mac_address;        /* asked for; NULL = from the address */
        char *const *aliases;
        int64_t gw_priority;
        bool default_route;             /* takes it over from another endpoint, and the ports */
        const PortBindingRequest *ports; /* without effect where the sandbox has ports already */
        size_t n_ports;
} EndpointParams;

/* Which of two networks has a container's default route: that of the higher priority, then the first by
 * name, as with Docker. */
bool gateway_is_before(int64_t priority, const char *name, int64_t other_priority, const char *other_name);
