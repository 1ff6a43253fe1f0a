/* SPDX-License-Identifier: Apache-2.0 */
/* dockerd: reads the configuration and runs the phases. */
#include <stdio.h>

#include "basic/log.h"
#include "main/daemon.h"
#include "main/help.h"

static int level_of(const Config *c) {
        static const struct {
                const char *name;
                int level;
        } levels[] = {
                { "panic", LOG_CRIT }, { "fatal", LOG_CRIT }, { "error", LOG_ERR }, { "warn", LOG_WARNING },
                { "info", LOG_INFO }, { "debug", LOG_DEBUG }, { "trace", LOG_DEBUG },
        };

        FOREACH_ELEMENT(l, levels)
                if (streq_ptr(c->log_level, l->name) && !c->engine.debug)
                        return l->level;
        return c->engine.debug ? LOG_DEBUG : LOG_INFO;
}

/* The configuration was read already; files it names are read here. */
static int validate(const Config *c, Error *reterr) {
        _cleanup_(tls_context_unrefp) TlsContext *tls = NULL;
        int r;

        r = config_load_tls(c, &tls, reterr);
        if (r >= 0)
                fputs("configuration OK\n", stderr);
        return r;
}

/* Verbs that print and end. -EAGAIN: none was given. */
static int run_verb(const Config *c, Error *reterr) {
        if (c->help) {
                help_print(stdout);
                return 0;
        }
        if (c->version) {
                version_print(stdout);
                return 0;
        }
        if (c->dump_options)
                return options_dump(stdout, c->dump_options, reterr);
        if (c->validate)
                return validate(c, reterr);
        return -EAGAIN;
}

static int fail(const Error *e) {
        fprintf(stderr, "%s\n", error_message(e));
        return EXIT_FAILURE;
}

int main(int argc, char *argv[]) {
        Daemon d = { .argc = argc, .argv = argv, .lock_fd = -EBADF, .exec_lock_fd = -EBADF };
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        if (argc == 3 && streq(argv[1], "--bus-introspect"))
                return bus_introspect(argv[2], stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        r = config_load(argc, argv, &d.config, &e);
        if (r < 0)
                return fail(&e);
        if (d.config->check || d.config->repair) {
                r = check_run(&d);
                config_free(d.config);
                return r;
        }
        if (d.config->clean || d.config->clean_data) {
                r = clean_run(&d);
                config_free(d.config);
                return r;
        }
        r = run_verb(d.config, &e);
        if (r == -EAGAIN) {
                log_set_target(LOG_TARGET_AUTO);
                log_set_max_level(level_of(d.config));
                if (streq_ptr(d.config->log_format, "json"))
                        log_set_format(LOG_FORMAT_JSON);
                r = sd_event_default(&d.event) < 0 ? EXIT_FAILURE : daemon_run(&d);
                for (size_t i = 0; i < d.n_signals; i++)
                        sd_event_source_unref(d.signals[i]);
                sd_event_unref(d.event);
        } else
                r = r < 0 ? fail(&e) : EXIT_SUCCESS;
        config_free(d.config);
        return r;
}
