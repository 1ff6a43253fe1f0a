/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http-server.h"

#include "config.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "basic/fd-util.h"
#include "basic/log.h"
#include "basic/string-util.h"
#include "basic/time-util.h"
#include "http/http-request.h"
#include "http/http-server-internal.h"

/* Head and pieces of the body of one request. The parser keeps it resident for each connection that has had
 * a request, so it is the price of an idle client as well. */
#define CONNECTION_MEMORY (112U * 1024U)
/* Connections that are shut down but not closed yet still count for the parser. */
#define CONNECTIONS_SLACK 256U
#define ACCEPTS_PER_TURN 64U

const HttpLimits http_limits_default = {
        .connections_max = 4096,
        .first_usec = 30 * USEC_PER_SEC,
        .idle_usec = 300 * USEC_PER_SEC,
        .idle_max = 128,
        .crowd_usec = 15 * USEC_PER_SEC,
        .body_usec = 120 * USEC_PER_SEC,
        .drain_usec = 5 * USEC_PER_SEC,
        .drain_bytes = 64U * 1024U * 1024U,
        .linger_bytes = 1024U * 1024U * 1024U,
        .body_bytes = 8U * 1024U * 1024U,
        .held_bytes = 256U * 1024U * 1024U,
};

uint64_t http_server_phase_limit(const HttpServer *s, HttpPhase phase) {
        switch (phase) {
        case HTTP_PHASE_FIRST:
                return s->limits.first_usec;
        case HTTP_PHASE_IDLE:
                return s->limits.idle_usec;
        case HTTP_PHASE_CROWD:
                return s->limits.crowd_usec;
        case HTTP_PHASE_BODY:
                return s->limits.body_usec;
        case HTTP_PHASE_DRAIN:
                return s->limits.drain_usec;
        default:
                return UINT64_MAX;
        }
}

HttpPhase http_server_idle_phase(const HttpServer *s) {
        return s->phases[HTTP_PHASE_IDLE].n < s->limits.idle_max ? HTTP_PHASE_IDLE : HTTP_PHASE_CROWD;
}

bool http_server_hold(HttpServer *s, size_t size) {
        s->held += size;
        return s->held <= s->limits.held_bytes;
}

void http_server_release(HttpServer *s, size_t size) {
        assert(size <= s->held);
        s->held -= size;
}

void http_server_arm_sweep(HttpServer *s, uint64_t usec) {
        if (usec >= s->sweep_usec || !s->sweep)
                return;
        if (sd_event_source_set_time(s->sweep, usec) < 0 ||
            sd_event_source_set_enabled(s->sweep, SD_EVENT_ONESHOT) < 0)
                return;
        s->sweep_usec = usec;
}

static int on_sweep(sd_event_source *source, uint64_t usec, void *userdata) {
        HttpServer *s = ASSERT_PTR(userdata);
        uint64_t now = now_usec(CLOCK_MONOTONIC), next = UINT64_MAX;

        s->sweep_usec = UINT64_MAX;
        FOREACH_ELEMENT(q, s->phases) {
                while (q->head && q->head->deadline <= now)
                        http_connection_on_deadline(q->head);
                if (q->head)
                        next = min_u64(next, q->head->deadline);
        }
        http_server_arm_sweep(s, next);
        return 0;
}

static int on_hooks(sd_event_source *source, void *userdata) {
        HttpServer *s = ASSERT_PTR(userdata);

        while (s->hooks)
                http_request_run_hooks(s->hooks);
        return 0;
}

void http_server_schedule_hooks(HttpServer *s) {
        (void) sd_event_source_set_enabled(s->hooks_source, SD_EVENT_ONESHOT);
}

static void set_accepting(HttpServer *s, bool on) {
        if (s->accepting == on)
                return;
        s->accepting = on;
        LIST_FOREACH(listeners, l, s->listeners)
                (void) sd_event_source_set_enabled(l->source, on ? SD_EVENT_ON : SD_EVENT_OFF);
}

void http_server_connection_closed(HttpServer *s) {
        if (!s->stopping)
                set_accepting(s, true);
}

/* Makes room by throwing out who waits without a request and would have to go soonest. */
static bool evict_idle(HttpServer *s) {
        static const HttpPhase phases[] = { HTTP_PHASE_FIRST, HTTP_PHASE_IDLE, HTTP_PHASE_CROWD };
        HttpConnection *first = NULL;

        FOREACH_ELEMENT(p, phases) {
                HttpConnection *c = s->phases[*p].head;

                if (c && (!first || c->deadline < first->deadline))
                        first = c;
        }
        if (!first)
                return false;
        log_debug("Closing the longest idle connection (%s) in favour of a new one",
                  strnull(first->peer.address));
        http_connection_drop(first);
        return true;
}

/* Returns 1 after a connection, 0 when there is none (any more). */
static int accept_one(HttpListener *l, int listen_fd) {
        HttpServer *s = l->server;
        int fd, r;

        if (s->n_connections >= s->limits.connections_max && !evict_idle(s)) {
                set_accepting(s, false);
                return 0;
        }

        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
                r = -errno;
                if (IN_SET(r, -ECONNABORTED, -EINTR, -EPROTO))
                        return 1;
                if (IN_SET(r, -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS)) {
                        log_warning_errno(r, "Cannot accept connections on %s for now: %m", l->description);
                        (void) evict_idle(s);
                        set_accepting(s, s->n_connections == 0);
                }
                return 0;
        }

        r = http_connection_accept(s, l, fd);
        if (r < 0)
                log_debug_errno(r, "Connection on %s dropped: %m", l->description);
        return 1;
}

static int on_listener(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        HttpListener *l = ASSERT_PTR(userdata);

        for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++)
                if (accept_one(l, fd) <= 0)
                        break;
        return 0;
}

static HttpListener *listener_free(HttpListener *l) {
        if (!l)
                return NULL;
        sd_event_source_disable_unref(l->source);
        tls_context_unref(l->tls);
        free(l->description);
        return mfree(l);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(HttpListener *, listener_free);

int http_server_add_listener(HttpServer *s, int listen_fd, const char *description, TlsContext *tls,
                             Error *reterr) {
        _cleanup_(listener_freep) HttpListener *l = NULL;
        int r;

        assert(s);
        assert(listen_fd >= 0);
        assert(description);

        l = new(HttpListener, 1);
        if (!l)
                return error_fill(reterr, -ENOMEM);
        *l = (HttpListener) {
                .server = s,
                .tls = tls_context_ref(tls),
                .description = strdup(description),
        };
        if (!l->description)
                return error_fill(reterr, -ENOMEM);

        r = fd_nonblock(listen_fd, true);
        if (r >= 0)
                r = sd_event_add_io(s->event, &l->source, listen_fd, EPOLLIN, on_listener, l);
        if (r >= 0 && !s->accepting)
                r = sd_event_source_set_enabled(l->source, SD_EVENT_OFF);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "could not serve on %s", description);
        (void) sd_event_source_set_description(l->source, "http-listener");

        LIST_PREPEND(listeners, s->listeners, l);
        TAKE_PTR(l);
        return 0;
}

/* The parser complains about TCP options on every answer over a Unix socket; the rest is for debugging. */
static void on_parser_log(void *userdata, const char *format, va_list ap) {
        char line[256];

        if (log_get_max_level() < LOG_DEBUG)
                return;
        vsnprintf(line, sizeof(line), format, ap);
        if (strstr(line, "TCP_") || strstr(line, "Failed to push the data"))
                return;
        line[strcspn(line, "\n")] = 0;
        log_debug("HTTP parser: %s", line);
}

static struct MHD_Daemon *start_parser(HttpServer *s) {
        return MHD_start_daemon(
                MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG,
                0, NULL, NULL,
                http_request_on_access, s,
                /* First, so that nothing is printed to stderr. */
                MHD_OPTION_EXTERNAL_LOGGER, on_parser_log, s,
                MHD_OPTION_CONNECTION_LIMIT, s->limits.connections_max + CONNECTIONS_SLACK,
                MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) CONNECTION_MEMORY,
                MHD_OPTION_CONNECTION_TIMEOUT, HTTP_PARSER_TIMEOUT_SEC,
                MHD_OPTION_STRICT_FOR_CLIENT, 1,
                MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
                MHD_OPTION_NOTIFY_CONNECTION, http_connection_on_notify, s,
                MHD_OPTION_NOTIFY_COMPLETED, http_request_on_completed, s,
                MHD_OPTION_URI_LOG_CALLBACK, http_request_on_uri, s,
                MHD_OPTION_END);
}

/* Descriptors are needed for more than clients. */
static unsigned limit_by_descriptors(unsigned connections_max) {
        struct rlimit rl;

        if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur == RLIM_INFINITY)
                return connections_max;
        return min_u64(connections_max, rl.rlim_cur / 2);
}

int http_server_new_full(Engine *engine, sd_event *event, const HttpRouter *router, const HttpLimits *limits,
                         HttpServer **ret, Error *reterr) {
        _cleanup_(http_server_freep) HttpServer *s = NULL;
        int r;

        assert(event);
        assert(router);
        assert(ret);

        s = new(HttpServer, 1);
        if (!s)
                return error_fill(reterr, -ENOMEM);
        *s = (HttpServer) {
                .engine = engine,
                .event = sd_event_ref(event),
                .router = router,
                .limits = limits ? *limits : http_limits_default,
                .accepting = true,
                .sweep_usec = UINT64_MAX,
        };
        (void) snprintf(s->server_header, sizeof(s->server_header), "Docker/%s (linux)", PROJECT_VERSION);
        s->limits.connections_max = limit_by_descriptors(s->limits.connections_max);

        r = sd_event_add_time(event, &s->sweep, CLOCK_MONOTONIC, 0, USEC_PER_SEC, on_sweep, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->sweep, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_defer(event, &s->hooks_source, on_hooks, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->hooks_source, SD_EVENT_OFF);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "could not set up the HTTP server's timer");

        s->daemon = start_parser(s);
        if (!s->daemon)
                return error_setf(reterr, ERROR_INTERNAL, "could not start the HTTP parser");
        r = http_loop_init(&s->loop, event, s->daemon);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "could not put the HTTP parser into the event loop");

        *ret = TAKE_PTR(s);
        return 0;
}

/* Stopping the parser while something is suspended or upgraded aborts the process: all requests go first,
 * and with hijacked connections left it is not stopped at all. Their sockets must not be shut down, the
 * shims serve them. */
static void stop_parser(HttpServer *s) {
        FOREACH_ELEMENT(q, s->phases)
                for (HttpConnection *c = q->head, *next; c; c = next) {
                        next = c->phase_next;
                        if (c->request)
                                http_request_abort(c->request);
                }

        /* Resumed requests are answered or closed in the first run; closed connections are cleaned up in the
         * next. */
        (void) MHD_run(s->daemon);
        (void) MHD_run(s->daemon);
        if (s->n_hijacked > 0)
                return;
        MHD_stop_daemon(s->daemon);
        s->daemon = NULL;
}

static HttpServer *left_behind __attribute__((__used__));

HttpServer *http_server_free(HttpServer *s) {
        if (!s)
                return NULL;

        s->stopping = true;
        while (s->listeners) {
                HttpListener *l = s->listeners;
                LIST_REMOVE(listeners, s->listeners, l);
                listener_free(l);
        }
        if (s->daemon)
                stop_parser(s);
        http_loop_done(&s->loop);
        sd_event_source_disable_unref(s->sweep);
        s->sweep = NULL;
        while (s->hooks)
                http_request_run_hooks(s->hooks);
        sd_event_source_disable_unref(s->hooks_source);
        s->hooks_source = NULL;

        /* The parser still knows hijacked connections: it, they and we stay until the process ends, in sight
         * of leak checkers. */
        if (s->daemon) {
                left_behind = s;
                return NULL;
        }

        FOREACH_ELEMENT(q, s->phases)
                while (q->head)
                        http_connection_free(q->head);
        sd_event_unref(s->event);
        return mfree(s);
}

unsigned http_server_n_connections(const HttpServer *s) {
        return s->n_connections;
}
