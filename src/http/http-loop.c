/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http-loop.h"

#include <errno.h>
#include <sys/epoll.h>

#include "basic/time-util.h"

/* Runs without a callback before the library counts as stuck: more than it takes to send the biggest answer
 * piece by piece. While it is, so many at a time. */
#define FUTILE_RUNS_MAX 2000U
#define FUTILE_RUNS_BURST 20U
#define FUTILE_DELAY_MSEC 10U

static void http_loop_run(HttpLoop *l);

/* An armed timer that comes too early costs one run; setting it anew after each run would cost a system call
 * each. */
static int arm_timer(HttpLoop *l, uint64_t delay_usec) {
        uint64_t usec = now_usec(CLOCK_MONOTONIC) + delay_usec;
        int r;

        if (usec >= l->timer_usec)
                return 0;
        r = sd_event_source_set_time(l->timer, usec);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
        if (r < 0)
                return r;
        l->timer_usec = usec;
        return 0;
}

/* The library says that there is work left which no descriptor will announce (its epoll use is edge-
 * triggered). But it says so as well of a connection on which it is stuck, as on a chunk extension that does
 * not fit its buffer. */
static bool is_stuck(HttpLoop *l, bool called_back) {
        if (!called_back)
                l->n_futile++;
        else if (l->n_futile > FUTILE_RUNS_MAX)
                l->n_futile = FUTILE_RUNS_MAX - FUTILE_RUNS_BURST;
        return l->n_futile > FUTILE_RUNS_MAX;
}

static void http_loop_run(HttpLoop *l) {
        MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
        uint64_t before = l->n_callbacks;
        bool finite;

        (void) MHD_run(l->daemon);

        finite = MHD_get_timeout(l->daemon, &timeout_ms) == MHD_YES;
        if (!finite || timeout_ms > 0)
                l->n_futile = 0;
        else if (is_stuck(l, l->n_callbacks != before))
                timeout_ms = FUTILE_DELAY_MSEC;
        if (finite && (timeout_ms == 0 || arm_timer(l, timeout_ms * USEC_PER_MSEC) < 0))
                http_loop_kick(l);
}

static int on_defer(sd_event_source *s, void *userdata) {
        HttpLoop *l = ASSERT_PTR(userdata);

        l->defer = sd_event_source_disable_unref(l->defer);
        http_loop_run(l);
        return 0;
}

/* A new source each time: sd-event takes sources of one priority in the order in which they became pending,
 * and a source of this kind counts as pending since it was made. A lasting one that is enabled in each turn
 * would starve all others. */
void http_loop_kick(HttpLoop *l) {
        if (l->defer || !l->event)
                return;
        if (sd_event_add_defer(l->event, &l->defer, on_defer, l) < 0)
                (void) arm_timer(l, 0);
        else
                (void) sd_event_source_set_description(l->defer, "http-parser");
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        http_loop_run(ASSERT_PTR(userdata));
        return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        HttpLoop *l = ASSERT_PTR(userdata);

        l->timer_usec = UINT64_MAX;
        http_loop_run(l);
        return 0;
}

int http_loop_init(HttpLoop *l, sd_event *event, struct MHD_Daemon *daemon) {
        const union MHD_DaemonInfo *info;
        int r;

        assert(l);
        assert(daemon);

        *l = (HttpLoop) { .daemon = daemon, .event = event, .timer_usec = UINT64_MAX };

        info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
        if (!info)
                return -EOPNOTSUPP;

        r = sd_event_add_io(event, &l->io, info->epoll_fd, EPOLLIN, on_io, l);
        if (r < 0)
                return r;
        r = sd_event_add_time(event, &l->timer, CLOCK_MONOTONIC, 0, 0, on_timer, l);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
}

void http_loop_done(HttpLoop *l) {
        if (!l)
                return;
        sd_event_source_disable_unref(l->io);
        sd_event_source_disable_unref(l->defer);
        sd_event_source_disable_unref(l->timer);
        *l = (HttpLoop) { .timer_usec = UINT64_MAX };
}
