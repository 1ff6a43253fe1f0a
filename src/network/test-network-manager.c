/* SPDX-License-Identifier: Apache-2.0 */
/* The whole of it with real traffic, in network and mount namespaces of its own; needs root and nftables.
 * The "host" is the namespace the test runs in, the "neighbour" one on the host's other interface. */
#include "network/network-manager.h"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/fileio.h"
#include "basic/path-util.h"
#include "basic/tests.h"
#include "basic/time-util.h"
#include "network/network-manager-private.h"
#include "shared/namespace-util.h"
#include "shared/nft.h"
#include "store/store.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ID_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define HOST "192.0.2.1"
#define NEIGHBOUR "192.0.2.2"

static char root[] = "/tmp/test-network-XXXXXX";
static sd_event *event;
static Store *store;
static Netlink *netlink;
static int neighbour = -EBADF;

/* --- helpers --- */

static NetworkManager *start_with(const DaemonNetworkConfig *config) {
        _cleanup_error_ Error error = ERROR_NULL;
        NetworkManager *m = NULL;

        if (network_manager_new(config, root, store, event, &m, &error) < 0 ||
            network_manager_start(m, &error) < 0)
                test_fail("%s", error_message(&error));
        return m;
}

static const DaemonNetworkConfig default_config = {
        .icc = true, .ip_forward = true, .ip_masq = true, .iptables = true, .mtu = 1500,
};

static NetworkManager *start(void) {
        return start_with(&default_config);
}

static void finish(NetworkManager *m) {
        _cleanup_error_ Error error = ERROR_NULL;

        if (network_manager_teardown(m, &error) < 0)
                test_fail("%s", error_message(&error));
        network_manager_free(m);
}

static void turn(unsigned n) {
        for (unsigned i = 0; i < n; i++)
                if (ASSERT_OK(sd_event_run(event, 0)) == 0)
                        return;
}

static Endpoint *connect_ports(NetworkManager *m, const char *id, const PortBindingRequest *ports,
                               size_t n_ports) {
        EndpointParams p = {
                .container_id = id,
                .container_name = "name",
                .network = "bridge",
                .default_route = true,
                .ports = ports,
                .n_ports = n_ports,
        };
        _cleanup_error_ Error error = ERROR_NULL;
        Endpoint *e = NULL;

        if (sandbox_new(m, id, NULL, &error) < 0 || endpoint_connect(m, &p, &e, &error) < 0)
                test_fail("%s", error_message(&error));
        return e;
}

static void check_address(const Endpoint *e, const char *expected) {
        char buf[NET_PREFIX_TEXT_MAX];

        ASSERT_STREQ(net_prefix_format(buf, &e->address), expected);
}

typedef struct SocketRequest {
        int type;
        int fd;
} SocketRequest;

static int open_socket(void *userdata) {
        SocketRequest *r = userdata;

        r->fd = socket(AF_INET, r->type|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);
        return r->fd;
}

/* A socket inside the namespace; here if netns_fd is negative. */
static int socket_in(int netns_fd, int type) {
        SocketRequest r = { .type = type };

        if (netns_fd < 0)
                return ASSERT_OK(open_socket(&r));
        ASSERT_OK(netns_run(netns_fd, open_socket, &r));
        return r.fd;
}

static struct sockaddr_in sockaddr(const char *ip, uint16_t port) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
        NetAddr a;

        ASSERT_OK(net_addr_parse(ip, &a));
        in.sin_addr = a.in;
        return in;
}

static int listen_in(int netns_fd, const char *ip, uint16_t port) {
        struct sockaddr_in in = sockaddr(ip, port);
        int fd = socket_in(netns_fd, SOCK_STREAM), one = 1;

        ASSERT_OK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
        ASSERT_OK(bind(fd, (struct sockaddr *) &in, sizeof(in)));
        ASSERT_OK(listen(fd, 8));
        return fd;
}

/* Longer than a second: on a busy machine the first packet may be lost while the bridge finds out that the
 * port has its carrier, and the kernel sends the next one after a second. */
#define REACH_MSEC 1500

/* Does a connection from that namespace get through? ret_peer: as whom the listener
 * sees it. */
static bool reaches_as(int netns_fd, const char *ip, uint16_t port, int listener, char *ret_peer) {
        struct sockaddr_in in = sockaddr(ip, port), peer = {};
        _cleanup_close_ int fd = socket_in(netns_fd, SOCK_STREAM), accepted = -EBADF;
        socklen_t size = sizeof(peer), int_size = sizeof(int);
        struct pollfd p = { .fd = fd, .events = POLLOUT }, l = { .fd = listener, .events = POLLIN };
        int error = 0;

        (void) connect(fd, (struct sockaddr *) &in, sizeof(in));
        if (poll(&p, 1, REACH_MSEC) <= 0)
                return false;
        ASSERT_OK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &int_size));
        if (error != 0)
                return false;
        (void) poll(&l, 1, 500);
        accepted = accept4(listener, (struct sockaddr *) &peer, &size, SOCK_CLOEXEC);
        if (accepted < 0)
                return false;
        if (ret_peer)
                net_addr_format(ret_peer, &(NetAddr) { .family = AF_INET, .in = peer.sin_addr });
        return true;
}

static bool reaches(int netns_fd, const char *ip, uint16_t port, int listener) {
        return reaches_as(netns_fd, ip, port, listener, NULL);
}

static int sandbox_netns(NetworkManager *m, const char *id) {
        int fd = -EBADF;

        ASSERT_OK(netns_open(ASSERT_NOT_NULL(sandbox_find(m, id))->path, &fd));
        return fd;
}

static bool link_exists(const char *name) {
        LinkInfo l;

        return netlink_link_get(netlink, name, &l) >= 0;
}

static unsigned n_names(void) {
        _cleanup_free_ char *command = strjoin("exit $(ls ", root, "/netns | wc -l)");
        int status = system(command);

        return WEXITSTATUS(status);
}

static int count_record(const char *key, const char *json, void *userdata) {
        ++*(unsigned *) userdata;
        return 0;
}

static unsigned n_leases(void) {
        unsigned n = 0;

        ASSERT_OK(store_foreach(store, STORE_LEASE, count_record, &n, NULL));
        return n;
}

/* --- tests --- */

TEST(default_networks) {
        _cleanup_(NetworkInspect_donep) NetworkInspect i = {};
        _cleanup_error_ Error error = ERROR_NULL;
        _cleanup_free_ char *text = NULL, *id = NULL;
        char prefix[5] = {};
        NetworkManager *m = start();
        Network *n;

        ASSERT_OK(network_manager_find(m, "bridge", &n, NULL));
        id = strdup(network_id(n));
        memcpy(prefix, id, 4);
        ASSERT_OK(network_manager_find(m, prefix, &n, NULL));
        ASSERT_STREQ(network_name(n), "bridge");
        ASSERT_OK(network_inspect(n, true, &i));
        text = json_encode_text(&NetworkInspect_json, &i, 0);
        ASSERT_NOT_NULL(strstr(
                        text,
                        "\"Scope\":\"local\",\"Driver\":\"bridge\",\"EnableIPv4\":true,\"EnableIPv6\":false,"
                        "\"IPAM\":{\"Driver\":\"default\",\"Options\":null,"
                        "\"Config\":[{\"Subnet\":\"172.17.0.0/16\","
                        "\"Gateway\":\"172.17.0.1\"}]},\"Internal\":false,\"Attachable\":false,"
                        "\"Ingress\":false,"
                        "\"ConfigFrom\":{\"Network\":\"\"},\"ConfigOnly\":false,\"Containers\":{},"
                        "\"Options\":{\"com.docker.network.bridge.default_bridge\":\"true\","
                        "\"com.docker.network.bridge.enable_icc\":\"true\","
                        "\"com.docker.network.bridge.enable_ip_masquerade\":\"true\","
                        "\"com.docker.network.bridge.host_binding_ipv4\":\"0.0.0.0\","
                        "\"com.docker.network.bridge.name\":\"docker0\","
                        "\"com.docker.network.driver.mtu\":\"1500\"},\"Labels\":{}}"));

        ASSERT_FAIL(network_manager_find(m, "nosuch", &n, &error));
        ASSERT_STREQ(error_message(&error), "network nosuch not found");
        ASSERT_OK(network_manager_find(m, "host", &n, &error));
        ASSERT_FAIL(network_remove(m, n, &error));
        ASSERT_STREQ(error_message(&error), "host is a pre-defined network and cannot be removed");
        ASSERT_FAIL(network_create(m, &(NetworkCreateRequest) { .name = (char *) "bridge" }, &n, &error));
        ASSERT_EQ(error.kind, ERROR_FORBIDDEN);
        finish(m);
        ASSERT_FALSE(link_exists("docker0"));

        /* The ids and the subnet are the same ever after. */
        m = start();
        ASSERT_OK(network_manager_find(m, "bridge", &n, NULL));
        ASSERT_STREQ(network_id(n), id);
        network_manager_free(m);
        m = start();
        finish(m);
}

static unsigned n_matches(NetworkManager *m, const char *filter) {
        _cleanup_error_ Error error = ERROR_NULL;
        NetworkListParams p = {};
        unsigned n = 0;

        ASSERT_EQ(json_set_from_text(&NetworkListParams_json, &p, JSON_IN_QUERY, "filters", filter, NULL),
                  1);
        if (network_filters_check(&p.filters, &error) < 0)
                n = 99;
        else
                for (size_t i = 0; i < m->n_networks; i++)
                        n += network_matches(m->networks[i], &p.filters);
        json_done(&NetworkListParams_json, &p);
        return n;
}

TEST(filters) {
        static const struct {
                const char *filter;
                unsigned n;
        } cases[] = {
                { "{}",                                          3  },
                { "{\"name\":[\"o\"]}",                          2  },
                { "{\"name\":[\"^host$\"]}",                     1  },
                { "{\"name\":[\"host\",\"bridge\"]}",            2  },
                { "{\"name\":{\"host\":true}}",                  1  },
                { "{\"driver\":[\"null\"]}",                     1  },
                { "{\"scope\":[\"local\"]}",                     3  },
                { "{\"scope\":[\"swarm\"]}",                     0  },
                { "{\"type\":[\"builtin\"]}",                    3  },
                { "{\"type\":[\"custom\"]}",                     0  },
                { "{\"type\":[\"x\"]}",                          99 },
                { "{\"dangling\":[\"true\"]}",                   0  },
                { "{\"dangling\":[\"x\"]}",                      99 },
                { "{\"label\":[\"a\"]}",                         0  },
                { "{\"name\":[\"(((a{9}){9}){9}){9}\"]}",        0  },
                { "{\"nosuch\":[\"a\"]}",                        99 },
        };
        NetworkManager *m = start();

        FOREACH_ELEMENT(c, cases)
                if (n_matches(m, c->filter) != c->n)
                        test_fail("%s: %u", c->filter, n_matches(m, c->filter));
        finish(m);
}

TEST(endpoint) {
        _cleanup_(NetworkInspect_donep) NetworkInspect i = {};
        _cleanup_close_ int a = -EBADF, b = -EBADF, in_a = -EBADF, here = -EBADF, outside = -EBADF;
        NetworkManager *m = start();
        char mac[MAC_ADDR_TEXT_MAX], peer[NET_ADDR_TEXT_MAX], interface[16];
        Endpoint *e;
        Network *n;
        usec_t t;

        turn(10);
        ASSERT_EQ(n_names(), NETNS_READY);
        t = now_usec(CLOCK_MONOTONIC);
        e = connect_ports(m, ID_A, NULL, 0);
        fprintf(stderr, "  bridge endpoint: %llu us\n",
                (unsigned long long) (now_usec(CLOCK_MONOTONIC) - t));
        check_address(e, "172.17.0.2/16");
        ASSERT_STREQ(mac_addr_format(mac, &e->mac), "02:42:ac:11:00:02");
        ASSERT_TRUE(connect_ports(m, ID_A, NULL, 0) == e);
        (void) snprintf(interface, sizeof(interface), "%s", e->interface);
        ASSERT_TRUE(link_exists(interface));
        check_address(connect_ports(m, ID_B, NULL, 0), "172.17.0.3/16");
        ASSERT_EQ(n_leases(), 2);

        ASSERT_OK(network_manager_find(m, "bridge", &n, NULL));
        ASSERT_OK(network_inspect(n, true, &i));
        ASSERT_EQ(i.containers.n_items, 2);
        ASSERT_STREQ(i.containers.items[0].key, ID_A);
        ASSERT_STREQ(i.containers.items[0].value.ipv4_address, "172.17.0.2/16");

        a = sandbox_netns(m, ID_A);
        b = sandbox_netns(m, ID_B);
        in_a = listen_in(a, "0.0.0.0", 80);
        here = listen_in(-EBADF, "0.0.0.0", 81);
        outside = listen_in(neighbour, "0.0.0.0", 82);
        ASSERT_TRUE(reaches(-EBADF, "172.17.0.2", 80, in_a));
        ASSERT_TRUE(reaches_as(b, "172.17.0.2", 80, in_a, peer));
        ASSERT_STREQ(peer, "172.17.0.3");
        ASSERT_TRUE(reaches_as(a, "172.17.0.1", 81, here, peer));
        ASSERT_STREQ(peer, "172.17.0.2");
        ASSERT_TRUE(reaches(a, "127.0.0.1", 80, in_a));
        /* Masqueraded on the way out, nothing on the way in. */
        ASSERT_TRUE(reaches_as(a, NEIGHBOUR, 82, outside, peer));
        ASSERT_STREQ(peer, HOST);
        ASSERT_FALSE(reaches(neighbour, "172.17.0.2", 80, in_a));

        ASSERT_OK(sandbox_free(m, ID_A, NULL));
        ASSERT_OK(sandbox_free(m, ID_A, NULL));
        ASSERT_NULL(sandbox_find(m, ID_A));
        ASSERT_EQ(n_leases(), 1);
        ASSERT_FALSE(reaches(b, "172.17.0.2", 80, in_a));
        /* The address is free again; the link goes when nobody holds the namespace, or by us. */
        check_address(connect_ports(m, ID_C, NULL, 0), "172.17.0.2/16");
        ASSERT_TRUE(link_exists(interface));
        ASSERT_OK(sd_event_source_set_time(m->stale_source, 0));
        turn(10);
        ASSERT_FALSE(link_exists(interface));
        finish(m);
        ASSERT_EQ(n_leases(), 0);
        ASSERT_EQ(n_names(), 0);
}

TEST(none_and_host) {
        EndpointParams p = { .container_id = ID_A, .container_name = "a", .network = "none" };
        _cleanup_close_ int a = -EBADF, in_a = -EBADF;
        _cleanup_error_ Error error = ERROR_NULL;
        NetworkManager *m = start();
        Endpoint *e;

        ASSERT_FAIL(endpoint_connect(m, &p, &e, &error));
        ASSERT_STREQ(error_message(&error),
                     "failed to set up container networking: container " ID_A " has no network namespace");
        ASSERT_OK(sandbox_new(m, ID_A, NULL, NULL));
        ASSERT_OK(endpoint_connect(m, &p, &e, NULL));
        ASSERT_FALSE(net_addr_is_set(&e->address.addr));
        a = sandbox_netns(m, ID_A);
        in_a = listen_in(a, "127.0.0.1", 80);
        ASSERT_TRUE(reaches(a, "127.0.0.1", 80, in_a));
        ASSERT_FALSE(reaches(a, HOST, 80, in_a));
        p.network = "host";
        ASSERT_FAIL(endpoint_connect(m, &p, &e, NULL));

        p.container_id = ID_B;
        ASSERT_OK(endpoint_connect(m, &p, &e, NULL));
        ASSERT_NULL(sandbox_find(m, ID_B)->path);
        ASSERT_EQ(n_leases(), 2);
        p.network = "nosuch";
        ASSERT_FAIL(endpoint_connect(m, &p, &e, &error));
        ASSERT_STREQ(error_message(&error),
                     "failed to set up container networking: network nosuch not found");
        ASSERT_OK(sandbox_free(m, ID_B, NULL));
        finish(m);
        ASSERT_EQ(n_leases(), 0);
}

static void check_ports(void) {
        PortBindingRequest ports[] = {
                { .protocol = PORT_TCP,
                  .container_port = 80,
                  .host_port_first = 8080,
                  .host_port_last = 8080 },
                { .protocol = PORT_TCP,
                  .container_port = 80,
                  .host_ip = "127.0.0.1",
                  .host_port_first = 8081,
                  .host_port_last = 8081 },
                { .protocol = PORT_TCP, .container_port = 80 },
        };
        _cleanup_close_ int a = -EBADF, b = -EBADF, in_a = -EBADF, here = -EBADF, stolen = -EBADF;
        _cleanup_error_ Error error = ERROR_NULL;
        NetworkManager *m = start();
        char peer[NET_ADDR_TEXT_MAX];
        EndpointParams p = { .container_id = ID_B,
                             .container_name = "b",
                             .network = "bridge",
                             .ports = ports,
                             .n_ports = 1 };
        uint16_t ephemeral;
        Endpoint *e;

        connect_ports(m, ID_A, ports, 3);
        a = sandbox_netns(m, ID_A);
        in_a = listen_in(a, "0.0.0.0", 80);
        ephemeral = sandbox_find(m, ID_A)->ports[2].host_port;

        /* A second one of the same port: Docker's words, nothing left. */
        ASSERT_OK(sandbox_new(m, ID_B, NULL, NULL));
        ASSERT_FAIL(endpoint_connect(m, &p, &e, &error));
        ASSERT_NOT_NULL(startswith(error_message(&error),
                                   "failed to set up container networking: driver failed programming "
                                   "external connectivity on endpoint b ("));
        ASSERT_TRUE(endswith(error_message(&error),
                             "): Bind for 0.0.0.0:8080 failed: port is already allocated"));
        ASSERT_EQ(n_leases(), 1);
        check_address(connect_ports(m, ID_B, NULL, 0), "172.17.0.3/16");
        b = sandbox_netns(m, ID_B);

        /* 0.0.0.0: from outside, from the host by any of its names, from containers, from itself. */
        ASSERT_TRUE(reaches_as(neighbour, HOST, 8080, in_a, peer));
        ASSERT_STREQ(peer, NEIGHBOUR);
        ASSERT_TRUE(reaches(neighbour, HOST, ephemeral, in_a));
        ASSERT_TRUE(reaches(-EBADF, HOST, 8080, in_a));
        ASSERT_TRUE(reaches(-EBADF, "127.0.0.1", 8080, in_a));
        ASSERT_TRUE(reaches(-EBADF, "172.17.0.1", 8080, in_a));
        ASSERT_TRUE(reaches(b, HOST, 8080, in_a));
        ASSERT_TRUE(reaches(b, "172.17.0.1", 8080, in_a));
        ASSERT_TRUE(reaches(a, HOST, 8080, in_a));
        /* 127.0.0.1: the host alone, whatever routes others have. */
        ASSERT_TRUE(reaches(-EBADF, "127.0.0.1", 8081, in_a));
        ASSERT_FALSE(reaches(neighbour, HOST, 8081, in_a));
        ASSERT_FALSE(reaches(neighbour, "127.0.0.1", 8081, in_a));
        ASSERT_FALSE(reaches(b, HOST, 8081, in_a));
        ASSERT_FALSE(reaches(neighbour, "172.17.0.2", 80, in_a));
        /* route_localnet does not open the host's loopback to containers. */
        here = listen_in(-EBADF, "127.0.0.1", 83);
        ASSERT_FALSE(reaches(b, "127.0.0.1", 83, here));

        /* The same after somebody flushed it all. */
        ASSERT_OK(nft_transaction("flush ruleset", NULL));
        turn(10);
        ASSERT_TRUE(reaches(neighbour, HOST, 8080, in_a));
        ASSERT_FALSE(reaches(neighbour, "172.17.0.2", 80, in_a));
        ASSERT_TRUE(reaches(-EBADF, "127.0.0.1", 8081, in_a));

        /* And after a restart of the daemon, without a gap. */
        network_manager_free(m);
        ASSERT_TRUE(reaches(neighbour, HOST, 8080, in_a));
        m = start();
        ASSERT_TRUE(reaches(neighbour, HOST, 8080, in_a));
        ASSERT_OK(network_manager_reconcile(m, (char *[]) { (char *) ID_A, (char *) ID_B, NULL }, NULL));
        ASSERT_TRUE(reaches(neighbour, HOST, 8080, in_a));
        ASSERT_FAIL(portmap_reserve(m->portmap, PORT_TCP, &(NetAddr) { .family = AF_INET }, 8080, NULL));
        stolen = socket_in(-EBADF, SOCK_STREAM);
        struct sockaddr_in in = sockaddr("0.0.0.0", 8080);
        ASSERT_FAIL(bind(stolen, (struct sockaddr *) &in, sizeof(in)));

        ASSERT_OK(sandbox_free(m, ID_A, NULL));
        ASSERT_FALSE(reaches(neighbour, HOST, 8080, in_a));
        ASSERT_OK(bind(stolen, (struct sockaddr *) &in, sizeof(in)));
        finish(m);
}

#define BRIDGE_NF "/proc/sys/net/bridge/bridge-nf-call-iptables"

/* br_netfilter, if it is loaded, sends bridged packets through the rules as well; other engines load it. */
TEST(ports) {
        check_ports();
        if (write_string_file(BRIDGE_NF, "0") >= 0) {
                check_ports();
                ASSERT_OK(write_string_file(BRIDGE_NF, "1"));
        }
}

TEST(crash) {
        _cleanup_close_ int a = -EBADF;
        char gone[16], kept[16];
        NetworkManager *m = start();
        char *path, *unknown;

        turn(10);
        (void) snprintf(gone, sizeof(gone), "%s", connect_ports(m, ID_A, NULL, 0)->interface);
        (void) snprintf(kept, sizeof(kept), "%s", connect_ports(m, ID_B, NULL, 0)->interface);
        turn(10);
        a = sandbox_netns(m, ID_A);     /* keeps the namespace alive */
        unknown = strjoin(root, "/netns/0123456789ab");
        ASSERT_OK(netns_create(unknown, NULL, NULL, NULL));

        /* A veth of another engine on the same bridge. */
        NetlinkBatch b;
        LinkInfo l;
        ASSERT_OK(netlink_link_get(netlink, "docker0", &l));
        NETLINK_BATCH_INIT(&b);
        netlink_batch_veth_new(&b, &(VethParams){ .name = "vethforeign",
                                                  .master = l.index,
                                                  .peer_name = "x",
                                                  .peer_netns_fd = neighbour });
        ASSERT_OK(netlink_batch_send(netlink, &b, NULL));

        /* As after kill -9: nothing cleaned up, also not what the pool had ready. */
        path = strdup(sandbox_find(m, ID_A)->path);
        network_manager_free(m);
        ASSERT_EQ(n_names(), 3);

        m = start();
        check_address(connect_ports(m, ID_C, NULL, 0), "172.17.0.4/16");
        ASSERT_OK(network_manager_reconcile(m, (char *[]) { (char *) ID_B, (char *) ID_C, NULL }, NULL));
        ASSERT_NULL(sandbox_find(m, ID_A));
        ASSERT_NOT_NULL(sandbox_find(m, ID_B));
        ASSERT_EQ(n_leases(), 2);
        ASSERT_EQ(access(path, F_OK), -1);
        ASSERT_EQ(access(unknown, F_OK), -1);
        ASSERT_OK(sd_event_source_set_time(m->stale_source, 0));
        turn(20);
        ASSERT_FALSE(link_exists(gone));
        ASSERT_TRUE(link_exists(kept));
        ASSERT_TRUE(link_exists("vethforeign"));
        /* 172.17.0.2 is free again, .3 and .4 are not. */
        check_address(connect_ports(m, ID_A, NULL, 0), "172.17.0.2/16");
        ASSERT_OK(sandbox_free(m, ID_A, NULL));

        /* What an earlier daemon made is not trusted for a new start. */
        (void) snprintf(gone, sizeof(gone), "%s", sandbox_find(m, ID_B)->name);
        check_address(connect_ports(m, ID_B, NULL, 0), "172.17.0.2/16");
        ASSERT_FALSE(streq(gone, sandbox_find(m, ID_B)->name));

        free(path);
        free(unknown);
        netlink_batch_link_delete_name(&b, "vethforeign");
        ASSERT_OK(netlink_batch_send(netlink, &b, NULL));
        finish(m);
}

TEST(options) {
        DaemonNetworkConfig c = default_config;
        _cleanup_error_ Error error = ERROR_NULL;
        _cleanup_close_ int a = -EBADF, b = -EBADF, in_a = -EBADF;
        NetworkManager *m = NULL;
        Endpoint *e;
        char buf[NET_ADDR_TEXT_MAX];
        LinkInfo l;

        /* A subnet the host uses. */
        c.bip = (char *) "192.0.2.129/25";
        ASSERT_OK(network_manager_new(&c, root, store, event, &m, NULL));
        ASSERT_FAIL(network_manager_start(m, &error));
        ASSERT_STREQ(error_message(&error),
                     "error creating default \"bridge\" network: "
                     "bip 192.0.2.129/25 overlaps with 192.0.2.1/24, which this host uses already");
        finish(m);

        c.bip = (char *) "10.44.0.1/24";
        c.fixed_cidr = (char *) "10.44.0.128/31";
        c.default_gateway = (char *) "10.44.0.254";
        c.mtu = 1400;
        c.mtu_given = true;
        c.icc = false;
        m = start_with(&c);
        e = connect_ports(m, ID_A, NULL, 0);
        check_address(e, "10.44.0.128/24");
        ASSERT_STREQ(net_addr_format(buf, &e->gateway), "10.44.0.254");
        check_address(connect_ports(m, ID_B, NULL, 0), "10.44.0.129/24");
        ASSERT_OK(netlink_link_get(netlink, e->interface, &l));
        ASSERT_EQ(l.mtu, 1400);
        ASSERT_OK(sandbox_new(m, ID_C, NULL, NULL));
        ASSERT_FAIL(endpoint_connect(m, &(EndpointParams){ .container_id = ID_C, .network = "bridge" }, NULL,
                                     &error));
        ASSERT_NOT_NULL(strstr(error_message(&error),
                               "no available IPv4 addresses on this network's address pools: bridge ("));
        ASSERT_EQ(n_leases(), 2);
        a = sandbox_netns(m, ID_A);
        b = sandbox_netns(m, ID_B);
        in_a = listen_in(a, "0.0.0.0", 80);
        ASSERT_TRUE(reaches(-EBADF, "10.44.0.128", 80, in_a));
        ASSERT_FALSE(reaches(b, "10.44.0.128", 80, in_a));
        /* The bridge's address is changed by a new configuration. */
        network_manager_free(m);
        c = default_config;
        c.bip = (char *) "10.45.0.1/24";
        m = start_with(&c);
        ASSERT_OK(network_manager_reconcile(m, NULL, NULL));
        check_address(connect_ports(m, ID_A, NULL, 0), "10.45.0.2/24");
        finish(m);

        c = default_config;
        c.bridge = (char *) "br-missing";
        ASSERT_OK(network_manager_new(&c, root, store, event, &m, NULL));
        ASSERT_FAIL(network_manager_start(m, &error));
        ASSERT_TRUE(endswith(error_message(&error),
                             "bridge device with non default name br-missing must be created manually"));
        network_manager_free(m);
        c.bridge = (char *) "none";
        m = start_with(&c);
        Network *n;
        ASSERT_FAIL(network_manager_find(m, "bridge", &n, NULL));
        ASSERT_OK(network_manager_find(m, "default", &n, NULL));
        ASSERT_STREQ(network_name(n), "none");
        finish(m);

        c = default_config;
        c.ipv6 = true;
        ASSERT_FAIL(network_manager_new(&c, root, store, event, &m, &error));
        ASSERT_STREQ(error_message(&error), "ipv6 is not implemented yet");
}

TEST(adopted_bridge) {
        DaemonNetworkConfig c = default_config;
        NetPrefix address;
        NetworkManager *m;
        NetlinkBatch b;
        LinkInfo l;

        NETLINK_BATCH_INIT(&b);
        netlink_batch_bridge_new(&b, "br-admin", NULL, 0);
        ASSERT_OK(netlink_batch_send(netlink, &b, NULL));
        ASSERT_OK(netlink_link_get(netlink, "br-admin", &l));
        ASSERT_OK(net_prefix_parse("10.46.0.9/28", &address));
        netlink_batch_address_add(&b, l.index, &address);
        ASSERT_OK(netlink_batch_send(netlink, &b, NULL));

        c.bridge = (char *) "br-admin";
        m = start_with(&c);
        check_address(connect_ports(m, ID_A, NULL, 0), "10.46.0.1/28");
        finish(m);
        ASSERT_TRUE(link_exists("br-admin"));
        netlink_batch_link_delete_name(&b, "br-admin");
        ASSERT_OK(netlink_batch_send(netlink, &b, NULL));
        ASSERT_FALSE(link_exists("docker0"));
}

TEST(no_iptables) {
        DaemonNetworkConfig c = default_config;
        NetworkManager *m;

        c.iptables = false;
        m = start_with(&c);
        ASSERT_FAIL(nft_transaction("list table inet dockerd", NULL));
        connect_ports(m, ID_A, NULL, 0);
        finish(m);
}

TEST(forwarding) {
        NetworkManager *m = start();

        /* We turned it on (the mark is of the first test), so the host is not a router for others. */
        ASSERT_OK(network_manager_reserve_port(m, "0.0.0.0", 2375, NULL));
        PortBindingRequest p = {
                .protocol = PORT_TCP, .container_port = 80, .host_port_first = 2375, .host_port_last = 2375
        };
        ASSERT_OK(sandbox_new(m, ID_A, NULL, NULL));
        ASSERT_FAIL(endpoint_connect(m,
                                     &(EndpointParams){ .container_id = ID_A,
                                                        .network = "bridge",
                                                        .ports = &p,
                                                        .n_ports = 1 },
                                     NULL, NULL));
        _cleanup_free_ char *text = NULL;
        ASSERT_OK(firewall_render(m->firewall, &text));
        ASSERT_NOT_NULL(strstr(text, "iifname != @bridges oifname != @bridges iifgroup"));
        finish(m);
}

TEST(files) {
        _cleanup_close_ int dir = -EBADF;
        _cleanup_free_ char *hosts = NULL, *hostname = NULL, *resolv = NULL;
        char *extra[] = { (char *) "gw:host-gateway", NULL }, *dns[] = { (char *) "9.9.9.9", NULL };
        NetworkManager *m = start();
        size_t size;

        connect_ports(m, ID_A, NULL, 0);
        dir = ASSERT_OK(open(root, O_PATH|O_DIRECTORY|O_CLOEXEC));
        ASSERT_OK(network_files_write(m, dir,
                                      &(NetworkFilesParams){
                                                      .container_id = ID_A,
                                                      .network_mode = "default",
                                                      .hostname = "web",
                                                      .extra_hosts = extra,
                                                      .dns = dns,
                                      },
                                      NULL));
        ASSERT_OK(read_file_at(dir, "hosts", 10000, &hosts, &size));
        ASSERT_NOT_NULL(strstr(hosts, "\n172.17.0.1\tgw\n172.17.0.2\tweb\n"));
        ASSERT_OK(read_file_at(dir, "hostname", 10000, &hostname, &size));
        ASSERT_STREQ(hostname, "web\n");
        ASSERT_OK(read_file_at(dir, "resolv.conf", 10000, &resolv, &size));
        ASSERT_NOT_NULL(strstr(resolv, "\nnameserver 9.9.9.9\n"));
        ASSERT_OK(network_files_write(
                        m, dir, &(NetworkFilesParams){ .network_mode = "host", .hostname = "web" }, NULL));
        finish(m);
}

/* --fixed-cidr without --bip is the subnet; with one, and afterwards, a part of it. */
TEST(fixed_cidr) {
        DaemonNetworkConfig config = default_config;
        NetworkManager *m;

        config.fixed_cidr = (char *) "10.77.3.0/24";
        m = start_with(&config);
        check_address(connect_ports(m, ID_A, NULL, 0), "10.77.3.2/24");
        finish(m);

        config.bip = (char *) "10.77.0.1/16";
        m = start_with(&config);
        check_address(connect_ports(m, ID_A, NULL, 0), "10.77.3.0/16");
        ASSERT_OK(sandbox_free(m, ID_A, NULL));
        network_manager_free(m);
        config.bip = NULL;
        m = start_with(&config);
        check_address(connect_ports(m, ID_A, NULL, 0), "10.77.3.0/16");
        finish(m);
}

/* --- world --- */

static int setup_neighbour(void *userdata) {
        _cleanup_(netlink_freep) Netlink *nl = NULL;
        NetPrefix address;
        NetAddr gateway;
        NetlinkBatch b;
        LinkInfo l;

        ASSERT_OK(netlink_open(&nl));
        ASSERT_OK(netlink_link_get(nl, "eth0", &l));
        ASSERT_OK(net_prefix_parse(NEIGHBOUR "/24", &address));
        ASSERT_OK(net_addr_parse(HOST, &gateway));
        NETLINK_BATCH_INIT(&b);
        netlink_batch_link_up(&b, 1, true);
        netlink_batch_link_up(&b, l.index, true);
        netlink_batch_address_add(&b, l.index, &address);
        netlink_batch_default_route_add(&b, l.index, &gateway);
        return netlink_batch_send(nl, &b, NULL);
}

static void setup_world(void) {
        _cleanup_free_ char *name = strjoin(root, "/neighbour");
        NetPrefix address;
        NetlinkBatch b;
        LinkInfo l;
        bool damaged;

        ASSERT_OK(netlink_open(&netlink));
        ASSERT_OK(netns_create(name, NULL, NULL, &neighbour));
        NETLINK_BATCH_INIT(&b);
        netlink_batch_link_up(&b, 1, true);
        netlink_batch_veth_new(
                        &b,
                        &(VethParams){ .name = "uplink", .peer_name = "eth0", .peer_netns_fd = neighbour });
        ASSERT_OK(netlink_batch_send(netlink, &b, NULL));
        ASSERT_OK(netlink_link_get(netlink, "uplink", &l));
        ASSERT_OK(net_prefix_parse(HOST "/24", &address));
        netlink_batch_address_add(&b, l.index, &address);
        ASSERT_OK(netlink_batch_send(netlink, &b, NULL));
        ASSERT_OK(netns_run(neighbour, setup_neighbour, NULL));
        ASSERT_OK(sd_event_default(&event));
        ASSERT_OK(store_open(root, &store, &damaged, NULL));
}

int main(int argc, char *argv[]) {
        int r;

        if (geteuid() != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
            nft_transaction("add table inet probe", NULL) < 0) {
                fprintf(stderr, "needs root and nftables\n");
                return TEST_SKIP;
        }
        ASSERT_OK(mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL));
        /* A new namespace may have it on already, as the host has: then it would not be us who turned it
         * on. */
        ASSERT_OK(write_string_file("/proc/sys/net/ipv4/ip_forward", "0"));
        ASSERT_NOT_NULL(mkdtemp(root));
        ASSERT_OK(mount("tmpfs", root, "tmpfs", 0, NULL));
        setup_world();

        r = test_run_all(argc, argv);

        store = store_close(store);
        netlink = netlink_free(netlink);
        safe_close(neighbour);
        sd_event_unref(event);
        (void) umount2(root, MNT_DETACH);
        (void) rmdir(root);
        return r;
}
