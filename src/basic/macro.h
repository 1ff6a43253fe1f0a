/* SPDX-License-Identifier: Apache-2.0 */
/* Language helpers: attributes, container_of, sets, the always-on assertion family. Knows nothing of the
 * domain. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/param.h>

#ifdef NDEBUG
#error "assertions stay enabled: do not build with NDEBUG"
#endif

#define _cleanup_(f) __attribute__((__cleanup__(f), __unused__))
#define _const_ __attribute__((__const__))
#define _fallthrough_ __attribute__((__fallthrough__))
#define _malloc_ __attribute__((__malloc__))
#define _noreturn_ __attribute__((__noreturn__))
#define _packed_ __attribute__((__packed__))
#define _printf_(a, b) __attribute__((__format__(printf, a, b)))
#define _pure_ __attribute__((__pure__))
#define _sentinel_ __attribute__((__sentinel__))
#define _unused_ __attribute__((__unused__))
#define _warn_unused_result_ __attribute__((__warn_unused_result__))

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))

#define CONCATENATE_INNER(a, b) a##b
#define CONCATENATE(a, b) CONCATENATE_INNER(a, b)
#define UNIQUE(prefix) CONCATENATE(prefix, __COUNTER__)

#define container_of(ptr, type, member)                                                     \
        ({                                                                                  \
                const typeof(((type *) 0)->member) *_member_ptr = (ptr);                    \
                (type *) ((char *) (uintptr_t) _member_ptr - offsetof(type, member));       \
        })

/* True if x equals one of the listed values. */
#define IN_SET(x, ...)                                                                      \
        ({                                                                                  \
                typeof(x) _x = (x);                                                         \
                const typeof(_x) _set[] = { __VA_ARGS__ };                                  \
                bool _found = false;                                                        \
                for (size_t _i = 0; _i < ELEMENTSOF(_set); _i++)                            \
                        if (_set[_i] == _x)                                                 \
                                _found = true;                                              \
                _found;                                                                     \
        })

/* The userdata of a callback, checked. */
#define ASSERT_PTR(expr)                                                                    \
        ({                                                                                  \
                typeof(expr) _expr = (expr);                                                \
                assert(_expr);                                                              \
                _expr;                                                                      \
        })

#define assert_not_reached() abort()

#define FLAGS_SET(v, flags) (((v) & (flags)) == (flags))

/* Iterates over a static table by pointer. */
#define FOREACH_ELEMENT(i, table) \
        for (typeof((table)[0]) *i = (table); i < (table) + ELEMENTSOF(table); i++)

static inline uint64_t min_u64(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

static inline size_t min_size(size_t a, size_t b) {
        return a < b ? a : b;
}

static inline size_t max_size(size_t a, size_t b) {
        return a > b ? a : b;
}
