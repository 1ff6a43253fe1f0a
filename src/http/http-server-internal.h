/* SPDX-License-Identifier: Apache-2.0 */
/* The server's inside, for the files of http/ only. */
#pragma once

#include "http/http-connection.h"
#include "http/http-loop.h"
#include "http/http-router.h"

/* Without progress while an answer is sent; not for streams. Longer than our own deadlines, for which it is
 * a backstop: 0.9.x of the parser may miss a FIN. */
#define HTTP_PARSER_TIMEOUT_SEC 330U

/* A first-in, first-out list with a tail: phases hold thousands. */
typedef struct HttpPhaseQueue {
        HttpConnection *head, *tail;
        unsigned n;
} HttpPhaseQueue;

struct HttpListener {
        HttpServer *server;             /* back-pointer */
        sd_event_source *source;
        char *description;
        TlsContext *tls;                /* NULL = plain */
        LIST_FIELDS(HttpListener, listeners);
};

struct HttpServer {
        Engine *engine;                 /* borrowed */
        sd_event *event;
        const HttpRouter *router;
        HttpLimits limits;

        struct MHD_Daemon *daemon;
        HttpLoop loop;

        HttpListener *listeners;
        bool accepting;
        unsigned n_connections;
        HttpPhaseQueue phases[_HTTP_PHASE_MAX];
        uint64_t held;                  /* bytes of bodies and answers */
        sd_event_source *sweep;         /* earliest deadline of all phases */
        uint64_t sweep_usec;

        HttpRequest *hooks;             /* requests whose call waits for a hook of the face */
        sd_event_source *hooks_source;

        HttpConnection *adding;         /* between MHD_add_connection() and its notification */
        unsigned n_hijacked;            /* connections that belong to shims */
        bool stopping;
        char server_header[64];         /* "Docker/28.2.2 (linux)" */
};

/* Time limit of a phase; UINT64_MAX = none. */
uint64_t http_server_phase_limit(const HttpServer *s, HttpPhase phase);
/* For one more connection between two requests. */
HttpPhase http_server_idle_phase(const HttpServer *s);
/* Counts bytes that are kept for clients; false: it is too much, which is up to the caller. */
bool http_server_hold(HttpServer *s, size_t size);
void http_server_release(HttpServer *s, size_t size);
/* Makes sure that the sweep comes no later than usec. */
void http_server_arm_sweep(HttpServer *s, uint64_t usec);
/* Has http_request_run_hooks() called from the event loop. */
void http_server_schedule_hooks(HttpServer *s);
/* A connection has gone: there may be room for another. */
void http_server_connection_closed(HttpServer *s);
