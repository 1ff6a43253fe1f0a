/* SPDX-License-Identifier: Apache-2.0 */
/* Field tables: const rows that describe a C struct, and the interpreter that decodes, encodes, frees and
 * copies it. One row serves the HTTP body, the query string, the bus, the database and the worker protocol.
 *
 * Go's rules, which Docker's clients rely on: keys match without regard to case (exact first), unknown keys
 * are ignored, null leaves the default, order of output = order of rows. */
#pragma once

#include "basic/error.h"
#include "basic/strv.h"
#include "basic/time-util.h"

struct json_object;

#define JSON_DEPTH_MAX 64U              /* nesting levels of a request body */
#define JSON_ITEMS_MAX 65536U           /* items of one array or map */
#define JSON_MEMBERS_MAX 1024U          /* of an object that is a struct; each is compared with each row */
/* Of a whole request body; one that publishes every port there is has three objects and three commas for
 * each. In memory an object takes about 800 bytes, a number 50, whatever its text; one body is decoded at a
 * time. */
#define JSON_BODY_VALUES_MAX 262144U
#define JSON_BODY_CONTAINERS_MAX 262144U

typedef struct JsonType JsonType;
typedef struct JsonField JsonField;

typedef enum Tristate {
        TRISTATE_UNSET = 0,
        TRISTATE_TRUE = 1,
        TRISTATE_FALSE = -1,
} Tristate;

/* An integer that may be absent (null). */
typedef struct OptionalInt {
        bool set;
        int64_t value;
} OptionalInt;

typedef struct StringPair {
        char *key;
        char *value;
} StringPair;

/* items == NULL: null, not given. */
typedef struct StringMap {
        StringPair *items;
        size_t n_items;
} StringMap;

const char *string_map_get(const StringMap *m, const char *key);
int string_map_set(StringMap *m, const char *key, const char *value);
void string_map_remove(StringMap *m, const char *key);
int string_map_copy(StringMap *dest, const StringMap *src);
void string_map_done(StringMap *m);

/* Docker's filters: {"key": ["value", ...]} or the older {"key": {"value": true}}. */
typedef struct FilterEntry {
        char *key;
        char **value;
} FilterEntry;

typedef struct Filters {
        FilterEntry *items;
        size_t n_items;
} Filters;

/* NULL: the key is not there. */
char **filters_get(const Filters *f, const char *key);
/* Fails with Docker's `invalid filter 'x'` when a key is not in the NULL-terminated list. */
int filters_check_keys(const Filters *f, const char *const *allowed, Error *reterr);
/* A filter that is true or false; several values must agree. UNSET: it is not there. */
int filters_get_tristate(const Filters *f, const char *key, Tristate *ret, Error *reterr);
/* "until": durations back from now and points in time, the earliest of them. Where it is not there
 * FILTERS_NO_UNTIL, which everything is older than: 0 is a time as well, and nothing is older than that. */
#define FILTERS_NO_UNTIL UINT64_MAX
int filters_get_until(const Filters *f, nsec_t *ret, Error *reterr);
/* The same of a prune, which takes one value only. */
int filters_get_prune_until(const Filters *f, nsec_t *ret, Error *reterr);
/* Docker's match of names and ids: the text holds the value, or it matches as a regular expression. */
bool filters_match_text(const char *text, const char *value);
/* "KEY" or "KEY=VALUE". */
bool filters_match_label(const StringMap *labels, const char *value);
/* Each value of "label", and none of "label!". */
bool filters_match_labels(const Filters *f, const StringMap *labels);
/* Every value of the key must be in the NULL-terminated list; what names the values in the error. */
int filters_check_values(const Filters *f, const char *key, const char *what, const char *const *allowed,
                         Error *reterr);

typedef enum JsonKind {
        JSON_KIND_STRING,       /* char * */
        JSON_KIND_BOOL,         /* bool */
        JSON_KIND_TRISTATE,     /* Tristate; null and absent = UNSET */
        JSON_KIND_INT,          /* int */
        JSON_KIND_INT64,        /* int64_t */
        JSON_KIND_UINT64,       /* uint64_t */
        JSON_KIND_OPTIONAL_INT, /* OptionalInt */
        JSON_KIND_REAL,         /* double */
        JSON_KIND_TIME,         /* nsec_t <-> RFC 3339; 0 <-> year 1 */
        JSON_KIND_STRV, /* char **; also accepts one string (Docker's "string or list" members) where
                         * flagged */
        JSON_KIND_SET,     /* char ** <-> {"a": {}, "b": {}} */
        JSON_KIND_RAW,     /* struct json_object *, owned: passed through as it is */
        JSON_KIND_POINTER, /* T *: object or null */
        JSON_KIND_STRUCT,  /* T in place: object */
        JSON_KIND_INLINE,  /* T in place: its rows belong to the enclosing object */
        JSON_KIND_ARRAY,   /* struct { E *items; size_t n_items; } */
        JSON_KIND_MAP,     /* the same, E starts with `char *key` */
} JsonKind;

/* Describes a value in memory: of a row, or of an array's or map's item. */
typedef struct JsonSpec {
        JsonKind kind;
        const JsonType *type;           /* POINTER, STRUCT, INLINE */
        const struct JsonSpec *element; /* ARRAY, MAP: the item's value */
        size_t element_size;            /* ARRAY, MAP: sizeof(E) */
        size_t value_offset;            /* MAP: of the value in E */
} JsonSpec;

typedef enum JsonFlags {
        JSON_REQUIRED = 1 << 0,         /* absent or null is an error */
        JSON_OMITEMPTY = 1 << 1,        /* zero, empty, NULL: left out */
        JSON_NULLABLE = 1 << 2,         /* a NULL string is null, not "" */
        JSON_NONNULL = 1 << 3,          /* a NULL list or map is [] or {}, not null */
        JSON_SECRET = 1 << 4,           /* shown as "***" by json_redacted() */
        JSON_STRING_OR_LIST = 1 << 5,   /* STRV: a lone string is a list of one */
        JSON_NOT_EMPTY = 1 << 6,        /* STRING: "" is refused as if absent (with REQUIRED) */
        JSON_ONCE = 1 << 7,             /* in a query: more than one is refused */
        JSON_IN_PATH = 1 << 8,          /* parameter structs: where the HTTP face takes the value from; */
        JSON_IN_QUERY = 1 << 9,         /* without any of these three: the body */
        JSON_IN_HEADER = 1 << 10,
        JSON_IN_ANYWHERE = JSON_IN_PATH | JSON_IN_QUERY | JSON_IN_HEADER,
} JsonFlags;

struct JsonField {
        const char *name;               /* NULL for INLINE */
        size_t offset;
        JsonSpec spec;
        unsigned flags;
        unsigned since, until;          /* minor API versions, first and last; 0 = open */
};

struct JsonType {
        const char *name;
        size_t size;
        const JsonField *fields;
        size_t n_fields;
};

/* Fails to compile when the member has another C type than the row says. */
#define JSON_CHECKED_OFFSET(T, m, ctype) \
        (offsetof(T, m) +                \
         0 * sizeof(char[__builtin_types_compatible_p(typeof(((T *) 0)->m), ctype) ? 1 : -1]))
#define JSON_SCALAR_ROW(T, m, ctype, row_kind, row_name, row_flags, ...) \
        { .name = (row_name), .offset = JSON_CHECKED_OFFSET(T, m, ctype), .spec = { .kind = (row_kind) }, \
          .flags = (row_flags), ##__VA_ARGS__ }

/* Rows: JSON_STRING(Struct, member, "Name", flags [, .since = 44]) */
#define JSON_STRING(T, m, name, flags, ...) \
        JSON_SCALAR_ROW(T, m, char *, JSON_KIND_STRING, name, flags, ##__VA_ARGS__)
#define JSON_BOOL(T, m, name, flags, ...) \
        JSON_SCALAR_ROW(T, m, bool, JSON_KIND_BOOL, name, flags, ##__VA_ARGS__)
#define JSON_TRISTATE(T, m, name, flags, ...) \
        JSON_SCALAR_ROW(T, m, Tristate, JSON_KIND_TRISTATE, name, flags, ##__VA_ARGS__)
#define JSON_INT(T, m, name, flags, ...) \
        JSON_SCALAR_ROW(T, m, int, JSON_KIND_INT, name, flags, ##__VA_ARGS__)
#define JSON_INT64(T, m, name, flags, ...) \
        JSON_SCALAR_ROW(T, m, int64_t, JSON_KIND_INT64, name, flags, ##__VA_ARGS__)
#define JSON_UINT64(T, m, name, flags, ...) \
        JSON_SCALAR_ROW(T, m, uint64_t, JSON_KIND_UINT64, name, flags, ##__VA_ARGS__)
#define JSON_OPTIONAL_INT(T, m, name, flags, ...) \
        JSON_SCALAR_ROW(T, m, OptionalInt, JSON_KIND_OPTIONAL_INT, name, flags, ##__VA_ARGS__)
#define JSON_REAL(T, m, name, flags, ...) \
        JSON_SCALAR_ROW(T, m, double, JSON_KIND_REAL, name, flags, ##__VA_ARGS__)
#define JSON_TIME(T, m, name, flags, ...) \
        JSON_SCALAR_ROW(T, m, nsec_t, JSON_KIND_TIME, name, flags, ##__VA_ARGS__)
#define JSON_STRV(T, m, name, flags, ...) \
        JSON_SCALAR_ROW(T, m, char **, JSON_KIND_STRV, name, flags, ##__VA_ARGS__)
#define JSON_SET(T, m, name, flags, ...) \
        JSON_SCALAR_ROW(T, m, char **, JSON_KIND_SET, name, flags, ##__VA_ARGS__)
#define JSON_RAW(T, m, name, flags, ...) \
        JSON_SCALAR_ROW(T, m, struct json_object *, JSON_KIND_RAW, name, flags, ##__VA_ARGS__)
#define JSON_OBJECT(T, m, S, row_name, row_flags, ...) \
        { .name = (row_name), .offset = JSON_CHECKED_OFFSET(T, m, S *), \
          .spec = { .kind = JSON_KIND_POINTER, .type = &S##_json }, .flags = (row_flags), ##__VA_ARGS__ }
#define JSON_STRUCT(T, m, S, row_name, row_flags, ...) \
        { .name = (row_name), .offset = JSON_CHECKED_OFFSET(T, m, S), \
          .spec = { .kind = JSON_KIND_STRUCT, .type = &S##_json }, .flags = (row_flags), ##__VA_ARGS__ }
#define JSON_INLINE(T, m, S, row_flags, ...) \
        { .offset = JSON_CHECKED_OFFSET(T, m, S), \
          .spec = { .kind = JSON_KIND_INLINE, .type = &S##_json }, .flags = (row_flags), ##__VA_ARGS__ }

#define JSON_ELEMENT_STRUCT(S) (&(const JsonSpec) { .kind = JSON_KIND_STRUCT, .type = &S##_json })
/* struct { S *items; size_t n_items; } m */
#define JSON_ARRAY(T, m, S, row_name, row_flags, ...)                                                    \
        {                                                                                                \
                .name = (row_name), .offset = offsetof(T, m) + 0 * JSON_CHECKED_OFFSET(T, m.items, S *), \
                .spec = { .kind = JSON_KIND_ARRAY,                                                       \
                          .element = JSON_ELEMENT_STRUCT(S),                                             \
                          .element_size = sizeof(S) },                                                   \
                .flags = (row_flags), ##__VA_ARGS__                                                      \
        }
/* struct { E *items; size_t n_items; } m, E = struct { char *key; S value; } */
#define JSON_MAP(T, m, E, S, row_name, row_flags, ...) \
        { .name = (row_name), .offset = offsetof(T, m) + 0 * JSON_CHECKED_OFFSET(T, m.items, E *), \
          .spec = { .kind = JSON_KIND_MAP, .element = JSON_ELEMENT_STRUCT(S), .element_size = sizeof(E), \
                    .value_offset = JSON_CHECKED_OFFSET(E, value, S) }, \
          .flags = (row_flags), ##__VA_ARGS__ }
/* The same with E = struct { char *key; S *value; }: values may be null. */
#define JSON_MAP_POINTER(T, m, E, S, row_name, row_flags, ...) \
        { .name = (row_name), .offset = offsetof(T, m) + 0 * JSON_CHECKED_OFFSET(T, m.items, E *), \
          .spec = { .kind = JSON_KIND_MAP, \
                    .element = &(const JsonSpec) { .kind = JSON_KIND_POINTER, .type = &S##_json }, \
                    .element_size = sizeof(E), .value_offset = JSON_CHECKED_OFFSET(E, value, S *) }, \
          .flags = (row_flags), ##__VA_ARGS__ }
/* The same with E = struct { char *key; struct { S *items; size_t n_items; } value; }, as in port maps. */
#define JSON_MAP_ARRAY(T, m, E, S, row_name, row_flags, ...)                                             \
        {                                                                                                \
                .name = (row_name), .offset = offsetof(T, m) + 0 * JSON_CHECKED_OFFSET(T, m.items, E *), \
                .spec = { .kind = JSON_KIND_MAP,                                                         \
                          .element = &(const JsonSpec){ .kind = JSON_KIND_ARRAY,                         \
                                                        .element = JSON_ELEMENT_STRUCT(S),               \
                                                        .element_size = sizeof(S) },                     \
                          .element_size = sizeof(E),                                                     \
                          .value_offset = offsetof(E, value) +                                           \
                                          0 * JSON_CHECKED_OFFSET(E, value.items, S *) },                \
                .flags = (row_flags), ##__VA_ARGS__                                                      \
        }
#define JSON_STRING_MAP(T, m, row_name, row_flags, ...) \
        { .name = (row_name), .offset = JSON_CHECKED_OFFSET(T, m, StringMap), .spec = JSON_SPEC_STRING_MAP, \
          .flags = (row_flags), ##__VA_ARGS__ }
#define JSON_SPEC_STRING_MAP \
        { .kind = JSON_KIND_MAP, .element = &(const JsonSpec) { .kind = JSON_KIND_STRING }, \
          .element_size = sizeof(StringPair), .value_offset = offsetof(StringPair, value) }
/* struct { E *items; size_t n_items; } m, E = struct { char *key; uint64_t value; } */
#define JSON_NUMBER_MAP(T, m, E, row_name, row_flags, ...) \
        { .name = (row_name), .offset = offsetof(T, m) + 0 * JSON_CHECKED_OFFSET(T, m.items, E *), \
          .spec = { .kind = JSON_KIND_MAP, .element = &(const JsonSpec) { .kind = JSON_KIND_UINT64 }, \
                    .element_size = sizeof(E), .value_offset = JSON_CHECKED_OFFSET(E, value, uint64_t) }, \
          .flags = (row_flags), ##__VA_ARGS__ }
/* struct { int64_t *items; size_t n_items; } m */
#define JSON_INT64_ARRAY(T, m, row_name, row_flags, ...) \
        { .name = (row_name), .offset = offsetof(T, m) + 0 * JSON_CHECKED_OFFSET(T, m.items, int64_t *), \
          .spec = { .kind = JSON_KIND_ARRAY, .element = &(const JsonSpec) { .kind = JSON_KIND_INT64 }, \
                    .element_size = sizeof(int64_t) }, \
          .flags = (row_flags), ##__VA_ARGS__ }
/* struct { char ***items; size_t n_items; } m: rows of strings */
#define JSON_STRV_ARRAY(T, m, row_name, row_flags, ...) \
        { .name = (row_name), .offset = offsetof(T, m) + 0 * JSON_CHECKED_OFFSET(T, m.items, char ***), \
          .spec = { .kind = JSON_KIND_ARRAY, .element = &(const JsonSpec) { .kind = JSON_KIND_STRV }, \
                    .element_size = sizeof(char **) }, \
          .flags = (row_flags), ##__VA_ARGS__ }
#define JSON_FILTERS(T, m, row_name, row_flags, ...) \
        { .name = (row_name), .offset = JSON_CHECKED_OFFSET(T, m, Filters), \
          .spec = { .kind = JSON_KIND_MAP, .element = &(const JsonSpec) { .kind = JSON_KIND_SET }, \
                    .element_size = sizeof(FilterEntry), .value_offset = offsetof(FilterEntry, value) }, \
          .flags = (row_flags), ##__VA_ARGS__ }

#define JSON_TYPE(T, rows)                                                                    \
        const JsonType T##_json = {                                                           \
                .name = #T, .size = sizeof(T), .fields = (rows), .n_fields = ELEMENTSOF(rows) \
        }
/* A type without rows, for calls whose params have none. */
#define JSON_TYPE_EMPTY(T) const JsonType T##_json = { .name = #T, .size = sizeof(T) }
#define JSON_TYPE_DECLARE(T) extern const JsonType T##_json

/* version: minor API version (51 for 1.51) that selects the rows; 0 = all rows. */

/* Fills a zeroed or defaulted struct; what it points to is owned by the struct, also after a failure
 * (json_done()). Messages start with the JSON path: "HostConfig.Memory: expected an integer, got a
 * string". */
int json_decode(const JsonType *type, struct json_object *v, unsigned version, void *ret, Error *reterr);
/* The same from the body of a request that has a path, a query and headers as well: what belongs to those is
 * not taken from the document. */
int json_decode_body(const JsonType *type, struct json_object *v, unsigned version, void *ret,
                     Error *reterr);
/* A new object, or NULL when memory is out. */
struct json_object *json_encode(const JsonType *type, const void *s, unsigned version);
/* Releases what the struct points to and zeroes it. NULL is fine. */
void json_done(const JsonType *type, void *s);
void *json_new(const JsonType *type);
/* json_done() and free(); returns NULL. */
void *json_free(const JsonType *type, void *s);
/* Deep copy into a zeroed struct. */
int json_copy(const JsonType *type, const void *src, void *dest);

/* Text <-> struct. Text ends without a newline. */
int json_decode_text(const JsonType *type, const char *text, size_t size, unsigned version, void *ret,
                     Error *reterr);
int json_decode_body_text(const JsonType *type, const char *text, size_t size, unsigned version, void *ret,
                          Error *reterr);
char *json_encode_text(const JsonType *type, const void *s, unsigned version);
/* Between processes of ours: strings are any bytes, where json_encode_text() replaces what is not UTF-8. */
char *json_encode_raw_text(const JsonType *type, const void *s);
int json_decode_raw_text(const JsonType *type, const char *text, size_t size, void *ret, Error *reterr);
/* The same with secrets as "***", for logs and dumps. */
char *json_redacted_text(const JsonType *type, const void *s);

/* A value of the path, the query or a header into the row of that place and name (exact match). Booleans and
 * numbers by Docker's query rules; lists grow by one; maps and objects are JSON text. Returns 1, 0 if there
 * is no such row. */
int json_set_from_text(const JsonType *type, void *s, unsigned where, const char *name, const char *text,
                       Error *reterr);
/* True if any row (of any level of INLINE) takes its value from the body. */
bool json_type_has_body(const JsonType *type);

#define DEFINE_JSON_CLEANUP(T)                                  \
        _unused_ static inline void T##_donep(T *p) {           \
                json_done(&T##_json, p);                        \
        }                                                       \
        _unused_ static inline void T##_freep(T **p) {          \
                *p = json_free(&T##_json, *p);                  \
        }
