/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of managed plugins. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE_REFUSED(GET,    "/plugins",                       "managing plugins"),
        ROUTE_REFUSED(GET,    "/plugins/privileges",            "managing plugins"),
        ROUTE_REFUSED(POST,   "/plugins/pull",                  "managing plugins"),
        ROUTE_REFUSED(POST,   "/plugins/create",                "managing plugins"),
        ROUTE_REFUSED(GET,    "/plugins/{name...}/json",        "managing plugins"),
        ROUTE_REFUSED(POST,   "/plugins/{name...}/enable",      "managing plugins"),
        ROUTE_REFUSED(POST,   "/plugins/{name...}/disable",     "managing plugins"),
        ROUTE_REFUSED(POST,   "/plugins/{name...}/upgrade",     "managing plugins", .since = 26),
        ROUTE_REFUSED(POST,   "/plugins/{name...}/push",        "managing plugins"),
        ROUTE_REFUSED(POST,   "/plugins/{name...}/set",         "managing plugins"),
        ROUTE_REFUSED(DELETE, "/plugins/{name...}",             "managing plugins"),
};

DEFINE_ROUTE_TABLE(plugin, rows);
