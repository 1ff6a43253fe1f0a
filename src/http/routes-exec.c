/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of commands run in containers. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE(POST, "/containers/{id...}/exec", exec_create, .status = 201, .flags = ROUTE_BODY_REQUIRED),
        ROUTE(POST, "/exec/{id...}/start", exec_start, .flags = ROUTE_HIJACK),
        ROUTE(POST, "/exec/{id...}/resize", exec_resize, .status = 200),
        ROUTE(GET,  "/exec/{id...}/json", exec_inspect),
};

DEFINE_ROUTE_TABLE(exec, rows);
