/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of the daemon itself: ping, version, info, events, and what belongs to no object. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE(HEAD, "/_ping",               system_ping,    .flags = ROUTE_PING | ROUTE_BODY_IGNORED),
        ROUTE(GET,  "/_ping",               system_ping,    .flags = ROUTE_PING | ROUTE_BODY_IGNORED),
        ROUTE(GET,  "/version",             system_version),
        ROUTE(GET,  "/info",                system_info),
        ROUTE(GET,  "/events",              system_events,  .flags = ROUTE_OUTPUT),
        ROUTE(GET,  "/system/df",           system_disk_usage),
        ROUTE(POST, "/auth",                registry_login, .flags = ROUTE_BODY_REQUIRED),
        ROUTE(GET,  "/distribution/{name...}/json", registry_inspect, .since = 30),
        ROUTE_REFUSED(POST, "/session",     "a build session", .flags = ROUTE_HIJACK),
        ROUTE_REFUSED(POST, "/grpc",        "gRPC (BuildKit)", .flags = ROUTE_HIJACK),
        ROUTE_REFUSED(GET,  "/debug/vars",  "Go's runtime debugging"),
        ROUTE_REFUSED(GET,  "/debug/pprof/{name...}", "Go's runtime debugging"),
        { .method = HTTP_OPTIONS, .path = "/{any...}", .flags = ROUTE_EMPTY },
};

DEFINE_ROUTE_TABLE(system, rows);
