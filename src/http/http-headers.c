/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http-headers.h"

#include <strings.h>

#include "basic/parse-util.h"
#include "basic/string-util.h"

void http_headers_done(HttpHeaders *h) {
        if (!h)
                return;
        free(h->items);
        *h = (HttpHeaders) {};
}

int http_headers_add(HttpHeaders *h, const char *name, const char *value) {
        if (h->n_items >= HTTP_HEADERS_MAX)
                return -E2BIG;
        if (!GREEDY_REALLOC0(h->items, h->allocated, h->n_items + 1))
                return -ENOMEM;
        h->items[h->n_items++] = (HttpHeader) { name, strempty(value) };
        return 0;
}

const char *http_headers_get(const HttpHeaders *h, const char *name) {
        for (size_t i = 0; i < h->n_items; i++)
                if (strcasecmp(h->items[i].name, name) == 0)
                        return h->items[i].value;
        return NULL;
}

size_t http_headers_count(const HttpHeaders *h, const char *name) {
        size_t n = 0;

        for (size_t i = 0; i < h->n_items; i++)
                if (strcasecmp(h->items[i].name, name) == 0)
                        n++;
        return n;
}

static bool list_has_token(const char *list, const char *token) {
        size_t size = strlen(token);

        for (const char *p = list; *p; ) {
                p += strspn(p, ", \t");
                size_t n = strcspn(p, ", \t");
                if (n == size && strncasecmp(p, token, n) == 0)
                        return true;
                p += n;
        }
        return false;
}

bool http_headers_has_token(const HttpHeaders *h, const char *name, const char *token) {
        for (size_t i = 0; i < h->n_items; i++)
                if (strcasecmp(h->items[i].name, name) == 0 && list_has_token(h->items[i].value, token))
                        return true;
        return false;
}

static int check_names(const HttpHeaders *h, Error *reterr) {
        for (size_t i = 0; i < h->n_items; i++) {
                const char *name = h->items[i].name;

                /* "Content-Length : 5" and folded lines are seen differently by different parsers. */
                if (name[0] == 0 || strpbrk(name, " \t\r\n:") || string_has_control(name))
                        return error_setf(reterr, ERROR_INVALID, "invalid header name");
                for (const char *p = h->items[i].value; *p; p++)
                        if ((unsigned char) *p < 0x20 && *p != '\t')
                                return error_setf(reterr, ERROR_INVALID, "invalid value of header %s", name);
        }
        return 0;
}

static int check_host(const HttpHeaders *h, const char *http_version, Error *reterr) {
        size_t n = http_headers_count(h, "Host");

        if (n > 1)
                return error_setf(reterr, ERROR_INVALID, "too many Host headers");
        if (n == 0 && !streq(http_version, "HTTP/1.0"))
                return error_setf(reterr, ERROR_INVALID, "missing required Host header");
        return 0;
}

int http_headers_check(const HttpHeaders *h, const char *http_version, HttpFraming *ret, Error *reterr) {
        HttpFraming f = {};
        const char *length, *encoding;
        int r;

        assert(h);
        assert(http_version);
        assert(ret);

        r = check_names(h, reterr);
        if (r < 0)
                return r;
        r = check_host(h, http_version, reterr);
        if (r < 0)
                return r;

        encoding = http_headers_get(h, "Transfer-Encoding");
        if (encoding &&
            (http_headers_count(h, "Transfer-Encoding") > 1 || strcasecmp(encoding, "chunked") != 0))
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED, "unsupported transfer encoding: \"%s\"",
                                  encoding);
        if (encoding && streq(http_version, "HTTP/1.0"))
                return error_setf(reterr, ERROR_INVALID, "transfer encoding in an HTTP/1.0 request");
        f.chunked = !!encoding;

        length = http_headers_get(h, "Content-Length");
        if (length) {
                if (http_headers_count(h, "Content-Length") > 1)
                        return error_setf(reterr, ERROR_INVALID, "more than one Content-Length header");
                if (f.chunked)
                        return error_setf(reterr, ERROR_INVALID,
                                          "Content-Length and Transfer-Encoding in one request");
                if (parse_uint64(length, &f.length) < 0)
                        return error_setf(reterr, ERROR_INVALID, "bad Content-Length \"%s\"", length);
                f.has_length = true;
        }

        *ret = f;
        return 0;
}
