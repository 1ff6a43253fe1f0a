/* SPDX-License-Identifier: Apache-2.0 */
/* Runs in a network namespace of its own; needs root. */
#include "shared/netlink.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/fileio.h"
#include "basic/tests.h"
#include "basic/time-util.h"
#include "shared/namespace-util.h"

#define GROUP 4711U

static char directory[] = "/tmp/test-netlink-XXXXXX";
static Netlink *netlink;

static NetPrefix prefix(const char *s) {
        NetPrefix p;

        ASSERT_OK(net_prefix_parse(s, &p));
        return p;
}

static char *name_path(const char *name) {
        return ASSERT_NOT_NULL(strjoin(directory, "/", name));
}

static ino_t own_netns(void) {
        struct stat st;

        ASSERT_OK(stat("/proc/thread-self/ns/net", &st));
        return st.st_ino;
}

static int fail_inside(void *userdata) {
        *(ino_t *) userdata = own_netns();
        return -EUCLEAN;
}

static int open_inside(void *userdata) {
        Netlink **nl = userdata;

        return netlink_open(nl);
}

TEST(namespace) {
        _cleanup_free_ char *path = name_path("a");
        _cleanup_close_ int fd = -EBADF, again = -EBADF;
        ino_t before = own_netns(), inside = 0;
        struct stat st;

        ASSERT_EQ(netns_create(path, fail_inside, &inside, &fd), -EUCLEAN);
        ASSERT_TRUE(inside != 0 && inside != before);
        ASSERT_EQ(own_netns(), before);
        ASSERT_EQ(netns_open(path, &fd), -ENOENT);

        ASSERT_OK(netns_create(path, NULL, NULL, &fd));
        ASSERT_EQ(netns_create(path, NULL, NULL, NULL), -EEXIST);
        ASSERT_EQ(own_netns(), before);
        ASSERT_OK(netns_open(path, &again));
        ASSERT_OK(fstat(again, &st));
        ASSERT_EQ(netns_run(fd, fail_inside, &inside), -EUCLEAN);
        ASSERT_EQ(inside, st.st_ino);
        ASSERT_EQ(own_netns(), before);

        ASSERT_OK(netns_remove(path));
        ASSERT_OK(netns_remove(path));
        ASSERT_EQ(netns_open(path, &again), -ENOENT);
        ASSERT_EQ(netns_open("/proc/self/ns/mnt", &again), -ELOOP);
        ASSERT_EQ(netns_open("/proc/version", &again), -EINVAL);
}

typedef struct Count {
        const char *text;
        unsigned n;
} Count;

static int count_prefix(unsigned index, const NetPrefix *p, void *userdata) {
        char buf[NET_PREFIX_TEXT_MAX];
        Count *c = userdata;

        c->n += streq(net_prefix_format(buf, p), c->text);
        return 0;
}

static int count_group(const LinkInfo *l, void *userdata) {
        *(unsigned *) userdata += l->group == GROUP;
        return 0;
}

TEST(bridge_and_veth) {
        _cleanup_free_ char *path = name_path("b");
        _cleanup_(netlink_freep) Netlink *inside = NULL;
        _cleanup_close_ int fd = -EBADF;
        MacAddr mac = { { 2, 0x42, 1, 2, 3, 4 } }, peer_mac = { { 2, 0x42, 10, 9, 0, 2 } };
        NetPrefix address = prefix("10.9.0.1/16"), peer_address = prefix("10.9.0.2/16");
        LinkInfo bridge, l;
        NetlinkBatch b;
        unsigned failed, n = 0;

        NETLINK_BATCH_INIT(&b);
        netlink_batch_bridge_new(&b, "br-test", &mac, 1400);
        ASSERT_OK(netlink_batch_send(netlink, &b, NULL));
        ASSERT_OK(netlink_link_get(netlink, "br-test", &bridge));
        ASSERT_STREQ(bridge.kind, "bridge");
        ASSERT_EQ(bridge.mtu, 1400);
        ASSERT_TRUE(memcmp(&bridge.mac, &mac, sizeof(mac)) == 0);
        netlink_batch_address_add(&b, bridge.index, &address);
        netlink_batch_address_add(&b, bridge.index, &address);
        ASSERT_OK(netlink_batch_send(netlink, &b, NULL));

        ASSERT_OK(netns_create(path, open_inside, &inside, &fd));
        netlink_batch_veth_new(&b, &(VethParams) {
                .name = "vethtest0", .mac = &mac, .master = bridge.index, .group = GROUP,
                .peer_name = "eth0", .peer_mac = &peer_mac, .peer_netns_fd = fd, .mtu = 1400,
        });
        ASSERT_OK(netlink_batch_send(netlink, &b, NULL));
        ASSERT_OK(netlink_link_get(netlink, "vethtest0", &l));
        ASSERT_EQ(l.master, bridge.index);
        ASSERT_EQ(l.group, GROUP);
        ASSERT_STREQ(l.kind, "veth");
        ASSERT_TRUE(l.flags & IFF_UP);
        netlink_batch_port_flags(&b, l.index, true, true);
        ASSERT_OK(netlink_batch_send(netlink, &b, NULL));

        ASSERT_OK(netlink_link_get(inside, "eth0", &l));
        ASSERT_TRUE(memcmp(&l.mac, &peer_mac, sizeof(mac)) == 0);
        netlink_batch_link_up(&b, l.index, true);
        netlink_batch_address_add(&b, l.index, &peer_address);
        netlink_batch_default_route_add(&b, l.index, &address.addr);
        ASSERT_OK(netlink_batch_send(inside, &b, NULL));

        Count c = { "10.9.0.1/16", 0 };
        ASSERT_OK(netlink_address_foreach(netlink, count_prefix, &c));
        ASSERT_EQ(c.n, 1);
        c = (Count) { "10.9.0.0/16", 0 };
        ASSERT_OK(netlink_route_foreach(netlink, count_prefix, &c));
        ASSERT_EQ(c.n, 1);
        ASSERT_OK(netlink_link_foreach(netlink, count_group, &n));
        ASSERT_EQ(n, 1);

        /* A failed request does not stop those behind it, and is named. */
        netlink_batch_link_up(&b, bridge.index, true);
        netlink_batch_link_delete_name(&b, "nosuch");
        netlink_batch_link_delete_name(&b, "vethtest0");
        ASSERT_EQ(netlink_batch_send(netlink, &b, &failed), -ENODEV);
        ASSERT_EQ(failed, 1);
        ASSERT_EQ(netlink_link_get(netlink, "vethtest0", &l), -ENODEV);
        ASSERT_EQ(netlink_link_get(inside, "eth0", &l), -ENODEV);

        netlink_batch_address_delete(&b, bridge.index, &address);
        netlink_batch_link_delete(&b, bridge.index);
        ASSERT_OK(netlink_batch_send(netlink, &b, NULL));
        ASSERT_OK(netns_remove(path));
}

int main(int argc, char *argv[]) {
        int r;

        if (geteuid() != 0 || unshare(CLONE_NEWNET|CLONE_NEWNS) < 0) {
                fprintf(stderr, "needs root and network namespaces\n");
                return TEST_SKIP;
        }
        ASSERT_OK(mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL));
        ASSERT_NOT_NULL(mkdtemp(directory));
        ASSERT_OK(netlink_open(&netlink));

        r = test_run_all(argc, argv);

        netlink = netlink_free(netlink);
        (void) rmdir(directory);
        return r;
}
