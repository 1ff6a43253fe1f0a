/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of volumes. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE(GET,    "/volumes",                       volume_list),
        ROUTE_REFUSED(POST,   "/volumes/create",        "managing named volumes"),
        ROUTE_REFUSED(POST,   "/volumes/prune",         "managing named volumes", .since = 25),
        ROUTE_REFUSED(GET,    "/volumes/{name...}",     "managing named volumes"),
        ROUTE_REFUSED(DELETE, "/volumes/{name...}",     "managing named volumes"),
        { .method = HTTP_PUT, .path = "/volumes/{name...}", .flags = ROUTE_SWARM, .since = 42 },
};

DEFINE_ROUTE_TABLE(volume, rows);
