/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/resources.h"

#include "basic/tests.h"

static const HostCapabilities everything = {
        .cgroup_version = 2,
        .memory_limit = true, .swap_limit = true, .memory_reservation = true, .memory_swappiness = true,
        .oom_kill_disable = true, .cpu_shares = true, .cpu_cfs = true, .cpu_rt = true, .cpuset = true,
        .pids_limit = true, .blkio_weight = true, .blkio_weight_device = true, .blkio_throttle = true,
};

static void fails(SpecResources r, const char *text) {
        _cleanup_strv_free_ char **warnings = NULL;
        _cleanup_error_ Error error = ERROR_NULL;

        if (r.memory_swappiness == 0)
                r.memory_swappiness = -1;
        ASSERT_FAIL(resources_check(&r, &everything, &warnings, &error));
        ASSERT_STREQ(error.message, text);
        ASSERT_EQ(error.kind, ERROR_INVALID);
}

TEST(refused) {
        fails((SpecResources) { .memory = 1024 }, "Minimum memory limit allowed is 6MB");
        fails((SpecResources) { .memory = 64 << 20, .memory_swap = 32 << 20 },
              "Minimum memoryswap limit should be larger than memory limit, see usage");
        fails((SpecResources) { .memory_swap = 32 << 20 },
              "You should always set the Memory limit when using Memoryswap limit, see usage");
        fails((SpecResources){ .memory_swappiness = 101 },
              "Invalid value: 101, valid memory swappiness range is 0-100");
        fails((SpecResources) { .nano_cpus = 1, .cpu_quota = 1 },
              "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
        fails((SpecResources) { .cpu_period = 10 },
              "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
        fails((SpecResources) { .cpuset_cpus = "x" }, "Invalid value x for cpuset cpus");
        fails((SpecResources) { .blkio_weight = 5 }, "Range of blkio weight is from 10 to 1000");
}

TEST(dropped_with_a_warning) {
        SpecResources r = { .memory = 64 << 20,
                            .memory_swap = 128 << 20,
                            .memory_swappiness = 60,
                            .pids_limit = 10,
                            .nano_cpus = 500000000,
                            .cpuset_cpus = "0",
                            .cpu_shares = 512 };
        _cleanup_strv_free_ char **warnings = NULL;
        _cleanup_error_ Error error = ERROR_NULL;
        HostCapabilities none = { .cgroup_version = 2 };

        ASSERT_OK(resources_check(&r, &none, &warnings, &error));
        ASSERT_EQ(r.memory, 0);
        ASSERT_EQ(r.pids_limit, 0);
        ASSERT_EQ(r.nano_cpus, 0);
        ASSERT_EQ(r.cpu_shares, 0);
        ASSERT_NULL(r.cpuset_cpus);
        ASSERT_EQ(strv_length(warnings), 6);
        ASSERT_STREQ(warnings[0],
                     "Your kernel does not support memory limit capabilities or the cgroup is not mounted. "
                     "Limitation discarded.");
}

TEST(nothing_asked_nothing_said) {
        SpecResources r = { .memory_swappiness = -1 };
        _cleanup_strv_free_ char **warnings = NULL;

        ASSERT_OK(resources_check(&r, &(HostCapabilities) { .cgroup_version = 1 }, &warnings, NULL));
        ASSERT_EQ(strv_length(warnings), 0);
}

TEST(probe) {
        _cleanup_strv_free_ char **warnings = NULL;
        HostCapabilities h;

        ASSERT_OK(host_capabilities_probe(&h));
        ASSERT_TRUE(IN_SET(h.cgroup_version, 1, 2));
        ASSERT_OK(host_capabilities_warnings(&h, &warnings));
}

DEFINE_TEST_MAIN()
