/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-restart-policy.h"

#include <systemd/sd-event.h>

#include "basic/log.h"
#include "container/container-manager.h"
#include "container/container-start.h"
#include "container/container-wait.h"

/* Docker's back-off: doubles from 100 ms to a minute, and begins anew after a run of ten seconds. */
#define RESTART_DELAY_MIN (100 * USEC_PER_MSEC)
#define RESTART_DELAY_MAX (60 * USEC_PER_SEC)
#define RESTART_RUN_GOOD (10 * USEC_PER_SEC)

bool container_restart_policy_wants(Container *c) {
        const RestartPolicy *p = &c->doc.host_config.restart_policy;

        if (c->doc.stopped_by_user || c->manager->stopping)
                return false;
        if (streq(strempty(p->name), "always") || streq(strempty(p->name), "unless-stopped"))
                return true;
        if (!streq(strempty(p->name), "on-failure") || c->doc.exit_code == 0)
                return false;
        return p->maximum_retry_count == 0 || c->doc.restart_count < p->maximum_retry_count;
}

int container_restart_policy_sync(const Container *c) {
        const char *name = strempty(c->doc.host_config.restart_policy.name);

        return isempty(name) || streq(name, "no") ? STORE_SYNC_LAZY : STORE_SYNC_FULL;
}

static int on_restart_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        Container *c = ASSERT_PTR(userdata);
        _cleanup_(operation_unrefp) Operation *o = NULL;
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        c->restart_timer = sd_event_source_disable_unref(c->restart_timer);
        if (c->state != CONTAINER_RESTARTING || c->busy || c->supervised || c->shim)
                return 0;
        c->doc.restart_count = c->booted ? 0 : c->doc.restart_count + 1;
        c->booted = false;
        r = container_start(c, &o, &e);
        if (r < 0)
                log_error("Cannot restart container %s: %s", c->doc.name, error_message(&e));
        return 0;
}

void container_restart_policy_schedule(Container *c) {
        usec_t ran = now_usec(CLOCK_MONOTONIC) - c->started_monotonic;
        int r;

        if (c->restart_delay == 0 || ran >= RESTART_RUN_GOOD)
                c->restart_delay = RESTART_DELAY_MIN;
        else
                c->restart_delay = min_u64(c->restart_delay * 2, RESTART_DELAY_MAX);
        c->restart_timer = sd_event_source_disable_unref(c->restart_timer);
        r = sd_event_add_time_relative(c->manager->config.event, &c->restart_timer, CLOCK_MONOTONIC,
                                       c->restart_delay, 0, on_restart_timer, c);
        if (r < 0)
                log_error_errno(r, "Cannot schedule the restart of container %s: %m", c->doc.name);
}

void container_restart_policy_gone(Container *c) {
        /* The timer ran out while the old shim was still there. */
        if (c->state == CONTAINER_RESTARTING && !c->restart_timer && !c->busy)
                container_restart_policy_schedule(c);
}

void container_restart_policy_cancel(Container *c) {
        c->doc.stopped_by_user = true;
        c->restart_timer = sd_event_source_disable_unref(c->restart_timer);
        if (c->state != CONTAINER_RESTARTING)
                return;
        (void) container_set_state(c, CONTAINER_EXITED, STORE_SYNC_FULL, NULL);
        container_wait_notify(c, false, NULL);
}
