/* SPDX-License-Identifier: Apache-2.0 */
/* Request headers: a flat list, look-up, and the checks that a lax parser leaves to us (RFC 9112: message
 * framing, Host). Pure functions; the strings are borrowed from the parser. */
#pragma once

#include "basic/error.h"

typedef struct HttpHeader {
        const char *name, *value;       /* value is never NULL */
} HttpHeader;

#define HTTP_HEADERS_MAX 256U

typedef struct HttpHeaders {
        HttpHeader *items;              /* owned */
        size_t n_items, allocated;
} HttpHeaders;

void http_headers_done(HttpHeaders *h);
DEFINE_CLEANUP_DONE(HttpHeaders, http_headers_done);

/* -E2BIG beyond HTTP_HEADERS_MAX. */
int http_headers_add(HttpHeaders *h, const char *name, const char *value);
/* The first, case-insensitively; NULL if there is none. */
const char *http_headers_get(const HttpHeaders *h, const char *name);
size_t http_headers_count(const HttpHeaders *h, const char *name);
/* Whether the comma-separated list in any header of that name has the token. */
bool http_headers_has_token(const HttpHeaders *h, const char *name, const char *token);

/* What the framing says about the body. */
typedef struct HttpFraming {
        bool chunked;
        bool has_length;
        uint64_t length;
} HttpFraming;

/* Refuses everything that two parsers could read differently. An error here must close the connection: what
 * follows on it cannot be trusted to be a request. */
int http_headers_check(const HttpHeaders *h, const char *http_version, HttpFraming *ret, Error *reterr);

static inline bool http_framing_has_body(const HttpFraming *f) {
        return f->chunked || f->length > 0;
}
