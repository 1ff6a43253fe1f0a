/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP face: serves the Docker Engine API on listening sockets that others made. Translates between HTTP
 * and engine calls, and decides nothing about containers. */
#pragma once

#include <systemd/sd-event.h>

#include "basic/error.h"
#include "shared/tls-util.h"

typedef struct Engine Engine;
typedef struct HttpRouter HttpRouter;
typedef struct HttpServer HttpServer;

/* Everything a client can make us hold or wait for. */
typedef struct HttpLimits {
        unsigned connections_max;       /* open ones; the longest idle one makes room for a new one */
        uint64_t first_usec;            /* from accept to the end of the first request head */
        uint64_t idle_usec;             /* from an answer to the end of the next request head */
        unsigned idle_max;              /* connections that may wait that long; the parser keeps about 0.1 MB
                                         * each */
        uint64_t crowd_usec;            /* for those beyond them */
        uint64_t body_usec;             /* for a whole JSON body */
        uint64_t drain_usec;            /* without progress, for reading on after an early error */
        uint64_t drain_bytes;           /* then it is sent and the connection ends */
        uint64_t linger_bytes;          /* still thrown away after that, so that the client sees it */
        uint64_t body_bytes;            /* of a JSON body */
        uint64_t held_bytes;            /* bodies and answers of all requests together */
} HttpLimits;

extern const HttpLimits http_limits_default;

/* Serves nothing yet. The engine is borrowed and must live longer. */
int http_server_new(Engine *engine, sd_event *event, HttpServer **ret, Error *reterr);
/* For tests: other routes and limits (NULL = default), and no engine. */
int http_server_new_full(Engine *engine, sd_event *event, const HttpRouter *router, const HttpLimits *limits,
                         HttpServer **ret, Error *reterr);

/* Serves listen_fd from now on. The descriptor stays the caller's and must stay open until
 * http_server_free(); its O_NONBLOCK is set. With TLS every connection is encrypted; the context is shared.
 * description is for logs, "unix:///run/docker.sock". */
int http_server_add_listener(HttpServer *s, int listen_fd, const char *description, TlsContext *tls,
                             Error *reterr);

/* Accepts no more, tells running calls that their clients are gone and closes every connection, but for
 * hijacked ones: those belong to the shims and are left as they are, without a shutdown. NULL-safe. */
HttpServer *http_server_free(HttpServer *s);
DEFINE_TRIVIAL_CLEANUP_FUNC(HttpServer *, http_server_free);

/* Open connections, for the state dump. */
unsigned http_server_n_connections(const HttpServer *s);
