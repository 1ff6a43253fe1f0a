/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the container process: its start, its stop on SIGTERM, its end, and what is kept of that. */
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/crash-point.h"
#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/log.h"
#include "basic/process-util.h"
#include "shared/cgroup-util.h"
#include "shim/shim.h"

/* Output that goes on after the container's first process ended: of processes outside its pid namespace. */
#define DELETE_USEC (10 * USEC_PER_MSEC)
#define DRAIN_USEC (2 * USEC_PER_SEC)
/* A client whose rest did not fit its socket, and that takes nothing. */
#define LINGER_USEC (10 * USEC_PER_SEC)

static int exit_code(int status) {
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- out of memory --- */

static void check_oom(Shim *s) {
        uint64_t n;

        if (!s->oom_file || cgroup_read_oom_kills(s->oom_file, &n) < 0 || n <= s->oom_count)
                return;
        s->oom_count = n;
        s->exit.oom = true;
        shim_event(s, &(ShimMessage) { .type = SHIM_OOM, .time_nsec = now_nsec() });
}

static void on_oom(LoopSource *source, uint32_t revents) {
        Shim *s = source->userdata;
        char events[1024];

        while (read(s->oom_inotify_fd, events, sizeof(events)) > 0)
                ;
        check_oom(s);
}

/* cgroup2 reports changes of memory.events; on v1 the number is read at the end only. */
static void watch_oom(Shim *s) {
        if (isempty(s->config.cgroup_path) || cgroup_oom_file(s->config.cgroup_path, &s->oom_file) < 0)
                return;
        if (cgroup_version() != 2)
                return;

        s->oom_inotify_fd = inotify_init1(IN_NONBLOCK|IN_CLOEXEC);
        if (s->oom_inotify_fd < 0)
                return;
        s->oom_source = (LoopSource) { .fd = -EBADF, .callback = on_oom, .userdata = s };
        if (inotify_add_watch(s->oom_inotify_fd, s->oom_file, IN_MODIFY) >= 0)
                (void) loop_add(&s->loop, &s->oom_source, s->oom_inotify_fd, EPOLLIN);
}

static void unwatch_oom(Shim *s) {
        if (s->oom_inotify_fd < 0)
                return;
        loop_remove(&s->loop, &s->oom_source);
        s->oom_inotify_fd = safe_close(s->oom_inotify_fd);
}

/* --- start --- */

void shim_container_started(Shim *s) {
        s->state = SHIM_STATE_RUNNING;
        loop_timer_stop(&s->start_timer);
        s->started_nsec = now_nsec();
        shim_event(s, &(ShimMessage) {
                .type = SHIM_STARTED, .pid = s->container_pid, .time_nsec = s->started_nsec });
        crash_point("shim-start:started");

        watch_oom(s);
        shim_output_poll(s);
        shim_attach_begin(s);

        for (size_t i = 0; i < s->n_early; i++)
                if (s->early[i].pid == s->container_pid) {
                        shim_container_ended(s, s->early[i].status);
                        return;
                }
        if (s->stop_requested)
                shim_stop(s);
}

/* --- stop --- */

int shim_kill(Shim *s, int sig, bool unpause) {
        int r;

        if (s->state != SHIM_STATE_RUNNING || s->exited || s->container_pidfd < 0)
                return -ESRCH;
        shim_thaw(s, FREEZE_READ);
        r = pidfd_signal(s->container_pidfd, sig);
        /* Not even SIGKILL ends what is frozen on v1. */
        if (unpause || sig == SIGKILL)
                shim_thaw(s, FREEZE_PAUSE);
        return r;
}

static void on_stop_timeout(LoopTimer *t) {
        Shim *s = t->userdata;

        if (s->state == SHIM_STATE_STARTING) {
                shim_give_up(s, "its unit was stopped");
                return;
        }
        log_info("The container did not end in time, killing it.");
        (void) shim_kill(s, SIGKILL, true);
}

/* `systemctl stop`: what `docker stop` would do, since the daemon may be away. */
void shim_stop(Shim *s) {
        int sig = s->config.stop_signal > 0 ? (int) s->config.stop_signal : SIGTERM;

        if (s->state == SHIM_STATE_CREATED) {
                s->loop.quit = true;
                return;
        }
        s->stop_requested = true;
        if (s->state != SHIM_STATE_STARTING)
                (void) shim_kill(s, sig, true);
        s->stop_timer.callback = on_stop_timeout;
        if (s->config.stop_timeout >= 0 && s->stop_timer.deadline == USEC_INFINITY)
                loop_timer_arm(&s->stop_timer, (usec_t) s->config.stop_timeout * USEC_PER_SEC);
}

/* --- end --- */

static void on_drain_timeout(LoopTimer *t) {
        Shim *s = t->userdata;

        shim_output_end(s);
        shim_check_end(s);
}

/* What is left outside the container's pid namespace ends with its control group, and so ends the output. */
static void on_output_goes_on(LoopTimer *t) {
        Shim *s = t->userdata;

        shim_clear_up(s);
        s->drain_timer.callback = on_drain_timeout;
        loop_timer_arm(&s->drain_timer, DRAIN_USEC);
}

static void on_linger_timeout(LoopTimer *t) {
        Shim *s = t->userdata;

        if (s->client_progress) {
                s->client_progress = false;
                loop_timer_arm(t, LINGER_USEC);
                return;
        }
        shim_attach_drop_all(s);
        shim_check_end(s);
}

void shim_container_ended(Shim *s, int status) {
        bool oom = s->exit.oom;

        s->exited = true;
        s->exit = (ExitRecord) {
                .code = exit_code(status),
                .oom = oom,
                .stopped = s->stop_requested,
                .time_nsec = now_nsec(),
        };
        check_oom(s);
        unwatch_oom(s);
        shim_thaw_all(s);
        s->container_pidfd = safe_close(s->container_pidfd);
        loop_timer_stop(&s->stop_timer);

        shim_stdin_close(s);
        s->drain_timer.callback = on_output_goes_on;
        loop_timer_arm(&s->drain_timer, DELETE_USEC);
        shim_output_poll(s);
        shim_check_end(s);
}

uint32_t shim_exit_flags(const Shim *s) {
        return (s->exit.oom ? SHIM_EXIT_OOM : 0) | (s->exit.stopped ? SHIM_EXIT_STOPPED : 0);
}

static void tell_exited(Shim *s) {
        shim_event(s, &(ShimMessage) {
                .type = SHIM_EXITED, .value1 = s->exit.code, .flags = shim_exit_flags(s),
                .time_nsec = s->exit.time_nsec });
}

/* The record is in the file before anybody is told, and stays there for a daemon that is away now. */
static void finish(Shim *s) {
        bool failed = s->state == SHIM_STATE_EXITED;    /* a start that failed: the daemon has heard of it */
        int r;

        s->finished = true;
        s->state = SHIM_STATE_EXITED;
        loop_timer_stop(&s->drain_timer);

        r = exit_record_write(s->run_dir_fd, &s->exit);
        if (r < 0)
                log_error_errno(r, "Failed to write the exit record: %m");
        crash_point("shim-exit:recorded");

        /* A client that reads the end of the output asks for the exit code next. The daemon knows it by
         * then: it reads our message before any request that was sent after it. */
        if (!failed)
                tell_exited(s);
        shim_attach_end_all(s, failed ? SHIM_ATTACH_END_ERROR : SHIM_ATTACH_END_EXITED);
        s->linger_timer.callback = on_linger_timeout;
        loop_timer_arm(&s->linger_timer, LINGER_USEC);
        /* After the events: whoever waits for the end does not wait for the runtime as well. */
        shim_clear_up(s);
}

void shim_check_end(Shim *s) {
        if (!s->finished && s->exited && shim_output_ended(s))
                finish(s);
        if (s->finished && s->delete_done && s->n_clients == 0 && s->n_execs == 0 && shim_control_flushed(s))
                s->loop.quit = true;
}

static void early_ended(Shim *s, pid_t pid, int status) {
        if (s->n_early < ELEMENTSOF(s->early))
                s->early[s->n_early++] = (struct EarlyChild) { .pid = pid, .status = status };
        if (pid == s->container_pid)
                shim_await_program(s);
}

void shim_child_ended(Shim *s, pid_t pid, int status) {
        if (pid == s->runtime_pid)
                shim_runtime_ended(s, exit_code(status));
        else if (shim_exec_ended(s, pid))
                shim_check_end(s);
        else if (s->state == SHIM_STATE_RUNNING && pid == s->container_pid && !s->exited)
                shim_container_ended(s, status);
        else if (s->state == SHIM_STATE_STARTING)
                early_ended(s, pid, status);
        shim_give_up_step(s);
}
