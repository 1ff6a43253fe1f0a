/* SPDX-License-Identifier: Apache-2.0 */
/* Header look-up and the checks of message framing. */
#include "http/http-headers.h"

#include "basic/tests.h"

typedef struct Case {
        const char *version;
        bool ok;
        HttpFraming framing;
        const char *headers[8];         /* name, value, ... */
} Case;

static const Case cases[] = {
        { "1.1", true,  {},                                   { "Host", "d" } },
        { "1.1", true,  {},                                   { "host", "" } },
        { "1.0", true,  {},                                   { NULL } },
        { "1.1", false, {},                                   { NULL } },
        { "1.1", false, {},                                   { "Host", "a", "HOST", "a" } },
        { "1.1", true,  { .has_length = true, .length = 5 },  { "Host", "d", "content-length", "5" } },
        { "1.1", true,  { .has_length = true },               { "Host", "d", "Content-Length", "0" } },
        { "1.1", false, {},                                   { "Host", "d", "Content-Length", "5",
                                                                "Content-Length", "5" } },
        { "1.1", false, {},                                   { "Host", "d", "Content-Length", "+5" } },
        { "1.1", false, {},                                   { "Host", "d", "Content-Length", "" } },
        { "1.1", false, {},                                   { "Host", "d", "Content-Length", "1,1" } },
        { "1.1", false, {},                                   { "Host", "d", "Content-Length", "0x5" } },
        { "1.1", false, {},                                   { "Host", "d", "Content-Length",
                                                                "18446744073709551616" } },
        { "1.1", true,  { .chunked = true },                  { "Host", "d",
                                                                "Transfer-Encoding", "Chunked" } },
        { "1.1", false, {},                                   { "Host", "d", "Transfer-Encoding",
                                                                "gzip, chunked" } },
        { "1.1", false, {},                                   { "Host", "d", "Transfer-Encoding", "" } },
        { "1.1", false, {},                                   { "Host", "d", "Transfer-Encoding", "chunked",
                                                                "Transfer-Encoding", "chunked" } },
        { "1.1", false, {},                                   { "Host", "d", "Transfer-Encoding", "chunked",
                                                                "Content-Length", "5" } },
        { "1.0", false, {},                                   { "Transfer-Encoding", "chunked" } },
        { "1.1", false, {},                                   { "Host", "d", "Content-Length ", "5" } },
        { "1.1", false, {},                                   { "Host", "d", "", "5" } },
        { "1.1", false, {},                                   { "Host", "d", "X", "a\nb" } },
        { "1.1", true,  {},                                   { "Host", "d", "X", "a\tb" } },
};

TEST(check) {
        FOREACH_ELEMENT(c, cases) {
                _cleanup_(http_headers_donep) HttpHeaders h = {};
                _cleanup_error_ Error error = ERROR_NULL;
                _cleanup_free_ char *version = NULL;
                HttpFraming framing = {};
                int r;

                for (size_t i = 0; i + 1 < ELEMENTSOF(c->headers) && c->headers[i]; i += 2)
                        ASSERT_OK(http_headers_add(&h, c->headers[i], c->headers[i + 1]));
                version = strjoin("HTTP/", c->version);
                ASSERT_NOT_NULL(version);
                r = http_headers_check(&h, version, &framing, &error);
                if (!c->ok) {
                        ASSERT_FAIL(r);
                        /* The second one is for transfer encodings that are well-formed but not known. */
                        ASSERT_TRUE(IN_SET(error.kind, ERROR_INVALID, ERROR_NOT_IMPLEMENTED));
                        continue;
                }
                ASSERT_OK(r);
                ASSERT_EQ(framing.chunked, c->framing.chunked);
                ASSERT_EQ(framing.has_length, c->framing.has_length);
                ASSERT_EQ(framing.length, c->framing.length);
        }
}

TEST(lookup) {
        _cleanup_(http_headers_donep) HttpHeaders h = {};

        ASSERT_OK(http_headers_add(&h, "Connection", "keep-alive, Upgrade"));
        ASSERT_OK(http_headers_add(&h, "connection", "x"));
        ASSERT_OK(http_headers_add(&h, "Empty", NULL));
        ASSERT_STREQ(http_headers_get(&h, "CONNECTION"), "keep-alive, Upgrade");
        ASSERT_STREQ(http_headers_get(&h, "empty"), "");
        ASSERT_NULL(http_headers_get(&h, "nosuch"));
        ASSERT_EQ(http_headers_count(&h, "Connection"), 2);
        ASSERT_TRUE(http_headers_has_token(&h, "Connection", "upgrade"));
        ASSERT_TRUE(http_headers_has_token(&h, "Connection", "x"));
        ASSERT_FALSE(http_headers_has_token(&h, "Connection", "keep"));
        ASSERT_FALSE(http_headers_has_token(&h, "Empty", ""));
}

TEST(limit) {
        _cleanup_(http_headers_donep) HttpHeaders h = {};

        for (unsigned i = 0; i < HTTP_HEADERS_MAX; i++)
                ASSERT_OK(http_headers_add(&h, "X", "y"));
        ASSERT_FAIL(http_headers_add(&h, "X", "y"));
}

DEFINE_TEST_MAIN();
