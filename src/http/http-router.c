/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http-router.h"

#include "basic/string-table.h"

static const char *const http_method_table[_HTTP_METHOD_MAX] = {
        [HTTP_GET]     = "GET",
        [HTTP_HEAD]    = "HEAD",
        [HTTP_POST]    = "POST",
        [HTTP_PUT]     = "PUT",
        [HTTP_DELETE]  = "DELETE",
        [HTTP_OPTIONS] = "OPTIONS",
};

DEFINE_STRING_TABLE(http_method, HttpMethod);

static bool match_capture(const char *template, const char *path, HttpMatch *m);

static bool match_rest(const char *template, const char *path, HttpMatch *m) {
        for (; *template != '{'; template++, path++) {
                if (*template != *path)
                        return false;
                if (*template == 0)
                        return true;
        }
        return match_capture(template, path, m);
}

/* Longest first, as a greedy regular expression. Templates have a literal behind each capture but the
 * last. */
static bool match_capture(const char *template, const char *path, HttpMatch *m) {
        const char *end = strchr(template, '}');
        HttpCapture *c = m->captures + m->n_captures;
        bool greedy;

        assert(end);
        assert(m->n_captures < HTTP_CAPTURES_MAX);

        *c = (HttpCapture) { .name = template + 1, .name_size = end - template - 1, .value = path };
        greedy = c->name_size > 3 && strncmp(end - 3, "...", 3) == 0;
        if (greedy)
                c->name_size -= 3;

        m->n_captures++;
        for (size_t n = greedy ? strlen(path) : strcspn(path, "/"); ; n--) {
                c->value_size = n;
                if ((n > 0 || greedy) && match_rest(end + 1, path + n, m))
                        return true;
                if (n == 0)
                        break;
        }
        m->n_captures--;
        return false;
}

bool http_template_match(const char *template, const char *path, HttpMatch *m) {
        m->n_captures = 0;
        return match_rest(template, path, m);
}

bool http_router_find(const HttpRouter *router, HttpMethod method, const char *path, HttpMatch *ret) {
        for (size_t i = 0; i < router->n_tables; i++) {
                const HttpRouteTable *t = router->tables[i];

                for (size_t j = 0; j < t->n_rows; j++)
                        if (t->rows[j].method == method && http_template_match(t->rows[j].path, path, ret)) {
                                ret->route = t->rows + j;
                                return true;
                        }
        }
        return false;
}
