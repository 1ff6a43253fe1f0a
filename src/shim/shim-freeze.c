/* SPDX-License-Identifier: Apache-2.0 */
/* The container's processes stand still: while a daemon reads its files, or since the user has paused it.
 * This is the shim's, which outlives the daemon: a container does not stay frozen because a reader died, and
 * stays paused whatever becomes of daemons. */
#include "basic/log.h"
#include "shared/cgroup-util.h"
#include "shim/shim.h"

#define POLL_USEC (5 * USEC_PER_MSEC)
/* The freezer of cgroup v1 may miss a process that is just being made, and then never gets it: after so many
 * looks everybody goes on for a moment, and it begins anew. */
#define ANEW_AFTER 20U

static const struct {
        ShimMessageType answer;
        usec_t patience;        /* a process that waits for a disk does not stand still before it has got
                                 * it */
} reasons[_FREEZE_MAX] = {
        [FREEZE_READ]  = { SHIM_FROZEN, 2 * USEC_PER_SEC  },
        [FREEZE_PAUSE] = { SHIM_PAUSED, 10 * USEC_PER_SEC },
};

static int answer(Shim *s, FreezeReason reason, Connection *c, uint32_t id, int r) {
        return shim_reply(c, &(ShimMessage) {
                .type = reasons[reason].answer,
                .id = id,
                .value1 = r,
                .value2 = reason == FREEZE_PAUSE && shim_is_paused(s),
        }, -EBADF);
}

static void tell_paused(Shim *s) {
        shim_event(s, &(ShimMessage) { .type = SHIM_PAUSED, .value2 = shim_is_paused(s) });
}

/* The answer to who asked for it, if that is still there. */
static void answer_asker(Shim *s, FreezeReason reason, int r) {
        Freeze *f = s->freezes + reason;

        if (!f->asked)
                return;
        f->asked = false;
        if (r < 0)
                f->wanted = false;
        if (f->asker)
                (void) answer(s, reason, f->asker, f->id, r);
        else if (shim_is_paused(s))
                tell_paused(s);         /* the daemon that is there now was told that it runs */
}

static bool is_wanted(const Shim *s) {
        FOREACH_ELEMENT(f, s->freezes)
                if (f->wanted)
                        return true;
        return false;
}

static int go_on_unless_wanted(Shim *s) {
        int r;

        if (is_wanted(s))
                return 0;
        loop_timer_stop(&s->freeze_timer);
        r = cgroup_freeze(s->config.cgroup_path, false);
        if (r < 0 && !s->exited)
                log_error_errno(r, "Failed to let the container go on: %m");
        return r;
}

void shim_thaw(Shim *s, FreezeReason reason) {
        Freeze *f = s->freezes + reason;
        bool paused = shim_is_paused(s);

        if (!f->wanted)
                return;
        answer_asker(s, reason, -ECANCELED);
        *f = (Freeze) {};
        (void) go_on_unless_wanted(s);
        if (paused && !shim_is_paused(s) && !s->exited)
                tell_paused(s);
}

void shim_thaw_all(Shim *s) {
        for (FreezeReason i = 0; i < _FREEZE_MAX; i++)
                shim_thaw(s, i);
}

static void on_poll(LoopTimer *t) {
        Shim *s = t->userdata;
        int r = cgroup_is_frozen(s->config.cgroup_path);
        usec_t now = now_usec(CLOCK_MONOTONIC);
        bool again = false;

        for (FreezeReason i = 0; i < _FREEZE_MAX; i++)
                if (r == 0 && s->freezes[i].asked && now < s->freezes[i].deadline)
                        again = true;
                else
                        answer_asker(s, i, r > 0 ? 0 : r < 0 ? r : -ETIMEDOUT);
        (void) go_on_unless_wanted(s);
        if (again) {
                if (cgroup_version() != 2 && ++s->freeze_looks % ANEW_AFTER == 0)
                        (void) cgroup_freeze(s->config.cgroup_path, false);
                (void) cgroup_freeze(s->config.cgroup_path, true);
                loop_timer_arm(&s->freeze_timer, POLL_USEC);
        }
}

int shim_freeze(Shim *s, FreezeReason reason, Connection *c, uint32_t id) {
        Freeze *f = s->freezes + reason;
        int r = -ESRCH;

        if (f->wanted)
                r = -EBUSY;
        else if (isempty(s->config.cgroup_path))
                r = -EOPNOTSUPP;
        else if (s->state == SHIM_STATE_RUNNING && !s->exited)
                r = cgroup_freeze(s->config.cgroup_path, true);
        if (r < 0)
                return answer(s, reason, c, id, r);
        *f = (Freeze) {
                .wanted = true,
                .asked = true,
                .asker = c,
                .id = id,
                .deadline = now_usec(CLOCK_MONOTONIC) + reasons[reason].patience,
        };
        s->freeze_timer.callback = on_poll;
        loop_timer_arm(&s->freeze_timer, 0);
        return 0;
}

/* While a daemon reads its files it goes on only after that. */
int shim_unpause(Shim *s, Connection *c, uint32_t id) {
        Freeze *f = s->freezes + FREEZE_PAUSE;
        int r;

        if (!shim_is_paused(s))
                return answer(s, FREEZE_PAUSE, c, id, s->exited ? -ESRCH : -EALREADY);
        *f = (Freeze) {};
        r = go_on_unless_wanted(s);
        if (r < 0)
                f->wanted = true;
        return answer(s, FREEZE_PAUSE, c, id, r);
}

void shim_freeze_connection_lost(Shim *s, Connection *c) {
        if (s->freezes[FREEZE_READ].asker == c)
                shim_thaw(s, FREEZE_READ);
        if (s->freezes[FREEZE_PAUSE].asker == c)
                s->freezes[FREEZE_PAUSE].asker = NULL;
}
