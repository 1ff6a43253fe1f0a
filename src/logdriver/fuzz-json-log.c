/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes the lines of a log file; and what the writer escapes, the reader must read. */
#include "basic/alloc-util.h"
#include "logdriver/json-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char head[] = "{\"log\":\"", tail[] = "\"}";
        _cleanup_free_ char *line = NULL, *escaped = NULL;
        LogEntry e;
        size_t n;

        if (size > 65536)
                return 0;
        line = memdup_suffix0(data, size);
        escaped = malloc(6 * size + sizeof(head) + sizeof(tail));
        if (!line || !escaped)
                return 0;
        (void) json_log_decode(line, size, &e);

        n = sizeof(head) - 1;
        memcpy(escaped, head, n);
        n += json_log_escape(escaped + n, (const char *) data, size);
        memcpy(escaped + n, tail, sizeof(tail) - 1);
        n += sizeof(tail) - 1;
        assert(json_log_decode(escaped, n, &e) >= 0);
        /* Only what is not UTF-8 is changed, and that never gets shorter. */
        assert(e.size >= size);
        return 0;
}
