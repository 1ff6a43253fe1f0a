/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-logs.h"

#include <sys/inotify.h>

#include "basic/parse-util.h"
#include "container/container-wait.h"
#include "logdriver/log-driver.h"
#include "stream/multiplex.h"

#define ENTRIES_PER_TURN 256U           /* then other events have a turn */

struct ContainerLogs {
        Container *container;
        LogReader *reader;
        const ContainerLogsOps *ops;
        void *userdata;
        sd_event_source *work, *changed;
        bool tty, timestamps, details;
        bool slow;                      /* the client; container_logs_resume() goes on */
        Buffer line;
};

ContainerLogs *container_logs_free(ContainerLogs *l) {
        if (!l)
                return NULL;
        container_wait_forget(l->container, l);
        sd_event_source_disable_unref(l->work);
        sd_event_source_disable_unref(l->changed);
        log_reader_free(l->reader);
        container_unref(l->container);
        buffer_done(&l->line);
        free(l);
        return NULL;
}

static int parse_options(const ContainerLogsParams *p, LogReadOptions *ret, Error *reterr) {
        *ret = (LogReadOptions) {
                .tail = -1,
                .follow = p->follow,
                .no_stdout = !p->stdout_wanted,
                .no_stderr = !p->stderr_wanted,
        };
        if (!p->stdout_wanted && !p->stderr_wanted)
                return error_setf(reterr, ERROR_INVALID,
                                  "Bad parameters: you must choose at least one stream");
        if (!isempty(p->tail) && parse_int64(p->tail, &ret->tail) < 0)
                ret->tail = -1;
        if (!isempty(p->since) && parse_timestamp(p->since, &ret->since_nsec) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid value for \"since\": %s", p->since);
        if (isempty(p->until) || streq(p->until, "0"))
                return 0;
        if (parse_timestamp(p->until, &ret->until_nsec) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid value for \"until\": %s", p->until);
        if (ret->until_nsec == 0)
                ret->until_nsec = 1;    /* 1970 or before is an end, 0 is none */
        return 0;
}

/* Timestamp, frame header, line: in one piece. */
static int format_entry(ContainerLogs *l, const LogEntry *e) {
        char stamp[TIME_RFC3339_MAX + 2] = "";
        uint8_t header[MULTIPLEX_HEADER_SIZE];
        size_t n_stamp = 0;

        l->line.size = 0;
        if (l->timestamps) {
                format_rfc3339_fixed(stamp, e->time_nsec);
                n_stamp = strlen(stamp);
                stamp[n_stamp++] = ' ';
        }
        /* In front of the line stand its attributes, which a log here has none of, and a blank. */
        if (l->details)
                stamp[n_stamp++] = ' ';
        if (!l->tty) {
                multiplex_header(header, e->stream == LOG_STDERR ? MULTIPLEX_STDERR : MULTIPLEX_STDOUT,
                                 n_stamp + e->size);
                if (buffer_append(&l->line, header, sizeof(header)) < 0)
                        return -ENOMEM;
        }
        if (buffer_append(&l->line, stamp, n_stamp) < 0)
                return -ENOMEM;
        return buffer_append(&l->line, e->line, e->size);
}

static void logs_end(ContainerLogs *l, int r) {
        const ContainerLogsOps *ops = l->ops;
        void *userdata = l->userdata;
        _cleanup_error_ Error e = ERROR_NULL;

        if (r < 0)
                error_set_errnof(&e, ERROR_INTERNAL, r, "cannot read the log of container %s",
                                 l->container->doc.name);
        container_logs_free(l);
        ops->end(r, &e, userdata);
}

/* Steps again, from the loop. */
static void set_working(ContainerLogs *l, bool work) {
        (void) sd_event_source_set_enabled(l->work, work ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int on_work(sd_event_source *s, void *userdata) {
        ContainerLogs *l = ASSERT_PTR(userdata);
        LogEntry e;
        int r = 0;

        for (size_t i = 0; i < ENTRIES_PER_TURN; i++) {
                r = log_reader_step(l->reader, &e);
                if (r <= 0)
                        break;
                r = format_entry(l, &e);
                if (r >= 0)
                        r = l->ops->write(l->line.data, l->line.size, l->userdata);
                if (r < 0)
                        break;
                if (r > 0) {
                        l->slow = true;
                        set_working(l, false);
                        return 0;
                }
                r = -EINPROGRESS;
        }
        if (r == -EINPROGRESS)
                return 0;
        if (r == -EAGAIN) {
                set_working(l, false);
                return 0;
        }
        logs_end(l, r);
        return 0;
}

void container_logs_resume(ContainerLogs *l) {
        l->slow = false;
        set_working(l, true);
}

static int on_changed(sd_event_source *s, const struct inotify_event *e, void *userdata) {
        ContainerLogs *l = ASSERT_PTR(userdata);

        if (!l->slow)
                set_working(l, true);
        return 0;
}

static void on_exit_of_container(Container *c, int64_t exit_code, const char *error, void *userdata) {
        ContainerLogs *l = ASSERT_PTR(userdata);

        log_reader_finish(l->reader);
        if (!l->slow)
                set_working(l, true);
}

static int add_sources(ContainerLogs *l, bool follow) {
        sd_event *event = l->container->manager->config.event;
        int64_t code;
        int r;

        r = sd_event_add_defer(event, &l->work, on_work, l);
        if (r >= 0)
                r = sd_event_source_set_enabled(l->work, SD_EVENT_ON);
        if (r < 0 || !follow)
                return r;
        /* The directory, since rotation replaces the file. All watches of the loop share one inotify
         * instance, of which a user has few. */
        r = sd_event_add_inotify(event, &l->changed, l->container->data_dir,
                                 IN_MODIFY|IN_CREATE|IN_MOVED_TO, on_changed, l);
        if (r >= 0)
                r = container_wait(l->container, WAIT_NOT_RUNNING, on_exit_of_container, l, &code);
        if (r == 1)
                log_reader_finish(l->reader);
        return r;
}

int container_logs_open(Container *c, const ContainerLogsParams *p, const ContainerLogsOps *ops,
                        void *userdata, ContainerLogs **ret, Error *reterr) {
        _cleanup_free_ char *path = NULL;
        const LogDriver *driver;
        LogReadOptions options;
        ContainerLogs *l;
        int r;

        r = parse_options(p, &options, reterr);
        if (r >= 0)
                r = log_driver_find(c->doc.host_config.log_config.type, &driver, reterr);
        if (r < 0)
                return r;
        if (!driver->reader_open)
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "configured logging driver does not support reading");
        if (asprintf_safe(&path, "%s/%s-json.log", c->data_dir, c->doc.id) < 0)
                return error_fill(reterr, -ENOMEM);
        l = new0(ContainerLogs, 1);
        if (!l)
                return error_fill(reterr, -ENOMEM);
        l->container = container_ref(c);
        l->ops = ops;
        l->userdata = userdata;
        l->tty = c->doc.config.tty;
        l->timestamps = p->timestamps;
        l->details = p->details;
        r = driver->reader_open(path, &options, &l->reader, reterr);
        if (r >= 0)
                r = add_sources(l, options.follow);
        if (r < 0) {
                container_logs_free(l);
                return error_fill(reterr, r);
        }
        *ret = l;
        return 0;
}
