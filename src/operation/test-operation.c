/* SPDX-License-Identifier: Apache-2.0 */
#include "operation/operation.h"

#include "basic/tests.h"

static void record(Operation *o, int r, const Error *error, void *userdata) {
        ASSERT_EQ(r, -ENOENT);
        ASSERT_STREQ(error_message(error), "No such thing");
        (*(int *) userdata)++;
}

TEST(complete_once) {
        _cleanup_(operation_unrefp) Operation *o = ASSERT_NOT_NULL(operation_new());
        _cleanup_error_ Error e = ERROR_NULL;
        int a = 0, b = 0, c = 0;

        ASSERT_OK(operation_wait(o, record, &a));
        ASSERT_OK(operation_wait(o, record, &b));
        ASSERT_OK(operation_wait(o, record, &c));
        operation_forget(o, &c);
        operation_forget(o, &o);
        error_setf(&e, ERROR_NOT_FOUND, "No such thing");
        operation_complete(o, e.err, &e);
        ASSERT_EQ(a + b, 2);
        ASSERT_EQ(c, 0);
        ASSERT_EQ(operation_wait(o, record, &a), -EALREADY);
        ASSERT_EQ(operation_result(o, NULL), -ENOENT);
}

DEFINE_TEST_MAIN();
