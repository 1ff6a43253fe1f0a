/* SPDX-License-Identifier: Apache-2.0 */
/* Shims as transient units docker-<id>.service (org.freedesktop.systemd1(5)): started by StartTransientUnit,
 * followed by JobRemoved, and over when the manager does not know them any more, since the units are
 * collected as soon as they are dead. UnitRemoved is only a hint: "systemctl daemon-reload" sends it for every
 * unit. Unit properties come from the request and the daemon, never from an image. */
#include <stdio.h>
#include <sys/inotify.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "basic/time-util.h"
#include "runtime/shim-protocol.h"
#include "runtime/supervisor-internal.h"
#include "shared/cgroup-util.h"

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define SYSTEMD_UNIT "org.freedesktop.systemd1.Unit"
#define SYSTEMD_ERROR_NO_UNIT "org.freedesktop.systemd1.NoSuchUnit"

/* systemd's patience over the container's own stop timeout: the shim kills at the end of that. */
#define STOP_MARGIN_SEC 10
/* When memory is short the shim, of a megabyte, is the last to go: it alone knows the exit code. */
#define SHIM_OOM_SCORE_ADJUST (-998)
/* For an older unit of the same name to go away. */
#define REPLACE_USEC (20 * USEC_PER_SEC)

/* Longer names are cut. */
#define DESCRIPTION_MAX 256

typedef struct SystemdUnit {
        SupervisorUnit unit;
        char *name;                     /* docker-<id>.service */
        char *run_dir;                  /* of a shim that ran before us */
        char *job;                      /* object path of the start job */
        bool any_job;                   /* the bus was lost before the path was known */
        bool up;                        /* the shim listens */
        sd_event_source *up_source;     /* its socket appears */
        sd_bus_slot *slot;              /* the call in flight */
        sd_bus_message *sent;           /* the start of the slot, for a second try */
        /* A start that waits for an older unit to be gone: the call, to be sent then. */
        sd_bus_message *again;
        sd_event_source *timeout;
} SystemdUnit;

static void systemd_unit_done(SupervisorUnit *unit) {
        SystemdUnit *u = (SystemdUnit *) unit;

        free(u->name);
        free(u->run_dir);
        free(u->job);
        sd_bus_slot_unref(u->slot);
        sd_bus_message_unref(u->sent);
        sd_bus_message_unref(u->again);
        sd_event_source_disable_unref(u->timeout);
        sd_event_source_disable_unref(u->up_source);
}

static int unit_name(const char *id, char **ret) {
        return asprintf_safe(ret, "docker-%s.service", id);
}

/* The unit is freed. */
static void fail(SystemdUnit *u, ErrorKind kind, const char *what, const char *why) {
        _cleanup_error_ Error error = ERROR_NULL;

        error_setf(&error, kind, "failed to start %s: %s%s%s", strempty(u->name), what,
                   isempty(why) ? "" : ": ", strempty(why));
        supervisor_unit_fail(&u->unit, &error);
}

/* --- signals of the shim and the manager --- */

static void is_up(SystemdUnit *u) {
        u->up = true;
        u->up_source = sd_event_source_disable_unref(u->up_source);
        supervisor_unit_done(&u->unit);
}

static int on_socket(sd_event_source *s, const struct inotify_event *event, void *userdata) {
        if (event->len > 0 && streq(event->name, SHIM_CONTROL_NAME))
                is_up(ASSERT_PTR((SystemdUnit *) userdata));
        return 0;
}

static SystemdUnit *find_by_name(Supervisor *s, const char *name) {
        const char *p = startswith(name, "docker-");
        _cleanup_free_ char *id = NULL;

        if (!p || !endswith(p, ".service"))
                return NULL;
        id = strndup(p, strlen(p) - strlen(".service"));
        return id ? hashmap_get(s->units, id) : NULL;
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *reterror) {
        Supervisor *s = userdata;
        const char *job, *name, *result;
        SystemdUnit *u;
        uint32_t number;

        if (sd_bus_message_read(m, "uoss", &number, &job, &name, &result) < 0)
                return 0;
        u = find_by_name(s, name);
        if (!u || !(u->any_job || streq_ptr(u->job, job)))
                return 0;

        u->any_job = false;
        u->job = mfree(u->job);
        if (streq(result, "done"))
                is_up(u);
        else if (u->up)
                supervisor_unit_gone(&u->unit);
        else {
                _cleanup_free_ char *why = NULL;

                (void) asprintf_safe(&why, "%s (\"journalctl -u %s\" says why)", result, name);
                fail(u, ERROR_INTERNAL, "the start job ended", why ?: result);
        }
        return 0;
}

static int send_start(SystemdUnit *u, sd_bus_message *m);
static int send_check(SystemdUnit *u);

static int on_unit_removed(sd_bus_message *m, void *userdata, sd_bus_error *reterror) {
        Supervisor *s = userdata;
        const char *name, *path;
        SystemdUnit *u;

        if (sd_bus_message_read(m, "so", &name, &path) < 0)
                return 0;
        u = find_by_name(s, name);
        if (!u)
                return 0;

        if (u->again) {
                /* It was the older one. */
                sd_bus_message *again = TAKE_PTR(u->again);

                u->timeout = sd_event_source_disable_unref(u->timeout);
                if (send_start(u, again) < 0)
                        fail(u, ERROR_INTERNAL, "the bus does not take the call", NULL);
                sd_bus_message_unref(again);
                return 0;
        }
        /* Between a call and its reply the reply tells more. */
        if (!u->slot && send_check(u) < 0)
                log_debug("Cannot ask the service manager for %s", u->name);
        return 0;
}

static int on_subscribed(sd_bus_message *m, void *userdata, sd_bus_error *reterror) {
        const sd_bus_error *e = sd_bus_message_get_error(m);

        if (e && !sd_bus_error_has_name(e, "org.freedesktop.systemd1.AlreadySubscribed"))
                log_debug("Failed to subscribe to the service manager: %s", e->message);
        return 0;
}

static int subscribe(Supervisor *s) {
        int r;

        r = sd_bus_match_signal_async(s->bus, &s->job_slot, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                      "JobRemoved", on_job_removed, NULL, s);
        if (r >= 0)
                r = sd_bus_match_signal_async(s->bus, &s->removed_slot, SYSTEMD_NAME, SYSTEMD_PATH,
                                              SYSTEMD_MANAGER, "UnitRemoved", on_unit_removed, NULL, s);
        if (r >= 0)
                r = sd_bus_call_method_async(s->bus, &s->subscribe_slot, SYSTEMD_NAME, SYSTEMD_PATH,
                                             SYSTEMD_MANAGER, "Subscribe", on_subscribed, s, "");
        return r;
}

/* --- start --- */

static int append_exec(sd_bus_message *m, const char *shim, const char *run_dir) {
        return sd_bus_message_append(m, "(sv)", "ExecStart", "a(sasb)", 1, shim, 2, shim, run_dir, 0);
}

static int append_stop(sd_bus_message *m, int64_t timeout) {
        uint64_t usec = timeout < 0 ? UINT64_MAX : ((uint64_t) timeout + STOP_MARGIN_SEC) * USEC_PER_SEC;

        return sd_bus_message_append(m, "(sv)", "TimeoutStopUSec", "t", usec);
}

static void describe(const char *name, const char *id, char ret[static DESCRIPTION_MAX]) {
        snprintf(ret, DESCRIPTION_MAX, "Docker container %s (%.12s)", strempty(name), id);
}

static int append_strings(sd_bus_message *m, const SupervisorLaunch *l) {
        const char *slice = isempty(l->cgroup_parent) ? "system.slice" : l->cgroup_parent;
        char description[DESCRIPTION_MAX];
        int r;

        describe(l->name, l->id, description);
        const struct {
                const char *name, *value;
        } table[] = {
                { "Description",  description            },
                { "Type",         "notify"               },
                { "NotifyAccess", "main"                 },
                { "KillMode",     "mixed"                },
                { "CollectMode",  "inactive-or-failed"   },
                { "OOMPolicy",    "continue"             },
                { "Slice",        slice                  },
        };
        FOREACH_ELEMENT(i, table) {
                r = sd_bus_message_append(m, "(sv)", i->name, "s", i->value);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* When the machine goes down, the container ends while the daemon is still there to record how. */
static int append_order(sd_bus_message *m, const char *own_unit) {
        return own_unit ? sd_bus_message_append(m, "(sv)", "After", "as", 1, own_unit) : 0;
}

static int append_properties(sd_bus_message *m, const SupervisorLaunch *l, const Supervisor *s) {
        static const SpecResources none = {};
        int r;

        r = append_strings(m, l);
        if (r >= 0)
                r = append_order(m, s->own_unit);
        if (r >= 0)
                r = append_exec(m, s->shim_path, l->run_dir);
        if (r >= 0)
                r = append_stop(m, l->stop_timeout);
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)", "Delegate", "b", 1, "OOMScoreAdjust", "i",
                                          SHIM_OOM_SCORE_ADJUST, "Documentation", "as", 1,
                                          "man:dockerd(8)");
        /* What a service gets by default is meant for services, not for the programs of containers. */
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)", "LimitNPROC", "t", UINT64_MAX, "LimitCORE", "t",
                                          UINT64_MAX);
        if (r < 0)
                return r;
        return resources_append_unit_properties(l->resources ?: &none, m);
}

static int build_start(Supervisor *s, const char *name, const SupervisorLaunch *l, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(s->bus, &m, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                           "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", name, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = append_properties(m, l, s);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a(sa(sv))", 0);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

static int on_replace_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        SystemdUnit *u = userdata;

        u->again = sd_bus_message_unref(u->again);
        fail(u, ERROR_CONFLICT, "an older unit of this name does not go away", NULL);
        return 0;
}

/* An older unit is ending, or failed and was not collected. */
static int wait_for_older(SystemdUnit *u, sd_bus_message *call) {
        Supervisor *s = u->unit.supervisor;
        int r;

        (void) sd_bus_call_method_async(s->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                        "ResetFailedUnit", NULL, NULL, "s", u->name);
        r = sd_event_add_time_relative(s->event, &u->timeout, CLOCK_MONOTONIC, REPLACE_USEC, 0,
                                       on_replace_timeout, u);
        if (r < 0)
                return r;
        u->again = sd_bus_message_ref(call);
        return 0;
}

static int on_start_reply(sd_bus_message *m, void *userdata, sd_bus_error *reterror) {
        SystemdUnit *u = userdata;
        Supervisor *s = u->unit.supervisor;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = TAKE_PTR(u->sent);
        const char *job;

        u->slot = sd_bus_slot_unref(u->slot);
        /* Sent, and the answer was lost with the bus: the unit itself tells when the bus is back. */
        if (sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY)) {
                u->any_job = true;
                return 0;
        }
        if (sd_bus_error_has_name(e, "org.freedesktop.systemd1.UnitExists") && call && !u->timeout) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *copy = NULL;

                /* A sent message cannot be sent again. */
                if (sd_bus_message_new_method_call(s->bus, &copy, SYSTEMD_NAME, SYSTEMD_PATH,
                                                   SYSTEMD_MANAGER, "StartTransientUnit") >= 0 &&
                    sd_bus_message_rewind(call, true) >= 0 && sd_bus_message_copy(copy, call, true) >= 0 &&
                    wait_for_older(u, copy) >= 0)
                        return 0;
        }
        if (e) {
                fail(u, ERROR_INTERNAL, e->message ?: e->name, NULL);
                return 0;
        }
        if (sd_bus_message_read(m, "o", &job) < 0 || free_and_strdup(&u->job, job) < 0)
                fail(u, ERROR_INTERNAL, "the reply of the service manager is not understood", NULL);
        return 0;
}

static int send_start(SystemdUnit *u, sd_bus_message *m) {
        int r;

        u->slot = sd_bus_slot_unref(u->slot);
        r = sd_bus_call_async(u->unit.supervisor->bus, &u->slot, m, on_start_reply, u, 0);
        if (r < 0)
                return r;
        u->sent = sd_bus_message_ref(m);
        return 0;
}

static int systemd_start(SupervisorUnit *unit, const SupervisorLaunch *l, Error *reterr) {
        SystemdUnit *u = (SystemdUnit *) unit;
        Supervisor *s = unit->supervisor;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (!s->bus)
                return error_setf(reterr, ERROR_UNAVAILABLE,
                                  "the system bus is away, and without it systemd starts no container");
        r = unit_name(l->id, &u->name);
        /* Sooner than the manager's word that the job is done, which comes by two more processes. */
        if (r >= 0)
                r = sd_event_add_inotify(s->event, &u->up_source, l->run_dir, IN_MOVED_TO, on_socket, u);
        if (r >= 0)
                r = build_start(s, u->name, l, &m);
        if (r >= 0)
                r = send_start(u, m);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "failed to ask the service manager for %s", u->name);
        return 0;
}

/* --- does it run? Asked after a restart of the daemon, on a hint, and when the bus is back --- */

static void unit_is_over(SystemdUnit *u) {
        /* A predecessor of ours that had no bus started it as a process. */
        if (u->run_dir && !u->unit.end_source && supervisor_unit_watch_shim(&u->unit, u->run_dir) >= 0)
                return;
        if (u->unit.done)
                fail(u, ERROR_NOT_FOUND, "no shim runs", NULL);
        else
                supervisor_unit_gone(&u->unit);
}

/* Only the manager's own word ends a unit; a bus that breaks does not. */
static bool is_unknown_unit(sd_bus_message *m) {
        const sd_bus_error *e = sd_bus_message_get_error(m);

        return sd_bus_error_has_name(e, SYSTEMD_ERROR_NO_UNIT) ||
               sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_OBJECT);
}

static int on_state(sd_bus_message *m, void *userdata, sd_bus_error *reterror) {
        SystemdUnit *u = userdata;
        const char *state = NULL;

        u->slot = sd_bus_slot_unref(u->slot);
        if (!sd_bus_message_get_error(m))
                (void) sd_bus_message_read(m, "v", "s", &state);
        if (is_unknown_unit(m) || (state && (streq(state, "inactive") || streq(state, "failed"))))
                unit_is_over(u);
        else if (state && !((u->job || u->any_job) && streq(state, "activating"))) {
                u->any_job = false;
                u->job = mfree(u->job);
                supervisor_unit_done(&u->unit);
        }
        return 0;
}

static int on_unit_path(sd_bus_message *m, void *userdata, sd_bus_error *reterror) {
        SystemdUnit *u = userdata;
        const char *path;

        u->slot = sd_bus_slot_unref(u->slot);
        if (is_unknown_unit(m))
                unit_is_over(u);
        else if (!sd_bus_message_get_error(m) && sd_bus_message_read(m, "o", &path) >= 0)
                (void) sd_bus_call_method_async(u->unit.supervisor->bus, &u->slot, SYSTEMD_NAME, path,
                                                "org.freedesktop.DBus.Properties", "Get", on_state, u, "ss",
                                                SYSTEMD_UNIT, "ActiveState");
        return 0;
}

static int send_check(SystemdUnit *u) {
        u->slot = sd_bus_slot_unref(u->slot);
        return sd_bus_call_method_async(u->unit.supervisor->bus, &u->slot, SYSTEMD_NAME, SYSTEMD_PATH,
                                        SYSTEMD_MANAGER, "GetUnit", on_unit_path, u, "s", u->name);
}

static int systemd_find_running(SupervisorUnit *unit, const char *run_dir, Error *reterr) {
        SystemdUnit *u = (SystemdUnit *) unit;
        int r;

        r = unit_name(unit->id, &u->name);
        if (r >= 0)
                r = free_and_strdup(&u->run_dir, run_dir);
        if (r < 0)
                return error_fill(reterr, r);
        /* The shim itself tells at once; without a bus the manager is asked when it is back. */
        if (supervisor_shim_lives(run_dir))
                r = supervisor_unit_done_later(unit);
        if (r >= 0 && unit->supervisor->bus)
                r = send_check(u);
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to talk to the service manager") :
                       0;
}

/* --- the bus goes and comes back --- */

static void unit_bus_lost(SystemdUnit *u) {
        u->any_job = u->any_job || u->job || u->sent;
        u->job = mfree(u->job);
        u->slot = sd_bus_slot_unref(u->slot);
        u->sent = sd_bus_message_unref(u->sent);
}

static void systemd_bus_lost(Supervisor *s) {
        SupervisorUnit *unit;

        HASHMAP_FOREACH(unit, s->units)
                unit_bus_lost((SystemdUnit *) unit);
        s->job_slot = sd_bus_slot_unref(s->job_slot);
        s->removed_slot = sd_bus_slot_unref(s->removed_slot);
        s->subscribe_slot = sd_bus_slot_unref(s->subscribe_slot);
}

/* A start that waits for an older unit was not sent yet: it fails, and the client tries again. */
static void unit_bus_back(SystemdUnit *u) {
        if (u->again)
                fail(u, ERROR_UNAVAILABLE, "the system bus was lost", NULL);
        else if (send_check(u) < 0)
                log_debug("Cannot ask the service manager for %s", u->name);
}

static void systemd_bus_back(Supervisor *s) {
        _cleanup_strv_free_ char **ids = NULL, **cleanups = TAKE_PTR(s->cleanups);
        SupervisorUnit *unit;

        STRV_FOREACH(id, cleanups)
                (void) supervisor_cleanup(s, *id, NULL);
        /* By id: what is told of one unit may change others. */
        HASHMAP_FOREACH(unit, s->units)
                (void) strv_extend(&ids, unit->id);
        STRV_FOREACH(id, ids) {
                unit = hashmap_get(s->units, *id);
                if (unit)
                        unit_bus_back((SystemdUnit *) unit);
        }
}

static int systemd_set_bus(Supervisor *s, Error *reterr) {
        int r;

        systemd_bus_lost(s);
        if (!s->bus)
                return 0;
        r = subscribe(s);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to talk to the service manager");
        systemd_bus_back(s);
        return 0;
}

/* --- */

/* Without waiting: the manager does these in order. A unit that is gone is no error. */
static int systemd_cleanup(Supervisor *s, const char *id, const char *cgroup_parent) {
        _cleanup_free_ char *name = NULL;
        int r;

        if (!s->bus)
                return strv_extend(&s->cleanups, id);
        r = unit_name(id, &name);
        if (r >= 0)
                r = sd_bus_call_method_async(s->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                             "KillUnit", NULL, NULL, "ssi", name, "all", SIGKILL);
        if (r >= 0)
                r = sd_bus_call_method_async(s->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                             "ResetFailedUnit", NULL, NULL, "s", name);
        return r;
}

static int systemd_rename(Supervisor *s, const char *id, const char *name) {
        char description[DESCRIPTION_MAX];
        _cleanup_free_ char *unit = NULL;
        int r;

        if (!s->bus)
                return -ENOTCONN;
        describe(name, id, description);
        r = unit_name(id, &unit);
        return r < 0 ? r : sd_bus_call_method_async(s->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH,
                                                    SYSTEMD_MANAGER, "SetUnitProperties", NULL, NULL,
                                                    "sba(sv)", unit, 1, 1, "Description", "s", description);
}

static int systemd_update(Supervisor *s, const char *id, const SpecResources *resources) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ char *name = NULL;
        int r;

        if (!s->bus)
                return -ENOTCONN;
        r = unit_name(id, &name);
        if (r >= 0)
                r = sd_bus_message_new_method_call(s->bus, &m, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                                   "SetUnitProperties");
        if (r >= 0)
                r = sd_bus_message_append(m, "sb", name, 1);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = resources_append_unit_properties(resources, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_call_async(s->bus, NULL, m, NULL, NULL, 0);
}

const SupervisorVTable supervisor_systemd_vtable = {
        .kind = SUPERVISOR_SYSTEMD,
        .unit_size = sizeof(SystemdUnit),
        .set_bus = systemd_set_bus,
        .start = systemd_start,
        .find_running = systemd_find_running,
        .cleanup = systemd_cleanup,
        .update = systemd_update,
        .rename = systemd_rename,
        .unit_done = systemd_unit_done,
};
