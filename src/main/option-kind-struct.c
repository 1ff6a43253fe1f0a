/* SPDX-License-Identifier: Apache-2.0 */
/* The types of options that fill small structs: runtimes, ulimits, address pools. */
#include "basic/net-addr.h"
#include "basic/parse-util.h"
#include "basic/strv.h"
#include "main/option-kind.h"

/* One more item of a list {items, n_items}; returns it zeroed, or NULL. */
#define LIST_ADD(list)                                                                        \
        ({                                                                                    \
                typeof((list)->items) _new = reallocarray((list)->items, (list)->n_items + 1, \
                                                          sizeof((list)->items[0]));          \
                if (_new) {                                                                   \
                        (list)->items = _new;                                                 \
                        _new += (list)->n_items++;                                            \
                        *_new = (typeof(*_new)){};                                            \
                }                                                                             \
                _new;                                                                         \
        })

static int foreach_object(const Option *o, void *member, const JsonValue *v, json_member_t callback,
                          Error *reterr) {
        if (json_value_type(v) != JSON_VALUE_OBJECT)
                return option_json_type_error("an object", v, reterr);
        return json_value_foreach(v, callback, member, reterr);
}

/* --- runtimes --- */

static void runtime_done(DaemonRuntime *r) {
        free(r->name);
        free(r->path);
        strv_free(r->args);
        free(r->type);
        free(r->options_json);
}

static int runtime_add(DaemonRuntimeList *l, const char *name, DaemonRuntime **ret, Error *reterr) {
        DaemonRuntime *n;

        if (isempty(name) || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != strlen(name))
                return error_setf(reterr, ERROR_INVALID, "invalid runtime name: '%s'", name);
        if (streq(name, "runc") || streq(name, "crun"))
                return error_setf(reterr, ERROR_INVALID, "runtime name '%s' is reserved", name);
        for (size_t i = 0; i < l->n_items; i++)
                if (streq(l->items[i].name, name))
                        return error_setf(reterr, ERROR_INVALID, "runtime '%s' was already defined", name);
        n = LIST_ADD(l);
        if (!n)
                return error_fill(reterr, -ENOMEM);
        n->name = strdup(name);
        if (!n->name) {
                l->n_items--;
                return error_fill(reterr, -ENOMEM);
        }
        *ret = n;
        return 0;
}

static int set_runtime(const Option *o, void *member, const char *text, Error *reterr) {
        _cleanup_free_ char *name = NULL;
        const char *eq = strchr(text, '=');
        DaemonRuntime *n;
        int r;

        if (!eq || !eq[1])
                return error_setf(reterr, ERROR_INVALID, "invalid runtime argument: %s", text);
        name = strndup_safe(text, (size_t) (eq - text));
        if (!name)
                return error_fill(reterr, -ENOMEM);
        r = runtime_add(member, strstrip(ascii_strlower(name)), &n, reterr);
        if (r < 0)
                return r;
        n->path = strdup(eq + 1);
        return n->path ? 0 : error_fill(reterr, -ENOMEM);
}

static int runtime_args_from_json(DaemonRuntime *n, const JsonValue *v, Error *reterr) {
        if (json_value_type(v) == JSON_VALUE_NULL)
                return 0;
        if (json_value_type(v) != JSON_VALUE_ARRAY)
                return option_json_type_error("an array of strings", v, reterr);
        for (size_t i = 0; i < json_value_length(v); i++) {
                const JsonValue *item = json_value_at(v, i);

                if (!json_value_string(item))
                        return option_json_type_error("an array of strings", item, reterr);
                if (strv_extend(&n->args, json_value_string(item)) < 0)
                        return error_fill(reterr, -ENOMEM);
        }
        return 0;
}

static int runtime_field(const char *key, const JsonValue *v, void *userdata, Error *reterr) {
        DaemonRuntime *n = ASSERT_PTR((DaemonRuntime *) userdata);
        bool is_path = streq(key, "path");
        char *text;

        if (streq(key, "runtimeArgs"))
                return runtime_args_from_json(n, v, reterr);
        if (is_path || streq(key, "runtimeType")) {
                if (!json_value_string(v))
                        return option_json_type_error("a string", v, reterr);
                if (free_and_strdup(is_path ? &n->path : &n->type, empty_to_null(json_value_string(v))) < 0)
                        return error_fill(reterr, -ENOMEM);
                return 0;
        }
        if (!streq(key, "options"))
                return error_setf(reterr, ERROR_INVALID, "unknown key \"%s\"", key);
        text = json_value_text(v);
        if (!text)
                return error_fill(reterr, -ENOMEM);
        free_and_replace(n->options_json, text);
        return 0;
}

static int runtime_from_json(const char *name, const JsonValue *v, void *userdata, Error *reterr) {
        DaemonRuntime *n;
        int r;

        r = runtime_add(userdata, name, &n, reterr);
        if (r < 0)
                return r;
        if (json_value_type(v) != JSON_VALUE_OBJECT)
                return option_json_type_error("an object", v, reterr);
        r = json_value_foreach(v, runtime_field, n, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "runtime '%s'", name);
        if (!n->path && !n->type)
                return error_setf(reterr, ERROR_INVALID,
                                  "runtime '%s': either a runtimeType or a path must be configured", name);
        if (n->path && n->type)
                return error_setf(reterr, ERROR_INVALID,
                                  "runtime '%s': cannot configure both path and runtimeType", name);
        if (n->type && n->args)
                return error_setf(reterr, ERROR_INVALID,
                                  "runtime '%s': cannot use runtimeArgs with a runtimeType", name);
        if (n->path && n->options_json)
                return error_setf(reterr, ERROR_INVALID, "runtime '%s': cannot use options with a path",
                                  name);
        return 0;
}

static int set_runtimes_json(const Option *o, void *member, const JsonValue *v, Error *reterr) {
        return foreach_object(o, member, v, runtime_from_json, reterr);
}

static int format_runtimes(const void *member, Buffer *b) {
        const DaemonRuntimeList *l = member;
        int r = buffer_append_str(b, "[");

        for (size_t i = 0; i < l->n_items && r >= 0; i++)
                r = buffer_appendf(b, "%s%s=%s", i > 0 ? " " : "", l->items[i].name,
                                   l->items[i].path ?: strempty(l->items[i].type));
        return r < 0 ? r : buffer_append_str(b, "]");
}

static bool equal_runtimes(const void *a, const void *b) {
        const DaemonRuntimeList *x = a, *y = b;

        if (x->n_items != y->n_items)
                return false;
        for (size_t i = 0; i < x->n_items; i++) {
                const DaemonRuntime *p = x->items + i, *q = y->items + i;

                if (!streq_ptr(p->name, q->name) || !streq_ptr(p->path, q->path) ||
                    !streq_ptr(p->type, q->type) || !streq_ptr(p->options_json, q->options_json) ||
                    !strv_equal(p->args, q->args))
                        return false;
        }
        return true;
}

static void clear_runtimes(void *member) {
        DaemonRuntimeList *l = member;

        for (size_t i = 0; i < l->n_items; i++)
                runtime_done(l->items + i);
        free(l->items);
        *l = (DaemonRuntimeList){};
}

const OptionKind option_kind_runtimes = {
        .type_name = "runtime",
        .repeatable = true,
        .size = sizeof(DaemonRuntimeList),
        .set = set_runtime,
        .set_json = set_runtimes_json,
        .format = format_runtimes,
        .equal = equal_runtimes,
        .clear = clear_runtimes,
};

/* --- ulimits --- */

static const char *const ulimit_names[] = {
        "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
        "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",
};

/* Replaces an earlier limit of the name. */
static int ulimit_add(DaemonUlimitList *l, const char *name, int64_t soft, int64_t hard, Error *reterr) {
        DaemonUlimit *u = NULL;
        bool known = false;

        for (size_t i = 0; i < ELEMENTSOF(ulimit_names); i++)
                known = known || streq(ulimit_names[i], name);
        if (!known)
                return error_setf(reterr, ERROR_INVALID, "invalid ulimit type: %s", name);
        if (soft < -1 || hard < -1)
                return error_setf(reterr, ERROR_INVALID, "ulimit %s: limits are -1 or not negative", name);
        if (hard != -1 && (soft == -1 || soft > hard))
                return error_setf(reterr, ERROR_INVALID,
                                  "ulimit soft limit must be less than or equal to hard limit: "
                                  "%lld > %lld",
                                  (long long) soft, (long long) hard);

        for (size_t i = 0; i < l->n_items && !u; i++)
                if (streq(l->items[i].name, name))
                        u = l->items + i;
        if (!u) {
                _cleanup_free_ char *copy = strdup(name);

                u = copy ? LIST_ADD(l) : NULL;
                if (!u)
                        return error_fill(reterr, -ENOMEM);
                u->name = TAKE_PTR(copy);
        }
        u->soft = soft;
        u->hard = hard;
        return 0;
}

static int set_ulimit(const Option *o, void *member, const char *text, Error *reterr) {
        _cleanup_free_ char *copy = strdup(text);
        char *value, *colon;
        int64_t soft, hard;

        if (!copy)
                return error_fill(reterr, -ENOMEM);
        value = strchr(copy, '=');
        if (!value)
                return error_setf(reterr, ERROR_INVALID, "invalid ulimit argument: %s", text);
        *value++ = 0;
        colon = strchr(value, ':');
        if (colon)
                *colon++ = 0;
        if (parse_int64(value, &soft) < 0 || (colon && parse_int64(colon, &hard) < 0))
                return error_setf(reterr, ERROR_INVALID, "invalid ulimit argument: %s", text);
        return ulimit_add(member, copy, soft, colon ? hard : soft, reterr);
}

static int json_integer(const JsonValue *object, const char *key, int64_t *ret, Error *reterr) {
        _cleanup_free_ char *text = NULL;
        const JsonValue *v;

        v = json_value_get(object, key);
        if (json_value_type(v) == JSON_VALUE_NULL) {
                *ret = 0;
                return 0;
        }
        text = json_value_text(v);
        if (!text)
                return error_fill(reterr, -ENOMEM);
        if (json_value_type(v) != JSON_VALUE_INT || parse_int64(text, ret) < 0)
                return option_json_type_error("an integer", v, reterr);
        return 0;
}

static int ulimit_from_json(const char *name, const JsonValue *v, void *userdata, Error *reterr) {
        const char *inner = json_value_string(json_value_get(v, "Name"));
        int64_t soft, hard;
        int r;

        if (json_value_type(v) != JSON_VALUE_OBJECT)
                return option_json_type_error("an object with Name, Soft and Hard", v, reterr);
        r = json_integer(v, "Soft", &soft, reterr);
        if (r >= 0)
                r = json_integer(v, "Hard", &hard, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "%s", name);
        return ulimit_add(userdata, inner ?: name, soft, hard, reterr);
}

static int set_ulimits_json(const Option *o, void *member, const JsonValue *v, Error *reterr) {
        return foreach_object(o, member, v, ulimit_from_json, reterr);
}

static int format_ulimits(const void *member, Buffer *b) {
        const DaemonUlimitList *l = member;
        int r = buffer_append_str(b, "[");

        for (size_t i = 0; i < l->n_items && r >= 0; i++)
                r = buffer_appendf(b, "%s%s=%lld:%lld", i > 0 ? " " : "", l->items[i].name,
                                   (long long) l->items[i].soft, (long long) l->items[i].hard);
        return r < 0 ? r : buffer_append_str(b, "]");
}

static bool equal_ulimits(const void *a, const void *b) {
        const DaemonUlimitList *x = a, *y = b;

        if (x->n_items != y->n_items)
                return false;
        for (size_t i = 0; i < x->n_items; i++)
                if (!streq(x->items[i].name, y->items[i].name) || x->items[i].soft != y->items[i].soft ||
                    x->items[i].hard != y->items[i].hard)
                        return false;
        return true;
}

static void clear_ulimits(void *member) {
        DaemonUlimitList *l = member;

        for (size_t i = 0; i < l->n_items; i++)
                free(l->items[i].name);
        free(l->items);
        *l = (DaemonUlimitList){};
}

const OptionKind option_kind_ulimits = {
        .type_name = "ulimit",
        .repeatable = true,
        .size = sizeof(DaemonUlimitList),
        .set = set_ulimit,
        .set_json = set_ulimits_json,
        .format = format_ulimits,
        .equal = equal_ulimits,
        .clear = clear_ulimits,
};

/* --- address pools --- */

static int pool_add(DaemonAddressPoolList *l, const char *base, uint32_t size, Error *reterr) {
        _cleanup_free_ char *copy = NULL;
        DaemonAddressPool *p;
        NetPrefix prefix;

        if (net_prefix_parse(base, &prefix) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid base pool \"%s\": not a CIDR", base);
        if (size < prefix.length || size > (prefix.addr.family == AF_INET ? 32U : 128U))
                return error_setf(reterr, ERROR_INVALID, "invalid pool size: %u", size);
        copy = strdup(base);
        p = copy ? LIST_ADD(l) : NULL;
        if (!p)
                return error_fill(reterr, -ENOMEM);
        *p = (DaemonAddressPool){ .base = TAKE_PTR(copy), .size = size };
        return 0;
}

static int set_pool(const Option *o, void *member, const char *text, Error *reterr) {
        _cleanup_strv_free_ char **fields = NULL;
        const char *base = NULL;
        uint32_t size = 0;

        if (strv_split(text, ",", &fields) < 0)
                return error_fill(reterr, -ENOMEM);
        STRV_FOREACH(f, fields) {
                const char *v;

                if ((v = startswith(*f, "base=")))
                        base = v;
                else if (!(v = startswith(*f, "size=")) || parse_uint32(v, &size) < 0)
                        return error_setf(reterr, ERROR_INVALID,
                                          "unexpected field '%s' (base=CIDR,size=PREFIX is expected)", *f);
        }
        if (!base)
                return error_setf(reterr, ERROR_INVALID,
                                  "base is missing (base=CIDR,size=PREFIX is expected)");
        return pool_add(member, base, size, reterr);
}

static int set_pools_json(const Option *o, void *member, const JsonValue *v, Error *reterr) {
        int r;

        if (json_value_type(v) != JSON_VALUE_ARRAY)
                return option_json_type_error("an array of objects with base and size", v, reterr);
        for (size_t i = 0; i < json_value_length(v); i++) {
                const JsonValue *item = json_value_at(v, i), *base = json_value_get(item, "base");
                int64_t size;

                if (!json_value_string(base))
                        return option_json_type_error("an object with base and size", item, reterr);
                r = json_integer(item, "size", &size, reterr);
                if (r < 0)
                        return r;
                r = pool_add(member, json_value_string(base), size < 0 || size > 128 ? 0 : (uint32_t) size,
                             reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int format_pools(const void *member, Buffer *b) {
        const DaemonAddressPoolList *l = member;
        int r = buffer_append_str(b, "[");

        for (size_t i = 0; i < l->n_items && r >= 0; i++)
                r = buffer_appendf(b, "%sbase=%s,size=%u", i > 0 ? " " : "", l->items[i].base,
                                   l->items[i].size);
        return r < 0 ? r : buffer_append_str(b, "]");
}

static bool equal_pools(const void *a, const void *b) {
        const DaemonAddressPoolList *x = a, *y = b;

        if (x->n_items != y->n_items)
                return false;
        for (size_t i = 0; i < x->n_items; i++)
                if (!streq(x->items[i].base, y->items[i].base) || x->items[i].size != y->items[i].size)
                        return false;
        return true;
}

static void clear_pools(void *member) {
        DaemonAddressPoolList *l = member;

        for (size_t i = 0; i < l->n_items; i++)
                free(l->items[i].base);
        free(l->items);
        *l = (DaemonAddressPoolList){};
}

const OptionKind option_kind_pools = {
        .type_name = "pool-options",
        .repeatable = true,
        .size = sizeof(DaemonAddressPoolList),
        .set = set_pool,
        .set_json = set_pools_json,
        .format = format_pools,
        .equal = equal_pools,
        .clear = clear_pools,
};
