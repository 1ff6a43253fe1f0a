/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a JSON document whose shape is not one struct: parse with limits and positions, then walk.
 * Read-only; documents of the API and on disk go through field tables instead. */
#pragma once

#include "basic/error.h"

struct json_object;
typedef struct json_object JsonValue;

typedef enum JsonValueType {
        JSON_VALUE_NULL,
        JSON_VALUE_BOOL,
        JSON_VALUE_INT,
        JSON_VALUE_REAL,
        JSON_VALUE_STRING,
        JSON_VALUE_ARRAY,
        JSON_VALUE_OBJECT,
} JsonValueType;

/* One whole document, strict JSON, at most depth levels. The message names line and column (counted in
 * bytes). */
int json_value_parse(const char *text, size_t size, unsigned depth, JsonValue **ret, Error *reterr);
JsonValue *json_value_unref(JsonValue *v);
DEFINE_TRIVIAL_CLEANUP_FUNC(JsonValue *, json_value_unref);

JsonValueType json_value_type(const JsonValue *v);
/* "a string", "an object", ... for messages. */
const char *json_value_type_name(const JsonValue *v);

/* Borrowed; NULL if it is no string or holds a NUL. */
const char *json_value_string(const JsonValue *v);
/* Strings as they are, everything else as compact JSON; NULL when memory is out. */
char *json_value_text(const JsonValue *v);

size_t json_value_length(const JsonValue *array);
const JsonValue *json_value_at(const JsonValue *array, size_t i);
const JsonValue *json_value_get(const JsonValue *object, const char *key);

/* Calls back for each member in document order until one fails. */
typedef int (*json_member_t)(const char *key, const JsonValue *v, void *userdata, Error *reterr);
int json_value_foreach(const JsonValue *object, json_member_t callback, void *userdata, Error *reterr);
