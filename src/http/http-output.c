/* SPDX-License-Identifier: Apache-2.0 */
/* Download queue: what the engine writes until the parser asks for it. The parser is suspended while the
 * queue is empty; the producer waits while it is too full. */
#include "http/http-request.h"

#include "http/http-response.h"
#include "http/http-server-internal.h"

/* Pieces the parser asks for; it keeps one such block for each open stream. */
#define OUTPUT_BLOCK_SIZE (16U * 1024U)
/* While the body still arrives the answer cannot leave (the parser sends nothing before the end of the
 * request). A producer that waited for room would never read on, so it gets more. */
#define OUTPUT_EARLY_MAX (8U * 1024U * 1024U)
/* What is kept for a client that does not read, where the producer cannot wait (events happen when they
 * happen). Then the client has to go. */
#define OUTPUT_QUEUE_MAX (16U * 1024U * 1024U)

const char *http_stream_content_type(CallStreamKind kind, unsigned version) {
        switch (kind) {
        case CALL_STREAM_JSON:
                return "application/json";
        case CALL_STREAM_MULTIPLEXED:
                if (version >= 42)
                        return "application/vnd.docker.multiplexed-stream";
                _fallthrough_;
        case CALL_STREAM_RAW:
                return "application/vnd.docker.raw-stream";
        case CALL_STREAM_TAR:
                return "application/x-tar";
        case CALL_STREAM_BYTES:
                return "application/octet-stream";
        default:
                assert_not_reached();
        }
}

static size_t output_size(const HttpOutput *o) {
        return o->queue.size - o->offset;
}

void http_output_done(HttpRequest *q) {
        HttpOutput *o = &q->output;

        http_server_release(q->server, output_size(o));
        buffer_done(&o->queue);
        o->offset = 0;
}

static size_t output_take(HttpRequest *q, char *buf, size_t max) {
        HttpOutput *o = &q->output;
        size_t n = min_size(output_size(o), max);

        memcpy(buf, o->queue.data + o->offset, n);
        o->offset += n;
        http_server_release(q->server, n);
        if (o->offset == o->queue.size) {
                o->offset = 0;
                o->queue.size = 0;
        } else if (o->offset >= CALL_STREAM_LOW_MARK && o->offset >= o->queue.size / 2) {
                buffer_consume(&o->queue, o->offset);
                o->offset = 0;
        }
        return n;
}

/* Zero without a suspend would make the parser ask again at once, for ever. */
static ssize_t on_read(void *userdata, uint64_t pos, char *buf, size_t max) {
        HttpRequest *q = ASSERT_PTR(userdata);
        HttpOutput *o = &q->output;
        size_t n;

        http_loop_note(&q->server->loop);
        if (q->gone)
                return MHD_CONTENT_READER_END_WITH_ERROR;

        if (output_size(o) == 0) {
                if (o->closed)
                        return o->failed ? MHD_CONTENT_READER_END_WITH_ERROR :
                                           MHD_CONTENT_READER_END_OF_STREAM;
                http_request_suspend(q);
                return 0;
        }

        n = output_take(q, buf, max);
        if (o->waiting && output_size(o) <= CALL_STREAM_LOW_MARK) {
                o->waiting = false;
                http_request_add_hook(q, HTTP_HOOK_DRAIN);
        }
        return n;
}

static void on_free(void *userdata) {
        http_request_unref(userdata);
}

int http_output_open(HttpRequest *q, CallStreamKind kind) {
        struct MHD_Response *response;

        assert(!q->output.open);

        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, OUTPUT_BLOCK_SIZE, on_read,
                                                     http_request_ref(q), on_free);
        if (!response) {
                http_request_unref(q);
                return -ENOMEM;
        }
        if (http_response_set(response, "Content-Type", http_stream_content_type(kind, q->version)) < 0 ||
            (q->call->path_stat && http_response_set_path_stat(response, q->call->path_stat) < 0)) {
                MHD_destroy_response(response);
                return -ENOMEM;
        }

        q->output.open = true;
        q->output.kind = kind;
        http_request_answer(q, q->match.route->status ?: MHD_HTTP_OK, response);
        return 0;
}

static int output_append(HttpRequest *q, const void *data, size_t size) {
        HttpOutput *o = &q->output;
        int r;

        r = buffer_append(&o->queue, data, size);
        if (r < 0)
                return r;
        if (http_server_hold(q->server, size) ? output_size(o) <= OUTPUT_QUEUE_MAX :
                                                output_size(o) <= CALL_STREAM_HIGH_MARK)
                return 0;
        /* Not at once: the producer does not expect to be told in the middle of writing. */
        http_request_add_hook(q, HTTP_HOOK_ABORT);
        return 0;
}

int http_output_write(HttpRequest *q, const void *data, size_t size) {
        HttpOutput *o = &q->output;
        size_t limit = q->body_complete ? CALL_STREAM_HIGH_MARK : OUTPUT_EARLY_MAX;
        int r;

        if (q->gone || !q->mhd)
                return 0;

        r = output_append(q, data, size);
        if (r < 0)
                return r;
        if (q->state == HTTP_REQUEST_ANSWER)
                http_request_wake(q);
        o->waiting = output_size(o) > limit;
        return o->waiting;
}

void http_output_close(HttpRequest *q, const Error *error) {
        HttpOutput *o = &q->output;

        if (q->gone || !q->mhd)
                return;
        if (error && o->kind == CALL_STREAM_JSON) {
                _cleanup_free_ char *line = http_error_line(error);

                if (!line || output_append(q, line, strlen(line)) < 0)
                        o->failed = true;
        } else if (error)
                o->failed = true;       /* a chunked body without its end: something is missing */

        o->closed = true;
        if (q->state == HTTP_REQUEST_INPUT && !q->body_complete) {
                http_request_start_draining(q);
                http_request_wake(q);
        }
        if (q->state == HTTP_REQUEST_ANSWER)
                http_request_wake(q);
}
