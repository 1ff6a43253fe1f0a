/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/cgroup-util.h"

#include "basic/tests.h"

/* Whatever a client gives as a parent stays below the hierarchy. */
TEST(no_way_out) {
        static const char *const ways[] = { "/x/y",   "x/y", "/../../x/y", "../x/y", "/a/../../../x/y",
                                            "//x/./y" };
        _cleanup_free_ char *wanted = NULL;

        if (cgroup_directory("pids", "/x/y", &wanted) < 0)
                return;                 /* no such hierarchy here */
        FOREACH_ELEMENT(w, ways) {
                _cleanup_free_ char *got = NULL;

                ASSERT_OK(cgroup_directory("pids", *w, &got));
                ASSERT_STREQ(got, wanted);
        }
}

DEFINE_TEST_MAIN();
