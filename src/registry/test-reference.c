/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/string-util.h"
#include "basic/tests.h"
#include "registry/reference.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

TEST(normalise) {
        static const struct {
                const char *input, *full, *familiar;
        } cases[] = {
                { "busybox", "docker.io/library/busybox", "busybox" },
                { "busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36" },
                { "library/busybox", "docker.io/library/busybox", "busybox" },
                { "docker.io/busybox", "docker.io/library/busybox", "busybox" },
                { "index.docker.io/busybox", "docker.io/library/busybox", "busybox" },
                { "user/app", "docker.io/user/app", "user/app" },
                { "docker.io/library/a/b", "docker.io/library/a/b", "library/a/b" },
                { "localhost/app", "localhost/app", "localhost/app" },
                { "localhost:5000/app:v1", "localhost:5000/app:v1", "localhost:5000/app:v1" },
                { "Host/app", "Host/app", "Host/app" },
                { "quay.io/a/b_c/d__e/f--g:T.a-g_", "quay.io/a/b_c/d__e/f--g:T.a-g_",
                  "quay.io/a/b_c/d__e/f--g:T.a-g_" },
                { "[::1]:5000/x", "[::1]:5000/x", "[::1]:5000/x" },
                { "busybox@sha256:" HEX64, "docker.io/library/busybox@sha256:" HEX64,
                  "busybox@sha256:" HEX64 },
                { "a:1@sha256:" HEX64, "docker.io/library/a:1@sha256:" HEX64, "a:1@sha256:" HEX64 },
        };

        FOREACH_ELEMENT(c, cases) {
                _cleanup_reference_ Reference r = {};
                _cleanup_free_ char *full = NULL, *familiar = NULL;

                ASSERT_OK(reference_parse(c->input, &r, NULL));
                full = reference_to_string(&r);
                familiar = reference_familiar_string(&r);
                ASSERT_STREQ(full, c->full);
                ASSERT_STREQ(familiar, c->familiar);
        }
}

TEST(refused) {
        static const struct {
                const char *input, *message;
        } cases[] = {
                { "", "invalid reference format" },
                { ":tag", "invalid reference format" },
                { "a:", "invalid reference format" },
                { "a/", "invalid reference format" },
                { "/a", "invalid reference format" },
                { "a//b", "invalid reference format" },
                { "a b", "invalid reference format" },
                { "a___b", "invalid reference format" },
                { "-a", "invalid reference format" },
                { "a-", "invalid reference format" },
                { "a..b", "invalid reference format" },
                { "a:.tag", "invalid reference format" },
                { "a@sha256:123", "invalid reference format" },
                { "a@sha1:" HEX64, "invalid reference format" },
                { "host:port/a", "invalid reference format" },
                { "-host.com/a", "invalid reference format" },
                { "[::1/a", "invalid reference format" },
                { "Busybox",
                  "invalid reference format: repository name (library/Busybox) must be lowercase" },
                { HEX64, "invalid repository name (" HEX64 "), cannot specify 64-byte hexadecimal strings" },
        };

        FOREACH_ELEMENT(c, cases) {
                _cleanup_reference_ Reference r = {};
                _cleanup_error_ Error e = ERROR_NULL;

                ASSERT_FAIL(reference_parse(c->input, &r, &e));
                ASSERT_EQ(e.kind, ERROR_INVALID);
                ASSERT_STREQ(error_message(&e), c->message);
        }
}

TEST(lengths) {
        _cleanup_reference_ Reference r = {};
        _cleanup_error_ Error e = ERROR_NULL;
        char name[300], tag[200];

        memset(name, 'a', sizeof(name));
        name[239] = 0;          /* "docker.io/library/" makes 257 */
        ASSERT_FAIL(reference_parse(name, &r, &e));
        ASSERT_STREQ(error_message(&e), "repository name must not be more than 255 characters");
        name[237] = 0;
        ASSERT_OK(reference_parse(name, &r, NULL));

        memset(tag, 't', sizeof(tag));
        tag[129] = 0;
        ASSERT_FALSE(reference_tag_is_valid(tag));
        tag[128] = 0;
        ASSERT_TRUE(reference_tag_is_valid(tag));
        ASSERT_FALSE(reference_tag_is_valid(""));
}

TEST(default_tag) {
        _cleanup_reference_ Reference r = {}, d = {};

        ASSERT_OK(reference_parse("busybox", &r, NULL));
        ASSERT_OK(reference_add_default_tag(&r));
        ASSERT_STREQ(r.tag, "latest");
        ASSERT_OK(reference_set_tag(&r, "v2", NULL));
        ASSERT_STREQ(r.tag, "v2");
        ASSERT_FAIL(reference_set_tag(&r, "-v2", NULL));

        ASSERT_OK(reference_parse("busybox@sha256:" HEX64, &d, NULL));
        ASSERT_OK(reference_add_default_tag(&d));
        ASSERT_NULL(d.tag);
        ASSERT_TRUE(reference_same_repository(&r, &d));
}

TEST(match) {
        _cleanup_reference_ Reference r = {};

        ASSERT_OK(reference_parse("user/app:1.2", &r, NULL));
        ASSERT_TRUE(reference_familiar_match("user/app", &r));
        ASSERT_TRUE(reference_familiar_match("user/*", &r));
        ASSERT_TRUE(reference_familiar_match("*/app:1.*", &r));
        ASSERT_FALSE(reference_familiar_match("*", &r));
        ASSERT_FALSE(reference_familiar_match("app", &r));
}

DEFINE_TEST_MAIN();
