/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http-tls.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "basic/fd-util.h"
#include "basic/time-util.h"

/* A client must finish its handshake in this time. */
#define TLS_HANDSHAKE_USEC (10 * USEC_PER_SEC)
/* After our last record the socket stays this long at most, so that the client reads alert and data before a
 * reset. */
#define TLS_LINGER_USEC (3 * USEC_PER_SEC)
/* One TLS record. */
#define TLS_CHUNK_SIZE (16U * 1024U)
/* Chunks moved each way before other sources get their turn. */
#define TLS_CHUNKS_PER_TURN 16U

typedef enum TlsPumpState {
        TLS_PUMP_HANDSHAKE,
        TLS_PUMP_OPEN,
        TLS_PUMP_LINGER,        /* all sent; what still arrives is thrown away until the peer closes */
        _TLS_PUMP_STATE_MAX,
} TlsPumpState;

/* One direction: filled from its source, then written to its target. */
typedef struct TlsFlow {
        char *data;             /* TLS_CHUNK_SIZE, made after the handshake */
        size_t start, end;
        bool eof;               /* the source has ended */
        bool finished;          /* ... and the target was told */
} TlsFlow;

struct TlsPump {
        TlsPumpState state;
        bool handshaking;       /* the library has seen the first bytes */
        int fd;                 /* the client */
        int plain;              /* our end of the socketpair */
        TlsSession *session;
        TlsFlow in, out;        /* client to plain, plain to client */
        bool out_retry;         /* the library holds a record that it could not send yet */
        bool plain_hup;         /* both directions of the plain end are closed */

        sd_event *event;
        sd_event_source *net_source, *plain_source, *timer_source;

        const TlsPumpHooks *hooks;
        void *userdata;
};

DEFINE_TRIVIAL_CLEANUP_FUNC(TlsPump *, tls_pump_free);

TlsPump *tls_pump_free(TlsPump *p) {
        if (!p)
                return NULL;

        sd_event_source_disable_unref(p->net_source);
        sd_event_source_disable_unref(p->plain_source);
        sd_event_source_disable_unref(p->timer_source);
        sd_event_unref(p->event);
        tls_session_free(p->session);
        free(p->in.data);
        free(p->out.data);
        safe_close(p->fd);
        safe_close(p->plain);
        return mfree(p);
}

TlsSession *tls_pump_session(TlsPump *p) {
        return p->session;
}

bool tls_pump_is_ready(const TlsPump *p) {
        return p->state != TLS_PUMP_HANDSHAKE;
}

static void tls_pump_finish(TlsPump *p, const char *reason) {
        p->hooks->closed(p, reason, p->userdata);
        tls_pump_free(p);
}

static int set_interest(sd_event_source *s, uint32_t events, bool enabled) {
        int r;

        r = sd_event_source_set_io_events(s, events);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(s, enabled ? SD_EVENT_ON : SD_EVENT_OFF);
}

static bool flow_wants_input(const TlsFlow *f) {
        return !f->eof && f->start == f->end;
}

static bool flow_has_output(const TlsFlow *f) {
        return f->start < f->end || (f->eof && !f->finished);
}

static int tls_pump_rearm(TlsPump *p) {
        uint32_t net = 0, plain = 0;
        int r;

        switch (p->state) {
        case TLS_PUMP_HANDSHAKE:
                net = gnutls_record_get_direction(tls_session_gnutls(p->session)) ? EPOLLOUT : EPOLLIN;
                break;
        case TLS_PUMP_OPEN:
                net = (flow_wants_input(&p->in) ? EPOLLIN : 0) | (flow_has_output(&p->out) ? EPOLLOUT : 0);
                plain = (flow_wants_input(&p->out) ? EPOLLIN : 0) | (flow_has_output(&p->in) ? EPOLLOUT : 0);
                break;
        case TLS_PUMP_LINGER:
                net = EPOLLIN;
                break;
        default:
                assert_not_reached();
        }

        /* A source without interest is switched off, for epoll would go on reporting EPOLLHUP. The plain one
         * stays on until its hangup was seen: that is how a closed application side is noticed. */
        r = set_interest(p->net_source, net, net != 0);
        if (r < 0 || !p->plain_source)
                return r;
        return set_interest(p->plain_source, plain, plain != 0 || !p->plain_hup);
}

/* The plain side is gone or everything is said: what the client still sends does not matter, but closing
 * with unread bytes would reset the connection under our last words. */
static int tls_pump_linger(TlsPump *p) {
        int r;

        p->state = TLS_PUMP_LINGER;
        p->plain_source = sd_event_source_disable_unref(p->plain_source);
        p->plain = safe_close(p->plain);
        (void) shutdown(p->fd, SHUT_WR);

        r = sd_event_source_set_time_relative(p->timer_source, TLS_LINGER_USEC);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(p->timer_source, SD_EVENT_ONESHOT);
}

/* The functions below return 1 after progress, 0 when nothing can be done now, negative when the session is
 * over. */

static int in_fill(TlsPump *p) {
        ssize_t n;

        if (!flow_wants_input(&p->in))
                return 0;

        n = gnutls_record_recv(tls_session_gnutls(p->session), p->in.data, TLS_CHUNK_SIZE);
        if (n > 0) {
                p->in.start = 0;
                p->in.end = n;
                return 1;
        }
        if (n == 0) {
                p->in.eof = true;
                return 1;
        }
        if (IN_SET((int) n, GNUTLS_E_AGAIN, GNUTLS_E_INTERRUPTED, GNUTLS_E_WARNING_ALERT_RECEIVED))
                return 0;
        return -ECONNRESET;     /* cut off without close_notify, renegotiation, broken records */
}

static int in_drain(TlsPump *p) {
        ssize_t n;

        if (!flow_has_output(&p->in))
                return 0;
        if (p->in.start == p->in.end) {
                p->in.finished = true;
                (void) shutdown(p->plain, SHUT_WR);
                return 1;
        }

        n = send(p->plain, p->in.data + p->in.start, p->in.end - p->in.start, MSG_NOSIGNAL);
        if (n < 0) {
                if (IN_SET(errno, EAGAIN, EINTR))
                        return 0;
                /* Nobody reads any more. What the plain side said before it closed is still to be sent. */
                p->in.start = p->in.end = 0;
                p->in.eof = p->in.finished = true;
                return 1;
        }
        p->in.start += n;
        return 1;
}

static int out_fill(TlsPump *p) {
        ssize_t n;

        if (!flow_wants_input(&p->out))
                return 0;

        n = recv(p->plain, p->out.data, TLS_CHUNK_SIZE, 0);
        if (n > 0) {
                p->out.start = 0;
                p->out.end = n;
                return 1;
        }
        if (n < 0 && IN_SET(errno, EAGAIN, EINTR))
                return 0;
        p->out.eof = true;
        return 1;
}

static int out_drain(TlsPump *p) {
        gnutls_session_t session = tls_session_gnutls(p->session);
        ssize_t n;

        if (!flow_has_output(&p->out))
                return 0;
        if (p->out.start == p->out.end) {
                n = gnutls_bye(session, GNUTLS_SHUT_WR);
                if (IN_SET((int) n, GNUTLS_E_AGAIN, GNUTLS_E_INTERRUPTED))
                        return 0;
                p->out.finished = true;
                return n < 0 ? -ECONNRESET : 1;
        }

        n = p->out_retry ? gnutls_record_send(session, NULL, 0) :
                           gnutls_record_send(session, p->out.data + p->out.start,
                                              p->out.end - p->out.start);
        p->out_retry = n < 0 && IN_SET((int) n, GNUTLS_E_AGAIN, GNUTLS_E_INTERRUPTED);
        if (p->out_retry)
                return 0;
        if (n < 0)
                return -ECONNRESET;
        p->out.start += n;
        return 1;
}

static int tls_pump_move(TlsPump *p) {
        int (*const steps[])(TlsPump *p) = { in_fill, in_drain, out_fill, out_drain };

        for (unsigned i = 0; i < TLS_CHUNKS_PER_TURN; i++) {
                bool progress = false;

                FOREACH_ELEMENT(step, steps) {
                        int r = (*step)(p);
                        if (r < 0)
                                return r;
                        progress = progress || r > 0;
                }
                if (!progress)
                        break;
        }
        return 0;
}

/* The library may hold decrypted bytes that epoll knows nothing of: come back without waiting for the
 * socket. */
static bool tls_pump_has_hidden_input(TlsPump *p) {
        return flow_wants_input(&p->in) && gnutls_record_check_pending(tls_session_gnutls(p->session)) > 0;
}

/* True once neither side has anything left to say, or the plain side closed both ways. */
static bool tls_pump_is_over(TlsPump *p) {
        return p->out.finished && p->in.finished;
}

static void tls_pump_run_open(TlsPump *p) {
        int r;

        do {
                r = tls_pump_move(p);
                if (r < 0) {
                        tls_pump_finish(p, NULL);
                        return;
                }
        } while (tls_pump_has_hidden_input(p));

        if (tls_pump_is_over(p))
                r = tls_pump_linger(p);
        if (r >= 0)
                r = tls_pump_rearm(p);
        if (r < 0)
                tls_pump_finish(p, NULL);
}

static int on_plain(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        TlsPump *p = ASSERT_PTR(userdata);

        /* Both directions of the plain end are closed: in_drain() and out_fill() see EPIPE and EOF. With no
         * byte of the client on its way in_drain() has nothing to write, so note it here. */
        if (FLAGS_SET(revents, EPOLLHUP)) {
                p->plain_hup = true;
                p->in.start = p->in.end = 0;
                p->in.eof = p->in.finished = true;
        }
        tls_pump_run_open(p);
        return 0;
}

static int tls_pump_open(TlsPump *p) {
        _cleanup_close_pair_ int pair[2] = EBADF_PAIR;
        int r;

        p->in.data = malloc(TLS_CHUNK_SIZE);
        p->out.data = malloc(TLS_CHUNK_SIZE);
        if (!p->in.data || !p->out.data)
                return -ENOMEM;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;

        r = sd_event_add_io(p->event, &p->plain_source, pair[0], EPOLLIN, on_plain, p);
        if (r < 0)
                return r;

        p->plain = TAKE_FD(pair[0]);
        p->state = TLS_PUMP_OPEN;
        (void) sd_event_source_set_enabled(p->timer_source, SD_EVENT_OFF);
        p->hooks->ready(p, TAKE_FD(pair[1]), p->userdata);
        return 0;
}

/* The alert tells the client why; it must arrive before the socket goes. */
static void tls_pump_refuse(TlsPump *p, int code) {
        const char *reason = gnutls_strerror(code);
        int r = -ECONNRESET;

        if (gnutls_alert_send_appropriate(tls_session_gnutls(p->session), code) >= 0)
                r = tls_pump_linger(p);
        if (r >= 0)
                r = tls_pump_rearm(p);
        if (r < 0)
                tls_pump_finish(p, reason);
}

/* A record of a handshake starts with byte 22, an HTTP request with its method. */
static bool speaks_http(int fd) {
        static const char *const starts[] = { "GET /", "HEAD ", "POST ", "PUT /", "DELET", "OPTIO" };
        char start[5];
        ssize_t n;

        n = recv(fd, start, sizeof(start), MSG_PEEK | MSG_DONTWAIT);
        FOREACH_ELEMENT(s, starts)
                if (n > 0 && memcmp(start, *s, n) == 0)
                        return true;
        return false;
}

/* In the words of Docker's server. */
static void tls_pump_refuse_http(TlsPump *p) {
        static const char answer[] = "HTTP/1.0 400 Bad Request\r\n\r\n"
                                     "Client sent an HTTP request to an HTTPS server.\n";
        int r;

        (void) send(p->fd, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
        r = tls_pump_linger(p);
        if (r >= 0)
                r = tls_pump_rearm(p);
        if (r < 0)
                tls_pump_finish(p, "the client speaks plain HTTP");
}

static void tls_pump_run_handshake(TlsPump *p) {
        int r;

        if (!p->handshaking && speaks_http(p->fd)) {
                tls_pump_refuse_http(p);
                return;
        }
        p->handshaking = true;

        do
                r = gnutls_handshake(tls_session_gnutls(p->session));
        while (r < 0 && r != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(r));

        if (r == GNUTLS_E_AGAIN) {
                if (tls_pump_rearm(p) < 0)
                        tls_pump_finish(p, "out of memory");
                return;
        }
        if (r < 0) {
                tls_pump_refuse(p, r);
                return;
        }

        r = tls_pump_open(p);
        if (r < 0)
                tls_pump_finish(p, strerror(-r));
        else
                tls_pump_run_open(p);
}

static void tls_pump_run_linger(TlsPump *p) {
        char scratch[4096];
        ssize_t n;

        /* Raw bytes, no records: the session is over. */
        n = recv(p->fd, scratch, sizeof(scratch), MSG_DONTWAIT);
        if (n > 0 || (n < 0 && IN_SET(errno, EAGAIN, EINTR)))
                return;
        tls_pump_finish(p, NULL);
}

static int on_net(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        TlsPump *p = ASSERT_PTR(userdata);

        switch (p->state) {
        case TLS_PUMP_HANDSHAKE:
                tls_pump_run_handshake(p);
                break;
        case TLS_PUMP_OPEN:
                tls_pump_run_open(p);
                break;
        case TLS_PUMP_LINGER:
                tls_pump_run_linger(p);
                break;
        default:
                assert_not_reached();
        }
        return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        TlsPump *p = ASSERT_PTR(userdata);

        tls_pump_finish(p, p->state == TLS_PUMP_HANDSHAKE ? "TLS handshake timed out" : NULL);
        return 0;
}

int tls_pump_new(sd_event *event, TlsContext *context, int fd, const TlsPumpHooks *hooks, void *userdata,
                 TlsPump **ret) {
        _cleanup_(tls_pump_freep) TlsPump *p = NULL;
        _cleanup_close_ int owned = fd;
        int r;

        assert(event);
        assert(context);
        assert(fd >= 0);
        assert(ret);

        p = new(TlsPump, 1);
        if (!p)
                return -ENOMEM;
        *p = (TlsPump) {
                .fd = TAKE_FD(owned),
                .plain = -EBADF,
                .event = sd_event_ref(event),
                .hooks = hooks,
                .userdata = userdata,
        };

        r = tls_session_new(context, p->fd, &p->session);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &p->net_source, p->fd, EPOLLIN, on_net, p);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event, &p->timer_source, CLOCK_MONOTONIC, TLS_HANDSHAKE_USEC, 0,
                                       on_timer, p);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(p);
        return 0;
}
