/* SPDX-License-Identifier: Apache-2.0 */
/* Header checks: lines "name: value"; what passes has one meaning only. */
#include "http/http-headers.h"

#include "basic/string-util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = strndup_safe((const char *) data, size);
        _cleanup_(http_headers_donep) HttpHeaders h = {};
        HttpFraming f;
        char *state = NULL;

        assert(text);
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
