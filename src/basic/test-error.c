/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/error.h"

#include "basic/tests.h"

/* What an image or a registry is called must not steer the terminal of who reads the message. */
TEST(no_escape_sequences) {
        _cleanup_error_ Error e = ERROR_NULL, f = ERROR_NULL;

        error_setf(&e, ERROR_INVALID, "layer %s: a\tb\nc", "\033]0;x\007\x7f\xc2\x9b" "31m\r");
        ASSERT_STREQ(error_message(&e), "layer ?]0;x????31m?: a\tb\nc");
        error_set_errnof(&f, ERROR_INVALID, -ENOENT, "%s", "caf\xc3\xa9 \xc2\xa0 \033");
        ASSERT_STREQ(error_message(&f), "caf\xc3\xa9 \xc2\xa0 ?: No such file or directory");
}

DEFINE_TEST_MAIN();
