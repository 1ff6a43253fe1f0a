/* SPDX-License-Identifier: Apache-2.0 */
#include "network/ipam.h"

#include "basic/tests.h"
#include "basic/time-util.h"

static NetAddr addr(const char *s) {
        NetAddr a;

        ASSERT_OK(net_addr_parse(s, &a));
        return a;
}

static NetPrefix prefix(const char *s) {
        NetPrefix p;

        ASSERT_OK(net_prefix_parse(s, &p));
        return p;
}

static void take_any(IpamPool *p, const char *expected) {
        char buf[NET_ADDR_TEXT_MAX];
        NetAddr a;

        ASSERT_OK(ipam_pool_take_any(p, &a));
        ASSERT_STREQ(net_addr_format(buf, &a), expected);
}

TEST(lowest_first) {
        _cleanup_(ipam_pool_freep) IpamPool *p = NULL;
        NetPrefix subnet = prefix("172.17.0.1/16");
        NetAddr a = addr("172.17.0.3"), b = addr("172.17.0.2"), outside = addr("172.18.0.2"),
                six = addr("::1");

        ASSERT_OK(ipam_pool_new(&subnet, NULL, &p));
        ASSERT_EQ(ipam_pool_n_taken(p), 2);
        take_any(p, "172.17.0.1");
        ASSERT_OK(ipam_pool_take(p, &a));
        ASSERT_EQ(ipam_pool_take(p, &a), -EADDRINUSE);
        ASSERT_EQ(ipam_pool_take(p, &outside), -ERANGE);
        ASSERT_EQ(ipam_pool_take(p, &six), -ERANGE);
        ASSERT_TRUE(ipam_pool_is_taken(p, &a) && !ipam_pool_is_taken(p, &b) &&
                    !ipam_pool_is_taken(p, &outside));
        take_any(p, "172.17.0.2");
        take_any(p, "172.17.0.4");
        ipam_pool_release(p, &b);
        ipam_pool_release(p, &b);
        ipam_pool_release(p, &outside);
        take_any(p, "172.17.0.2");
        ASSERT_EQ(ipam_pool_n_taken(p), 6);
        a = addr("172.17.255.255");
        ASSERT_EQ(ipam_pool_take(p, &a), -EADDRINUSE);
}

TEST(exhaustion) {
        static const struct {
                const char *subnet, *range;
                unsigned n;
        } cases[] = {
                { "10.0.0.0/29",     NULL,             6     },
                { "10.0.0.0/30",     NULL,             2     },
                { "10.0.0.0/31",     NULL,             2     },
                { "10.0.0.1/32",     NULL,             1     },
                { "10.0.0.0/16",     NULL,             65534 },
                { "10.0.0.0/16",     "10.0.128.0/25",  128   },
                { "10.0.0.0/24",     "10.0.0.0/25",    127   },
                { "10.0.0.0/24",     "10.0.0.0/24",    254   },
                { "10.0.0.0/8",      "10.255.255.0/24", 255  },
                { "255.255.255.0/24", NULL,            254   },
        };

        FOREACH_ELEMENT(c, cases) {
                _cleanup_(ipam_pool_freep) IpamPool *p = NULL;
                NetPrefix subnet = prefix(c->subnet), range = c->range ? prefix(c->range) : (NetPrefix) {};
                NetAddr a, last;
                unsigned n = 0;

                ASSERT_OK(ipam_pool_new(&subnet, c->range ? &range : NULL, &p));
                while (ipam_pool_take_any(p, &a) >= 0) {
                        ASSERT_TRUE(net_prefix_contains(c->range ? &range : &subnet, &a));
                        last = a;
                        n++;
                }
                ASSERT_EQ(n, c->n);
                ASSERT_EQ(ipam_pool_take_any(p, &a), -ENOSPC);
                ipam_pool_release(p, &last);
                ASSERT_OK(ipam_pool_take_any(p, &a));
                ASSERT_TRUE(net_addr_equal(&a, &last));
        }
}

TEST(refused) {
        NetPrefix subnet = prefix("10.0.0.0/16"), big = prefix("10.0.0.0/7"), six = prefix("fd00::/64");
        NetPrefix outside = prefix("10.1.0.0/24"), wider = prefix("10.0.0.0/15");
        IpamPool *p = NULL;

        ASSERT_EQ(ipam_pool_new(&big, NULL, &p), -EINVAL);
        ASSERT_EQ(ipam_pool_new(&six, NULL, &p), -EINVAL);
        ASSERT_EQ(ipam_pool_new(&subnet, &outside, &p), -ERANGE);
        ASSERT_EQ(ipam_pool_new(&subnet, &wider, &p), -ERANGE);
        ASSERT_NULL(p);
}

static void choose(const DaemonAddressPool *pools, size_t n, const NetPrefix *used, size_t n_used,
                   const char *expected) {
        _cleanup_error_ Error error = ERROR_NULL;
        char buf[NET_PREFIX_TEXT_MAX];
        NetPrefix p;

        if (!expected) {
                ASSERT_FAIL(ipam_choose_subnet(pools, n, used, n_used, &p, &error));
                ASSERT_STREQ(error_message(&error),
                             "all predefined address pools have been fully subnetted");
                return;
        }
        ASSERT_OK(ipam_choose_subnet(pools, n, used, n_used, &p, &error));
        ASSERT_STREQ(net_prefix_format(buf, &p), expected);
}

TEST(choose) {
        NetPrefix used[] = {
                prefix("172.17.5.0/24"), prefix("172.18.0.0/16"),  prefix("10.0.0.0/8"),
                prefix("172.16.0.0/12"), prefix("192.168.1.7/24"),
        };
        DaemonAddressPool pools[] = { { (char *) "10.0.0.0/8", 24 },
                                      { (char *) "fd00::/8", 64 },
                                      { (char *) "11.0.0.0/30", 32 } };
        NetPrefix whole = prefix("0.0.0.0/0"), eleven[4];

        choose(NULL, 0, NULL, 0, "172.17.0.0/16");
        choose(NULL, 0, used, 1, "172.18.0.0/16");
        choose(NULL, 0, used, 3, "172.19.0.0/16");
        choose(NULL, 0, used, 5, "192.168.16.0/20");
        choose(pools, 3, NULL, 0, "10.0.0.0/24");
        choose(pools, 3, used, 3, "11.0.0.0/32");
        choose(pools, 3, &whole, 1, NULL);
        for (unsigned i = 0; i < 4; i++)
                eleven[i] = (NetPrefix) { net_addr_from_host(0x0b000000 + i), 32 };
        choose(pools + 2, 1, eleven, 3, "11.0.0.3/32");
        choose(pools + 2, 1, eleven, 4, NULL);
}

DEFINE_TEST_MAIN()
