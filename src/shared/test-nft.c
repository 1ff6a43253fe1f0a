/* SPDX-License-Identifier: Apache-2.0 */
/* Runs in a network namespace of its own; needs root and nftables in the kernel. */
#include "shared/nft.h"

#include <fcntl.h>
#include <linux/netfilter.h>
#include <malloc.h>
#include <sched.h>
#include <unistd.h>

#include "basic/fd-util.h"
#include "basic/tests.h"

#define TABLE "table inet watched {\n set s { type inet_service; }\n chain c { tcp dport @s accept; }\n}\n"

static unsigned n_reports;

static void on_damage(void *userdata) {
        n_reports++;
}

static void run_pending(sd_event *event) {
        while (ASSERT_OK(sd_event_run(event, 0)) > 0)
                ;
}

TEST(transaction) {
        _cleanup_error_ Error error = ERROR_NULL;

        ASSERT_OK(nft_transaction(TABLE, &error));
        ASSERT_FAIL(nft_transaction(
                        "add element inet watched s { 80 }\nadd element inet watched nosuch { 81 }",
                        &error));
        ASSERT_NOT_NULL(startswith(error_message(&error), "nftables: "));
        /* Nothing of the failed one is there. */
        ASSERT_FAIL(nft_transaction("delete element inet watched s { 80 }", NULL));
        error_done(&error);
        ASSERT_OK(nft_transaction("delete table inet watched", &error));
        ASSERT_FAIL(nft_transaction("no such command", NULL));
}

/* With so many descriptors open that the library's own would be too high for it. */
TEST(many_descriptors) {
        int fds[1200], n = 0;

        ASSERT_OK(nft_keep_descriptor());
        while (n < (int) ELEMENTSOF(fds) && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
                n++;
        ASSERT_OK(nft_transaction("add table inet test-many; delete table inet test-many", NULL));
        ASSERT_OK(nft_transaction("add table inet test-many; delete table inet test-many", NULL));
        while (n > 0)
                safe_close(fds[--n]);
}

TEST(watch) {
        sd_event *event = NULL;
        NftWatch *w = NULL;

        ASSERT_OK(sd_event_new(&event));
        ASSERT_OK(nft_watch_new(event, NFPROTO_INET, "watched", on_damage, NULL, &w));

        /* Ours is not reported, nor are additions and other tables. */
        ASSERT_OK(nft_watch_transaction(w, TABLE, 0, NULL));
        ASSERT_OK(nft_watch_transaction(w, "delete table inet watched\n" TABLE, 0, NULL));
        ASSERT_OK(nft_transaction("add element inet watched s { 80, 81 }\nadd table inet other", NULL));
        ASSERT_OK(nft_transaction("delete table inet other", NULL));
        run_pending(event);
        ASSERT_EQ(n_reports, 0);

        /* Theirs is. */
        ASSERT_OK(nft_transaction("flush chain inet watched c", NULL));
        run_pending(event);
        ASSERT_EQ(n_reports, 1);
        ASSERT_OK(nft_transaction("delete element inet watched s { 80 }", NULL));
        run_pending(event);
        ASSERT_EQ(n_reports, 2);

        /* Also when it is found while one of ours runs. */
        ASSERT_OK(nft_transaction("delete element inet watched s { 81 }", NULL));
        ASSERT_OK(nft_watch_transaction(w, "add element inet watched s { 82 }", 0, NULL));
        run_pending(event);
        ASSERT_EQ(n_reports, 3);
        /* Unless that one repairs it. */
        ASSERT_OK(nft_transaction("flush ruleset", NULL));
        ASSERT_OK(nft_watch_transaction(w, TABLE, NFT_REPLACES_TABLE, NULL));
        run_pending(event);
        ASSERT_EQ(n_reports, 3);
        ASSERT_OK(nft_transaction("flush ruleset", NULL));
        run_pending(event);
        ASSERT_EQ(n_reports, 4);

        /* A fight over the table ends. */
        for (unsigned i = 0; i < 10; i++) {
                ASSERT_OK(nft_watch_transaction(w, TABLE, NFT_REPLACES_TABLE, NULL));
                ASSERT_OK(nft_transaction("flush ruleset", NULL));
                run_pending(event);
        }
        ASSERT_EQ(n_reports, 5);

        nft_watch_free(w);
        sd_event_unref(event);
}

TEST(drop_forward) {
        _cleanup_strv_free_ char **none = NULL, **names = NULL;

        ASSERT_OK(nft_list_drop_forward("mine", &none));
        ASSERT_TRUE(strv_isempty(none));
        ASSERT_OK(nft_transaction(
                        "table ip filter {\n"
                        "chain FORWARD { type filter hook forward priority 0; policy drop; }\n"
                        "chain INPUT { type filter hook input priority 0; policy drop; }\n }\n"
                        "table inet fw {\n"
                        "chain f { type filter hook forward priority 1; policy drop; }\n}\n"
                        "table inet ok {\n"
                        "chain f { type filter hook forward priority 1; policy accept; }\n}\n"
                        "table ip6 six {\n"
                        "chain f { type filter hook forward priority 1; policy drop; }\n}\n"
                        "table inet mine {\n"
                        "chain f { type filter hook forward priority 1; policy drop; }\n}\n",
                        NULL));
        ASSERT_OK(nft_list_drop_forward("mine", &names));
        strv_sort(names);
        ASSERT_EQ(strv_length(names), 3);
        ASSERT_STREQ(names[0], "inet fw f");
        ASSERT_STREQ(names[1], "ip filter FORWARD");
        ASSERT_STREQ(names[2], "ip6 six f");
        ASSERT_OK(nft_transaction("flush ruleset", NULL));
}

TEST(no_leak) {
        size_t before;

        ASSERT_OK(nft_transaction(TABLE, NULL));
        before = mallinfo2().uordblks;
        for (unsigned i = 0; i < 200; i++) {
                ASSERT_OK(nft_transaction("add element inet watched s { 80 }", NULL));
                ASSERT_OK(nft_transaction("delete element inet watched s { 80 }", NULL));
                ASSERT_FAIL(nft_transaction("add element inet watched nosuch { 80 }", NULL));
        }
        /* A leak of one byte a call would pass; libnftables' own are hundreds. */
        ASSERT_TRUE(mallinfo2().uordblks < before + 600);
        ASSERT_OK(nft_transaction("delete table inet watched", NULL));
}

int main(int argc, char *argv[]) {
        if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0 ||
            nft_transaction("add table inet probe", NULL) < 0) {
                fprintf(stderr, "needs root and nftables\n");
                return TEST_SKIP;
        }
        return test_run_all(argc, argv);
}
