/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/runtime-update.h"

#include "basic/tests.h"

TEST(log_message) {
        const struct {
                const char *log, *message;
        } table[] = {
                { "", "" },
                { "plain words\nmore of them\n", "plain words" },
                { "{\"level\":\"warning\",\"msg\":\"a\"}\n{\"level\":\"error\",\"msg\":\"b\"}\n", "b" },
                { "{\"level\":\"error\",\"msg\":\"a\"}\n{\"level\":\"error\",\"ms", "a" },
                { "[\"msg\"]\n{\"msg\":1}\n", "[\"msg\"]" },
        };

        FOREACH_ELEMENT(i, table) {
                _cleanup_free_ char *message = NULL;

                ASSERT_OK(oci_log_message(i->log, &message));
                ASSERT_STREQ(message, i->message);
        }
}

DEFINE_TEST_MAIN()
