/* SPDX-License-Identifier: Apache-2.0 */
/* Flows on the loopback of a network namespace of its own; needs root and nftables. */
#include "shared/conntrack.h"

#include <sched.h>
#include <sys/socket.h>

#include "basic/fd-util.h"
#include "basic/tests.h"
#include "basic/time-util.h"
#include "shared/nft.h"

static Netlink *conntrack;

/* Tracked, and 127.0.0.9:99 is translated to 127.0.0.3:77. */
static const char rules[] =
        "table inet test {\n"
        "        chain output {\n"
        "                type nat hook output priority -100; policy accept;\n"
        "                ip daddr 127.0.0.9 udp dport 99 dnat ip to 127.0.0.3:77\n"
        "        }\n"
        "        chain tracked {\n"
        "                type filter hook output priority 0; policy accept;\n"
        "                ct state new accept\n"
        "        }\n"
        "}\n";

static NetAddr addr(const char *s) {
        NetAddr a;

        ASSERT_OK(net_addr_parse(s, &a));
        return a;
}

static struct sockaddr_in socket_address(const char *address, uint16_t port) {
        return (struct sockaddr_in) {
                .sin_family = AF_INET, .sin_addr = addr(address).in, .sin_port = htons(port),
        };
}

/* A datagram that nobody answers. */
static void begin_flow(const char *from, const char *to, uint16_t port) {
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in a = socket_address(from, 0), b = socket_address(to, port);

        ASSERT_OK(fd);
        ASSERT_OK(bind(fd, (struct sockaddr *) &a, sizeof(a)));
        ASSERT_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *) &b, sizeof(b)), 1);
}

static int forget(const char *address) {
        NetAddr a = addr(address);

        return ASSERT_OK(conntrack_forget_flows_to(conntrack, &a));
}

static int forget_port(uint16_t port) {
        NetAddr own = addr("192.0.2.1");
        ConntrackPorts wanted = { .addresses = &own, .n_addresses = 1 };

        wanted.ports[port / 8U] = (uint8_t) (1U << (port % 8U));
        return ASSERT_OK(conntrack_forget_untranslated_udp(conntrack, &wanted));
}

TEST(address) {
        begin_flow("127.0.0.1", "127.0.0.2", 80);
        begin_flow("127.0.0.1", "127.0.0.9", 99);
        begin_flow("127.0.0.4", "127.0.0.2", 80);
        ASSERT_EQ(forget("127.0.0.7"), 0);
        /* Where it leads, not where it was sent. */
        ASSERT_EQ(forget("127.0.0.9"), 0);
        ASSERT_EQ(forget("127.0.0.3"), 1);
        ASSERT_EQ(forget("127.0.0.3"), 0);
        ASSERT_EQ(forget("127.0.0.4"), 0);
        ASSERT_EQ(forget("127.0.0.2"), 2);
        ASSERT_EQ(forget("127.0.0.2"), 0);
}

TEST(port) {
        begin_flow("127.0.0.1", "127.0.0.2", 80);
        begin_flow("127.0.0.1", "127.0.0.9", 99);
        begin_flow("127.0.0.1", "127.0.0.3", 99);
        ASSERT_EQ(forget_port(81), 0);
        /* Those that are translated, or another host's, stay. */
        begin_flow("192.0.2.1", "192.0.2.2", 99);
        begin_flow("192.0.2.1", "192.0.2.1", 98);
        ASSERT_EQ(forget_port(98), 1);
        ASSERT_EQ(forget_port(99), 1);
        ASSERT_EQ(forget_port(80), 1);
        ASSERT_EQ(forget("127.0.0.3"), 1);
        ASSERT_EQ(forget("192.0.2.2"), 1);
}

/* More than one message of deletions holds. */
TEST(many) {
        usec_t begin;

        for (uint16_t port = 1; port <= 300; port++)
                begin_flow("127.0.0.1", "127.0.0.2", port);
        begin_flow("127.0.0.4", "127.0.0.5", 80);
        ASSERT_EQ(forget("127.0.0.2"), 300);
        begin = now_usec(CLOCK_MONOTONIC);
        ASSERT_EQ(forget("127.0.0.2"), 0);
        printf("  a walk of the table: %llu us\n", (unsigned long long) (now_usec(CLOCK_MONOTONIC) - begin));
        ASSERT_EQ(forget("127.0.0.5"), 1);
}

static void set_up_loopback(void) {
        _cleanup_(netlink_freep) Netlink *nl = NULL;
        NetPrefix address;
        NetlinkBatch b;

        ASSERT_OK(netlink_open(&nl));
        NETLINK_BATCH_INIT(&b);
        netlink_batch_link_up(&b, 1, true);
        ASSERT_OK(net_prefix_parse("192.0.2.1/24", &address));
        netlink_batch_address_add(&b, 1, &address);
        ASSERT_OK(netlink_batch_send(nl, &b, NULL));
}

int main(int argc, char *argv[]) {
        int r;

        if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0 || nft_transaction(rules, NULL) < 0 ||
            conntrack_open(&conntrack) < 0) {
                fprintf(stderr, "needs root, nftables and connection tracking\n");
                return TEST_SKIP;
        }
        set_up_loopback();
        r = test_run_all(argc, argv);
        netlink_free(conntrack);
        return r;
}
