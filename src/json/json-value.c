/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json-value.h"

#include <json-c/json.h>
#include <limits.h>

#include "basic/string-util.h"

static void position(const char *text, size_t offset, unsigned *ret_line, unsigned *ret_column) {
        *ret_line = *ret_column = 1;
        for (size_t i = 0; i < offset; i++)
                if (text[i] == '\n') {
                        (*ret_line)++;
                        *ret_column = 1;
                } else
                        (*ret_column)++;
}

int json_value_parse(const char *text, size_t size, unsigned depth, JsonValue **ret, Error *reterr) {
        struct json_tokener *t;
        enum json_tokener_error e;
        JsonValue *v;
        size_t end;

        assert(text);
        assert(ret);

        if (size >= INT_MAX)
                return error_setf(reterr, ERROR_TOO_LARGE, "JSON document of %zu bytes is too large", size);
        t = json_tokener_new_ex((int) depth);
        if (!t)
                return error_fill(reterr, -ENOMEM);
        json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);

        /* One byte more, the NUL: a document that ends early is told as such instead of "continue". */
        v = json_tokener_parse_ex(t, text, (int) size + 1);
        e = json_tokener_get_error(t);
        end = min_size(json_tokener_get_parse_end(t), size);
        json_tokener_free(t);

        if (e != json_tokener_success) {
                unsigned line, column;

                json_object_put(v);
                position(text, end, &line, &column);
                return error_setf(reterr, ERROR_INVALID, "invalid JSON at line %u, column %u: %s",
                                  line, column,
                                  end >= size ? "unexpected end of input" : json_tokener_error_desc(e));
        }
        *ret = v;
        return 0;
}

JsonValue *json_value_unref(JsonValue *v) {
        json_object_put(v);
        return NULL;
}

JsonValueType json_value_type(const JsonValue *v) {
        static const JsonValueType types[] = {
                [json_type_null]    = JSON_VALUE_NULL,
                [json_type_boolean] = JSON_VALUE_BOOL,
                [json_type_int]     = JSON_VALUE_INT,
                [json_type_double]  = JSON_VALUE_REAL,
                [json_type_string]  = JSON_VALUE_STRING,
                [json_type_array]   = JSON_VALUE_ARRAY,
                [json_type_object]  = JSON_VALUE_OBJECT,
        };

        return types[json_object_get_type(v)];
}

const char *json_value_type_name(const JsonValue *v) {
        static const char *const names[] = {
                [JSON_VALUE_NULL]   = "null",
                [JSON_VALUE_BOOL]   = "a boolean",
                [JSON_VALUE_INT]    = "a number",
                [JSON_VALUE_REAL]   = "a fractional number",
                [JSON_VALUE_STRING] = "a string",
                [JSON_VALUE_ARRAY]  = "an array",
                [JSON_VALUE_OBJECT] = "an object",
        };

        return names[json_value_type(v)];
}

const char *json_value_string(const JsonValue *v) {
        const char *s;

        if (json_value_type(v) != JSON_VALUE_STRING)
                return NULL;
        s = json_object_get_string((JsonValue *) v);
        return strlen(s) == (size_t) json_object_get_string_len(v) ? s : NULL;
}

char *json_value_text(const JsonValue *v) {
        const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;

        if (json_value_type(v) == JSON_VALUE_STRING)
                return strdup(json_object_get_string((JsonValue *) v));
        return strdup(json_object_to_json_string_ext((JsonValue *) v, flags));
}

size_t json_value_length(const JsonValue *array) {
        return json_value_type(array) == JSON_VALUE_ARRAY ? json_object_array_length(array) : 0;
}

const JsonValue *json_value_at(const JsonValue *array, size_t i) {
        assert(i < json_value_length(array));

        return json_object_array_get_idx(array, i);
}

const JsonValue *json_value_get(const JsonValue *object, const char *key) {
        struct json_object *v = NULL;

        if (json_value_type(object) == JSON_VALUE_OBJECT)
                json_object_object_get_ex(object, key, &v);
        return v;
}

int json_value_foreach(const JsonValue *object, json_member_t callback, void *userdata, Error *reterr) {
        struct json_object_iterator i, end;
        int r = 0;

        if (json_value_type(object) != JSON_VALUE_OBJECT)
                return 0;
        i = json_object_iter_begin((JsonValue *) object);
        end = json_object_iter_end(object);
        for (; r >= 0 && !json_object_iter_equal(&i, &end); json_object_iter_next(&i))
                r = callback(json_object_iter_peek_name(&i), json_object_iter_peek_value(&i), userdata,
                             reterr);
        return r < 0 ? r : 0;
}
