/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that become raw streams. The engine gets a duplicate of the socket (and passes it to the
 * container's shim); the parser's own side stays open and untouched until the engine says that the session
 * is over. */
#include "http/http-request.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "basic/fd-util.h"
#include "basic/log.h"
#include "basic/time-util.h"
#include "http/http-response.h"
#include "http/http-server-internal.h"

/* After the end the client gets this long to read the rest and close first: closing over unread input would
 * reset the connection under the last output. */
#define HIJACK_LINGER_USEC (2 * USEC_PER_SEC)

void http_hijack_done(HttpHijack *h) {
        h->linger = sd_event_source_disable_unref(h->linger);
        h->linger_timer = sd_event_source_disable_unref(h->linger_timer);
        buffer_done(&h->early);
}

static void close_parser_side(HttpRequest *q) {
        HttpHijack *h = &q->hijack;

        h->linger = sd_event_source_disable_unref(h->linger);
        h->linger_timer = sd_event_source_disable_unref(h->linger_timer);
        q->server->n_hijacked--;
        q->gone = true;

        if (h->urh) {
                (void) MHD_upgrade_action(TAKE_PTR(h->urh), MHD_UPGRADE_ACTION_CLOSE);
                http_loop_kick(&q->server->loop);
        } else
                http_request_wake(q);   /* the handler closes the connection */
}

/* The parser has sent the head of the 101 and leaves the socket to us. */
static void on_upgraded(void *userdata, struct MHD_Connection *mhd, void *context, const char *extra,
                        size_t n_extra, MHD_socket fd, struct MHD_UpgradeResponseHandle *urh) {
        HttpRequest *q = ASSERT_PTR(userdata);
        const int on = 1;

        q->hijack.urh = urh;
        q->state = HTTP_REQUEST_HIJACK;
        q->server->n_hijacked++;
        http_request_unwatch(q);
        http_read_detach(q->connection);

        /* The parser switched it off. Fails on Unix sockets. */
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

        if (buffer_append(&q->hijack.early, extra, n_extra) < 0)
                log_debug("No memory for early input of %s", q->raw_target);
        http_request_add_hook(q, HTTP_HOOK_HIJACK);
}

static int ask_by_upgrade(HttpRequest *q, const char *content_type) {
        struct MHD_Response *response;
        const char *protocol = http_headers_get(&q->headers, "Upgrade");

        /* The parser's reference of the request outlives the upgraded connection. */
        response = MHD_create_response_for_upgrade(on_upgraded, q);
        if (!response)
                return -ENOMEM;
        if (http_response_set(response, "Content-Type", content_type) < 0 ||
            http_response_set(response, "Upgrade", isempty(protocol) ? "tcp" : protocol) < 0) {
                MHD_destroy_response(response);
                return -ENOMEM;
        }
        http_request_answer(q, MHD_HTTP_SWITCHING_PROTOCOLS, response);
        return 0;
}

int http_hijack_ask(HttpRequest *q, const CallHijackInfo *info) {
        HttpHijack *h = &q->hijack;

        assert(!h->asked);

        h->asked = true;
        h->kind = info->kind;
        if (http_headers_get(&q->headers, "Upgrade") && !streq(q->http_version, "HTTP/1.0"))
                return ask_by_upgrade(q, http_stream_content_type(info->kind, q->version));

        /* Without an upgrade the parser has no word for it: it is suspended for good, and we speak on a
         * duplicate. By the time the hook runs the handler has returned. */
        http_request_add_hook(q, HTTP_HOOK_HIJACK);
        return 0;
}

/* An empty socket buffer takes the few bytes at once. */
static int send_legacy_head(const HttpRequest *q, int fd) {
        _cleanup_free_ char *head = NULL;
        ssize_t n;
        int r;

        r = asprintf_safe(&head, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n",
                          http_stream_content_type(CALL_STREAM_RAW, q->version));
        if (r < 0)
                return r;
        n = send(fd, head, strlen(head), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
                return -errno;
        return (size_t) n == strlen(head) ? 0 : -EPIPE;
}

static int start_legacy(HttpRequest *q) {
        http_request_unwatch(q);
        q->state = HTTP_REQUEST_HIJACK;
        q->server->n_hijacked++;
        return send_legacy_head(q, q->connection->fd);
}

void http_hijack_deliver(HttpRequest *q) {
        HttpHijack *h = &q->hijack;
        int fd = -EBADF, r = 0;

        if (!q->mhd)
                return;                 /* closed in between: the call knows */

        if (!h->urh) {
                if (q->gone)
                        return;
                r = start_legacy(q);
        }
        if (call_is_done(q->call)) {
                close_parser_side(q);
                return;
        }

        if (r >= 0)
                fd = fcntl(q->connection->fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                log_debug("Could not hand over the connection of %s", q->raw_target);
        q->call->on_hijack(q->call, fd, h->early.data, h->early.size);
        buffer_done(&h->early);
}

static int on_linger(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        HttpRequest *q = ASSERT_PTR(userdata);
        char scratch[4096];
        ssize_t n;

        n = recv(fd, scratch, sizeof(scratch), MSG_DONTWAIT);
        if (n <= 0 && !(n < 0 && IN_SET(errno, EAGAIN, EINTR)))
                close_parser_side(q);
        return 0;
}

static int on_linger_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        close_parser_side(ASSERT_PTR(userdata));
        return 0;
}

void http_hijack_end(HttpRequest *q) {
        HttpHijack *h = &q->hijack;
        int r;

        if (!q->mhd || q->state != HTTP_REQUEST_HIJACK)
                return;

        q->state = HTTP_REQUEST_LINGER;
        (void) shutdown(q->connection->fd, SHUT_WR);

        r = sd_event_add_io(q->server->event, &h->linger, q->connection->fd, EPOLLIN, on_linger, q);
        if (r >= 0)
                r = sd_event_add_time_relative(q->server->event, &h->linger_timer, CLOCK_MONOTONIC,
                                               HIJACK_LINGER_USEC, 0, on_linger_timeout, q);
        if (r < 0)
                close_parser_side(q);
}
