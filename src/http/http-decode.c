/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of a call from the four places where HTTP carries them, by the rows of one table. */
#include "http/http-request.h"

#include <ctype.h>
#include <strings.h>

/* "x-registry-auth" as rows write it: "X-Registry-Auth". */
static void canonicalize(char *name) {
        bool start = true;

        for (; *name; name++) {
                *name = start ? toupper((unsigned char) *name) : tolower((unsigned char) *name);
                start = *name == '-';
        }
}

static int set_from_path(const HttpRequest *q, const JsonType *type, void *params, Error *reterr) {
        int r = 0;

        for (size_t i = 0; i < q->match.n_captures && r >= 0; i++) {
                const HttpCapture *c = q->match.captures + i;
                _cleanup_free_ char *name = strndup_safe(c->name, c->name_size);
                _cleanup_free_ char *value = strndup_safe(c->value, c->value_size);

                if (!name || !value)
                        return error_fill(reterr, -ENOMEM);
                r = json_set_from_text(type, params, JSON_IN_PATH, name, value, reterr);
        }
        return r;
}

static const JsonField *find_query_field(const JsonType *type, const char *name) {
        for (size_t i = 0; i < type->n_fields; i++) {
                const JsonField *f = type->fields + i;

                if (f->spec.kind == JSON_KIND_INLINE) {
                        const JsonField *inner = find_query_field(f->spec.type, name);
                        if (inner)
                                return inner;
                } else if (FLAGS_SET(f->flags, JSON_IN_QUERY) && streq(f->name, name))
                        return f;
        }
        return NULL;
}

/* A parameter that came with a newer API version than the request's is ignored. */
static bool is_known(const HttpRequest *q, const JsonField *f) {
        return q->version >= f->since && (f->until == 0 || q->version <= f->until);
}

/* The first value of a repeated parameter counts, as in Docker; lists take all. */
static bool counts(const HttpRequest *q, const JsonField *f, size_t i) {
        if (f->spec.kind == JSON_KIND_STRV)
                return true;
        for (size_t j = 0; j < i; j++)
                if (streq(q->target.query[j].key, q->target.query[i].key))
                        return false;
        return true;
}

static int set_from_query(const HttpRequest *q, const JsonType *type, void *params, Error *reterr) {
        for (size_t i = 0; i < q->target.n_query; i++) {
                const HttpQueryItem *item = q->target.query + i;
                const JsonField *f = find_query_field(type, item->key);
                int r;

                if (!f || !is_known(q, f))
                        continue;
                if (!counts(q, f, i)) {
                        if (FLAGS_SET(f->flags, JSON_ONCE))
                                return error_setf(reterr, ERROR_INVALID,
                                                  "multiple %s parameters not supported", f->name);
                        continue;
                }
                r = json_set_from_text(type, params, JSON_IN_QUERY, item->key, item->value, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int set_from_headers(const HttpRequest *q, const JsonType *type, void *params, Error *reterr) {
        for (size_t i = 0; i < q->headers.n_items; i++) {
                _cleanup_free_ char *name = strdup(q->headers.items[i].name);
                int r;

                if (!name)
                        return error_fill(reterr, -ENOMEM);
                canonicalize(name);
                r = json_set_from_text(type, params, JSON_IN_HEADER, name, q->headers.items[i].value,
                                       reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

bool http_route_takes_document(const HttpRoute *route) {
        return route->call && route->call->params && !FLAGS_SET(route->flags, ROUTE_INPUT) &&
                !FLAGS_SET(route->flags, ROUTE_BODY_IGNORED) && json_type_has_body(route->call->params);
}

int http_request_check_content_type(const HttpRequest *q, Error *reterr) {
        const char *type = http_headers_get(&q->headers, "Content-Type");
        size_t n;

        if (!http_route_takes_document(q->match.route))
                return 0;
        if (isempty(type)) {
                if (!http_framing_has_body(&q->framing))
                        return 0;
                return error_setf(reterr, ERROR_INVALID,
                                  "malformed Content-Type header (): mime: no media type");
        }

        type += strspn(type, " \t");
        n = strcspn(type, "; \t");
        if (n == strlen("application/json") && strncasecmp(type, "application/json", n) == 0)
                return 0;
        return error_setf(reterr, ERROR_INVALID,
                          "unsupported Content-Type header (%s): must be 'application/json'", type);
}

static int set_from_body(const HttpRequest *q, const JsonType *type, void *params, Error *reterr) {
        const HttpRoute *route = q->match.route;

        if (!http_route_takes_document(route))
                return 0;
        if (q->body.size == 0) {
                if (FLAGS_SET(route->flags, ROUTE_BODY_REQUIRED))
                        return error_setf(reterr, ERROR_INVALID,
                                          "invalid JSON: got EOF while reading request body");
                return 0;
        }

        return json_decode_body_text(type, q->body.data, q->body.size, q->version, params, reterr);
}

int http_request_decode(const HttpRequest *q, void *params, Error *reterr) {
        const JsonType *type = q->match.route->call->params;
        int r;

        if (!type)
                return 0;

        r = set_from_body(q, type, params, reterr);
        if (r >= 0)
                r = set_from_path(q, type, params, reterr);
        if (r >= 0)
                r = set_from_query(q, type, params, reterr);
        if (r >= 0)
                r = set_from_headers(q, type, params, reterr);
        return r;
}
