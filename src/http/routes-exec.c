/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of commands run in containers. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE_REFUSED(POST, "/containers/{id...}/exec", "running a command in a container (exec)"),
        ROUTE_REFUSED(POST, "/exec/{id...}/start", "running a command in a container (exec)",
                      .flags = ROUTE_HIJACK),
        ROUTE_REFUSED(POST, "/exec/{id...}/resize", "running a command in a container (exec)"),
        ROUTE_REFUSED(GET,  "/exec/{id...}/json", "running a command in a container (exec)"),
};

DEFINE_ROUTE_TABLE(exec, rows);
