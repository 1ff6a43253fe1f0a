/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: decoding, version prefixes, query parameters, refusals. */
#include "http/http-target.h"

#include "basic/tests.h"

typedef struct Case {
        const char *raw, *path, *version;
} Case;

static const Case good[] = {
        { "/",                                  "/",                            NULL    },
        { "/_ping",                             "/_ping",                       NULL    },
        { "/v1.47/_ping?x=1",                   "/_ping",                       "1.47"  },
        { "/v1/info",                           "/info",                        "1"     },
        { "/v1..4/info",                        "/info",                        "1..4"  },
        { "/vabc/info",                         "/vabc/info",                   NULL    },
        { "/v1.47",                             "/v1.47",                       NULL    },
        { "/v/info",                            "/v/info",                      NULL    },
        { "/volumes",                           "/volumes",                     NULL    },
        { "/v1.41/images/library%2Fa%3ab/json", "/images/library/a:b/json",     "1.41"  },
        { "/%76%31.40/info",                    "/info",                        "1.40"  },
        { "/a+b%20c",                           "/a+b c",                       NULL    },
        { "/a//b/../c",                         "/a//b/../c",                   NULL    },
};

static const char *const bad[] = {
        "", "*", "info", "http://d/_ping", "/%00", "/a%zz", "/a%2", "/x?a=%00", "/x?%f=1", "/a\tb", "/a\x7f",
};

TEST(parse) {
        FOREACH_ELEMENT(c, good) {
                _cleanup_(http_target_donep) HttpTarget t = {};
                ASSERT_EQ(http_target_parse(c->raw, &t, NULL), 0);
                ASSERT_STREQ(t.path, c->path);
                ASSERT_STREQ(t.version, c->version);
        }
        FOREACH_ELEMENT(raw, bad) {
                _cleanup_(http_target_donep) HttpTarget t = {};
                _cleanup_error_ Error error = ERROR_NULL;
                ASSERT_TRUE(http_target_parse(*raw, &t, &error) < 0);
                ASSERT_TRUE(error.kind == ERROR_INVALID);
                ASSERT_TRUE(error.message);
        }
}

TEST(query) {
        _cleanup_(http_target_donep) HttpTarget t = {};

        static const char raw[] =
                "/x?flag&empty=&a=1%262&a=2&b+c=d+e&&f=%7B%22k%22%3A%5B%22v=w%22%5D%7D&g=h=i;j";

        ASSERT_OK(http_target_parse(raw, &t, NULL));
        ASSERT_TRUE(t.n_query == 7);
        ASSERT_STREQ(http_target_query(&t, "flag"), "");
        ASSERT_STREQ(http_target_query(&t, "empty"), "");
        ASSERT_STREQ(http_target_query(&t, "a"), "1&2");
        ASSERT_STREQ(t.query[3].value, "2");
        ASSERT_STREQ(http_target_query(&t, "b c"), "d e");
        ASSERT_STREQ(http_target_query(&t, "f"), "{\"k\":[\"v=w\"]}");
        ASSERT_STREQ(http_target_query(&t, "g"), "h=i;j");
        ASSERT_TRUE(!http_target_query(&t, "nosuch"));
}

TEST(limits) {
        _cleanup_free_ char *raw = new(char, HTTP_TARGET_MAX + 16);
        HttpTarget t;

        ASSERT_TRUE(raw);
        memset(raw, 'a', HTTP_TARGET_MAX + 1);
        raw[0] = '/';
        raw[HTTP_TARGET_MAX + 1] = 0;
        ASSERT_TRUE(http_target_parse(raw, &t, NULL) < 0);

        raw[1] = '?';
        for (size_t i = 2; i + 1 < HTTP_TARGET_MAX; i += 2)
                memcpy(raw + i, "a&", 2);
        raw[HTTP_TARGET_MAX] = 0;
        ASSERT_TRUE(http_target_parse(raw, &t, NULL) < 0);
}

static void assert_clean(const char *path, const char *expected) {
        _cleanup_free_ char *clean = NULL;

        ASSERT_TRUE(http_path_clean(path, &clean) == !!expected);
        ASSERT_STREQ(clean, expected);
}

TEST(clean) {
        assert_clean("/", NULL);
        assert_clean("/a/b", NULL);
        assert_clean("/a/b/", NULL);
        assert_clean("/a/.b/..c/d.", NULL);
        assert_clean("//a", "/a");
        assert_clean("/a//b/", "/a/b/");
        assert_clean("/a/./b", "/a/b");
        assert_clean("/a/../b", "/b");
        assert_clean("/../../b", "/b");
        assert_clean("/..", "/");
        assert_clean("//", "/");
}

DEFINE_TEST_MAIN();
