/* SPDX-License-Identifier: Apache-2.0 */
/* The one answer to what is no HTTP request, in the form of Docker's server.
 *
 * What the parser cannot read it would answer itself: with an HTML page, by 0.9.x with two heads, and there
 * is no hook for it. But it queues that page through the dynamic linker like everybody else, so the
 * MHD_queue_response() below comes before the library's own. Our answers take http_parser_queue(), so what
 * comes here is the parser's. */
#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/log.h"
#include "basic/string-util.h"
#include "http/http-request.h"
#include "http/http-server-internal.h"

typedef enum MHD_Result (*QueueFunction)(struct MHD_Connection *mhd, unsigned status,
                                         struct MHD_Response *response);

enum MHD_Result http_parser_queue(struct MHD_Connection *mhd, unsigned status,
                                  struct MHD_Response *response) {
        static QueueFunction queue;

        if (!queue)
                queue = (QueueFunction) dlsym(RTLD_NEXT, "MHD_queue_response");
        return queue ? queue(mhd, status, response) : MHD_NO;
}

/* The page is queued all the same: after a refusal in the middle of a head (a malformed Cookie) 0.9.75 goes
 * on reading that head, in memory that is gone as soon as an answer cannot be queued. The page gets no
 * further, our side of the socket is shut down; its failure closes the connection. */
__attribute__((visibility("default")))
enum MHD_Result MHD_queue_response(struct MHD_Connection *mhd, unsigned status,
                                   struct MHD_Response *response) {
        _cleanup_error_ Error error = ERROR_NULL;
        const union MHD_ConnectionInfo *info;
        HttpConnection *c;

        info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        c = info ? info->socket_context : NULL;
        if (c && c->request && http_request_find_fault(c->request, &error) < 0)
                http_connection_refuse(c, error_kind_http_status(error.kind), error_message(&error));
        else if (c)
                http_connection_refuse(c, status, NULL);
        return http_parser_queue(mhd, status, response);
}

static int on_linger(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        HttpConnection *c = ASSERT_PTR(userdata);
        char scratch[65536];
        ssize_t n;

        n = recv(fd, scratch, sizeof(scratch), MSG_DONTWAIT);
        if (n > 0) {
                http_connection_note_drained(c, c->lingered, c->lingered + n);
                c->lingered += n;
        }
        if (n == 0 || (n < 0 && !IN_SET(errno, EAGAIN, EINTR)) ||
            c->lingered > c->server->limits.linger_bytes)
                http_connection_end_linger(c);
        return 0;
}

/* Closing over bytes that nobody has read resets the connection, and the client would not see the answer. So
 * its side stays open for a while, on a descriptor of our own: the parser closes the other one. */
static int start_linger(HttpConnection *c) {
        int fd, r;

        fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return -errno;
        r = sd_event_add_io(c->server->event, &c->linger, fd, EPOLLIN, on_linger, c);
        if (r < 0) {
                safe_close(fd);
                return r;
        }
        (void) sd_event_source_set_io_fd_own(c->linger, true);
        (void) sd_event_source_set_description(c->linger, "http-linger");
        (void) shutdown(fd, SHUT_WR);
        return 0;
}

/* So much buys the time without progress once more. */
#define DRAIN_STEP (1024U * 1024U)

void http_connection_note_drained(HttpConnection *c, uint64_t before, uint64_t after) {
        if (c->phase == HTTP_PHASE_DRAIN && before / DRAIN_STEP != after / DRAIN_STEP)
                http_connection_set_phase(c, HTTP_PHASE_DRAIN);
}

/* Whatever was answered before is with the kernel already; a client that has not read it gets no more. */
int http_connection_send_last(HttpConnection *c, const void *text, size_t size) {
        ssize_t n;
        int r;

        n = send(c->fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        r = n < 0 ? -errno : (size_t) n < size ? -EAGAIN : start_linger(c);
        if (r < 0)
                (void) shutdown(c->fd, SHUT_RDWR);
        else
                http_connection_set_phase(c, HTTP_PHASE_DRAIN);
        return r;
}

void http_connection_refuse(HttpConnection *c, unsigned status, const char *reason) {
        const char *phrase = MHD_get_reason_phrase_for(status);
        _cleanup_free_ char *text = NULL;

        if (c->linger || c->closing)
                return;
        log_debug("Refusing what %s sent: %u %s", strnull(c->peer.address), status, strempty(reason));

        if (asprintf_safe(&text,
                          "HTTP/1.1 %u %s\r\n"
                          "Content-Type: text/plain; charset=utf-8\r\n"
                          "Connection: close\r\n"
                          "\r\n"
                          "%u %s%s%s", status, phrase, status, phrase, reason ? ": " : "",
                          strempty(reason)) < 0)
                return;
        (void) http_connection_send_last(c, text, strlen(text));
}

static bool is_of_connection(const char *name) {
        static const char *const names[] = { "Connection", "Content-Length", "Transfer-Encoding" };

        FOREACH_ELEMENT(n, names)
                if (strcasecmp(name, *n) == 0)
                        return true;
        return false;
}

static enum MHD_Result add_line(void *userdata, enum MHD_ValueKind kind, const char *name,
                                const char *value) {
        if (is_of_connection(name))
                return MHD_YES;
        return buffer_appendf(userdata, "%s: %s\r\n", name, value) < 0 ? MHD_NO : MHD_YES;
}

/* What the parser would send as the body; false when nobody can tell. */
static bool find_body(const HttpRequest *q, const char **ret, size_t *ret_size) {
        const HttpOutput *o = &q->output;

        *ret = NULL;
        *ret_size = 0;
        if (o->open) {
                *ret = o->queue.data + o->offset;
                *ret_size = o->queue.size - o->offset;
                return o->closed && !o->failed;
        }
        if (q->error_document) {
                *ret = q->error_document;
                *ret_size = strlen(q->error_document);
        }
        return q->error_document || !MHD_get_response_header(q->response, "Content-Type");
}

bool http_request_answer_early(HttpRequest *q) {
        _cleanup_buffer_ Buffer text = {};
        HttpConnection *c = q->connection;
        const char *body;
        size_t size;
        int r;

        if (!q->response || q->gone || q->state != HTTP_REQUEST_DRAIN || c->linger || c->closing ||
            !find_body(q, &body, &size))
                return false;

        r = buffer_appendf(&text, "HTTP/1.1 %u %s\r\n", q->status, MHD_get_reason_phrase_for(q->status));
        if (r >= 0)
                (void) MHD_get_response_headers(q->response, add_line, &text);
        RET_GATHER(r, buffer_appendf(&text, "Content-Length: %zu\r\nConnection: close\r\n\r\n", size));
        RET_GATHER(r, buffer_append(&text, body, size));
        if (r < 0)
                return false;
        q->gone = true;                 /* for the parser, whose next read fails */
        return http_connection_send_last(c, text.data, text.size) >= 0;
}
