/* SPDX-License-Identifier: Apache-2.0 */
/* What a container uses, from its control group, its network namespace and the host's counters. A few small
 * files of /proc and /sys/fs/cgroup: nothing here waits. */
#pragma once

#include "api/stats.h"

/* A privileged container can make as many as it likes. */
#define STATS_INTERFACES_MAX 128U
#define STATS_DEVICES_MAX 1024U

/* All but name, id and what was read before. pid: one in the container's network namespace; 0 = its networks
 * are none of its own. -ENOENT: the control group is gone. */
int stats_sample(const char *cgroup_path, pid_t pid, ContainerStats *ret);

/* The texts of the files, for tests. */
int stats_parse_system(const char *text, CpuStats *ret);
int stats_parse_networks(const char *text, ContainerStats *ret);
int stats_parse_io_v2(const char *text, BlkioStats *ret);
int stats_parse_io_v1(const char *text, BlkioEntryList *ret);
void stats_parse_cpu_v2(const char *text, CpuStats *ret);
int stats_parse_memory_v2(const char *text, MemoryStats *ret);
int stats_parse_memory_v1(const char *text, MemoryStats *ret);
