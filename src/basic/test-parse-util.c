/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/parse-util.h"

#include "basic/tests.h"

TEST(numbers) {
        uint64_t u;
        int64_t i;
        uint32_t w;

        ASSERT_OK(parse_uint64("18446744073709551615", &u));
        ASSERT_EQ(parse_uint64("18446744073709551616", &u), -ERANGE);
        ASSERT_FAIL(parse_uint64("", &u));
        ASSERT_FAIL(parse_uint64(" 1", &u));
        ASSERT_FAIL(parse_uint64("+1", &u));
        ASSERT_OK(parse_int64("-9223372036854775808", &i));
        ASSERT_EQ(i, INT64_MIN);
        ASSERT_FAIL(parse_int64("-9223372036854775809", &i));
        ASSERT_EQ(parse_uint32("4294967296", &w), -ERANGE);
}

TEST(bytes) {
        uint64_t v;

        ASSERT_OK(parse_bytes("64m", &v));
        ASSERT_EQ(v, 64 << 20);
        ASSERT_OK(parse_bytes("1.5GiB", &v));
        ASSERT_EQ(v, 3LL << 29);
        ASSERT_OK(parse_bytes("512", &v));
        ASSERT_EQ(v, 512);
        ASSERT_FAIL(parse_bytes("12q", &v));
        ASSERT_FAIL(parse_bytes("-1", &v));
}

TEST(booleans) {
        ASSERT_EQ(parse_go_bool("T"), 1);
        ASSERT_EQ(parse_go_bool("false"), 0);
        ASSERT_FAIL(parse_go_bool("yes"));
        ASSERT_TRUE(query_bool("yes"));
        ASSERT_FALSE(query_bool("None"));
        ASSERT_FALSE(query_bool(""));
}

DEFINE_TEST_MAIN();
