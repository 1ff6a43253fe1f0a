/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/digest.h"

#include "basic/tests.h"

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

TEST(parse_format) {
        char b[DIGEST_TEXT_MAX];
        Digest d, e;

        ASSERT_OK(digest_parse(EMPTY, &d));
        ASSERT_STREQ(digest_format(b, &d), EMPTY);
        digest_of("", 0, &e);
        ASSERT_TRUE(digest_equal(&d, &e));
        ASSERT_FAIL(digest_parse("sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                 &d));
        ASSERT_FAIL(digest_parse("sha512:e3", &d));
        ASSERT_FAIL(digest_parse("sha256:../x", &d));
}

TEST(incremental) {
        _cleanup_(digest_context_freep) DigestContext *c = ASSERT_NOT_NULL(digest_context_new());
        Digest a, b;

        digest_context_update(c, "ab", 2);
        digest_context_update(c, "c", 1);
        digest_context_final(c, &a);
        digest_of("abc", 3, &b);
        ASSERT_TRUE(digest_equal(&a, &b));
}

DEFINE_TEST_MAIN();
