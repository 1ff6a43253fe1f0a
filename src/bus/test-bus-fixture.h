/* SPDX-License-Identifier: Apache-2.0 */
/* A bus of its own with the face and an engine of the tests on it, and a client, all in one loop. Tests
 * only. */
#pragma once

#include "basic/tests.h"
#include "bus/bus-internal.h"
#include "bus/test-engine.h"
#include "shared/test-bus-daemon.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define INTROSPECTABLE "org.freedesktop.DBus.Introspectable"

typedef struct Fixture {
        sd_event *event;
        TestBus bus;
        Engine *engine;
        BusConnection *connection;
        BusFace *face;
        sd_bus *client;
} Fixture;

/* config: of the bus; image: that is there before the face. Either may be NULL. */
void fixture_init_with(Fixture *x, const char *config, const char *image);
void fixture_init(Fixture *x);
void fixture_done(Fixture *x);
void run_for(Fixture *x, unsigned msec);
#define RUN_UNTIL(x, condition)                                                                 \
        ({                                                                                      \
                uint64_t _begin = now_usec(CLOCK_MONOTONIC);                                    \
                while (!(condition)) {                                                          \
                        ASSERT_OK(sd_event_run((x)->event, 50000));                             \
                        if (now_usec(CLOCK_MONOTONIC) > _begin + 30 * USEC_PER_SEC)             \
                                test_fail("not within 30 s: %s", #condition);                   \
                }                                                                               \
        })

/* Another client. */
sd_bus *client_new(Fixture *x);
void wait_for_name(Fixture *x);

/* Callbacks: userdata is the int that becomes 1 or -1, the sd_bus_message * that is owned, the unsigned that
 * counts. */
int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *e);
int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *e);
int on_count(sd_bus_message *m, void *userdata, sd_bus_error *e);
void match(Fixture *x, const char *path, const char *interface, const char *member,
           sd_bus_message_handler_t callback, void *userdata);

sd_bus_message *method_new(Fixture *x, const char *path, const char *interface, const char *member);
/* Calls and runs the loop until the answer, which the caller owns. */
sd_bus_message *call_message(Fixture *x, sd_bus_message *m);
#define CALL(x, path, interface, member, ...)                                                   \
        ({                                                                                      \
                sd_bus_message *_m = method_new(x, path, interface, member);                    \
                ASSERT_OK(sd_bus_message_append(_m, __VA_ARGS__));                              \
                call_message(x, _m);                                                            \
        })
#define MANAGER(x, member, ...) CALL(x, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE, member, __VA_ARGS__)
#define CONTAINER(x, path, member, ...) CALL(x, path, BUS_CONTAINER_INTERFACE, member, __VA_ARGS__)

/* Of an answer, which they take. */
void assert_done(sd_bus_message *reply);
void assert_error(sd_bus_message *reply, const char *name, const char *message);

/* A property of a type that fits into 64 bits, or a string. */
void get(Fixture *x, const char *path, const char *interface, const char *name, const char *type,
         void *ret);
void assert_string(Fixture *x, const char *path, const char *interface, const char *name,
                   const char *value);

/* What somebody else's call comes to. */
enum {
        ALLOWED,
        DENIED,
        CHALLENGED,
};

int as_nobody(Fixture *x, const char *path, const char *interface, const char *member,
              const char *arg);

typedef struct FakePolkit {
        bool allow, challenge;
        const char *only;               /* action that is allowed; NULL = all of them */
        char *action;
} FakePolkit;

sd_bus *polkit_new(Fixture *x, FakePolkit *polkit);
