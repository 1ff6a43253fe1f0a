/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation, ownership transfer and reference counting. Every allocation may fail and reports it by
 * NULL/-ENOMEM. */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/macro.h"

#define new(t, n) ((t *) reallocarray(NULL, (n) > 0 ? (n) : 1, sizeof(t)))
#define new0(t, n) ((t *) calloc((n) > 0 ? (n) : 1, sizeof(t)))

#define mfree(p)                \
        ({                      \
                free(p);        \
                (typeof(p)) NULL; \
        })

static inline void freep(void *p) {
        free(*(void **) p);
}

#define _cleanup_free_ _cleanup_(freep)

/* Hands over a value and leaves null behind, so that the cleanup attribute of the source does nothing. */
#define TAKE_GENERIC(var, type, null)           \
        ({                                      \
                type *_pvar = &(var);           \
                type _value = *_pvar;           \
                *_pvar = (null);                \
                _value;                         \
        })
#define TAKE_PTR(ptr) TAKE_GENERIC(ptr, typeof(ptr), NULL)
#define TAKE_FD(fd) TAKE_GENERIC(fd, int, -EBADF)
#define TAKE_STRUCT(s) TAKE_GENERIC(s, typeof(s), ((typeof(s)){}))

#define free_and_replace(a, b)                  \
        ({                                      \
                free(a);                        \
                (a) = TAKE_PTR(b);              \
                0;                              \
        })

#define DEFINE_TRIVIAL_CLEANUP_FUNC(type, func) \
        static inline void func##p(type *p) {   \
                if (*p)                         \
                        *p = func(*p);          \
        }

/* For embedded objects with a `void func(type *)` that accepts an initialised object. */
#define DEFINE_CLEANUP_DONE(type, func)         \
        _unused_ static inline void func##p(type *p) {   \
                func(p);                        \
        }

/* Reference counting for types with an `unsigned n_ref` member that starts at 1. */
#define DEFINE_REF_UNREF(type, name, free_func)                 \
        type *name##_ref(type *p) {                             \
                if (!p)                                         \
                        return NULL;                            \
                assert(p->n_ref > 0 && p->n_ref < UINT32_MAX);  \
                p->n_ref++;                                     \
                return p;                                       \
        }                                                       \
        type *name##_unref(type *p) {                           \
                if (!p)                                         \
                        return NULL;                            \
                assert(p->n_ref > 0);                           \
                if (--p->n_ref == 0)                            \
                        free_func(p);                           \
                return NULL;                                    \
        }

/* Makes room for at least `need` items, doubling; the new part is zeroed. Returns false when memory is
 * out. */
bool greedy_realloc0(void **p, size_t *allocated, size_t need, size_t item_size);
#define GREEDY_REALLOC0(array, allocated, need) \
        greedy_realloc0((void **) &(array), &(allocated), (need), sizeof((array)[0]))

/* A copy of size bytes, NUL-terminated behind the end. */
void *memdup_suffix0(const void *p, size_t size);

/* Overwrites secrets before they are released; not optimised away. */
void explicit_zero(void *p, size_t size);
