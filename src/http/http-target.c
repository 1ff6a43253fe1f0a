/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http-target.h"

#include "basic/string-util.h"

void http_target_done(HttpTarget *t) {
        if (!t)
                return;
        free(t->buffer);
        free(t->query);
        *t = (HttpTarget) {};
}

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* In place. A NUL would end the C string early: what is checked and what is used could differ. */
static int percent_decode(char *s, bool plus_is_space, Error *reterr) {
        char *out = s;

        for (; *s; s++) {
                if (*s == '+' && plus_is_space) {
                        *out++ = ' ';
                        continue;
                }
                if (*s != '%') {
                        *out++ = *s;
                        continue;
                }

                int high = hex_value(s[1]);
                int low = high >= 0 ? hex_value(s[2]) : -1;
                if (low < 0)
                        return error_setf(reterr, ERROR_INVALID, "invalid URL escape \"%.3s\"", s);
                if (high == 0 && low == 0)
                        return error_setf(reterr, ERROR_INVALID, "invalid URL: NUL byte");
                *out++ = (char) (high << 4 | low);
                s += 2;
        }
        *out = 0;
        return 0;
}

static int check_raw(const char *raw, Error *reterr) {
        if (raw[0] != '/')
                return error_setf(reterr, ERROR_INVALID, "invalid request target: it must begin with '/'");
        if (strlen(raw) > HTTP_TARGET_MAX)
                return error_setf(reterr, ERROR_INVALID, "request target is longer than %u bytes",
                                  HTTP_TARGET_MAX);
        if (string_has_control(raw))
                return error_setf(reterr, ERROR_INVALID, "invalid control character in URL");
        return 0;
}

static int split_query(HttpTarget *t, char *query, Error *reterr) {
        size_t allocated = 0;
        int r;

        for (char *next; query; query = next) {
                char *value;

                next = strchr(query, '&');
                if (next)
                        *next++ = 0;
                if (*query == 0)
                        continue;
                if (t->n_query >= HTTP_QUERY_ITEMS_MAX)
                        return error_setf(reterr, ERROR_INVALID, "more than %u query parameters",
                                          HTTP_QUERY_ITEMS_MAX);
                if (!GREEDY_REALLOC0(t->query, allocated, t->n_query + 1))
                        return error_fill(reterr, -ENOMEM);

                value = strchr(query, '=');
                if (value)
                        *value++ = 0;
                r = percent_decode(query, true, reterr);
                if (r >= 0 && value)
                        r = percent_decode(value, true, reterr);
                if (r < 0)
                        return r;
                t->query[t->n_query++] = (HttpQueryItem) { query, value ?: "" };
        }
        return 0;
}

/* "/v1.47/info" into version and "/info"; anything else ("/volumes", "/vabc/info") is a path as it
 * stands. */
static void strip_version(HttpTarget *t, char *path) {
        size_t n;

        t->path = path;
        if (path[1] != 'v')
                return;
        n = strspn(path + 2, "0123456789.");
        if (n == 0 || path[2 + n] != '/')
                return;

        /* The version needs an end of its own: it moves into the place of "/v". */
        memmove(path, path + 2, n);
        path[n] = 0;
        t->version = path;
        t->path = path + 2 + n;
}

int http_target_parse(const char *raw, HttpTarget *ret, Error *reterr) {
        _cleanup_(http_target_donep) HttpTarget t = {};
        char *query;
        int r;

        assert(raw);
        assert(ret);

        r = check_raw(raw, reterr);
        if (r < 0)
                return r;

        t.buffer = strdup(raw);
        if (!t.buffer)
                return error_fill(reterr, -ENOMEM);

        query = strchr(t.buffer, '?');
        if (query)
                *query++ = 0;
        r = percent_decode(t.buffer, false, reterr);
        if (r < 0)
                return r;
        strip_version(&t, t.buffer);

        r = split_query(&t, query, reterr);
        if (r < 0)
                return r;

        *ret = TAKE_STRUCT(t);
        return 0;
}

const char *http_target_query(const HttpTarget *t, const char *key) {
        for (size_t i = 0; i < t->n_query; i++)
                if (streq(t->query[i].key, key))
                        return t->query[i].value;
        return NULL;
}

int http_path_clean(const char *path, char **ret) {
        _cleanup_free_ char *clean = NULL;
        char *out;

        assert(path[0] == '/');

        if (!strstr(path, "//") && !strstr(path, "/."))
                return 0;

        out = clean = new(char, strlen(path) + 2);
        if (!clean)
                return -ENOMEM;

        /* Each piece is copied with the slash before it; ".." takes the last one back. */
        for (const char *p = path; *p; ) {
                size_t n;

                p += strspn(p, "/");
                n = strcspn(p, "/");
                if (n == 2 && strncmp(p, "..", 2) == 0)
                        while (out > clean && *--out != '/')
                                ;
                else if (n > 0 && !(n == 1 && *p == '.')) {
                        *out++ = '/';
                        out = mempcpy(out, p, n);
                }
                p += n;
        }
        if (out == clean || endswith(path, "/"))
                *out++ = '/';
        *out = 0;

        if (streq(clean, path))
                return 0;
        *ret = TAKE_PTR(clean);
        return 1;
}
