/* SPDX-License-Identifier: Apache-2.0 */
/* What the objects have in common: how they are listed, and what is sent of them. */
#include "basic/strv.h"
#include "bus/bus-internal.h"

#define CHANGES_MAX 32U                 /* bits of an unsigned */

sd_bus *bus_face_ready(BusFace *f) {
        return f->bus && bus_connection_get(f->connection) ? f->bus : NULL;
}

void bus_target_done(BusTarget *t) {
        free(t->id);
        free(t->path);
}

void bus_target_emit_added(const BusTarget *t) {
        sd_bus *bus = bus_face_ready(t->face);

        if (bus)
                (void) sd_bus_emit_object_added(bus, t->path);
}

void bus_target_emit_removed(const BusTarget *t) {
        sd_bus *bus = bus_face_ready(t->face);

        if (bus)
                (void) sd_bus_emit_object_removed(bus, t->path);
}

void bus_target_emit_changes(const BusTarget *t, const BusChange *table, size_t n, unsigned changed) {
        char *names[CHANGES_MAX + 1] = {};
        sd_bus *bus = bus_face_ready(t->face);
        size_t k = 0;

        assert(n <= CHANGES_MAX);
        for (size_t i = 0; i < n; i++)
                if (changed & table[i].bit)
                        names[k++] = (char *) table[i].property;

        if (k > 0 && bus)
                (void) sd_bus_emit_properties_changed_strv(bus, t->path, t->interface->name, names);
}

int bus_targets_enumerate(const Hashmap *targets, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;
        const BusTarget *t;
        size_t n = 0;

        l = new0(char *, hashmap_size(targets) + 1);
        if (!l)
                return -ENOMEM;

        HASHMAP_FOREACH(t, targets) {
                l[n] = strdup(t->path);
                if (!l[n++])
                        return -ENOMEM;
        }

        *ret = TAKE_PTR(l);
        return 1;
}

int bus_append_string_map(sd_bus_message *m, const StringMap *map) {
        int r;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{ss}");
        if (r < 0)
                return r;

        for (size_t i = 0; i < map->n_items; i++) {
                r = sd_bus_message_append(m, "{ss}", map->items[i].key, map->items[i].value);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}
