/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/net-addr.h"
#include "basic/tests.h"

TEST(addr) {
        static const char *const bad[] = { "",         "1.2.3",    "1.2.3.4.5", "256.1.1.1",
                                           "1.2.3.4 ", "01.2.3.4", "::g",       "fe80::1%eth0" };
        static const char *const good[] = { "0.0.0.0", "172.17.0.2", "255.255.255.255", "::",
                                            "::1",     "fe80::1",    "2001:db8::5" };
        char buf[NET_ADDR_TEXT_MAX];
        NetAddr a = {};

        FOREACH_ELEMENT(s, bad)
                ASSERT_TRUE(net_addr_parse(*s, &a) == -EINVAL);
        ASSERT_TRUE(net_addr_parse(NULL, &a) == -EINVAL);
        ASSERT_TRUE(streq(net_addr_format(buf, &a), ""));
        FOREACH_ELEMENT(s, good) {
                ASSERT_TRUE(net_addr_parse(*s, &a) == 0);
                ASSERT_TRUE(streq(net_addr_format(buf, &a), *s));
        }

        ASSERT_TRUE(net_addr_parse("127.0.0.53", &a) == 0 && net_addr_is_loopback(&a) &&
                    !net_addr_is_any(&a));
        ASSERT_TRUE(net_addr_parse("::1", &a) == 0 && net_addr_is_loopback(&a));
        ASSERT_TRUE(net_addr_parse("::ffff:127.0.0.1", &a) == 0 && net_addr_is_loopback(&a));
        ASSERT_TRUE(net_addr_parse("10.0.0.1", &a) == 0 && !net_addr_is_loopback(&a));
        ASSERT_TRUE(net_addr_parse("0.0.0.0", &a) == 0 && net_addr_is_any(&a));
        ASSERT_TRUE(net_addr_to_host(&(NetAddr){ .family = AF_INET, .bytes = { 1, 2, 3, 4 } }) ==
                    0x01020304);
}

TEST(prefix) {
        static const char *const bad[] = { "",    "10.0.0.0", "10.0.0.0/",  "10.0.0.0/33", "10.0.0.0/-1",
                                           "x/8", "::/129",   "10.0.0.0/8x" };
        char buf[NET_PREFIX_TEXT_MAX];
        NetPrefix p, q;
        NetAddr a;

        FOREACH_ELEMENT(s, bad)
                ASSERT_TRUE(net_prefix_parse(*s, &p) < 0);

        ASSERT_TRUE(net_prefix_parse("192.168.5.1/22", &p) == 0);
        ASSERT_TRUE(streq(net_prefix_format(buf, &p), "192.168.5.1/22"));
        q = net_prefix_mask(&p);
        ASSERT_TRUE(streq(net_prefix_format(buf, &q), "192.168.4.0/22"));
        ASSERT_TRUE(net_prefix_first(&p) == 0xc0a80400 && net_prefix_last(&p) == 0xc0a807ff);
        ASSERT_TRUE(net_addr_parse("192.168.7.255", &a) == 0 && net_prefix_contains(&p, &a));
        ASSERT_TRUE(net_addr_parse("192.168.8.0", &a) == 0 && !net_prefix_contains(&p, &a));
        ASSERT_TRUE(net_addr_parse("::1", &a) == 0 && !net_prefix_contains(&p, &a));

        ASSERT_TRUE(net_prefix_parse("192.168.0.0/16", &q) == 0);
        ASSERT_TRUE(net_prefix_overlaps(&p, &q) && net_prefix_overlaps(&q, &p));
        ASSERT_TRUE(net_prefix_parse("192.168.8.0/24", &q) == 0 && !net_prefix_overlaps(&p, &q));
        ASSERT_TRUE(net_prefix_parse("0.0.0.0/0", &q) == 0 && net_prefix_overlaps(&p, &q));
        ASSERT_TRUE(net_prefix_first(&q) == 0 && net_prefix_last(&q) == UINT32_MAX);
        ASSERT_TRUE(net_prefix_parse("fd00::/8", &q) == 0);
        ASSERT_TRUE(net_addr_parse("fdff::1", &a) == 0 && net_prefix_contains(&q, &a));
}

TEST(mac) {
        char buf[MAC_ADDR_TEXT_MAX];
        NetAddr a;
        MacAddr m = {};

        ASSERT_TRUE(streq(mac_addr_format(buf, &m), ""));
        ASSERT_TRUE(net_addr_parse("172.17.0.2", &a) == 0);
        m = mac_addr_from_ipv4(&a);
        ASSERT_TRUE(streq(mac_addr_format(buf, &m), "02:42:ac:11:00:02"));
        ASSERT_TRUE(mac_addr_parse("92:D0:c6:0a:29:33", &m) == 0);
        ASSERT_TRUE(streq(mac_addr_format(buf, &m), "92:d0:c6:0a:29:33"));
        ASSERT_TRUE(mac_addr_parse("92:d0:c6:0a:29", &m) < 0);
        ASSERT_TRUE(mac_addr_parse("92:d0:c6:0a:29:3g", &m) < 0);
        ASSERT_TRUE(mac_addr_parse("92.d0.c6.0a.29.33", &m) < 0);
}

DEFINE_TEST_MAIN()
