/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of images. */
#include "http/http-route.h"

static const HttpRoute rows[] = {
        ROUTE(GET,    "/images/json",                   image_list),
        ROUTE(POST,   "/images/create",                 image_create,   .flags = ROUTE_INPUT | ROUTE_OUTPUT),
        ROUTE(POST,   "/images/load",                   image_load,     .flags = ROUTE_INPUT | ROUTE_OUTPUT),
        ROUTE(GET,    "/images/{name...}/json",         image_inspect),
        ROUTE(GET,    "/images/{name...}/history",      image_history),
        ROUTE(POST,   "/images/{name...}/tag",          image_tag,      .status = 201),
        ROUTE(GET,    "/images/search",                 registry_search),
        ROUTE(POST,   "/images/prune",                  image_prune,    .since = 25),
        ROUTE(POST,   "/images/{name...}/push",         image_push,     .flags = ROUTE_OUTPUT),
        ROUTE(GET,    "/images/get",                    image_save,     .flags = ROUTE_OUTPUT),
        ROUTE(GET,    "/images/{name...}/get",          image_save,     .flags = ROUTE_OUTPUT),
        ROUTE(POST,   "/commit",                        container_commit, .status = 201),
        ROUTE(DELETE, "/images/{name...}",              image_remove),
};

DEFINE_ROUTE_TABLE(image, rows);
