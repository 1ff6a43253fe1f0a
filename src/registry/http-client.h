/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests of a worker, over libcurl: one transfer at a time or several beside each other, every buffer
 * bounded, no redirect followed and no credential kept by itself. Knows nothing of registries.
 *
 * Names are resolved here and not by libcurl, which would start a thread for it (the sandbox has none). */
#pragma once

#include <curl/curl.h>

#include "basic/error.h"
#include "basic/string-util.h"
#include "basic/time-util.h"
#include "registry/auth-challenge.h"
#include "registry/proxy.h"
#include "registry/registry-verbs.h"

/* With the TLS handshake. */
#define HTTP_CONNECT_SECONDS 20L
/* A transfer that brings nothing for this long is dead. */
#define HTTP_STALL_SECONDS 60L
/* Bytes of all header lines of one answer. */
#define HTTP_HEADERS_MAX (256U * 1024U)

typedef struct HttpClient HttpClient;

/* PEM texts, borrowed; NULL or "" = none. */
typedef struct HttpTls {
        bool insecure;
        const char *ca;
        const TlsClientCertificateList *clients;   /* outlives the transfer; NULL = none */
} HttpTls;

typedef struct HttpOrigin {
        char *scheme, *host;            /* lower case; host without brackets */
        uint16_t port;
} HttpOrigin;
int http_origin_parse(const char *url, HttpOrigin *ret);
bool http_origin_equal(const HttpOrigin *a, const HttpOrigin *b);
void http_origin_done(HttpOrigin *o);
DEFINE_CLEANUP_DONE(HttpOrigin, http_origin_done);

/* Takes the body of a successful answer piece by piece; < 0 ends the transfer. */
typedef int (*HttpSink)(const void *data, size_t size, void *userdata);

typedef struct HttpTransfer {
        /* --- the request, set by the caller; strings are owned */
        const char *method;             /* a literal; NULL = GET */
        char *url;
        char *authorization;            /* value of the header; goes to this URL's origin only */
        const char *accept;
        const char *content_type;
        uint64_t range_from;            /* with range: from here to range_to (exclusive; 0 = to the end) */
        uint64_t range_to;
        bool range;
        const void *body;               /* of POST, PUT, PATCH: bytes, borrowed, */
        int body_fd;                    /* or (>= 0) this much of a file from an offset on */
        uint64_t body_offset, body_size;
        HttpSink sink;                  /* NULL: into text */
        void (*sent)(uint64_t bytes, void *userdata);   /* of the body, in all; NULL = not interested */
        void *userdata;
        size_t text_max;                /* of text; more is an error */
        unsigned seconds;               /* of the whole transfer; 0 = as long as it moves */

        /* --- the answer */
        unsigned status;                /* 0 = there was none */
        Buffer text;                    /* of a refusal: its first bytes */
        char *content_type_seen, *location, *digest, *retry_after, *link, *content_range, *range_seen,
                        *token_seen;
        AuthChallengeList challenges;
        uint64_t content_length;        /* UINT64_MAX = not said */
        uint64_t received;              /* bytes of the body, whatever became of them */
        int sink_result;                /* < 0: the sink said so */
        bool too_large;
        char *error;                    /* of a failed transfer, as Go's client would say it */
        bool verified_transport;        /* TLS was spoken, or an answer came: the scheme is right */

        /* --- inside */
        CURL *easy;
        struct curl_slist *headers, *resolve;
        HttpOrigin origin;
        char *peer;                     /* "ADDRESS:PORT" it is connected to, for messages */
        size_t header_bytes;
        uint64_t body_done;
        bool running, done;
        CURLcode result;
        char curl_error[CURL_ERROR_SIZE];
} HttpTransfer;

#define HTTP_TRANSFER_NULL ((HttpTransfer) { .body_fd = -EBADF })

/* Borrows everything. */
int http_client_new(const ProxyRules *proxies, const char *user_agent, HttpClient **ret);
HttpClient *http_client_free(HttpClient *c);
DEFINE_TRIVIAL_CLEANUP_FUNC(HttpClient *, http_client_free);

/* Starts; the answer of an earlier run is dropped. A name that cannot be resolved and the like end the
 * transfer at once (done). Returns < 0 without memory only. */
int http_transfer_start(HttpClient *c, HttpTransfer *t, const HttpTls *tls);
/* Moves all started transfers on; waits at most so long for one to move or for fd (>= 0) to be writable. */
int http_client_run(HttpClient *c, usec_t timeout, int writable_fd);
/* Until this one is done. */
int http_transfer_wait(HttpClient *c, HttpTransfer *t);
/* Ends it if it runs. */
void http_transfer_stop(HttpClient *c, HttpTransfer *t);

static inline bool http_transfer_succeeded(const HttpTransfer *t) {
        return t->done && !t->error && t->status >= 200 && t->status < 300;
}

/* Drops the answer, keeps the request. */
void http_transfer_reset(HttpTransfer *t);
void http_transfer_done(HttpTransfer *t);
DEFINE_CLEANUP_DONE(HttpTransfer, http_transfer_done);

/* Sets the error of a transfer that ended with t->result. */
int http_describe_failure(HttpTransfer *t);

/* 1: the name has an address in one of the prefixes; 0: it has not, or it cannot be resolved. */
int http_client_resolves_into(HttpClient *c, const char *host, uint16_t port, char *const *prefixes);

/* The target of a Location header, relative or not; NULL when it is none of http and https. */
char *http_url_join(const char *base, const char *location);
/* Percent-encodes for a query or form. */
char *http_escape(const char *s);
