/* SPDX-License-Identifier: Apache-2.0 */
#include "network/hosts-file.h"

#include "basic/tests.h"

static NetAddr addr(const char *s) {
        NetAddr a;

        ASSERT_OK(net_addr_parse(s, &a));
        return a;
}

static void check(const HostsFileParams *p, const char *expected) {
        _cleanup_free_ char *text = NULL;

        ASSERT_OK(hosts_file_build(p, &text, NULL));
        ASSERT_STREQ(text, expected);
}

#define IPV6_LINES                                                                                   \
        "::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\n" \
        "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"

TEST(default) {
        check(&(HostsFileParams) {}, "127.0.0.1\tlocalhost\n");
        check(&(HostsFileParams) { .ipv6 = true, .hostname = "x" }, "127.0.0.1\tlocalhost\n" IPV6_LINES);
}

TEST(own_names) {
        NetAddr own[] = { addr("172.17.0.2"), addr("fd00::2") };

        check(&(HostsFileParams) { .hostname = "c1", .addresses = own, .n_addresses = 2 },
              "127.0.0.1\tlocalhost\n172.17.0.2\tc1\n");
        check(&(HostsFileParams) { .hostname = "c1", .addresses = own, .n_addresses = 2, .ipv6 = true },
              "127.0.0.1\tlocalhost\n" IPV6_LINES "172.17.0.2\tc1\nfd00::2\tc1\n");
        check(&(HostsFileParams){ .hostname = "c1",
                                  .domainname = "example.com",
                                  .addresses = own,
                                  .n_addresses = 1 },
              "127.0.0.1\tlocalhost\n172.17.0.2\tc1.example.com c1\n");
        check(&(HostsFileParams){ .hostname = "c1.example.com",
                                  .domainname = "",
                                  .addresses = own,
                                  .n_addresses = 1 },
              "127.0.0.1\tlocalhost\n172.17.0.2\tc1.example.com c1\n");
}

TEST(extra_hosts) {
        char *extra[] = { (char *) "db:10.0.0.1", (char *) "six:fd00::9",
                          (char *) "host.docker.internal:host-gateway", NULL };
        NetAddr own = addr("172.17.0.2"), gateways[] = { addr("172.17.0.1") };
        _cleanup_error_ Error error = ERROR_NULL;
        char *text = NULL;
        HostsFileParams p = {
                .hostname = "c1", .addresses = &own, .n_addresses = 1, .extra_hosts = extra,
                .host_gateways = gateways, .n_host_gateways = 1,
        };

        check(&p, "127.0.0.1\tlocalhost\n10.0.0.1\tdb\n172.17.0.1\thost.docker.internal\n172.17.0.2\tc1\n");
        p.n_host_gateways = 0;
        ASSERT_FAIL(hosts_file_build(&p, &text, &error));
        ASSERT_STREQ(error_message(&error), "unable to derive the IP value for host-gateway");
        ASSERT_NULL(text);
}

TEST(validate) {
        static const char *const good[] = { "a:1.2.3.4", "a:::1", "a:fd00::1", "a:host-gateway" };
        static const char *const bad[] = {
                "",
                "a",
                ":1.2.3.4",
                "a:",
                "a:b",
                "a:1.2.3.4\n6.6.6.6 evil",
                "a b:1.2.3.4",
                "a\tb:1.2.3.4",
                "a:1.2.3.4 x",
        };
        _cleanup_error_ Error error = ERROR_NULL;

        FOREACH_ELEMENT(s, good)
                ASSERT_OK(extra_host_validate(*s, NULL));
        FOREACH_ELEMENT(s, bad)
                ASSERT_FAIL(extra_host_validate(*s, NULL));

        ASSERT_FAIL(extra_host_validate("foo", &error));
        ASSERT_STREQ(error_message(&error), "bad format for add-host: \"foo\"");
        ASSERT_FAIL(extra_host_validate("foo:bar", &error));
        ASSERT_STREQ(error_message(&error), "invalid IP address in add-host: \"bar\"");
}

DEFINE_TEST_MAIN()
