/* SPDX-License-Identifier: Apache-2.0 */
/* Which names are whose, in a network namespace of its own; needs root and nftables. */
#include "network/network-instance.h"

#include <linux/netfilter.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "basic/string-util.h"
#include "basic/tests.h"
#include "shared/nft.h"

static char first[] = "/tmp/test-instance-XXXXXX", second[] = "/tmp/test-instance-XXXXXX";

static void choose(NetworkInstance *i, const char *exec_root, Netlink *nl) {
        _cleanup_error_ Error error = ERROR_NULL;

        if (network_instance_choose(i, exec_root, nl, true, &error) < 0)
                test_fail("%s", error_message(&error));
}

TEST(marks) {
        NetworkInstance a, b;
        char deep[200] = "/", odd[] = "/tmp/a \"b\"";

        network_instance_init(&a, first);
        network_instance_init(&b, second);
        ASSERT_TRUE(network_instance_is_foreign(&a, b.mark));
        ASSERT_FALSE(network_instance_is_foreign(&a, a.mark));
        ASSERT_FALSE(network_instance_is_foreign(&a, "uplink of the office"));
        ASSERT_FALSE(network_instance_is_foreign(&a, ""));
        ASSERT_STREQ(network_instance_owner(b.mark), second);
        /* One whose exec root was removed. */
        network_instance_init(&b, "/nosuch/exec");
        ASSERT_FALSE(network_instance_is_foreign(&a, b.mark));
        /* What no nft text can hold gets a number. */
        network_instance_init(&b, odd);
        ASSERT_NULL(strchr(b.mark, '"'));
        ASSERT_TRUE(network_instance_is_foreign(&a, b.mark));
        memset(deep + 1, 'x', sizeof(deep) - 2);
        network_instance_init(&b, deep);
        ASSERT_NOT_NULL(strstr(b.mark, "number "));
}

TEST(names) {
        _cleanup_(netlink_freep) Netlink *nl = NULL;
        NetworkInstance a, b, again;
        _cleanup_free_ char *comment = NULL;
        char numbered[IFNAMSIZ];
        NetlinkBatch batch;
        LinkInfo link;

        if (unshare(CLONE_NEWNET) < 0 || nft_transaction("table inet probe {}", NULL) < 0)
                return;
        ASSERT_OK(netlink_open(&nl));
        choose(&a, first, nl);
        ASSERT_STREQ(a.table, "dockerd");
        ASSERT_STREQ(a.bridge, "docker0");
        ASSERT_OK(nft_table_comment(NFPROTO_INET, "dockerd", &comment));
        ASSERT_STREQ(comment, a.mark);

        choose(&b, second, nl);
        ASSERT_STREQ(b.bridge + strlen("docker"), b.table + strlen("dockerd"));
        ASSERT_EQ(strlen(b.bridge), (size_t) IFNAMSIZ - 1);
        (void) snprintf(numbered, sizeof(numbered), "%s", b.bridge);

        /* The same at the next start, also when the first is gone. */
        choose(&again, first, nl);
        ASSERT_STREQ(again.bridge, "docker0");
        ASSERT_OK(nft_transaction("delete table inet dockerd", NULL));
        choose(&again, second, nl);
        ASSERT_STREQ(again.bridge, numbered);

        /* A bridge tells as well: rules may be flushed. */
        ASSERT_OK(nft_transaction("flush ruleset", NULL));
        NETLINK_BATCH_INIT(&batch);
        netlink_batch_bridge_new(&batch, "docker0", NULL, 0);
        ASSERT_OK(netlink_batch_send(nl, &batch, NULL));
        ASSERT_OK(netlink_link_get(nl, "docker0", &link));
        netlink_batch_link_mark(&batch, link.index, a.mark, 7);
        ASSERT_OK(netlink_batch_send(nl, &batch, NULL));
        ASSERT_OK(netlink_link_get(nl, "docker0", &link));
        ASSERT_STREQ(link.alias, a.mark);
        ASSERT_EQ(link.group, 7U);
        choose(&again, second, nl);
        ASSERT_STREQ(again.bridge, numbered);
        choose(&again, first, nl);
        ASSERT_STREQ(again.bridge, "docker0");
        ASSERT_OK(nft_table_claim(NFPROTO_INET, "other", "text"));
        ASSERT_EQ(nft_table_claim(NFPROTO_INET, "other", "text"), -EEXIST);
}

int main(int argc, char *argv[]) {
        int r;

        if (geteuid() != 0)
                return TEST_SKIP;
        ASSERT_NOT_NULL(mkdtemp(first));
        ASSERT_NOT_NULL(mkdtemp(second));
        r = test_run_all(argc, argv);
        (void) rmdir(first);
        (void) rmdir(second);
        return r;
}
