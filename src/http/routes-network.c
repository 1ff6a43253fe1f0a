/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of networks. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE(GET,    "/networks",                      network_list),
        ROUTE(GET,    "/networks/",                     network_list),
        ROUTE_REFUSED(POST,   "/networks/create",       "user-defined networks"),
        ROUTE_REFUSED(POST,   "/networks/prune",        "user-defined networks", .since = 25),
        ROUTE_REFUSED(POST,   "/networks/{id...}/connect",      "user-defined networks"),
        ROUTE_REFUSED(POST,   "/networks/{id...}/disconnect",   "user-defined networks"),
        ROUTE_REFUSED(DELETE, "/networks/{id...}",      "user-defined networks"),
        ROUTE(GET,    "/networks/{id...}",              network_inspect),
};

DEFINE_ROUTE_TABLE(network, rows);
