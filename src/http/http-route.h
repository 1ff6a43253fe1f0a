/* SPDX-License-Identifier: Apache-2.0 */
/* Routes as data: what HTTP adds to an engine call. Rows only, one table per resource in routes-*.c. */
#pragma once

#include "engine/calls.h"

typedef enum HttpMethod {
        HTTP_GET,
        HTTP_HEAD,
        HTTP_POST,
        HTTP_PUT,
        HTTP_DELETE,
        HTTP_OPTIONS,
        _HTTP_METHOD_MAX,
        _HTTP_METHOD_INVALID = -22,
} HttpMethod;

const char *http_method_to_string(HttpMethod m);
HttpMethod http_method_from_string(const char *s);

typedef enum HttpRouteFlags {
        ROUTE_BODY_REQUIRED     = 1 << 0,       /* an empty body is an error */
        ROUTE_BODY_IGNORED      = 1 << 1,       /* a body is read and thrown away, whatever it is */
        ROUTE_INPUT             = 1 << 2,       /* the body is a stream that the engine reads */
        ROUTE_OUTPUT            = 1 << 3,       /* the answer is a stream */
        ROUTE_HIJACK            = 1 << 4,       /* the connection becomes a raw stream */
        ROUTE_PLAIN_ERRORS      = 1 << 5,       /* errors as text, as Docker does where it hijacks first */
        ROUTE_SWARM             = 1 << 6,       /* refused: 503, not a swarm manager */
        ROUTE_PING              = 1 << 7,       /* answered with the headers of /_ping */
        ROUTE_NO_BODY           = 1 << 8,       /* a body is refused, in the words of container start */
        ROUTE_EMPTY             = 1 << 9,       /* answered with nothing, without the engine */
        ROUTE_EXPERIMENTAL      = 1 << 10,      /* only with the experimental option */
        ROUTE_PATH_STAT         = 1 << 11,      /* the reply goes into the header of a path's status */
} HttpRouteFlags;

typedef struct HttpRoute {
        HttpMethod method;
        const char *path; /* "{name}" takes one segment, "{name...}" any number, the longest that fits */
        const EngineCall *call;         /* NULL: refused by name */
        HttpRouteFlags flags;
        unsigned status;                /* of success; 0 = 200 */
        unsigned since, until;          /* minor API versions, inclusive; 0 = all */
        const char *feature;            /* without a call: what is not supported */
} HttpRoute;

typedef struct HttpRouteTable {
        const HttpRoute *rows;
        size_t n_rows;
} HttpRouteTable;

extern const HttpRouteTable http_routes_system;
extern const HttpRouteTable http_routes_checkpoint;
extern const HttpRouteTable http_routes_container;
extern const HttpRouteTable http_routes_exec;
extern const HttpRouteTable http_routes_image;
extern const HttpRouteTable http_routes_build;
extern const HttpRouteTable http_routes_network;
extern const HttpRouteTable http_routes_volume;
extern const HttpRouteTable http_routes_plugin;
extern const HttpRouteTable http_routes_swarm;

#define DEFINE_ROUTE_TABLE(name, array) \
        const HttpRouteTable http_routes_##name = { (array), ELEMENTSOF(array) }

/* A call that exists: ROUTE(GET, "/info", system_info, .flags = ...) */
#define ROUTE(m, p, c, ...) { .method = HTTP_##m, .path = (p), .call = &engine_call_##c, ##__VA_ARGS__ }
/* A route of Docker's that is refused by the name of its feature. */
#define ROUTE_REFUSED(m, p, f, ...) { .method = HTTP_##m, .path = (p), .feature = (f), ##__VA_ARGS__ }
/* Swarm mode: refused as by a node outside a swarm. */
#define ROUTE_NO_SWARM(m, p) { .method = HTTP_##m, .path = (p), .flags = ROUTE_SWARM }
