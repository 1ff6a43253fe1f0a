/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of bus objects as data: what is registered on a bus is exactly what --bus-introspect prints. */
#pragma once

#include <stdio.h>
#include <systemd/sd-bus.h>

#include "basic/macro.h"

typedef struct BusObject {
        const char *path;               /* the object, or the prefix of many where find is set */
        const char *interface;
        const sd_bus_vtable *vtable;
        sd_bus_object_find_t find; /* NULL: one object, its userdata is what bus_objects_add() was given */
        sd_bus_node_enumerator_t enumerate;     /* NULL: none */
        bool object_manager; /* org.freedesktop.DBus.ObjectManager for everything at and below path */
} BusObject;

/* Registers on a bus for as long as the bus lives. userdata goes to find and enumerate as well. */
int bus_objects_add(sd_bus *bus, const BusObject *objects, size_t n_objects, void *userdata);

/* Asks the objects over a private connection for their introspection XML at the path and writes it. No
 * bus is needed. Blocks: for command-line verbs and tests, never for the running daemon. */
int bus_objects_introspect(const BusObject *objects, size_t n_objects, void *userdata, const char *path,
                           FILE *out);
