/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parser and its sockets: each byte it reads is checked first (http-wire.c).
 *
 * Version 0.9.x unfolds headers, cuts them off at NUL and takes bare line feeds before any callback could
 * look at them, and has no hook for reading. But it calls recv() through the dynamic linker like everybody
 * else, so the recv() below comes before the C library's, for the parser's descriptors only. Should it ever
 * read in another way, no request passes: http_request_on_access() asks whether its head was seen here. */
#include <dlfcn.h>
#include <sys/socket.h>

#include "basic/log.h"
#include "basic/string-util.h"
#include "http/http-request.h"
#include "http/http-server-internal.h"

typedef ssize_t (*ReceiveFunction)(int fd, void *buf, size_t size, int flags);

/* By descriptor; of the thread that runs the parser. */
static _Thread_local HttpConnection **readers;
static _Thread_local size_t n_readers;

int http_read_attach(HttpConnection *c) {
        size_t n = (size_t) c->fd + 1;

        if (n > n_readers) {
                size_t size = n_readers > 0 ? n_readers : 64;
                HttpConnection **bigger;

                while (size < n)
                        size *= 2;
                bigger = reallocarray(readers, size, sizeof(*readers));
                if (!bigger)
                        return -ENOMEM;
                memset(bigger + n_readers, 0, (size - n_readers) * sizeof(*readers));
                readers = bigger;
                n_readers = size;
        }
        readers[c->fd] = c;
        return 0;
}

void http_read_detach(HttpConnection *c) {
        if (c->fd >= 0 && (size_t) c->fd < n_readers && readers[c->fd] == c)
                readers[c->fd] = NULL;
}

/* A fault in the request that the parser has now. Bytes behind it may be the input of a hijack. */
bool http_read_has_fault(const HttpConnection *c) {
        const HttpWire *w = &c->wire;

        return w->fault && w->message == c->n_completed;
}

void http_read_refuse(HttpConnection *c) {
        bool answering = c->request && c->request->state == HTTP_REQUEST_ANSWER;

        if (answering)
                (void) shutdown(c->fd, SHUT_RDWR);
        else
                http_connection_refuse(c, c->wire.fault_too_large ? MHD_HTTP_CONTENT_TOO_LARGE :
                                                                   MHD_HTTP_BAD_REQUEST, c->wire.fault);
}

static ssize_t cut_off(void) {
        errno = ECONNRESET;
        return -1;
}

/* A stream that a hijack takes over may look like a broken chunked body before the route is known. */
static bool may_be_hijack(const HttpWire *w) {
        return w->in_body && w->upgrade;
}

/* The parser would wait for the rest of a message for long: its edge-triggered epoll tells an end that came
 * with the bytes only once. */
static bool ends_early(const HttpConnection *c, ReceiveFunction receive, ssize_t n, size_t size) {
        const HttpWire *w = &c->wire;
        char next;

        if (!http_wire_in_message(w) || w->message != c->n_completed || may_be_hijack(w))
                return false;
        return n == 0 ||
               ((size_t) n < size && receive(c->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
}

static ssize_t on_read(HttpConnection *c, ReceiveFunction receive, const void *buf, ssize_t n, size_t size) {
        if (c->linger)
                return cut_off();       /* refused already */
        if (n < 0)
                return n;
        if (n > 0 && http_wire_feed(&c->wire, buf, n) < 0 && http_read_has_fault(c) &&
            !may_be_hijack(&c->wire)) {
                http_read_refuse(c);
                return cut_off();
        }
        return ends_early(c, receive, n, size) ? cut_off() : n;
}

/* Under a name of its own, as the C library's header may have an inline function of the other. */
ssize_t http_parser_receive(int fd, void *buf, size_t size, int flags) __asm__("recv");

__attribute__((visibility("default"), __used__))
ssize_t http_parser_receive(int fd, void *buf, size_t size, int flags) {
        static ReceiveFunction receive;
        ssize_t n;

        if (!receive)
                receive = (ReceiveFunction) dlsym(RTLD_NEXT, "recv");
        if (!receive) {
                errno = ENOSYS;
                return -1;
        }

        n = receive(fd, buf, size, flags);
        if (flags != 0 || fd < 0 || (size_t) fd >= n_readers || !readers[fd])
                return n;
        return on_read(readers[fd], receive, buf, n, size);
}
