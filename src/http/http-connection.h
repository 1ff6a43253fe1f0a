/* SPDX-License-Identifier: Apache-2.0 */
/* One accepted connection: who is at the other end, how long it may stay in which phase, and its way out.
 * Requests on it are HttpRequest's. Internal to http/. */
#pragma once

#include <microhttpd.h>
#include <sys/types.h>

#include "basic/list.h"
#include "http/http-server.h"
#include "http/http-tls.h"
#include "http/http-wire.h"

typedef struct HttpConnection HttpConnection;
typedef struct HttpListener HttpListener;
typedef struct HttpRequest HttpRequest;

/* A phase with a time limit holds its connections in the order of their deadlines. */
typedef enum HttpPhase {
        HTTP_PHASE_FIRST,       /* nothing requested yet */
        HTTP_PHASE_IDLE,        /* between two requests */
        HTTP_PHASE_CROWD,       /* the same, where many are */
        HTTP_PHASE_BODY,        /* a JSON body arrives */
        HTTP_PHASE_DRAIN,       /* reads on after an error */
        HTTP_PHASE_BUSY,        /* the engine's turn, or a stream: no limit */
        _HTTP_PHASE_MAX,
} HttpPhase;

/* Who is at the other end, before any request. */
typedef struct HttpPeer {
        bool local;                     /* Unix socket: the credentials are the kernel's word */
        pid_t pid;
        uid_t uid;
        gid_t gid;
        char *tls_name;                 /* owned; subject of the verified client certificate */
        char *address;                  /* owned; "192.0.2.1:4711" or "@" for logs and plugins */
} HttpPeer;

struct HttpConnection {
        HttpServer *server;             /* back-pointer */
        HttpPeer peer;
        bool tls;                       /* encrypted */
        TlsPump *pump;                  /* owned; NULL without TLS and once TLS has ended */
        struct MHD_Connection *mhd;     /* borrowed; NULL before the handshake's end and after the close */
        int fd;                         /* borrowed: the parser's socket, valid while mhd is */
        HttpRequest *request;           /* borrowed: the one in progress */
        HttpWire wire;                  /* what the parser has read */
        uint64_t n_completed;           /* requests that the parser is done with */
        HttpPhase phase;
        uint64_t deadline;              /* CLOCK_MONOTONIC, of the phase */
        bool closing;                   /* shut down by us, the parser has to notice yet */
        sd_event_source *linger;        /* owned, with its descriptor; after a refusal */
        uint64_t lingered;              /* bytes thrown away */
        LIST_FIELDS(HttpConnection, phase);
};

/* Takes an accepted, non-blocking socket in every case. */
int http_connection_accept(HttpServer *s, HttpListener *l, int fd);
HttpConnection *http_connection_free(HttpConnection *c);

void http_connection_set_phase(HttpConnection *c, HttpPhase phase);

/* The time of its phase is over: an answer that waits for a body's end is sent, or the client thrown out. */
void http_connection_on_deadline(HttpConnection *c);
/* Throws the client out: c may be gone on return, or go when the parser has noticed. Never for hijacked
 * connections. */
void http_connection_drop(HttpConnection *c);

/* http-read.c: the parser reads the connection only through the checks of http-wire.h while attached. */
int http_read_attach(HttpConnection *c);
void http_read_detach(HttpConnection *c);
/* The request that the parser has now, or reads next, must be refused. */
bool http_read_has_fault(const HttpConnection *c);
void http_read_refuse(HttpConnection *c);

/* Sends the last answer, to what was no request. The caller has the parser close its side; ours stays open
 * until the client has had time to read the answer. reason may be NULL. */
void http_connection_refuse(HttpConnection *c, unsigned status, const char *reason);
/* The same for text, a whole answer with its head. */
int http_connection_send_last(HttpConnection *c, const void *text, size_t size);
/* Bytes that are thrown away for a client: each piece of some size buys it time. */
void http_connection_note_drained(HttpConnection *c, uint64_t before, uint64_t after);
/* c may be gone on return. */
void http_connection_end_linger(HttpConnection *c);

/* Like MHD_queue_response(), for our answers. */
enum MHD_Result http_parser_queue(struct MHD_Connection *mhd, unsigned status,
                                  struct MHD_Response *response);

/* The parser's notifications (MHD_OPTION_NOTIFY_CONNECTION). */
void http_connection_on_notify(void *userdata, struct MHD_Connection *mhd, void **context,
                               enum MHD_ConnectionNotificationCode code);
