/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests: TEST(name) functions register themselves; assertions print the expression, the values and the
 * errno. */
#pragma once

#include <stdio.h>

#include "basic/alloc-util.h"
#include "basic/string-util.h"

#define TEST_SKIP 77

typedef void (*TestFunction)(void);

typedef struct TestCase {
        const char *name;
        TestFunction function;
        struct TestCase *next;
} TestCase;

void test_register(TestCase *t);
int test_run_all(int argc, char *argv[]);

#define TEST(name)                                                              \
        static void test_##name(void);                                          \
        static TestCase test_case_##name = { #name, test_##name, NULL };        \
        __attribute__((__constructor__)) static void test_register_##name(void) { \
                test_register(&test_case_##name);                               \
        }                                                                       \
        static void test_##name(void)

#define DEFINE_TEST_MAIN()                                                      \
        int main(int argc, char *argv[]) {                                      \
                return test_run_all(argc, argv);                                \
        }

#define test_fail(...)                                                          \
        ({                                                                      \
                fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                 \
                fprintf(stderr, __VA_ARGS__);                                   \
                fputc('\n', stderr);                                            \
                abort();                                                        \
        })

#define ASSERT_TRUE(expr)                                                       \
        ({                                                                      \
                if (!(expr))                                                    \
                        test_fail("not true: %s", #expr);                       \
        })
#define ASSERT_FALSE(expr)                                                      \
        ({                                                                      \
                if (expr)                                                       \
                        test_fail("not false: %s", #expr);                      \
        })
#define ASSERT_OK(expr)                                                         \
        ({                                                                      \
                int _r = (int) (expr);                                          \
                if (_r < 0)                                                     \
                        test_fail("%s: %s", #expr, strerror(-_r));              \
                _r;                                                             \
        })
#define ASSERT_FAIL(expr)                                                       \
        ({                                                                      \
                int _r = (int) (expr);                                          \
                if (_r >= 0)                                                    \
                        test_fail("succeeded: %s = %d", #expr, _r);             \
                _r;                                                             \
        })
#define ASSERT_EQ(a, b)                                                         \
        ({                                                                      \
                long long _a = (long long) (a), _b = (long long) (b);           \
                if (_a != _b)                                                   \
                        test_fail("%s = %lld, expected %s = %lld", #a, _a, #b, _b); \
        })
#define ASSERT_STREQ(a, b)                                                      \
        ({                                                                      \
                const char *_a = (a), *_b = (b);                                \
                if (!streq_ptr(_a, _b))                                         \
                        test_fail("%s = \"%s\", expected \"%s\"", #a, strnull(_a), strnull(_b)); \
        })
#define ASSERT_NULL(expr)                                                       \
        ({                                                                      \
                if ((expr) != NULL)                                             \
                        test_fail("not NULL: %s", #expr);                       \
        })
#define ASSERT_NOT_NULL(expr)                                                   \
        ({                                                                      \
                typeof(expr) _p = (expr);                                       \
                if (!_p)                                                        \
                        test_fail("NULL: %s", #expr);                           \
                _p;                                                             \
        })
