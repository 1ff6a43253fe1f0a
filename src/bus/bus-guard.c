/* SPDX-License-Identifier: Apache-2.0 */
/* What is no engine call is authorised like one. Reads that sd-bus answers from its tables (properties,
 * managed objects, names of objects): a filter takes the message, asks, and puts it into the queue again, or
 * refuses. Methods of operations: their handler does the same and goes on by itself. */
#include "basic/log.h"
#include "basic/string-util.h"
#include "bus/bus-internal.h"

/* Objects below a prefix: what reading them needs, and listing them. */
static const struct {
        const char *prefix;
        const BusInterface *interface;
        const EngineCall *list_call;
} prefix_table[] = {
        { BUS_CONTAINER_PREFIX, &bus_container_interface, &engine_call_container_list },
        { BUS_IMAGE_PREFIX,     &bus_image_interface,     &engine_call_image_list     },
        { BUS_OPERATION_PREFIX, &bus_operation_interface, &engine_call_image_list     },
        { BUS_ROOT_PATH,        &bus_manager_interface,   NULL                        },
};

/* What guards a message: the actions its sender needs, or nothing where actions[0] is NULL. */
typedef struct Rule {
        const char *actions[BUS_GUARD_ACTIONS_MAX];
        uid_t owner;
} Rule;

static bool below(const char *path, const char *prefix) {
        const char *rest = startswith(path, prefix);

        return rest && IN_SET(rest[0], 0, '/');
}

/* Whoever began an operation may look at it. */
static uid_t owner_of(BusFace *f, const char *path) {
        const BusOperation *o = hashmap_get(f->operations, path);

        return o ? o->uid : (uid_t) -1;
}

static void find_rule(BusFace *f, sd_bus_message *m, Rule *ret) {
        const char *path = sd_bus_message_get_path(m), *interface = sd_bus_message_get_interface(m);
        size_t i;

        *ret = (Rule) { .owner = (uid_t) -1 };
        if (!path || !interface || !below(path, BUS_ROOT_PATH) ||
            !sd_bus_message_is_method_call(m, NULL, NULL))
                return;

        /* Everything at once: what lists of all kinds need. */
        if (streq(interface, "org.freedesktop.DBus.ObjectManager")) {
                ret->actions[0] = engine_call_container_list.action;
                ret->actions[1] = engine_call_image_list.action;
                return;
        }

        for (i = 0; !below(path, prefix_table[i].prefix); i++)
                ;
        if (streq(interface, "org.freedesktop.DBus.Properties")) {
                ret->actions[0] = prefix_table[i].interface->read_call->action;
                ret->owner = owner_of(f, path);
        } else if (streq(interface, "org.freedesktop.DBus.Introspectable") && prefix_table[i].list_call)
                /* The list of child nodes is the list of objects. */
                ret->actions[0] = prefix_table[i].list_call->action;
}

/* True once: for a message that comes back from pass(). */
static bool take_passed(BusFace *f, sd_bus_message *m) {
        LIST_FOREACH(guards, g, f->passed)
                if (g->message == m) {
                        bus_guard_free(g);
                        return true;
                }

        return false;
}

static int guard_new(BusFace *f, BusClient *c, sd_bus_message *m, const Rule *rule, BusGuard **ret) {
        BusGuard *g;

        g = new(BusGuard, 1);
        if (!g)
                return -ENOMEM;
        *g = (BusGuard) {
                .face = f,
                .client = c,
                .message = sd_bus_message_ref(m),
                .owner = rule->owner,
        };
        memcpy(g->actions, rule->actions, sizeof(g->actions));
        LIST_APPEND(guards, c->guards, g);
        c->n_pending++;

        *ret = g;
        return 0;
}

int bus_guard_filter(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        _cleanup_error_ Error error = ERROR_NULL;
        BusFace *f = ASSERT_PTR(userdata);
        BusClient *c = NULL;
        BusGuard *g;
        Rule rule;
        int r;

        find_rule(f, m, &rule);
        if (!rule.actions[0] || take_passed(f, m))
                return 0;

        r = bus_client_get(f, m, &c, &error);
        if (r < 0)
                return bus_error_set(ret_error, &error);
        if (c->known && c->sender.uid == 0)
                return 0;

        r = guard_new(f, c, m, &rule, &g);
        if (r < 0)
                return r;
        if (c->known)
                bus_guard_start(g);
        return 1;
}

int bus_guard_message(BusFace *f, sd_bus_message *m, const char *action, uid_t owner,
                      void (*allowed)(BusGuard *guard), sd_bus_error *ret_error) {
        const Rule rule = { .actions = { action }, .owner = owner };
        _cleanup_error_ Error error = ERROR_NULL;
        BusClient *c = NULL;
        BusGuard *g;
        int r;

        r = bus_client_get(f, m, &c, &error);
        if (r < 0)
                return bus_error_set(ret_error, &error);

        r = guard_new(f, c, m, &rule, &g);
        if (r < 0)
                return r;
        g->allowed = allowed;
        if (c->known)
                bus_guard_start(g);
        return 1;
}

static void pass(BusGuard *g) {
        int r;

        if (g->allowed) {
                g->allowed(g);
                return;
        }

        LIST_REMOVE(guards, g->client->guards, g);
        g->client->n_pending--;
        g->client = NULL;
        LIST_APPEND(guards, g->face->passed, g);

        r = sd_bus_enqueue_for_read(g->face->bus, g->message);
        if (r < 0) {
                log_debug_errno(r, "Cannot queue a message again: %m");
                bus_guard_free(g);
        }
}

void bus_guard_refuse(BusGuard *g, const Error *error) {
        bus_reply_refusal(g->message, error);
        bus_guard_free(g);
}

static void on_decided(int r, const Error *error, void *userdata);

/* Asks for one action after the other; those that need no waiting at once. */
static void ask(BusGuard *g) {
        _cleanup_error_ Error error = ERROR_NULL;
        int r = 1;

        while (r > 0 && g->next < BUS_GUARD_ACTIONS_MAX && g->actions[g->next])
                r = authz_check_action(g->face->engine, &g->caller, g->actions[g->next++], on_decided, g,
                                       &g->check, &error);
        if (r < 0)
                bus_guard_refuse(g, &error);
        else if (r > 0)
                pass(g);
}

static void on_decided(int r, const Error *error, void *userdata) {
        BusGuard *g = ASSERT_PTR(userdata);

        if (r < 0) {
                bus_guard_refuse(g, error);
                return;
        }
        g->check = authz_check_free(g->check);
        ask(g);
}

void bus_guard_start(BusGuard *g) {
        _cleanup_error_ Error error = ERROR_NULL;
        int r;

        if (g->owner != (uid_t) -1 && g->client->sender.uid == g->owner) {
                pass(g);
                return;
        }

        r = bus_client_fill_caller(g->client, g->message, &g->caller);
        if (r < 0) {
                (void) error_fill(&error, r);
                bus_guard_refuse(g, &error);
        } else
                ask(g);
}

BusGuard *bus_guard_free(BusGuard *g) {
        if (!g)
                return NULL;

        if (g->client) {
                LIST_REMOVE(guards, g->client->guards, g);
                g->client->n_pending--;
        } else
                LIST_REMOVE(guards, g->face->passed, g);

        authz_check_free(g->check);
        caller_done(&g->caller);
        sd_bus_message_unref(g->message);
        return mfree(g);
}

void bus_guard_done_all(BusFace *f) {
        while (f->passed)
                bus_guard_free(f->passed);
}
