/* SPDX-License-Identifier: Apache-2.0 */
/* Single values that are refused although their option is there; for the test that keeps the list of all
 * that is refused. */
#pragma once

#include <stddef.h>

typedef struct RefusedValue {
        const char *flag, *value;
} RefusedValue;

extern const RefusedValue refused_values[];
extern const size_t n_refused_values;
