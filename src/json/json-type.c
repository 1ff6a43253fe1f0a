/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json-type.h"

#include <json-c/json.h>
#include <stdio.h>
#include <strings.h>

#include "basic/parse-util.h"

/* Where the decoder is, innermost first, for messages. */
typedef struct Location {
        const struct Location *up;
        const char *name;       /* member, or NULL for an array item */
        size_t index;
} Location;

typedef struct Decoder {
        unsigned version;
        bool body;                      /* rows of path, query and headers are not for this document */
        Error *reterr;
} Decoder;

static int decode_value(Decoder *d, const Location *at, const JsonSpec *spec, unsigned flags, json_object *v,
                        void *m);
static int decode_struct(Decoder *d, const Location *at, const JsonType *type, json_object *v, void *s);
static json_object *encode_value(const JsonSpec *spec, unsigned flags, unsigned version, bool redact,
                                 const void *m);
static int encode_fields(const JsonType *type, unsigned version, bool redact, const void *s,
                         json_object *into);
static void done_value(const JsonSpec *spec, void *m);

/* The common layout of arrays and maps. */
typedef struct List {
        void *items;
        size_t n_items;
} List;

/* -- messages -- */

static int append_location(Buffer *b, const Location *at) {
        int r;

        if (!at)
                return 0;
        r = append_location(b, at->up);
        if (r < 0)
                return r;
        if (!at->name)
                return buffer_appendf(b, "[%zu]", at->index);
        return buffer_appendf(b, "%s%s", b->size > 0 ? "." : "", at->name);
}

static int decode_fail(Decoder *d, const Location *at, const char *what) {
        _cleanup_buffer_ Buffer b = {};

        if (append_location(&b, at) < 0)
                return error_fill(d->reterr, -ENOMEM);
        return error_setf(d->reterr, ERROR_INVALID, "invalid JSON: %s%s%s", strempty(b.data),
                          b.size > 0 ? ": " : "", what);
}

static const char *type_name(json_object *v) {
        static const char *const names[] = {
                [json_type_null] = "null",
                [json_type_boolean] = "a boolean",
                [json_type_double] = "a number",
                [json_type_int] = "an integer",
                [json_type_object] = "an object",
                [json_type_array] = "an array",
                [json_type_string] = "a string",
        };

        return names[json_object_get_type(v)];
}

static int decode_expect(Decoder *d, const Location *at, const char *what, json_object *v) {
        _cleanup_free_ char *s = NULL;

        if (asprintf_safe(&s, "expected %s, got %s", what, type_name(v)) < 0)
                return error_fill(d->reterr, -ENOMEM);
        return decode_fail(d, at, s);
}

/* -- decoding -- */

static int decode_string(Decoder *d, const Location *at, json_object *v, char **ret) {
        const char *s;
        char *copy;

        if (!json_object_is_type(v, json_type_string))
                return decode_expect(d, at, "a string", v);
        s = json_object_get_string(v);
        if (strlen(s) != (size_t) json_object_get_string_len(v))
                return decode_fail(d, at, "the string holds a NUL character");
        copy = strdup(s);
        if (!copy)
                return error_fill(d->reterr, -ENOMEM);
        free(*ret);
        *ret = copy;
        return 0;
}

static int decode_bool(Decoder *d, const Location *at, json_object *v, bool *ret) {
        if (!json_object_is_type(v, json_type_boolean))
                return decode_expect(d, at, "a boolean", v);
        *ret = json_object_get_boolean(v);
        return 0;
}

/* json-c clamps what does not fit: UINT64_MAX and the ends of int64 as "unsigned" tell. */
static int decode_int64(Decoder *d, const Location *at, json_object *v, int64_t *ret) {
        if (!json_object_is_type(v, json_type_int))
                return decode_expect(d, at, "an integer", v);
        if (json_object_get_uint64(v) > INT64_MAX)
                return decode_fail(d, at, "the number is out of range");
        *ret = json_object_get_int64(v);
        return 0;
}

static int decode_uint64(Decoder *d, const Location *at, json_object *v, uint64_t *ret) {
        if (!json_object_is_type(v, json_type_int))
                return decode_expect(d, at, "an integer", v);
        if (json_object_get_int64(v) < 0 || json_object_get_uint64(v) == UINT64_MAX)
                return decode_fail(d, at, "the number is out of range");
        *ret = json_object_get_uint64(v);
        return 0;
}

static int decode_int(Decoder *d, const Location *at, json_object *v, int *ret) {
        int64_t i;
        int r;

        r = decode_int64(d, at, v, &i);
        if (r < 0)
                return r;
        if (i < INT32_MIN || i > INT32_MAX)
                return decode_fail(d, at, "the number is out of range");
        *ret = i;
        return 0;
}

static int decode_optional_int(Decoder *d, const Location *at, json_object *v, OptionalInt *ret) {
        int64_t i;
        int r;

        r = decode_int64(d, at, v, &i);
        if (r < 0)
                return r;
        *ret = (OptionalInt) { true, i };
        return 0;
}

static int decode_tristate(Decoder *d, const Location *at, json_object *v, Tristate *ret) {
        bool b = false;
        int r;

        r = decode_bool(d, at, v, &b);
        if (r < 0)
                return r;
        *ret = b ? TRISTATE_TRUE : TRISTATE_FALSE;
        return 0;
}

static int decode_real(Decoder *d, const Location *at, json_object *v, double *ret) {
        if (!json_object_is_type(v, json_type_double) && !json_object_is_type(v, json_type_int))
                return decode_expect(d, at, "a number", v);
        *ret = json_object_get_double(v);
        return 0;
}

static int decode_time(Decoder *d, const Location *at, json_object *v, nsec_t *ret) {
        if (!json_object_is_type(v, json_type_string))
                return decode_expect(d, at, "a time", v);
        if (parse_rfc3339(json_object_get_string(v), ret) < 0)
                return decode_fail(d, at, "not a time of RFC 3339");
        return 0;
}

static int check_items(Decoder *d, const Location *at, size_t n) {
        return n > JSON_ITEMS_MAX ? decode_fail(d, at, "too many items") : 0;
}

static int decode_strv(Decoder *d, const Location *at, unsigned flags, json_object *v, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;
        bool single = FLAGS_SET(flags, JSON_STRING_OR_LIST) && json_object_is_type(v, json_type_string);
        size_t n;
        int r;

        if (!single && !json_object_is_type(v, json_type_array))
                return decode_expect(d, at, "an array of strings", v);
        n = single ? 1 : json_object_array_length(v);
        r = check_items(d, at, n);
        if (r < 0)
                return r;

        l = new0(char *, n + 1);
        if (!l)
                return error_fill(d->reterr, -ENOMEM);
        for (size_t i = 0; i < n; i++) {
                Location here = { at, NULL, i };

                r = decode_string(d, &here, single ? v : json_object_array_get_idx(v, i), l + i);
                if (r < 0)
                        return r;
        }
        strv_free(*ret);
        *ret = TAKE_PTR(l);
        return 0;
}

/* Keys of an object, or the items of an array: filters come in both forms. */
static int decode_set(Decoder *d, const Location *at, json_object *v, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;
        size_t n = 0;

        if (json_object_is_type(v, json_type_array))
                return decode_strv(d, at, 0, v, ret);
        if (!json_object_is_type(v, json_type_object))
                return decode_expect(d, at, "an object", v);
        if (check_items(d, at, json_object_object_length(v)) < 0)
                return -EINVAL;
        l = new0(char *, (size_t) json_object_object_length(v) + 1);
        if (!l)
                return error_fill(d->reterr, -ENOMEM);
        json_object_object_foreach(v, key, value) {
                if (json_object_is_type(value, json_type_boolean) && !json_object_get_boolean(value))
                        continue;
                l[n] = strdup(key);
                if (!l[n++])
                        return error_fill(d->reterr, -ENOMEM);
        }
        strv_free(*ret);
        *ret = TAKE_PTR(l);
        return 0;
}

static void list_done(const JsonSpec *spec, List *l) {
        for (size_t i = 0; i < l->n_items; i++) {
                char *item = (char *) l->items + i * spec->element_size;

                if (spec->kind == JSON_KIND_MAP)
                        free(*(char **) item);
                done_value(spec->element, item + spec->value_offset);
        }
        free(l->items);
        *l = (List) {};
}

static int decode_array(Decoder *d, const Location *at, const JsonSpec *spec, json_object *v, List *ret) {
        List l = {};
        size_t n;
        int r;

        if (!json_object_is_type(v, json_type_array))
                return decode_expect(d, at, "an array", v);
        n = json_object_array_length(v);
        r = check_items(d, at, n);
        if (r < 0)
                return r;
        l.items = calloc(max_size(n, 1), spec->element_size);
        if (!l.items)
                return error_fill(d->reterr, -ENOMEM);
        for (; l.n_items < n; l.n_items++) {
                Location here = { at, NULL, l.n_items };
                json_object *item = json_object_array_get_idx(v, l.n_items);

                if (!item)
                        continue;
                r = decode_value(d, &here, spec->element, 0, item,
                                 (char *) l.items + l.n_items * spec->element_size);
                if (r < 0) {
                        l.n_items++;
                        list_done(spec, &l);
                        return r;
                }
        }
        list_done(spec, ret);
        *ret = l;
        return 0;
}

static int decode_map_entry(Decoder *d, const Location *at, const JsonSpec *spec, const char *key,
                            json_object *v, char *item) {
        Location here = { at, key, 0 };

        *(char **) item = strdup(key);
        if (!*(char **) item)
                return error_fill(d->reterr, -ENOMEM);
        if (!v)
                return 0;
        return decode_value(d, &here, spec->element, 0, v, item + spec->value_offset);
}

static int decode_map(Decoder *d, const Location *at, const JsonSpec *spec, json_object *v, List *ret) {
        List l = {};
        int r;

        if (!json_object_is_type(v, json_type_object))
                return decode_expect(d, at, "an object", v);
        r = check_items(d, at, json_object_object_length(v));
        if (r < 0)
                return r;
        l.items = calloc(max_size(json_object_object_length(v), 1), spec->element_size);
        if (!l.items)
                return error_fill(d->reterr, -ENOMEM);
        json_object_object_foreach(v, key, value) {
                r = decode_map_entry(d, at, spec, key, value,
                                     (char *) l.items + l.n_items++ * spec->element_size);
                if (r < 0) {
                        list_done(spec, &l);
                        return r;
                }
        }
        list_done(spec, ret);
        *ret = l;
        return 0;
}

static int decode_pointer(Decoder *d, const Location *at, const JsonSpec *spec, json_object *v, void **ret) {
        void *p;
        int r;

        p = json_new(spec->type);
        if (!p)
                return error_fill(d->reterr, -ENOMEM);
        r = decode_struct(d, at, spec->type, v, p);
        if (r < 0) {
                json_free(spec->type, p);
                return r;
        }
        json_free(spec->type, *ret);
        *ret = p;
        return 0;
}

static int decode_value(Decoder *d, const Location *at, const JsonSpec *spec, unsigned flags, json_object *v,
                        void *m) {
        switch (spec->kind) {
        case JSON_KIND_STRING:
                return decode_string(d, at, v, m);
        case JSON_KIND_BOOL:
                return decode_bool(d, at, v, m);
        case JSON_KIND_TRISTATE:
                return decode_tristate(d, at, v, m);
        case JSON_KIND_INT:
                return decode_int(d, at, v, m);
        case JSON_KIND_INT64:
                return decode_int64(d, at, v, m);
        case JSON_KIND_UINT64:
                return decode_uint64(d, at, v, m);
        case JSON_KIND_OPTIONAL_INT:
                return decode_optional_int(d, at, v, m);
        case JSON_KIND_REAL:
                return decode_real(d, at, v, m);
        case JSON_KIND_TIME:
                return decode_time(d, at, v, m);
        case JSON_KIND_STRV:
                return decode_strv(d, at, flags, v, m);
        case JSON_KIND_SET:
                return decode_set(d, at, v, m);
        case JSON_KIND_RAW:
                json_object_put(*(json_object **) m);
                *(json_object **) m = json_object_get(v);
                return 0;
        case JSON_KIND_POINTER:
                return decode_pointer(d, at, spec, v, m);
        case JSON_KIND_STRUCT:
        case JSON_KIND_INLINE:
                return decode_struct(d, at, spec->type, v, m);
        case JSON_KIND_ARRAY:
                return decode_array(d, at, spec, v, m);
        case JSON_KIND_MAP:
                return decode_map(d, at, spec, v, m);
        default:
                assert_not_reached();
        }
}

static bool field_visible(const JsonField *f, unsigned version) {
        if (version == 0)
                return true;
        return (f->since == 0 || version >= f->since) && (f->until == 0 || version <= f->until);
}

/* Exact match first, then without regard to case, the last such key winning as in Go. */
static bool find_member(json_object *v, const char *name, json_object **ret) {
        bool found = false;

        if (json_object_object_get_ex(v, name, ret))
                return true;
        json_object_object_foreach(v, key, value)
                if (strcasecmp(key, name) == 0) {
                        *ret = value;
                        found = true;
                }
        return found;
}

static int decode_field(Decoder *d, const Location *at, const JsonField *f, json_object *v, void *s) {
        void *m = (char *) s + f->offset;
        Location here = { at, f->name, 0 };
        json_object *member = NULL;
        int r;

        if (!field_visible(f, d->version))
                return 0;
        if (d->body && !at && (f->flags & JSON_IN_ANYWHERE) != 0)
                return 0;
        if (f->spec.kind == JSON_KIND_INLINE)
                return decode_struct(d, at, f->spec.type, v, m);
        if (!find_member(v, f->name, &member) || !member) {
                if (FLAGS_SET(f->flags, JSON_REQUIRED) && (f->flags & JSON_IN_ANYWHERE) == 0)
                        return decode_fail(d, &here, "the value is required");
                return 0;
        }
        r = decode_value(d, &here, &f->spec, f->flags, member, m);
        if (r >= 0 && FLAGS_SET(f->flags, JSON_NOT_EMPTY) && isempty(*(char **) m))
                return decode_fail(d, &here, "the value must not be empty");
        return r;
}

static int decode_struct(Decoder *d, const Location *at, const JsonType *type, json_object *v, void *s) {
        if (!json_object_is_type(v, json_type_object))
                return decode_expect(d, at, "an object", v);
        if (json_object_object_length(v) > (int) JSON_MEMBERS_MAX)
                return decode_fail(d, at, "too many members");
        for (size_t i = 0; i < type->n_fields; i++) {
                int r = decode_field(d, at, type->fields + i, v, s);

                if (r < 0)
                        return r;
        }
        return 0;
}

int json_decode(const JsonType *type, json_object *v, unsigned version, void *ret, Error *reterr) {
        Decoder d = { .version = version, .reterr = reterr };

        return decode_struct(&d, NULL, type, v, ret);
}

int json_decode_body(const JsonType *type, json_object *v, unsigned version, void *ret, Error *reterr) {
        Decoder d = { .version = version, .body = true, .reterr = reterr };

        return decode_struct(&d, NULL, type, v, ret);
}

/* -- encoding -- */

static json_object *encode_strv(char *const *l) {
        json_object *a = json_object_new_array();

        STRV_FOREACH(s, l)
                if (!a || json_object_array_add(a, json_object_new_string(*s)) < 0)
                        break;
        return a;
}

static json_object *encode_set(char *const *l) {
        json_object *o = json_object_new_object();

        STRV_FOREACH(s, l)
                if (!o || json_object_object_add(o, *s, json_object_new_object()) < 0)
                        break;
        return o;
}

static json_object *encode_list(const JsonSpec *spec, unsigned version, bool redact, const List *l) {
        bool map = spec->kind == JSON_KIND_MAP;
        json_object *o = map ? json_object_new_object() : json_object_new_array();

        for (size_t i = 0; o && i < l->n_items; i++) {
                const char *item = (const char *) l->items + i * spec->element_size;
                json_object *v = encode_value(spec->element, 0, version, redact, item + spec->value_offset);

                if (map)
                        (void) json_object_object_add(o, *(char *const *) item, v);
                else
                        (void) json_object_array_add(o, v);
        }
        return o;
}

/* The shortest text that reads back as the same number, as Go prints it. */
static json_object *encode_real(double d) {
        char b[64];

        for (int precision = 1; precision <= 17; precision++) {
                snprintf(b, sizeof(b), "%.*g", precision, d);
                if (strtod(b, NULL) == d)
                        break;
        }
        return json_object_new_double_s(d, b);
}

static json_object *encode_time(nsec_t t) {
        char b[TIME_RFC3339_MAX];

        return json_object_new_string(format_rfc3339(b, t));
}

static json_object *encode_struct(const JsonType *type, unsigned version, bool redact, const void *s) {
        json_object *o = json_object_new_object();

        if (o && encode_fields(type, version, redact, s, o) < 0) {
                json_object_put(o);
                return NULL;
        }
        return o;
}

static json_object *encode_string(const char *s, unsigned flags, bool redact) {
        if (redact && FLAGS_SET(flags, JSON_SECRET) && !isempty(s))
                return json_object_new_string("***");
        if (!s && FLAGS_SET(flags, JSON_NULLABLE))
                return NULL;
        return json_object_new_string(strempty(s));
}

static json_object *encode_value(const JsonSpec *spec, unsigned flags, unsigned version, bool redact,
                                 const void *m) {
        switch (spec->kind) {
        case JSON_KIND_STRING:
                return encode_string(*(char *const *) m, flags, redact);
        case JSON_KIND_BOOL:
                return json_object_new_boolean(*(const bool *) m);
        case JSON_KIND_TRISTATE:
                return *(const Tristate *) m == TRISTATE_UNSET ? NULL :
                        json_object_new_boolean(*(const Tristate *) m == TRISTATE_TRUE);
        case JSON_KIND_INT:
                return json_object_new_int64(*(const int *) m);
        case JSON_KIND_INT64:
                return json_object_new_int64(*(const int64_t *) m);
        case JSON_KIND_UINT64:
                return json_object_new_uint64(*(const uint64_t *) m);
        case JSON_KIND_OPTIONAL_INT:
                return ((const OptionalInt *) m)->set ?
                                       json_object_new_int64(((const OptionalInt *) m)->value) :
                                       NULL;
        case JSON_KIND_REAL:
                return encode_real(*(const double *) m);
        case JSON_KIND_TIME:
                return encode_time(*(const nsec_t *) m);
        case JSON_KIND_STRV:
                return *(char **const *) m || FLAGS_SET(flags, JSON_NONNULL) ?
                                       encode_strv(*(char **const *) m) :
                                       NULL;
        case JSON_KIND_SET:
                return *(char **const *) m || FLAGS_SET(flags, JSON_NONNULL) ?
                                       encode_set(*(char **const *) m) :
                                       NULL;
        case JSON_KIND_RAW:
                return json_object_get(*(json_object *const *) m);
        case JSON_KIND_POINTER:
                return *(void *const *) m ? encode_struct(spec->type, version, redact, *(void *const *) m) :
                                            NULL;
        case JSON_KIND_STRUCT:
        case JSON_KIND_INLINE:
                return encode_struct(spec->type, version, redact, m);
        case JSON_KIND_ARRAY:
        case JSON_KIND_MAP:
                return ((const List *) m)->items || FLAGS_SET(flags, JSON_NONNULL) ?
                        encode_list(spec, version, redact, m) : NULL;
        default:
                assert_not_reached();
        }
}

static bool value_is_empty(const JsonSpec *spec, const void *m) {
        switch (spec->kind) {
        case JSON_KIND_STRING:
                return isempty(*(char *const *) m);
        case JSON_KIND_BOOL:
                return !*(const bool *) m;
        case JSON_KIND_TRISTATE:
                return *(const Tristate *) m == TRISTATE_UNSET;
        case JSON_KIND_INT:
                return *(const int *) m == 0;
        case JSON_KIND_INT64:
        case JSON_KIND_UINT64:
        case JSON_KIND_TIME:
                return *(const uint64_t *) m == 0;
        case JSON_KIND_OPTIONAL_INT:
                return !((const OptionalInt *) m)->set;
        case JSON_KIND_REAL:
                return *(const double *) m == 0;
        case JSON_KIND_STRV:
        case JSON_KIND_SET:
                return strv_isempty(*(char **const *) m);
        case JSON_KIND_RAW:
        case JSON_KIND_POINTER:
                return !*(void *const *) m;
        case JSON_KIND_ARRAY:
        case JSON_KIND_MAP:
                return ((const List *) m)->n_items == 0;
        default:
                return false;
        }
}

static int encode_fields(const JsonType *type, unsigned version, bool redact, const void *s,
                         json_object *into) {
        for (size_t i = 0; i < type->n_fields; i++) {
                const JsonField *f = type->fields + i;
                const void *m = (const char *) s + f->offset;

                if (!field_visible(f, version))
                        continue;
                if (f->spec.kind == JSON_KIND_INLINE) {
                        int r = encode_fields(f->spec.type, version, redact, m, into);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (FLAGS_SET(f->flags, JSON_OMITEMPTY) && value_is_empty(&f->spec, m))
                        continue;
                if (json_object_object_add(into, f->name,
                                           encode_value(&f->spec, f->flags, version, redact, m)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

json_object *json_encode(const JsonType *type, const void *s, unsigned version) {
        return encode_struct(type, version, false, s);
}

/* -- life -- */

static void done_value(const JsonSpec *spec, void *m) {
        switch (spec->kind) {
        case JSON_KIND_STRING:
                free(*(char **) m);
                break;
        case JSON_KIND_STRV:
        case JSON_KIND_SET:
                strv_free(*(char ***) m);
                break;
        case JSON_KIND_RAW:
                json_object_put(*(json_object **) m);
                break;
        case JSON_KIND_POINTER:
                json_free(spec->type, *(void **) m);
                break;
        case JSON_KIND_STRUCT:
        case JSON_KIND_INLINE:
                json_done(spec->type, m);
                break;
        case JSON_KIND_ARRAY:
        case JSON_KIND_MAP:
                list_done(spec, m);
                break;
        default:
                break;
        }
}

void json_done(const JsonType *type, void *s) {
        if (!s)
                return;
        for (size_t i = 0; i < type->n_fields; i++)
                done_value(&type->fields[i].spec, (char *) s + type->fields[i].offset);
        memset(s, 0, type->size);
}

void *json_new(const JsonType *type) {
        return calloc(1, type->size);
}

void *json_free(const JsonType *type, void *s) {
        json_done(type, s);
        free(s);
        return NULL;
}

int json_copy(const JsonType *type, const void *src, void *dest) {
        json_object *o = json_encode(type, src, 0);
        int r;

        if (!o)
                return -ENOMEM;
        r = json_decode(type, o, 0, dest, NULL);
        json_object_put(o);
        return r;
}

/* -- maps by hand -- */

const char *string_map_get(const StringMap *m, const char *key) {
        for (size_t i = 0; i < m->n_items; i++)
                if (streq(m->items[i].key, key))
                        return strempty(m->items[i].value);
        return NULL;
}

int string_map_set(StringMap *m, const char *key, const char *value) {
        StringPair p = {}, *items;

        for (size_t i = 0; i < m->n_items; i++)
                if (streq(m->items[i].key, key))
                        return free_and_strdup(&m->items[i].value, value);

        p = (StringPair) { strdup(key), strdup(value) };
        items = reallocarray(m->items, m->n_items + 1, sizeof(*items));
        if (items)
                m->items = items;
        if (!items || !p.key || !p.value) {
                free(p.key);
                free(p.value);
                return -ENOMEM;
        }
        m->items[m->n_items++] = p;
        return 0;
}

void string_map_remove(StringMap *m, const char *key) {
        for (size_t i = 0; i < m->n_items; i++)
                if (streq(m->items[i].key, key)) {
                        free(m->items[i].key);
                        free(m->items[i].value);
                        memmove(m->items + i, m->items + i + 1, (m->n_items - i - 1) * sizeof(StringPair));
                        m->n_items--;
                        return;
                }
}

int string_map_copy(StringMap *dest, const StringMap *src) {
        for (size_t i = 0; i < src->n_items; i++) {
                int r = string_map_set(dest, src->items[i].key, strempty(src->items[i].value));

                if (r < 0)
                        return r;
        }
        return 0;
}

static const JsonSpec string_map_spec = JSON_SPEC_STRING_MAP;

void string_map_done(StringMap *m) {
        done_value(&string_map_spec, m);
}

/* -- text -- */

static char *object_to_raw_text(json_object *o) {
        char *s;

        if (!o)
                return NULL;
        s = strdup(strempty(json_object_to_json_string_ext(
                        o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
        json_object_put(o);
        return s;
}

/* Names of files are any bytes; such a byte becomes U+FFFD, as Go's encoder has it. */
static char *object_to_text(json_object *o) {
        _cleanup_free_ char *raw = object_to_raw_text(o);
        char *s;

        if (!raw || utf8_is_valid(raw, strlen(raw)))
                return TAKE_PTR(raw);
        return utf8_repair(raw, strlen(raw), &s) < 0 ? NULL : s;
}

char *json_encode_text(const JsonType *type, const void *s, unsigned version) {
        return object_to_text(encode_struct(type, version, false, s));
}

char *json_encode_raw_text(const JsonType *type, const void *s) {
        return object_to_raw_text(encode_struct(type, 0, false, s));
}

char *json_redacted_text(const JsonType *type, const void *s) {
        return object_to_text(encode_struct(type, 0, true, s));
}
