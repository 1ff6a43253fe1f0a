/* SPDX-License-Identifier: Apache-2.0 */
/* A datagram from the other side of the control socket; what is accepted survives the way back. */
#include "basic/alloc-util.h"
#include "runtime/shim-protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ uint8_t *copy = malloc(size > 0 ? size : 1);
        _cleanup_free_ void *again = NULL;
        ShimMessage m, n;
        size_t k;

        if (!copy)
                return 0;
        /* Exactly as large as the datagram, so that a read behind its end shows. */
        memcpy(copy, data, size);
        if (shim_message_decode(copy, size, &m) < 0)
                return 0;
        assert(shim_message_encode(&m, &again, &k) >= 0);
        assert(shim_message_decode(again, k, &n) >= 0);
        assert(n.type == m.type && n.id == m.id && n.data_size == m.data_size && !n.text == !m.text);
        return 0;
}
