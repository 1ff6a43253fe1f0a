/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of a connection's raw bytes: what passes, where requests end, what is a fault. */
#include "http/http-wire.h"

#include "basic/tests.h"

#define GET "GET / HTTP/1.1\r\nHost: d\r\n"
#define CHUNKED "POST /x?y HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n"

typedef struct Case {
        const char *text;
        const char *fault;              /* NULL = none */
        unsigned n_messages;            /* complete */
        HttpWireState state;
        size_t size;                    /* 0 = of the string */
} Case;

static const Case cases[] = {
        { GET "\r\n",                                       NULL,                      1, HTTP_WIRE_START },
        { "\r\n\r\n" GET "\r\n" GET "\r\n",                 NULL,                      2, HTTP_WIRE_START },
        { GET "X:\r\nY: a\tb \xff\r\n\r\nP",                NULL,                      1, HTTP_WIRE_METHOD },
        { GET "content-length:  3 \r\n\r\n\n\n",            NULL,                      0, HTTP_WIRE_BODY },
        { GET "CONTENT-LENGTH: 3\r\n\r\n\n\n\n" GET "\r\n", NULL,                      2, HTTP_WIRE_START },
        { GET "Content-Length: 0\r\n\r\n",                  NULL,                      1, HTTP_WIRE_START },
        { CHUNKED "0\r\n\r\n",                              NULL,                      1, HTTP_WIRE_START },
        { CHUNKED "0A;x=\"y\"\r\n0123456789\r\n0\r\nA: b\r\n\r\n" GET "\r\n", NULL,    2, HTTP_WIRE_START },
        { CHUNKED "2\r\n{}\r\n",                            NULL,                      0, HTTP_WIRE_SIZE },
        /* Not followed: http_headers_check() refuses them. */
        { GET "Content-Length: 3\r\nContent-Length: 3\r\n\r\n\n", NULL,                0, HTTP_WIRE_LOST },
        { GET "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\n", NULL,       0, HTTP_WIRE_LOST },
        { GET "Content-Length: +3\r\n\r\n\n",               NULL,                      0, HTTP_WIRE_LOST },
        { GET "Content-Length:\r\n\r\n\n",                  NULL,                      0, HTTP_WIRE_LOST },
        { GET "Content-Length: 00000000000000000000000000003\r\n\r\n\n", NULL,         0, HTTP_WIRE_LOST },
        { GET "Transfer-Encoding: gzip\r\n\r\n\n",          NULL,                      0, HTTP_WIRE_LOST },
        { GET "Transfer-Encoding: chunkedx\r\n\r\n\n",      NULL,                      0, HTTP_WIRE_LOST },

        { GET " X: y\r\n\r\n",                              "folded header line",      0, HTTP_WIRE_FAULT },
        { GET "X:\r\n\tchunked\r\n\r\n",                    "folded header line",      0, HTTP_WIRE_FAULT },
        { CHUNKED "0\r\nX:\r\n y\r\n\r\n",                  "folded header line",      0, HTTP_WIRE_FAULT },
        { GET "X: a\0b\r\n\r\n",                            "invalid header value",    0, HTTP_WIRE_FAULT,
          sizeof(GET "X: a\0b\r\n\r\n") - 1 },
        { GET "X: a\nY: b\r\n\r\n",                         "invalid header value",    0, HTTP_WIRE_FAULT },
        { GET "X: a\rY: b\r\n\r\n", "carriage return without line feed",               0, HTTP_WIRE_FAULT },
        { GET "\n",                                         "invalid header name",     0, HTTP_WIRE_FAULT },
        { GET "X : y\r\n\r\n",                              "invalid header name",     0, HTTP_WIRE_FAULT },
        { GET ": y\r\n\r\n",                                "invalid header name",     0, HTTP_WIRE_FAULT },
        { GET "\r\n" "GET /\n",                             "malformed request line",  1, HTTP_WIRE_FAULT },
        { "GET / \r\n\r\n",                               "malformed request line",  0, HTTP_WIRE_FAULT },
        { "GET /\x7f HTTP/1.1\r\n",                        "malformed request line",  0, HTTP_WIRE_FAULT },
        { "GET /a\tb HTTP/1.1\r\n",                        "malformed request line",  0, HTTP_WIRE_FAULT },
        { "GET  / HTTP/1.1\r\n",                            "malformed request line",  0, HTTP_WIRE_FAULT },
        { "GET /\r\n",                                      "malformed request line",  0, HTTP_WIRE_FAULT },
        { "GET\r\n",                                        "malformed request line",  0, HTTP_WIRE_FAULT },
        { "\x16\x03\x01",                                   "malformed request line",  0, HTTP_WIRE_FAULT },
        { CHUNKED "2 \r\n",                                 "malformed chunk size",    0, HTTP_WIRE_FAULT },
        { CHUNKED "\r\n",                                   "malformed chunk size",    0, HTTP_WIRE_FAULT },
        { CHUNKED "-1\r\n",                                 "malformed chunk size",    0, HTTP_WIRE_FAULT },
        { CHUNKED "0x1\r\n",                                "malformed chunk size",    0, HTTP_WIRE_FAULT },
        { CHUNKED "1\n",                                    "malformed chunk size",    0, HTTP_WIRE_FAULT },
        { CHUNKED "10000000000000000\r\n",                  "chunk size",              0, HTTP_WIRE_FAULT },
        { CHUNKED "00000000000000000\r\n",                  "chunk size",              0, HTTP_WIRE_FAULT },
        { CHUNKED "1;a\nb\r\n", "malformed chunk extension", 0, HTTP_WIRE_FAULT },
        { CHUNKED "1\r\nxx", "chunk longer than its size", 0, HTTP_WIRE_FAULT },
};

static int feed(HttpWire *w, const Case *c, size_t piece) {
        size_t size = c->size ?: strlen(c->text);
        int r = 0;

        for (size_t i = 0; i < size && r >= 0; i += piece)
                r = http_wire_feed(w, c->text + i, piece < size - i ? piece : size - i);
        return r;
}

TEST(cases) {
        static const size_t pieces[] = { 1, 2, 7, 1000 };

        FOREACH_ELEMENT(c, cases)
                FOREACH_ELEMENT(piece, pieces) {
                        HttpWire w = {};
                        int r = feed(&w, c, *piece);

                        ASSERT_EQ(w.state, c->state);
                        ASSERT_EQ(w.message, c->n_messages);
                        ASSERT_EQ(r < 0, !!c->fault);
                        if (c->fault)
                                ASSERT_STREQ(w.fault, c->fault);
                        ASSERT_EQ(http_wire_in_message(&w), c->state != HTTP_WIRE_START);
                }
}

/* Endless, in every place where a line may be long. */
static void check_bound(const char *start, const char *more, size_t bound) {
        HttpWire w = {};
        size_t n = 0;

        ASSERT_OK(http_wire_feed(&w, start, strlen(start)));
        while (n <= bound + 1000 && http_wire_feed(&w, more, strlen(more)) >= 0)
                n += strlen(more);
        ASSERT_NOT_NULL(w.fault);
        ASSERT_TRUE(n <= bound);
}

TEST(bounds) {
        check_bound("", "\r\n", HTTP_WIRE_HEAD_MAX);
        check_bound("", "G", HTTP_WIRE_HEAD_MAX);
        check_bound(GET, "X: y\r\n", HTTP_WIRE_HEAD_MAX);
        check_bound(CHUNKED "1;", "x", HTTP_WIRE_CHUNK_LINE_MAX);
        check_bound(CHUNKED "0\r\n", "X: y\r\n", HTTP_WIRE_TRAILER_MAX);
}

DEFINE_TEST_MAIN();
