/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/test-bus-fixture.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/string-util.h"

void run_for(Fixture *x, unsigned msec) {
        uint64_t begin = now_usec(CLOCK_MONOTONIC);

        while (now_usec(CLOCK_MONOTONIC) < begin + msec * USEC_PER_MSEC)
                ASSERT_OK(sd_event_run(x->event, 5000));
}

sd_bus *client_new(Fixture *x) {
        sd_bus *bus;

        ASSERT_OK(sd_bus_new(&bus));
        ASSERT_OK(sd_bus_set_address(bus, x->bus.address));
        ASSERT_OK(sd_bus_set_bus_client(bus, true));
        ASSERT_OK(sd_bus_start(bus));
        ASSERT_OK(sd_bus_attach_event(bus, x->event, SD_EVENT_PRIORITY_NORMAL));
        return bus;
}

int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *e) {
        *(int *) userdata = sd_bus_message_is_method_error(m, NULL) ? -1 : 1;
        return 0;
}

void wait_for_name(Fixture *x) {
        int owned = -1;

        while (owned < 0) {
                owned = 0;
                ASSERT_OK(sd_bus_call_method_async(x->client, NULL, "org.freedesktop.DBus",
                                                   "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                                   "GetNameOwner", on_owner, &owned, "s", BUS_NAME));
                RUN_UNTIL(x, owned != 0);
        }
}

void fixture_init_with(Fixture *x, const char *config, const char *image) {
        *x = (Fixture) {};
        test_bus_init(&x->bus);
        if (config)
                x->bus.config = config;
        test_bus_start(&x->bus);
        ASSERT_OK(sd_event_new(&x->event));
        x->engine = test_engine_new(x->event);
        if (image)
                test_engine_add_image(x->engine, image, "a:1");
        ASSERT_OK(bus_connection_new(x->event, x->bus.address, &x->connection));
        ASSERT_OK(bus_face_new(x->engine, x->connection, &x->face));
        ASSERT_OK(bus_connection_start(x->connection));
        ASSERT_OK(bus_face_serve(x->face));
        x->client = client_new(x);
        wait_for_name(x);
}

void fixture_init(Fixture *x) {
        fixture_init_with(x, NULL, NULL);
}

void fixture_done(Fixture *x) {
        sd_bus_close_unref(x->client);
        bus_face_free(x->face);
        bus_connection_unref(x->connection);
        engine_free(x->engine);
        sd_event_unref(x->event);
        test_bus_done(&x->bus);
}

int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *e) {
        *(sd_bus_message **) userdata = sd_bus_message_ref(m);
        return 0;
}

sd_bus_message *call_message(Fixture *x, sd_bus_message *m) {
        sd_bus_message *reply = NULL;

        ASSERT_OK(sd_bus_call_async(x->client, NULL, m, on_reply, &reply, 60 * USEC_PER_SEC));
        RUN_UNTIL(x, reply);
        sd_bus_message_unref(m);
        return reply;
}

sd_bus_message *method_new(Fixture *x, const char *path, const char *interface, const char *member) {
        sd_bus_message *m;

        ASSERT_OK(sd_bus_message_new_method_call(x->client, &m, BUS_NAME, path, interface, member));
        return m;
}

void assert_done(sd_bus_message *reply) {
        if (sd_bus_message_is_method_error(reply, NULL))
                test_fail("%s: %s", sd_bus_message_get_error(reply)->name,
                          sd_bus_message_get_error(reply)->message);
        sd_bus_message_unref(reply);
}

void assert_error(sd_bus_message *reply, const char *name, const char *message) {
        ASSERT_TRUE(sd_bus_message_is_method_error(reply, NULL));
        ASSERT_STREQ(sd_bus_message_get_error(reply)->name, name);
        if (message)
                ASSERT_STREQ(sd_bus_message_get_error(reply)->message, message);
        sd_bus_message_unref(reply);
}

int on_count(sd_bus_message *m, void *userdata, sd_bus_error *e) {
        ++*(unsigned *) userdata;
        return 0;
}

void match(Fixture *x, const char *path, const char *interface, const char *member,
           sd_bus_message_handler_t callback, void *userdata) {
        ASSERT_OK(sd_bus_match_signal_async(x->client, NULL, BUS_NAME, path, interface, member, callback,
                                            NULL, userdata));
}

void get(Fixture *x, const char *path, const char *interface, const char *name, const char *type,
         void *ret) {
        sd_bus_message *reply = CALL(x, path, PROPERTIES, "Get", "ss", interface, name);
        const char *s;

        if (streq(type, "s")) {
                ASSERT_OK(sd_bus_message_read(reply, "v", "s", &s));
                *(char **) ret = ASSERT_NOT_NULL(strdup(s));
        } else
                ASSERT_OK(sd_bus_message_read(reply, "v", type, ret));
        sd_bus_message_unref(reply);
}

void assert_string(Fixture *x, const char *path, const char *interface, const char *name,
                   const char *value) {
        _cleanup_free_ char *s = NULL;

        get(x, path, interface, name, "s", &s);
        ASSERT_STREQ(s, value);
}

/* In a child with another uid: one call on a connection of its own. */
static _noreturn_ void call_and_exit(Fixture *x, const char *path, const char *interface, const char *member,
                                     const char *arg) {
        sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;
        sd_bus *bus;
        int r;

        if (setgid(65534) < 0 || setuid(65534) < 0 || sd_bus_new(&bus) < 0 ||
            sd_bus_set_address(bus, x->bus.address) < 0 || sd_bus_set_bus_client(bus, true) < 0 ||
            sd_bus_start(bus) < 0 ||
            sd_bus_message_new_method_call(bus, &m, BUS_NAME, path, interface, member) < 0)
                _exit(99);
        if (arg && sd_bus_message_append(m, "s", arg) < 0)
                _exit(98);

        r = sd_bus_call(bus, m, 30 * USEC_PER_SEC, &e, NULL);
        if (r < 0)
                fprintf(stderr, "%s: %s: %s\n", member, e.name, e.message);
        _exit(r >= 0 ? 0 : streq(e.name, "org.dockerd1.Error.AccessDenied") ? 1 :
              streq(e.name, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) ? 2 : 97);
}

int as_nobody(Fixture *x, const char *path, const char *interface, const char *member,
              const char *arg) {
        int status;
        pid_t pid;

        pid = fork();
        ASSERT_TRUE(pid >= 0);
        if (pid == 0)
                call_and_exit(x, path, interface, member, arg);

        while (waitpid(pid, &status, WNOHANG) == 0)
                ASSERT_OK(sd_event_run(x->event, 10000));
        ASSERT_TRUE(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static int polkit_check(sd_bus_message *m, void *userdata, sd_bus_error *e) {
        FakePolkit *p = userdata;
        const char *kind, *key, *name, *action;

        ASSERT_OK(sd_bus_message_read(m, "(sa{sv})s", &kind, 1, &key, "s", &name, &action));
        ASSERT_OK(free_and_strdup(&p->action, action));
        return sd_bus_reply_method_return(m, "(bba{ss})", p->allow && (!p->only || streq(p->only, action)),
                                          p->challenge, 0);
}

static const sd_bus_vtable polkit_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", polkit_check,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

sd_bus *polkit_new(Fixture *x, FakePolkit *polkit) {
        sd_bus *bus = client_new(x);
        int taken = 0;

        ASSERT_OK(sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/PolicyKit1/Authority",
                                           "org.freedesktop.PolicyKit1.Authority", polkit_vtable, polkit));
        ASSERT_OK(sd_bus_request_name_async(bus, NULL, "org.freedesktop.PolicyKit1", 0, on_owner, &taken));
        RUN_UNTIL(x, taken == 1);
        return bus;
}
