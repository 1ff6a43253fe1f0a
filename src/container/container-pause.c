/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-pause.h"

#include "basic/crash-point.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "container/container-manager.h"
#include "shared/cgroup-util.h"

/* What the shim says it is by now: told once, whoever it was that wanted it. */
static void adopt_state(Container *c) {
        bool paused = shim_client_is_paused(c->shim);
        _cleanup_error_ Error e = ERROR_NULL;

        if (!container_is_running(c) || paused == (c->state == CONTAINER_PAUSED))
                return;
        if (container_set_state(c, paused ? CONTAINER_PAUSED : CONTAINER_RUNNING, STORE_SYNC_LAZY, &e) < 0)
                log_error("Cannot record that container %s was %s: %s", c->doc.name,
                          paused ? "paused" : "unpaused", error_message(&e));
        crash_point("container-pause:recorded");
        if (paused)
                container_event(c, "pause", MESSAGE_CONTAINER_PAUSE_STR, NULL);
        else
                container_event(c, "unpause", MESSAGE_CONTAINER_UNPAUSE_STR, NULL);
}

static int set_reason(Container *c, bool pause, int r, Error *reterr) {
        const char *verb = pause ? "pause" : "unpause";

        if (r == -EOPNOTSUPP)
                return error_setf(
                                reterr, ERROR_NOT_IMPLEMENTED,
                                "cannot %s container %s: neither its control group can be frozen nor was it started "
                                "by a version of this engine that does; restart it",
                                verb, c->doc.id);
        if (r == -ESRCH || r == -ENOTCONN)
                return error_setf(reterr, ERROR_CONFLICT, "container %s is not running", c->doc.id);
        return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot %s container %s", verb, c->doc.id);
}

static void finish(Container *c, int r, const Error *error) {
        _cleanup_(operation_unrefp) Operation *o = TAKE_PTR(c->pausing);

        if (c->busy == o)
                container_clear_busy(c, r, error);
        else
                operation_complete(o, r, error);
}

void container_pause_answer(Container *c, uint32_t id, int r) {
        _cleanup_(container_unrefp) Container *hold = container_ref(c);
        _cleanup_error_ Error e = ERROR_NULL;
        bool mine = c->pausing && id == c->pause_id, pause = c->state != CONTAINER_PAUSED;

        adopt_state(c);
        if (!mine)
                return;
        if (r < 0)
                r = set_reason(c, pause, r, &e);
        finish(c, r, &e);
}

/* Its shim was killed, and it is to end with that: on v1 nothing ends that is frozen. */
static void let_it_end(Container *c) {
        _cleanup_free_ char *path = NULL;

        if (supervisor_cgroup_path(c->manager->supervisor, c->doc.id,
                                   empty_to_null(c->doc.host_config.resources.cgroup_parent), &path) >= 0)
                (void) cgroup_freeze(path, false);
}

void container_pause_lost(Container *c) {
        _cleanup_error_ Error e = ERROR_NULL;

        if (c->manager && container_is_running(c) && (c->state == CONTAINER_PAUSED || c->pausing))
                let_it_end(c);
        if (c->pausing)
                finish(c, set_reason(c, true, -ESRCH, &e), &e);
}

static int ask_shim(Container *c, bool pause, Operation **ret, Error *reterr) {
        int r;

        r = c->shim ? shim_client_pause(c->shim, pause, &c->pause_id) : -ENOTCONN;
        if (r < 0)
                return set_reason(c, pause, r, reterr);
        crash_point("container-pause:asked");
        r = container_set_busy(c, &c->pausing);
        if (r < 0)
                return error_fill(reterr, r);
        *ret = operation_ref(c->pausing);
        return 0;
}

int container_pause(Container *c, Operation **ret, Error *reterr) {
        if (c->state == CONTAINER_PAUSED)
                return error_setf(reterr, ERROR_CONFLICT, "Container %s is already paused", c->doc.id);
        if (c->state == CONTAINER_RESTARTING)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "Container %s is restarting, wait until the container is running",
                                  c->doc.id);
        if (!container_is_running(c))
                return error_setf(reterr, ERROR_CONFLICT, "container %s is not running", c->doc.id);
        return ask_shim(c, true, ret, reterr);
}

int container_unpause(Container *c, Operation **ret, Error *reterr) {
        if (c->state != CONTAINER_PAUSED)
                return error_setf(reterr, ERROR_INTERNAL, "Container %s is not paused", c->doc.id);
        return ask_shim(c, false, ret, reterr);
}
