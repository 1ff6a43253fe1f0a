/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http-connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "basic/fd-util.h"
#include "basic/log.h"
#include "basic/string-util.h"
#include "basic/time-util.h"
#include "http/http-request.h"
#include "http/http-server-internal.h"

/* A dead TCP peer is noticed after about TCP_KEEPIDLE + TCP_KEEPCNT * TCP_KEEPINTVL seconds. */
#define TCP_KEEPALIVE_IDLE 60
#define TCP_KEEPALIVE_INTERVAL 15
#define TCP_KEEPALIVE_COUNT 4

static void queue_remove(HttpPhaseQueue *q, HttpConnection *c) {
        if (q->tail == c)
                q->tail = c->phase_prev;
        LIST_REMOVE(phase, q->head, c);
        q->n--;
}

static void queue_append(HttpPhaseQueue *q, HttpConnection *c) {
        c->phase_prev = q->tail;
        c->phase_next = NULL;
        if (q->tail)
                q->tail->phase_next = c;
        else
                q->head = c;
        q->tail = c;
        q->n++;
}

void http_connection_set_phase(HttpConnection *c, HttpPhase phase) {
        uint64_t limit = http_server_phase_limit(c->server, phase);

        queue_remove(c->server->phases + c->phase, c);
        c->phase = phase;
        c->deadline = limit == UINT64_MAX ? UINT64_MAX : now_usec(CLOCK_MONOTONIC) + limit;
        queue_append(c->server->phases + phase, c);
        http_server_arm_sweep(c->server, c->deadline);
}

static void peer_done(HttpPeer *p) {
        free(p->tls_name);
        free(p->address);
        *p = (HttpPeer) {};
}

HttpConnection *http_connection_free(HttpConnection *c) {
        if (!c)
                return NULL;

        queue_remove(c->server->phases + c->phase, c);
        tls_pump_free(c->pump);
        sd_event_source_disable_unref(c->linger);
        peer_done(&c->peer);
        c->server->n_connections--;
        http_server_connection_closed(c->server);
        return mfree(c);
}

void http_connection_on_deadline(HttpConnection *c) {
        if (c->phase != HTTP_PHASE_DRAIN || !c->request || !http_request_answer_early(c->request))
                http_connection_drop(c);
}

void http_connection_drop(HttpConnection *c) {
        if (!c->mhd) {
                http_connection_free(c);
                return;
        }
        if (c->closing)
                return;
        c->closing = true;
        http_connection_set_phase(c, HTTP_PHASE_BUSY);
        (void) shutdown(c->fd, SHUT_RDWR);
}

/* All parts must be over: TLS and refusals linger after the parser has closed. */
static void connection_free_if_over(HttpConnection *c) {
        if (!c->mhd && !c->pump && !c->linger)
                http_connection_free(c);
}

void http_connection_end_linger(HttpConnection *c) {
        c->linger = sd_event_source_disable_unref(c->linger);
        connection_free_if_over(c);
}

static int format_address(const struct sockaddr_storage *sa, char **ret) {
        const struct sockaddr_in *in = (const struct sockaddr_in *) sa;
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) sa;
        char text[INET6_ADDRSTRLEN];

        switch (sa->ss_family) {
        case AF_INET:
                return asprintf_safe(ret, "%s:%u", inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)),
                                     ntohs(in->sin_port));
        case AF_INET6:
                return asprintf_safe(ret, "[%s]:%u",
                                     inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text)),
                                     ntohs(in6->sin6_port));
        default:
                return free_and_strdup(ret, "@");
        }
}

static void set_tcp_options(int fd) {
        static const struct {
                int level, option, value;
        } options[] = {
                { SOL_SOCKET,  SO_KEEPALIVE,  1                      },
                { IPPROTO_TCP, TCP_KEEPIDLE,  TCP_KEEPALIVE_IDLE     },
                { IPPROTO_TCP, TCP_KEEPINTVL, TCP_KEEPALIVE_INTERVAL },
                { IPPROTO_TCP, TCP_KEEPCNT,   TCP_KEEPALIVE_COUNT    },
                { IPPROTO_TCP, TCP_NODELAY,   1                      },
        };

        FOREACH_ELEMENT(o, options)
                (void) setsockopt(fd, o->level, o->option, &o->value, sizeof(o->value));
}

static int read_peer(HttpPeer *p, int fd) {
        struct sockaddr_storage sa = {};
        socklen_t size = sizeof(sa);
        int r;

        if (getpeername(fd, (struct sockaddr *) &sa, &size) < 0)
                return -errno;          /* gone already */

        r = format_address(&sa, &p->address);
        if (r < 0)
                return r;

        p->local = sa.ss_family == AF_UNIX;
        if (p->local)
                return socket_peer_credentials(fd, &p->pid, &p->uid, &p->gid);
        p->uid = (uid_t) -1;
        p->gid = (gid_t) -1;
        set_tcp_options(fd);
        return 0;
}

/* Hands the socket to the parser, which owns it from then on even if it refuses. The address family is not
 * told: all the parser would do with it is to count addresses. */
static int connection_add(HttpConnection *c, int fd) {
        HttpServer *s = c->server;
        static const struct sockaddr_un nobody = { .sun_family = AF_UNIX };

        assert(!s->adding);

        c->fd = fd;
        s->adding = c;
        (void) MHD_add_connection(s->daemon, fd, (const struct sockaddr *) &nobody, sizeof(sa_family_t));
        /* The parser of version 1.0 and later takes it over, or not, when it runs. */
        if (s->adding)
                (void) MHD_run(s->daemon);
        http_loop_kick(&s->loop);

        /* Taken over by the notification: what happens to it now is up to the parser, and it may be gone
         * already. */
        if (!s->adding)
                return 0;
        s->adding = NULL;
        c->fd = -EBADF;
        return -ENOBUFS;
}

void http_connection_on_notify(void *userdata, struct MHD_Connection *mhd, void **context,
                               enum MHD_ConnectionNotificationCode code) {
        HttpServer *s = ASSERT_PTR(userdata);
        HttpConnection *c;

        if (code == MHD_CONNECTION_NOTIFY_STARTED) {
                c = ASSERT_PTR(TAKE_PTR(s->adding));
                c->mhd = mhd;
                *context = c;
                if (http_read_attach(c) < 0)
                        (void) shutdown(c->fd, SHUT_RDWR);
                return;
        }

        c = *context;
        if (!c)
                return;
        *context = NULL;
        /* After two faults in one head 0.9.75 forgets to say so. */
        if (c->request)
                http_request_on_completed(s, mhd, &(void *) { c->request },
                                          MHD_REQUEST_TERMINATED_WITH_ERROR);
        http_read_detach(c);
        c->mhd = NULL;
        c->fd = -EBADF;
        /* TLS must get its last bytes out in this time. */
        http_connection_set_phase(c, c->linger ? HTTP_PHASE_DRAIN : HTTP_PHASE_IDLE);
        connection_free_if_over(c);
}

static void on_tls_ready(TlsPump *p, int plain_fd, void *userdata) {
        HttpConnection *c = ASSERT_PTR(userdata);

        if (tls_session_client_name(tls_pump_session(p), &c->peer.tls_name) < 0) {
                safe_close(plain_fd);   /* the pump sees it and ends the session */
                return;
        }
        if (connection_add(c, plain_fd) < 0)
                log_debug("Connection of %s refused by the parser", c->peer.address);
}

static void on_tls_closed(TlsPump *p, const char *reason, void *userdata) {
        HttpConnection *c = ASSERT_PTR(userdata);

        if (reason)
                log_info("TLS handshake with %s failed: %s", c->peer.address, reason);
        c->pump = NULL;                 /* it frees itself */
        connection_free_if_over(c);
}

static const TlsPumpHooks tls_hooks = {
        .ready = on_tls_ready,
        .closed = on_tls_closed,
};

static HttpConnection *connection_new(HttpServer *s) {
        HttpConnection *c;

        c = new(HttpConnection, 1);
        if (!c)
                return NULL;
        *c = (HttpConnection) {
                .server = s,
                .fd = -EBADF,
                .phase = HTTP_PHASE_FIRST,
        };
        queue_append(s->phases + c->phase, c);
        s->n_connections++;
        http_connection_set_phase(c, HTTP_PHASE_FIRST);
        return c;
}

int http_connection_accept(HttpServer *s, HttpListener *l, int fd) {
        _cleanup_close_ int owned = fd;
        HttpConnection *c;
        int r;

        c = connection_new(s);
        if (!c)
                return -ENOMEM;
        c->tls = !!l->tls;

        r = read_peer(&c->peer, fd);
        if (r >= 0 && l->tls)
                r = tls_pump_new(s->event, l->tls, TAKE_FD(owned), &tls_hooks, c, &c->pump);
        else if (r >= 0)
                r = connection_add(c, TAKE_FD(owned));
        if (r < 0)
                http_connection_free(c);
        return r;
}
