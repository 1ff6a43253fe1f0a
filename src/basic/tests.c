/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/tests.h"

static TestCase *test_cases = NULL;

void test_register(TestCase *t) {
        TestCase **tail = &test_cases;

        while (*tail)
                tail = &(*tail)->next;
        *tail = t;
}

int test_run_all(int argc, char *argv[]) {
        size_t n = 0;

        for (TestCase *t = test_cases; t; t = t->next) {
                if (argc > 1 && !streq(argv[1], t->name))
                        continue;
                fprintf(stderr, "- %s\n", t->name);
                t->function();
                n++;
        }
        return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
