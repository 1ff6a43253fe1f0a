/* SPDX-License-Identifier: Apache-2.0 */
/* One request from its first byte to the end of its answer: what the parser calls, and the state that the
 * parts of the HTTP face share. Runs engine calls through http-face.c. Internal to http/. */
#pragma once

#include "engine/call.h"
#include "http/http-connection.h"
#include "http/http-headers.h"
#include "http/http-router.h"
#include "http/http-target.h"

typedef enum HttpRequestState {
        HTTP_REQUEST_HEAD,      /* the target is known, headers arrive */
        HTTP_REQUEST_BODY,      /* a document arrives, or nothing */
        HTTP_REQUEST_INPUT,     /* the call runs and reads the body as a stream */
        HTTP_REQUEST_DRAIN,     /* the rest of the body is thrown away */
        HTTP_REQUEST_CALL,      /* all is read, the call runs */
        HTTP_REQUEST_ANSWER,    /* the parser has the response */
        HTTP_REQUEST_HIJACK,    /* the connection is a raw stream */
        HTTP_REQUEST_LINGER,    /* a raw stream that is over: waits for the client to close */
        _HTTP_REQUEST_STATE_MAX,
} HttpRequestState;

typedef enum HttpHook {
        HTTP_HOOK_DRAIN = 1 << 0,
        HTTP_HOOK_HIJACK = 1 << 1,
        HTTP_HOOK_ABORT = 1 << 2,
} HttpHook;

/* The answer as a stream: a queue between the engine and the parser. */
typedef struct HttpOutput {
        bool open;
        bool closed;                    /* nothing more will be written */
        bool failed;                    /* ... and the client must see that something is missing */
        bool waiting;                   /* the producer wants on_drain */
        CallStreamKind kind;
        Buffer queue;
        size_t offset;                  /* into the queue: sent already */
} HttpOutput;

/* The body as a stream: a pipe to the engine. */
typedef struct HttpInput {
        int read_fd;                    /* until the engine takes it */
        int write_fd;
        bool broken;                    /* the engine does not want the rest */
        Buffer rest; /* what the pipe had no room for; the parser is suspended meanwhile */
        sd_event_source *writable;
} HttpInput;

typedef struct HttpHijack {
        struct MHD_UpgradeResponseHandle *urh;  /* NULL: a legacy client, the parser's side is suspended */
        bool asked;
        CallStreamKind kind;
        Buffer early;                   /* bytes behind the head, read by the parser */
        sd_event_source *linger, *linger_timer;
} HttpHijack;

struct HttpRequest {
        unsigned n_ref;                 /* the parser, its response and the call hold one each */
        HttpServer *server;             /* back-pointer */
        HttpConnection *connection;     /* NULL after completion, like mhd */
        struct MHD_Connection *mhd;

        HttpRequestState state;
        bool body_complete;
        bool suspended;                 /* in the parser */
        bool timeout_off;               /* the parser's, for this request */
        bool gone;                      /* the client went away, or we want it to */

        char *raw_target;
        const char *http_version;       /* borrowed from the parser */
        HttpMethod method;
        HttpTarget target;
        HttpHeaders headers;            /* strings borrowed from the parser until completion */
        HttpFraming framing;
        HttpMatch match;
        unsigned version;               /* minor API version; 0 = not (yet) accepted */

        Buffer body;
        uint64_t drained;
        Call *call;
        struct MHD_Response *response;  /* ready, not queued yet */
        char *error_document;           /* its body, of an error that comes before the body's end */
        unsigned status;

        HttpInput input;
        HttpOutput output;
        HttpHijack hijack;
        sd_event_source *gone_watch;

        unsigned hooks;                 /* HttpHook, to be called from the event loop */
        LIST_FIELDS(HttpRequest, hooks);
};

HttpRequest *http_request_ref(HttpRequest *q);
HttpRequest *http_request_unref(HttpRequest *q);

/* The parser's callbacks. */
void *http_request_on_uri(void *userdata, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_request_on_access(void *userdata, struct MHD_Connection *mhd, const char *url,
                                       const char *method, const char *version, const char *data,
                                       size_t *size, void **context);
/* The parser refused q: tells why if it is a fault that we look for as well. */
int http_request_find_fault(HttpRequest *q, Error *reterr);
void http_request_on_completed(void *userdata, struct MHD_Connection *mhd, void **context,
                               enum MHD_RequestTerminationCode code);

/* The server stops: the call is abandoned, the connection closed. Hijacked ones are left alone. */
void http_request_abort(HttpRequest *q);

/* Makes the parser go on with a suspended request. */
void http_request_wake(HttpRequest *q);
void http_request_suspend(HttpRequest *q);
/* Notices from now on that the client closes; for requests that are complete. */
int http_request_watch(HttpRequest *q);
void http_request_unwatch(HttpRequest *q);

/* Takes the response (NULL = out of memory: the connection is closed) as the request's answer. */
void http_request_answer(HttpRequest *q, unsigned status, struct MHD_Response *response);
void http_request_answer_error(HttpRequest *q, const Error *e);

/* Sends the answer while the body still arrives, past the parser, and ends the connection. False: it cannot
 * be done. */
bool http_request_answer_early(HttpRequest *q);

/* What was collected of the body. */
void http_request_drop_body(HttpRequest *q);
/* The rest of the body is thrown away; for answers that come before its end. */
void http_request_start_draining(HttpRequest *q);

void http_request_add_hook(HttpRequest *q, HttpHook hook);
void http_request_run_hooks(HttpRequest *q);

/* http-decode.c: params of the call from path, query, headers and body. */
bool http_route_takes_document(const HttpRoute *route);
int http_request_check_content_type(const HttpRequest *q, Error *reterr);
int http_request_decode(const HttpRequest *q, void *params, Error *reterr);

/* http-face.c */
extern const CallFace http_call_face;
/* Creates and runs the call; what becomes of it comes through the face. */
void http_request_run_call(HttpRequest *q);

/* http-input.c: the upload pump. */
int http_input_open(HttpInput *i);
/* Takes a piece; 1: the parser must wait, it is woken when there is room. */
int http_input_write(HttpRequest *q, const void *data, size_t size);
void http_input_finish(HttpInput *i);
int http_input_take(HttpInput *i);
void http_input_done(HttpInput *i);

/* http-output.c: the download queue. */
int http_output_open(HttpRequest *q, CallStreamKind kind);
int http_output_write(HttpRequest *q, const void *data, size_t size);
void http_output_close(HttpRequest *q, const Error *error);
void http_output_done(HttpRequest *q);
const char *http_stream_content_type(CallStreamKind kind, unsigned version);

/* http-hijack.c: the connection for the engine. */
int http_hijack_ask(HttpRequest *q, const CallHijackInfo *info);
/* From the event loop: hands the descriptor to the call. */
void http_hijack_deliver(HttpRequest *q);
void http_hijack_end(HttpRequest *q);
void http_hijack_done(HttpHijack *h);
/* Adds Docker's headers of every routed answer. */
int http_request_add_headers(const HttpRequest *q, struct MHD_Response *response);
