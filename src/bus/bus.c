/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the face: objects on each new bus, the name once the daemon serves, signals from the engine's
 * events. */
#include "bus/bus.h"

#include "basic/log.h"
#include "basic/strv.h"
#include "bus/bus-internal.h"

static const struct {
        const char *path;
        const BusInterface *interface;
        sd_bus_object_find_t find;      /* NULL: one object */
        sd_bus_node_enumerator_t enumerate;
} kind_table[] = {
        [BUS_KIND_MANAGER] = { BUS_ROOT_PATH, &bus_manager_interface },
        [BUS_KIND_CONTAINER] = { BUS_CONTAINER_PREFIX, &bus_container_interface, bus_container_find,
                                 bus_container_enumerate },
        [BUS_KIND_IMAGE] = { BUS_IMAGE_PREFIX, &bus_image_interface, bus_image_find, bus_image_enumerate },
        [BUS_KIND_OPERATION] = { BUS_OPERATION_PREFIX, &bus_operation_interface, bus_operation_find,
                                 bus_operation_enumerate },
};
_Static_assert(ELEMENTSOF(kind_table) == _BUS_KIND_MAX, "a kind without a row");

static int new_vtables(BusVtable *ret[static _BUS_KIND_MAX]) {
        for (BusKind k = 0; k < _BUS_KIND_MAX; k++) {
                int r = bus_vtable_new(kind_table[k].interface, ret + k);

                if (r < 0)
                        return r;
        }

        return 0;
}

static void free_vtables(BusVtable *vtables[static _BUS_KIND_MAX]) {
        for (BusKind k = 0; k < _BUS_KIND_MAX; k++)
                vtables[k] = bus_vtable_free(vtables[k]);
}

static void fill_objects(BusVtable *vtables[static _BUS_KIND_MAX], BusObject ret[static _BUS_KIND_MAX]) {
        for (BusKind k = 0; k < _BUS_KIND_MAX; k++)
                ret[k] = (BusObject) {
                        .path = kind_table[k].path,
                        .interface = kind_table[k].interface->name,
                        .vtable = bus_vtable_get(vtables[k]),
                        .find = kind_table[k].find,
                        .enumerate = kind_table[k].enumerate,
                        .object_manager = k == BUS_KIND_MANAGER,
                };
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        uint32_t result = 0;

        if (sd_bus_message_is_method_error(m, NULL))
                log_warning("Cannot take the name " BUS_NAME " on the message bus: %s",
                            sd_bus_message_get_error(m)->message);
        else if (sd_bus_message_read(m, "u", &result) >= 0 && result == 2)
                log_warning("The name " BUS_NAME " is taken on the message bus, waiting for it");
        else
                log_debug("Took the name " BUS_NAME " on the message bus");
        return 0;
}

static void request_name(BusFace *f) {
        int r;

        if (!f->serving || !f->bus || !bus_connection_get(f->connection))
                return;

        r = sd_bus_request_name_async(f->bus, /* ret_slot= */ NULL, BUS_NAME, SD_BUS_NAME_QUEUE, on_name, f);
        if (r < 0)
                log_warning_errno(r, "Cannot ask for the name " BUS_NAME " on the message bus: %m");
}

static int face_opened(BusFace *f, sd_bus *bus) {
        BusObject objects[_BUS_KIND_MAX];
        int r;

        fill_objects(f->vtables, objects);

        r = sd_bus_add_filter(bus, /* slot= */ NULL, bus_guard_filter, f);
        if (r < 0)
                return r;
        /* The manager's methods want a target, find() of the others wants the face. */
        r = bus_objects_add(bus, objects, 1, &f->manager);
        if (r < 0)
                return r;
        r = bus_objects_add(bus, objects + 1, _BUS_KIND_MAX - 1, f);
        if (r < 0)
                return r;

        f->bus = bus;
        return 0;
}

static void face_lost(BusFace *f) {
        if (f->was_ready && bus_connection_last_error(f->connection) < 0)
                log_warning("Lost the message bus, connecting again");

        f->was_ready = false;
        engine_set_bus(f->engine, NULL);
        while (f->clients)
                bus_client_free(f->clients);
        bus_guard_done_all(f);
        f->bus = NULL;
}

static int on_bus(BusConnection *c, BusConnectionEvent event, sd_bus *bus, void *userdata) {
        BusFace *f = ASSERT_PTR(userdata);

        switch (event) {
        case BUS_OPENED:
                return face_opened(f, bus);
        case BUS_READY:
                f->was_ready = true;
                engine_set_bus(f->engine, bus);
                request_name(f);
                return 0;
        case BUS_LOST:
                face_lost(f);
                return 0;
        }

        assert_not_reached();
}

void bus_face_schedule_refresh(BusFace *f, const char *id) {
        if (id && !strv_contains(f->dirty, id))
                (void) strv_extend(&f->dirty, id);
        (void) sd_event_source_set_enabled(f->refresh, SD_EVENT_ONESHOT);
}

/* From the loop, when whoever published the event is done with the change. */
static int on_refresh(sd_event_source *s, void *userdata) {
        _cleanup_strv_free_ char **dirty = NULL;
        BusFace *f = ASSERT_PTR(userdata);

        dirty = TAKE_PTR(f->dirty);
        STRV_FOREACH(id, dirty)
                bus_container_refresh(f, *id);
        bus_images_refresh(f);
        bus_manager_refresh(f);
        return 0;
}

static void on_event(const Event *event, void *userdata) {
        BusFace *f = ASSERT_PTR(userdata);

        bus_manager_emit_event(f, event);
        if (streq(event->type, "image") && !isempty(event->actor.id))
                bus_image_schedule_refresh(f, event->actor.id);
        else
                bus_face_schedule_refresh(f, streq(event->type, "container") ? event->actor.id : NULL);
}

static int load_objects(BusFace *f) {
        _cleanup_strv_free_ char **ids = NULL;
        int r;

        r = engine_container_ids(f->engine, &ids);
        if (r < 0)
                return r;

        STRV_FOREACH(id, ids)
                bus_container_refresh(f, *id);
        bus_images_refresh(f);

        engine_counts(f->engine, &f->counts);
        return 0;
}

/* A daemon that comes back does not know them. */
static void end_operations(BusFace *f) {
        BusOperation *o;

        HASHMAP_FOREACH(o, f->operations)
                bus_operation_cancel(o, "the daemon is stopping");
}

/* sd-bus closes the connection in an exit source of its own; what is said later nobody hears. */
static int on_event_exit(sd_event_source *s, void *userdata) {
        end_operations(ASSERT_PTR(userdata));
        return 0;
}

static int setup_exit(BusFace *f) {
        int r;

        r = sd_event_add_exit(engine_event(f->engine), &f->exit, on_event_exit, f);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(f->exit, "bus-exit");
        return sd_event_source_set_priority(f->exit, SD_EVENT_PRIORITY_IMPORTANT);
}

static int setup_refresh(BusFace *f) {
        int r;

        r = sd_event_add_defer(engine_event(f->engine), &f->refresh, on_refresh, f);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(f->refresh, "bus-refresh");
        return sd_event_source_set_enabled(f->refresh, SD_EVENT_OFF);
}

static int face_setup(BusFace *f) {
        int r;

        f->containers = hashmap_new();
        f->images = hashmap_new();
        f->tags = hashmap_new();
        f->operations = hashmap_new();
        if (!f->containers || !f->images || !f->tags || !f->operations)
                return -ENOMEM;
        r = new_vtables(f->vtables);
        if (r < 0)
                return r;
        r = setup_refresh(f);
        if (r < 0)
                return r;
        r = setup_exit(f);
        if (r < 0)
                return r;

        r = event_hub_subscribe(engine_events(f->engine), &f->subscriber);
        if (r < 0)
                return r;
        f->subscribed = true;

        r = load_objects(f);
        if (r < 0)
                return r;
        return bus_connection_listen(f->connection, on_bus, f, &f->listener);
}

int bus_face_new(Engine *e, BusConnection *connection, BusFace **ret) {
        _cleanup_(bus_face_freep) BusFace *f = NULL;
        int r;

        assert(e);
        assert(connection);
        assert(ret);

        f = new(BusFace, 1);
        if (!f)
                return -ENOMEM;
        *f = (BusFace) {
                .engine = e,
                .connection = bus_connection_ref(connection),
                .manager = { .face = f, .interface = &bus_manager_interface },
                .operation_keep = BUS_OPERATION_KEEP_USEC,
                .subscriber = { .on_event = on_event, .userdata = f },
        };

        r = face_setup(f);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(f);
        return 0;
}

int bus_face_serve(BusFace *f) {
        assert(f);

        f->serving = true;
        request_name(f);
        return 0;
}

static void free_objects(BusFace *f) {
        BusContainer *c;
        BusImage *i;
        BusOperation *o;

        HASHMAP_FOREACH(c, f->containers)
                bus_container_free(c);
        HASHMAP_FOREACH(i, f->images)
                bus_image_free(i);
        HASHMAP_FOREACH(o, f->operations)
                bus_operation_free(o);
        hashmap_free(f->containers);
        hashmap_free(f->images);
        hashmap_free(f->tags);
        hashmap_free(f->operations);
}

BusFace *bus_face_free(BusFace *f) {
        if (!f)
                return NULL;

        if (f->subscribed)
                event_hub_unsubscribe(engine_events(f->engine), &f->subscriber);

        end_operations(f);

        /* Objects and filter on the bus point to us: it is closed first, which frees clients and calls. */
        bus_connection_stop(f->connection);
        bus_listener_free(f->listener);

        while (f->streaming) {
                bus_call_detach(f->streaming);
                bus_call_free(f->streaming);
        }

        sd_event_source_disable_unref(f->refresh);
        sd_event_source_disable_unref(f->exit);
        free_objects(f);
        strv_free(f->dirty);
        strv_free(f->dirty_images);
        free_vtables(f->vtables);
        bus_connection_unref(f->connection);
        return mfree(f);
}

/* Introspection asks find() whether there is an object; here there is always one. */
static int find_any(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
                    sd_bus_error *ret_error) {
        *ret = userdata;
        return 1;
}

int bus_introspect(const char *path, FILE *out) {
        BusVtable *vtables[_BUS_KIND_MAX] = {};
        BusObject objects[_BUS_KIND_MAX];
        int r;

        r = new_vtables(vtables);
        if (r >= 0) {
                fill_objects(vtables, objects);
                for (BusKind k = 0; k < _BUS_KIND_MAX; k++) {
                        objects[k].find = objects[k].find ? find_any : NULL;
                        objects[k].enumerate = NULL;
                }
                r = bus_objects_introspect(objects, ELEMENTSOF(objects), /* userdata= */ objects, path, out);
        }

        free_vtables(vtables);
        return r;
}
