/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of containers. Checkpoints are a table of their own, since it must come before. */
#include "http/http-route.h"

static const HttpRoute checkpoint_rows[] = {
        ROUTE_REFUSED(GET, "/containers/{id...}/checkpoints", "making checkpoints",
                      .flags = ROUTE_EXPERIMENTAL),
        ROUTE_REFUSED(POST, "/containers/{id...}/checkpoints", "making checkpoints",
                      .flags = ROUTE_EXPERIMENTAL),
        ROUTE_REFUSED(DELETE, "/containers/{id...}/checkpoints/{checkpoint}", "making checkpoints",
                      .flags = ROUTE_EXPERIMENTAL),
};

DEFINE_ROUTE_TABLE(checkpoint, checkpoint_rows);

static const HttpRoute rows[] = {
        ROUTE(GET,    "/containers/json",              container_list),
        ROUTE(POST,   "/containers/create",            container_create,  .status = 201,
              .flags = ROUTE_BODY_REQUIRED),
        ROUTE(POST,   "/containers/prune",             container_prune,   .since = 25),
        ROUTE(GET,    "/containers/{id...}/json",      container_inspect),
        ROUTE(GET,    "/containers/{id...}/top",       container_top),
        ROUTE(GET,    "/containers/{id...}/logs",      container_logs,    .flags = ROUTE_OUTPUT),
        ROUTE(GET,    "/containers/{id...}/stats",     container_stats,   .flags = ROUTE_OUTPUT),
        ROUTE(POST,   "/containers/{id...}/resize",    container_resize),
        ROUTE(POST,   "/containers/{id...}/start",     container_start,   .status = 204,
              .flags = ROUTE_NO_BODY),
        ROUTE(POST,   "/containers/{id...}/stop",      container_stop,    .status = 204),
        ROUTE(POST,   "/containers/{id...}/restart",   container_restart, .status = 204),
        ROUTE(POST,   "/containers/{id...}/kill",      container_kill,    .status = 204),
        ROUTE(POST,   "/containers/{id...}/update",    container_update,  .flags = ROUTE_BODY_REQUIRED),
        ROUTE(POST,   "/containers/{id...}/pause",     container_pause,   .status = 204),
        ROUTE(POST,   "/containers/{id...}/unpause",   container_unpause, .status = 204),
        ROUTE(POST,   "/containers/{id...}/rename",    container_rename,  .status = 204),
        ROUTE(POST,   "/containers/{id...}/attach",    container_attach,
              .flags = ROUTE_HIJACK | ROUTE_PLAIN_ERRORS),
        ROUTE(POST,   "/containers/{id...}/wait",      container_wait),
        ROUTE(GET,    "/containers/{id...}/changes",   container_changes, .flags = ROUTE_OUTPUT),
        ROUTE(GET,    "/containers/{id...}/export",    container_export,  .flags = ROUTE_OUTPUT),
        ROUTE_REFUSED(GET,    "/containers/{id...}/attach/ws",  "attaching over a websocket"),
        ROUTE(HEAD,   "/containers/{id...}/archive",   container_stat_path, .flags = ROUTE_PATH_STAT),
        ROUTE(GET,    "/containers/{id...}/archive",   container_archive, .flags = ROUTE_OUTPUT),
        ROUTE(PUT,    "/containers/{id...}/archive",   container_extract, .flags = ROUTE_INPUT),
        ROUTE(DELETE, "/containers/{id...}",           container_remove,  .status = 204),
};

DEFINE_ROUTE_TABLE(container, rows);
