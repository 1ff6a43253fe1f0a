/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/alloc-util.h"

#define GREEDY_MIN 8U

bool greedy_realloc0(void **p, size_t *allocated, size_t need, size_t item_size) {
        size_t n;
        void *q;

        if (*allocated >= need)
                return true;
        if (need > SIZE_MAX / 2)
                return false;

        n = need * 2;
        if (n < GREEDY_MIN)
                n = GREEDY_MIN;

        q = reallocarray(*p, n, item_size);
        if (!q)
                return false;

        memset((char *) q + *allocated * item_size, 0, (n - *allocated) * item_size);
        *p = q;
        *allocated = n;
        return true;
}

void *memdup_suffix0(const void *p, size_t size) {
        char *q;

        if (size == SIZE_MAX)
                return NULL;
        q = malloc(size + 1);
        if (!q)
                return NULL;
        if (size > 0)
                memcpy(q, p, size);
        q[size] = 0;
        return q;
}

void explicit_zero(void *p, size_t size) {
        if (p && size > 0)
                explicit_bzero(p, size);
}
