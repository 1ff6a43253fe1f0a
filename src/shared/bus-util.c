/* SPDX-License-Identifier: Apache-2.0 */
/* The shared bus connection and its back-off; translation of errors. */
#include "shared/bus-util.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "basic/list.h"
#include "basic/string-util.h"

#define BUS_SYSTEM_ADDRESS "unix:path=/run/dbus/system_bus_socket"
#define BUS_ERROR_PREFIX "org.dockerd1.Error."

/* Waiting time before the next attempt, doubled each time. The accuracy is as coarse as the time itself,
 * so that a host without a bus is not woken up for it alone. */
#define RETRY_MIN_USEC (UINT64_C(250) * 1000)
#define RETRY_MAX_USEC (UINT64_C(30) * 1000 * 1000)

struct BusListener {
        BusConnection *connection;      /* borrowed: the connection clears it when it goes first */
        bus_listener_t callback;
        void *userdata;
        LIST_FIELDS(BusListener, listeners);
};

struct BusConnection {
        unsigned n_ref;
        char *address;
        sd_event *event;
        sd_bus *bus;
        sd_event_source *retry;
        uint64_t retry_usec;
        BusListener *listeners;
        bool started;
        bool ready;
        int last_error;
};

const char *bus_default_address(void) {
        const char *e;

        e = secure_getenv("DOCKERD_BUS_ADDRESS");
        if (e)
                return empty_to_null(e);

        return empty_to_null(secure_getenv("DBUS_SYSTEM_BUS_ADDRESS")) ?: BUS_SYSTEM_ADDRESS;
}

bool bus_address_exists(const char *address) {
        const char *path = address ? startswith(address, "unix:path=") : NULL;
        _cleanup_free_ char *file = NULL;

        if (!path)
                return address;

        file = strndup_safe(path, strcspn(path, ",;"));
        return !file || access(file, F_OK) >= 0;
}

static int connection_tell(BusConnection *c, BusConnectionEvent event) {
        int r, first = 0;

        LIST_FOREACH(listeners, l, c->listeners) {
                r = l->callback(c, event, c->bus, l->userdata);
                if (r < 0 && first == 0)
                        first = r;
        }

        return first;
}

static int connection_open(BusConnection *c);
static void connection_drop(BusConnection *c, int error);

static int connection_on_retry(sd_event_source *s, uint64_t usec, void *userdata) {
        BusConnection *c = ASSERT_PTR(userdata);

        c->retry = sd_event_source_disable_unref(c->retry);
        connection_drop(c, c->bus ? -ETIMEDOUT : 0);
        (void) connection_open(c);
        return 0;
}

static int connection_schedule_retry(BusConnection *c) {
        uint64_t delay = c->retry_usec;
        int r;

        if (!c->started || c->retry)
                return 0;

        r = sd_event_add_time_relative(c->event, &c->retry, CLOCK_MONOTONIC, delay, delay,
                                       connection_on_retry, c);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(c->retry, "bus-retry");
        c->retry_usec = min_u64(delay * 2, RETRY_MAX_USEC);
        return 0;
}

/* Gives the sd_bus up. The reference that sd-bus itself holds while it calls us keeps it alive until we
 * return. */
static void connection_drop(BusConnection *c, int error) {
        sd_bus *bus;

        c->ready = false;
        if (error < 0)
                c->last_error = error;
        if (!c->bus)
                return;

        (void) connection_tell(c, BUS_LOST);
        bus = TAKE_PTR(c->bus);
        sd_bus_detach_event(bus);
        sd_bus_close_unref(bus);
}

static int connection_on_connected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        BusConnection *c = ASSERT_PTR(userdata);

        c->ready = true;
        c->retry = sd_event_source_disable_unref(c->retry);
        c->last_error = 0;
        c->retry_usec = RETRY_MIN_USEC;
        (void) connection_tell(c, BUS_READY);
        return 0;
}

static int connection_on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        _cleanup_(bus_connection_unrefp) BusConnection *c = bus_connection_ref(userdata);

        connection_drop(c, -ECONNRESET);
        (void) connection_schedule_retry(c);
        return 0;
}

static int connection_match_local(BusConnection *c, const char *member, sd_bus_message_handler_t callback) {
        return sd_bus_match_signal_async(c->bus, /* ret_slot= */ NULL, "org.freedesktop.DBus.Local",
                                         "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", member,
                                         callback, /* install_callback= */ NULL, c);
}

static int connection_setup(BusConnection *c) {
        int r;

        r = sd_bus_new(&c->bus);
        if (r < 0)
                return r;

        (void) sd_bus_set_description(c->bus, "system");

        r = sd_bus_set_address(c->bus, c->address);
        if (r < 0)
                return r;
        r = sd_bus_set_bus_client(c->bus, true);
        if (r < 0)
                return r;
        /* A socket that is not there yet is waited for by inotify, so the timer may be a slow one. */
        r = sd_bus_set_watch_bind(c->bus, true);
        if (r < 0)
                return r;
        r = sd_bus_set_connected_signal(c->bus, true);
        if (r < 0)
                return r;
        r = sd_bus_set_exit_on_disconnect(c->bus, false);
        if (r < 0)
                return r;
        r = connection_match_local(c, "Connected", connection_on_connected);
        if (r < 0)
                return r;
        r = connection_match_local(c, "Disconnected", connection_on_disconnected);
        if (r < 0)
                return r;
        r = connection_tell(c, BUS_OPENED);
        if (r < 0)
                return r;
        r = sd_bus_start(c->bus);
        if (r < 0)
                return r;

        return sd_bus_attach_event(c->bus, c->event, SD_EVENT_PRIORITY_NORMAL);
}

static int connection_open(BusConnection *c) {
        int r;

        if (c->bus)
                return 0;

        r = connection_setup(c);
        if (r < 0)
                connection_drop(c, r);
        /* Also for one that waits, in case nothing ever comes of it. */
        return connection_schedule_retry(c);
}

int bus_connection_new(sd_event *event, const char *address, BusConnection **ret) {
        _cleanup_(bus_connection_unrefp) BusConnection *c = NULL;

        assert(event);
        assert(ret);

        c = new(BusConnection, 1);
        if (!c)
                return -ENOMEM;

        *c = (BusConnection) {
                .n_ref = 1,
                .event = sd_event_ref(event),
                .retry_usec = RETRY_MIN_USEC,
        };

        if (address) {
                c->address = strdup(address);
                if (!c->address)
                        return -ENOMEM;
        }

        *ret = TAKE_PTR(c);
        return 0;
}

int bus_connection_start(BusConnection *c) {
        assert(c);

        if (!c->address || c->started)
                return 0;

        c->started = true;
        return connection_open(c);
}

void bus_connection_stop(BusConnection *c) {
        int r = 1;

        assert(c);

        c->started = false;
        c->retry = sd_event_source_disable_unref(c->retry);

        /* Signals and replies that are still queued: as far as the socket takes them; never
         * sd_bus_flush(), it waits. */
        for (unsigned i = 0; c->ready && c->bus && r > 0 && i < 64; i++)
                r = sd_bus_process(c->bus, NULL);

        connection_drop(c, 0);
}

sd_bus *bus_connection_get(const BusConnection *c) {
        return c && c->ready ? c->bus : NULL;
}

int bus_connection_last_error(const BusConnection *c) {
        assert(c);

        return c->last_error;
}

int bus_connection_listen(BusConnection *c, bus_listener_t callback, void *userdata, BusListener **ret) {
        BusListener *l;

        assert(c);
        assert(callback);
        assert(ret);

        l = new(BusListener, 1);
        if (!l)
                return -ENOMEM;

        *l = (BusListener) {
                .connection = c,
                .callback = callback,
                .userdata = userdata,
        };
        LIST_APPEND(listeners, c->listeners, l);
        *ret = l;

        if (c->bus)
                (void) callback(c, BUS_OPENED, c->bus, userdata);
        if (c->ready)
                (void) callback(c, BUS_READY, c->bus, userdata);
        return 0;
}

BusListener *bus_listener_free(BusListener *l) {
        if (!l)
                return NULL;

        if (l->connection)
                LIST_REMOVE(listeners, l->connection->listeners, l);
        return mfree(l);
}

static BusConnection *connection_free(BusConnection *c) {
        bus_connection_stop(c);

        /* The listeners belong to others; they only lose their way back. */
        LIST_FOREACH(listeners, l, c->listeners) {
                LIST_REMOVE(listeners, c->listeners, l);
                l->connection = NULL;
        }

        sd_event_unref(c->event);
        free(c->address);
        return mfree(c);
}

DEFINE_REF_UNREF(BusConnection, bus_connection, connection_free);

bool bus_error_is_unknown_service(const sd_bus_error *e) {
        static const char *const names[] = {
                SD_BUS_ERROR_SERVICE_UNKNOWN,
                SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                "org.freedesktop.systemd1.NoSuchUnit",
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (sd_bus_error_has_name(e, names[i]))
                        return true;

        return false;
}

int bus_error_set(sd_bus_error *ret_error, const Error *error) {
        _cleanup_free_ char *name = NULL;
        ErrorKind kind = error_is_set(error) ? error->kind : ERROR_INTERNAL;

        name = strjoin(BUS_ERROR_PREFIX, error_kind_name(kind));
        if (!name)
                return sd_bus_error_set_const(ret_error, SD_BUS_ERROR_NO_MEMORY, "Out of memory"), -ENOMEM;

        (void) sd_bus_error_set(ret_error, name, error_message(error));
        return error_is_set(error) ? error->err : -EIO;
}

int bus_reply_error(sd_bus_message *call, const Error *error) {
        _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;

        (void) bus_error_set(&e, error);
        return sd_bus_reply_method_error(call, &e);
}
