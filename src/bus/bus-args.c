/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of a method into the parameters of its engine call, by the names of the row. */
#include "basic/fd-util.h"
#include "basic/string-util.h"
#include "bus/bus-internal.h"
#include "json/json-bus.h"
#include "json/json-text.h"

#define JSON_ARGUMENT_MAX (4U * 1024U * 1024U)  /* bytes of a JSON text, as of an HTTP body */

/* Options that are for the face itself. */
static const JsonField bus_args_fields[] = {
        JSON_BOOL(BusArgs, cancel_on_disconnect, "cancel-on-disconnect", 0),
};
static JSON_TYPE(BusArgs, bus_args_fields);

bool bus_signature_next(const char **signature, char ret[static BUS_TYPE_MAX]) {
        const char *s = *signature, *p = s;
        unsigned depth = 0;

        if (*p == 0)
                return false;

        /* Rows are our own, so this only has to get correct signatures right. */
        do {
                while (*p == 'a')
                        p++;
                if (*p == '(' || *p == '{')
                        depth++;
                else if (*p == ')' || *p == '}')
                        depth--;
                p++;
        } while (depth > 0);

        assert((size_t) (p - s) < BUS_TYPE_MAX);
        memcpy(ret, s, (size_t) (p - s));
        ret[p - s] = 0;
        *signature = p;
        return true;
}

void bus_names_next(const char **names, char ret_name[static BUS_WORD_MAX],
                    char ret_field[static BUS_WORD_MAX]) {
        size_t n, k;

        n = strcspn(*names, " ");
        assert(n > 0 && n < BUS_WORD_MAX);

        k = min_size(strcspn(*names, "="), n);
        memcpy(ret_name, *names, k);
        ret_name[k] = 0;

        k = k < n ? k + 1 : 0;
        memcpy(ret_field, *names + k, n - k);
        ret_field[n - k] = 0;

        *names += n;
        *names += strspn(*names, " ");
}

static int read_fd(sd_bus_message *m, int *fd) {
        int r, copy;

        r = sd_bus_message_read_basic(m, 'h', &copy);
        if (r < 0)
                return r;

        /* The message keeps its own. */
        copy = fcntl(copy, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
                return -errno;

        safe_close(*fd);
        *fd = copy;
        return 0;
}

static int read_json_text(sd_bus_message *m, JsonValue *into, Error *reterr) {
        _cleanup_(json_value_unrefp) JsonValue *v = NULL;
        const char *text;
        int r;

        r = sd_bus_message_read_basic(m, 's', &text);
        if (r < 0)
                return error_fill(reterr, r);
        if (strlen(text) > JSON_ARGUMENT_MAX)
                return error_setf(reterr, ERROR_TOO_LARGE, "the JSON argument is too large");

        r = json_parse(text, strlen(text), JSON_DEPTH_MAX, &v, reterr);
        if (r < 0)
                return r;
        r = json_bus_object_merge(into, v, /* keep= */ true);
        if (r < 0)
                return error_setf(reterr, ERROR_INVALID, "the JSON argument is not an object");
        return 0;
}

static int check_options(const BusRow *row, JsonValue *options, Error *reterr) {
        const JsonType *const types[] = { &BusArgs_json, row->call->params, NULL };
        const char *unknown = json_bus_object_find_unknown(options, types);

        return unknown ? error_setf(reterr, ERROR_INVALID, "%s has no option \"%.64s\"", row->member,
                                    unknown) : 0;
}

static int read_value(sd_bus_message *m, const BusRow *row, const char *type, const char *field,
                      JsonValue *into, Error *reterr) {
        _cleanup_(json_value_unrefp) JsonValue *v = NULL;
        int r;

        r = json_bus_read(m, &v);
        if (r == -EBADMSG)
                return error_setf(reterr, ERROR_INVALID, "an argument has a type that has no meaning here");
        if (r < 0)
                return error_fill(reterr, r);

        /* Options never replace what is given by position: that was read before, or comes after and wins. */
        if (streq(type, "a{sv}")) {
                r = check_options(row, v, reterr);
                if (r < 0)
                        return r;
                r = json_bus_object_merge(into, v, /* keep= */ true);
        } else
                r = json_bus_object_set_consume(into, field, TAKE_PTR(v));
        return r < 0 ? error_fill(reterr, r) : 0;
}

static int read_all(sd_bus_message *m, const BusRow *row, JsonValue *into, int *fd, Error *reterr) {
        const char *signature = row->in, *names = row->in_names;
        char type[BUS_TYPE_MAX], name[BUS_WORD_MAX], field[BUS_WORD_MAX];
        int r;

        while (bus_signature_next(&signature, type)) {
                bus_names_next(&names, name, field);

                if (streq(type, "h")) {
                        r = read_fd(m, fd);
                        if (r < 0)
                                return error_fill(reterr, r);
                } else if (streq(field, "*")) {
                        r = read_json_text(m, into, reterr);
                        if (r < 0)
                                return r;
                } else {
                        r = read_value(m, row, type, field, into, reterr);
                        if (r < 0)
                                return r;
                }
        }

        return 0;
}

static int merge_defaults(JsonValue *into, const char *text, Error *reterr) {
        _cleanup_(json_value_unrefp) JsonValue *v = NULL;
        int r;

        if (!text)
                return 0;

        r = json_parse(text, strlen(text), JSON_DEPTH_MAX, &v, reterr);
        if (r < 0)
                return r;
        r = json_bus_object_merge(into, v, /* keep= */ true);
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* Parameters that HTTP has in the query are text there even where they mean a number; the bus sends
 * numbers. */
static int numbers_to_text(const JsonType *type, JsonValue *object, Error *reterr) {
        for (size_t i = 0; i < type->n_fields; i++) {
                const JsonField *f = type->fields + i;
                _cleanup_free_ char *text = NULL;
                const JsonValue *v;
                int r;

                if (f->spec.kind != JSON_KIND_STRING || (f->flags & JSON_IN_ANYWHERE) == 0)
                        continue;
                v = json_value_get(object, f->name);
                if (!v || json_value_type(v) != JSON_VALUE_INT)
                        continue;

                text = json_value_text(v);
                r = text ? json_bus_object_set_string(object, f->name, text) : -ENOMEM;
                if (r < 0)
                        return error_fill(reterr, r);
        }

        return 0;
}

static int decode(const BusTarget *target, const BusRow *row, JsonValue *object, void *params,
                  Error *reterr) {
        int r;

        /* Last, so that no option can name another object. */
        if (row->by_name) {
                r = bus_image_set_name(target, object, reterr);
                if (r < 0)
                        return r;
        } else if (target->id) {
                r = json_bus_object_set_string(object, target->interface->id_field, target->id);
                if (r < 0)
                        return error_fill(reterr, r);
        }

        if (!row->call->params)
                return 0;

        r = numbers_to_text(row->call->params, object, reterr);
        if (r < 0)
                return r;
        return json_decode(row->call->params, object, API_VERSION_MAX, params, reterr);
}

/* The tables speak of JSON, which the client has not sent. */
static int name_arguments(int r, Error *reterr) {
        _cleanup_free_ char *message = strdup(error_message(reterr));
        const char *rest = message ? startswith(message, "invalid JSON: ") : NULL;

        return rest ? error_setf(reterr, reterr->kind, "invalid arguments: %s", rest) : r;
}

int bus_args_read(sd_bus_message *m, const BusTarget *target, const BusRow *row, void *params,
                  BusArgs *ret, Error *reterr) {
        _cleanup_(json_value_unrefp) JsonValue *object = NULL;
        _cleanup_close_ int fd = -EBADF;
        BusArgs args = {};
        int r;

        object = json_bus_object_new();
        if (!object)
                return error_fill(reterr, -ENOMEM);

        r = read_all(m, row, object, &fd, reterr);
        if (r < 0)
                return r;
        r = merge_defaults(object, row->defaults, reterr);
        if (r < 0)
                return r;
        r = json_decode(&BusArgs_json, object, API_VERSION_MAX, &args, reterr);
        if (r >= 0)
                r = decode(target, row, object, params, reterr);
        if (r < 0)
                return name_arguments(r, reterr);

        args.fd = TAKE_FD(fd);
        *ret = args;
        return 0;
}
