/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd's event loop inside sd-event: its epoll descriptor as one source, its timeouts as another.
 * Knows how the library must be driven, not what is served. */
#pragma once

#include <microhttpd.h>
#include <systemd/sd-event.h>

#include "basic/macro.h"

typedef struct HttpLoop {
        struct MHD_Daemon *daemon;      /* borrowed */
        sd_event *event;                /* borrowed */
        sd_event_source *io, *defer, *timer;
        uint64_t timer_usec;            /* CLOCK_MONOTONIC; UINT64_MAX = not armed */
        uint64_t n_callbacks;           /* by the library, of any kind */
        unsigned n_futile;              /* runs without one, in a row */
} HttpLoop;

int http_loop_init(HttpLoop *l, sd_event *event, struct MHD_Daemon *daemon);
void http_loop_done(HttpLoop *l);

/* Runs the library once, soon. Needed after every resume, added connection and upgrade action: the library
 * (0.9.x) does not wake an external loop by itself. */
void http_loop_kick(HttpLoop *l);

/* To be called in the library's callbacks: its run was of use. */
static inline void http_loop_note(HttpLoop *l) {
        l->n_callbacks++;
}
