/* SPDX-License-Identifier: Apache-2.0 */
/* Turns the rows of an interface into the table that sd-bus takes. */
#include "basic/string-util.h"
#include "bus/bus-internal.h"

struct BusVtable {
        sd_bus_vtable *entries;
        char **names;           /* one string a row, of strings that end in NUL */
        size_t n_names;
};

/* "a b=c" and "d" become "a\0b\0d\0". */
static char *names_to_nulstr(const char *in, const char *out) {
        const char *lists[] = { in, out };
        char name[BUS_WORD_MAX], field[BUS_WORD_MAX];
        Buffer b = {};

        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                for (const char *p = lists[i]; *p; ) {
                        bus_names_next(&p, name, field);
                        if (buffer_append(&b, name, strlen(name) + 1) < 0) {
                                buffer_done(&b);
                                return NULL;
                        }
                }

        return buffer_steal(&b);
}

/* Passwords among the parameters: the messages are erased when they are freed. */
static bool has_secrets(const JsonType *type) {
        for (size_t i = 0; type && i < type->n_fields; i++)
                if (FLAGS_SET(type->fields[i].flags, JSON_SECRET))
                        return true;
        return false;
}

static sd_bus_vtable method_entry(const BusRow *row, const char *names) {
        /* Unprivileged: who may call is asked of polkit by the engine. sd-bus's own check would wait for the
         * bus. */
        sd_bus_vtable entry = {
                .type = _SD_BUS_VTABLE_METHOD,
                .flags = SD_BUS_VTABLE_UNPRIVILEGED |
                         (has_secrets(row->call->params) ? SD_BUS_VTABLE_SENSITIVE : 0),
                .x = {
                        .method = {
                                .member = row->member,
                                .signature = row->in,
                                .result = row->out,
                                .handler = bus_method_handler,
                                .names = names,
                        },
                },
        };

        return entry;
}

static size_t count_extra(const sd_bus_vtable *extra) {
        size_t n = 0;

        assert(extra[0].type == _SD_BUS_VTABLE_START);
        while (extra[n + 1].type != _SD_BUS_VTABLE_END)
                n++;
        return n;
}

int bus_vtable_new(const BusInterface *interface, BusVtable **ret) {
        static const sd_bus_vtable start = SD_BUS_VTABLE_START(0), end = SD_BUS_VTABLE_END;
        size_t n_extra = count_extra(interface->extra), n = 0;
        BusVtable *v;

        v = new0(BusVtable, 1);
        if (!v)
                return -ENOMEM;

        v->entries = new0(sd_bus_vtable, interface->n_rows + n_extra + 2);
        v->names = new0(char *, interface->n_rows);
        if (!v->entries || !v->names) {
                bus_vtable_free(v);
                return -ENOMEM;
        }

        v->entries[n++] = start;
        memcpy(v->entries + n, interface->extra + 1, n_extra * sizeof(sd_bus_vtable));
        n += n_extra;

        for (size_t i = 0; i < interface->n_rows; i++) {
                const BusRow *row = interface->rows + i;

                v->names[i] = names_to_nulstr(row->in_names, row->out_names);
                v->n_names = i + 1;
                if (!v->names[i]) {
                        bus_vtable_free(v);
                        return -ENOMEM;
                }
                v->entries[n++] = method_entry(row, v->names[i]);
        }

        v->entries[n] = end;
        *ret = v;
        return 0;
}

BusVtable *bus_vtable_free(BusVtable *v) {
        if (!v)
                return NULL;

        for (size_t i = 0; i < v->n_names; i++)
                free(v->names[i]);
        free(v->names);
        free(v->entries);
        return mfree(v);
}

const sd_bus_vtable *bus_vtable_get(const BusVtable *v) {
        return v->entries;
}

const BusRow *bus_interface_find(const BusInterface *interface, const char *member) {
        for (size_t i = 0; i < interface->n_rows; i++)
                if (streq(interface->rows[i].member, member))
                        return interface->rows + i;

        return NULL;
}
