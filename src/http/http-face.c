/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP side of an engine call: one function for each way a call can answer. */
#include "http/http-request.h"

#include "basic/log.h"
#include "engine/engine.h"
#include "http/http-response.h"
#include "http/http-server-internal.h"

static unsigned success_status(const HttpRequest *q) {
        return q->match.route->status ?: MHD_HTTP_OK;
}

/* The array of a list reply; items are borrowed. */
static char *encode_list(const JsonType *type, const CallList *list, unsigned version) {
        _cleanup_buffer_ Buffer b = {};
        int r;

        r = buffer_append_str(&b, "[");
        for (size_t i = 0; i < list->n_items && r >= 0; i++) {
                _cleanup_free_ char *text = NULL;

                text = json_encode_text(type, (const char *) list->items + i * type->size, version);
                if (!text)
                        return NULL;
                if (i > 0)
                        r = buffer_append_str(&b, ",");
                if (r >= 0)
                        r = buffer_append_str(&b, text);
        }
        if (r >= 0)
                r = buffer_append_str(&b, "]");
        return r < 0 ? NULL : buffer_steal(&b);
}

static char *encode_reply(const Call *call, const void *reply) {
        _cleanup_free_ char *text = NULL;

        text = call->row->reply_is_list ? encode_list(call->row->reply, reply, call->version) :
                                          json_encode_text(call->row->reply, reply, call->version);
        return text ? strjoin(text, "\n") : NULL;
}

static struct MHD_Response *new_ping_response(const HttpRequest *q) {
        static const char *const headers[][2] = {
                { "Cache-Control",   "no-cache, no-store, must-revalidate" },
                { "Pragma",          "no-cache"                            },
                { "Builder-Version", "1"                                   },
                { "Swarm",           "inactive"                            },
        };
        struct MHD_Response *response;
        char *body = NULL;

        if (q->method != HTTP_HEAD) {
                body = strdup("OK");
                if (!body)
                        return NULL;
        }
        response = http_response_new("text/plain; charset=utf-8", body, body ? strlen(body) : 0);
        if (!response)
                return NULL;

        FOREACH_ELEMENT(h, headers)
                if (http_response_set(response, (*h)[0], (*h)[1]) < 0) {
                        MHD_destroy_response(response);
                        return NULL;
                }
        return response;
}

/* The head is out already, as of a promise: what remains is the document. */
static void write_promised(HttpRequest *q, char *document) {
        _cleanup_free_ char *owned = document;

        if (!owned || http_output_write(q, owned, strlen(owned)) < 0)
                q->output.failed = true;
        http_output_close(q, NULL);
}

static struct MHD_Response *new_path_stat_response(const Call *call, const void *reply) {
        _cleanup_free_ char *document = json_encode_text(call->row->reply, reply, call->version);
        struct MHD_Response *response = document ? http_response_new(NULL, NULL, 0) : NULL;

        if (response && http_response_set_path_stat(response, document) < 0) {
                MHD_destroy_response(response);
                return NULL;
        }
        return response;
}

static void face_reply(Call *call, const void *reply) {
        HttpRequest *q = ASSERT_PTR(call->face_data);
        struct MHD_Response *response;
        char *document;

        if (FLAGS_SET(q->match.route->flags, ROUTE_PING)) {
                http_request_answer(q, MHD_HTTP_OK, new_ping_response(q));
                return;
        }
        if (FLAGS_SET(q->match.route->flags, ROUTE_PATH_STAT)) {
                http_request_answer(q, success_status(q), new_path_stat_response(call, reply));
                return;
        }
        if (!call->row->reply || !reply) {
                http_request_answer(q, success_status(q), http_response_new(NULL, NULL, 0));
                return;
        }

        document = encode_reply(call, reply);
        if (q->output.open) {
                write_promised(q, document);
                return;
        }
        response = document ? http_response_new("application/json", document, strlen(document)) : NULL;
        http_request_answer(q, success_status(q), response);
}

static void face_fail(Call *call, const Error *error) {
        HttpRequest *q = ASSERT_PTR(call->face_data);

        if (q->output.open)
                http_output_close(q, error);
        else if (!q->hijack.asked)
                http_request_answer_error(q, error);
        else
                http_request_abort(q);
}

static void face_promise(Call *call) {
        HttpRequest *q = ASSERT_PTR(call->face_data);

        if (http_output_open(q, CALL_STREAM_JSON) < 0)
                http_request_abort(q);
}

static int face_stream_open(Call *call, CallStreamKind kind) {
        return http_output_open(ASSERT_PTR(call->face_data), kind);
}

static int face_stream_write(Call *call, const void *data, size_t size) {
        return http_output_write(ASSERT_PTR(call->face_data), data, size);
}

static void face_stream_close(Call *call, const Error *error) {
        http_output_close(ASSERT_PTR(call->face_data), error);
}

static int face_hijack(Call *call, const CallHijackInfo *info) {
        return http_hijack_ask(ASSERT_PTR(call->face_data), info);
}

static void face_hijack_end(Call *call) {
        http_hijack_end(ASSERT_PTR(call->face_data));
}

static int face_take_input(Call *call) {
        HttpRequest *q = ASSERT_PTR(call->face_data);

        return http_input_take(&q->input);
}

const CallFace http_call_face = {
        .name = "http",
        .reply = face_reply,
        .fail = face_fail,
        .promise = face_promise,
        .stream_open = face_stream_open,
        .stream_write = face_stream_write,
        .stream_close = face_stream_close,
        .hijack = face_hijack,
        .hijack_end = face_hijack_end,
        .take_input = face_take_input,
};

static int set_caller(Caller *caller, const HttpConnection *c) {
        *caller = (Caller) {
                .transport = c->peer.local ? CALLER_UNIX : c->tls ? CALLER_TLS : CALLER_TCP,
                .uid = c->peer.uid,
                .gid = c->peer.gid,
                .pid = c->peer.pid,
        };
        if (!c->peer.tls_name)
                return 0;
        caller->name = strdup(c->peer.tls_name);
        return caller->name ? 0 : -ENOMEM;
}

void http_request_run_call(HttpRequest *q) {
        const HttpRoute *route = q->match.route;
        _cleanup_error_ Error error = ERROR_NULL;
        int r;

        if (FLAGS_SET(route->flags, ROUTE_EMPTY)) {
                http_request_answer(q, success_status(q), http_response_new(NULL, NULL, 0));
                return;
        }

        q->call = call_new(q->server->engine, route->call, &http_call_face, q);
        if (!q->call) {
                error_fill(&error, -ENOMEM);
                http_request_answer_error(q, &error);
                return;
        }
        q->call->version = q->version;

        r = set_caller(&q->call->caller, q->connection);
        if (r >= 0)
                r = http_request_decode(q, q->call->params, &error);
        if (r < 0) {
                error_fill(&error, r);
                http_request_answer_error(q, &error);
                q->call = call_unref(q->call);
                return;
        }
        http_request_drop_body(q);
        call_run(q->call);
}
