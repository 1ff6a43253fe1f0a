/* SPDX-License-Identifier: Apache-2.0 */
/* The reply of an engine call into the values of a bus message, by the signature and names of the row. */
#include "basic/string-util.h"
#include "bus/bus-internal.h"
#include "json/json-bus.h"
#include "json/json-text.h"

const char *bus_stream_format(CallStreamKind kind) {
        static const char *const table[] = {
                [CALL_STREAM_JSON] = "json",
                [CALL_STREAM_RAW] = "raw",
                [CALL_STREAM_MULTIPLEXED] = "multiplexed",
                [CALL_STREAM_TAR] = "tar",
                [CALL_STREAM_BYTES] = "tar",
        };

        assert((size_t) kind < ELEMENTSOF(table));
        return table[kind];
}

/* name: of the argument, which is that of the kind. */
static int append_path(sd_bus_message *m, const char *name, const JsonValue *v) {
        static const struct {
                const char *name;
                int (*path)(const char *id, char **ret);
        } table[] = {
                { "container", bus_container_path },
                { "image",     bus_image_path     },
        };
        const char *id = v ? json_value_string(v) : NULL;
        _cleanup_free_ char *path = NULL;
        int r = -EBADMSG;

        for (size_t i = 0; id && i < ELEMENTSOF(table); i++)
                if (streq(name, table[i].name))
                        r = table[i].path(id, &path);
        if (r < 0)
                return r;
        return sd_bus_message_append_basic(m, 'o', path);
}

/* What stands for a field that is null: the bus has none. */
static int append_nothing(sd_bus_message *m, const char *type) {
        int r;

        switch (type[0]) {
        case 's':
                return sd_bus_message_append_basic(m, 's', "");
        case 'b':
                return sd_bus_message_append_basic(m, 'b', &(int) { false });
        case 'x':
        case 't':
                return sd_bus_message_append_basic(m, type[0], &(uint64_t) { 0 });
        case 'a':
                r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, type + 1);
                if (r < 0)
                        return r;
                return sd_bus_message_close_container(m);
        default:
                return -EBADMSG;
        }
}

/* "Error.Message": a member of a member. */
static const JsonValue *get_field(const JsonValue *object, char *field) {
        char *dot = strchr(field, '.');

        if (!dot)
                return json_value_get(object, field);

        *dot = 0;
        object = json_value_get(object, field);
        return object && json_value_type(object) == JSON_VALUE_OBJECT ? json_value_get(object, dot + 1) :
                                                                        NULL;
}

static int append_fields(sd_bus_message *m, const BusRow *row, const JsonValue *object) {
        const char *signature = row->out, *names = row->out_names;
        char type[BUS_TYPE_MAX], name[BUS_WORD_MAX], field[BUS_WORD_MAX];
        int r;

        while (bus_signature_next(&signature, type)) {
                const JsonValue *v;

                bus_names_next(&names, name, field);
                v = get_field(object, field);

                if (streq(type, "o"))
                        r = append_path(m, name, v);
                else if (!v || json_value_type(v) == JSON_VALUE_NULL)
                        r = append_nothing(m, type);
                else
                        r = json_bus_append(m, type, (JsonValue *) v);
                if (r < 0)
                        return r;
        }

        return 0;
}

int bus_reply_values(sd_bus_message *m, const BusRow *row, const void *reply) {
        _cleanup_(json_value_unrefp) JsonValue *object = NULL;

        if (isempty(row->out))
                return 0;
        if (!reply || !row->call->reply)
                return -EBADMSG;

        if (row->call->reply_is_list) {
                const CallList *list = reply;

                if (!streq(row->out, "aa{sv}"))
                        return -EBADMSG;
                return json_bus_append_list(m, row->call->reply, list->items, list->n_items,
                                            API_VERSION_MAX);
        }

        if (streq(row->out, "a{sv}"))
                return json_bus_append_struct(m, row->call->reply, reply, API_VERSION_MAX);

        object = json_encode(row->call->reply, reply, API_VERSION_MAX);
        if (!object)
                return -ENOMEM;
        return append_fields(m, row, object);
}

int bus_reply_lines(sd_bus_message *m, const char *text, size_t size) {
        int r;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "a{sv}");
        if (r < 0)
                return r;

        while (size > 0) {
                _cleanup_(json_value_unrefp) JsonValue *v = NULL;
                const char *end = memchr(text, '\n', size);
                size_t n = end ? (size_t) (end - text) + 1 : size;

                /* The lines are our own; an empty one is no line. */
                if (json_parse(text, n, JSON_DEPTH_MAX, &v, /* reterr= */ NULL) >= 0 && v &&
                    json_value_type(v) == JSON_VALUE_OBJECT) {
                        r = json_bus_append(m, "a{sv}", v);
                        if (r < 0)
                                return r;
                }

                text += n;
                size -= n;
        }

        return sd_bus_message_close_container(m);
}

char *bus_error_line(const Error *error) {
        _cleanup_(json_value_unrefp) JsonValue *line = json_bus_object_new(),
                                               *detail = json_bus_object_new();
        char *text = NULL;

        if (!line || !detail ||
            json_bus_object_set_string(detail, "message", error_message(error)) < 0 ||
            json_bus_object_set_consume(line, "errorDetail", TAKE_PTR(detail)) < 0 ||
            json_bus_object_set_string(line, "error", error_message(error)) < 0)
                return NULL;

        if (asprintf_safe(&text, "%s\r\n", json_text(line)) < 0)
                return NULL;
        return text;
}
