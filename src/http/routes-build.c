/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of the image builder. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE_REFUSED(POST, "/build",           "building images"),
        ROUTE(POST, "/build/prune", build_prune, .since = 31),
        ROUTE_REFUSED(POST, "/build/cancel",    "building images"),
};

DEFINE_ROUTE_TABLE(build, rows);
