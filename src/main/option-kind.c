/* SPDX-License-Identifier: Apache-2.0 */
/* The scalar and string-list types of options. The types with a structure of their own are in option-
 * kind-struct.c. */
#include "main/option-kind.h"

#include "basic/parse-util.h"
#include "basic/strv.h"

int option_json_type_error(const char *expected, const JsonValue *v, Error *reterr) {
        return error_setf(reterr, ERROR_INVALID, "expected %s, got %s", expected, json_value_type_name(v));
}

static int check_value(const Option *o, const char *text, Error *reterr) {
        return o->check ? o->check(text, reterr) : 0;
}

/* Numbers and booleans reach set() in their JSON form, which is the text form as well. */
static int set_from_json_text(const Option *o, void *member, const JsonValue *v, Error *reterr) {
        _cleanup_free_ char *text = NULL;

        text = json_value_text(v);
        if (!text)
                return error_fill(reterr, -ENOMEM);
        return o->kind->set(o, member, text, reterr);
}

static bool equal_bool(const void *a, const void *b) {
        return *(const bool *) a == *(const bool *) b;
}

static int set_bool(const Option *o, void *member, const char *text, Error *reterr) {
        int r = parse_go_bool(text);

        if (r < 0)
                return error_setf(reterr, ERROR_INVALID, "\"%s\" is neither true nor false", text);
        *(bool *) member = r > 0;
        return 0;
}

static int set_bool_json(const Option *o, void *member, const JsonValue *v, Error *reterr) {
        if (json_value_type(v) != JSON_VALUE_BOOL)
                return option_json_type_error("a boolean", v, reterr);
        return set_from_json_text(o, member, v, reterr);
}

static int format_bool(const void *member, Buffer *b) {
        return buffer_append_str(b, *(const bool *) member ? "true" : "false");
}

static void clear_bool(void *member) {
        *(bool *) member = false;
}

const OptionKind option_kind_bool = {
        .type_name = "",
        .no_argument = true,
        .size = sizeof(bool),
        .set = set_bool,
        .set_json = set_bool_json,
        .format = format_bool,
        .equal = equal_bool,
        .clear = clear_bool,
};

static int set_json_integer(const Option *o, void *member, const JsonValue *v, Error *reterr) {
        if (json_value_type(v) != JSON_VALUE_INT)
                return option_json_type_error("an integer", v, reterr);
        return set_from_json_text(o, member, v, reterr);
}

static int set_int(const Option *o, void *member, const char *text, Error *reterr) {
        int r = parse_int(text, member);

        if (r == -ERANGE)
                return error_setf(reterr, ERROR_INVALID, "%s is out of range", text);
        if (r < 0)
                return error_setf(reterr, ERROR_INVALID, "\"%s\" is not an integer", text);
        return 0;
}

static int format_int(const void *member, Buffer *b) {
        return buffer_appendf(b, "%d", *(const int *) member);
}

static bool equal_int(const void *a, const void *b) {
        return *(const int *) a == *(const int *) b;
}

static void clear_int(void *member) {
        *(int *) member = 0;
}

const OptionKind option_kind_int = {
        .type_name = "int",
        .size = sizeof(int),
        .set = set_int,
        .set_json = set_json_integer,
        .format = format_int,
        .equal = equal_int,
        .clear = clear_int,
};

static int set_int64(const Option *o, void *member, const char *text, Error *reterr) {
        int r = parse_int64(text, member);

        if (r == -ERANGE)
                return error_setf(reterr, ERROR_INVALID, "%s is out of range", text);
        if (r < 0)
                return error_setf(reterr, ERROR_INVALID, "\"%s\" is not an integer", text);
        return 0;
}

static int format_int64(const void *member, Buffer *b) {
        return buffer_appendf(b, "%lld", (long long) *(const int64_t *) member);
}

static bool equal_int64(const void *a, const void *b) {
        return *(const int64_t *) a == *(const int64_t *) b;
}

static void clear_int64(void *member) {
        *(int64_t *) member = 0;
}

const OptionKind option_kind_int64 = {
        .type_name = "int",
        .size = sizeof(int64_t),
        .set = set_int64,
        .set_json = set_json_integer,
        .format = format_int64,
        .equal = equal_int64,
        .clear = clear_int64,
};

static int set_bytes(const Option *o, void *member, const char *text, Error *reterr) {
        if (parse_bytes(text, member) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid size: '%s'", text);
        return 0;
}

static int set_bytes_json(const Option *o, void *member, const JsonValue *v, Error *reterr) {
        if (!IN_SET(json_value_type(v), JSON_VALUE_STRING, JSON_VALUE_INT))
                return option_json_type_error("a size (\"64M\") or a number of bytes", v, reterr);
        return set_from_json_text(o, member, v, reterr);
}

static int format_bytes(const void *member, Buffer *b) {
        static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
        uint64_t v = *(const uint64_t *) member;
        size_t u = 0;

        while (v >= 1024 && v % 1024 == 0 && u + 1 < ELEMENTSOF(units)) {
                v /= 1024;
                u++;
        }
        return buffer_appendf(b, "%llu%s", (unsigned long long) v, units[u]);
}

static bool equal_bytes(const void *a, const void *b) {
        return *(const uint64_t *) a == *(const uint64_t *) b;
}

static void clear_bytes(void *member) {
        *(uint64_t *) member = 0;
}

const OptionKind option_kind_bytes = {
        .type_name = "bytes",
        .size = sizeof(uint64_t),
        .set = set_bytes,
        .set_json = set_bytes_json,
        .format = format_bytes,
        .equal = equal_bytes,
        .clear = clear_bytes,
};

static int set_string(const Option *o, void *member, const char *text, Error *reterr) {
        if (string_has_control(text))
                return error_setf(reterr, ERROR_INVALID, "control characters are not allowed");
        /* An empty string is "not given", as upstream has it. What it may be is checked by
         * config_validate(), when the file and the flags are merged, again as upstream. */
        if (free_and_strdup(member, empty_to_null(text)) < 0)
                return error_fill(reterr, -ENOMEM);
        return 0;
}

static int set_string_json(const Option *o, void *member, const JsonValue *v, Error *reterr) {
        if (!json_value_string(v))
                return option_json_type_error("a string", v, reterr);
        return set_string(o, member, json_value_string(v), reterr);
}

static int format_string(const void *member, Buffer *b) {
        return buffer_append_str(b, strempty(*(char *const *) member));
}

static bool equal_string(const void *a, const void *b) {
        return streq(strempty(*(char *const *) a), strempty(*(char *const *) b));
}

static void clear_string(void *member) {
        char **s = member;

        *s = mfree(*s);
}

const OptionKind option_kind_string = {
        .type_name = "string",
        .size = sizeof(char *),
        .set = set_string,
        .set_json = set_string_json,
        .format = format_string,
        .equal = equal_string,
        .clear = clear_string,
};

static int set_list(const Option *o, void *member, const char *text, Error *reterr) {
        int r;

        if (string_has_control(text))
                return error_setf(reterr, ERROR_INVALID, "control characters are not allowed");
        r = check_value(o, text, reterr);
        if (r < 0)
                return r;
        r = strv_extend(member, text);
        return r < 0 ? error_fill(reterr, r) : 0;
}

static int set_list_json(const Option *o, void *member, const JsonValue *v, Error *reterr) {
        int r;

        if (json_value_type(v) != JSON_VALUE_ARRAY)
                return option_json_type_error("an array of strings", v, reterr);
        for (size_t i = 0; i < json_value_length(v); i++) {
                const JsonValue *item = json_value_at(v, i);

                if (!json_value_string(item))
                        return option_json_type_error("an array of strings", item, reterr);
                r = set_list(o, member, json_value_string(item), reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int format_list(const void *member, Buffer *b) {
        _cleanup_free_ char *joined = NULL;
        char *const *l = *(char **const *) member;

        joined = strv_join(l, " ");
        if (!joined)
                return -ENOMEM;
        return buffer_appendf(b, "[%s]", joined);
}

/* No list and an empty list are the same setting. */
static bool equal_list(const void *a, const void *b) {
        char *const *x = *(char **const *) a, *const *y = *(char **const *) b;

        if (strv_isempty(x) || strv_isempty(y))
                return strv_isempty(x) && strv_isempty(y);
        return strv_equal(x, y);
}

static void clear_list(void *member) {
        char ***l = member;

        *l = strv_free(*l);
}

const OptionKind option_kind_list = {
        .type_name = "list",
        .repeatable = true,
        .size = sizeof(char **),
        .set = set_list,
        .set_json = set_list_json,
        .format = format_list,
        .equal = equal_list,
        .clear = clear_list,
};

static int set_map(const Option *o, void *member, const char *text, Error *reterr) {
        const char *eq = strchr(text, '=');
        int r;

        if (string_has_control(text))
                return error_setf(reterr, ERROR_INVALID, "control characters are not allowed");
        if (!eq || eq == text)
                return error_setf(reterr, ERROR_INVALID, "\"%s\" is not of the form key=value", text);
        r = check_value(o, text, reterr);
        if (r < 0)
                return r;
        r = strv_env_set(member, text);
        return r < 0 ? error_fill(reterr, r) : 0;
}

typedef struct MemberContext {
        const Option *option;
        void *member;
        const char *prefix; /* driver of default-network-opts */
        bool booleans;
} MemberContext;

static int set_map_member(const char *key, const JsonValue *v, void *userdata, Error *reterr) {
        MemberContext *c = ASSERT_PTR((MemberContext *) userdata);
        _cleanup_free_ char *value = NULL, *text = NULL;
        int r;

        if (c->booleans ? json_value_type(v) != JSON_VALUE_BOOL : !json_value_string(v)) {
                (void) option_json_type_error(c->booleans ? "a boolean" : "a string", v, reterr);
                return error_prefixf(reterr, -EINVAL, "%s", key);
        }
        value = json_value_text(v);
        if (!value)
                return error_fill(reterr, -ENOMEM);
        r = asprintf_safe(&text, "%s%s%s=%s", strempty(c->prefix), c->prefix ? "=" : "", key, value);
        if (r < 0)
                return error_fill(reterr, r);
        return c->option->kind->set(c->option, c->member, text, reterr);
}

static int set_map_json(const Option *o, void *member, const JsonValue *v, Error *reterr) {
        MemberContext c = { .option = o, .member = member, .booleans = o->kind == &option_kind_bool_map };

        if (json_value_type(v) != JSON_VALUE_OBJECT)
                return option_json_type_error("an object", v, reterr);
        return json_value_foreach(v, set_map_member, &c, reterr);
}

static int format_map(const void *member, Buffer *b) {
        _cleanup_strv_free_ char **sorted = NULL;
        char *const *l = *(char **const *) member;
        const char *separator = "";
        int r;

        sorted = strv_copy(l);
        if (!sorted && !strv_isempty(l))
                return -ENOMEM;
        if (sorted)
                strv_sort(sorted);
        r = buffer_append_str(b, "map[");
        STRV_FOREACH(s, sorted) {
                size_t n = strcspn(*s, "=");

                if (r >= 0)
                        r = buffer_appendf(b, "%s%.*s:%s", separator, (int) n, *s,
                                           (*s)[n] ? *s + n + 1 : "");
                separator = " ";
        }
        return r < 0 ? r : buffer_append_str(b, "]");
}

const OptionKind option_kind_map = {
        .type_name = "map",
        .repeatable = true,
        .size = sizeof(char **),
        .set = set_map,
        .set_json = set_map_json,
        .format = format_map,
        .equal = equal_list,
        .clear = clear_list,
};

static int set_bool_map(const Option *o, void *member, const char *text, Error *reterr) {
        _cleanup_free_ char *assignment = NULL;
        const char *eq = strchr(text, '=');
        int r;

        if (eq && parse_go_bool(eq + 1) < 0)
                return error_setf(reterr, ERROR_INVALID, "\"%s\" is neither true nor false", eq + 1);
        r = asprintf_safe(&assignment, "%.*s=%s", (int) strcspn(text, "="), text,
                          !eq || parse_go_bool(eq + 1) > 0 ? "true" : "false");
        if (r < 0)
                return error_fill(reterr, r);
        return set_map(o, member, assignment, reterr);
}

const OptionKind option_kind_bool_map = {
        .type_name = "map",
        .repeatable = true,
        .size = sizeof(char **),
        .set = set_bool_map,
        .set_json = set_map_json,
        .format = format_map,
        .equal = equal_list,
        .clear = clear_list,
};

static int set_map_map(const Option *o, void *member, const char *text, Error *reterr) {
        const char *eq = strchr(text, '=');

        if (!eq || eq == text || !strchr(eq + 1, '=') || eq[1] == '=')
                return error_setf(reterr, ERROR_INVALID, "\"%s\" is not of the form driver=key=value", text);
        return set_list(o, member, text, reterr);
}

static int set_map_map_member(const char *key, const JsonValue *v, void *userdata, Error *reterr) {
        MemberContext c = *ASSERT_PTR((MemberContext *) userdata);

        c.prefix = key;
        if (json_value_type(v) != JSON_VALUE_OBJECT)
                return option_json_type_error("an object of objects", v, reterr);
        return json_value_foreach(v, set_map_member, &c, reterr);
}

static int set_map_map_json(const Option *o, void *member, const JsonValue *v, Error *reterr) {
        MemberContext c = { .option = o, .member = member };

        if (json_value_type(v) != JSON_VALUE_OBJECT)
                return option_json_type_error("an object of objects", v, reterr);
        return json_value_foreach(v, set_map_map_member, &c, reterr);
}

const OptionKind option_kind_map_map = {
        .type_name = "mapmap",
        .repeatable = true,
        .size = sizeof(char **),
        .set = set_map_map,
        .set_json = set_map_map_json,
        .format = format_map,
        .equal = equal_list,
        .clear = clear_list,
};

static int set_object_json(const Option *o, void *member, const JsonValue *v, Error *reterr) {
        char *text;

        if (json_value_type(v) != JSON_VALUE_OBJECT)
                return option_json_type_error("an object", v, reterr);
        text = json_value_text(v);
        if (!text)
                return error_fill(reterr, -ENOMEM);
        if (streq(text, "{}"))
                text = mfree(text);
        free_and_replace(*(char **) member, text);
        return 0;
}

const OptionKind option_kind_object = {
        .type_name = "object",
        .size = sizeof(char *),
        .set = set_string,
        .set_json = set_object_json,
        .format = format_string,
        .equal = equal_string,
        .clear = clear_string,
};
