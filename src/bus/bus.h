/* SPDX-License-Identifier: Apache-2.0 */
/* The D-Bus face of the engine: org.dockerd1 with its manager and one object per container, image and call
 * that takes long. It translates and decides nothing: every method is a row that names an engine call.
 * Interface files: dbus/, reference: org.dockerd1(5). */
#pragma once

#include <stdio.h>

#include "engine/engine.h"
#include "shared/bus-util.h"

#define BUS_NAME "org.dockerd1"
#define BUS_ROOT_PATH "/org/dockerd1"
#define BUS_CONTAINER_PREFIX "/org/dockerd1/container"
#define BUS_IMAGE_PREFIX "/org/dockerd1/image"
#define BUS_OPERATION_PREFIX "/org/dockerd1/operation"
#define BUS_MANAGER_INTERFACE "org.dockerd1.Manager"
#define BUS_CONTAINER_INTERFACE "org.dockerd1.Container"
#define BUS_IMAGE_INTERFACE "org.dockerd1.Image"
#define BUS_OPERATION_INTERFACE "org.dockerd1.Operation"

typedef struct BusFace BusFace;

/* Builds the objects. They appear on the connection's bus whenever there is one, which the engine is told
 * of too (engine_set_bus()). The engine is borrowed and must outlive the face; the connection is
 * referenced. */
int bus_face_new(Engine *e, BusConnection *connection, BusFace **ret);

/* From now on the name is taken on the bus, and taken again after each reconnect. */
int bus_face_serve(BusFace *f);

/* Closes the connection. Calls in flight are abandoned; attached sessions go on without us. */
BusFace *bus_face_free(BusFace *f);
DEFINE_TRIVIAL_CLEANUP_FUNC(BusFace *, bus_face_free);

/* Writes the introspection XML of the objects, as the running daemon would answer; needs neither bus nor
 * engine. path: BUS_ROOT_PATH or anything below one of the prefixes. */
int bus_introspect(const char *path, FILE *out);
