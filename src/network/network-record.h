/* SPDX-License-Identifier: Apache-2.0 */
/* What the store holds of networks (STORE_NETWORK, key: id) and sandboxes (STORE_LEASE, key: container id):
 * documents and their field tables. */
#pragma once

#include "json/json-type.h"

typedef struct NetworkRecord {
        char *id;
        char *name;
        char *driver;
        nsec_t created;
        char *interface;                /* bridge; NULL for host and none */
        char *subnet; /* CIDR of the bridge's own address, so that a reboot gives the same again */

        /* of those that users made */
        bool subnet_given;              /* by the user: addresses may be asked for */
        char *range;                    /* CIDR; NULL = all of the subnet */
        bool internal, attachable;
        StringMap labels, options, ipam_options, auxiliary;
} NetworkRecord;
JSON_TYPE_DECLARE(NetworkRecord);
DEFINE_JSON_CLEANUP(NetworkRecord);

typedef struct EndpointRecord {
        char *id;
        char *network_id;
        char *network_name;
        char *address;                  /* CIDR */
        char *gateway;
        char *mac;
        char *interface;
        char *inside;                   /* its name in the namespace; NULL = "eth0" */
        char **aliases;
        int64_t gw_priority;
        bool default_route;
} EndpointRecord;
JSON_TYPE_DECLARE(EndpointRecord);

typedef struct PortRecord {
        char *protocol;
        int container_port;
        char *host_address;
        bool default_address;
        int host_port;
} PortRecord;
JSON_TYPE_DECLARE(PortRecord);

typedef struct SandboxRecord {
        char *container_id;
        char *container_name;
        char *name;                     /* namespace below <exec-root>/netns/ */
        struct {
                EndpointRecord *items;
                size_t n_items;
        } endpoints;
        struct {
                PortRecord *items;
                size_t n_items;
        } ports;
} SandboxRecord;
JSON_TYPE_DECLARE(SandboxRecord);
DEFINE_JSON_CLEANUP(SandboxRecord);
