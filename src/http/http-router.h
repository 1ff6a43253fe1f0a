/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the row of a method and path. Pure functions over the route tables. */
#pragma once

#include "http/http-route.h"

#define HTTP_CAPTURES_MAX 2U

/* A part of the path, not NUL-terminated; name points into the template. */
typedef struct HttpCapture {
        const char *name, *value;
        size_t name_size, value_size;
} HttpCapture;

typedef struct HttpMatch {
        const HttpRoute *route;
        HttpCapture captures[HTTP_CAPTURES_MAX];
        size_t n_captures;
} HttpMatch;

/* The order of tables and rows counts. */
typedef struct HttpRouter {
        const HttpRouteTable *const *tables;
        size_t n_tables;
} HttpRouter;

/* All that the engine serves. */
extern const HttpRouter http_router;

/* False if nothing matches; which of path and method does not is never told, as in Docker. */
bool http_router_find(const HttpRouter *router, HttpMethod method, const char *path, HttpMatch *ret);

/* Whether the path fits the template. */
bool http_template_match(const char *template, const char *path, HttpMatch *m);
