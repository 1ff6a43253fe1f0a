/* SPDX-License-Identifier: Apache-2.0 */
/* Path templates and the order of rows. */
#include "http/http-router.h"

#include "basic/string-util.h"
#include "basic/tests.h"

typedef struct Case {
        const char *template, *path;
        bool matches;
        const char *captures[HTTP_CAPTURES_MAX];
} Case;

static const Case cases[] = {
        { "/info",                      "/info",                        true,  {}                       },
        { "/info",                      "/info/",                       false, {}                       },
        { "/info",                      "/inf",                         false, {}                       },
        { "/echo/{id}",                 "/echo/a",                      true,  { "a" }                  },
        { "/echo/{id}",                 "/echo/",                       false, {}                       },
        { "/echo/{id}",                 "/echo/a/b",                    false, {}                       },
        { "/c/{id}/json",               "/c/a/json",                    true,  { "a" }                  },
        { "/c/{id}/json",               "/c/a/jso",                     false, {}                       },
        { "/images/{name...}/json",     "/images/a/b/c:d/json",         true,  { "a/b/c:d" }            },
        { "/images/{name...}/json",     "/images/json",                 false, {}                       },
        { "/images/{name...}/json",     "/images/a/json/json",          true,  { "a/json" }             },
        { "/images/{name...}",          "/images/",                     true,  { "" }                   },
        { "/images/{name...}",          "/images/a/b",                  true,  { "a/b" }                },
        { "/c/{id...}/k/{k}",           "/c/a/k/b",                     true,  { "a", "b" }             },
        { "/c/{id...}/k/{k}",           "/c/a/k/b/k/c",                 true,  { "a/k/b", "c" }         },
        { "/c/{id...}/k/{k}",           "/c/a/k/",                      false, {}                       },
        { "/{any...}",                  "/",                            true,  { "" }                   },
};

TEST(templates) {
        FOREACH_ELEMENT(c, cases) {
                HttpMatch m = {};

                ASSERT_EQ(http_template_match(c->template, c->path, &m), c->matches);
                for (size_t i = 0; c->matches && i < HTTP_CAPTURES_MAX && c->captures[i]; i++) {
                        _cleanup_free_ char *value = NULL;

                        ASSERT_TRUE(i < m.n_captures);
                        value = ASSERT_NOT_NULL(strndup_safe(m.captures[i].value, m.captures[i].value_size));
                        ASSERT_STREQ(value, c->captures[i]);
                }
        }
}

TEST(long_paths) {
        _cleanup_free_ char *path = new0(char, 64 * 1024);
        HttpMatch m;

        /* No time that grows with the square of the length. */
        ASSERT_NOT_NULL(path);
        memcpy(path, "/c", 2);
        for (size_t i = 2; i + 4 < 64 * 1024; i += 2)
                memcpy(path + i, "/k", 2);
        for (unsigned i = 0; i < 100; i++)
                (void) http_template_match("/c/{id...}/k/{k}", path, &m);
}

static const HttpRoute first_rows[] = {
        { .method = HTTP_GET,    .path = "/a/{id...}/b" },
        { .method = HTTP_DELETE, .path = "/a/{id...}/b/{b}" },
};
static const HttpRoute second_rows[] = {
        { .method = HTTP_DELETE, .path = "/a/{id...}" },
        { .method = HTTP_GET,    .path = "/a/{id...}" },
};
static const HttpRouteTable first = { first_rows, ELEMENTSOF(first_rows) },
                            second = { second_rows, ELEMENTSOF(second_rows) };
static const HttpRouteTable *const tables[] = { &first, &second };
static const HttpRouter router = { tables, ELEMENTSOF(tables) };

TEST(order) {
        HttpMatch m;

        ASSERT_TRUE(http_router_find(&router, HTTP_GET, "/a/x/b", &m));
        ASSERT_TRUE(m.route == first_rows);
        ASSERT_TRUE(http_router_find(&router, HTTP_DELETE, "/a/x/b/c", &m));
        ASSERT_TRUE(m.route == first_rows + 1);
        ASSERT_TRUE(http_router_find(&router, HTTP_DELETE, "/a/x/b", &m));
        ASSERT_TRUE(m.route == second_rows);
        ASSERT_TRUE(http_router_find(&router, HTTP_GET, "/a/x", &m));
        ASSERT_TRUE(m.route == second_rows + 1);
        ASSERT_FALSE(http_router_find(&router, HTTP_POST, "/a/x", &m));
        ASSERT_FALSE(http_router_find(&router, HTTP_GET, "/b", &m));
}

TEST(methods) {
        for (int i = 0; i < _HTTP_METHOD_MAX; i++)
                ASSERT_EQ(http_method_from_string(http_method_to_string(i)), i);
        ASSERT_FAIL(http_method_from_string("get"));
}

DEFINE_TEST_MAIN();
