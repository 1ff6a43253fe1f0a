/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/time-util.h"

#include "basic/tests.h"

TEST(format) {
        char b[TIME_RFC3339_MAX];

        ASSERT_STREQ(format_rfc3339(b, 0), "0001-01-01T00:00:00Z");
        ASSERT_STREQ(format_rfc3339(b, NSEC_PER_SEC), "1970-01-01T00:00:01Z");
        ASSERT_STREQ(format_rfc3339(b, NSEC_PER_SEC + 120), "1970-01-01T00:00:01.00000012Z");
        ASSERT_STREQ(format_rfc3339_fixed(b, NSEC_PER_SEC + 120), "1970-01-01T00:00:01.000000120Z");
}

TEST(parse) {
        nsec_t t;

        ASSERT_OK(parse_rfc3339("2026-01-02T03:04:05.5+01:00", &t));
        ASSERT_EQ(t, 1767319445ULL * NSEC_PER_SEC + NSEC_PER_SEC / 2);
        ASSERT_OK(parse_rfc3339("0001-01-01T00:00:00Z", &t));
        ASSERT_EQ(t, 0);
        ASSERT_FAIL(parse_rfc3339("2026-13-02T03:04:05Z", &t));
        ASSERT_OK(parse_timestamp("12.000000001", &t));
        ASSERT_EQ(t, 12 * NSEC_PER_SEC + 1);
        ASSERT_FAIL(parse_timestamp("12x", &t));
        ASSERT_FAIL(parse_timestamp("", &t));
}

TEST(parse_stamp_that_ends_early) {
        static const struct {
                const char *text;
                uint64_t seconds;
        } rows[] = {
                { "2006-01-02",             1136160000 },
                { "2006-01-02Z",            0          },
                { "2006-01-02T15",          1136214000 },
                { "2006-01-02T15Z",         1136214000 },
                { "2006-01-02T15:04",       1136214240 },
                { "2006-01-02T15:04+01:00", 1136210640 },
                { "2006-01-02T15:04:05",    1136214245 },
                { "2006-01-02T15:04:",      0          },
                { "2006-01-",               0          },
                { "-5",                     0          },
        };
        nsec_t t;

        ASSERT_OK(setenv("TZ", "UTC", 1));
        tzset();
        FOREACH_ELEMENT(row, rows) {
                int r = parse_timestamp(row->text, &t);

                if (row->seconds == 0)
                        ASSERT_FAIL(r);
                else {
                        ASSERT_OK(r);
                        ASSERT_EQ(t, row->seconds * NSEC_PER_SEC);
                }
        }
        ASSERT_FAIL(parse_rfc3339("2006-01-02", &t));
        ASSERT_FAIL(parse_rfc3339("2006-01-02T15:04:05", &t));
}

TEST(duration) {
        nsec_t t;

        ASSERT_OK(parse_go_duration("1h2m3.5s", &t));
        ASSERT_EQ(t, 3723ULL * NSEC_PER_SEC + NSEC_PER_SEC / 2);
        ASSERT_OK(parse_go_duration("300ms", &t));
        ASSERT_EQ(t, 300000000ULL);
        ASSERT_FAIL(parse_go_duration("5", &t));
        ASSERT_FAIL(parse_go_duration("5y", &t));
}

TEST(format_duration) {
        char b[GO_DURATION_MAX];

        ASSERT_STREQ(format_go_duration(b, 0), "0s");
        ASSERT_STREQ(format_go_duration(b, 7), "7ns");
        ASSERT_STREQ(format_go_duration(b, 1500), "1.5\xc2\xb5s");
        ASSERT_STREQ(format_go_duration(b, 50000000), "50ms");
        ASSERT_STREQ(format_go_duration(b, 1500001), "1.500001ms");
        ASSERT_STREQ(format_go_duration(b, 3 * NSEC_PER_SEC), "3s");
        ASSERT_STREQ(format_go_duration(b, 90 * NSEC_PER_SEC), "1m30s");
        ASSERT_STREQ(format_go_duration(b, 3600 * NSEC_PER_SEC + NSEC_PER_SEC / 20), "1h0m0.05s");
        ASSERT_STREQ(format_go_duration(b, INT64_MAX), "2562047h47m16.854775807s");
}

DEFINE_TEST_MAIN();
