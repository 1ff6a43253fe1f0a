/* SPDX-License-Identifier: Apache-2.0 */
#include "logdriver/log-driver.h"

#include "logdriver/log-ops.h"

/* --- none: output is not kept --- */

static int none_validate(char *const *options, Error *reterr) {
        return 0;                               /* Docker takes any option here */
}

static int none_write(LogWriter *w, LogStream stream, const void *data, size_t size, uint64_t time_nsec) {
        return 0;
}

static int none_flush(LogWriter *w, LogStream stream, uint64_t time_nsec) {
        return 0;
}

static void none_free(LogWriter *w) {
}

static const LogWriterOps none_writer_ops = {
        .write = none_write,
        .flush = none_flush,
        .free = none_free,
};

static int none_writer_open(const char *path, char *const *options, LogWriter **ret, Error *reterr) {
        static LogWriter writer = { .ops = &none_writer_ops };

        *ret = &writer;
        return 0;
}

static const LogDriver log_driver_none = {
        .name = "none",
        .validate = none_validate,
        .writer_open = none_writer_open,
};

/* --- the table --- */

static const LogDriver *const log_drivers[] = {
        &log_driver_json_file,
        &log_driver_none,
};

const char *const log_driver_names[] = { "json-file", "none", NULL };

/* Docker's own that are not here; a name that is in neither list may be a plugin's, which there are none of
 * either. */
static const char *const log_drivers_not_implemented[] = {
        "awslogs", "etwlogs", "fluentd", "gcplogs", "gelf", "journald", "local", "splunk", "syslog",
};

int log_driver_find(const char *name, const LogDriver **ret, Error *reterr) {
        FOREACH_ELEMENT(d, log_drivers)
                if (streq((*d)->name, name)) {
                        *ret = *d;
                        return 0;
                }

        FOREACH_ELEMENT(n, log_drivers_not_implemented)
                if (streq(*n, name))
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                          "logger: log driver '%s' is not implemented", name);

        return error_setf(reterr, ERROR_INVALID, "logger: no log driver named '%s' is registered", name);
}

int log_options_validate(const char *driver, char *const *options, Error *reterr) {
        const LogDriver *d = NULL;
        int r;

        r = log_driver_find(driver, &d, reterr);
        if (r < 0)
                return r;

        return d->validate(options, reterr);
}

int log_writer_write(LogWriter *w, LogStream stream, const void *data, size_t size, uint64_t time_nsec) {
        return w->ops->write(w, stream, data, size, time_nsec);
}

int log_writer_flush(LogWriter *w, LogStream stream, uint64_t time_nsec) {
        return w->ops->flush(w, stream, time_nsec);
}

size_t log_writer_unfinished(LogWriter *w, LogStream stream, const char **ret) {
        return w->ops->unfinished(w, stream, ret);
}

LogWriter *log_writer_free(LogWriter *w) {
        if (w)
                w->ops->free(w);
        return NULL;
}

int log_reader_step(LogReader *r, LogEntry *ret) {
        return r->ops->step(r, ret);
}

void log_reader_finish(LogReader *r) {
        r->ops->finish(r);
}

LogReader *log_reader_free(LogReader *r) {
        if (r)
                r->ops->free(r);
        return NULL;
}
