/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/loop.h"

#include <errno.h>

#include "basic/errno-util.h"

#define EVENTS_MAX 32

int loop_init(Loop *l) {
        *l = (Loop) { .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
        return l->epoll_fd < 0 ? -errno : 0;
}

int loop_add(Loop *l, LoopSource *s, int fd, uint32_t events) {
        struct epoll_event e = { .events = events, .data.ptr = s };

        if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
                return -errno;
        s->fd = fd;
        s->events = events;
        return 0;
}

int loop_set_events(Loop *l, LoopSource *s, uint32_t events) {
        struct epoll_event e = { .events = events, .data.ptr = s };

        if (s->fd < 0 || s->events == events)
                return 0;
        s->events = events;
        return RET_NERRNO(epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, s->fd, &e));
}

void loop_remove(Loop *l, LoopSource *s) {
        if (s->fd < 0)
                return;
        /* An explicit removal: closing does not do it while a duplicate of the socket exists elsewhere. */
        (void) epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
        s->fd = -EBADF;
        for (int i = 0; i < l->n_pending; i++)
                if (l->pending[i].data.ptr == s)
                        l->pending[i].data.ptr = NULL;
}

void loop_timer_add(Loop *l, LoopTimer *t) {
        t->deadline = USEC_INFINITY;
        LIST_PREPEND(timers, l->timers, t);
}

void loop_timer_arm(LoopTimer *t, usec_t relative) {
        t->deadline = now_usec(CLOCK_MONOTONIC) + relative;
}

/* Milliseconds until the next timer, rounded up; -1 = none. */
static int next_timeout(const Loop *l) {
        usec_t next = USEC_INFINITY, now;

        LIST_FOREACH(timers, t, l->timers)
                if (t->deadline < next)
                        next = t->deadline;
        if (next == USEC_INFINITY)
                return -1;
        now = now_usec(CLOCK_MONOTONIC);
        return next <= now ? 0 : (int) min_u64((next - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC, INT32_MAX);
}

static void run_timers(Loop *l) {
        usec_t now = now_usec(CLOCK_MONOTONIC);

        LIST_FOREACH(timers, t, l->timers)
                if (t->deadline <= now) {
                        t->deadline = USEC_INFINITY;
                        t->callback(t);
                }
}

int loop_run(Loop *l) {
        struct epoll_event events[EVENTS_MAX];

        while (!l->quit) {
                int n = epoll_wait(l->epoll_fd, events, EVENTS_MAX, next_timeout(l));

                if (n < 0 && errno != EINTR)
                        return -errno;

                l->pending = events;
                l->n_pending = n < 0 ? 0 : n;
                for (int i = 0; i < l->n_pending; i++) {
                        LoopSource *s = events[i].data.ptr;

                        if (s)
                                s->callback(s, events[i].events);
                }
                l->n_pending = 0;
                run_timers(l);
        }
        return 0;
}
