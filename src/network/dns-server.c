/* SPDX-License-Identifier: Apache-2.0 */
/* The DNS server that containers on user-defined networks ask: sockets, and what becomes of a query. */
#include "network/dns-server.h"

#include <linux/netfilter.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "basic/errno-util.h"
#include "basic/list.h"
#include "basic/string-util.h"
#include "network/dns-forward.h"
#include "network/dns-message.h"
#include "network/dns-stream.h"
#include "shared/namespace-util.h"
#include "shared/nft.h"

#define TABLE "inet " DNS_SERVER_TABLE

#define ACCEPT_RETRY_USEC USEC_PER_SEC  /* after descriptors or memory were out */

/* The kernel's usual range for ports that nobody chose: no service of a container is likely to want one. */
#define PORT_FIRST 32768U
#define PORT_LAST 60999U

/* Nothing is deleted where nothing is: closing the socket of a transaction that deletes waits until the
 * kernel has (an RCU grace period, 5 to 20 ms), and most namespaces are new. */
static const char rules_remove[] = "delete table " TABLE "\n";
/* Connection tracking translates answers back by itself. */
static const char rules[] =
        "%s"
        "table " TABLE " {\n"
        "        chain output {\n"
        "                type nat hook output priority -100; policy accept;\n"
        "                ip daddr " DNS_SERVER_ADDRESS " udp dport 53 dnat ip to " DNS_SERVER_ADDRESS ":%u\n"
        "                ip daddr " DNS_SERVER_ADDRESS " tcp dport 53 dnat ip to " DNS_SERVER_ADDRESS ":%u\n"
        "        }\n"
        "}\n";

typedef struct Connection Connection;
typedef struct Pending Pending;

/* Where a query came from: a connection, or else a UDP port. */
typedef struct Client {
        Connection *connection;
        struct sockaddr_in peer;
} Client;

/* A query that was put to others. */
struct Pending {
        DnsServer *server;
        Client client;
        DnsQuery query;
        DnsForward *forward;
        LIST_FIELDS(Pending, pending);
};

/* Reads a query, waits for its answer, sends that, and so on. */
struct Connection {
        DnsServer *server;
        DnsStream stream;
        sd_event_source *io, *timer;
        Pending *pending;               /* owned by the server */
        LIST_FIELDS(Connection, connections);
};

struct DnsServer {
        sd_event *event;
        DnsUpstream *upstreams;
        size_t n_upstreams;
        int netns_fd;
        const DnsServerOps *ops;
        void *userdata;

        int udp_fd, tcp_fd;             /* inside the namespace */
        sd_event_source *udp, *tcp, *accept_retry;
        Pending *pending;
        size_t n_pending;
        Connection *connections;
        size_t n_connections;
        size_t rotation;                /* answers with addresses given so far */
};

/* --- answers --- */

static Pending *pending_free(Pending *p) {
        if (!p)
                return NULL;
        LIST_REMOVE(pending, p->server->pending, p);
        p->server->n_pending--;
        if (p->client.connection)
                p->client.connection->pending = NULL;
        dns_forward_free(p->forward);
        return mfree(p);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(Pending *, pending_free);

static void connection_update(Connection *c) {
        uint32_t events = dns_stream_is_writing(&c->stream) ? EPOLLOUT : c->pending ? 0 : EPOLLIN;

        (void) sd_event_source_set_io_events(c->io, events);
}

/* The client has so long for what is its turn now. Not renewed by single bytes. */
static void connection_begin_turn(Connection *c) {
        (void) sd_event_source_set_time_relative(c->timer, DNS_IDLE_USEC);
        (void) sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
        connection_update(c);
}

/* The loop sends it; so a connection goes only from its own callbacks. Shut down, it is reported there. */
static void connection_send(Connection *c, const void *answer, size_t size) {
        if (dns_stream_put(&c->stream, answer, size) < 0)
                (void) shutdown(c->stream.fd, SHUT_RDWR);
        connection_begin_turn(c);
}

/* A UDP client that does not read loses its answers. */
static void send_answer(DnsServer *s, const Client *client, const void *answer, size_t size) {
        if (client->connection)
                connection_send(client->connection, answer, size);
        else
                (void) sendto(s->udp_fd, answer, size, MSG_DONTWAIT | MSG_NOSIGNAL,
                              (const struct sockaddr *) &client->peer, sizeof(client->peer));
}

static size_t answer_limit(const Client *client, const DnsQuery *q) {
        return client->connection ? DNS_TCP_SIZE_MAX : dns_query_udp_limit(q);
}

static int answer(DnsServer *s, const Client *client, const DnsQuery *q, const DnsAnswer *a) {
        uint8_t buffer[DNS_TCP_SIZE_MAX];
        int n;

        n = dns_answer_build(q, a, buffer, answer_limit(client, q));
        if (n < 0)
                return n;
        send_answer(s, client, buffer, (size_t) n);
        return 1;
}

static void answer_rcode(DnsServer *s, const Client *client, const DnsQuery *q, DnsRcode rcode) {
        (void) answer(s, client, q, &(DnsAnswer) { .rcode = rcode });
}

/* --- queries for others --- */

static void on_forwarded(uint8_t *data, size_t size, void *userdata) {
        _cleanup_(pending_freep) Pending *p = ASSERT_PTR(userdata);

        if (!data)
                answer_rcode(p->server, &p->client, &p->query, DNS_RCODE_SERVFAIL);
        else if (size > answer_limit(&p->client, &p->query))
                (void) answer(p->server, &p->client, &p->query, &(DnsAnswer) { .truncated = true });
        else
                send_answer(p->server, &p->client, data, size);
}

static int forward(DnsServer *s, const Client *client, const DnsQuery *q, const void *data, size_t size) {
        _cleanup_(pending_freep) Pending *p = NULL;
        int r;

        p = new(Pending, 1);
        if (!p)
                return -ENOMEM;
        *p = (Pending) { .server = s, .client = *client, .query = *q };
        LIST_PREPEND(pending, s->pending, p);
        s->n_pending++;
        r = dns_forward_new(&(DnsForwardConfig) {
                .event = s->event,
                .upstreams = s->upstreams,
                .n_upstreams = s->n_upstreams,
                .netns_fd = s->netns_fd,
                .query = &p->query,
                .packet = data,
                .size = size,
                .tcp = client->connection,
                .function = on_forwarded,
                .userdata = p,
        }, &p->forward);
        if (r < 0)
                return r;
        if (client->connection)
                client->connection->pending = p;
        TAKE_PTR(p);
        return 0;
}

/* Where nobody may be asked the code is Docker's, SERVFAIL: that a name does not exist (NXDOMAIN) is more
 * than we know, and clients would remember it; after REFUSED some would not come back to this server, not
 * for names of containers either. */
static void pass_on(DnsServer *s, const Client *client, const DnsQuery *q, const void *data, size_t size) {
        if (s->n_upstreams == 0)
                answer_rcode(s, client, q, DNS_RCODE_SERVFAIL);
        else if (s->n_pending >= DNS_QUERIES_MAX)
                answer_rcode(s, client, q, DNS_RCODE_REFUSED);
        else if (forward(s, client, q, data, size) < 0)
                answer_rcode(s, client, q, DNS_RCODE_SERVFAIL);
}

/* --- our own names; the functions return 1 if the query is answered, 0 if it is for others --- */

static int answer_address(DnsServer *s, const Client *client, const DnsQuery *q, const NetAddr *address) {
        _cleanup_free_ char *name = NULL;
        int r;

        r = s->ops->reverse(s->userdata, address, &name);
        return r <= 0 ? r : answer(s, client, q, &(DnsAnswer) { .name = name });
}

/* Of other types than addresses a name of ours has no records; it exists all the same. */
static int answer_name(DnsServer *s, const Client *client, const DnsQuery *q) {
        _cleanup_free_ NetAddr *addresses = NULL;
        size_t n = 0;
        int r;

        r = s->ops->resolve(s->userdata, q->name, &addresses, &n);
        if (r <= 0)
                return r;
        if (q->type != DNS_TYPE_A)
                n = 0;
        return answer(s, client, q, &(DnsAnswer) {
                .addresses = addresses, .n_addresses = n, .first = n > 0 ? s->rotation++ : 0,
        });
}

static int answer_own(DnsServer *s, const Client *client, const DnsQuery *q) {
        NetAddr address;

        if (q->class != DNS_CLASS_IN || isempty(q->name))
                return 0;
        if (q->type == DNS_TYPE_PTR && dns_reverse_parse(q->name, &address) > 0)
                return answer_address(s, client, q, &address);
        return answer_name(s, client, q);
}

/* -EBADMSG if nothing can be answered. */
static int handle(DnsServer *s, const Client *client, const void *data, size_t size) {
        DnsQuery q;
        int r;

        r = dns_query_parse(data, size, &q);
        if (r < 0)
                return r;
        if (r > 0) {
                answer_rcode(s, client, &q, r);
                return 0;
        }
        r = answer_own(s, client, &q);
        if (r < 0)
                answer_rcode(s, client, &q, DNS_RCODE_SERVFAIL);
        else if (r == 0)
                pass_on(s, client, &q, data, size);
        return 0;
}

/* --- UDP --- */

static int on_datagram(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        DnsServer *s = ASSERT_PTR(userdata);
        uint8_t buffer[DNS_UDP_SIZE_MAX];

        for (unsigned i = 0; i < DNS_MESSAGES_PER_TURN; i++) {
                Client client = {};
                socklen_t length = sizeof(client.peer);
                ssize_t n;

                n = recvfrom(fd, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC,
                             (struct sockaddr *) &client.peer, &length);
                if (n < 0)
                        break;
                /* A longer one is no query of anybody's. */
                if ((size_t) n <= sizeof(buffer))
                        (void) handle(s, &client, buffer, (size_t) n);
        }
        return 0;
}

/* --- TCP --- */

static void accept_again(DnsServer *s) {
        (void) sd_event_source_set_enabled(s->tcp, SD_EVENT_ON);
}

static Connection *connection_free(Connection *c) {
        if (!c)
                return NULL;
        pending_free(c->pending);
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->timer);
        dns_stream_done(&c->stream);
        LIST_REMOVE(connections, c->server->connections, c);
        c->server->n_connections--;
        accept_again(c->server);
        return mfree(c);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(Connection *, connection_free);

static int connection_read(Connection *c) {
        const uint8_t *data;
        size_t size;
        int r;

        r = dns_stream_read(&c->stream, &data, &size);
        if (r <= 0)
                return r;
        r = handle(c->server, &(Client) { .connection = c }, data, size);
        connection_begin_turn(c);
        return r;
}

static int connection_write(Connection *c) {
        int r;

        r = dns_stream_write(&c->stream);
        if (r > 0)
                connection_begin_turn(c);
        return r;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Connection *c = ASSERT_PTR(userdata);
        int r = 0;

        if (revents & (EPOLLERR | EPOLLHUP))
                r = -ECONNRESET;
        else if (dns_stream_is_writing(&c->stream))
                r = connection_write(c);
        else if (!c->pending)
                r = connection_read(c);
        if (r < 0)
                connection_free(c);
        return 0;
}

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata) {
        connection_free(ASSERT_PTR(userdata));
        return 0;
}

static int connection_add_sources(Connection *c) {
        int r;

        r = sd_event_add_io(c->server->event, &c->io, c->stream.fd, EPOLLIN, on_connection, c);
        if (r >= 0)
                r = sd_event_source_set_priority(c->io, DNS_EVENT_PRIORITY);
        if (r >= 0)
                r = sd_event_add_time(c->server->event, &c->timer, CLOCK_MONOTONIC, 0, 0, on_idle, c);
        if (r >= 0)
                r = sd_event_source_set_priority(c->timer, DNS_EVENT_PRIORITY);
        if (r >= 0)
                connection_begin_turn(c);
        return r;
}

/* Takes fd. */
static int connection_new(DnsServer *s, int fd) {
        _cleanup_(connection_freep) Connection *c = NULL;
        int r;

        c = new(Connection, 1);
        if (!c) {
                safe_close(fd);
                return -ENOMEM;
        }
        *c = (Connection) { .server = s, .stream = DNS_STREAM_NULL };
        c->stream.fd = fd;
        LIST_PREPEND(connections, s->connections, c);
        s->n_connections++;
        r = connection_add_sources(c);
        if (r < 0)
                return r;
        TAKE_PTR(c);
        return 0;
}

static int on_accept_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        accept_again(ASSERT_PTR(userdata));
        return 0;
}

/* Without descriptors the loop would tell of the same connection for ever. */
static void accept_later(DnsServer *s) {
        (void) sd_event_source_set_enabled(s->tcp, SD_EVENT_OFF);
        (void) sd_event_source_set_time_relative(s->accept_retry, ACCEPT_RETRY_USEC);
        (void) sd_event_source_set_enabled(s->accept_retry, SD_EVENT_ONESHOT);
}

static int on_listener(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        DnsServer *s = ASSERT_PTR(userdata);
        int connection;

        if (s->n_connections >= DNS_CONNECTIONS_MAX)
                return sd_event_source_set_enabled(s->tcp, SD_EVENT_OFF);
        connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (connection < 0 && errno_is_resource(-errno))
                accept_later(s);
        else if (connection >= 0)
                (void) connection_new(s, connection);
        return 0;
}

/* --- the namespace --- */

typedef struct Inside {
        DnsServer *server;
        uint16_t port;                  /* to be tried before any other */
        Error *reterr;
} Inside;

/* The same for every server of a namespace, if it is free: connection tracking goes on sending a client that
 * keeps its source port to where it was first translated to, also after the daemon has come back. */
static int preferred_port(int netns_fd, uint16_t *ret) {
        struct stat st;

        if (fstat(netns_fd, &st) < 0)
                return -errno;
        *ret = (uint16_t) (PORT_FIRST + st.st_ino % (PORT_LAST - PORT_FIRST + 1));
        return 0;
}

static int bind_port(int fd, uint16_t port) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
        NetAddr address;
        int r;

        r = net_addr_parse(DNS_SERVER_ADDRESS, &address);
        if (r < 0)
                return r;
        a.sin_addr = address.in;
        return RET_NERRNO(bind(fd, (struct sockaddr *) &a, sizeof(a)));
}

static int bound_port(int fd, uint16_t *ret) {
        struct sockaddr_in a;
        socklen_t length = sizeof(a);

        if (getsockname(fd, (struct sockaddr *) &a, &length) < 0)
                return -errno;
        *ret = ntohs(a.sin_port);
        return 0;
}

static int open_socket(int type, uint16_t preferred, int *ret_fd, uint16_t *ret_port) {
        _cleanup_close_ int fd = -EBADF;
        int r, one = 1;

        fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        /* Connections of the last server must not keep its port. With UDP it would let others share it. */
        if (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
                return -errno;
        r = bind_port(fd, preferred);
        if (r == -EADDRINUSE)
                r = bind_port(fd, 0);
        if (r >= 0 && type == SOCK_STREAM)
                r = RET_NERRNO(listen(fd, DNS_CONNECTIONS_MAX));
        if (r >= 0)
                r = bound_port(fd, ret_port);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int setup_inside(void *userdata) {
        Inside *i = ASSERT_PTR(userdata);
        _cleanup_free_ char *text = NULL;
        uint16_t udp_port, tcp_port;
        int r;

        r = open_socket(SOCK_DGRAM, i->port, &i->server->udp_fd, &udp_port);
        if (r >= 0)
                r = open_socket(SOCK_STREAM, i->port, &i->server->tcp_fd, &tcp_port);
        if (r >= 0)
                r = nft_table_exists(NFPROTO_INET, DNS_SERVER_TABLE);
        if (r >= 0)
                r = asprintf_safe(&text, rules, r > 0 ? rules_remove : "", udp_port, tcp_port);
        return r < 0 ? r : nft_transaction(text, i->reterr);
}

static int enter_and_setup(DnsServer *s, const char *netns_path, Error *reterr) {
        Inside inside = { .server = s, .reterr = reterr };
        int r;

        r = netns_open(netns_path, &s->netns_fd);
        if (r >= 0)
                r = preferred_port(s->netns_fd, &inside.port);
        return r < 0 ? r : netns_run(s->netns_fd, setup_inside, &inside);
}

/* --- the server --- */

static int add_sources(DnsServer *s) {
        int r;

        r = sd_event_add_io(s->event, &s->udp, s->udp_fd, EPOLLIN, on_datagram, s);
        if (r >= 0)
                r = sd_event_add_io(s->event, &s->tcp, s->tcp_fd, EPOLLIN, on_listener, s);
        if (r >= 0)
                r = sd_event_add_time(s->event, &s->accept_retry, CLOCK_MONOTONIC, 0, 0, on_accept_retry, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->accept_retry, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(s->udp, DNS_EVENT_PRIORITY);
        if (r >= 0)
                r = sd_event_source_set_priority(s->tcp, DNS_EVENT_PRIORITY);
        return r;
}

static int copy_upstreams(DnsServer *s, const DnsServerConfig *config) {
        s->n_upstreams = min_size(config->n_upstreams, DNS_UPSTREAMS_MAX);
        s->upstreams = new(DnsUpstream, max_size(s->n_upstreams, 1));
        if (!s->upstreams)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_upstreams; i++)
                s->upstreams[i] = config->upstreams[i];
        return 0;
}

int dns_server_new(const DnsServerConfig *config, DnsServer **ret, Error *reterr) {
        _cleanup_(dns_server_freep) DnsServer *s = NULL;
        int r;

        assert(config);
        assert(config->event);
        assert(config->netns_path);
        assert(config->ops);
        assert(ret);

        s = new(DnsServer, 1);
        if (!s)
                return error_fill(reterr, -ENOMEM);
        *s = (DnsServer) {
                .event = config->event,
                .ops = config->ops,
                .userdata = config->userdata,
                .netns_fd = -EBADF,
                .udp_fd = -EBADF,
                .tcp_fd = -EBADF,
        };
        r = copy_upstreams(s, config);
        if (r >= 0)
                r = enter_and_setup(s, config->netns_path, reterr);
        if (r >= 0)
                r = add_sources(s);
        if (r < 0)
                return error_prefixf(reterr, r, "failed to set up the DNS server in %s", config->netns_path);

        *ret = TAKE_PTR(s);
        return 0;
}

DnsServer *dns_server_free(DnsServer *s) {
        if (!s)
                return NULL;
        LIST_FOREACH(connections, c, s->connections)
                connection_free(c);
        LIST_FOREACH(pending, p, s->pending)
                pending_free(p);
        sd_event_source_disable_unref(s->udp);
        sd_event_source_disable_unref(s->tcp);
        sd_event_source_disable_unref(s->accept_retry);
        safe_close(s->netns_fd);
        safe_close(s->udp_fd);
        safe_close(s->tcp_fd);
        free(s->upstreams);
        return mfree(s);
}
