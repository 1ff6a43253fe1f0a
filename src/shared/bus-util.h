/* SPDX-License-Identifier: Apache-2.0 */
/* One shared connection to the message bus: made without blocking, attached to the loop, made again with
 * back-off when the bus goes away, absent without harm where there is none. Also the small things every
 * user of sd-bus needs. Knows no interface of ours. Non-logging: a listener that wants to tell somebody
 * logs. */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "basic/error.h"

typedef struct BusConnection BusConnection;
typedef struct BusListener BusListener;

typedef enum BusConnectionEvent {
        /* A new sd_bus was made and is about to connect: add objects, matches and filters now. What is
         * added without a slot disappears together with the bus; a slot must be released at BUS_LOST.
         * Nothing can be called yet. */
        BUS_OPENED,
        /* The bus said hello: calls can be made. */
        BUS_READY,
        /* The bus is gone (or could not be reached: then without BUS_READY before). Pending calls were
         * answered with an error. The sd_bus is released right after the callback; another one is made
         * later. */
        BUS_LOST,
} BusConnectionEvent;

/* Called from the loop (BUS_OPENED also from bus_connection_start() and, for a late listener, from
 * bus_connection_listen()). A negative result of BUS_OPENED gives this sd_bus up; the others' result is
 * ignored. */
typedef int (*bus_listener_t)(BusConnection *c, BusConnectionEvent event, sd_bus *bus, void *userdata);

/* The address of the bus: $DOCKERD_BUS_ADDRESS, $DBUS_SYSTEM_BUS_ADDRESS or the system bus's usual
 * socket; NULL where DOCKERD_BUS_ADDRESS is set but empty: there shall be no bus. */
const char *bus_default_address(void);
/* False for NULL, and for the path of a socket that is not there: a host without a bus. */
bool bus_address_exists(const char *address);

/* Makes the object only; address NULL means that it never connects. The loop is referenced. */
int bus_connection_new(sd_event *event, const char *address, BusConnection **ret);

/* Begins to connect. That there is no bus (yet) is no error: it is tried again with back-off. */
int bus_connection_start(BusConnection *c);

/* Closes the bus, tells the listeners, and does not connect again. What is queued is sent as far as the
 * bus takes it now. */
void bus_connection_stop(BusConnection *c);

/* The bus if calls can be made on it now, else NULL. Borrowed: use it and forget it before returning to
 * the loop. */
sd_bus *bus_connection_get(const BusConnection *c);

/* Why there is no bus: negative errno of the last failure, 0 if none was seen. */
int bus_connection_last_error(const BusConnection *c);

/* Tells of everything that happens from now on, and at once of what has happened already (BUS_OPENED,
 * BUS_READY). */
int bus_connection_listen(BusConnection *c, bus_listener_t callback, void *userdata, BusListener **ret);
BusListener *bus_listener_free(BusListener *l);
DEFINE_TRIVIAL_CLEANUP_FUNC(BusListener *, bus_listener_free);

BusConnection *bus_connection_ref(BusConnection *c);
BusConnection *bus_connection_unref(BusConnection *c);
DEFINE_TRIVIAL_CLEANUP_FUNC(BusConnection *, bus_connection_unref);

/* Nobody owns the name and nothing can be started for it. */
bool bus_error_is_unknown_service(const sd_bus_error *e);

/* An Error of ours as a bus error "org.dockerd1.Error.<Kind>"; returns its negative errno, as method
 * handlers do. */
int bus_error_set(sd_bus_error *ret_error, const Error *error);
/* The same as the reply of a method call. */
int bus_reply_error(sd_bus_message *call, const Error *error);
