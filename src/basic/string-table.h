/* SPDX-License-Identifier: Apache-2.0 */
/* Enum <-> string through one static table. The enum ends in _X_MAX and has _X_INVALID = -EINVAL. */
#pragma once

#include "basic/string-util.h"

#define DECLARE_STRING_TABLE(name, type)                                \
        const char *name##_to_string(type i);                           \
        type name##_from_string(const char *s)

#define DEFINE_STRING_TABLE(name, type)                                 \
        const char *name##_to_string(type i) {                          \
                if (i < 0 || (size_t) i >= ELEMENTSOF(name##_table))    \
                        return NULL;                                    \
                return name##_table[i];                                 \
        }                                                               \
        type name##_from_string(const char *s) {                        \
                if (!s)                                                 \
                        return (type) -EINVAL;                          \
                for (size_t i = 0; i < ELEMENTSOF(name##_table); i++)   \
                        if (name##_table[i] && streq(name##_table[i], s)) \
                                return (type) i;                        \
                return (type) -EINVAL;                                  \
        }
