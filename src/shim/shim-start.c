/* SPDX-License-Identifier: Apache-2.0 */
/* A start between the order and the container's program: it has a time limit, it can be given up, and it is
 * told only when the program runs. */
#include <stdio.h>
#include <unistd.h>

#include "basic/fileio.h"
#include "basic/log.h"
#include "basic/parse-util.h"
#include "basic/process-util.h"
#include "shared/cgroup-util.h"
#include "shim/shim.h"

/* The runtime says that it has started the process a moment before that executes the program: some 20 us,
 * rarely more than a millisecond. */
#define LOOKS_AT_ONCE 20U
#define LOOK_USEC 50U
#define NEXT_LOOK_USEC (2 * USEC_PER_MSEC)
/* A process that executes nothing for so long is the container's program itself (a runtime that is no
 * program loader). */
#define PROGRAM_USEC (10 * USEC_PER_SEC)

/* Processes that do not even end on SIGKILL, since the kernel holds them up. */
#define GIVE_UP_USEC (5 * USEC_PER_SEC)

#define CHILDREN_MAX (64U * 1024U)              /* bytes of the list of our child processes */

/* --- the program --- */

static bool ended_early(const Shim *s) {
        for (size_t i = 0; i < s->n_early; i++)
                if (s->early[i].pid == s->container_pid)
                        return true;
        return false;
}

static bool program_runs(const Shim *s) {
        return ended_early(s) || process_has_executed(s->container_pid) != 0 ||
                now_usec(CLOCK_MONOTONIC) >= s->program_deadline;
}

static void on_look(LoopTimer *t) {
        shim_await_program(t->userdata);
}

/* Signals that come before the program runs would be the runtime's. */
void shim_await_program(Shim *s) {
        if (s->program_deadline == 0)
                s->program_deadline = now_usec(CLOCK_MONOTONIC) + PROGRAM_USEC;
        for (unsigned i = 0; !program_runs(s); i++) {
                if (i == LOOKS_AT_ONCE) {
                        s->program_timer.callback = on_look;
                        loop_timer_arm(&s->program_timer, NEXT_LOOK_USEC);
                        return;
                }
                (void) usleep(LOOK_USEC);
        }
        loop_timer_stop(&s->program_timer);
        if (s->given_up)
                shim_give_up_step(s);
        else
                shim_container_started(s);
}

/* --- giving up --- */

/* The runtime's own children become ours when it ends, and theirs when they end. False: there are none. */
static bool kill_children(void) {
        bool found = false;
        _cleanup_free_ char *text = NULL;
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
        if (read_file_at(AT_FDCWD, path, CHILDREN_MAX, &text, NULL) < 0)
                return false;
        for (char *p = text, *end; (end = strchr(p, ' ')); p = end + 1) {
                pid_t pid;

                *end = 0;
                if (parse_int(p, &pid) >= 0 && pid > 0 && kill(pid, SIGKILL) >= 0)
                        found = true;
        }
        return found;
}

/* Fails when nothing of it is left: the control group can be removed then. Comes back with the end of each
 * child. */
void shim_give_up_step(Shim *s) {
        if (!s->given_up || s->state != SHIM_STATE_STARTING)
                return;
        if (!kill_children())
                shim_start_failed(s, s->given_up);
}

static void on_give_up_timeout(LoopTimer *t) {
        Shim *s = t->userdata;

        if (s->state == SHIM_STATE_STARTING)
                shim_start_failed(s, s->given_up);
}

void shim_give_up(Shim *s, const char *why) {
        if (s->state != SHIM_STATE_STARTING || s->given_up)
                return;
        log_warning("Giving up the start: %s", why);
        s->given_up = why;
        s->start_timer.callback = on_give_up_timeout;
        loop_timer_arm(&s->start_timer, GIVE_UP_USEC);
        (void) kill_children();
        if (!shim_is_exec(s) && !isempty(s->config.cgroup_path))
                (void) cgroup_kill(s->config.cgroup_path);
}

static void on_start_timeout(LoopTimer *t) {
        shim_give_up(t->userdata,
                     "the OCI runtime did not start it within the time limit (start-timeout)");
}

void shim_start_limit(Shim *s) {
        s->start_timer.callback = on_start_timeout;
        if (s->config.start_timeout > 0)
                loop_timer_arm(&s->start_timer, (usec_t) s->config.start_timeout * USEC_PER_SEC);
}

void shim_start_limit_at_most(Shim *s, usec_t relative) {
        if (s->state == SHIM_STATE_STARTING &&
            s->start_timer.deadline > now_usec(CLOCK_MONOTONIC) + relative)
                loop_timer_arm(&s->start_timer, relative);
}
