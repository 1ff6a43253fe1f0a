/* SPDX-License-Identifier: Apache-2.0 */
/* What makes networks of one kind: bridge, host, none. Hooks may be NULL where a kind has nothing to do. */
#pragma once

#include "network/endpoint.h"

typedef struct NetworkDriver {
        const char *name;               /* as the API calls it: "bridge", "host", "null" */
        bool sandbox;                   /* its endpoints live in a namespace of their own */

        /* Makes the host's side agree with the record. At start of the daemon; repeated calls change
         * nothing. */
        int (*start)(Network *n, Error *reterr);
        /* Takes the host's side away. When a network is removed, or the daemon from the host. */
        int (*stop)(Network *n, Error *reterr);

        /* Fills address, gateway, MAC and interface name of the endpoint, in memory only; the record is
         * written after it and before connect(). */
        int (*lease)(Network *n, Endpoint *e, const EndpointParams *params, Error *reterr);
        /* Again the lease of an endpoint that was recorded. */
        void (*restore)(Network *n, const Endpoint *e);
        void (*release)(Network *n, const Endpoint *e);

        /* Makes the interface inside the namespace of the sandbox. Undoes all of it on failure. */
        int (*connect)(Network *n, Sandbox *s, Endpoint *e, Error *reterr);
        /* Cuts the endpoint off: no packet passes when it returns. The interface may live until its
         * namespace is gone. */
        int (*disconnect)(Network *n, const Endpoint *e);
        /* The same for a container that runs on: the interface is gone when it returns. */
        int (*cut)(Network *n, const Endpoint *e);
} NetworkDriver;

extern const NetworkDriver network_driver_bridge;
extern const NetworkDriver network_driver_host;
extern const NetworkDriver network_driver_null;

/* NULL if there is none of that name. */
const NetworkDriver *network_driver_find(const char *name);
