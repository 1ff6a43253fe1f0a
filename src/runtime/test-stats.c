/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/stats.h"

#include <unistd.h>

#include "basic/alloc-util.h"
#include "basic/tests.h"

TEST(system) {
        CpuStats c = {};

        ASSERT_OK(stats_parse_system("cpu  1 2 3 4 5 6 7 100 100 100\ncpu0 1 2\ncpu1 3 4\nintr 5\ncpus 1\n",
                                     &c));
        ASSERT_EQ(c.system_usage, 28 * (NSEC_PER_SEC / (uint64_t) sysconf(_SC_CLK_TCK)));
        ASSERT_EQ(c.online_cpus, 2u);
        ASSERT_EQ(stats_parse_system("intr 5\n", &c), -EBADMSG);
}

TEST(cpu_v2) {
        CpuStats c = {};

        stats_parse_cpu_v2("usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 3\n"
                           "throttled_usec 2\n", &c);
        ASSERT_EQ(c.usage.total, 30000u);
        ASSERT_EQ(c.usage.user_mode, 20000u);
        ASSERT_EQ(c.usage.kernel_mode, 10000u);
        ASSERT_EQ(c.throttling.periods, 4u);
        ASSERT_EQ(c.throttling.throttled_periods, 3u);
        ASSERT_EQ(c.throttling.throttled_time, 2000u);
}

TEST(memory) {
        _cleanup_(ContainerStats_donep) ContainerStats v1 = {}, v2 = {};

        ASSERT_OK(stats_parse_memory_v1("cache 1\ntotal_inactive_file 2\nbroken\n", &v1.memory));
        ASSERT_EQ(v1.memory.stats.n_items, 2u);
        ASSERT_STREQ(v1.memory.stats.items[1].key, "total_inactive_file");
        ASSERT_EQ(v1.memory.stats.items[1].value, 2u);
        ASSERT_OK(stats_parse_memory_v2("file 5\nanon_thp 7\nanon 4\nnews 9\n", &v2.memory));
        ASSERT_EQ(v2.memory.stats.n_items, 31u);
        ASSERT_STREQ(v2.memory.stats.items[0].key, "anon");
        ASSERT_EQ(v2.memory.stats.items[0].value, 4u);
        ASSERT_EQ(v2.memory.stats.items[1].value, 5u);
}

TEST(io) {
        _cleanup_(ContainerStats_donep) ContainerStats v1 = {}, v2 = {};
        BlkioEntryList *l = &v2.blkio.io_service_bytes;

        ASSERT_OK(stats_parse_io_v2("8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n7:0 \nbroken\n"
                                    "253:0 rbytes=7 wbytes=8 rios=1 wios=1 dbytes=0 dios=0\n", &v2.blkio));
        ASSERT_EQ(l->n_items, 4u);
        ASSERT_EQ(l->items[1].minor, 16u);
        ASSERT_STREQ(l->items[1].op, "write");
        ASSERT_EQ(l->items[1].value, 2u);
        ASSERT_EQ(l->items[2].major, 253u);
        ASSERT_NULL(v2.blkio.io_serviced.items);

        l = &v1.blkio.io_serviced;
        ASSERT_OK(stats_parse_io_v1("8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3\n", l));
        ASSERT_EQ(l->n_items, 3u);
        ASSERT_STREQ(l->items[0].op, "read");
        ASSERT_EQ(l->items[2].value, 3u);
}

TEST(networks) {
        _cleanup_(ContainerStats_donep) ContainerStats s = {};

        ASSERT_OK(stats_parse_networks(
                "Inter-|   Receive                            |  Transmit\n"
                " face |bytes    packets errs drop fifo frame compressed multicast|bytes packets errs drop\n"
                "    lo:  9  9 9 9 9 9 9 9  9 9 9 9 9 9 9 9\n"
                " tunl0:  9  9 9 9 9 9 9 9  9 9 9 9 9 9 9 9\n"
                "  eth0:1234567 2 3 4 91 92 93 94 5 6 7 8 95 96 97 98\n"
                "eth1: 1\n", &s));
        ASSERT_EQ(s.networks.n_items, 2u);
        ASSERT_STREQ(s.networks.items[0].key, "eth0");
        ASSERT_EQ(s.networks.items[0].value.rx_bytes, 1234567u);
        ASSERT_EQ(s.networks.items[0].value.rx_dropped, 4u);
        ASSERT_EQ(s.networks.items[0].value.tx_bytes, 5u);
        ASSERT_EQ(s.networks.items[0].value.tx_dropped, 8u);
        ASSERT_STREQ(s.networks.items[1].key, "eth1");
}

TEST(limits) {
        _cleanup_(ContainerStats_donep) ContainerStats s = {};
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        ASSERT_NOT_NULL(f);
        for (unsigned i = 0; i < 10 * STATS_INTERFACES_MAX; i++)
                fprintf(f, "eth%u: 1 2 3\n", i);
        ASSERT_EQ(fclose(f), 0);
        ASSERT_OK(stats_parse_networks(text, &s));
        ASSERT_EQ(s.networks.n_items, STATS_INTERFACES_MAX);
}

TEST(no_group) {
        ContainerStats s;

        ASSERT_EQ(stats_sample("/no/such/group", 0, &s), -ENOENT);
}

DEFINE_TEST_MAIN()
