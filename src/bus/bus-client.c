/* SPDX-License-Identifier: Apache-2.0 */
/* The senders of calls. The bus is asked once who a sender is (it cannot change) and tells when it leaves,
 * which abandons what it waits for. The match is sent before the question, so that one of the two notices
 * a sender that leaves meanwhile. */
#include "basic/log.h"
#include "basic/string-util.h"
#include "bus/bus-internal.h"

static void client_go_on(BusClient *c, const Error *error) {
        LIST_FOREACH(calls, bc, c->calls)
                if (error)
                        bus_call_refuse(bc, error);
                else
                        bus_call_start(bc);

        LIST_FOREACH(guards, g, c->guards)
                if (error)
                        bus_guard_refuse(g, error);
                else
                        bus_guard_start(g);
}

static void on_sender(BusSenderQuery *q, int r, const BusSender *sender, void *userdata) {
        _cleanup_error_ Error error = ERROR_NULL;
        BusClient *c = ASSERT_PTR(userdata);

        c->query = bus_sender_query_free(c->query);

        if (r < 0 || sender->uid == (uid_t) -1) {
                log_debug_errno(r, "Cannot find out who %s is: %m", c->name);
                (void) error_setf(&error, ERROR_FORBIDDEN, "cannot find out who sent the call");
                client_go_on(c, &error);
                bus_client_free(c);
                return;
        }

        c->sender = *sender;
        c->known = true;
        client_go_on(c, /* error= */ NULL);
}

static int on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        BusClient *c = ASSERT_PTR(userdata);
        const char *name, *old_owner, *new_owner;

        if (sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner) >= 0 && isempty(new_owner))
                bus_client_free(c);
        return 0;
}

static int client_watch(BusClient *c) {
        _cleanup_free_ char *match = NULL;
        int r;

        r = asprintf_safe(&match, "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                          "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%s'", c->name);
        if (r < 0)
                return r;

        return sd_bus_add_match_async(c->face->bus, &c->match, match, on_owner_changed,
                                      /* install_callback= */ NULL, c);
}

static int client_new(BusFace *f, const char *name, BusClient **ret) {
        BusClient *c;
        int r;

        c = new(BusClient, 1);
        if (!c)
                return -ENOMEM;
        *c = (BusClient) {
                .face = f,
                .name = strdup(name),
        };
        LIST_PREPEND(clients, f->clients, c);
        f->n_clients++;

        r = c->name ? client_watch(c) : -ENOMEM;
        if (r >= 0)
                r = bus_sender_query(f->bus, c->name, on_sender, c, &c->query);
        if (r < 0) {
                bus_client_free(c);
                return r;
        }

        *ret = c;
        return 0;
}

/* An operation wants to know when its client leaves. */
static bool has_operation(const BusClient *c) {
        const BusOperation *o;

        HASHMAP_FOREACH(o, c->face->operations)
                if (o->client == c)
                        return true;
        return false;
}

/* The oldest one that waits for nothing; new ones are at the head. */
static BusClient *find_idle(BusFace *f) {
        BusClient *idle = NULL;

        LIST_FOREACH(clients, c, f->clients)
                if (c->n_pending == 0 && !has_operation(c))
                        idle = c;

        return idle;
}

int bus_client_get(BusFace *f, sd_bus_message *m, BusClient **ret, Error *reterr) {
        const char *name = sd_bus_message_get_sender(m);
        int r;

        if (!name || !f->bus)
                return error_setf(reterr, ERROR_FORBIDDEN, "the call has no sender");

        LIST_FOREACH(clients, c, f->clients)
                if (streq(c->name, name)) {
                        if (c->n_pending >= BUS_CLIENT_CALLS_MAX)
                                return error_setf(reterr, ERROR_UNAVAILABLE,
                                                  "too many calls of one client are pending");
                        *ret = c;
                        return 0;
                }

        if (f->n_clients >= BUS_CLIENTS_MAX) {
                BusClient *idle = find_idle(f);

                if (!idle)
                        return error_setf(reterr, ERROR_UNAVAILABLE, "too many clients have calls pending");
                bus_client_free(idle);
        }

        r = client_new(f, name, ret);
        return r < 0 ? error_fill(reterr, r) : 0;
}

BusClient *bus_client_free(BusClient *c) {
        if (!c)
                return NULL;

        while (c->calls)
                bus_call_free(c->calls);
        while (c->guards)
                bus_guard_free(c->guards);
        bus_operations_forget_client(c);

        LIST_REMOVE(clients, c->face->clients, c);
        c->face->n_clients--;

        sd_bus_slot_unref(c->match);
        bus_sender_query_free(c->query);
        free(c->name);
        return mfree(c);
}

int bus_client_fill_caller(const BusClient *c, sd_bus_message *m, Caller *caller) {
        *caller = (Caller) {
                .transport = CALLER_BUS,
                .uid = c->sender.uid,
                .gid = (gid_t) -1,
                .pid = c->sender.pid,
                .name = strdup(c->name),
                .interactive = sd_bus_message_get_allow_interactive_authorization(m) > 0,
        };

        return caller->name ? 0 : -ENOMEM;
}
