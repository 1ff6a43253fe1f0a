/* SPDX-License-Identifier: Apache-2.0 */
/* Reads that sd-bus answers from its tables (properties, managed objects, names of containers) are
 * authorised like calls: a filter takes the message, asks, and puts it into the queue again, or refuses. */
#include "basic/log.h"
#include "basic/string-util.h"
#include "bus/bus-internal.h"

static bool below(const char *path, const char *prefix) {
        const char *rest = startswith(path, prefix);

        return rest && IN_SET(rest[0], 0, '/');
}

/* The action that guards the message, or NULL where it is none of ours or tells nothing. */
static const char *guard_of(sd_bus_message *m) {
        const char *path = sd_bus_message_get_path(m), *interface = sd_bus_message_get_interface(m);

        if (!path || !interface || !below(path, BUS_ROOT_PATH) ||
            !sd_bus_message_is_method_call(m, NULL, NULL))
                return NULL;
        if (streq(interface, "org.freedesktop.DBus.ObjectManager"))
                return engine_call_container_list.action;
        if (streq(interface, "org.freedesktop.DBus.Properties"))
                return below(path, BUS_CONTAINER_PREFIX) ? bus_container_interface.read_call->action :
                                                           bus_manager_interface.read_call->action;
        /* The list of child nodes is the list of containers. */
        if (streq(interface, "org.freedesktop.DBus.Introspectable") && below(path, BUS_CONTAINER_PREFIX))
                return engine_call_container_list.action;
        return NULL;
}

/* True once: for a message that comes back from read_pass(). */
static bool take_passed(BusFace *f, sd_bus_message *m) {
        LIST_FOREACH(reads, read, f->passed)
                if (read->message == m) {
                        bus_read_free(read);
                        return true;
                }

        return false;
}

static int read_new(BusFace *f, BusClient *c, sd_bus_message *m, const char *action, BusRead **ret) {
        BusRead *read;

        read = new(BusRead, 1);
        if (!read)
                return -ENOMEM;
        *read = (BusRead) {
                .face = f,
                .client = c,
                .message = sd_bus_message_ref(m),
                .action = action,
        };
        LIST_APPEND(reads, c->reads, read);
        c->n_pending++;

        *ret = read;
        return 0;
}

int bus_read_filter(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        _cleanup_error_ Error error = ERROR_NULL;
        BusFace *f = ASSERT_PTR(userdata);
        const char *action = guard_of(m);
        BusClient *c = NULL;
        BusRead *read;
        int r;

        if (!action || take_passed(f, m))
                return 0;

        r = bus_client_get(f, m, &c, &error);
        if (r < 0)
                return bus_error_set(ret_error, &error);
        if (c->known && c->sender.uid == 0)
                return 0;

        r = read_new(f, c, m, action, &read);
        if (r < 0)
                return r;
        if (c->known)
                bus_read_start(read);
        return 1;
}

static void read_pass(BusRead *read) {
        int r;

        LIST_REMOVE(reads, read->client->reads, read);
        read->client->n_pending--;
        read->client = NULL;
        LIST_APPEND(reads, read->face->passed, read);

        r = sd_bus_enqueue_for_read(read->face->bus, read->message);
        if (r < 0) {
                log_debug_errno(r, "Cannot queue a message again: %m");
                bus_read_free(read);
        }
}

void bus_read_refuse(BusRead *read, const Error *error) {
        bus_reply_refusal(read->message, error);
        bus_read_free(read);
}

static void on_decided(int r, const Error *error, void *userdata) {
        BusRead *read = ASSERT_PTR(userdata);

        if (r < 0)
                bus_read_refuse(read, error);
        else
                read_pass(read);
}

void bus_read_start(BusRead *read) {
        _cleanup_error_ Error error = ERROR_NULL;
        int r;

        r = bus_client_fill_caller(read->client, read->message, &read->caller);
        if (r < 0)
                (void) error_fill(&error, r);
        else
                r = authz_check_action(read->face->engine, &read->caller, read->action, on_decided, read,
                                       &read->check, &error);
        if (r < 0)
                bus_read_refuse(read, &error);
        else if (r > 0)
                read_pass(read);
}

BusRead *bus_read_free(BusRead *read) {
        if (!read)
                return NULL;

        if (read->client) {
                LIST_REMOVE(reads, read->client->reads, read);
                read->client->n_pending--;
        } else
                LIST_REMOVE(reads, read->face->passed, read);

        authz_check_free(read->check);
        caller_done(&read->caller);
        sd_bus_message_unref(read->message);
        return mfree(read);
}

void bus_read_done_all(BusFace *f) {
        while (f->passed)
                bus_read_free(f->passed);
}
