/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP face over fake engine calls, one for each way a call can answer. Client: test-http-server.py.
 * Usage: test-http-server UNIX-SOCKET [TLS-DIRECTORY PORT-FILE] */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "basic/fd-util.h"
#include "basic/list.h"
#include "basic/log.h"
#include "basic/parse-util.h"
#include "basic/string-util.h"
#include "basic/time-util.h"
#include "engine/engine.h"
#include "http/http-router.h"
#include "http/http-server.h"

static sd_event *event;
static TlsContext *tls;

typedef struct Counters {
        uint64_t gone, drained, calls, connections, emitted;
} Counters;
static Counters counters;

typedef struct Params {
        char *id;
        char *text;
        char **list;
        bool flag;
        uint64_t ms, n, size;
        char *secret;
        char *name;
        int number;
} Params;

typedef struct Reply {
        char *id, *text, *secret, *name;
        char **list;
        bool flag;
        int number;
        uint64_t size;
        int uid;
        char *caller;
} Reply;

JSON_TYPE_DECLARE(Params);
JSON_TYPE_DECLARE(Reply);
JSON_TYPE_DECLARE(Counters);

static const JsonField params_fields[] = {
        JSON_STRING(Params, id, "id", JSON_IN_PATH),
        JSON_STRING(Params, text, "text", JSON_IN_QUERY),
        JSON_STRV(Params, list, "list", JSON_IN_QUERY),
        JSON_BOOL(Params, flag, "flag", JSON_IN_QUERY, .since = 40),
        JSON_UINT64(Params, ms, "ms", JSON_IN_QUERY),
        JSON_UINT64(Params, n, "n", JSON_IN_QUERY),
        JSON_UINT64(Params, size, "size", JSON_IN_QUERY),
        JSON_STRING(Params, secret, "X-Secret", JSON_IN_HEADER),
        JSON_STRING(Params, name, "Name", 0),
        JSON_INT(Params, number, "Number", 0),
};
JSON_TYPE(Params, params_fields);

static const JsonField reply_fields[] = {
        JSON_STRING(Reply, id, "Id", JSON_OMITEMPTY),
        JSON_STRING(Reply, text, "Text", JSON_OMITEMPTY),
        JSON_STRING(Reply, secret, "Secret", JSON_OMITEMPTY),
        JSON_STRV(Reply, list, "List", JSON_OMITEMPTY),
        JSON_BOOL(Reply, flag, "Flag", 0),
        JSON_STRING(Reply, name, "Name", JSON_OMITEMPTY),
        JSON_INT(Reply, number, "Number", JSON_OMITEMPTY, .since = 30),
        JSON_UINT64(Reply, size, "Size", JSON_OMITEMPTY),
        JSON_INT(Reply, uid, "Uid", 0),
        JSON_STRING(Reply, caller, "Caller", JSON_OMITEMPTY),
};
JSON_TYPE(Reply, reply_fields);

static const JsonField counters_fields[] = {
        JSON_UINT64(Counters, gone, "Gone", 0),
        JSON_UINT64(Counters, drained, "Drained", 0),
        JSON_UINT64(Counters, calls, "Calls", 0),
        JSON_UINT64(Counters, connections, "Connections", 0),
        JSON_UINT64(Counters, emitted, "Emitted", 0),
};
JSON_TYPE(Counters, counters_fields);

static HttpServer *server;

/* There is no engine, and nobody asks it anything. */
const EngineConfig *engine_config(Engine *e) {
        return NULL;
}

sd_bus *engine_bus(Engine *e) {
        return NULL;
}

/* What a pending fake call needs. */
typedef struct Work Work;
struct Work {
        Call *call;                     /* a reference */
        sd_event_source *timer, *io;
        int fd;
        uint64_t done;
        char buffer[65536];
        size_t n_buffer;
        bool eof;
        LIST_FIELDS(Work, subscribers);
};

static Work *subscribers;

static void work_end(Work *w) {
        if (!w)
                return;
        sd_event_source_disable_unref(w->timer);
        sd_event_source_disable_unref(w->io);
        safe_close(w->fd);
        w->call->data = NULL;
        call_unref(w->call);
        free(w);
}

static void on_gone(Call *call) {
        counters.gone++;
        work_end(call->data);
}

static Work *work_new(Call *call) {
        Work *w = new0(Work, 1);

        assert(w);
        w->call = call_ref(call);
        w->fd = -EBADF;
        call->data = w;
        call->on_gone = on_gone;
        return w;
}

static void work_timer(Work *w, uint64_t ms, sd_event_time_handler_t callback) {
        assert(sd_event_add_time_relative(event, &w->timer, CLOCK_MONOTONIC, ms * USEC_PER_MSEC, 1, callback,
                                          w) >= 0);
}

static void fill_reply(Reply *reply, Call *call) {
        const Params *p = call->params;

        *reply = (Reply) {
                .id = p->id,
                .text = p->text,
                .secret = p->secret,
                .list = p->list,
                .flag = p->flag,
                .name = p->name,
                .number = p->number,
                .uid = call->caller.uid,
                .caller = call->caller.name,
        };
}

static int fake_echo(Engine *e, Call *call) {
        Reply reply;

        counters.calls++;
        fill_reply(&reply, call);
        call_reply(call, &reply);
        return 1;
}

static int fake_list(Engine *e, Call *call) {
        Reply replies[2];

        fill_reply(replies, call);
        fill_reply(replies + 1, call);
        call_reply(call, &(CallList) { replies, ((Params *) call->params)->n });
        return 1;
}

static int fake_nothing(Engine *e, Call *call) {
        call_reply(call, NULL);
        return 1;
}

static int fake_counters(Engine *e, Call *call) {
        counters.connections = http_server_n_connections(server);
        call_reply(call, &counters);
        return 1;
}

static int fake_fail(Engine *e, Call *call) {
        const Params *p = call->params;

        return error_setf(&call->error, (ErrorKind) p->n, "failed: %s <&>", strempty(p->text));
}

static int on_slow(sd_event_source *s, uint64_t usec, void *userdata) {
        Work *w = userdata;
        Call *call = w->call;
        Reply reply;

        fill_reply(&reply, call);
        if (((Params *) call->params)->flag) {
                error_setf(&call->error, ERROR_CONFLICT, "late failure");
                call_fail(call, &call->error);
        } else
                call_reply(call, &reply);
        work_end(w);
        return 0;
}

static int fake_slow(Engine *e, Call *call) {
        work_timer(work_new(call), ((Params *) call->params)->ms, on_slow);
        return 0;
}

static int fake_wait(Engine *e, Call *call) {
        call_promise(call);
        return fake_slow(e, call);
}

/* A stream of n pieces of `size` bytes, as fast as the client takes them; with ms, one piece each ms. */
static void produce(Work *w) {
        const Params *p = w->call->params;
        Call *call = w->call;
        int r = 0;

        while (w->done < p->n && r == 0) {
                memset(w->buffer, 'a' + w->done % 26, p->size);
                w->done++;
                counters.emitted++;
                r = call_stream_write(call, w->buffer, p->size);
                assert(r >= 0);
                if (p->ms > 0)
                        break;
        }
        if (w->done < p->n)
                return;
        if (p->flag) {
                error_setf(&call->error, ERROR_CONFLICT, "failed in the middle");
                call_stream_close(call, &call->error);
        } else
                call_stream_close(call, NULL);
        work_end(w);
}

static void on_drain(Call *call) {
        counters.drained++;
        produce(call->data);
}

static int on_tick(sd_event_source *s, uint64_t usec, void *userdata) {
        Work *w = userdata;

        assert(sd_event_source_set_time_relative(s, ((Params *) w->call->params)->ms * USEC_PER_MSEC) >= 0);
        assert(sd_event_source_set_enabled(s, SD_EVENT_ONESHOT) >= 0);
        produce(w);
        return 0;
}

static int fake_stream(Engine *e, Call *call) {
        const Params *p = call->params;
        static const char *const kinds[] = { "json", "raw", "multiplexed", "tar" };
        size_t kind = 0;
        Work *w;

        while (kind < ELEMENTSOF(kinds) && !streq(strempty(p->text), kinds[kind]))
                kind++;
        if (p->size > sizeof(w->buffer) || kind == ELEMENTSOF(kinds))
                return error_setf(&call->error, ERROR_INVALID, "size or kind");
        assert(call_stream_open(call, kind) >= 0);
        w = work_new(call);
        call->on_drain = on_drain;
        if (p->ms > 0)
                work_timer(w, p->ms, on_tick);
        else
                produce(w);
        return 0;
}

/* Subscribers get a line whenever somebody emits; emitting happens inside another request's handler. */
static void on_subscriber_gone(Call *call) {
        LIST_REMOVE(subscribers, subscribers, (Work *) call->data);
        on_gone(call);
}

static int fake_events(Engine *e, Call *call) {
        Work *w = work_new(call);

        call->on_gone = on_subscriber_gone;
        LIST_PREPEND(subscribers, subscribers, w);
        return call_stream_open(call, CALL_STREAM_JSON);
}

static int fake_emit(Engine *e, Call *call) {
        LIST_FOREACH(subscribers, w, subscribers)
                assert(call_stream_write(w->call, "{\"event\":1}\n", 12) >= 0);
        return fake_nothing(e, call);
}

/* Reads an upload, ms of pause between reads, until `size` bytes (0 = all); then answers, or fails with the
 * flag. */
static void upload_end(Work *w) {
        Call *call = w->call;
        Reply reply;

        w->fd = safe_close(w->fd);
        fill_reply(&reply, call);
        reply.size = w->done;
        if (((Params *) call->params)->flag) {
                error_setf(&call->error, ERROR_INVALID, "upload refused");
                call_fail(call, &call->error);
        } else
                call_reply(call, &reply);
        work_end(w);
}

static int on_upload(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Work *w = userdata;
        const Params *p = w->call->params;
        ssize_t n;

        n = read(fd, w->buffer, sizeof(w->buffer));
        if (n < 0)
                return 0;
        w->done += n;
        if (n == 0 || (p->size > 0 && w->done >= p->size)) {
                w->io = sd_event_source_disable_unref(w->io);
                upload_end(w);
                return 0;
        }
        if (p->ms > 0)
                usleep(p->ms * USEC_PER_MSEC);
        return 0;
}

static int fake_upload(Engine *e, Call *call) {
        const Params *p = call->params;
        Work *w;

        if (p->text && streq(p->text, "refuse"))
                return error_setf(&call->error, ERROR_INVALID, "upload refused at once");
        w = work_new(call);
        w->fd = call_take_input(call);
        assert(w->fd >= 0);
        assert(fd_nonblock(w->fd, true) >= 0);
        assert(sd_event_add_io(event, &w->io, w->fd, EPOLLIN, on_upload, w) >= 0);
        return 0;
}

/* Load: reads all and writes a line for each MiB meanwhile. */
static int on_load(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Work *w = userdata;
        char line[64];
        ssize_t n;

        n = read(fd, w->buffer, sizeof(w->buffer));
        if (n < 0)
                return 0;
        if (n > 0 && (w->done >> 20) != ((w->done + n) >> 20)) {
                int size = snprintf(line, sizeof(line), "{\"stream\":\"%llu MiB\"}\r\n",
                                    (unsigned long long) ((w->done + n) >> 20));
                assert(call_stream_write(w->call, line, size) >= 0);
        }
        w->done += n;
        if (n == 0) {
                call_stream_close(w->call, NULL);
                work_end(w);
        }
        return 0;
}

static int fake_load(Engine *e, Call *call) {
        Work *w = work_new(call);

        assert(call_stream_open(call, CALL_STREAM_JSON) >= 0);
        w->fd = call_take_input(call);
        assert(fd_nonblock(w->fd, true) >= 0);
        assert(sd_event_add_io(event, &w->io, w->fd, EPOLLIN, on_load, w) >= 0);
        return 0;
}

/* Hijack: echoes until the client closes its side, then says goodbye. Never blocks: with TLS the other end
 * is served by the same loop. */
static bool hijack_flush(Work *w) {
        ssize_t n = write(w->fd, w->buffer, w->n_buffer);

        if (n < 0)
                n = errno == EAGAIN ? 0 : (ssize_t) w->n_buffer;
        w->n_buffer -= n;
        memmove(w->buffer, w->buffer + n, w->n_buffer);
        assert(sd_event_source_set_io_events(w->io, w->n_buffer > 0 ? EPOLLOUT : EPOLLIN) >= 0);
        return w->n_buffer == 0;
}

static int on_hijacked(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Work *w = userdata;
        ssize_t n;

        if (w->n_buffer == 0) {
                n = read(fd, w->buffer, sizeof(w->buffer));
                if (n < 0)
                        return 0;
                w->done += n;
                w->eof = n == 0;
                w->n_buffer = n > 0 ? n : snprintf(w->buffer, sizeof(w->buffer), "bye %llu\n",
                                                   (unsigned long long) w->done);
        }
        if (!hijack_flush(w) || !w->eof)
                return 0;
        call_hijack_end(w->call);
        work_end(w);
        return 0;
}

static void on_hijack(Call *call, int fd, const void *early, size_t n_early) {
        Work *w = call->data;

        if (fd < 0) {
                call_hijack_end(call);
                work_end(w);
                return;
        }
        assert(n_early <= sizeof(w->buffer));
        assert(fd_nonblock(fd, true) >= 0);
        w->fd = fd;
        w->done = w->n_buffer = n_early;
        memcpy(w->buffer, strempty(early), n_early);
        assert(sd_event_add_io(event, &w->io, w->fd, n_early > 0 ? EPOLLOUT : EPOLLIN, on_hijacked, w) >= 0);
}

static int take_over(Call *call, CallStreamKind kind) {
        int r = call_hijack(call, kind, on_hijack, call->on_gone, &call->error);

        if (r >= 0)
                call_unref(call);       /* the work holds it already */
        return r;
}

static int on_late_hijack(sd_event_source *s, uint64_t usec, void *userdata) {
        Work *w = userdata;

        return take_over(w->call, CALL_STREAM_MULTIPLEXED);
}

static int fake_attach(Engine *e, Call *call) {
        const Params *p = call->params;
        Work *w;

        if (p->text && streq(p->text, "refuse"))
                return error_setf(&call->error, ERROR_NOT_FOUND, "No such container: %s", p->id);
        w = work_new(call);
        if (p->ms > 0) {
                work_timer(w, p->ms, on_late_hijack);
                return 0;
        }
        return take_over(call, p->flag ? CALL_STREAM_RAW : CALL_STREAM_MULTIPLEXED);
}

static int fake_reload(Engine *e, Call *call) {
        int r = tls ? tls_context_reload(tls, &call->error) : 0;

        return r < 0 ? r : fake_nothing(e, call);
}

#define FAKE(call_name, reply_type, more_flags, ...)            \
        static const EngineCall engine_call_##call_name = {     \
                .name = #call_name,                             \
                .params = &Params_json,                         \
                .reply = (reply_type),                          \
                .flags = CALL_PUBLIC | (more_flags),            \
                .function = fake_##call_name,                   \
                ##__VA_ARGS__                                   \
        }

FAKE(echo, &Reply_json, 0);
FAKE(list, &Reply_json, 0, .reply_is_list = true);
FAKE(nothing, NULL, 0);
FAKE(counters, &Counters_json, 0);
FAKE(fail, &Reply_json, 0);
FAKE(slow, &Reply_json, 0);
FAKE(wait, &Reply_json, 0);
FAKE(stream, NULL, CALL_STREAM);
FAKE(events, NULL, CALL_STREAM);
FAKE(emit, NULL, 0);
FAKE(upload, &Reply_json, CALL_INPUT);
FAKE(load, NULL, CALL_INPUT | CALL_STREAM);
FAKE(attach, NULL, CALL_HIJACK);
FAKE(reload, NULL, 0);

static const HttpRoute rows[] = {
        ROUTE(GET, "/_ping", nothing, .flags = ROUTE_PING | ROUTE_BODY_IGNORED),
        ROUTE(HEAD, "/_ping", nothing, .flags = ROUTE_PING | ROUTE_BODY_IGNORED),
        ROUTE(GET, "/counters", counters, .flags = ROUTE_BODY_IGNORED),
        ROUTE(GET, "/echo/{id}", echo),
        ROUTE(GET, "/names/{id...}/json", echo),
        ROUTE(POST, "/doc", echo, .status = 201),
        ROUTE(POST, "/required", echo, .status = 201, .flags = ROUTE_BODY_REQUIRED),
        ROUTE(GET, "/list", list),
        ROUTE(POST, "/nothing", nothing, .status = 204),
        ROUTE(POST, "/start", nothing, .status = 204, .flags = ROUTE_NO_BODY | ROUTE_BODY_IGNORED),
        ROUTE(GET, "/new", echo, .since = 45),
        ROUTE(GET, "/fail", fail),
        ROUTE(GET, "/slow", slow),
        ROUTE(POST, "/wait", wait),
        ROUTE(GET, "/stream", stream, .flags = ROUTE_OUTPUT),
        ROUTE(GET, "/events", events, .flags = ROUTE_OUTPUT),
        ROUTE(POST, "/emit", emit, .status = 204),
        ROUTE(POST, "/upload", upload, .flags = ROUTE_INPUT),
        ROUTE(POST, "/load", load, .flags = ROUTE_INPUT | ROUTE_OUTPUT),
        ROUTE(POST, "/attach/{id}", attach, .flags = ROUTE_HIJACK | ROUTE_PLAIN_ERRORS | ROUTE_BODY_IGNORED),
        ROUTE(POST, "/reload", reload, .status = 204, .flags = ROUTE_BODY_IGNORED),
        ROUTE_REFUSED(GET, "/refused", "flying"),
        ROUTE_NO_SWARM(GET, "/nodes"),
        { .method = HTTP_OPTIONS, .path = "/{any...}", .flags = ROUTE_EMPTY },
};

static const HttpRouteTable table = { rows, ELEMENTSOF(rows) };
static const HttpRouteTable *const tables[] = { &table };
static const HttpRouter router = { tables, 1 };

/* Short ones, so that the test sees them act. */
static const HttpLimits limits = {
        .connections_max = 300,
        .first_usec = 3 * USEC_PER_SEC,
        .idle_usec = 6 * USEC_PER_SEC,
        .idle_max = 50,
        .crowd_usec = 2 * USEC_PER_SEC,
        .body_usec = 3 * USEC_PER_SEC,
        .drain_usec = 2 * USEC_PER_SEC,
        .drain_bytes = 64U * 1024U * 1024U,
        .linger_bytes = 128U * 1024U * 1024U,
        .body_bytes = 1024U * 1024U,
        .held_bytes = 40U * 1024U * 1024U,
};

static int listen_unix(const char *path) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd;

        assert(strlen(path) < sizeof(sa.sun_path));
        memcpy(sa.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert(fd >= 0);
        assert(bind(fd, (struct sockaddr *) &sa, sizeof(sa)) >= 0);
        assert(listen(fd, 512) >= 0);
        return fd;
}

static int listen_tcp(FILE *ports) {
        struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(sa);
        int fd;

        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert(fd >= 0);
        assert(bind(fd, (struct sockaddr *) &sa, sizeof(sa)) >= 0);
        assert(listen(fd, 512) >= 0);
        assert(getsockname(fd, (struct sockaddr *) &sa, &size) >= 0);
        fprintf(ports, "%u\n", ntohs(sa.sin_port));
        return fd;
}

static void add(int fd, const char *description, TlsContext *context) {
        _cleanup_error_ Error error = ERROR_NULL;

        if (http_server_add_listener(server, fd, description, context, &error) < 0) {
                fprintf(stderr, "%s\n", error_message(&error));
                exit(EXIT_FAILURE);
        }
}

static void add_tls(const char *directory, const char *port_file) {
        _cleanup_free_ char *ca = strjoin(directory, "/ca.pem");
        _cleanup_free_ char *cert = strjoin(directory, "/server.pem");
        _cleanup_free_ char *key = strjoin(directory, "/server-key.pem");
        _cleanup_free_ char *unfinished = strjoin(port_file, ".new");
        _cleanup_error_ Error error = ERROR_NULL;
        FILE *ports = fopen(unfinished, "we");

        assert(ports);
        if (tls_context_new(&(TlsOptions) { ca, cert, key, true }, &tls, &error) < 0) {
                fprintf(stderr, "%s\n", error_message(&error));
                exit(EXIT_FAILURE);
        }
        add(listen_tcp(ports), "tcp plain", NULL);
        add(listen_tcp(ports), "tcp tls", tls);
        fclose(ports);
        assert(rename(unfinished, port_file) >= 0);
}

int main(int argc, char *argv[]) {
        _cleanup_error_ Error error = ERROR_NULL;

        assert(argc >= 2);
        signal(SIGPIPE, SIG_IGN);
        log_set_max_level(getenv("DEBUG") ? LOG_DEBUG : LOG_INFO);

        sigset_t mask;
        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        assert(sigprocmask(SIG_BLOCK, &mask, NULL) >= 0);

        assert(sd_event_default(&event) >= 0);
        assert(sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL) >= 0);
        if (http_server_new_full(NULL, event, &router, &limits, &server, &error) < 0) {
                fprintf(stderr, "%s\n", error_message(&error));
                return EXIT_FAILURE;
        }
        if (argc >= 4)
                add_tls(argv[2], argv[3]);
        add(listen_unix(argv[1]), argv[1], NULL);

        assert(sd_event_loop(event) >= 0);
        http_server_free(server);
        tls_context_unref(tls);
        sd_event_unref(event);
        printf("stopped: %llu gone\n", (unsigned long long) counters.gone);
        return EXIT_SUCCESS;
}
