/* SPDX-License-Identifier: Apache-2.0 */
/* org.dockerd1.Container: its rows, its properties, and the objects that come, change and go with the
 * engine's. */
#include "basic/log.h"
#include "basic/string-util.h"
#include "bus/bus-internal.h"

static const BusRow container_rows[] = {
        BUS_CALL("Start", "a{sv}", "options", "", "", container_start),
        BUS_CALL("Stop", "a{sv}", "options", "", "", container_stop),
        BUS_CALL("Restart", "a{sv}", "options", "", "", container_restart),
        BUS_CALL("Kill", "s", "signal", "", "", container_kill),
        BUS_CALL("Update", "a{sv}", "options", "as", "warnings=Warnings", container_update),
        BUS_CALL("Pause", "", "", "", "", container_pause),
        BUS_CALL("Unpause", "", "", "", "", container_unpause),
        BUS_CALL("Rename", "s", "name", "", "", container_rename),
        BUS_CALL("Remove", "a{sv}", "options", "", "", container_remove),
        BUS_CALL("Wait", "s", "condition", "xs", "exit_code=StatusCode error=Error.Message", container_wait),
        BUS_CALL("Resize", "uu", "height=h width=w", "", "", container_resize),
        BUS_CALL("Attach", "a{sv}", "options", "hs", "connection format", container_attach,
                 .defaults = "{\"stream\":true,\"stdin\":true,\"stdout\":true,\"stderr\":true}"),
        BUS_CALL("Logs", "a{sv}", "options", "hs", "stream format", container_logs,
                 .defaults = "{\"stdout\":true,\"stderr\":true}"),
        BUS_CALL("GetStats", "a{sv}", "options", "hs", "stream format", container_stats),
        BUS_CALL("CreateExec", "asa{sv}", "command=Cmd options", "s", "exec=Id", exec_create),
        BUS_CALL("Inspect", "", "", "a{sv}", "details", container_inspect),
        BUS_CALL("Export", "", "", "hs", "stream format", container_export),
        BUS_CALL("GetChanges", "", "", "hs", "stream format", container_changes),
        BUS_CALL("StatPath", "s", "path", "a{sv}", "details", container_stat_path),
        BUS_CALL("GetArchive", "s", "path", "hs", "stream format", container_archive),
        BUS_CALL("PutArchive", "sha{sv}", "path archive options", "", "", container_extract),
        BUS_CALL("Top", "s", "ps_args", "a{sv}", "processes", container_top),
};

static int get_labels(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        return bus_append_string_map(reply, userdata);
}

#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable container_extra[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Id", "s", NULL, offsetof(BusContainer, target.id), CONST),
        SD_BUS_PROPERTY("Name", "s", NULL, offsetof(BusContainer, name), CHANGES),
        SD_BUS_PROPERTY("Image", "s", NULL, offsetof(BusContainer, image), CONST),
        SD_BUS_PROPERTY("ImageId", "s", NULL, offsetof(BusContainer, image_id), CONST),
        SD_BUS_PROPERTY("State", "s", NULL, offsetof(BusContainer, state), CHANGES),
        SD_BUS_PROPERTY("Health", "s", NULL, offsetof(BusContainer, health), CHANGES),
        SD_BUS_PROPERTY("Unit", "s", NULL, offsetof(BusContainer, unit), CHANGES),
        SD_BUS_PROPERTY("Pid", "u", NULL, offsetof(BusContainer, pid), CHANGES),
        SD_BUS_PROPERTY("ExitCode", "i", NULL, offsetof(BusContainer, exit_code), CHANGES),
        SD_BUS_PROPERTY("OOMKilled", "b", NULL, offsetof(BusContainer, oom_killed), CHANGES),
        SD_BUS_PROPERTY("CreatedUSec", "t", NULL, offsetof(BusContainer, created), CONST),
        SD_BUS_PROPERTY("StartedUSec", "t", NULL, offsetof(BusContainer, started), CHANGES),
        SD_BUS_PROPERTY("FinishedUSec", "t", NULL, offsetof(BusContainer, finished), CHANGES),
        SD_BUS_PROPERTY("Labels", "a{ss}", get_labels, offsetof(BusContainer, labels), CONST),
        SD_BUS_VTABLE_END,
};

const BusInterface bus_container_interface = {
        .name = BUS_CONTAINER_INTERFACE,
        .rows = container_rows,
        .n_rows = ELEMENTSOF(container_rows),
        .extra = container_extra,
        .id_field = "id",
        .read_call = &engine_call_container_inspect,
};

/* Bits of BusContainer.changed. */
typedef enum Changed {
        CHANGED_NAME = 1 << 0,
        CHANGED_STATE = 1 << 1,
        CHANGED_UNIT = 1 << 2,
        CHANGED_PID = 1 << 3,
        CHANGED_EXIT_CODE = 1 << 4,
        CHANGED_OOM_KILLED = 1 << 5,
        CHANGED_STARTED = 1 << 6,
        CHANGED_FINISHED = 1 << 7,
        CHANGED_HEALTH = 1 << 8,
} Changed;

static const BusChange changed_table[] = {
        { CHANGED_NAME, "Name" },
        { CHANGED_STATE, "State" },
        { CHANGED_UNIT, "Unit" },
        { CHANGED_PID, "Pid" },
        { CHANGED_EXIT_CODE, "ExitCode" },
        { CHANGED_OOM_KILLED, "OOMKilled" },
        { CHANGED_STARTED, "StartedUSec" },
        { CHANGED_FINISHED, "FinishedUSec" },
        { CHANGED_HEALTH, "Health" },
};

int bus_container_path(const char *id, char **ret) {
        return sd_bus_path_encode(BUS_CONTAINER_PREFIX, id, ret);
}

/* The old value stays when memory is out; the next look at the container tries again. */
static void update_string(BusContainer *c, char **p, const char *s, Changed bit) {
        if (!streq_ptr(*p, s) && free_and_strdup(p, s) >= 0)
                c->changed |= bit;
}

#define UPDATE(c, member, new_value, bit)                       \
        ({                                                      \
                typeof((c)->member) _v = (new_value);           \
                if ((c)->member != _v) {                        \
                        (c)->member = _v;                       \
                        (c)->changed |= (bit);                  \
                }                                               \
        })

static void container_update(BusContainer *c, const EngineContainerView *v) {
        update_string(c, &c->name, v->name, CHANGED_NAME);
        update_string(c, &c->state, v->state, CHANGED_STATE);
        update_string(c, &c->health, v->health, CHANGED_HEALTH);
        update_string(c, &c->unit, v->unit, CHANGED_UNIT);
        UPDATE(c, pid, (uint32_t) v->pid, CHANGED_PID);
        UPDATE(c, exit_code, v->exit_code, CHANGED_EXIT_CODE);
        UPDATE(c, oom_killed, v->oom_killed, CHANGED_OOM_KILLED);
        UPDATE(c, started, v->started / NSEC_PER_USEC, CHANGED_STARTED);
        UPDATE(c, finished, v->finished / NSEC_PER_USEC, CHANGED_FINISHED);
}

BusContainer *bus_container_free(BusContainer *c) {
        if (!c)
                return NULL;

        bus_target_done(&c->target);
        free(c->name);
        free(c->image);
        free(c->image_id);
        free(c->state);
        free(c->health);
        free(c->unit);
        string_map_done(&c->labels);
        return mfree(c);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(BusContainer *, bus_container_free);

static int container_new(BusFace *f, const EngineContainerView *v, BusContainer **ret) {
        _cleanup_(bus_container_freep) BusContainer *c = NULL;
        int r;

        c = new(BusContainer, 1);
        if (!c)
                return -ENOMEM;
        *c = (BusContainer) {
                .target = { .face = f, .interface = &bus_container_interface },
                .created = v->created / NSEC_PER_USEC,
        };

        r = free_and_strdup(&c->target.id, v->id);
        if (r < 0)
                return r;
        r = free_and_strdup(&c->image, v->image);
        if (r < 0)
                return r;
        r = free_and_strdup(&c->image_id, v->image_id);
        if (r < 0)
                return r;
        r = bus_container_path(v->id, &c->target.path);
        if (r < 0)
                return r;
        if (v->labels) {
                r = string_map_copy(&c->labels, v->labels);
                if (r < 0)
                        return r;
        }

        container_update(c, v);
        c->changed = 0;
        *ret = TAKE_PTR(c);
        return 0;
}

static int container_add(BusFace *f, const EngineContainerView *v) {
        _cleanup_(bus_container_freep) BusContainer *c = NULL;
        int r;

        r = container_new(f, v, &c);
        if (r < 0)
                return r;
        r = hashmap_put(f->containers, c->target.id, c);
        if (r < 0)
                return r;

        bus_target_emit_added(&TAKE_PTR(c)->target);
        return 0;
}

static void container_remove(BusFace *f, BusContainer *c) {
        bus_target_emit_removed(&c->target);
        (void) hashmap_remove(f->containers, c->target.id);
        bus_container_free(c);
}

void bus_container_refresh(BusFace *f, const char *id) {
        EngineContainerView v = {};
        BusContainer *c = hashmap_get(f->containers, id);
        int r;

        if (!engine_container_view(f->engine, id, &v)) {
                if (c)
                        container_remove(f, c);
                return;
        }

        if (!c) {
                r = container_add(f, &v);
                if (r < 0)
                        log_debug_errno(r, "Cannot show container %s on the bus: %m", id);
                return;
        }

        container_update(c, &v);
        bus_target_emit_changes(&c->target, changed_table, ELEMENTSOF(changed_table), c->changed);
        c->changed = 0;
}

int bus_container_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
                       sd_bus_error *ret_error) {
        _cleanup_free_ char *id = NULL;
        BusFace *f = ASSERT_PTR(userdata);
        EngineContainerView v = {};
        BusContainer *c;
        int r;

        r = sd_bus_path_decode(path, BUS_CONTAINER_PREFIX, &id);
        if (r <= 0)
                return r;

        c = hashmap_get(f->containers, id);
        if (!c) {
                /* Made a moment ago: a client that was told the path may use it before the signal. */
                bus_container_refresh(f, id);
                c = hashmap_get(f->containers, id);
                if (!c)
                        return 0;
        }

        /* Who reads after a reply gets what the reply promised, even if the signal is still to come. */
        if (engine_container_view(f->engine, id, &v)) {
                container_update(c, &v);
                if (c->changed)
                        bus_face_schedule_refresh(f, id);
        }

        *ret = c;
        return 1;
}

int bus_container_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
                            sd_bus_error *ret_error) {
        BusFace *f = ASSERT_PTR(userdata);

        return bus_targets_enumerate(f->containers, ret);
}
