/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-health.h"

#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "basic/fd-util.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "container/container-exec.h"

/* For the end of a check after it was killed. Its timeout holds for its start and for its run, each. */
#define KILL_USEC (10 * USEC_PER_SEC)

/* How much later than asked for a check may begin: wake-ups are shared. */
#define SLACK_DIVISOR 20U
#define SLACK_MAX (250 * USEC_PER_MSEC)

/* Checks of all containers that are being started at once: each keeps a processor busy for a while, and
 * nobody is served sooner by more of them. Those that run are not counted. */
#define STARTING_MAX 8U

/* Of the output that is read, and mostly dropped, at one turn of the loop. */
#define READ_SIZE (64U * 1024U)

typedef enum Phase {
        PHASE_WAITING,          /* for the next check */
        PHASE_QUEUED,           /* for its turn among those of other containers */
        PHASE_STARTING,
        PHASE_RUNNING,
        PHASE_KILLED,           /* it took too long */
} Phase;

struct ContainerHealth {
        Container *container;           /* back-pointer, the owner */
        HealthPlan plan;                /* its strings are the config's */
        Phase phase;
        sd_event_source *timer;
        bool turn;                      /* it is one of STARTING_MAX */
        bool stuck;                     /* a check before this one does not end */

        ContainerExec *probe;           /* the check in progress */
        nsec_t begun;
        unsigned n_freezings;           /* of the container, at that time */
        int fd;                         /* its output */
        sd_event_source *source;
        HealthOutput output;
        char *failure;                  /* why it could not be run */
        LIST_FIELDS(ContainerHealth, queue);
};

const char *container_health_status(const Container *c) {
        return c->doc.health ? strempty(c->doc.health->status) : "";
}

static void arm(ContainerHealth *h, Phase phase, usec_t delay) {
        usec_t slack = MAX(MIN(delay / SLACK_DIVISOR, SLACK_MAX), 1U);
        int r;

        h->phase = phase;
        r = sd_event_source_set_time_accuracy(h->timer, slack);
        if (r >= 0)
                r = sd_event_source_set_time_relative(h->timer, delay);
        if (r >= 0)
                r = sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
        if (r < 0)
                log_error_errno(r, "Cannot schedule the health check of container %s: %m",
                                h->container->doc.name);
}

/* --- whose turn it is --- */

/* 1: it is; 0: it will be, and the timer says so. */
static int take_turn(ContainerHealth *h) {
        ContainerManager *m = h->container->manager;

        if (h->turn)
                return 1;
        if (m->n_checks_starting >= STARTING_MAX) {
                LIST_APPEND(queue, m->checks_queued, h);
                h->phase = PHASE_QUEUED;
                return 0;
        }
        m->n_checks_starting++;
        h->turn = true;
        return 1;
}

/* The first in the queue has it next, from the loop. */
static void end_turn(ContainerHealth *h) {
        ContainerManager *m = h->container->manager;
        ContainerHealth *next = m->checks_queued;

        if (h->phase == PHASE_QUEUED)
                LIST_REMOVE(queue, m->checks_queued, h);
        if (!h->turn)
                return;
        h->turn = false;
        if (!next) {
                m->n_checks_starting--;
                return;
        }
        LIST_REMOVE(queue, m->checks_queued, next);
        next->turn = true;
        arm(next, PHASE_WAITING, 0);
}

static void forget_probe(ContainerHealth *h) {
        ContainerExec *x = TAKE_PTR(h->probe);

        h->source = sd_event_source_disable_unref(h->source);
        h->fd = safe_close(h->fd);
        h->failure = mfree(h->failure);
        h->output.n = 0;
        h->output.cut = false;
        if (x)
                container_exec_abandon(x);
}

static void health_free(ContainerHealth *h) {
        forget_probe(h);
        end_turn(h);
        sd_event_source_disable_unref(h->timer);
        free(h);
}

void container_health_stop(Container *c) {
        ContainerHealth *h = TAKE_PTR(c->health);

        if (h)
                health_free(h);
}

static void wait_for_next(ContainerHealth *h) {
        Container *c = h->container;

        arm(h, PHASE_WAITING,
            health_plan_delay(&h->plan, c->doc.health, c->doc.started, now_nsec()) / NSEC_PER_USEC);
}

/* --- a result --- */

static int make_result(ContainerHealth *h, HealthResult *ret) {
        nsec_t exceeded = h->phase == PHASE_KILLED ? h->plan.timeout : 0;
        int r;

        *ret = (HealthResult) {
                .start = h->begun,
                .end = now_nsec(),
                .exit_code = h->failure || exceeded > 0 ? -1 : h->probe->exit_code,
        };
        if (!h->failure)
                return health_output_text(&h->output, exceeded, &ret->output);
        r = free_and_strdup(&ret->output, h->failure);
        return r < 0 ? r : 0;
}

/* Not worth a sync: what is lost is found out by the next checks. Results alone are not written at all. */
static void status_changed(Container *c) {
        _cleanup_free_ char *action = strjoin("health_status: ", container_health_status(c));
        _cleanup_error_ Error e = ERROR_NULL;

        if (container_save(c, STORE_SYNC_LAZY, &e) < 0)
                log_error("Cannot record the health of container %s: %s", c->doc.name, error_message(&e));
        if (action)
                container_event(c, action, MESSAGE_CONTAINER_HEALTH_STR, NULL);
        else
                log_oom();
}

/* OCI runtimes start nothing in a container that stands still, and time passes there without it. */
static bool was_held_up(const ContainerHealth *h, const HealthResult *result) {
        return result->exit_code < 0 && h->container->n_freezings != h->n_freezings;
}

static void finish(ContainerHealth *h) {
        Container *c = h->container;
        HealthResult result = {};
        int r;

        r = make_result(h, &result);
        forget_probe(h);
        end_turn(h);
        if (r >= 0 && was_held_up(h, &result)) {
                json_done(&HealthResult_json, &result);
                wait_for_next(h);
                return;
        }
        if (r >= 0)
                r = health_record(c->doc.health, &h->plan, c->doc.started, &result);
        json_done(&HealthResult_json, &result);
        wait_for_next(h);
        if (r < 0)
                log_error_errno(r, "Cannot keep the result of a health check of container %s: %m",
                                c->doc.name);
        else if (r > 0)
                status_changed(c);
}

static void fail(ContainerHealth *h, const char *text) {
        (void) free_and_strdup(&h->failure, text);
        log_debug("Health check of container %s: %s", h->container->doc.id, text);
}

/* --- its output --- */

/* Of a check that writes on and on, a piece at a time. 1: there may be more. */
static int read_output(ContainerHealth *h) {
        static uint8_t buffer[READ_SIZE];
        ssize_t n = recv(h->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

        if (n < 0)
                return errno == EINTR ? 1 : -errno;
        health_output_add(&h->output, buffer, (size_t) n);
        return n > 0;
}

static int on_output(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        ContainerHealth *h = ASSERT_PTR(userdata);
        int r = read_output(h);

        if (r == 0 || (r < 0 && r != -EAGAIN))
                h->source = sd_event_source_disable_unref(h->source);
        return 0;
}

/* The socket pair holds no more than its buffer, and the other end is closed or about to be. */
static void read_rest(ContainerHealth *h) {
        for (unsigned i = 0; i < 16 && h->fd >= 0; i++)
                if (read_output(h) <= 0)
                        break;
}

/* --- a check --- */

static void on_running(void *userdata) {
        ContainerHealth *h = ASSERT_PTR(userdata);

        end_turn(h);
        arm(h, PHASE_RUNNING, h->plan.timeout / NSEC_PER_USEC);
}

static void on_failed(const Error *error, void *userdata) {
        fail(ASSERT_PTR((ContainerHealth *) userdata), error_message(error));
}

static void on_ended(void *userdata) {
        ContainerHealth *h = ASSERT_PTR(userdata);

        read_rest(h);
        if (h->probe->state != EXEC_ENDED)
                fail(h, "the end of the health check was not seen");
        finish(h);
}

/* The container's own shell, as for commands of its image. */
static int make_command(ContainerHealth *h, char ***ret) {
        static const char *const shell[] = { "/bin/sh", "-c", NULL };
        char *const *own = h->container->doc.config.shell;
        _cleanup_strv_free_ char **l = NULL;
        int r = 0;

        if (h->plan.shell)
                r = strv_extend_strv(&l, strv_isempty(own) ? (char *const *) shell : own);
        if (r >= 0)
                r = strv_extend_strv(&l, h->plan.command);
        if (r >= 0)
                *ret = TAKE_PTR(l);
        return r;
}

static int create_probe(ContainerHealth *h, Error *reterr) {
        _cleanup_(ExecConfig_donep) ExecConfig config = { .attach_stdout = true, .attach_stderr = true };
        int r;

        r = make_command(h, &config.cmd);
        if (r < 0)
                return error_fill(reterr, r);
        return container_exec_create_probe(h->container, &config, &h->probe, reterr);
}

static int open_output(ContainerHealth *h, int *ret_other, Error *reterr) {
        int fds[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make a socket");
        h->fd = fds[0];
        r = sd_event_add_io(h->container->manager->config.event, &h->source, h->fd, EPOLLIN, on_output, h);
        if (r < 0) {
                safe_close(fds[1]);
                return error_fill(reterr, r);
        }
        *ret_other = fds[1];
        return 0;
}

static void begin(ContainerHealth *h) {
        _cleanup_error_ Error e = ERROR_NULL;
        int other = -EBADF, r;

        h->begun = now_nsec();
        h->n_freezings = h->container->n_freezings;
        r = create_probe(h, &e);
        if (r >= 0)
                r = open_output(h, &other, &e);
        if (r < 0) {
                fail(h, error_message(&e));
                finish(h);
                return;
        }
        arm(h, PHASE_STARTING, h->plan.timeout / NSEC_PER_USEC);
        container_exec_start(h->probe, &(ContainerExecSession) {
                .fd = other,
                .running = on_running,
                .failed = on_failed,
                .ended = on_ended,
                .userdata = h,
        });
}

/* One that was abandoned may live still; and a container that stands still cannot answer. */
static void begin_if_possible(ContainerHealth *h) {
        const Container *c = h->container;
        bool before = container_exec_has_probe(c);

        h->stuck = h->stuck && before;
        if (h->stuck) {
                h->begun = now_nsec();
                h->n_freezings = c->n_freezings;
                fail(h, "the health check before this one has not ended yet");
                finish(h);
        } else if (before || c->freezing != FREEZE_NONE) {
                end_turn(h);
                wait_for_next(h);
        } else if (take_turn(h))
                begin(h);
}

static void start_timed_out(ContainerHealth *h) {
        _cleanup_free_ char *text = strjoin("timed out starting health check for container ",
                                            h->container->doc.id);

        fail(h, strempty(text));
        h->stuck = true;
        finish(h);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        ContainerHealth *h = ASSERT_PTR(userdata);

        switch (h->phase) {
        case PHASE_WAITING:
                begin_if_possible(h);
                break;
        case PHASE_QUEUED:
                break;
        case PHASE_STARTING:
                start_timed_out(h);
                break;
        case PHASE_RUNNING:
                if (h->container->freezing != FREEZE_NONE) {
                        on_running(h);
                        break;
                }
                container_exec_kill(h->probe);
                arm(h, PHASE_KILLED, KILL_USEC);
                break;
        case PHASE_KILLED:
                h->stuck = true;
                finish(h);
                break;
        }
        return 0;
}

/* --- with the container --- */

static int health_new(Container *c, const HealthPlan *plan) {
        ContainerHealth *h = new0(ContainerHealth, 1);
        int r;

        if (!h)
                return -ENOMEM;
        h->container = c;
        h->plan = *plan;
        h->fd = -EBADF;
        r = sd_event_add_time_relative(c->manager->config.event, &h->timer, CLOCK_MONOTONIC, 0, 0, on_timer,
                                       h);
        if (r < 0) {
                health_free(h);
                return r;
        }
        c->health = h;
        wait_for_next(h);
        return 0;
}

/* Docker's record of a container whose health is not watched. */
static void unwatched(Container *c) {
        container_health_stop(c);
        if (!c->doc.health)
                return;
        if (health_set_status(c->doc.health, HEALTH_UNHEALTHY) < 0)
                log_oom();
}

void container_health_follow(Container *c, ContainerState before) {
        HealthPlan plan;
        int r = 0;

        if (c->state != CONTAINER_RUNNING) {
                unwatched(c);
                return;
        }
        if (c->health)
                return;
        if (!health_plan_make(c->doc.config.healthcheck, &plan)) {
                if (before != CONTAINER_RUNNING && health_config_is_foreign(c->doc.config.healthcheck))
                        log_warning("The health check of container %s is of the unknown type '%s'",
                                    c->doc.name, c->doc.config.healthcheck->test[0]);
                return;
        }
        /* After a pause, and after a restart of the daemon, the run goes on. */
        if (!IN_SET(before, CONTAINER_RUNNING, CONTAINER_PAUSED) || !c->doc.health)
                r = health_begin(&c->doc.health);
        if (r >= 0)
                r = health_new(c, &plan);
        if (r < 0)
                log_error_errno(r, "Cannot watch the health of container %s: %m", c->doc.name);
}

void container_health_leave(Container *c) {
        if (!c->health)
                return;
        container_health_stop(c);
        (void) container_save(c, STORE_SYNC_LAZY, NULL);
}
