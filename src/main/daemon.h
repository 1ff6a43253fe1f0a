/* SPDX-License-Identifier: Apache-2.0 */
/* The running process: what the start-up phases make, in order, and unwind in reverse. */
#pragma once

#include "bus/bus.h"
#include "engine/engine.h"
#include "http/http-server.h"
#include "main/config.h"
#include "shared/tls-util.h"

#define LISTENERS_MAX 64U

typedef struct Listener {
        int fd;
        char *text;                     /* "unix:///run/docker.sock" */
        char *path;                     /* of a Unix socket we made; removed at the end */
        char *address;                  /* tcp */
        uint16_t port;                  /* tcp, else 0 */
        bool tls;
} Listener;

typedef struct Daemon {
        int argc;
        char **argv;
        Config *config;
        sd_event *event;

        int lock_fd;                    /* <data root>/lock */
        int exec_lock_fd;               /* flock on <exec root>/lock */
        bool exec_root_mounted;
        bool pidfile_written;
        Listener listeners[LISTENERS_MAX];
        size_t n_listeners;
        TlsContext *tls;

        BusConnection *bus;
        Engine *engine;
        BusFace *bus_face;
        HttpServer *http;

        sd_event_source *signals[8];
        size_t n_signals;
        unsigned n_interrupts;
        bool sockets_given;             /* some listeners are systemd's: nothing of ours to remove */
} Daemon;

/* root.c: umask, data root, exec root, lock; pidfile. */
int root_open(Daemon *d, Error *reterr);
/* Only the lock of a data root that is there. */
int root_lock(Daemon *d, Error *reterr);
/* The locks of both roots, as far as they are there. */
int root_lock_existing(Daemon *d, Error *reterr);
void root_close(Daemon *d);
int pidfile_write(Daemon *d, Error *reterr);
void pidfile_remove(Daemon *d);

/* listen.c */
int config_load_tls(const Config *c, TlsContext **ret, Error *reterr);  /* NULL without TLS */
int listeners_open(Daemon *d, Error *reterr);
int listeners_reserve_ports(Daemon *d, Error *reterr);
int listeners_serve(Daemon *d, Error *reterr);
void listeners_close(Daemon *d);

/* signals.c: SIGTERM, SIGINT, SIGHUP, SIGUSR1 and the watchdog. */
int signals_install(Daemon *d, Error *reterr);

/* phases.c: all phases, READY=1, the loop, and the way back. Returns the exit status. */
int daemon_run(Daemon *d);

/* clean.c: --clean and --clean-data. Returns the exit status. */
int clean_run(Daemon *d);

/* check.c: --check and --repair. Returns the exit status: 0 sound, 1 damaged, 2 it could not be found
 * out. */
int check_run(Daemon *d);
