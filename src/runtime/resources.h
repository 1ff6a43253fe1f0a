/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits of a container: what the host's cgroups can do, Docker's warnings for what they cannot,
 * and one table that config.json and the unit properties are made from. */
#pragma once

#include <systemd/sd-bus.h>

#include "basic/error.h"
#include "basic/strv.h"

typedef struct SpecThrottle {
        int64_t major, minor;
        uint64_t rate;
} SpecThrottle;

/* 0 = not set everywhere but where said. */
typedef struct SpecResources {
        int64_t memory;                 /* bytes */
        int64_t memory_swap;            /* memory + swap; -1 = unlimited swap */
        int64_t memory_reservation;
        int64_t memory_swappiness;      /* -1 = not set */
        bool oom_kill_disable;

        int64_t cpu_shares;
        int64_t nano_cpus;              /* --cpus; turned into quota and period */
        int64_t cpu_period, cpu_quota;  /* microseconds */
        int64_t cpu_rt_period, cpu_rt_runtime;
        const char *cpuset_cpus, *cpuset_mems;

        int64_t pids_limit;             /* -1 = unlimited */

        int64_t blkio_weight;
        const SpecThrottle *read_bps, *write_bps, *read_iops, *write_iops, *weight_devices;
        size_t n_read_bps, n_write_bps, n_read_iops, n_write_iops, n_weight_devices;
} SpecResources;

/* CPU time in microseconds of a period: from --cpus, or as given; 0 = not set. */
void spec_resources_cpu_quota(const SpecResources *r, int64_t *ret_quota, int64_t *ret_period);

/* What this host can do. /info shows these. */
typedef struct HostCapabilities {
        int cgroup_version;             /* 1, 2 */
        bool memory_limit, swap_limit, memory_reservation, memory_swappiness, oom_kill_disable;
        bool cpu_shares, cpu_cfs, cpu_rt, cpuset;
        bool pids_limit;
        bool blkio_weight, blkio_weight_device, blkio_throttle;
        bool hugetlb, freezer, devices;
        bool cgroup_namespace;
        bool seccomp, apparmor, selinux;
        bool ipv4_forwarding;
} HostCapabilities;

int host_capabilities_probe(HostCapabilities *ret);
/* The warnings Docker prints in `docker info`: "WARNING: No swap limit support". */
int host_capabilities_warnings(const HostCapabilities *h, char ***ret);

/* Validates as Docker does (ERROR_INVALID, Docker's texts), drops in place what the host cannot do, and
 * appends Docker's warning for each to *warnings. */
int resources_check(SpecResources *r, const HostCapabilities *h, char ***warnings, Error *reterr);

/* Appends the unit properties ("MemoryMax", "CPUQuotaPerSecUSec", "TasksMax", ...) to an open a(sv). */
int resources_append_unit_properties(const SpecResources *r, sd_bus_message *m);
