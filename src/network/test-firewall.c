/* SPDX-License-Identifier: Apache-2.0 */
/* The rules in a network namespace of its own; needs root and nftables. Traffic through them is tested by
 * tests/. */
#include "network/firewall.h"

#include <sched.h>
#include <unistd.h>

#include "basic/tests.h"
#include "shared/nft.h"

static bool have_nft;

static NetAddr addr(const char *s) {
        NetAddr a;

        ASSERT_OK(net_addr_parse(s, &a));
        return a;
}

static Firewall *new_firewall(FirewallConfig config) {
        FirewallBridge bridge = { .interface = "docker0", .masquerade = true, .icc = true };
        Firewall *f = NULL;

        ASSERT_OK(net_prefix_parse("172.17.0.1/16", &bridge.subnet));
        ASSERT_OK(firewall_new(&config, &f));
        ASSERT_OK(firewall_add_bridge(f, &bridge));
        ASSERT_OK(firewall_add_bridge(f, &bridge));
        return f;
}

static bool renders(const Firewall *f, const char *what) {
        _cleanup_free_ char *text = NULL;

        ASSERT_OK(firewall_render(f, &text));
        return strstr(text, what);
}

static bool element_exists(const char *element) {
        _cleanup_free_ char *text = strjoin("get element inet dockerd ", element);

        return nft_transaction(text, NULL) >= 0;
}

TEST(render) {
        _cleanup_(firewall_freep) Firewall *f = new_firewall((FirewallConfig) {
                .drop_foreign = true, .allow_direct_routing = true, .accept_fwmark = "0x10/0xf0",
        });
        FirewallPort p = { PORT_TCP, addr("0.0.0.0"), 8080, addr("172.17.0.2"), 80 };

        ASSERT_TRUE(renders(f, "iifname != @bridges oifname != @bridges iifgroup"));
        ASSERT_TRUE(renders(f, "meta mark and 0xf0 == 0x10 accept"));
        ASSERT_TRUE(renders(f, "local_subnets { \"docker0\" . 172.17.0.0/16 }"));
        ASSERT_TRUE(renders(f, "masq_subnets { 172.17.0.0/16 }"));
        /* Not applied: kept for later. */
        ASSERT_OK(firewall_add_ports(f, &p, 1, NULL));
        ASSERT_TRUE(renders(f, "ports_any { tcp . 8080 : 172.17.0.2 . 80 }"));
        ASSERT_OK(firewall_remove_ports(f, &p, 1, NULL));
        ASSERT_FALSE(renders(f, "8080"));
        firewall_remove_bridge(f, "docker0");
        ASSERT_FALSE(renders(f, "docker0"));
}

TEST(apply) {
        _cleanup_(firewall_freep) Firewall *f = new_firewall(
                        (FirewallConfig){ .accept_fwmark = "0x10/0xf0", .drop_foreign = true });
        FirewallPort ports[] = {
                { PORT_TCP,  addr("0.0.0.0"),   8080, addr("172.17.0.2"), 80   },
                { PORT_UDP,  addr("127.0.0.1"), 53,   addr("172.17.0.2"), 5353 },
                { PORT_SCTP, addr("10.1.1.1"),  99,   addr("172.17.0.3"), 99   },
        };
        _cleanup_error_ Error error = ERROR_NULL;
        sd_event *event = NULL;

        if (!have_nft)
                return;

        ASSERT_OK(sd_event_new(&event));
        if (firewall_apply(f, event, &error) < 0)
                test_fail("%s", error_message(&error));
        ASSERT_OK(firewall_add_ports(f, ports, 2, NULL));
        ASSERT_OK(firewall_apply(f, event, NULL));
        ASSERT_TRUE(element_exists("ports_any { tcp . 8080 }"));
        ASSERT_TRUE(element_exists("ports { udp . 127.0.0.1 . 53 }"));
        ASSERT_OK(firewall_add_ports(f, ports + 2, 1, NULL));
        ASSERT_OK(firewall_add_ports(f, ports + 2, 1, NULL));
        ASSERT_TRUE(element_exists("ports { sctp . 10.1.1.1 . 99 }"));
        ASSERT_OK(firewall_remove_ports(f, ports, 1, NULL));
        ASSERT_FALSE(element_exists("ports_any { tcp . 8080 }"));
        ASSERT_OK(firewall_remove_ports(f, ports, 1, NULL));

        /* Flushed: all is there again, also for a change that comes before the loop runs. */
        ASSERT_OK(nft_transaction("flush ruleset", NULL));
        ASSERT_FALSE(element_exists("ports { udp . 127.0.0.1 . 53 }"));
        while (ASSERT_OK(sd_event_run(event, 0)) > 0)
                ;
        ASSERT_TRUE(element_exists("ports { udp . 127.0.0.1 . 53 }"));
        ASSERT_TRUE(element_exists("bridges { \"docker0\" }"));
        ASSERT_OK(nft_transaction("flush ruleset", NULL));
        ASSERT_OK(firewall_add_ports(f, ports, 1, NULL));
        ASSERT_TRUE(element_exists("ports_any { tcp . 8080 }"));
        ASSERT_TRUE(element_exists("ports { sctp . 10.1.1.1 . 99 }"));
        while (ASSERT_OK(sd_event_run(event, 0)) > 0)
                ;

        f = firewall_free(f);
        ASSERT_TRUE(element_exists("ports_any { tcp . 8080 }"));
        ASSERT_OK(firewall_delete_table(FIREWALL_TABLE, NULL));
        ASSERT_OK(firewall_delete_table(FIREWALL_TABLE, NULL));
        ASSERT_FALSE(element_exists("bridges { \"docker0\" }"));
        sd_event_unref(event);
}

int main(int argc, char *argv[]) {
        int r;

        have_nft = geteuid() == 0 && unshare(CLONE_NEWNET) >= 0 &&
                   nft_transaction("add table inet probe", NULL) >= 0;
        r = test_run_all(argc, argv);
        if (r == EXIT_SUCCESS && !have_nft) {
                fprintf(stderr, "needs root and nftables\n");
                return TEST_SKIP;
        }
        return r;
}
