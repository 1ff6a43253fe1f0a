/* SPDX-License-Identifier: Apache-2.0 */
/* Signals as events: end, reload, state dump. */
#include "main/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "basic/path-util.h"
#include "basic/strv.h"
#include "main/config-reload.h"

#define INTERRUPTS_MAX 3U       /* the third one ends the process at once */

static int on_stop(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Daemon *d = ASSERT_PTR(userdata);

        if (++d->n_interrupts >= INTERRUPTS_MAX)
                _exit(128 + (int) si->ssi_signo);
        log_info("Processing signal '%s'", strsignal((int) si->ssi_signo));
        return sd_event_exit(d->event, 0);
}

static int apply_reloadable(Daemon *d, Config *fresh, Error *reterr) {
        StringMap attributes = {};
        int r;

        config_swap_reloadable(d->config, fresh);
        r = config_reload_attributes(d->config, &attributes);
        r = r < 0 ? error_fill(reterr, r) : engine_reload(d->engine, &attributes, reterr);
        string_map_done(&attributes);
        if (r < 0)
                config_swap_reloadable(d->config, fresh);
        return r;
}

static int reload(Daemon *d, ConfigChange *ret, Error *reterr) {
        _cleanup_(config_freep) Config *fresh = NULL;
        int r;

        r = config_load(d->argc, d->argv, &fresh, reterr);
        if (r >= 0 && d->tls)
                r = tls_context_reload(d->tls, reterr);
        if (r < 0)
                return r;
        if (config_compare(d->config, fresh, ret) < 0)
                return error_fill(reterr, -ENOMEM);
        r = apply_reloadable(d, fresh, reterr);
        if (r >= 0)
                log_set_max_level(d->config->engine.debug ? LOG_DEBUG : LOG_INFO);
        return r;
}

static void report_reload(const ConfigChange *c) {
        _cleanup_free_ char *changed = strv_join(c->changed, ", "), *pending = strv_join(c->pending, ", ");

        log_struct(LOG_INFO, LOG_FIELDS("MESSAGE_ID=" MESSAGE_DAEMON_RELOADED_STR),
                   "Reloaded configuration; changed: %s", isempty(changed) ? "nothing" : changed);
        if (!isempty(pending))
                log_warning("These options of the configuration change with the next start only: %s", pending);
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Daemon *d = ASSERT_PTR(userdata);
        _cleanup_(config_change_donep) ConfigChange change = {};
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        (void) sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
                          (unsigned long long) now_usec(CLOCK_MONOTONIC));
        r = reload(d, &change, &e);
        if (r < 0)
                log_error("The configuration was not reloaded, the old one goes on: %s", error_message(&e));
        else
                report_reload(&change);
        /* `systemctl reload` has no other way to hear of it. */
        (void) sd_notifyf(0, "READY=1\nSTATUS=Serving%s%s", r < 0 ? "; not reloaded: " : "",
                          r < 0 ? error_message(&e) : "");
        return 0;
}

static int dump_state(Daemon *d, char **ret_path) {
        _cleanup_buffer_ Buffer b = {};
        EngineCounts n;
        size_t n_phases;
        const StartupPhase *phases = engine_phases(d->engine, &n_phases);
        int r;

        engine_counts(d->engine, &n);
        r = buffer_appendf(&b,
                           "containers: %u (running %u, paused %u, stopped %u)\nimages: %u\ncalls: %u\n"
                           "event subscribers: %u\nconnections: %u\n",
                           n.containers, n.running, n.paused, n.stopped, n.images, n.calls,
                           n.event_subscribers, http_server_n_connections(d->http));
        for (size_t i = 0; i < n_phases && r >= 0; i++)
                r = buffer_appendf(&b, "phase %s: %s (%llu us)\n", phases[i].name, phases[i].result,
                                   (unsigned long long) phases[i].duration);
        if (r >= 0)
                r = asprintf_safe(ret_path, "%s/state-%llu.txt", d->config->engine.exec_root,
                                  (unsigned long long) now_usec(CLOCK_REALTIME));
        return r < 0 ? r : write_file_atomic_at(AT_FDCWD, *ret_path, b.data, b.size, 0600, 0);
}

static int on_dump(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        _cleanup_free_ char *path = NULL;
        int r = dump_state(ASSERT_PTR((Daemon *) userdata), &path);

        if (r < 0)
                log_error_errno(r, "Cannot write the state dump: %m");
        else
                log_info("State dump written to %s", path);
        return 0;
}

int signals_install(Daemon *d, Error *reterr) {
        static const struct {
                int signal;
                sd_event_signal_handler_t handler;
        } rows[] = {
                { SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGHUP, on_reload }, { SIGUSR1, on_dump },
        };
        sigset_t set;
        int r = 0;

        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);       /* sd_event_add_child() needs it blocked */
        FOREACH_ELEMENT(row, rows)
                sigaddset(&set, row->signal);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        (void) signal(SIGPIPE, SIG_IGN);
        FOREACH_ELEMENT(row, rows)
                if (r >= 0)
                        r = sd_event_add_signal(d->event, d->signals + d->n_signals++, row->signal,
                                                row->handler, d);
        if (r >= 0)
                r = sd_event_set_watchdog(d->event, true);
        return r < 0 ? error_fill(reterr, r) : 0;
}
