/* SPDX-License-Identifier: Apache-2.0 */
/* Three parts separated by NUL: the user string, passwd, group. */
#include "basic/alloc-util.h"
#include "runtime/user-resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *copy = memdup_suffix0(data, size);
        _cleanup_(resolved_user_donep) ResolvedUser u = {};
        _cleanup_error_ Error error = ERROR_NULL;
        const char *parts[3] = { "", NULL, NULL };
        size_t at = 0;

        if (!copy)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(parts) && at <= size; i++) {
                parts[i] = copy + at;
                at += strlen(parts[i]) + 1;
        }
        if (user_resolve_from(parts[1], parts[2], parts[0], NULL, &u, &error) >= 0) {
                assert(u.uid <= INT32_MAX && u.gid <= INT32_MAX);
                assert(u.home);
        } else
                assert(error_is_set(&error));
        return 0;
}
