/* SPDX-License-Identifier: Apache-2.0 */
/* The server with real queries, in network and mount namespaces of its own; needs root and nftables. The
 * "host" is the namespace the test runs in, with servers to forward to on its loopback; the "container" is a
 * namespace beside it. */
#include "network/dns-server.h"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "basic/tests.h"
#include "basic/time-util.h"
#include "network/dns-forward.h"
#include "network/dns-message.h"
#include "network/netns-pool.h"
#include "shared/namespace-util.h"
#include "shared/nft.h"

#define FIRST "127.0.0.1"
#define SECOND "127.0.0.2"
#define THIRD "127.0.0.3"
#define MANY 200U                       /* addresses of "many" */

static char root[] = "/tmp/test-dns-XXXXXX";
static sd_event *event;
static Netns container;
static DnsServer *server;

/* --- names that are ours --- */

static int give_addresses(size_t n, NetAddr **ret, size_t *ret_n) {
        NetAddr *a = new(NetAddr, n);

        if (!a)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                a[i] = net_addr_from_host(0x0a000001U + (uint32_t) i);
        *ret = a;
        *ret_n = n;
        return 1;
}

static int resolve(void *userdata, const char *name, NetAddr **ret, size_t *ret_n) {
        static const struct {
                const char *name;
                size_t n;
        } names[] = { { "web", 1 }, { "web.mynet", 1 }, { "three", 3 }, { "none", 0 }, { "many", MANY } };

        if (streq(name, "broken"))
                return -EIO;
        FOREACH_ELEMENT(i, names)
                if (streq(name, i->name))
                        return give_addresses(i->n, ret, ret_n);
        return 0;
}

static int reverse(void *userdata, const NetAddr *address, char **ret) {
        if (net_addr_to_host(address) == 0x0a000002U)
                *ret = strdup("not..a.name");
        else if (net_addr_to_host(address) == 0x0a000001U)
                *ret = strdup("web.mynet");
        else
                return 0;
        return *ret ? 1 : -ENOMEM;
}

static const DnsServerOps ops = { .resolve = resolve, .reverse = reverse };

/* --- server and sockets --- */

static NetAddr addr(const char *s) {
        NetAddr a;

        ASSERT_OK(net_addr_parse(s, &a));
        return a;
}

static DnsServer *new_server(bool forward, size_t n_upstreams) {
        DnsUpstream upstreams[] = {
                { addr(FIRST), false },
                { addr(SECOND), false },
                { addr(THIRD), false },
                { addr("127.0.0.4"), false },
        };
        DnsServerConfig config = {
                .event = event, .netns_path = container.path, .upstreams = upstreams,
                .n_upstreams = forward ? n_upstreams : 0, .ops = &ops,
        };
        _cleanup_error_ Error error = ERROR_NULL;
        DnsServer *s = NULL;

        if (dns_server_new(&config, &s, &error) < 0)
                test_fail("%s", error_message(&error));
        return s;
}

static void start(bool forward, size_t n_upstreams) {
        server = new_server(forward, n_upstreams);
}

static void stop(void) {
        server = dns_server_free(server);
}

typedef struct SocketParams {
        int type;
        const char *bind, *connect;
        uint16_t bind_port, connect_port;
        int fd;
} SocketParams;

static struct sockaddr_in socket_address(const char *address, uint16_t port) {
        return (struct sockaddr_in) {
                .sin_family = AF_INET, .sin_addr = addr(address).in, .sin_port = htons(port),
        };
}

static int open_socket(void *userdata) {
        SocketParams *p = userdata;
        struct sockaddr_in a;
        int one = 1;

        p->fd = socket(AF_INET, p->type | SOCK_CLOEXEC, 0);
        if (p->fd < 0)
                return -errno;
        (void) setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (p->bind) {
                a = socket_address(p->bind, p->bind_port);
                if (bind(p->fd, (struct sockaddr *) &a, sizeof(a)) < 0)
                        return -errno;
        }
        if (p->bind && p->type == SOCK_STREAM && !p->connect && listen(p->fd, 16) < 0)
                return -errno;
        if (p->connect) {
                a = socket_address(p->connect, p->connect_port);
                if (connect(p->fd, (struct sockaddr *) &a, sizeof(a)) < 0)
                        return -errno;
        }
        return 0;
}

static int socket_inside(SocketParams p) {
        ASSERT_OK(netns_run(container.fd, open_socket, &p));
        return p.fd;
}

static int client_from(int type, uint16_t port) {
        return socket_inside((SocketParams) {
                .type = type, .bind = port > 0 ? "127.0.0.1" : NULL, .bind_port = port,
                .connect = DNS_SERVER_ADDRESS, .connect_port = 53,
        });
}

static int client(int type) {
        return client_from(type, 0);
}

static int upstream_at(const char *address, int type) {
        SocketParams p = { .type = type, .bind = address, .bind_port = 53 };

        ASSERT_OK(open_socket(&p));
        return p.fd;
}

/* Runs the loop until fd can be read; false after the time. */
static bool wait_for(int fd, unsigned msec) {
        uint64_t end = now_usec(CLOCK_MONOTONIC) + msec * USEC_PER_MSEC;

        do {
                struct pollfd p = { .fd = fd, .events = POLLIN };

                ASSERT_OK(sd_event_run(event, 2 * USEC_PER_MSEC));
                if (poll(&p, 1, 0) > 0)
                        return true;
        } while (now_usec(CLOCK_MONOTONIC) < end);
        return false;
}

/* --- messages --- */

typedef struct Message {
        uint8_t data[DNS_TCP_SIZE_MAX];
        size_t size;
} Message;

static unsigned u16(const uint8_t *p) {
        return (unsigned) p[0] << 8 | p[1];
}

static void add(Message *m, const void *data, size_t size) {
        memcpy(m->data + m->size, data, size);
        m->size += size;
}
#define ADD(m, literal) add((m), (literal), sizeof(literal) - 1)

/* The name with dots; udp_size 0: no OPT record. */
static void make_query(Message *m, const char *name, uint16_t type, uint16_t udp_size) {
        m->size = 0;
        ADD(m, "\xab\xcd\x01\0\0\1\0\0\0\0\0");
        add(m, &(uint8_t) { udp_size > 0 }, 1);
        for (const char *p = name; *p;) {
                size_t n = strcspn(p, ".");

                add(m, &(uint8_t) { (uint8_t) n }, 1);
                add(m, p, n);
                p += n + (p[n] == '.');
        }
        add(m, (uint8_t[]) { 0, (uint8_t) (type >> 8), (uint8_t) type, 0, 1 }, 5);
        if (udp_size > 0)
                add(m,
                    (uint8_t[]){ 0, 0, 41, (uint8_t) (udp_size >> 8), (uint8_t) udp_size, 0, 0, 0, 0, 0, 0 },
                    11);
}

static void send_message(int fd, const Message *m) {
        ASSERT_EQ(send(fd, m->data, m->size, MSG_NOSIGNAL), m->size);
}

static void ask_udp(int fd, const char *name, uint16_t type) {
        Message m;

        make_query(&m, name, type, 0);
        send_message(fd, &m);
}

static void receive_message(int fd, Message *ret) {
        ssize_t n;

        ASSERT_TRUE(wait_for(fd, 1000));
        n = recv(fd, ret->data, sizeof(ret->data), MSG_DONTWAIT);
        ASSERT_TRUE(n >= (ssize_t) DNS_HEADER_SIZE);
        ret->size = (size_t) n;
        ASSERT_EQ(u16(ret->data), 0xabcd);
        ASSERT_TRUE(ret->data[2] & 0x80);
}

static unsigned rcode(const Message *m) {
        return m->data[3] & 0xf;
}
static bool is_truncated(const Message *m) {
        return m->data[2] & 2;
}
static unsigned n_answers(const Message *m) {
        return u16(m->data + 6);
}

static unsigned query_udp(const char *name, uint16_t type, uint16_t udp_size, Message *ret) {
        _cleanup_close_ int fd = client(SOCK_DGRAM);
        Message m;

        make_query(&m, name, type, udp_size);
        send_message(fd, &m);
        receive_message(fd, ret);
        return rcode(ret);
}

static void send_tcp(int fd, const Message *m) {
        uint8_t head[] = { (uint8_t) (m->size >> 8), (uint8_t) m->size };

        ASSERT_EQ(send(fd, head, sizeof(head), MSG_NOSIGNAL), sizeof(head));
        send_message(fd, m);
}

static void ask_tcp(int fd, const char *name, uint16_t type) {
        Message m;

        make_query(&m, name, type, 0);
        send_tcp(fd, &m);
}

static void receive_some(int fd, void *buf, size_t size) {
        for (size_t done = 0; done < size;) {
                ssize_t n;

                ASSERT_TRUE(wait_for(fd, 1000));
                n = recv(fd, (uint8_t *) buf + done, size - done, MSG_DONTWAIT);
                ASSERT_TRUE(n > 0);
                done += (size_t) n;
        }
}

static void receive_tcp(int fd, Message *ret) {
        uint8_t head[2];

        receive_some(fd, head, sizeof(head));
        ret->size = u16(head);
        receive_some(fd, ret->data, ret->size);
}

static bool is_closed(int fd, unsigned msec) {
        char c;

        return wait_for(fd, msec) && recv(fd, &c, 1, MSG_DONTWAIT) <= 0;
}

/* Whatever comes before the end. */
static bool is_closed_at_last(int fd) {
        for (unsigned i = 0; i < 1000; i++)
                if (is_closed(fd, 1000))
                        return true;
        return false;
}

/* --- servers of the host --- */

typedef struct Question {
        Message message;
        struct sockaddr_in peer;
} Question;

static void take_question(int fd, Question *ret) {
        socklen_t length = sizeof(ret->peer);
        ssize_t n;

        ASSERT_TRUE(wait_for(fd, 3000));
        n = recvfrom(fd, ret->message.data, sizeof(ret->message.data), MSG_DONTWAIT,
                     (struct sockaddr *) &ret->peer, &length);
        ASSERT_TRUE(n > 0);
        ret->message.size = (size_t) n;
}

static void give_answer(int fd, const Question *q) {
        ASSERT_EQ(sendto(fd, q->message.data, q->message.size, 0, (struct sockaddr *) &q->peer,
                         sizeof(q->peer)),
                  q->message.size);
}

static int accept_from(int listener) {
        int fd;

        ASSERT_TRUE(wait_for(listener, 1000));
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        ASSERT_TRUE(fd >= 0);
        return fd;
}

/* Turns the question into an answer with a code. */
static void answer_with(int fd, const Question *q, unsigned flags) {
        Question a = *q;

        a.message.data[2] = (uint8_t) (flags >> 8);
        a.message.data[3] = (uint8_t) flags;
        give_answer(fd, &a);
}

/* --- tests --- */

TEST(our_names) {
        Message m;

        start(true, 0);
        ASSERT_EQ(query_udp("Web.MyNet", DNS_TYPE_A, 0, &m), 0);
        ASSERT_EQ(n_answers(&m), 1);
        ASSERT_EQ(memcmp(m.data + m.size - 10, "\0\0\x02\x58\0\4\x0a\0\0\1", 10), 0);
        ASSERT_EQ(query_udp("web", DNS_TYPE_AAAA, 0, &m), 0);
        ASSERT_EQ(n_answers(&m), 0);
        ASSERT_EQ(query_udp("web", 16, 1232, &m), 0);
        ASSERT_EQ(n_answers(&m), 0);
        ASSERT_EQ(u16(m.data + 10), 1);
        ASSERT_EQ(query_udp("none", DNS_TYPE_A, 0, &m), 0);
        ASSERT_EQ(n_answers(&m), 0);
        ASSERT_EQ(query_udp("broken", DNS_TYPE_A, 0, &m), DNS_RCODE_SERVFAIL);
        ASSERT_EQ(query_udp("1.0.0.10.in-addr.arpa", DNS_TYPE_PTR, 0, &m), 0);
        ASSERT_EQ(memcmp(m.data + m.size - 11, "\3web\5mynet", 11), 0);
        ASSERT_EQ(query_udp("2.0.0.10.in-addr.arpa", DNS_TYPE_PTR, 0, &m), DNS_RCODE_SERVFAIL);
        stop();
}

TEST(rotation) {
        unsigned seen = 0;
        Message m;

        start(true, 0);
        for (unsigned i = 0; i < 3; i++) {
                ASSERT_EQ(query_udp("three", DNS_TYPE_A, 0, &m), 0);
                ASSERT_EQ(n_answers(&m), 3);
                seen |= 1U << m.data[m.size - 1];
        }
        ASSERT_EQ(seen, 1U << 1 | 1U << 2 | 1U << 3);
        stop();
}

TEST(nobody_to_ask) {
        Message m;

        start(true, 0);
        ASSERT_EQ(query_udp("example.com", DNS_TYPE_A, 0, &m), DNS_RCODE_SERVFAIL);
        ASSERT_EQ(query_udp("9.0.0.10.in-addr.arpa", DNS_TYPE_PTR, 0, &m), DNS_RCODE_SERVFAIL);
        stop();
        start(false, 1);
        ASSERT_EQ(query_udp("example.com", DNS_TYPE_A, 0, &m), DNS_RCODE_SERVFAIL);
        ASSERT_EQ(query_udp("web", DNS_TYPE_A, 0, &m), 0);
        stop();
        /* They refuse the connection. */
        start(true, 3);
        ASSERT_EQ(query_udp("example.com", DNS_TYPE_A, 0, &m), DNS_RCODE_SERVFAIL);
        stop();
}

TEST(too_large) {
        _cleanup_close_ int fd = -EBADF;
        Message m;

        start(true, 0);
        ASSERT_EQ(query_udp("many", DNS_TYPE_A, 0, &m), 0);
        ASSERT_TRUE(is_truncated(&m) && m.size <= 512 && n_answers(&m) > 20);
        ASSERT_EQ(query_udp("many", DNS_TYPE_A, 1232, &m), 0);
        ASSERT_TRUE(is_truncated(&m) && m.size <= 1232 && m.size > 1200);
        ASSERT_EQ(query_udp("many", DNS_TYPE_A, 4096, &m), 0);
        ASSERT_FALSE(is_truncated(&m));

        fd = client(SOCK_STREAM);
        ask_tcp(fd, "many", DNS_TYPE_A);
        receive_tcp(fd, &m);
        ASSERT_FALSE(is_truncated(&m));
        ASSERT_EQ(n_answers(&m), MANY);
        stop();
}

/* Port 53 is the container's. */
TEST(port_53_is_free) {
        _cleanup_close_ int udp = -EBADF, tcp = -EBADF, fd = -EBADF;
        Message m;

        start(true, 0);
        udp = socket_inside((SocketParams) { .type = SOCK_DGRAM, .bind = "0.0.0.0", .bind_port = 53 });
        tcp = socket_inside((SocketParams) { .type = SOCK_STREAM, .bind = "0.0.0.0", .bind_port = 53 });
        ASSERT_EQ(query_udp("web", DNS_TYPE_A, 0, &m), 0);
        fd = client(SOCK_STREAM);
        ask_tcp(fd, "web", DNS_TYPE_A);
        receive_tcp(fd, &m);
        ASSERT_EQ(n_answers(&m), 1);
        safe_close(fd);

        /* At other addresses it is reached. */
        fd = socket_inside((SocketParams){ .type = SOCK_DGRAM, .connect = "127.0.0.1", .connect_port = 53 });
        ask_udp(fd, "web", DNS_TYPE_A);
        ASSERT_FALSE(wait_for(fd, 20));
        ASSERT_TRUE(wait_for(udp, 0));
        stop();
}

/* A new server for the same namespace; also while the old one is still there. */
TEST(restart) {
        _cleanup_close_ int fd = -EBADF, stream = -EBADF;
        DnsServer *old;
        Message m;

        start(true, 0);
        fd = client_from(SOCK_DGRAM, 40000);
        ask_udp(fd, "web", DNS_TYPE_A);
        receive_message(fd, &m);
        stream = client(SOCK_STREAM);
        ask_tcp(stream, "web", DNS_TYPE_A);
        receive_tcp(stream, &m);
        stop();
        ASSERT_TRUE(is_closed(stream, 1000));

        /* Connection tracking remembers where this one goes. */
        start(true, 0);
        ask_udp(fd, "web", DNS_TYPE_A);
        receive_message(fd, &m);
        ASSERT_EQ(n_answers(&m), 1);

        old = server;
        start(true, 0);
        dns_server_free(old);
        ASSERT_EQ(query_udp("web", DNS_TYPE_A, 0, &m), 0);
        stop();
}

TEST(bad_namespaces) {
        DnsServerConfig config = { .event = event, .netns_path = "/nonexistent", .ops = &ops };
        _cleanup_error_ Error error = ERROR_NULL;
        DnsServer *s;

        ASSERT_EQ(dns_server_new(&config, &s, &error), -ENOENT);
        ASSERT_TRUE(strstr(error_message(&error), "/nonexistent"));
        config.netns_path = "/proc/self/status";
        ASSERT_EQ(dns_server_new(&config, &s, NULL), -EINVAL);
}

TEST(bad_packets) {
        static const uint8_t zeros[DNS_UDP_SIZE_MAX + 1];
        _cleanup_close_ int fd = -EBADF;
        Message m;

        start(true, 0);
        fd = client(SOCK_DGRAM);
        /* Nothing answers these. */
        ASSERT_EQ(send(fd, "", 0, 0), 0);
        ASSERT_EQ(send(fd, "\xab\xcd\x81\x80", 4, 0), 4);
        make_query(&m, "web", DNS_TYPE_A, 0);
        m.data[2] |= 0x80;
        send_message(fd, &m);
        ASSERT_EQ(send(fd, zeros, sizeof(zeros), 0), sizeof(zeros));
        ASSERT_FALSE(wait_for(fd, 20));
        /* These are refused. */
        m.data[2] = 0x10;
        send_message(fd, &m);
        receive_message(fd, &m);
        ASSERT_EQ(rcode(&m), DNS_RCODE_NOTIMP);
        make_query(&m, "web", DNS_TYPE_A, 0);
        m.size--;
        send_message(fd, &m);
        receive_message(fd, &m);
        ASSERT_EQ(rcode(&m), DNS_RCODE_FORMERR);
        ask_udp(fd, "web", DNS_TYPE_A);
        receive_message(fd, &m);
        ASSERT_EQ(rcode(&m), 0);
        stop();
}

TEST(forwarded) {
        _cleanup_close_ int up = upstream_at(FIRST, SOCK_DGRAM), fd = -EBADF;
        Question q, q2;
        Message m;

        start(true, 1);
        fd = client(SOCK_DGRAM);
        make_query(&m, "Example.com", 16, 1232);
        send_message(fd, &m);
        take_question(up, &q);
        /* As it came but for the id. */
        ASSERT_EQ(q.message.size, m.size);
        ASSERT_EQ(memcmp(q.message.data + 2, m.data + 2, m.size - 2), 0);
        ask_udp(fd, "other", DNS_TYPE_A);
        take_question(up, &q2);
        ASSERT_TRUE(q.peer.sin_port != q2.peer.sin_port);

        ADD(&q.message, "some record");
        answer_with(up, &q, 0x8183);
        receive_message(fd, &m);
        ASSERT_EQ(rcode(&m), DNS_RCODE_NXDOMAIN);
        ASSERT_EQ(memcmp(m.data + m.size - 11, "some record", 11), 0);
        /* A truncated one is passed on. */
        answer_with(up, &q2, 0x8380);
        receive_message(fd, &m);
        ASSERT_TRUE(is_truncated(&m));
        stop();
}

/* The address is the same in both namespaces: the one inside is asked where that is said, and that alone. */
TEST(forwarded_inside) {
        SocketParams inside = { .type = SOCK_DGRAM, .bind = FIRST, .bind_port = 53 };
        _cleanup_close_ int up = upstream_at(FIRST, SOCK_DGRAM), fd = -EBADF;
        DnsUpstream upstream = { addr(FIRST), true };
        DnsServerConfig config = {
                .event = event, .netns_path = container.path, .upstreams = &upstream, .n_upstreams = 1,
                .ops = &ops,
        };
        _cleanup_error_ Error error = ERROR_NULL;
        Question q;
        Message m;

        ASSERT_OK(netns_run(container.fd, open_socket, &inside));
        if (dns_server_new(&config, &server, &error) < 0)
                test_fail("%s", error_message(&error));
        fd = client(SOCK_DGRAM);
        ask_udp(fd, "other", DNS_TYPE_A);
        take_question(inside.fd, &q);
        answer_with(inside.fd, &q, 0x8183);
        receive_message(fd, &m);
        ASSERT_EQ(rcode(&m), DNS_RCODE_NXDOMAIN);
        ASSERT_FAIL(recv(up, &m, sizeof(m), MSG_DONTWAIT));
        safe_close(inside.fd);
        stop();
}

TEST(hostile_upstream) {
        _cleanup_close_ int up = upstream_at(FIRST, SOCK_DGRAM), other = upstream_at(SECOND, SOCK_DGRAM),
                            fd = -EBADF;
        Question q, bad;
        Message m;

        start(true, 1);
        fd = client(SOCK_DGRAM);
        ask_udp(fd, "example.com", DNS_TYPE_A);
        take_question(up, &q);
        bad = q;
        bad.message.data[0] ^= 1;                       /* id */
        answer_with(up, &bad, 0x8180);
        bad = q;
        bad.message.data[13] ^= 1;                      /* question */
        answer_with(up, &bad, 0x8180);
        bad = q;
        bad.message.data[12] = 0xc0;                    /* a loop */
        bad.message.data[13] = 12;
        answer_with(up, &bad, 0x8180);
        for (size_t size = 0; size < q.message.size; size++) {
                bad = q;
                bad.message.size = size;
                answer_with(up, &bad, 0x8180);
        }
        give_answer(up, &q);                            /* no answer */
        answer_with(other, &q, 0x8180);                 /* from somebody else */
        ASSERT_FALSE(wait_for(fd, 50));
        answer_with(up, &q, 0x8180);
        receive_message(fd, &m);
        ASSERT_EQ(rcode(&m), 0);

        /* More than the client takes. */
        ask_udp(fd, "example.com", DNS_TYPE_A);
        take_question(up, &q);
        q.message.size = 513;
        answer_with(up, &q, 0x8180);
        receive_message(fd, &m);
        ASSERT_TRUE(is_truncated(&m) && n_answers(&m) == 0 && m.size < 512);
        make_query(&m, "example.com", DNS_TYPE_A, 65535);
        send_message(fd, &m);
        take_question(up, &q);
        q.message.size = DNS_UDP_SIZE_MAX + 1000;
        answer_with(up, &q, 0x8180);
        receive_message(fd, &m);
        ASSERT_TRUE(is_truncated(&m) && m.size < 512);
        stop();
}

TEST(next_upstream) {
        _cleanup_close_ int first = upstream_at(FIRST, SOCK_DGRAM), second = upstream_at(SECOND, SOCK_DGRAM),
                            third = upstream_at(THIRD, SOCK_DGRAM),
                            fourth = upstream_at("127.0.0.4", SOCK_DGRAM), fd = -EBADF;
        Question q;
        uint64_t begin;
        Message m;

        start(true, 4);
        fd = client(SOCK_DGRAM);
        ask_udp(fd, "example.com", DNS_TYPE_A);
        take_question(first, &q);
        answer_with(first, &q, 0x8182);
        take_question(second, &q);
        answer_with(second, &q, 0x8185);
        begin = now_usec(CLOCK_MONOTONIC);
        take_question(third, &q);
        /* It stays silent, and was the last of those that are asked. */
        ASSERT_TRUE(wait_for(fd, 4000));
        ASSERT_TRUE(now_usec(CLOCK_MONOTONIC) - begin > DNS_UPSTREAM_TIMEOUT_USEC * 9 / 10);
        receive_message(fd, &m);
        ASSERT_EQ(rcode(&m), DNS_RCODE_SERVFAIL);
        ASSERT_FALSE(wait_for(fourth, 0));
        /* Too late. */
        answer_with(third, &q, 0x8180);
        ASSERT_FALSE(wait_for(fd, 20));
        stop();
}

TEST(too_many_queries) {
        _cleanup_close_ int up = upstream_at(FIRST, SOCK_DGRAM), fd = -EBADF;
        Question first = {}, q;
        Message m;

        start(true, 1);
        fd = client(SOCK_DGRAM);
        for (unsigned i = 0; i < DNS_QUERIES_MAX; i++) {
                ask_udp(fd, "example.com", DNS_TYPE_A);
                take_question(up, i == 0 ? &first : &q);
        }
        ask_udp(fd, "example.com", DNS_TYPE_A);
        receive_message(fd, &m);
        ASSERT_EQ(rcode(&m), DNS_RCODE_REFUSED);
        ask_udp(fd, "web", DNS_TYPE_A);
        receive_message(fd, &m);
        ASSERT_EQ(rcode(&m), 0);
        answer_with(up, &first, 0x8180);
        receive_message(fd, &m);
        ASSERT_EQ(rcode(&m), 0);
        ask_udp(fd, "example.com", DNS_TYPE_A);
        take_question(up, &q);
        stop();                                         /* with all the others still open */
}

/* Whatever comes, others have their turn, and what nobody reads does not pile up with us. */
TEST(flood) {
        _cleanup_close_ int up = upstream_at(FIRST, SOCK_DGRAM), deaf = -EBADF, fd = -EBADF;
        struct rusage before, after;
        Message m;

        start(true, 1);
        deaf = client(SOCK_DGRAM);
        fd = client(SOCK_DGRAM);
        ASSERT_OK(getrusage(RUSAGE_SELF, &before));
        for (unsigned i = 0; i < 300; i++) {
                for (unsigned k = 0; k < 50; k++) {
                        make_query(&m, k % 2 ? "many" : "example.com", DNS_TYPE_A, 4096);
                        m.size -= k % 5;
                        (void) send(deaf, m.data, m.size, MSG_DONTWAIT);
                }
                ASSERT_OK(sd_event_run(event, 0));
        }
        while (ASSERT_OK(sd_event_run(event, 0)) > 0)
                ;
        ask_udp(fd, "web", DNS_TYPE_A);
        receive_message(fd, &m);
        ASSERT_EQ(n_answers(&m), 1);
        ASSERT_OK(getrusage(RUSAGE_SELF, &after));
        ASSERT_TRUE(after.ru_maxrss - before.ru_maxrss < 16 * 1024);
        stop();
}

TEST(tcp) {
        _cleanup_close_ int fd = -EBADF;
        uint8_t head[] = { 0, 0 };
        Message m, q;

        start(true, 0);
        fd = client(SOCK_STREAM);
        /* Several queries ahead, one byte at a time, and the client's end right behind them. */
        make_query(&q, "web", DNS_TYPE_A, 0);
        head[1] = (uint8_t) q.size;
        for (unsigned i = 0; i < 3; i++) {
                for (size_t k = 0; k < 2; k++, (void) sd_event_run(event, 0))
                        ASSERT_EQ(send(fd, head + k, 1, 0), 1);
                for (size_t k = 0; k < q.size; k++, (void) sd_event_run(event, 0))
                        ASSERT_EQ(send(fd, q.data + k, 1, 0), 1);
        }
        ASSERT_OK(shutdown(fd, SHUT_WR));
        for (unsigned i = 0; i < 3; i++) {
                receive_tcp(fd, &m);
                ASSERT_EQ(n_answers(&m), 1);
        }
        ASSERT_TRUE(is_closed(fd, 1000));
        safe_close(fd);

        /* What cannot be answered ends the connection; malformed queries do not. */
        fd = client(SOCK_STREAM);
        q.size = 15;
        send_tcp(fd, &q);
        receive_tcp(fd, &m);
        ASSERT_EQ(rcode(&m), DNS_RCODE_FORMERR);
        q.size = 0;
        send_tcp(fd, &q);
        ASSERT_TRUE(is_closed(fd, 1000));
        safe_close(fd);

        /* The largest query there is. */
        fd = client(SOCK_STREAM);
        memset(&q, 0, sizeof(q));
        make_query(&q, "web", DNS_TYPE_A, 0);
        q.size = DNS_TCP_SIZE_MAX;
        send_tcp(fd, &q);
        receive_tcp(fd, &m);
        ASSERT_EQ(rcode(&m), DNS_RCODE_FORMERR);
        stop();
}

TEST(tcp_forwarded) {
        _cleanup_close_ int udp = upstream_at(FIRST, SOCK_DGRAM), first = upstream_at(FIRST, SOCK_STREAM),
                            second = upstream_at(SECOND, SOCK_STREAM), fd = -EBADF, up = -EBADF;
        Message m, q;

        start(true, 2);
        fd = client(SOCK_STREAM);
        ask_tcp(fd, "example.com", 16);
        ask_tcp(fd, "web", DNS_TYPE_A);                 /* waits for its turn */
        up = accept_from(first);
        receive_tcp(up, &q);
        q.data[2] |= 0x80;
        q.data[0] ^= 1;
        send_tcp(up, &q);                               /* the wrong id: the next server */
        safe_close(up);
        up = accept_from(second);
        receive_tcp(up, &q);
        ASSERT_FALSE(wait_for(fd, 20));
        q.data[2] |= 0x80;
        memset(q.data + q.size, 'x', 40000);
        q.size += 40000;
        send_tcp(up, &q);
        receive_tcp(fd, &m);
        ASSERT_EQ(m.size, q.size);
        ASSERT_EQ(u16(m.data), 0xabcd);
        ASSERT_EQ(memcmp(m.data + 2, q.data + 2, q.size - 2), 0);
        receive_tcp(fd, &m);
        ASSERT_EQ(n_answers(&m), 1);
        ASSERT_FALSE(wait_for(udp, 0));

        /* A client that goes away while it waits takes its question along. */
        ask_tcp(fd, "example.com", 16);
        safe_close(up);
        up = accept_from(first);
        ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger) { .l_onoff = 1 },
                             sizeof(struct linger)), 0);
        fd = safe_close(fd);
        ASSERT_TRUE(is_closed_at_last(up));
        stop();
}

/* Slow ones, silent ones and those that never read, all at once; the next one waits for their end. */
TEST(tcp_limits) {
        int idle[DNS_CONNECTIONS_MAX];
        _cleanup_close_ int fd = -EBADF;
        uint64_t begin = now_usec(CLOCK_MONOTONIC);
        Message m;

        start(true, 0);
        for (unsigned i = 0; i < DNS_CONNECTIONS_MAX; i++) {
                idle[i] = client(SOCK_STREAM);
                if (i == 0)
                        ASSERT_EQ(setsockopt(idle[i], SOL_SOCKET, SO_RCVBUF, &(int){ 2048 }, sizeof(int)),
                                  0);
                while (ASSERT_OK(sd_event_run(event, 0)) > 0)
                        ;
        }
        make_query(&m, "many", DNS_TYPE_A, 0);
        for (unsigned i = 0; i < 20000; i++) {
                uint8_t both[2 + 64] = { 0, (uint8_t) m.size };

                memcpy(both + 2, m.data, m.size);
                if (send(idle[0], both, 2 + m.size, MSG_DONTWAIT) != (ssize_t) (2 + m.size))
                        break;
                (void) sd_event_run(event, 0);
        }

        fd = client(SOCK_STREAM);
        ask_tcp(fd, "web", DNS_TYPE_A);
        ASSERT_FALSE(wait_for(fd, 200));
        while (!wait_for(fd, 500)) {
                ASSERT_TRUE(now_usec(CLOCK_MONOTONIC) - begin < 2 * DNS_IDLE_USEC);
                (void) send(idle[1], "\x7f", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        ASSERT_TRUE(now_usec(CLOCK_MONOTONIC) - begin > DNS_IDLE_USEC * 9 / 10);
        receive_tcp(fd, &m);
        ASSERT_EQ(n_answers(&m), 1);
        for (unsigned i = 1; i < DNS_CONNECTIONS_MAX; i++)
                ASSERT_TRUE(is_closed(idle[i], 2000));
        for (unsigned i = 0; i < DNS_CONNECTIONS_MAX; i++)
                safe_close(idle[i]);
        stop();
}

/* Without descriptors the loop rests, and all goes on when there are some again. */
TEST(no_descriptors) {
        _cleanup_close_ int fd = -EBADF;
        struct rlimit limit, none;
        unsigned turns = 0;
        uint64_t end;
        Message m;

        start(true, 1);
        fd = client(SOCK_STREAM);
        ask_tcp(fd, "web", DNS_TYPE_A);
        ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
        none = (struct rlimit) { 3, limit.rlim_max };
        ASSERT_OK(setrlimit(RLIMIT_NOFILE, &none));
        end = now_usec(CLOCK_MONOTONIC) + 100 * USEC_PER_MSEC;
        while (now_usec(CLOCK_MONOTONIC) < end)
                turns += ASSERT_OK(sd_event_run(event, 10 * USEC_PER_MSEC)) > 0;
        ASSERT_TRUE(turns < 10);
        ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
        ASSERT_TRUE(wait_for(fd, 3000));
        receive_tcp(fd, &m);
        ASSERT_EQ(n_answers(&m), 1);
        stop();
}

static void print_time(const char *what, bool fresh) {
        uint64_t worst = 0, sum = 0;
        Netns kept = container;

        for (unsigned i = 0; i < 30; i++) {
                uint64_t begin;

                if (fresh)
                        ASSERT_OK(netns_make(root, &container));
                begin = now_usec(CLOCK_MONOTONIC);
                start(true, 3);
                begin = now_usec(CLOCK_MONOTONIC) - begin;
                stop();
                sum += begin;
                worst = max_size(worst, begin);
                if (fresh) {
                        ASSERT_OK(netns_remove(container.path));
                        netns_done(&container);
                }
        }
        container = kept;
        fprintf(stderr, "  %s: %llu us, %llu at worst\n", what, (unsigned long long) sum / 30,
                (unsigned long long) worst);
}

TEST(time) {
        print_time("in a new namespace", true);
        print_time("again", false);
}

/* --- */

static int link_loopback(void *userdata) {
        NetlinkBatch b;

        NETLINK_BATCH_INIT(&b);
        netlink_batch_link_up(&b, 1, true);
        return netlink_batch_send(userdata, &b, NULL);
}

static bool prepare(void) {
        Netlink *nl = NULL;
        bool ok;

        if (geteuid() != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            nft_transaction("add table inet probe", NULL) < 0)
                return false;
        ok = netlink_open(&nl) >= 0 && link_loopback(nl) >= 0;
        netlink_free(nl);
        return ok && mkdtemp(root) && sd_event_new(&event) >= 0 && netns_make(root, &container) >= 0;
}

int main(int argc, char *argv[]) {
        int r;

        if (!prepare()) {
                fprintf(stderr, "needs root, namespaces and nftables\n");
                return TEST_SKIP;
        }
        r = test_run_all(argc, argv);
        ASSERT_OK(netns_remove(container.path));
        netns_done(&container);
        sd_event_unref(event);
        ASSERT_OK(rmdir(root));
        return r;
}
