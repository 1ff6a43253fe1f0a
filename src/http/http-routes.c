/* SPDX-License-Identifier: Apache-2.0 */
/* All routes that the engine has, and the server that serves them. Apart from router and server, so that
 * tests of those need no engine. */
#include "http/http-router.h"
#include "http/http-server.h"

/* Checkpoints come before containers: "{id...}" of DELETE /containers/{id...} would take their paths. */
static const HttpRouteTable *const all_tables[] = {
        &http_routes_system,
        &http_routes_checkpoint,
        &http_routes_container,
        &http_routes_exec,
        &http_routes_image,
        &http_routes_build,
        &http_routes_network,
        &http_routes_volume,
        &http_routes_plugin,
        &http_routes_swarm,
};

const HttpRouter http_router = { all_tables, ELEMENTSOF(all_tables) };

int http_server_new(Engine *engine, sd_event *event, HttpServer **ret, Error *reterr) {
        assert(engine);

        return http_server_new_full(engine, event, &http_router, NULL, ret, reterr);
}
