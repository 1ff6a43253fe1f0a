/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over JSON values and bus messages. Knows no document of ours. The depth of a message, and so
 * of the recursion, is limited by the bus protocol (64 containers); that of JSON by its parser. */
#include "json/json-bus.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "basic/hexdecoct.h"
#include "basic/string-util.h"

/* Maximum of the bus protocol, and the end of the string. */
#define SIGNATURE_MAX 256U

static void json_putp(json_object **o) {
        json_object_put(*o);
}
#define _cleanup_json_put_ _cleanup_(json_putp)

static int read_basic(sd_bus_message *m, char type, json_object **ret) {
        union {
                const char *string;
                int boolean;
                uint8_t u8;
                int16_t i16;
                uint16_t u16;
                int32_t i32;
                uint32_t u32;
                int64_t i64;
                uint64_t u64;
                double real;
        } v = {};
        int r;

        if (type == SD_BUS_TYPE_UNIX_FD)
                return -EBADMSG;

        r = sd_bus_message_read_basic(m, type, &v);
        if (r < 0)
                return r;

        switch (type) {
        case SD_BUS_TYPE_STRING:
        case SD_BUS_TYPE_OBJECT_PATH:
        case SD_BUS_TYPE_SIGNATURE:
                *ret = json_object_new_string(v.string);
                break;
        case SD_BUS_TYPE_BOOLEAN:
                *ret = json_object_new_boolean(v.boolean);
                break;
        case SD_BUS_TYPE_BYTE:
                *ret = json_object_new_int64(v.u8);
                break;
        case SD_BUS_TYPE_INT16:
                *ret = json_object_new_int64(v.i16);
                break;
        case SD_BUS_TYPE_UINT16:
                *ret = json_object_new_int64(v.u16);
                break;
        case SD_BUS_TYPE_INT32:
                *ret = json_object_new_int64(v.i32);
                break;
        case SD_BUS_TYPE_UINT32:
                *ret = json_object_new_int64(v.u32);
                break;
        case SD_BUS_TYPE_INT64:
                *ret = json_object_new_int64(v.i64);
                break;
        case SD_BUS_TYPE_UINT64:
                *ret = json_object_new_uint64(v.u64);
                break;
        case SD_BUS_TYPE_DOUBLE:
                *ret = json_object_new_double(v.real);
                break;
        default:
                return -EBADMSG;
        }

        return *ret ? 0 : -ENOMEM;
}

static int read_bytes(sd_bus_message *m, json_object **ret) {
        _cleanup_free_ char *text = NULL;
        const void *data;
        size_t size;
        int r;

        r = sd_bus_message_read_array(m, SD_BUS_TYPE_BYTE, &data, &size);
        if (r < 0)
                return r;

        text = base64mem(data, size);
        if (!text)
                return -ENOMEM;

        *ret = json_object_new_string(text);
        return *ret ? 0 : -ENOMEM;
}

/* The container is entered; entry is "kv" of its "{kv}". */
static int read_dict_entries(sd_bus_message *m, const char *entry, json_object *o) {
        const char *key;
        int r;

        while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, entry)) > 0) {
                _cleanup_json_put_ json_object *value = NULL;

                r = sd_bus_message_read_basic(m, entry[0], &key);
                if (r < 0)
                        return r;
                r = json_bus_read(m, &value);
                if (r < 0)
                        return r;
                if (json_object_object_add(o, key, value) < 0)
                        return -ENOMEM;
                TAKE_PTR(value);

                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }

        return r;
}

static int read_items(sd_bus_message *m, json_object *array) {
        int r;

        while ((r = sd_bus_message_at_end(m, /* complete= */ false)) == 0) {
                _cleanup_json_put_ json_object *value = NULL;

                r = json_bus_read(m, &value);
                if (r < 0)
                        return r;
                if (json_object_array_add(array, value) < 0)
                        return -ENOMEM;
                TAKE_PTR(value);
        }

        return r < 0 ? r : 0;
}

static int read_container(sd_bus_message *m, char type, const char *contents, json_object **ret) {
        _cleanup_json_put_ json_object *v = NULL;
        bool dict = type == SD_BUS_TYPE_ARRAY && contents[0] == '{';
        int r;

        r = sd_bus_message_enter_container(m, type, contents);
        if (r < 0)
                return r;

        v = dict ? json_object_new_object() : json_object_new_array();
        if (!v)
                return -ENOMEM;

        if (dict) {
                _cleanup_free_ char *entry = strndup_safe(contents + 1, strlen(contents) - 2);

                if (!entry)
                        return -ENOMEM;
                if (!IN_SET(entry[0], 's', 'o', 'g'))
                        return -EBADMSG;
                r = read_dict_entries(m, entry, v);
        } else
                r = read_items(m, v);
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}

static int read_variant(sd_bus_message *m, const char *contents, json_object **ret) {
        _cleanup_json_put_ json_object *v = NULL;
        int r;

        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, contents);
        if (r < 0)
                return r;
        r = json_bus_read(m, &v);
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}

int json_bus_read(sd_bus_message *m, json_object **ret) {
        char contents[SIGNATURE_MAX];
        const char *c;
        char type;
        int r;

        assert(m);
        assert(ret);

        r = sd_bus_message_peek_type(m, &type, &c);
        if (r < 0)
                return r;
        if (r == 0)
                return -ENXIO;

        /* A copy: the message keeps only one such string, and looking at what is inside replaces it. */
        snprintf(contents, sizeof(contents), "%s", strempty(c));

        switch (type) {
        case SD_BUS_TYPE_VARIANT:
                return read_variant(m, contents, ret);
        case SD_BUS_TYPE_ARRAY:
                if (streq(contents, "y"))
                        return read_bytes(m, ret);
                _fallthrough_;
        case SD_BUS_TYPE_STRUCT:
                return read_container(m, type, contents, ret);
        default:
                return read_basic(m, type, ret);
        }
}

/* The bus refuses what is not UTF-8 or holds NUL, and would cut the connection for it. What a container
 * or a program wrote may be anything, so each wrong byte becomes U+FFFD. */
static int append_string(sd_bus_message *m, json_object *v) {
        _cleanup_free_ char *repaired = NULL;
        const char *s = json_object_get_string(v);
        size_t n = (size_t) json_object_get_string_len(v);
        int r;

        if (n == strlen(s) && utf8_is_valid(s, n))
                return sd_bus_message_append_basic(m, 's', s);
        r = utf8_repair(s, n, &repaired);
        return r < 0 ? r : sd_bus_message_append_basic(m, 's', repaired);
}

static int append_unsigned(sd_bus_message *m, char type, json_object *v) {
        uint64_t u;

        if (!json_object_is_type(v, json_type_int))
                return -EBADMSG;
        if (json_object_get_int64(v) < 0)
                return -EBADMSG;

        u = json_object_get_uint64(v);
        if (type == 't')
                return sd_bus_message_append_basic(m, 't', &u);
        if (u > UINT32_MAX)
                return -EBADMSG;
        return sd_bus_message_append_basic(m, 'u', &(uint32_t) { (uint32_t) u });
}

static int append_signed(sd_bus_message *m, char type, json_object *v) {
        int64_t i;

        if (!json_object_is_type(v, json_type_int) || json_object_get_uint64(v) > INT64_MAX)
                return -EBADMSG;

        i = json_object_get_int64(v);
        if (type == 'x')
                return sd_bus_message_append_basic(m, 'x', &i);
        if (i < INT32_MIN || i > INT32_MAX)
                return -EBADMSG;
        return sd_bus_message_append_basic(m, 'i', &(int32_t) { (int32_t) i });
}

static int append_basic(sd_bus_message *m, char type, json_object *v) {
        switch (type) {
        case 's':
                return json_object_is_type(v, json_type_string) ? append_string(m, v) : -EBADMSG;
        case 'o':
                return json_object_is_type(v, json_type_string) ?
                        sd_bus_message_append_basic(m, 'o', json_object_get_string(v)) : -EBADMSG;
        case 'b':
                return json_object_is_type(v, json_type_boolean) ?
                                       sd_bus_message_append_basic(m, 'b',
                                                                   &(int){ json_object_get_boolean(v) }) :
                                       -EBADMSG;
        case 'x':
        case 'i':
                return append_signed(m, type, v);
        case 't':
        case 'u':
                return append_unsigned(m, type, v);
        case 'd':
                return json_object_is_type(v, json_type_double) || json_object_is_type(v, json_type_int) ?
                                       sd_bus_message_append_basic(m, 'd',
                                                                   &(double){ json_object_get_double(v) }) :
                                       -EBADMSG;
        default:
                return -EBADMSG;
        }
}

static int append_dict(sd_bus_message *m, const char *contents, json_object *object) {
        _cleanup_free_ char *entry = strndup_safe(contents + 1, strlen(contents) - 2);
        int r;

        if (!entry)
                return -ENOMEM;
        if (entry[0] != 's' || !json_object_is_type(object, json_type_object))
                return -EBADMSG;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, contents);
        if (r < 0)
                return r;

        json_object_object_foreach(object, key, value) {
                if (!value || !utf8_is_valid(key, strlen(key)))
                        continue;

                r = sd_bus_message_open_container(m, SD_BUS_TYPE_DICT_ENTRY, entry);
                if (r < 0)
                        return r;
                r = sd_bus_message_append_basic(m, 's', key);
                if (r < 0)
                        return r;
                r = json_bus_append(m, entry + 1, value);
                if (r < 0)
                        return r;
                r = sd_bus_message_close_container(m);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}

static int append_array(sd_bus_message *m, const char *contents, json_object *array) {
        int r;

        if (contents[0] == '{')
                return append_dict(m, contents, array);
        if (!json_object_is_type(array, json_type_array))
                return -EBADMSG;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, contents);
        if (r < 0)
                return r;

        for (size_t i = 0; i < json_object_array_length(array); i++) {
                json_object *item = json_object_array_get_idx(array, i);

                if (!item)
                        continue;
                r = json_bus_append(m, contents, item);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}

int json_bus_append(sd_bus_message *m, const char *signature, json_object *v) {
        assert(m);
        assert(signature);

        if (!v)
                return -EBADMSG;

        switch (signature[0]) {
        case 'a':
                return append_array(m, signature + 1, v);
        case 'v':
                return json_bus_append_variant(m, v);
        default:
                return signature[1] == 0 ? append_basic(m, signature[0], v) : -EBADMSG;
        }
}

static const char *array_signature(json_object *v) {
        size_t n = json_object_array_length(v);

        for (size_t i = 0; i < n; i++)
                if (!json_object_is_type(json_object_array_get_idx(v, i), json_type_string))
                        return "av";

        return n > 0 ? "as" : "av";
}

static const char *variant_signature(json_object *v) {
        switch (json_object_get_type(v)) {
        case json_type_string:
                return "s";
        case json_type_boolean:
                return "b";
        case json_type_int:
                return json_object_get_uint64(v) > INT64_MAX ? "t" : "x";
        case json_type_double:
                return "d";
        case json_type_object:
                return "a{sv}";
        case json_type_array:
                return array_signature(v);
        default:
                return NULL;
        }
}

int json_bus_append_variant(sd_bus_message *m, json_object *v) {
        const char *signature;
        int r;

        assert(m);

        signature = variant_signature(v);
        if (!signature)
                return -EINVAL;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_VARIANT, signature);
        if (r < 0)
                return r;
        r = json_bus_append(m, signature, v);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(m);
}

/* The row of a member, in this type or in one that is inlined in it. */
static const JsonField *find_field(const JsonType *type, const char *name) {
        for (size_t i = 0; i < type->n_fields; i++) {
                const JsonField *f = type->fields + i;

                if (f->spec.kind == JSON_KIND_INLINE) {
                        f = find_field(f->spec.type, name);
                        if (f)
                                return f;
                } else if (strcasecmp(f->name, name) == 0)
                        return f;
        }

        return NULL;
}

static bool spec_is_object(const JsonSpec *spec) {
        return IN_SET(spec->kind, JSON_KIND_POINTER, JSON_KIND_STRUCT);
}

static const char *element_signature(const JsonSpec *element, JsonValue *array) {
        if (spec_is_object(element))
                return "aa{sv}";
        if (element->kind == JSON_KIND_STRV)
                return "aas";
        return element->kind == JSON_KIND_INT64 ? "ax" : variant_signature(array);
}

static const char *spec_signature(const JsonSpec *spec, JsonValue *v) {
        switch (spec->kind) {
        case JSON_KIND_INT:
        case JSON_KIND_INT64:
        case JSON_KIND_OPTIONAL_INT:
                return "x";
        case JSON_KIND_UINT64:
                return "t";
        case JSON_KIND_REAL:
                return "d";
        case JSON_KIND_STRV:
                return "as";
        case JSON_KIND_ARRAY:
                return element_signature(spec->element, v);
        case JSON_KIND_MAP:
                return spec->element->kind == JSON_KIND_STRING ? "a{ss}" : "a{sv}";
        default:
                return variant_signature(v);
        }
}

static int append_object_typed(sd_bus_message *m, const JsonType *type, JsonValue *object);

/* Structs inside are walked by their own rows; what has no struct inside goes by its signature. */
static int append_spec(sd_bus_message *m, const JsonSpec *spec, const char *signature, JsonValue *v);

static int append_spec_variant(sd_bus_message *m, const JsonSpec *spec, JsonValue *v) {
        const char *signature = spec_signature(spec, v);
        int r;

        if (!signature)
                return -EBADMSG;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_VARIANT, signature);
        if (r < 0)
                return r;
        r = append_spec(m, spec, signature, v);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(m);
}

static int append_entry_typed(sd_bus_message *m, const char *key, const JsonSpec *spec, JsonValue *v) {
        int r;

        if (!v || !utf8_is_valid(key, strlen(key)))
                return 0;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv");
        if (r < 0)
                return r;
        r = sd_bus_message_append_basic(m, 's', key);
        if (r < 0)
                return r;
        r = append_spec_variant(m, spec, v);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(m);
}

static int append_map_typed(sd_bus_message *m, const JsonSpec *element, JsonValue *object) {
        int r;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r < 0)
                return r;

        json_object_object_foreach(object, key, value) {
                r = append_entry_typed(m, key, element, value);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}

static int append_array_typed(sd_bus_message *m, const JsonType *type, JsonValue *array) {
        int r;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "a{sv}");
        if (r < 0)
                return r;

        for (size_t i = 0; i < json_object_array_length(array); i++) {
                JsonValue *item = json_object_array_get_idx(array, i);

                if (!item)
                        continue;
                r = append_object_typed(m, type, item);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}

static int append_spec(sd_bus_message *m, const JsonSpec *spec, const char *signature, JsonValue *v) {
        switch (spec->kind) {
        case JSON_KIND_POINTER:
        case JSON_KIND_STRUCT:
                return append_object_typed(m, spec->type, v);
        case JSON_KIND_ARRAY:
                return spec_is_object(spec->element) ? append_array_typed(m, spec->element->type, v) :
                                                       json_bus_append(m, signature, v);
        case JSON_KIND_MAP:
                if (spec->element->kind != JSON_KIND_STRING)
                        return append_map_typed(m, spec->element, v);
                _fallthrough_;
        default:
                return json_bus_append(m, signature, v);
        }
}

static int append_object_typed(sd_bus_message *m, const JsonType *type, JsonValue *object) {
        int r;

        if (!json_object_is_type(object, json_type_object))
                return -EBADMSG;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r < 0)
                return r;

        json_object_object_foreach(object, key, value) {
                const JsonField *f = find_field(type, key);

                r = append_entry_typed(m, key, f ? &f->spec : &(const JsonSpec){ .kind = JSON_KIND_RAW },
                                       value);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}

int json_bus_append_struct(sd_bus_message *m, const JsonType *type, const void *s, unsigned version) {
        _cleanup_json_put_ JsonValue *object = NULL;

        assert(m);
        assert(type);
        assert(s);

        object = json_encode(type, s, version);
        if (!object)
                return -ENOMEM;

        return append_object_typed(m, type, object);
}

int json_bus_append_list(sd_bus_message *m, const JsonType *type, const void *items, size_t n,
                         unsigned version) {
        int r;

        assert(m);
        assert(type);

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "a{sv}");
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; i++) {
                r = json_bus_append_struct(m, type, (const char *) items + i * type->size, version);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}

JsonValue *json_bus_object_new(void) {
        return json_object_new_object();
}

int json_bus_object_set_consume(JsonValue *object, const char *key, JsonValue *v) {
        if (json_object_object_add(object, key, v) < 0) {
                json_object_put(v);
                return -ENOMEM;
        }

        return 0;
}

int json_bus_object_set_string(JsonValue *object, const char *key, const char *value) {
        JsonValue *v = json_object_new_string(value);

        if (!v)
                return -ENOMEM;
        return json_bus_object_set_consume(object, key, v);
}

static bool object_has(JsonValue *object, const char *name) {
        json_object_object_foreach(object, key, value) {
                (void) value;
                if (strcasecmp(key, name) == 0)
                        return true;
        }

        return false;
}

int json_bus_object_merge(JsonValue *object, const JsonValue *other, bool keep) {
        int r;

        if (!json_object_is_type(other, json_type_object))
                return -EBADMSG;

        json_object_object_foreach((JsonValue *) other, key, value) {
                if (keep && object_has(object, key))
                        continue;
                r = json_bus_object_set_consume(object, key, json_object_get(value));
                if (r < 0)
                        return r;
        }

        return 0;
}

const char *json_bus_object_find_unknown(JsonValue *object, const JsonType *const *types) {
        json_object_object_foreach(object, key, value) {
                const JsonType *const *t = types;

                (void) value;
                while (*t && !find_field(*t, key))
                        t++;
                if (!*t)
                        return key;
        }
        return NULL;
}
