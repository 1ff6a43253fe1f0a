/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of networks. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE(GET,    "/networks",                      network_list),
        ROUTE(GET,    "/networks/",                     network_list),
        ROUTE(POST,   "/networks/create",               network_create,     .status = 201,
              .flags = ROUTE_BODY_REQUIRED),
        ROUTE(POST,   "/networks/prune",                network_prune,      .since = 25),
        ROUTE(POST,   "/networks/{id...}/connect",      network_connect,    .flags = ROUTE_BODY_REQUIRED),
        ROUTE(POST,   "/networks/{id...}/disconnect",   network_disconnect, .flags = ROUTE_BODY_REQUIRED),
        ROUTE(DELETE, "/networks/{id...}",              network_remove,     .status = 204),
        ROUTE(GET,    "/networks/{id...}",              network_inspect),
};

DEFINE_ROUTE_TABLE(network, rows);
