/* SPDX-License-Identifier: Apache-2.0 */
/* The shim's event loop: epoll and a list of timers. It exists because the shim is linked statically and
 * must stay small; everything else uses sd-event. */
#pragma once

#include <sys/epoll.h>

#include "basic/list.h"
#include "basic/time-util.h"

typedef struct Loop Loop;
typedef struct LoopSource LoopSource;
typedef struct LoopTimer LoopTimer;

/* A source is embedded in its owner, who may remove it and free it inside the callback. */
struct LoopSource {
        int fd;                         /* borrowed from the owner; negative = not in the loop */
        uint32_t events;
        void (*callback)(LoopSource *s, uint32_t revents);
        void *userdata;
};

struct LoopTimer {
        usec_t deadline;                /* CLOCK_MONOTONIC; USEC_INFINITY = off */
        void (*callback)(LoopTimer *t);
        void *userdata;
        LIST_FIELDS(LoopTimer, timers);
};

struct Loop {
        int epoll_fd;
        LoopTimer *timers;
        bool quit;
        /* What is being dispatched: sources removed meanwhile are taken out here. */
        struct epoll_event *pending;
        int n_pending;
};

int loop_init(Loop *l);
int loop_add(Loop *l, LoopSource *s, int fd, uint32_t events);
/* Does nothing where the events are those already waited for. */
int loop_set_events(Loop *l, LoopSource *s, uint32_t events);
void loop_remove(Loop *l, LoopSource *s);

void loop_timer_add(Loop *l, LoopTimer *t);     /* off until armed */
void loop_timer_arm(LoopTimer *t, usec_t relative);
static inline void loop_timer_stop(LoopTimer *t) {
        t->deadline = USEC_INFINITY;
}

/* Until loop->quit. */
int loop_run(Loop *l);
