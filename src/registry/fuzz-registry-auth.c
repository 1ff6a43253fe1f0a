/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: X-Registry-Auth and X-Registry-Config. What is taken can be a header's value. */
#include <stddef.h>
#include <stdint.h>

#include "basic/string-util.h"
#include "registry/registry-config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const RegistryAuth *a) {
        assert(!strpbrk(strempty(a->username), "\r\n:"));
        assert(!strpbrk(strempty(a->password), "\r\n"));
        assert(!strpbrk(strempty(a->registry_token), "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = memdup_suffix0(data, size);
        _cleanup_(RegistryAuth_donep) RegistryAuth a = {};
        _cleanup_(RegistryAuths_donep) RegistryAuths all = {};

        if (!text)
                return 0;
        if (registry_auth_decode(text, &a, NULL) >= 0)
                check(&a);
        if (registry_auths_decode(text, &all, NULL) >= 0)
                for (size_t i = 0; i < all.servers.n_items; i++)
                        check(&all.servers.items[i].value);
        return 0;
}
