/* SPDX-License-Identifier: Apache-2.0 */
/* Network resources of the Docker API: networks as listed and inspected, endpoints of containers, port
 * bindings. Structs and their field tables in Docker's order; no logic. */
#pragma once

#include "json/json-type.h"

/* --- networks --- */

typedef struct IpamConfig {
        char *subnet;                   /* CIDR */
        char *ip_range;
        char *gateway;
        StringMap auxiliary_addresses;
} IpamConfig;
JSON_TYPE_DECLARE(IpamConfig);

typedef struct Ipam {
        char *driver;
        StringMap options;
        struct {
                IpamConfig *items;
                size_t n_items;
        } config;
} Ipam;
JSON_TYPE_DECLARE(Ipam);

typedef struct ConfigReference {
        char *network;
} ConfigReference;
JSON_TYPE_DECLARE(ConfigReference);

/* One container of a network */
typedef struct NetworkContainer {
        char *name;
        char *endpoint_id;
        char *mac_address;
        char *ipv4_address;             /* CIDR */
        char *ipv6_address;
} NetworkContainer;
JSON_TYPE_DECLARE(NetworkContainer);

typedef struct NetworkContainerEntry {
        char *key;                      /* container id */
        NetworkContainer value;
} NetworkContainerEntry;

/* GET /networks/{id}, and an item of GET /networks */
typedef struct NetworkInspect {
        char *name;
        char *id;
        nsec_t created;
        char *scope;
        char *driver;
        bool enable_ipv4;
        bool enable_ipv6;
        Ipam ipam;
        bool internal;
        bool attachable;
        bool ingress;
        ConfigReference config_from;
        bool config_only;
        struct {
                NetworkContainerEntry *items;
                size_t n_items;
        } containers;
        StringMap options;
        StringMap labels;
} NetworkInspect;
JSON_TYPE_DECLARE(NetworkInspect);
DEFINE_JSON_CLEANUP(NetworkInspect);

/* GET /networks */
typedef struct NetworkListParams {
        Filters filters;
} NetworkListParams;
JSON_TYPE_DECLARE(NetworkListParams);

/* GET /networks/{id} */
typedef struct NetworkInspectParams {
        char *id;                       /* name, id or prefix of one */
        bool verbose;                   /* services of a cluster: none here */
        char *scope;                    /* "local", "swarm", "global" or "" */
} NetworkInspectParams;
JSON_TYPE_DECLARE(NetworkInspectParams);

/* POST /networks/create */
typedef struct NetworkCreateRequest {
        char *name;
        bool check_duplicate;           /* before 1.44; always so now */
        char *driver;
        char *scope;
        Tristate enable_ipv4;
        Tristate enable_ipv6;
        Ipam *ipam;
        bool internal;
        bool attachable;
        bool ingress;
        bool config_only;
        ConfigReference *config_from;
        StringMap options;
        StringMap labels;
} NetworkCreateRequest;
JSON_TYPE_DECLARE(NetworkCreateRequest);
DEFINE_JSON_CLEANUP(NetworkCreateRequest);

typedef struct NetworkCreateResponse {
        char *id;
        char *warning;
} NetworkCreateResponse;
JSON_TYPE_DECLARE(NetworkCreateResponse);

/* POST /networks/prune */
typedef struct NetworkPruneParams {
        Filters filters;
} NetworkPruneParams;
JSON_TYPE_DECLARE(NetworkPruneParams);

typedef struct NetworkPruneReply {
        char **networks_deleted;        /* names */
} NetworkPruneReply;
JSON_TYPE_DECLARE(NetworkPruneReply);
DEFINE_JSON_CLEANUP(NetworkPruneReply)

/* --- endpoints of a container --- */

typedef struct EndpointIpamConfig {
        char *ipv4_address;
        char *ipv6_address;
        char **link_local_ips;
} EndpointIpamConfig;
JSON_TYPE_DECLARE(EndpointIpamConfig);

/* In NetworkingConfig.EndpointsConfig of create, and NetworkSettings.Networks of inspect and ps */
typedef struct EndpointSettings {
        EndpointIpamConfig *ipam_config;
        char **links;
        char **aliases;
        char *mac_address;
        StringMap driver_opts;
        int64_t gw_priority;
        char *network_id;
        char *endpoint_id;
        char *gateway;
        char *ip_address;
        int64_t ip_prefix_len;
        char *ipv6_gateway;
        char *global_ipv6_address;
        int64_t global_ipv6_prefix_len;
        char **dns_names;
} EndpointSettings;
JSON_TYPE_DECLARE(EndpointSettings);
DEFINE_JSON_CLEANUP(EndpointSettings)

typedef struct EndpointSettingsEntry {
        char *key;                      /* network name */
        EndpointSettings *value;        /* may be null in requests */
} EndpointSettingsEntry;

/* struct { EndpointSettingsEntry *items; size_t n_items; } m */
#define JSON_ENDPOINTS(T, m, name, flags, ...) \
        JSON_MAP_POINTER(T, m, EndpointSettingsEntry, EndpointSettings, name, flags, ##__VA_ARGS__)

/* POST /networks/{id}/connect */
typedef struct NetworkConnectRequest {
        char *id;
        char *container;
        EndpointSettings *endpoint_config;
} NetworkConnectRequest;
JSON_TYPE_DECLARE(NetworkConnectRequest);

typedef struct NetworkDisconnectRequest {
        char *id;
        char *container;
        bool force;
} NetworkDisconnectRequest;
JSON_TYPE_DECLARE(NetworkDisconnectRequest);

/* --- ports --- */

typedef struct PortBinding {
        char *host_ip;
        char *host_port;                /* "80", "8000-8010" or "" */
} PortBinding;
JSON_TYPE_DECLARE(PortBinding);

typedef struct PortMapEntry {
        char *key;                      /* "80/tcp" */
        struct {
                PortBinding *items;
                size_t n_items;
        } value;
} PortMapEntry;

/* HostConfig.PortBindings and NetworkSettings.Ports: struct { PortMapEntry *items; size_t n_items; } m */
#define JSON_PORT_MAP(T, m, name, flags, ...) \
        JSON_MAP_ARRAY(T, m, PortMapEntry, PortBinding, name, flags, ##__VA_ARGS__)

/* Ports of GET /containers/json */
typedef struct PortSummary {
        char *ip;
        int private_port;
        int public_port;                /* 0 = not published */
        char *type;
} PortSummary;
JSON_TYPE_DECLARE(PortSummary);
