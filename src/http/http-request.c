/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http-request.h"

#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "basic/errno-util.h"
#include "basic/log.h"
#include "engine/engine.h"
#include "http/http-response.h"
#include "http/http-server-internal.h"
#include "http/http-version.h"

void http_request_drop_body(HttpRequest *q) {
        http_server_release(q->server, q->body.size);
        buffer_done(&q->body);
}

static HttpRequest *request_free(HttpRequest *q) {
        assert(!q->hooks);

        http_request_unwatch(q);
        if (q->response)
                MHD_destroy_response(q->response);
        free(q->error_document);
        http_input_done(&q->input);
        buffer_done(&q->output.queue);
        http_hijack_done(&q->hijack);
        call_unref(q->call);
        buffer_done(&q->body);
        http_headers_done(&q->headers);
        http_target_done(&q->target);
        free(q->raw_target);
        return mfree(q);
}

DEFINE_REF_UNREF(HttpRequest, http_request, request_free);

/* The request line is read. Whatever is returned here comes back as context, NULL when memory is out. */
void *http_request_on_uri(void *userdata, const char *uri, struct MHD_Connection *mhd) {
        HttpServer *s = ASSERT_PTR(userdata);
        const union MHD_ConnectionInfo *info;
        HttpRequest *q;

        http_loop_note(&s->loop);

        info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        if (!info || !info->socket_context)
                return NULL;

        q = new(HttpRequest, 1);
        if (!q)
                return NULL;
        *q = (HttpRequest) {
                .n_ref = 1,
                .server = s,
                .connection = info->socket_context,
                .mhd = mhd,
                .method = _HTTP_METHOD_INVALID,
                .raw_target = strdup(uri),
                .gone = ((HttpConnection *) info->socket_context)->linger, /* refused */
                .input = { .read_fd = -EBADF, .write_fd = -EBADF },
        };
        if (!q->raw_target)
                return http_request_unref(q);
        q->connection->request = q;
        return q;
}

/* A FIN that came together with the request: the parser's edge-triggered epoll will not tell it again. */
static bool has_seen_eof(int fd) {
        char c;

        return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* The answer is with the kernel: what was read behind the request is next. */
static void look_ahead(HttpConnection *c) {
        if (http_read_has_fault(c))
                http_read_refuse(c);
        else if (has_seen_eof(c->fd))
                http_connection_drop(c);
}

void http_request_on_completed(void *userdata, struct MHD_Connection *mhd, void **context,
                               enum MHD_RequestTerminationCode code) {
        HttpRequest *q = *context;

        if (!q)
                return;
        *context = NULL;
        http_loop_note(&q->server->loop);

        /* First the call, then its input: a reader must not take a cut-off body for a whole one. */
        q->gone = true;
        q->suspended = false;
        http_request_unwatch(q);
        if (q->call && !call_is_done(q->call))
                call_abandon(q->call);
        http_input_done(&q->input);
        http_output_done(q);
        http_request_drop_body(q);

        /* Only on a connection that lives on: a closing one has left the parser's lists of timeouts. */
        if (q->timeout_off && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
                (void) MHD_set_connection_option(mhd, MHD_CONNECTION_OPTION_TIMEOUT,
                                                 HTTP_PARSER_TIMEOUT_SEC);
        q->connection->request = NULL;
        q->connection->n_completed++;
        if (!q->connection->closing)
                http_connection_set_phase(q->connection, http_server_idle_phase(q->server));
        if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK && !q->hijack.asked)
                look_ahead(q->connection);
        q->connection = NULL;
        q->mhd = NULL;
        http_headers_done(&q->headers);
        http_request_unref(q);
}

void http_request_suspend(HttpRequest *q) {
        assert(!q->suspended);

        MHD_suspend_connection(q->mhd);
        q->suspended = true;
}

void http_request_wake(HttpRequest *q) {
        if (!q->suspended)
                return;
        q->suspended = false;
        MHD_resume_connection(q->mhd);
        http_loop_kick(&q->server->loop);
}

void http_request_abort(HttpRequest *q) {
        if (IN_SET(q->state, HTTP_REQUEST_HIJACK, HTTP_REQUEST_LINGER))
                return;

        http_request_ref(q);
        q->gone = true;
        http_request_unwatch(q);
        if (q->call && !call_is_done(q->call))
                call_abandon(q->call);
        http_request_wake(q);
        http_request_unref(q);
}

static int on_gone(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        HttpRequest *q = ASSERT_PTR(userdata);

        log_debug("Client of %s %s went away", http_method_to_string(q->method), q->raw_target);
        http_request_abort(q);
        return 0;
}

/* The parser does not look at suspended connections at all. EOF counts as gone, as with Docker: a client
 * that wants an answer keeps its side open. */
int http_request_watch(HttpRequest *q) {
        int r;

        if (q->gone_watch)
                return 0;
        r = sd_event_add_io(q->server->event, &q->gone_watch, q->connection->fd, EPOLLRDHUP, on_gone, q);
        if (r >= 0)
                (void) sd_event_source_set_description(q->gone_watch, "http-client-gone");
        return r;
}

void http_request_unwatch(HttpRequest *q) {
        q->gone_watch = sd_event_source_disable_unref(q->gone_watch);
}

void http_request_add_hook(HttpRequest *q, HttpHook hook) {
        if (q->hooks == 0) {
                http_request_ref(q);
                LIST_PREPEND(hooks, q->server->hooks, q);
                http_server_schedule_hooks(q->server);
        }
        q->hooks |= hook;
}

void http_request_run_hooks(HttpRequest *q) {
        unsigned hooks = q->hooks;

        LIST_REMOVE(hooks, q->server->hooks, q);
        q->hooks = 0;
        if (FLAGS_SET(hooks, HTTP_HOOK_DRAIN) && q->call && !call_is_done(q->call) && q->call->on_drain)
                q->call->on_drain(q->call);
        if (FLAGS_SET(hooks, HTTP_HOOK_HIJACK))
                http_hijack_deliver(q);
        if (FLAGS_SET(hooks, HTTP_HOOK_ABORT) && q->mhd) {
                log_info("Closing the connection of %s: it does not read the answer to %s %s",
                         strnull(q->connection->peer.address), http_method_to_string(q->method),
                         q->raw_target);
                http_request_abort(q);
                http_connection_drop(q->connection);
        }
        http_request_unref(q);
}

/* Answers. They are kept until the parser takes one: only in the last call of its handler, or in the
 * first. */

static bool config_experimental(const HttpRequest *q) {
        return q->server->engine && engine_config(q->server->engine)->experimental;
}

int http_request_add_headers(const HttpRequest *q, struct MHD_Response *response) {
        int r;

        if (!q->match.route)
                return 0;

        r = http_response_set(response, "Server", q->server->server_header);
        RET_GATHER(r, http_response_set(response, "Api-Version", HTTP_API_VERSION_TEXT));
        RET_GATHER(r, http_response_set(response, "Ostype", "linux"));
        if (q->version > 0)
                RET_GATHER(r, http_response_set(response, "Docker-Experimental",
                                                config_experimental(q) ? "true" : "false"));
        return r;
}

/* What still arrives of the body is read and thrown away for a while: a client that is busy sending would
 * otherwise see a broken pipe in place of the message. */
void http_request_start_draining(HttpRequest *q) {
        http_input_done(&q->input);
        http_request_drop_body(q);
        q->state = HTTP_REQUEST_DRAIN;
        http_connection_set_phase(q->connection, HTTP_PHASE_DRAIN);
}

void http_request_answer(HttpRequest *q, unsigned status, struct MHD_Response *response) {
        if (!q->mhd) {
                if (response)
                        MHD_destroy_response(response);
                return;
        }

        assert(!q->response);
        q->response = response;
        q->status = status;
        if (!response || http_request_add_headers(q, response) < 0)
                q->gone = true;

        if (!q->body_complete && q->state != HTTP_REQUEST_HEAD && !q->output.open)
                http_request_start_draining(q);
        http_request_wake(q);
}

void http_request_answer_error(HttpRequest *q, const Error *e) {
        bool plain = q->match.route && FLAGS_SET(q->match.route->flags, ROUTE_PLAIN_ERRORS) && q->call;
        struct MHD_Response *response;
        unsigned status;

        if (plain)
                response = http_response_new_plain_error(e, "application/vnd.docker.raw-stream", &status);
        else
                response = http_response_new_error(e, &status);
        if (!q->body_complete && e->kind != ERROR_NOT_MODIFIED)
                q->error_document = plain ? strjoin(error_message(e), "\r\n") : http_error_document(e);
        log_debug("Answer to %s %s: %u %s", strnull(http_method_to_string(q->method)), q->raw_target, status,
                  error_message(e));
        http_request_answer(q, status, response);
}

/* Nothing may come for hours, and a slow peer of a stream is no reason to cut it off. */
static void disable_timeout(HttpRequest *q) {
        (void) MHD_set_connection_option(q->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
        q->timeout_off = true;
}

static enum MHD_Result queue_response(HttpRequest *q) {
        enum MHD_Result r;

        if (q->gone || !q->response)
                return MHD_NO;

        q->state = HTTP_REQUEST_ANSWER;
        http_connection_set_phase(q->connection, HTTP_PHASE_BUSY);
        if (q->output.open) {
                disable_timeout(q);
                if (http_request_watch(q) < 0)
                        return MHD_NO;
        } else
                http_request_unwatch(q);

        r = http_parser_queue(q->mhd, q->status, q->response);
        MHD_destroy_response(q->response);
        q->response = NULL;
        return r;
}

/* Nothing to say yet. */
static enum MHD_Result wait_for_answer(HttpRequest *q) {
        q->state = HTTP_REQUEST_CALL;
        http_connection_set_phase(q->connection, HTTP_PHASE_BUSY);
        if (http_request_watch(q) < 0)
                return MHD_NO;
        http_request_suspend(q);
        return MHD_YES;
}

static enum MHD_Result answer_or_wait(HttpRequest *q) {
        if (q->gone)
                return MHD_NO;
        return q->response ? queue_response(q) : wait_for_answer(q);
}

/* The first call of the handler: the head is complete. */

static enum MHD_Result collect_header(void *userdata, enum MHD_ValueKind kind, const char *key,
                                      const char *value) {
        return http_headers_add(userdata, key, value) < 0 ? MHD_NO : MHD_YES;
}

static int read_headers(HttpRequest *q, Error *reterr) {
        int n;

        n = MHD_get_connection_values(q->mhd, MHD_HEADER_KIND, NULL, NULL);
        if (n > (int) HTTP_HEADERS_MAX)
                return error_setf(reterr, ERROR_INVALID, "more than %u headers", HTTP_HEADERS_MAX);
        if (MHD_get_connection_values(q->mhd, MHD_HEADER_KIND, collect_header, &q->headers) != n)
                return error_fill(reterr, -ENOMEM);
        return http_headers_check(&q->headers, q->http_version, &q->framing, reterr);
}

int http_request_find_fault(HttpRequest *q, Error *reterr) {
        const union MHD_ConnectionInfo *info;

        info = MHD_get_connection_info(q->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
        if (q->state != HTTP_REQUEST_HEAD || !info || info->header_size == 0)
                return 0;               /* the head is not complete, or was fine */
        q->http_version = "HTTP/1.1";
        return read_headers(q, reterr);
}

/* Not "unreserved" characters of a path (RFC 3986) escaped again. */
static int append_escaped(Buffer *b, const char *path) {
        int r = 0;

        for (; *path && r >= 0; path++)
                if (strchr("/:@!$&'()*+,;=~-._", *path) || (*path >= '0' && *path <= '9') ||
                    ((*path | 0x20) >= 'a' && (*path | 0x20) <= 'z'))
                        r = buffer_append(b, path, 1);
                else
                        r = buffer_appendf(b, "%%%02X", (unsigned char) *path);
        return r;
}

/* 301 to the clean path, as Docker's router does. */
static void answer_redirect(HttpRequest *q, const char *path) {
        _cleanup_buffer_ Buffer location = {};
        struct MHD_Response *response;
        const char *query = strchr(q->raw_target, '?');
        int r = 0;

        if (q->target.version)
                r = buffer_appendf(&location, "/v%s", q->target.version);
        RET_GATHER(r, append_escaped(&location, path));
        RET_GATHER(r, buffer_append_str(&location, strempty(query)));

        response = r < 0 ? NULL : http_response_new(NULL, NULL, 0);
        if (response && http_response_set(response, "Location", location.data) < 0) {
                MHD_destroy_response(response);
                response = NULL;
        }
        http_request_answer(q, MHD_HTTP_MOVED_PERMANENTLY, response);
}

static unsigned minimum_version(const HttpRequest *q) {
        unsigned minimum = API_VERSION_MIN;
        const char *configured = q->server->engine ? engine_config(q->server->engine)->min_api_version :
                                                     NULL;

        if (configured)
                (void) http_version_parse_minor(configured, &minimum);
        return minimum;
}

/* Docker answers clients from before its API in plain text. */
static int check_version(HttpRequest *q, Error *reterr) {
        struct MHD_Response *response;
        char *text;
        int r;

        r = http_version_select(q->target.version, minimum_version(q), &q->version, reterr);
        if (r >= 0 || !http_version_is_ancient(q->target.version))
                return r;

        text = strjoin(error_message(reterr), "\n");
        response = text ? http_response_new("text/plain; charset=utf-8", text, strlen(text)) : NULL;
        if (response)
                (void) http_response_set(response, "X-Content-Type-Options", "nosniff");
        http_request_answer(q, MHD_HTTP_BAD_REQUEST, response);
        return r;
}

static int refuse_size(const HttpRequest *q, Error *reterr) {
        return error_setf(reterr, ERROR_TOO_LARGE,
                          "http: request body too large: the limit is %" PRIu64 " bytes",
                          q->server->limits.body_bytes);
}

static int check_route(const HttpRequest *q, Error *reterr) {
        const HttpRoute *route = q->match.route;

        if (route->since > 0 && q->version < route->since)
                return error_setf(reterr, ERROR_INVALID, "%s %s requires minimum API version 1.%u",
                                  http_method_to_string(q->method), q->target.path, route->since);
        if (FLAGS_SET(route->flags, ROUTE_SWARM))
                return error_setf(reterr, ERROR_UNAVAILABLE,
                                  "This node is not a swarm manager. Use \"docker swarm init\" or \"docker "
                                  "swarm join\" to connect this node to swarm and try again.");
        if (FLAGS_SET(route->flags, ROUTE_EXPERIMENTAL) && !config_experimental(q))
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "This experimental feature is disabled by default. Start "
                                  "the Docker daemon in experimental mode in order to enable it.");
        if (route->feature)
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED, "%s is not supported by this engine yet",
                                  route->feature);
        if (FLAGS_SET(route->flags, ROUTE_NO_BODY) && (q->framing.chunked || q->framing.length > 7))
                return error_setf(reterr, ERROR_INVALID,
                                  "starting container with non-empty request body was deprecated "
                                  "since API v1.22 and removed in v1.24");
        if (q->framing.length > q->server->limits.body_bytes && !FLAGS_SET(route->flags, ROUTE_INPUT))
                return refuse_size(q, reterr);
        return http_request_check_content_type(q, reterr);
}

/* From target to row; a failure is answered. */
static int find_route(HttpRequest *q) {
        _cleanup_error_ Error error = ERROR_NULL;
        _cleanup_free_ char *clean = NULL;
        int r;

        r = http_target_parse(q->raw_target, &q->target, &error);
        if (r >= 0 && http_path_clean(q->target.path, &clean) > 0) {
                answer_redirect(q, clean);
                return -EREMCHG;
        }
        if (r >= 0 &&
            (q->method < 0 || !http_router_find(q->server->router, q->method, q->target.path, &q->match)))
                r = error_setf(&error, ERROR_NOT_FOUND, "page not found");
        if (r >= 0)
                r = check_version(q, &error);
        if (r >= 0) {
                log_debug("Calling %s %s", http_method_to_string(q->method), q->raw_target);
                r = check_route(q, &error);
        }
        if (r < 0 && !q->response && !q->gone)
                http_request_answer_error(q, &error);
        return r;
}

/* A client that hijacks with a chunked body sends its stream in that framing; there is no end to wait for.
 * Its answer must come before the parser reads on. */
static bool is_chunked_hijack(const HttpRequest *q) {
        const HttpRoute *route = q->match.route;

        return q->framing.chunked && FLAGS_SET(route->flags, ROUTE_HIJACK) &&
               http_headers_get(&q->headers, "Upgrade") && !http_route_takes_document(route);
}

/* Before any of the body: a failure waits until it is drained, but who asks first is told before sending
 * anything. */
static enum MHD_Result answer_head(HttpRequest *q) {
        if (q->response && !q->output.open && http_headers_has_token(&q->headers, "Expect", "100-continue"))
                return queue_response(q);
        return q->gone ? MHD_NO : MHD_YES;
}

static void start_input(HttpRequest *q) {
        _cleanup_error_ Error error = ERROR_NULL;
        int r;

        r = http_input_open(&q->input);
        if (r < 0) {
                error_set_errnof(&error, ERROR_INTERNAL, r, "could not make a pipe for the request body");
                http_request_answer_error(q, &error);
                return;
        }
        disable_timeout(q);
        http_connection_set_phase(q->connection, HTTP_PHASE_BUSY);
        q->state = HTTP_REQUEST_INPUT;
        http_request_run_call(q);
}

static enum MHD_Result on_head(HttpRequest *q, const char *method, const char *version) {
        _cleanup_error_ Error error = ERROR_NULL;

        q->method = http_method_from_string(method);
        q->http_version = version;
        http_connection_set_phase(q->connection, HTTP_PHASE_BUSY);

        /* With framing that cannot be trusted nobody knows where the next request would start. */
        if (read_headers(q, &error) < 0) {
                http_connection_refuse(q->connection, error_kind_http_status(error.kind),
                                       error_message(&error));
                return MHD_NO;
        }

        /* Must not happen: both look for the same. */
        if (q->connection->wire.state == HTTP_WIRE_LOST &&
            q->connection->wire.message == q->connection->n_completed) {
                http_connection_refuse(q->connection, MHD_HTTP_BAD_REQUEST, "ambiguous framing");
                return MHD_NO;
        }

        q->state = HTTP_REQUEST_BODY;
        if (http_framing_has_body(&q->framing))
                http_connection_set_phase(q->connection, HTTP_PHASE_BODY);
        if (find_route(q) < 0)
                return answer_head(q);

        if (is_chunked_hijack(q)) {
                q->body_complete = true;
                http_request_run_call(q);
                return answer_or_wait(q);
        }
        if (FLAGS_SET(q->match.route->flags, ROUTE_INPUT)) {
                start_input(q);
                return answer_head(q);
        }
        return MHD_YES;
}

/* Pieces of the body. */

static int keep_piece(HttpRequest *q, const char *data, size_t size, Error *reterr) {
        if (q->body.size + size > q->server->limits.body_bytes)
                return refuse_size(q, reterr);
        if (FLAGS_SET(q->match.route->flags, ROUTE_BODY_IGNORED))
                return 0;
        if (buffer_append(&q->body, data, size) < 0)
                return error_fill(reterr, -ENOMEM);
        if (!http_server_hold(q->server, size))
                return error_setf(reterr, ERROR_UNAVAILABLE, "too many requests with big bodies at a time");
        return 0;
}

static void collect_body(HttpRequest *q, const char *data, size_t size) {
        _cleanup_error_ Error error = ERROR_NULL;

        if (keep_piece(q, data, size, &error) < 0)
                http_request_answer_error(q, &error);
}

/* Beyond the limit the answer goes out, and the parser closes its side. Without one yet there is time. */
static enum MHD_Result discard(HttpRequest *q, size_t size) {
        http_connection_note_drained(q->connection, q->drained, q->drained + size);
        q->drained += size;
        if (q->drained <= q->server->limits.drain_bytes)
                return MHD_YES;
        if (q->state == HTTP_REQUEST_INPUT && !q->suspended) {
                http_request_suspend(q);
                return MHD_YES;
        }
        (void) http_request_answer_early(q);
        return MHD_NO;
}

static enum MHD_Result on_piece(HttpRequest *q, const char *data, size_t size) {
        int r;

        switch (q->state) {
        case HTTP_REQUEST_BODY:
                collect_body(q, data, size);
                return MHD_YES;
        case HTTP_REQUEST_INPUT:
                if (q->input.broken)
                        return discard(q, size);
                r = http_input_write(q, data, size);
                if (r > 0 && !q->suspended)
                        http_request_suspend(q);
                return r < 0 ? MHD_NO : MHD_YES;
        case HTTP_REQUEST_DRAIN:
                return discard(q, size);
        default:
                return MHD_NO;
        }
}

/* The body is complete, or the parser was woken after that. */
static enum MHD_Result on_complete(HttpRequest *q) {
        q->body_complete = true;

        switch (q->state) {
        case HTTP_REQUEST_BODY:
                http_connection_set_phase(q->connection, HTTP_PHASE_BUSY);
                if (!q->response)
                        http_request_run_call(q);
                break;
        case HTTP_REQUEST_INPUT:
                http_input_finish(&q->input);
                break;
        default:
                break;
        }
        return answer_or_wait(q);
}

/* What the checks of the raw bytes say about the request of which the parser has the head, which they must
 * have seen. A hijack may have bytes behind its head that are no body. */
static bool is_refused_by_wire(HttpRequest *q) {
        HttpConnection *c = q->connection;
        bool refused = c->wire.n_heads <= c->n_completed ||
                       (http_read_has_fault(c) && !q->body_complete &&
                        !(q->state == HTTP_REQUEST_HEAD && c->wire.in_body));

        if (refused && c->wire.fault)
                http_read_refuse(c);
        else if (refused)
                http_connection_refuse(c, MHD_HTTP_BAD_REQUEST, "malformed request");
        return refused;
}

enum MHD_Result http_request_on_access(void *userdata, struct MHD_Connection *mhd, const char *url,
                                       const char *method, const char *version, const char *data,
                                       size_t *size, void **context) {
        HttpRequest *q = *context;
        size_t n = *size;

        if (!q || q->gone)
                return MHD_NO;
        http_loop_note(&q->server->loop);
        if (is_refused_by_wire(q))
                return MHD_NO;
        if (q->state == HTTP_REQUEST_HEAD)
                return on_head(q, method, version);
        if (n == 0)
                return on_complete(q);
        *size = 0;
        return on_piece(q, data, n);
}
