/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of networks. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE(GET,    "/networks",                      network_list),
        ROUTE(GET,    "/networks/",                     network_list),
        ROUTE_REFUSED(POST,   "/networks/create",       "managing user-defined networks"),
        ROUTE_REFUSED(POST,   "/networks/prune",        "managing user-defined networks", .since = 25),
        ROUTE_REFUSED(POST,   "/networks/{id...}/connect",      "managing user-defined networks"),
        ROUTE_REFUSED(POST,   "/networks/{id...}/disconnect",   "managing user-defined networks"),
        ROUTE_REFUSED(DELETE, "/networks/{id...}",      "managing user-defined networks"),
        ROUTE(GET,    "/networks/{id...}",              network_inspect),
};

DEFINE_ROUTE_TABLE(network, rows);
