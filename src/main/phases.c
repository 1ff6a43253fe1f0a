/* SPDX-License-Identifier: Apache-2.0 */
/* The eleven start-up phases, in order: each with STATUS=, a time, a journal entry and a row of
 * StartupPhases. */
#include "main/daemon.h"

#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "basic/log.h"
#include "basic/messages.h"
#include "basic/process-util.h"

#define PHASE_TIMEOUT (30 * USEC_PER_SEC)       /* granted to each phase by EXTEND_TIMEOUT_USEC */
#define SETTLED_USEC (2 * USEC_PER_SEC)         /* after READY: start-up is over */
#define BUS_WAIT (3 * USEC_PER_SEC)             /* for the system bus, where systemd shall start the shims */

typedef struct Phase {
        const char *name;
        const char *status;
        /* *ret_result: NULL for "done", or words for the property; static. */
        int (*start)(Daemon *d, const char **ret_result, Error *reterr);
        void (*stop)(Daemon *d);
} Phase;

static int start_config(Daemon *d, const char **ret_result, Error *reterr) {
        /* Loaded before the first phase, since it says how to log; here it is put on record. */
        STRV_FOREACH(w, d->config->warnings)
                log_warning("%s", *w);
        return signals_install(d, reterr);
}

static int start_root(Daemon *d, const char **ret_result, Error *reterr) {
        return root_open(d, reterr);
}

static int start_pidfile(Daemon *d, const char **ret_result, Error *reterr) {
        if (isempty(d->config->pidfile))
                *ret_result = "no pidfile wanted";
        return pidfile_write(d, reterr);
}

static int start_listeners(Daemon *d, const char **ret_result, Error *reterr) {
        return listeners_open(d, reterr);
}

static int start_registry(Daemon *d, const char **ret_result, Error *reterr) {
        if (strv_isempty(d->config->engine.registry.mirrors) &&
            strv_isempty(d->config->engine.registry.insecure))
                *ret_result = "no mirrors and insecure registries configured";
        return 0;
}

static int start_runtime(Daemon *d, const char **ret_result, Error *reterr) {
        int r;

        r = bus_connection_new(d->event, bus_default_address(), &d->bus);
        if (r >= 0)
                r = bus_connection_start(d->bus);
        if (r < 0)
                log_warning_errno(r, "There is no system bus: going on without the D-Bus interface: %m");
        return engine_new(&d->config->engine, d->event, &d->engine, reterr);
}

static int start_plugins(Daemon *d, const char **ret_result, Error *reterr) {
        *ret_result = "no plugins configured";
        return 0;
}

static int start_daemon(Daemon *d, const char **ret_result, Error *reterr) {
        int r;

        r = engine_load(d->engine, reterr);
        return r < 0 ? r : listeners_reserve_ports(d, reterr);
}

static int start_cluster(Daemon *d, const char **ret_result, Error *reterr) {
        *ret_result = "no cluster configured";
        return 0;
}

static int start_routes(Daemon *d, const char **ret_result, Error *reterr) {
        int r;

        r = http_server_new(d->engine, d->event, &d->http, reterr);
        if (r < 0)
                return r;
        if (!d->bus) {
                *ret_result = "no system bus";
                return 0;
        }
        r = bus_face_new(d->engine, d->bus, &d->bus_face);
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* systemd starts the shims over the bus, which is connected without blocking: give it a moment. */
static void wait_for_bus(Daemon *d) {
        usec_t end = now_usec(CLOCK_MONOTONIC) + BUS_WAIT;

        if (!d->bus_face || sd_booted() <= 0 || !bus_address_exists(bus_default_address()) ||
            d->config->engine.runtime.supervisor == DAEMON_SUPERVISOR_DIRECT)
                return;
        while (!engine_bus(d->engine) && now_usec(CLOCK_MONOTONIC) < end)
                if (sd_event_run(d->event, 100 * USEC_PER_MSEC) < 0)
                        return;
}

static int start_serve(Daemon *d, const char **ret_result, Error *reterr) {
        int r;

        wait_for_bus(d);
        r = engine_reconcile(d->engine, reterr);
        if (r >= 0)
                r = listeners_serve(d, reterr);
        if (r >= 0 && d->bus_face && bus_face_serve(d->bus_face) < 0)
                log_warning("The name " BUS_NAME " cannot be taken on the bus");
        return r;
}

static void stop_serve(Daemon *d) {
        engine_stop(d->engine);
}

static void stop_routes(Daemon *d) {
        d->http = http_server_free(d->http);
        d->bus_face = bus_face_free(d->bus_face);
}

static void stop_runtime(Daemon *d) {
        d->engine = engine_free(d->engine);
        d->bus = bus_connection_unref(d->bus);
}

static const Phase phases[] = {
        { "config",    "Reading the configuration",       start_config,    NULL            },
        { "root",      "Opening the data root",           start_root,      root_close      },
        { "pidfile",   "Writing the pidfile",             start_pidfile,   pidfile_remove  },
        { "listeners", "Opening the API sockets",         start_listeners, listeners_close },
        { "registry",  "Setting up the registry service", start_registry,  NULL            },
        { "runtime",   "Probing the OCI runtimes",        start_runtime,   stop_runtime    },
        { "plugins",   "Loading plugins",                 start_plugins,   NULL            },
        { "daemon",    "Loading images, networks, containers", start_daemon, NULL          },
        { "cluster",   "Joining the cluster",             start_cluster,   NULL            },
        { "routes",    "Building the interfaces",         start_routes,    stop_routes     },
        { "serve",     "Starting to serve",               start_serve,     stop_serve      },
};

static int run_phase(Daemon *d, const Phase *p, StartupPhase *row, Error *reterr) {
        _cleanup_free_ char *name = NULL, *duration = NULL;
        usec_t begin = now_usec(CLOCK_MONOTONIC);
        const char *result = NULL;
        int r;

        (void) sd_notifyf(0, "STATUS=%s...\nEXTEND_TIMEOUT_USEC=%" PRIu64, p->status, PHASE_TIMEOUT);
        r = p->start(d, &result, reterr);
        *row = (StartupPhase){ p->name,
                               strdup(r < 0  ? "failed" :
                                      result ?:
                                               "done"),
                               now_usec(CLOCK_MONOTONIC) - begin };
        if (asprintf_safe(&name, "PHASE=%s", p->name) < 0 ||
            asprintf_safe(&duration, "DURATION_USEC=%" PRIu64, row->duration) < 0)
                return r < 0 ? r : error_fill(reterr, -ENOMEM);
        if (r < 0)
                log_struct_errno(LOG_ERR, r,
                                 LOG_FIELDS("MESSAGE_ID=" MESSAGE_PHASE_FAILED_STR, name, duration),
                                 "Start-up phase %s failed: %s", p->name, error_message(reterr));
        else
                log_struct(LOG_INFO, LOG_FIELDS("MESSAGE_ID=" MESSAGE_PHASE_DONE_STR, name, duration),
                           "Start-up phase %s: %s", p->name, result ?: "done");
        return r;
}

static int on_settled(sd_event_source *s, uint64_t usec, void *userdata) {
        process_trim_memory();
        return 0;
}

static void ready(Daemon *d, const StartupPhase *rows) {
        usec_t total = 0;

        for (size_t i = 0; i < ELEMENTSOF(phases); i++)
                total += rows[i].duration;
        (void) engine_set_phases(d->engine, rows, ELEMENTSOF(phases));
        log_struct(LOG_INFO, LOG_FIELDS("MESSAGE_ID=" MESSAGE_DAEMON_READY_STR),
                   "Daemon has completed initialization in %" PRIu64 " ms", total / USEC_PER_MSEC);
        (void) sd_notify(0, "READY=1\nSTATUS=Serving");
        (void) sd_event_add_time_relative(d->event, NULL, CLOCK_MONOTONIC, SETTLED_USEC, USEC_PER_SEC,
                                          on_settled, NULL);
}

int daemon_run(Daemon *d) {
        StartupPhase rows[ELEMENTSOF(phases)] = {};
        _cleanup_error_ Error e = ERROR_NULL;
        size_t n = 0;
        int r = 0;

        for (; n < ELEMENTSOF(phases) && r >= 0; n++)
                r = run_phase(d, phases + n, rows + n, &e);
        if (r >= 0) {
                ready(d, rows);
                r = sd_event_loop(d->event);
                (void) sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
                log_struct(LOG_INFO, LOG_FIELDS("MESSAGE_ID=" MESSAGE_DAEMON_STOPPING_STR),
                           "Daemon shutdown: containers go on");
        } else
                (void) sd_notifyf(0, "STATUS=%s\nERRNO=%d", error_message(&e), -r);
        while (n-- > 0) {
                if (phases[n].stop)
                        phases[n].stop(d);
                free(rows[n].result);
        }
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
