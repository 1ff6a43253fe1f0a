/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the face: objects on each new bus, the name once the daemon serves, signals from the engine's
 * events. */
#include "bus/bus.h"

#include "basic/log.h"
#include "basic/strv.h"
#include "bus/bus-internal.h"

static void fill_objects(BusObject ret[static 2], const BusVtable *manager, const BusVtable *container) {
        ret[0] = (BusObject) {
                .path = BUS_ROOT_PATH,
                .interface = BUS_MANAGER_INTERFACE,
                .vtable = bus_vtable_get(manager),
                .object_manager = true,
        };
        ret[1] = (BusObject) {
                .path = BUS_CONTAINER_PREFIX,
                .interface = BUS_CONTAINER_INTERFACE,
                .vtable = bus_vtable_get(container),
                .find = bus_container_find,
                .enumerate = bus_container_enumerate,
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
        BusObject objects[2];
        int r;

        fill_objects(objects, f->manager_vtable, f->container_vtable);

        r = sd_bus_add_filter(bus, /* slot= */ NULL, bus_read_filter, f);
        if (r < 0)
                return r;
        /* The manager's methods want a target, find() of the containers wants the face. */
        r = bus_objects_add(bus, objects, 1, &f->manager);
        if (r < 0)
                return r;
        r = bus_objects_add(bus, objects + 1, 1, f);
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
        bus_read_done_all(f);
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
        bus_manager_refresh(f);
        return 0;
}

static void on_event(const Event *event, void *userdata) {
        BusFace *f = ASSERT_PTR(userdata);

        bus_manager_emit_event(f, event);
        bus_face_schedule_refresh(f, streq(event->type, "container") ? event->actor.id : NULL);
}

static int load_containers(BusFace *f) {
        _cleanup_strv_free_ char **ids = NULL;
        int r;

        r = engine_container_ids(f->engine, &ids);
        if (r < 0)
                return r;

        STRV_FOREACH(id, ids)
                bus_container_refresh(f, *id);

        engine_counts(f->engine, &f->counts);
        return 0;
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
        if (!f->containers)
                return -ENOMEM;
        r = bus_vtable_new(&bus_manager_interface, &f->manager_vtable);
        if (r < 0)
                return r;
        r = bus_vtable_new(&bus_container_interface, &f->container_vtable);
        if (r < 0)
                return r;
        r = setup_refresh(f);
        if (r < 0)
                return r;

        r = event_hub_subscribe(engine_events(f->engine), &f->subscriber);
        if (r < 0)
                return r;
        f->subscribed = true;

        r = load_containers(f);
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

static void free_containers(BusFace *f) {
        BusContainer *c;

        if (!f->containers)
                return;

        HASHMAP_FOREACH(c, f->containers)
                bus_container_free(c);
        hashmap_free(f->containers);
}

BusFace *bus_face_free(BusFace *f) {
        if (!f)
                return NULL;

        if (f->subscribed)
                event_hub_unsubscribe(engine_events(f->engine), &f->subscriber);

        /* Objects and filter on the bus point to us: it is closed first, which frees clients and calls. */
        bus_connection_stop(f->connection);
        bus_listener_free(f->listener);

        while (f->streaming) {
                bus_call_detach(f->streaming);
                bus_call_free(f->streaming);
        }

        sd_event_source_disable_unref(f->refresh);
        free_containers(f);
        strv_free(f->dirty);
        bus_vtable_free(f->manager_vtable);
        bus_vtable_free(f->container_vtable);
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
        BusVtable *manager = NULL, *container = NULL;
        BusObject objects[2];
        int r;

        r = bus_vtable_new(&bus_manager_interface, &manager);
        if (r >= 0)
                r = bus_vtable_new(&bus_container_interface, &container);
        if (r >= 0) {
                fill_objects(objects, manager, container);
                objects[1].find = find_any;
                objects[1].enumerate = NULL;
                r = bus_objects_introspect(objects, ELEMENTSOF(objects), /* userdata= */ objects, path, out);
        }

        bus_vtable_free(manager);
        bus_vtable_free(container);
        return r;
}
