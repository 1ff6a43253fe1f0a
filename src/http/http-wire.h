/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the bytes of a connection from request to request before the parser sees them, and stops at what
 * two parsers could read differently: folded headers, NUL and other control characters, bare CR or LF, odd
 * chunk sizes. Pure; knows framing only, not what is asked for. */
#pragma once

#include "basic/error.h"

/* Empty lines before a request count as well. More than the parser takes, which answers 431 or 414. */
#define HTTP_WIRE_HEAD_MAX (128U * 1024U)
/* Size and extensions of one chunk; the lines behind the last chunk together. */
#define HTTP_WIRE_CHUNK_LINE_MAX 4096U
#define HTTP_WIRE_TRAILER_MAX (16U * 1024U)

typedef enum HttpWireState {
        HTTP_WIRE_START,                /* between two requests */
        HTTP_WIRE_START_LF,
        HTTP_WIRE_METHOD,
        HTTP_WIRE_TARGET,
        HTTP_WIRE_VERSION,
        HTTP_WIRE_LINE_LF,
        HTTP_WIRE_LINE,                 /* a header's first byte, also behind the last chunk */
        HTTP_WIRE_NAME,
        HTTP_WIRE_VALUE,
        HTTP_WIRE_END_LF,
        HTTP_WIRE_BODY,
        HTTP_WIRE_SIZE,
        HTTP_WIRE_EXTENSION,
        HTTP_WIRE_SIZE_LF,
        HTTP_WIRE_DATA,
        HTTP_WIRE_DATA_CR,
        HTTP_WIRE_DATA_LF,
        HTTP_WIRE_LOST,                 /* the framing headers have no one meaning: the request is refused */
        HTTP_WIRE_FAULT,
        _HTTP_WIRE_STATE_MAX,
} HttpWireState;

typedef struct HttpWire {
        HttpWireState state;
        uint64_t message;               /* number of the request at hand, from 0 */
        uint64_t n_heads;               /* complete ones */
        const char *fault;              /* in which case message is the request that has it */
        bool fault_too_large;
        bool in_body;                   /* behind the head */
        bool upgrade;                   /* the request has an Upgrade header */

        size_t n_line;                  /* bytes of the head, of a chunk's line or of the trailer */
        uint64_t left;                  /* of the body or the chunk */
        unsigned n_digits;
        bool chunked, has_length, odd_framing;
        bool framing_header;            /* the value is kept */
        char name[20];                  /* lower case, cut off */
        size_t n_name;
        char value[24];                 /* of a framing header, cut off */
        size_t n_value;
} HttpWire;

/* Takes the next bytes; -EBADMSG when there is a fault in them or was one before. */
int http_wire_feed(HttpWire *w, const void *data, size_t size);

/* Whether the stream may not end here. */
static inline bool http_wire_in_message(const HttpWire *w) {
        return w->state != HTTP_WIRE_START;
}
