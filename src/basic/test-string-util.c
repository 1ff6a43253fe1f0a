/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/string-util.h"

#include "basic/hexdecoct.h"
#include "basic/strv.h"
#include "basic/tests.h"

TEST(utf8) {
        ASSERT_TRUE(utf8_is_valid("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 10));
        ASSERT_FALSE(utf8_is_valid("\xc0\xaf", 2));
        ASSERT_FALSE(utf8_is_valid("\xed\xa0\x80", 3));
        ASSERT_FALSE(utf8_is_valid("\xf4\x90\x80\x80", 4));
        ASSERT_FALSE(utf8_is_valid("\xe2\x82", 2));
}

static void check_repaired(const char *data, size_t n, const char *wanted) {
        _cleanup_free_ char *s = NULL;

        ASSERT_OK(utf8_repair(data, n, &s));
        ASSERT_STREQ(s, wanted);
}

TEST(utf8_repair) {
        check_repaired("", 0, "");
        check_repaired("a\xc3\xa4\n", 4, "a\xc3\xa4\n");
        check_repaired("a\0b\xff", 4, "a\xef\xbf\xbd" "b\xef\xbf\xbd");
        check_repaired("\xe2\x82", 2, "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(strip_join) {
        char s[] = "  a b\t";
        _cleanup_free_ char *j = strjoin("a", "", "b");

        ASSERT_STREQ(strstrip(s), "a b");
        ASSERT_STREQ(j, "ab");
}

TEST(buffer) {
        _cleanup_buffer_ Buffer b = {};

        ASSERT_OK(buffer_appendf(&b, "%d-%s", 1, "x"));
        buffer_consume(&b, 2);
        ASSERT_STREQ(b.data, "x");
}

TEST(strv) {
        _cleanup_strv_free_ char **l = NULL;
        _cleanup_free_ char *j = NULL;

        ASSERT_OK(strv_split("a,,b c", ", ", &l));
        ASSERT_EQ(strv_length(l), 3);
        strv_remove(l, "b");
        j = strv_join(l, "+");
        ASSERT_STREQ(j, "a+c");
        ASSERT_OK(strv_env_set(&l, "K=1"));
        ASSERT_OK(strv_env_set(&l, "K=2"));
        ASSERT_STREQ(strv_env_get(l, "K"), "2");
        ASSERT_EQ(strv_length(l), 3);
}

TEST(base64) {
        static const char *const text[] = { "", "f", "fo", "foo", "foob" };
        static const char *const coded[] = { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==" };

        for (size_t i = 0; i < ELEMENTSOF(text); i++) {
                _cleanup_free_ char *c = base64mem(text[i], strlen(text[i])), *d = NULL;
                size_t n;

                ASSERT_STREQ(c, coded[i]);
                ASSERT_OK(unbase64mem(c, strlen(c), &d, &n));
                ASSERT_EQ(n, strlen(text[i]));
                ASSERT_STREQ(d, text[i]);
        }
}

DEFINE_TEST_MAIN();
