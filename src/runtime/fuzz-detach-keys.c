/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is the keys, the rest is typed, in pieces. */
#include "basic/alloc-util.h"
#include "runtime/detach-keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
        size_t n = newline ? (size_t) (newline - data) : size;
        _cleanup_free_ char *keys = memdup_suffix0(data, n);
        DetachKeys d;

        if (!keys || detach_keys_parse(keys, &d, NULL) < 0 || !newline)
                return 0;
        assert(d.n_keys > 0 && d.n_keys <= DETACH_KEYS_MAX);

        data = newline + 1;
        size -= n + 1;
        for (size_t piece = 1; size > 0; piece = piece % 7 + 1) {
                size_t k = min_size(piece, size);
                _cleanup_free_ char *out = malloc(k + DETACH_KEYS_MAX);
                bool detach;

                if (!out)
                        return 0;
                assert(detach_keys_filter(&d, data, k, out, &detach) <= k + DETACH_KEYS_MAX);
                assert(d.n_matched < d.n_keys);
                data += k;
                size -= k;
        }
        return 0;
}
