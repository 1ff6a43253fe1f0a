/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: how a registry refuses: WWW-Authenticate in the first line, the body in the rest. What is
 * shown holds no control characters. */
#include <stddef.h>
#include <stdint.h>

#include "basic/string-util.h"
#include "registry/registry-error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const unsigned statuses[] = { 401, 403, 404, 429, 503 };
        _cleanup_(auth_challenges_donep) AuthChallengeList l = {};
        _cleanup_free_ char *text = memdup_suffix0(data, size);
        char *body;

        if (!text)
                return 0;
        body = strchr(text, '\n');
        if (!body)
                return 0;
        *body++ = 0;
        (void) auth_challenges_add(&l, text);
        assert(l.n_items <= AUTH_CHALLENGES_MAX);
        FOREACH_ELEMENT(status, statuses) {
                _cleanup_(registry_failure_donep) RegistryFailure f = {};

                if (registry_failure_from_response(*status, body, size - (size_t) (body - text), &l, &f) < 0)
                        continue;
                for (const char *p = f.text; *p; p++)
                        assert((unsigned char) *p >= 0x20 || *p == '\n');
        }
        return 0;
}
