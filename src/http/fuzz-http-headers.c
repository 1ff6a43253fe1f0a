/* SPDX-License-Identifier: Apache-2.0 */
/* Header checks: lines "name: value"; what passes has one meaning only. The checks of the raw bytes: however
 * the bytes are cut, they say the same. */
#include "http/http-headers.h"
#include "http/http-wire.h"

#include "basic/string-util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_wire(const uint8_t *data, size_t size, size_t piece) {
        HttpWire whole = {}, parts = {};
        int r, s = 0;

        r = http_wire_feed(&whole, data, size);
        for (size_t i = 0; i < size && s >= 0; i += piece)
                s = http_wire_feed(&parts, data + i, piece < size - i ? piece : size - i);
        assert(r == s);
        assert(whole.state == parts.state);
        assert(whole.message == parts.message);
        assert(whole.n_heads == parts.n_heads);
        assert(whole.left == parts.left);
        assert(!!whole.fault == (r < 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = strndup_safe((const char *) data, size);
        _cleanup_(http_headers_donep) HttpHeaders h = {};
        HttpFraming f;
        char *state = NULL;

        assert(text);
        check_wire(data, size, 1);
        check_wire(data, size, size > 0 ? 1 + data[0] % 16 : 1);
        for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
                char *value = strchr(line, ':');

                if (value)
                        *value++ = 0;
                if (http_headers_add(&h, line, value) < 0)
                        return 0;
        }

        if (http_headers_check(&h, "HTTP/1.1", &f, NULL) < 0)
                return 0;
        assert(http_headers_count(&h, "Host") == 1);
        assert(http_headers_count(&h, "Content-Length") + http_headers_count(&h, "Transfer-Encoding") <= 1);
        assert(!f.chunked || !f.has_length);
        (void) http_headers_has_token(&h, "Connection", "upgrade");
        return 0;
}
