/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what the objects on the bus look like, or which polkit actions the calls need, and checks the
 * rows of the interfaces against the tables of their calls: each call of the engine has a method. For tests
 * only; not installed. */
#include <stdio.h>

#include "basic/string-util.h"
#include "bus/bus-internal.h"

static int print_actions(void) {
        for (size_t i = 0; engine_calls[i]; i++)
                if (engine_calls[i]->action)
                        printf(AUTHZ_ACTION_PREFIX "%s\n", engine_calls[i]->action);
        return 0;
}

/* name is a field, or "Field.Member" of a struct inside. */
static bool type_has(const JsonType *type, const char *name) {
        size_t n = strcspn(name, ".");

        for (size_t i = 0; type && i < type->n_fields; i++) {
                const JsonField *f = type->fields + i;

                if (f->spec.kind == JSON_KIND_INLINE) {
                        if (type_has(f->spec.type, name))
                                return true;
                } else if (strlen(f->name) == n && strncmp(f->name, name, n) == 0)
                        return name[n] == 0 || type_has(f->spec.type, name + n + 1);
        }

        return false;
}

static unsigned finding(const BusRow *row, const char *what, const char *name) {
        printf("%s (%s): %s%s\n", row->member, row->call->name, what, name);
        return 1;
}

static unsigned check_in(const BusInterface *interface, const BusRow *row) {
        const char *signature = row->in, *names = row->in_names;
        char type[BUS_TYPE_MAX], name[BUS_WORD_MAX], field[BUS_WORD_MAX];
        unsigned n = 0;

        while (bus_signature_next(&signature, type)) {
                bus_names_next(&names, name, field);

                if (streq(type, "h")) {
                        if (!FLAGS_SET(row->call->flags, CALL_INPUT))
                                n += finding(row, "the call takes no byte stream", "");
                } else if (!streq(type, "a{sv}") && !streq(field, "*") &&
                           !type_has(row->call->params, field))
                        n += finding(row, "the call has no parameter ", field);
        }

        if (!isempty(names))
                n += finding(row, "more names than arguments: ", names);
        if (interface->id_field && !type_has(row->call->params, interface->id_field))
                n += finding(row, "the call has no parameter ", interface->id_field);
        return n;
}

static bool shape_fits(const BusRow *row) {
        const EngineCall *call = row->call;

        if (row->operation)
                return streq(row->out, "o") && FLAGS_SET(call->flags, CALL_STREAM) && !call->reply;
        if (row->out[0] == 0)
                return !call->reply;
        if (streq(row->out, "hs"))
                return (call->flags & (CALL_STREAM | CALL_HIJACK)) != 0;
        if (streq(row->out, "aa{sv}"))
                return call->reply_is_list || (call->flags & CALL_STREAM);
        return call->reply && !call->reply_is_list;
}

static unsigned check_out(const BusRow *row) {
        const char *signature = row->out, *names = row->out_names;
        char type[BUS_TYPE_MAX], name[BUS_WORD_MAX], field[BUS_WORD_MAX];
        bool fields = !row->operation && !streq(row->out, "hs") && !streq(row->out, "a{sv}") &&
                      !streq(row->out, "aa{sv}");
        unsigned n = 0;

        if (!shape_fits(row))
                n += finding(row, "the call does not answer with ", row->out);

        while (bus_signature_next(&signature, type)) {
                bus_names_next(&names, name, field);
                if (fields && !type_has(row->call->reply, field))
                        n += finding(row, "the reply has no field ", field);
        }

        if (!isempty(names))
                n += finding(row, "more names than values: ", names);
        return n;
}

static const BusInterface *const interfaces[] = {
        &bus_manager_interface,
        &bus_container_interface,
        &bus_image_interface,
        &bus_operation_interface,
};

static bool has_row(const EngineCall *call) {
        for (size_t i = 0; i < ELEMENTSOF(interfaces); i++)
                for (size_t k = 0; k < interfaces[i]->n_rows; k++)
                        if (interfaces[i]->rows[k].call == call)
                                return true;
        return false;
}

static int check_rows(void) {
        unsigned n = 0;

        for (size_t i = 0; i < ELEMENTSOF(interfaces); i++)
                for (size_t k = 0; k < interfaces[i]->n_rows; k++)
                        n += check_in(interfaces[i], interfaces[i]->rows + k) +
                             check_out(interfaces[i]->rows + k);

        for (size_t i = 0; engine_calls[i]; i++)
                if (!has_row(engine_calls[i])) {
                        printf("%s: there is no method for this call in src/bus/\n", engine_calls[i]->name);
                        n++;
                }

        printf("%u findings\n", n);
        return n > 0;
}

int main(int argc, char *argv[]) {
        static const struct {
                const char *kind, *path;
        } objects[] = {
                { "manager",   BUS_ROOT_PATH             },
                { "container", BUS_CONTAINER_PREFIX "/x" },
                { "image",     BUS_IMAGE_PREFIX "/x"     },
                { "operation", BUS_OPERATION_PREFIX "/x" },
        };
        const char *what = argc == 2 ? argv[1] : "";

        if (streq(what, "actions"))
                return print_actions();
        if (streq(what, "rows"))
                return check_rows();
        for (size_t i = 0; i < ELEMENTSOF(objects); i++)
                if (streq(what, objects[i].kind))
                        return bus_introspect(objects[i].path, stdout) < 0;

        fprintf(stderr, "usage: bus-introspect actions|rows|manager|container|image|operation\n");
        return 2;
}
