/* SPDX-License-Identifier: Apache-2.0 */
/* Tests the shared bus connection against a private bus: no bus, late bus, restarted bus, senders,
 * polkit's answers. */
#include "shared/bus-util.h"

#include <stdio.h>
#include <unistd.h>

#include "basic/string-util.h"
#include "basic/strv.h"
#include "shared/bus-polkit.h"
#include "shared/test-bus-daemon.h"

typedef struct Seen {
        unsigned opened, ready, lost;
} Seen;

static int on_event(BusConnection *c, BusConnectionEvent event, sd_bus *bus, void *userdata) {
        Seen *s = userdata;

        switch (event) {
        case BUS_OPENED:
                assert(bus);
                s->opened++;
                break;
        case BUS_READY:
                assert(bus == bus_connection_get(c));
                s->ready++;
                break;
        case BUS_LOST:
                assert(!bus_connection_get(c));
                s->lost++;
                break;
        }
        return 0;
}

/* Runs the loop until the counter has the value. */
static void run_until(sd_event *event, const unsigned *counter, unsigned value) {
        uint64_t begin, now;

        assert(sd_event_now(event, CLOCK_MONOTONIC, &begin) >= 0);
        while (*counter < value) {
                assert(sd_event_run(event, 100 * 1000) >= 0);
                assert(sd_event_now(event, CLOCK_MONOTONIC, &now) >= 0);
                assert(now < begin + 60 * UINT64_C(1000000));
        }
}

static void test_no_address(sd_event *event) {
        _cleanup_(bus_connection_unrefp) BusConnection *c = NULL;

        assert(bus_connection_new(event, NULL, &c) == 0);
        assert(bus_connection_start(c) == 0);
        assert(!bus_connection_get(c));
        assert(bus_connection_last_error(c) == 0);
}

static void test_default_address(void) {
        assert(setenv("DOCKERD_BUS_ADDRESS", "", 1) == 0);
        assert(!bus_default_address());
        assert(setenv("DOCKERD_BUS_ADDRESS", "unix:path=/a", 1) == 0);
        assert(streq(bus_default_address(), "unix:path=/a"));
        assert(unsetenv("DOCKERD_BUS_ADDRESS") == 0);
        assert(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/b", 1) == 0);
        assert(streq(bus_default_address(), "unix:path=/b"));
        assert(unsetenv("DBUS_SYSTEM_BUS_ADDRESS") == 0);
        assert(streq(bus_default_address(), "unix:path=/run/dbus/system_bus_socket"));
}

static void test_reconnect(sd_event *event, TestBus *b) {
        _cleanup_(bus_connection_unrefp) BusConnection *c = NULL;
        _cleanup_(bus_listener_freep) BusListener *early = NULL, *late = NULL;
        Seen seen = {}, seen_late = {};

        assert(bus_connection_new(event, b->address, &c) == 0);
        assert(bus_connection_listen(c, on_event, &seen, &early) == 0);

        /* No bus yet: no error, and not ready. */
        assert(bus_connection_start(c) == 0);
        assert(!bus_connection_get(c));
        run_until(event, &seen.lost, 1);
        assert(bus_connection_last_error(c) < 0);
        assert(seen.ready == 0);

        test_bus_start(b);
        run_until(event, &seen.ready, 1);
        assert(bus_connection_get(c));
        assert(bus_connection_last_error(c) == 0);

        /* Who comes late is told what there is. */
        assert(bus_connection_listen(c, on_event, &seen_late, &late) == 0);
        assert(seen_late.opened == 1 && seen_late.ready == 1 && seen_late.lost == 0);

        unsigned lost = seen.lost;
        test_bus_stop(b);
        run_until(event, &seen.lost, lost + 1);
        assert(!bus_connection_get(c));

        test_bus_start(b);
        run_until(event, &seen.ready, 2);
        assert(seen_late.ready == 2);

        bus_connection_stop(c);
        assert(!bus_connection_get(c));
        test_bus_stop(b);
}

typedef struct Verdict {
        unsigned count;
        int result;
        BusSender sender;
        BusPolkitVerdict verdict;
} Verdict;

static void on_sender(BusSenderQuery *q, int r, const BusSender *sender, void *userdata) {
        Verdict *v = userdata;

        v->count++;
        v->result = r;
        if (sender)
                v->sender = *sender;
}

static void on_verdict(BusPolkitCheck *check, BusPolkitVerdict verdict, void *userdata) {
        Verdict *v = userdata;

        v->count++;
        v->verdict = verdict;
}

/* A polkit that knows three actions; "wait" never answers. */
typedef struct FakePolkit {
        unsigned checked, cancelled;
        uint32_t flags;
        char *cancellation_id;
} FakePolkit;

static int fake_check(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        FakePolkit *p = userdata;
        const char *kind, *action, *id, *name;
        bool yes, challenge;

        assert(sd_bus_message_read(m, "(sa{sv})s", &kind, 1, &name, "s", &name, &action) >= 0);
        assert(streq(kind, "system-bus-name") && name[0] == ':');
        assert(sd_bus_message_skip(m, "a{ss}") >= 0);
        assert(sd_bus_message_read(m, "us", &p->flags, &id) >= 0);
        assert(free_and_strdup(&p->cancellation_id, id) >= 0);
        p->checked++;

        if (streq(action, "a.wait"))
                return 1;
        if (streq(action, "a.fail"))
                return sd_bus_error_set(ret_error, SD_BUS_ERROR_FAILED, "stuck");
        yes = streq(action, "a.yes");
        challenge = streq(action, "a.challenge");
        return sd_bus_reply_method_return(m, "(bba{ss})", yes, challenge, 0);
}

static int fake_cancel(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        FakePolkit *p = userdata;
        const char *id;

        assert(sd_bus_message_read(m, "s", &id) >= 0);
        assert(streq(id, p->cancellation_id));
        p->cancelled++;
        return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable fake_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", fake_check,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("CancelCheckAuthorization", "s", "", fake_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static BusPolkitVerdict ask(sd_event *event, sd_bus *bus, const char *action, bool interactive) {
        _cleanup_(bus_polkit_check_freep) BusPolkitCheck *check = NULL;
        char *details[] = { (char *) "name=web", NULL };
        Verdict v = {};
        const char *name;

        assert(sd_bus_get_unique_name(bus, &name) >= 0);
        assert(bus_polkit_check(bus, name, action, details, interactive, on_verdict, &v, &check) == 0);
        run_until(event, &v.count, 1);
        assert(v.count == 1);
        return v.verdict;
}

static void test_authorization(sd_event *event, TestBus *b) {
        _cleanup_(bus_connection_unrefp) BusConnection *c = NULL, *pc = NULL;
        _cleanup_(bus_listener_freep) BusListener *l = NULL, *pl = NULL;
        _cleanup_(bus_sender_query_freep) BusSenderQuery *q = NULL;
        Seen seen = {}, pseen = {};
        FakePolkit polkit = {};
        BusPolkitCheck *check;
        Verdict v = {};
        const char *name;
        sd_bus *bus;

        test_bus_start(b);
        assert(bus_connection_new(event, b->address, &c) == 0);
        assert(bus_connection_listen(c, on_event, &seen, &l) == 0);
        assert(bus_connection_start(c) == 0);
        run_until(event, &seen.ready, 1);
        bus = bus_connection_get(c);

        assert(sd_bus_get_unique_name(bus, &name) >= 0);
        assert(bus_sender_query(bus, name, on_sender, &v, &q) == 0);
        run_until(event, &v.count, 1);
        assert(v.result == 0 && v.sender.uid == getuid() && v.sender.pid == getpid());
        q = bus_sender_query_free(q);

        v = (Verdict) {};
        assert(bus_sender_query(bus, ":1.4711", on_sender, &v, &q) == 0);
        run_until(event, &v.count, 1);
        assert(v.result < 0);

        assert(ask(event, bus, "a.yes", false) == BUS_POLKIT_ABSENT);

        assert(bus_connection_new(event, b->address, &pc) == 0);
        assert(bus_connection_listen(pc, on_event, &pseen, &pl) == 0);
        assert(bus_connection_start(pc) == 0);
        run_until(event, &pseen.ready, 1);
        assert(sd_bus_add_object_vtable(bus_connection_get(pc), NULL,
                                        "/org/freedesktop/PolicyKit1/Authority",
                                        "org.freedesktop.PolicyKit1.Authority", fake_vtable, &polkit) >= 0);
        assert(sd_bus_request_name_async(bus_connection_get(pc), NULL, "org.freedesktop.PolicyKit1", 0, NULL,
                                         NULL) >= 0);
        for (unsigned i = 0; i < 10; i++)
                assert(sd_event_run(event, 20 * 1000) >= 0);

        assert(ask(event, bus, "a.yes", false) == BUS_POLKIT_ALLOWED);
        assert(polkit.flags == 0);
        assert(ask(event, bus, "a.yes", true) == BUS_POLKIT_ALLOWED);
        assert(polkit.flags == 1);
        assert(ask(event, bus, "a.no", false) == BUS_POLKIT_DENIED);
        assert(ask(event, bus, "a.challenge", false) == BUS_POLKIT_CHALLENGE);
        assert(ask(event, bus, "a.fail", false) == BUS_POLKIT_DENIED);

        /* A check that is given up is cancelled at polkit too. */
        unsigned checked = polkit.checked;
        assert(bus_polkit_check(bus, name, "a.wait", NULL, true, on_verdict, &v, &check) == 0);
        run_until(event, &polkit.checked, checked + 1);
        bus_polkit_check_free(check);
        run_until(event, &polkit.cancelled, 1);

        free(polkit.cancellation_id);
        bus_connection_stop(pc);
        bus_connection_stop(c);
        test_bus_stop(b);
}

static void test_errors(void) {
        _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;
        _cleanup_error_ Error error = ERROR_NULL;
        int r;

        r = error_setf(&error, ERROR_NOT_FOUND, "No such container: %s", "x");
        assert(bus_error_set(&e, &error) == r);
        assert(streq(e.name, "org.dockerd1.Error.NotFound"));
        assert(streq(e.message, "No such container: x"));
}

int main(void) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        TestBus bus;

        test_default_address();
        test_errors();

        test_bus_init(&bus);
        assert(sd_event_new(&event) == 0);
        test_no_address(event);
        test_reconnect(event, &bus);
        test_authorization(event, &bus);
        test_bus_done(&bus);
        return 0;
}
