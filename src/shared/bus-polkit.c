/* SPDX-License-Identifier: Apache-2.0 */
/* Asynchronous GetConnectionCredentials and CheckAuthorization. */
#include "shared/bus-polkit.h"

#include <errno.h>
#include <inttypes.h>

#include "basic/string-util.h"
#include "basic/strv.h"
#include "shared/bus-util.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

/* Without a dialogue polkit answers at once; 25 s is the usual time of a bus call. A user may think for a
 * while. */
#define POLKIT_TIMEOUT_USEC (UINT64_C(25) * 1000 * 1000)
#define POLKIT_INTERACTIVE_TIMEOUT_USEC (UINT64_C(5) * 60 * 1000 * 1000)

/* CheckAuthorizationFlags of polkit's interface. */
#define POLKIT_ALLOW_USER_INTERACTION UINT32_C(1)

struct BusSenderQuery {
        sd_bus_slot *slot;
        bus_sender_done_t done;
        void *userdata;
};

static int sender_read_entry(sd_bus_message *m, BusSender *sender) {
        const char *key;
        uint32_t value;
        int r;

        r = sd_bus_message_read_basic(m, 's', &key);
        if (r < 0)
                return r;
        if (!streq(key, "UnixUserID") && !streq(key, "ProcessID"))
                return sd_bus_message_skip(m, "v");

        r = sd_bus_message_read(m, "v", "u", &value);
        if (r < 0)
                return r;

        if (streq(key, "UnixUserID"))
                sender->uid = value;
        else
                sender->pid = (pid_t) value;
        return 0;
}

static int sender_read(sd_bus_message *m, BusSender *sender) {
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sender_read_entry(m, sender);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }

        return r;
}

static int sender_on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        BusSenderQuery *q = ASSERT_PTR(userdata);
        BusSender sender = { .uid = (uid_t) -1 };
        int r;

        if (sd_bus_message_is_method_error(m, NULL))
                r = -sd_bus_message_get_errno(m);
        else
                r = sender_read(m, &sender);

        q->slot = sd_bus_slot_unref(q->slot);
        q->done(q, r, r < 0 ? NULL : &sender, q->userdata);
        return 0;
}

int bus_sender_query(sd_bus *bus, const char *unique_name, bus_sender_done_t done, void *userdata,
                     BusSenderQuery **ret) {
        _cleanup_(bus_sender_query_freep) BusSenderQuery *q = NULL;
        int r;

        assert(bus);
        assert(unique_name);
        assert(done);
        assert(ret);

        q = new0(BusSenderQuery, 1);
        if (!q)
                return -ENOMEM;

        q->done = done;
        q->userdata = userdata;

        r = sd_bus_call_method_async(bus, &q->slot, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus", "GetConnectionCredentials", sender_on_reply, q,
                                     "s", unique_name);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(q);
        return 0;
}

BusSenderQuery *bus_sender_query_free(BusSenderQuery *q) {
        if (!q)
                return NULL;

        sd_bus_slot_unref(q->slot);
        return mfree(q);
}

struct BusPolkitCheck {
        sd_bus *bus;
        sd_bus_slot *slot;              /* NULL once answered */
        char *cancellation_id;
        bus_polkit_done_t done;
        void *userdata;
};

static BusPolkitVerdict polkit_read_error(sd_bus_message *m) {
        const sd_bus_error *e = sd_bus_message_get_error(m);

        /* A host without polkit, not a polkit that fails: a crashed or stuck one must not open the door,
         * and root does not come here at all. */
        return bus_error_is_unknown_service(e) ? BUS_POLKIT_ABSENT : BUS_POLKIT_DENIED;
}

static BusPolkitVerdict polkit_read(sd_bus_message *m) {
        int authorized = false, challenge = false, r;

        if (sd_bus_message_is_method_error(m, NULL))
                return polkit_read_error(m);

        r = sd_bus_message_enter_container(m, 'r', "bba{ss}");
        if (r <= 0)
                return BUS_POLKIT_DENIED;
        r = sd_bus_message_read(m, "bb", &authorized, &challenge);
        if (r < 0)
                return BUS_POLKIT_DENIED;

        return authorized ? BUS_POLKIT_ALLOWED : challenge ? BUS_POLKIT_CHALLENGE : BUS_POLKIT_DENIED;
}

static int polkit_on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        BusPolkitCheck *check = ASSERT_PTR(userdata);

        check->slot = sd_bus_slot_unref(check->slot);
        check->done(check, polkit_read(m), check->userdata);
        return 0;
}

static int polkit_append_details(sd_bus_message *m, char *const *details) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{ss}");
        if (r < 0)
                return r;

        STRV_FOREACH(d, details) {
                _cleanup_free_ char *key = NULL;
                const char *eq = strchr(*d, '=');

                assert(eq);
                key = strndup_safe(*d, (size_t) (eq - *d));
                if (!key)
                        return -ENOMEM;

                r = sd_bus_message_append(m, "{ss}", key, eq + 1);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}

static int polkit_new_message(sd_bus *bus, const char *unique_name, const char *action, char *const *details,
                              bool interactive, const char *cancellation_id, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
                                           "CheckAuthorization");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "(sa{sv})s", "system-bus-name", 1, "name", "s", unique_name, action);
        if (r < 0)
                return r;
        r = polkit_append_details(m, details);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "us", interactive ? POLKIT_ALLOW_USER_INTERACTION : 0, cancellation_id);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

int bus_polkit_check(sd_bus *bus, const char *unique_name, const char *action, char *const *details,
                     bool interactive, bus_polkit_done_t done, void *userdata, BusPolkitCheck **ret) {
        static uint64_t next_id = 1;    /* unique among our own checks, which is all polkit asks for */
        _cleanup_(bus_polkit_check_freep) BusPolkitCheck *check = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        assert(bus);
        assert(unique_name);
        assert(action);
        assert(done);
        assert(ret);

        check = new0(BusPolkitCheck, 1);
        if (!check)
                return -ENOMEM;

        check->bus = sd_bus_ref(bus);
        check->done = done;
        check->userdata = userdata;

        r = asprintf_safe(&check->cancellation_id, "dockerd-%" PRIu64, next_id++);
        if (r < 0)
                return r;

        r = polkit_new_message(bus, unique_name, action, details, interactive, check->cancellation_id, &m);
        if (r < 0)
                return r;

        r = sd_bus_call_async(bus, &check->slot, m, polkit_on_reply, check,
                              interactive ? POLKIT_INTERACTIVE_TIMEOUT_USEC : POLKIT_TIMEOUT_USEC);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(check);
        return 0;
}

BusPolkitCheck *bus_polkit_check_free(BusPolkitCheck *check) {
        if (!check)
                return NULL;

        if (check->slot) {
                check->slot = sd_bus_slot_unref(check->slot);
                (void) sd_bus_call_method_async(
                                check->bus, /* ret_slot= */ NULL, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
                                "CancelCheckAuthorization", /* callback= */ NULL, /* userdata= */ NULL,
                                "s", check->cancellation_id);
        }

        sd_bus_unref(check->bus);
        free(check->cancellation_id);
        return mfree(check);
}
