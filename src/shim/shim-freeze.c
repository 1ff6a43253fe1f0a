/* SPDX-License-Identifier: Apache-2.0 */
/* The container's processes stand still while a daemon reads its files. This is the shim's, which outlives
 * the daemon: a container does not stay frozen because a daemon died. */
#include "basic/log.h"
#include "shared/cgroup-util.h"
#include "shim/shim.h"

#define POLL_USEC (5 * USEC_PER_MSEC)
/* A process that waits for a disk does not stand still before it has got what it waits for. */
#define FREEZE_USEC (2 * USEC_PER_SEC)

static void answer(Shim *s, int r) {
        (void) shim_reply(s->freezer, &(ShimMessage) {
                .type = SHIM_FROZEN, .id = s->freeze_id, .value1 = r }, -EBADF);
}

void shim_thaw(Shim *s) {
        int r;

        if (!s->freezer)
                return;
        /* Still on its way. */
        if (s->freeze_timer.deadline != USEC_INFINITY)
                answer(s, -ECANCELED);
        loop_timer_stop(&s->freeze_timer);
        s->freezer = NULL;
        r = cgroup_freeze(s->config.cgroup_path, false);
        if (r < 0 && !s->exited)
                log_error_errno(r, "Failed to let the container go on: %m");
}

static void on_poll(LoopTimer *t) {
        Shim *s = t->userdata;
        int r = cgroup_is_frozen(s->config.cgroup_path);

        if (r == 0 && now_usec(CLOCK_MONOTONIC) < s->freeze_deadline) {
                (void) cgroup_freeze(s->config.cgroup_path, true);
                loop_timer_arm(&s->freeze_timer, POLL_USEC);
                return;
        }
        answer(s, r > 0 ? 0 : r < 0 ? r : -ETIMEDOUT);
        if (r <= 0)
                shim_thaw(s);
}

int shim_freeze(Shim *s, Connection *c, uint32_t id) {
        int r = -ESRCH;

        if (s->freezer)
                r = -EBUSY;
        else if (isempty(s->config.cgroup_path))
                r = -EOPNOTSUPP;
        else if (s->state == SHIM_STATE_RUNNING && !s->exited)
                r = cgroup_freeze(s->config.cgroup_path, true);
        if (r < 0)
                return shim_reply(c, &(ShimMessage) { .type = SHIM_FROZEN, .id = id, .value1 = r }, -EBADF);
        s->freezer = c;
        s->freeze_id = id;
        s->freeze_deadline = now_usec(CLOCK_MONOTONIC) + FREEZE_USEC;
        s->freeze_timer.callback = on_poll;
        loop_timer_arm(&s->freeze_timer, 0);
        return 0;
}
