/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of volumes. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE(GET,    "/volumes",               volume_list),
        ROUTE(POST,   "/volumes/create",        volume_create,  .status = 201, .flags = ROUTE_BODY_REQUIRED),
        ROUTE(POST,   "/volumes/prune",         volume_prune,   .since = 25),
        ROUTE(GET,    "/volumes/{name...}",     volume_inspect),
        ROUTE(DELETE, "/volumes/{name...}",     volume_remove,  .status = 204),
        { .method = HTTP_PUT, .path = "/volumes/{name...}", .flags = ROUTE_SWARM, .since = 42 },
};

DEFINE_ROUTE_TABLE(volume, rows);
