/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of swarm mode. A node outside a swarm refuses all but those that would bring it into one. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE_NO_SWARM(GET,     "/swarm"),
        ROUTE_REFUSED(POST,     "/swarm/init", "swarm mode"),
        ROUTE_REFUSED(POST,     "/swarm/join", "swarm mode"),
        ROUTE_NO_SWARM(POST,    "/swarm/leave"),
        ROUTE_NO_SWARM(POST,    "/swarm/update"),
        ROUTE_NO_SWARM(GET,     "/swarm/unlockkey"),
        ROUTE_NO_SWARM(POST,    "/swarm/unlock"),

        ROUTE_NO_SWARM(GET,     "/services"),
        ROUTE_NO_SWARM(POST,    "/services/create"),
        ROUTE_NO_SWARM(GET,     "/services/{id...}/logs"),
        ROUTE_NO_SWARM(POST,    "/services/{id...}/update"),
        ROUTE_NO_SWARM(GET,     "/services/{id...}"),
        ROUTE_NO_SWARM(DELETE,  "/services/{id...}"),

        ROUTE_NO_SWARM(GET,     "/nodes"),
        ROUTE_NO_SWARM(POST,    "/nodes/{id...}/update"),
        ROUTE_NO_SWARM(GET,     "/nodes/{id...}"),
        ROUTE_NO_SWARM(DELETE,  "/nodes/{id...}"),

        ROUTE_NO_SWARM(GET,     "/tasks"),
        ROUTE_NO_SWARM(GET,     "/tasks/{id...}/logs"),
        ROUTE_NO_SWARM(GET,     "/tasks/{id...}"),

        ROUTE_NO_SWARM(GET,     "/secrets"),
        ROUTE_NO_SWARM(POST,    "/secrets/create"),
        ROUTE_NO_SWARM(POST,    "/secrets/{id...}/update"),
        ROUTE_NO_SWARM(GET,     "/secrets/{id...}"),
        ROUTE_NO_SWARM(DELETE,  "/secrets/{id...}"),

        ROUTE_NO_SWARM(GET,     "/configs"),
        ROUTE_NO_SWARM(POST,    "/configs/create"),
        ROUTE_NO_SWARM(POST,    "/configs/{id...}/update"),
        ROUTE_NO_SWARM(GET,     "/configs/{id...}"),
        ROUTE_NO_SWARM(DELETE,  "/configs/{id...}"),
};

DEFINE_ROUTE_TABLE(swarm, rows);
