/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-stop.h"

#include <stdio.h>

#include "basic/crash-point.h"
#include "basic/messages.h"
#include "basic/parse-util.h"
#include "basic/process-util.h"
#include "container/container-remove.h"
#include "container/container-restart-policy.h"
#include "container/container-start.h"
#include "container/container-wait.h"

#define KILL_WAIT_USEC (10 * USEC_PER_SEC)      /* for the end of a container that was sent SIGKILL */

/* One request that ends a container; several may wait for one end. */
typedef struct Stop {
        Container *container;
        Operation *operation;
        sd_event_source *timer;
        bool restart;
} Stop;

int container_send_signal(Container *c, int sig, bool unpause) {
        int r = c->shim ? shim_client_signal(c->shim, sig, unpause) : -ENOTCONN;

        /* The shim has just ended, and the container before it; we are told so next. */
        return r == -ENOTCONN && c->shim ? 0 : r;
}

void container_publish_kill(Container *c, int sig) {
        char number[12];

        snprintf(number, sizeof(number), "%d", sig);
        container_event(c, "kill", MESSAGE_CONTAINER_KILL_STR, "signal", number, NULL);
}

static int stop_new(Container *c, bool restart, Stop **ret) {
        Stop *s = new(Stop, 1);

        if (!s)
                return -ENOMEM;
        *s = (Stop) { .container = container_ref(c), .operation = operation_new(), .restart = restart };
        if (!s->operation) {
                container_unref(s->container);
                free(s);
                return -ENOMEM;
        }
        c->n_restarts += restart;
        *ret = s;
        return 0;
}

static void stop_finish(Stop *s, int r, const Error *error) {
        _cleanup_(container_unrefp) Container *c = s->container;
        _cleanup_(operation_unrefp) Operation *o = s->operation;

        sd_event_source_disable_unref(s->timer);
        c->n_restarts -= s->restart;
        free(s);
        operation_complete(o, r, error);
        /* It was to be started again, and was not. */
        if (c->state == CONTAINER_EXITED && c->doc.host_config.auto_remove && !c->busy)
                container_auto_remove(c);
}

/* --- kill --- */

static void on_killed(Container *c, int64_t exit_code, const char *error, void *userdata) {
        stop_finish(ASSERT_PTR((Stop *) userdata), 0, NULL);
}

static int on_kill_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        Stop *s = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        container_wait_forget(s->container, s);
        r = error_setf(&e, ERROR_INTERNAL, "tried to kill container, but did not receive an exit event");
        stop_finish(s, r, &e);
        return 0;
}

/* SIGKILL is answered when the container has ended. */
static int wait_for_end(Container *c, Operation **ret, Error *reterr) {
        int64_t code;
        Stop *s;
        int r;

        r = stop_new(c, false, &s);
        if (r < 0)
                return error_fill(reterr, r);
        r = sd_event_add_time_relative(c->manager->config.event, &s->timer, CLOCK_MONOTONIC, KILL_WAIT_USEC,
                                       0, on_kill_timeout, s);
        if (r >= 0)
                r = container_wait(c, WAIT_NEXT_EXIT, on_killed, s, &code);
        if (r < 0) {
                stop_finish(s, r, NULL);
                return error_fill(reterr, r);
        }
        *ret = operation_ref(s->operation);
        return 0;
}

/* As with Docker: one that is to end it; any, where the image does not say which that is. */
static bool unpauses(const Container *c, int sig) {
        int stop_signal;

        if (sig == SIGKILL || isempty(c->doc.config.stop_signal))
                return true;
        return container_stop_signal(c, NULL, &stop_signal, NULL) >= 0 && sig == stop_signal;
}

static int bad_kill_signal(const Container *c, const char *signal, Error *reterr) {
        int number;

        if (parse_int(signal, &number) >= 0 && number != 0)
                return error_setf(
                                reterr, ERROR_INVALID,
                                "cannot kill container: %s: the linux daemon does not support signal %d",
                                c->doc.name, number);
        return error_setf(reterr, ERROR_INVALID, "cannot kill container: %s: invalid signal: %s",
                          c->doc.name, signal);
}

int container_kill(Container *c, const char *signal, Operation **ret, Error *reterr) {
        int sig = SIGKILL, stop_signal, r;

        *ret = NULL;
        if (!isempty(signal)) {
                sig = signal_from_string(signal);
                if (sig < 0)
                        return bad_kill_signal(c, signal, reterr);
        }
        if (c->state == CONTAINER_RESTARTING) {
                container_restart_policy_cancel(c);
                return 0;
        }
        if (!container_is_running(c))
                return error_setf(reterr, ERROR_CONFLICT,
                                  "cannot kill container: %s: container %s is not running", c->doc.name,
                                  c->doc.id);
        if (sig == SIGKILL ||
            (container_stop_signal(c, NULL, &stop_signal, NULL) >= 0 && sig == stop_signal))
                c->doc.stopped_by_user = true;
        r = container_send_signal(c, sig, unpauses(c, sig));
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot kill container: %s", c->doc.name);
        container_publish_kill(c, sig);
        return sig == SIGKILL ? wait_for_end(c, ret, reterr) : 0;
}

/* --- stop and restart --- */

static void on_restarted(Operation *start, int r, const Error *error, void *userdata) {
        Stop *s = ASSERT_PTR(userdata);

        if (r >= 0 && s->container->manager)
                container_event(s->container, "restart", MESSAGE_CONTAINER_RESTART_STR, NULL);
        stop_finish(s, r, error);
}

/* After the last run, as soon as nothing else is in progress. Where somebody else has started it meanwhile,
 * it runs anew, which is what was asked for. */
static void start_again(Operation *awaited, int r, const Error *error, void *userdata) {
        Stop *s = ASSERT_PTR(userdata);
        Container *c = s->container;
        _cleanup_(operation_unrefp) Operation *start = NULL;
        _cleanup_error_ Error e = ERROR_NULL;

        if (!c->manager)
                r = error_setf(&e, ERROR_NOT_FOUND, "No such container: %s", c->doc.id);
        else if (container_is_running(c)) {
                on_restarted(NULL, 0, NULL, s);
                return;
        } else {
                r = container_when_idle(c, true, start_again, s);
                if (r == 0)
                        return;
                if (r > 0)
                        r = container_start(c, &start, &e);
                if (r >= 0)
                        r = operation_wait(start, on_restarted, s);
        }
        if (r < 0)
                stop_finish(s, r, error_is_set(&e) ? &e : NULL);
}

static void on_stopped(Container *c, int64_t exit_code, const char *error, void *userdata) {
        Stop *s = ASSERT_PTR(userdata);

        s->timer = sd_event_source_disable_unref(s->timer);
        container_event(c, "stop", MESSAGE_CONTAINER_STOP_STR, NULL);
        if (s->restart)
                start_again(NULL, 0, NULL, s);
        else
                stop_finish(s, 0, NULL);
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        Stop *s = ASSERT_PTR(userdata);

        s->timer = sd_event_source_disable_unref(s->timer);
        if (container_send_signal(s->container, SIGKILL, true) >= 0)
                container_publish_kill(s->container, SIGKILL);
        return 0;
}

static int arm_timeout(Stop *s, int64_t seconds) {
        if (seconds < 0)
                return 0;
        return sd_event_add_time_relative(s->container->manager->config.event, &s->timer, CLOCK_MONOTONIC,
                                          (usec_t) seconds * USEC_PER_SEC, 0, on_stop_timeout, s);
}

static int begin_stop(Stop *s, const ContainerStopParams *p, Error *reterr) {
        Container *c = s->container;
        int64_t code, seconds = p->t.set ? p->t.value : container_stop_timeout(c);
        int sig, r;

        r = container_stop_signal(c, p->signal, &sig, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "cannot %s container: %s", s->restart ? "restart" : "stop",
                                     c->doc.name);
        r = arm_timeout(s, seconds);
        if (r >= 0)
                r = container_wait(c, WAIT_NEXT_EXIT, on_stopped, s, &code);
        if (r < 0)
                return error_fill(reterr, r);
        /* A restart keeps the policy's claim: the start that follows clears the mark. */
        c->doc.stopped_by_user = true;
        crash_point("container-stop:asked");
        r = container_send_signal(c, sig, true);
        if (r < 0) {
                container_wait_forget(c, s);
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot stop container: %s", c->doc.name);
        }
        container_publish_kill(c, sig);
        return 0;
}

int container_stop(Container *c, const ContainerStopParams *p, Operation **ret, Error *reterr) {
        Stop *s;
        int r;

        if (c->state == CONTAINER_RESTARTING) {
                container_restart_policy_cancel(c);
                return error_setf(reterr, ERROR_NOT_MODIFIED, "container %s was between two runs",
                                  c->doc.name);
        }
        if (!container_is_running(c))
                return error_setf(reterr, ERROR_NOT_MODIFIED, "container %s is not running", c->doc.name);
        r = stop_new(c, false, &s);
        if (r < 0)
                return error_fill(reterr, r);
        *ret = operation_ref(s->operation);
        r = begin_stop(s, p, reterr);
        if (r < 0) {
                *ret = operation_unref(*ret);
                stop_finish(s, r, reterr);
        }
        return r;
}

int container_restart(Container *c, const ContainerStopParams *p, Operation **ret, Error *reterr) {
        Stop *s;
        int r;

        if (c->state == CONTAINER_RESTARTING)
                container_restart_policy_cancel(c);
        r = stop_new(c, true, &s);
        if (r < 0)
                return error_fill(reterr, r);
        *ret = operation_ref(s->operation);
        if (!container_is_running(c)) {
                start_again(NULL, 0, NULL, s);
                return 0;
        }
        r = begin_stop(s, p, reterr);
        if (r < 0) {
                *ret = operation_unref(*ret);
                stop_finish(s, r, reterr);
        }
        return r;
}
