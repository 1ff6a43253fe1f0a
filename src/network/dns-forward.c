/* SPDX-License-Identifier: Apache-2.0 */
/* One query put to other servers, one after the other until one of them answers. */
#include "network/dns-forward.h"

#include <sys/epoll.h>
#include <sys/random.h>

#include "basic/errno-util.h"
#include "network/dns-stream.h"
#include "shared/namespace-util.h"

#define DNS_PORT 53U

struct DnsForward {
        DnsForwardConfig config;
        uint8_t *packet;
        uint16_t id;                    /* of the question that is out */
        size_t next;                    /* the upstream to ask when this one fails */
        DnsStream stream;               /* over UDP only its descriptor */
        sd_event_source *io, *timer;
};

static void hang_up(DnsForward *f) {
        f->io = sd_event_source_disable_unref(f->io);
        dns_stream_done(&f->stream);
}

DnsForward *dns_forward_free(DnsForward *f) {
        if (!f)
                return NULL;
        hang_up(f);
        sd_event_source_disable_unref(f->timer);
        free(f->packet);
        return mfree(f);
}

static int connect_to(int fd, const NetAddr *a) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT), .sin_addr = a->in };
        struct sockaddr_in6 in6 = {
                .sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT), .sin6_addr = a->in6,
        };
        int r;

        if (a->family == AF_INET)
                r = RET_NERRNO(connect(fd, (struct sockaddr *) &in, sizeof(in)));
        else
                r = RET_NERRNO(connect(fd, (struct sockaddr *) &in6, sizeof(in6)));
        return r == -EINPROGRESS ? 0 : r;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata);

static int send_question(DnsForward *f) {
        uint16_t id;

        if (getrandom(&id, sizeof(id), 0) != sizeof(id))
                return -EIO;
        f->id = id;
        dns_message_set_id(f->packet, id);
        if (f->config.tcp)
                return dns_stream_put(&f->stream, f->packet, f->config.size);
        return send(f->stream.fd, f->packet, f->config.size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* A socket of the family; it belongs to the namespace where it was made. */
typedef struct SocketRequest {
        int family, type, fd;
} SocketRequest;

static int open_socket(void *userdata) {
        SocketRequest *q = ASSERT_PTR(userdata);

        q->fd = RET_NERRNO(socket(q->family, q->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        return MIN(q->fd, 0);
}

static int ask(DnsForward *f, const DnsUpstream *upstream) {
        SocketRequest q = { upstream->address.family, f->config.tcp ? SOCK_STREAM : SOCK_DGRAM, -EBADF };
        int r;

        r = upstream->inside ? netns_run(f->config.netns_fd, open_socket, &q) : open_socket(&q);
        if (r < 0)
                return r;
        f->stream.fd = q.fd;
        r = connect_to(f->stream.fd, &upstream->address);
        if (r >= 0)
                r = send_question(f);
        if (r >= 0)
                r = sd_event_add_io(f->config.event, &f->io, f->stream.fd,
                                    f->config.tcp ? EPOLLOUT : EPOLLIN, on_io, f);
        if (r >= 0)
                r = sd_event_source_set_priority(f->io, DNS_EVENT_PRIORITY);
        if (r >= 0)
                r = sd_event_source_set_time_relative(f->timer, DNS_UPSTREAM_TIMEOUT_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(f->timer, SD_EVENT_ONESHOT);
}

static int ask_next(DnsForward *f) {
        while (f->next < min_size(f->config.n_upstreams, DNS_UPSTREAMS_MAX)) {
                hang_up(f);
                if (ask(f, f->config.upstreams + f->next++) >= 0)
                        return 0;
        }
        return -EHOSTUNREACH;
}

/* f may be gone after it, as after the next two. */
static void fail(DnsForward *f) {
        if (ask_next(f) < 0)
                f->config.function(NULL, 0, f->config.userdata);
}

static void finish(DnsForward *f, uint8_t *answer, size_t size) {
        if (IN_SET(dns_message_rcode(answer), DNS_RCODE_SERVFAIL, DNS_RCODE_REFUSED)) {
                fail(f);
                return;
        }
        dns_message_set_id(answer, f->config.query->id);
        f->config.function(answer, size, f->config.userdata);
}

static bool matches(const DnsForward *f, const uint8_t *answer, size_t size) {
        return dns_answer_matches(answer, size, f->config.query, f->id);
}

/* What is no answer to our question is read over: the right one may still come. */
static void receive_datagrams(DnsForward *f) {
        uint8_t buffer[DNS_UDP_SIZE_MAX];

        for (unsigned i = 0; i < DNS_MESSAGES_PER_TURN; i++) {
                ssize_t n = recv(f->stream.fd, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC);

                if (n < 0 && errno_is_transient(-errno))
                        return;
                if (n < 0) {
                        fail(f);
                        return;
                }
                if (matches(f, buffer, min_size((size_t) n, sizeof(buffer)))) {
                        finish(f, buffer, (size_t) n);
                        return;
                }
        }
}

static int exchange(DnsForward *f, const uint8_t **ret, size_t *ret_size) {
        int r;

        if (dns_stream_is_writing(&f->stream)) {
                r = dns_stream_write(&f->stream);
                if (r <= 0)
                        return r;
                r = sd_event_source_set_io_events(f->io, EPOLLIN);
                if (r < 0)
                        return r;
        }
        return dns_stream_read(&f->stream, ret, ret_size);
}

static void talk(DnsForward *f) {
        const uint8_t *answer;
        size_t size;
        int r;

        r = exchange(f, &answer, &size);
        if (r == 0)
                return;
        if (r > 0 && matches(f, answer, size))
                finish(f, f->stream.in, size);
        else
                fail(f);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        DnsForward *f = ASSERT_PTR(userdata);

        if (f->config.tcp)
                talk(f);
        else
                receive_datagrams(f);
        return 0;
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        fail(ASSERT_PTR(userdata));
        return 0;
}

static int add_timer(DnsForward *f) {
        int r;

        r = sd_event_add_time(f->config.event, &f->timer, CLOCK_MONOTONIC, 0, 0, on_timeout, f);
        if (r >= 0)
                r = sd_event_source_set_enabled(f->timer, SD_EVENT_OFF);
        return r < 0 ? r : sd_event_source_set_priority(f->timer, DNS_EVENT_PRIORITY);
}

int dns_forward_new(const DnsForwardConfig *config, DnsForward **ret) {
        _cleanup_(dns_forward_freep) DnsForward *f = NULL;
        int r;

        assert(config);
        assert(config->size >= DNS_HEADER_SIZE);
        assert(ret);

        f = new(DnsForward, 1);
        if (!f)
                return -ENOMEM;
        *f = (DnsForward) { .config = *config, .stream = DNS_STREAM_NULL };
        f->packet = memdup_suffix0(config->packet, config->size);
        if (!f->packet)
                return -ENOMEM;
        f->config.packet = NULL;
        r = add_timer(f);
        if (r >= 0)
                r = ask_next(f);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(f);
        return 0;
}
