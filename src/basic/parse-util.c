/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/parse-util.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "basic/string-util.h"

int parse_uint64(const char *s, uint64_t *ret) {
        uint64_t v = 0;

        if (!*s)
                return -EINVAL;
        for (; *s; s++) {
                if (!isdigit((unsigned char) *s))
                        return -EINVAL;
                if (__builtin_mul_overflow(v, 10U, &v) ||
                    __builtin_add_overflow(v, (uint64_t) (*s - '0'), &v))
                        return -ERANGE;
        }
        *ret = v;
        return 0;
}

int parse_int64(const char *s, int64_t *ret) {
        bool negative = *s == '-';
        uint64_t v;
        int r;

        r = parse_uint64(negative ? s + 1 : s, &v);
        if (r < 0)
                return r;
        if (v > (uint64_t) INT64_MAX + negative)
                return -ERANGE;
        *ret = negative ? (int64_t) -v : (int64_t) v;
        return 0;
}

int parse_uint32(const char *s, uint32_t *ret) {
        uint64_t v;
        int r;

        r = parse_uint64(s, &v);
        if (r < 0)
                return r;
        if (v > UINT32_MAX)
                return -ERANGE;
        *ret = v;
        return 0;
}

int parse_int(const char *s, int *ret) {
        int64_t v;
        int r;

        r = parse_int64(s, &v);
        if (r < 0)
                return r;
        if (v < INT32_MIN || v > INT32_MAX)
                return -ERANGE;
        *ret = v;
        return 0;
}

int parse_go_bool(const char *s) {
        static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
        static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
                if (streq(s, yes[i]))
                        return 1;
                if (streq(s, no[i]))
                        return 0;
        }
        return -EINVAL;
}

bool query_bool(const char *s) {
        static const char *const no[] = { "", "0", "no", "false", "none" };
        _cleanup_free_ char *t = NULL;

        if (!s)
                return false;
        while (isspace((unsigned char) *s))
                s++;
        t = strdup(s);
        if (!t)
                return false;
        s = strstrip(t);
        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                if (strcasecmp(s, no[i]) == 0)
                        return false;
        return true;
}

int parse_bytes(const char *s, uint64_t *ret) {
        static const char units[] = "kmgtp";
        const char *u;
        double v;
        char *e;

        if (!isdigit((unsigned char) *s) || strpbrk(s, "xX"))
                return -EINVAL;
        v = strtod(s, &e);
        if (e == s)
                return -EINVAL;
        if (*e == ' ')
                e++;

        u = *e ? strchr(units, tolower((unsigned char) *e)) : NULL;
        if (u) {
                for (const char *p = units; p <= u; p++)
                        v *= 1024;
                e++;
                if (tolower((unsigned char) *e) == 'i')
                        e++;
        }
        if (tolower((unsigned char) *e) == 'b')
                e++;
        if (*e)
                return -EINVAL;
        if (v >= 9.2e18)
                return -ERANGE;
        *ret = (uint64_t) v;
        return 0;
}
