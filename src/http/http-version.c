/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http-version.h"

#include <limits.h>

#include "basic/parse-util.h"
#include "basic/string-util.h"

/* Number at the start of a dotted version, 0 where there is none, as Docker compares them. */
static unsigned next_number(const char **p) {
        uint64_t n = 0;

        for (; **p >= '0' && **p <= '9'; (*p)++)
                n = min_u64(n * 10 + (**p - '0'), UINT_MAX);
        if (**p == '.')
                (*p)++;
        return n;
}

static int compare_versions(const char *version, unsigned minor) {
        const unsigned reference[] = { 1, minor };
        const char *p = version;

        FOREACH_ELEMENT(n, reference) {
                unsigned m = next_number(&p);

                if (m != *n)
                        return m < *n ? -1 : 1;
        }
        while (*p)
                if (next_number(&p) > 0)
                        return 1;
        return 0;
}

bool http_version_is_ancient(const char *version) {
        return compare_versions(version, API_VERSION_MIN) < 0;
}

int http_version_parse_minor(const char *version, unsigned *ret_minor) {
        const char *minor = startswith(version, "1.");
        uint32_t n;

        if (!minor || parse_uint32(minor, &n) < 0)
                return -EINVAL;
        *ret_minor = n;
        return 0;
}

int http_version_select(const char *version, unsigned minimum, unsigned *ret_minor, Error *reterr) {
        const char *p;

        if (!version) {
                *ret_minor = API_VERSION_MAX;
                return 0;
        }

        if (compare_versions(version, minimum) < 0)
                return error_setf(reterr, ERROR_INVALID,
                                  "client version %s is too old. Minimum supported API version is 1.%u, "
                                  "please upgrade your client to a newer version", version, minimum);
        if (compare_versions(version, API_VERSION_MAX) > 0)
                return error_setf(reterr, ERROR_INVALID,
                                  "client version %s is too new. Maximum supported API version is 1.%u",
                                  version, API_VERSION_MAX);

        p = version;
        (void) next_number(&p);
        *ret_minor = next_number(&p);
        return 0;
}
