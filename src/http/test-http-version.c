/* SPDX-License-Identifier: Apache-2.0 */
/* API versions: the window and Docker's texts. */
#include "http/http-version.h"

#include "basic/tests.h"

typedef struct Case {
        const char *version;
        unsigned minimum, minor;
        const char *message;
} Case;

static const Case cases[] = {
        { NULL, 24, 51, NULL },
        { "1.24", 24, 24, NULL },
        { "1.51", 24, 51, NULL },
        { "1.51.0", 24, 51, NULL },
        { "1.41", 40, 41, NULL },
        { "1.23", 24, 0,
          "client version 1.23 is too old. Minimum supported API version is 1.24, "
          "please upgrade your client to a newer version" },
        { "1.39", 40, 0,
          "client version 1.39 is too old. Minimum supported API version is 1.40, "
          "please upgrade your client to a newer version" },
        { "1", 24, 0,
          "client version 1 is too old. Minimum supported API version is 1.24, "
          "please upgrade your client to a newer version" },
        { "...", 24, 0,
          "client version ... is too old. Minimum supported API version is 1.24, "
          "please upgrade your client to a newer version" },
        { "9.99", 24, 0, "client version 9.99 is too new. Maximum supported API version is 1.51" },
        { "1.52", 24, 0, "client version 1.52 is too new. Maximum supported API version is 1.51" },
        { "1.51.1", 24, 0, "client version 1.51.1 is too new. Maximum supported API version is 1.51" },
        { "1.99999999999999999999", 24, 0,
          "client version 1.99999999999999999999 is too new. Maximum supported API version is 1.51" },
};

TEST(select) {
        FOREACH_ELEMENT(c, cases) {
                _cleanup_error_ Error error = ERROR_NULL;
                unsigned minor = 0;
                int r;

                r = http_version_select(c->version, c->minimum, &minor, &error);
                if (!c->message) {
                        ASSERT_OK(r);
                        ASSERT_EQ(minor, c->minor);
                        continue;
                }
                ASSERT_FAIL(r);
                ASSERT_STREQ(error_message(&error), c->message);
        }
}

TEST(parse_minor) {
        unsigned minor;

        ASSERT_OK(http_version_parse_minor("1.40", &minor));
        ASSERT_EQ(minor, 40);
        ASSERT_FAIL(http_version_parse_minor("2.40", &minor));
        ASSERT_FAIL(http_version_parse_minor("1.", &minor));
        ASSERT_TRUE(http_version_is_ancient("1.23"));
        ASSERT_FALSE(http_version_is_ancient("1.24"));
}

DEFINE_TEST_MAIN();
