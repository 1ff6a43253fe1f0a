/* SPDX-License-Identifier: Apache-2.0 */
/* Registers tables of bus objects and prints their introspection data. */
#include "shared/bus-object.h"

#include <errno.h>
#include <sys/socket.h>

#include "basic/alloc-util.h"
#include "basic/errno-util.h"
#include "basic/fd-util.h"

static int object_add(sd_bus *bus, const BusObject *o, void *userdata) {
        int r;

        if (o->find)
                r = sd_bus_add_fallback_vtable(bus, /* slot= */ NULL, o->path, o->interface, o->vtable,
                                               o->find, userdata);
        else
                r = sd_bus_add_object_vtable(bus, /* slot= */ NULL, o->path, o->interface, o->vtable,
                                             userdata);
        if (r < 0)
                return r;

        if (o->enumerate) {
                r = sd_bus_add_node_enumerator(bus, /* slot= */ NULL, o->path, o->enumerate, userdata);
                if (r < 0)
                        return r;
        }

        if (o->object_manager)
                return sd_bus_add_object_manager(bus, /* slot= */ NULL, o->path);

        return 0;
}

int bus_objects_add(sd_bus *bus, const BusObject *objects, size_t n_objects, void *userdata) {
        int r;

        assert(bus);

        for (size_t i = 0; i < n_objects; i++) {
                r = object_add(bus, objects + i, userdata);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Owns fd in every case. */
static int peer_new_consume(int fd, bool server, sd_bus **ret) {
        _cleanup_close_ int owned = fd;
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = sd_bus_new(&bus);
        if (r < 0)
                return r;
        r = sd_bus_set_fd(bus, fd, fd);
        if (r < 0)
                return r;
        TAKE_FD(owned);

        if (server) {
                r = sd_bus_set_server(bus, true,
                                      SD_ID128_MAKE(6f, b1, 3c, 43, 7a, 0e, 45, 17, 8a, 2a, 3c, 81, d2, 41,
                                                    5a, 10));
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(bus);
        return 0;
}

typedef struct Introspection {
        FILE *out;
        int result;             /* 1 = waiting */
} Introspection;

static int introspection_on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Introspection *i = ASSERT_PTR(userdata);
        const char *xml;
        int r;

        if (sd_bus_message_is_method_error(m, NULL)) {
                i->result = -sd_bus_message_get_errno(m);
                return 0;
        }

        r = sd_bus_message_read(m, "s", &xml);
        if (r >= 0 && fputs(xml, i->out) < 0)
                r = -EIO;

        i->result = r < 0 ? r : 0;
        return 0;
}

/* Both ends live in this process, so neither may wait for the other: each is moved on in turn. */
static int introspection_run(sd_bus *server, sd_bus *client, const char *path, FILE *out) {
        Introspection i = { .out = out, .result = 1 };
        int r;

        r = sd_bus_call_method_async(client, /* ret_slot= */ NULL, /* destination= */ NULL, path,
                                     "org.freedesktop.DBus.Introspectable", "Introspect",
                                     introspection_on_reply, &i, "");
        if (r < 0)
                return r;

        while (i.result > 0) {
                int s;

                s = sd_bus_process(server, NULL);
                if (s < 0)
                        return s;
                r = sd_bus_process(client, NULL);
                if (r < 0)
                        return r;
                if (s == 0 && r == 0) {
                        r = sd_bus_wait(client, /* timeout_usec= */ 10 * 1000);
                        if (r < 0)
                                return r;
                }
        }

        return i.result;
}

int bus_objects_introspect(const BusObject *objects, size_t n_objects, void *userdata, const char *path,
                           FILE *out) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *server = NULL, *client = NULL;
        _cleanup_close_pair_ int fds[2] = EBADF_PAIR;
        int r;

        assert(path);
        assert(out);

        r = RET_NERRNO(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
        if (r < 0)
                return r;

        r = peer_new_consume(TAKE_FD(fds[0]), /* server= */ true, &server);
        if (r < 0)
                return r;
        r = peer_new_consume(TAKE_FD(fds[1]), /* server= */ false, &client);
        if (r < 0)
                return r;

        r = bus_objects_add(server, objects, n_objects, userdata);
        if (r < 0)
                return r;
        r = sd_bus_start(server);
        if (r < 0)
                return r;
        r = sd_bus_start(client);
        if (r < 0)
                return r;

        return introspection_run(server, client, path, out);
}
