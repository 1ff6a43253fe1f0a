/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json-text.h"

#include <ctype.h>
#include <json-c/json.h>
#include <limits.h>

#include "basic/parse-util.h"
#include "basic/string-util.h"
#include "json/json-scan.h"
#include "json/json-type.h"

void json_object_putp(json_object **o) {
        json_object_put(*o);
}

const char *json_text(json_object *o) {
        return strempty(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
                                                                          JSON_C_TO_STRING_NOSLASHESCAPE));
}

static bool only_space(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!strchr(" \t\r\n", s[i]) || s[i] == 0)
                        return false;
        return true;
}

/* What only the parser finds fault with, such as bytes that are not UTF-8, is told in its words. */
static int fail_syntax(const char *text, size_t size, const char *parser_says, size_t offset,
                       Error *reterr) {
        _cleanup_free_ char *fault = NULL;
        int r;

        r = json_scan_fault(text, size, &fault);
        if (r < 0)
                return error_fill(reterr, r);
        if (fault)
                return error_setf(reterr, ERROR_INVALID, "invalid JSON: %s", fault);
        return error_setf(reterr, ERROR_INVALID, "invalid JSON: %s (at offset %zu)", parser_says, offset);
}

static int parse(const char *text, size_t size, unsigned depth, int flags, json_object **ret,
                 Error *reterr) {
        json_tokener *t;
        enum json_tokener_error e;
        json_object *o;
        size_t end;

        if (only_space(text, size))
                return error_setf(reterr, ERROR_INVALID, "invalid JSON: got EOF while reading request body");
        if (size > INT_MAX)
                return error_setf(reterr, ERROR_TOO_LARGE, "the JSON document is too large");

        t = json_tokener_new_ex((int) depth);
        if (!t)
                return error_fill(reterr, -ENOMEM);
        json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS | flags);
        o = json_tokener_parse_ex(t, text, (int) size);
        e = json_tokener_get_error(t);
        end = min_size(json_tokener_get_parse_end(t), size);
        /* A bare number or word at the end of the input asks for more until it sees a terminator. */
        if (e == json_tokener_continue) {
                o = json_tokener_parse_ex(t, "", 1);
                e = json_tokener_get_error(t);
                end = size;
        }
        json_tokener_free(t);

        if (e != json_tokener_success) {
                json_object_put(o);
                if (e == json_tokener_error_depth)
                        return error_setf(reterr, ERROR_INVALID, "invalid JSON: exceeded max depth");
                return fail_syntax(text, size, json_tokener_error_desc(e), end, reterr);
        }
        if (!only_space(text + end, size - end)) {
                json_object_put(o);
                return error_setf(reterr, ERROR_INVALID, "unexpected content after JSON");
        }
        *ret = o;
        return 0;
}

int json_parse(const char *text, size_t size, unsigned depth, json_object **ret, Error *reterr) {
        return parse(text, size, depth, JSON_TOKENER_VALIDATE_UTF8, ret, reterr);
}

int json_decode_raw_text(const JsonType *type, const char *text, size_t size, void *ret, Error *reterr) {
        _cleanup_json_ json_object *o = NULL;
        int r;

        r = parse(text, size, JSON_DEPTH_MAX, 0, &o, reterr);
        if (r < 0)
                return r;
        return o ? json_decode(type, o, 0, ret, reterr) : 0;
}

/* Before the parser makes objects of it. */
static int check_values(const char *text, size_t size, Error *reterr) {
        size_t n_values = 0, n_containers = 0;
        bool quoted = false;

        for (size_t i = 0; i < size; i++)
                if (text[i] == '"')
                        quoted = !quoted;
                else if (quoted)
                        i += text[i] == '\\';
                else if (text[i] == ',')
                        n_values++;
                else if (text[i] == '{' || text[i] == '[')
                        n_containers++;
        if (n_values > JSON_BODY_VALUES_MAX || n_containers > JSON_BODY_CONTAINERS_MAX)
                return error_setf(reterr, ERROR_INVALID, "invalid JSON: too many values");
        return 0;
}

static int decode_text(int (*decode)(const JsonType *, json_object *, unsigned, void *, Error *),
                       const JsonType *type, const char *text, size_t size, unsigned version, void *ret,
                       Error *reterr) {
        _cleanup_json_ json_object *o = NULL;
        int r;

        r = json_parse(text, size, JSON_DEPTH_MAX, &o, reterr);
        if (r < 0)
                return r;
        return o ? decode(type, o, version, ret, reterr) : 0;
}

int json_decode_text(const JsonType *type, const char *text, size_t size, unsigned version, void *ret,
                     Error *reterr) {
        return decode_text(json_decode, type, text, size, version, ret, reterr);
}

int json_decode_body_text(const JsonType *type, const char *text, size_t size, unsigned version, void *ret,
                          Error *reterr) {
        int r;

        r = check_values(text, size, reterr);
        return r < 0 ? r : decode_text(json_decode_body, type, text, size, version, ret, reterr);
}

/* -- single values from path, query and headers -- */

static const JsonField *find_field(const JsonType *type, void *s, unsigned where, const char *name,
                                   void **ret_member) {
        for (size_t i = 0; i < type->n_fields; i++) {
                const JsonField *f = type->fields + i;
                void *m = (char *) s + f->offset;

                if (f->spec.kind == JSON_KIND_INLINE) {
                        const JsonField *g = find_field(f->spec.type, m, where, name, ret_member);
                        if (g)
                                return g;
                } else if ((f->flags & where) != 0 && streq(f->name, name)) {
                        *ret_member = m;
                        return f;
                }
        }
        return NULL;
}

static int set_int64(const char *name, const char *text, int64_t min, int64_t max, int64_t *ret,
                     Error *reterr) {
        int64_t v = 0;

        if (*text && (parse_int64(text, &v) < 0 || v < min || v > max))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid value for '%s': \"%s\" is not a number in range", name, text);
        *ret = v;
        return 0;
}

static int set_from_json(const JsonField *f, void *m, const char *text, Error *reterr) {
        const JsonField one = { .name = f->name, .spec = f->spec, .flags = f->flags & ~JSON_IN_ANYWHERE };
        const JsonType type = { .name = f->name, .size = sizeof(void *), .fields = &one, .n_fields = 1 };
        _cleanup_json_ json_object *o = NULL, *wrapper = NULL;
        int r;

        if (!*text)
                return 0;
        r = json_parse(text, strlen(text), JSON_DEPTH_MAX, &o, NULL);
        if (r >= 0) {
                wrapper = json_object_new_object();
                if (!wrapper || json_object_object_add(wrapper, f->name, json_object_get(o)) < 0)
                        return error_fill(reterr, -ENOMEM);
                r = json_decode(&type, wrapper, 0, m, NULL);
        }
        if (r >= 0)
                return 0;
        if (streq(f->name, "filters"))
                return error_setf(reterr, ERROR_INVALID, "invalid filter");
        return error_setf(reterr, ERROR_INVALID, "invalid value for '%s': \"%s\"", f->name, text);
}

int json_set_from_text(const JsonType *type, void *s, unsigned where, const char *name, const char *text,
                       Error *reterr) {
        const JsonField *f;
        int64_t i = 0;
        void *m;
        int r;

        f = find_field(type, s, where, name, &m);
        if (!f)
                return 0;

        switch (f->spec.kind) {
        case JSON_KIND_STRING:
                r = free_and_strdup(m, text);
                break;
        case JSON_KIND_BOOL:
                *(bool *) m = query_bool(text);
                r = 0;
                break;
        case JSON_KIND_TRISTATE:
                *(Tristate *) m = query_bool(text) ? TRISTATE_TRUE : TRISTATE_FALSE;
                r = 0;
                break;
        case JSON_KIND_INT:
                r = set_int64(name, text, INT_MIN, INT_MAX, &i, reterr);
                if (r >= 0)
                        *(int *) m = (int) i;
                break;
        case JSON_KIND_INT64:
                r = set_int64(name, text, INT64_MIN, INT64_MAX, m, reterr);
                break;
        case JSON_KIND_UINT64:
                r = set_int64(name, text, 0, INT64_MAX, m, reterr);
                break;
        case JSON_KIND_OPTIONAL_INT:
                r = set_int64(name, text, INT64_MIN, INT64_MAX, &i, reterr);
                if (r >= 0 && *text)
                        *(OptionalInt *) m = (OptionalInt) { true, i };
                break;
        case JSON_KIND_STRV:
                r = strv_extend(m, text);
                break;
        default:
                r = set_from_json(f, m, text, reterr);
        }
        return r < 0 ? error_fill(reterr, r) : 1;
}

bool json_type_has_body(const JsonType *type) {
        for (size_t i = 0; type && i < type->n_fields; i++) {
                const JsonField *f = type->fields + i;

                if (f->spec.kind == JSON_KIND_INLINE ? json_type_has_body(f->spec.type) :
                    (f->flags & JSON_IN_ANYWHERE) == 0)
                        return true;
        }
        return false;
}
