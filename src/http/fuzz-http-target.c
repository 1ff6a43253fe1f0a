/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: any bytes; what is taken is consistent. */
#include "http/http-router.h"
#include "http/http-target.h"

#include "basic/string-util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_match(const char *path) {
        static const char *const templates[] = {
                "/info",
                "/containers/{id...}/json",
                "/containers/{id...}/checkpoints/{checkpoint}",
                "/echo/{id}",
                "/{any...}",
        };

        FOREACH_ELEMENT(t, templates) {
                HttpMatch m = {};

                if (!http_template_match(*t, path, &m))
                        continue;
                for (size_t i = 0; i < m.n_captures; i++) {
                        assert(m.captures[i].value >= path);
                        assert(m.captures[i].value + m.captures[i].value_size <= path + strlen(path));
                }
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *raw = strndup_safe((const char *) data, size);
        _cleanup_free_ char *clean = NULL, *again = NULL;
        _cleanup_(http_target_donep) HttpTarget t = {};

        assert(raw);
        if (http_target_parse(raw, &t, NULL) < 0)
                return 0;

        assert(t.path[0] == '/');
        for (size_t i = 0; i < t.n_query; i++)
                assert(t.query[i].key && t.query[i].value);
        check_match(t.path);

        /* Cleaning is idempotent. */
        if (http_path_clean(t.path, &clean) > 0) {
                assert(clean[0] == '/');
                assert(http_path_clean(clean, &again) == 0);
        }
        return 0;
}
