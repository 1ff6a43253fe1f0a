/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of volumes. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE(GET,    "/volumes",                       volume_list),
        ROUTE_REFUSED(POST,   "/volumes/create",        "named volumes"),
        ROUTE_REFUSED(POST,   "/volumes/prune",         "named volumes", .since = 25),
        ROUTE_REFUSED(GET,    "/volumes/{name...}",     "named volumes"),
        ROUTE_REFUSED(DELETE, "/volumes/{name...}",     "named volumes"),
        { .method = HTTP_PUT, .path = "/volumes/{name...}", .flags = ROUTE_SWARM, .since = 42 },
};

DEFINE_ROUTE_TABLE(volume, rows);
