/* SPDX-License-Identifier: Apache-2.0 */
/* The same limits as properties of the container's unit, so that `systemctl show` tells the truth. */
#include <stdio.h>

#include "runtime/resources.h"

/* The shim and, for moments, the OCI runtime are in the unit as well. Below these they could not run; the
 * container's own control group has the exact limit in any case. */
#define UNIT_MEMORY_MIN (32U * 1024U * 1024U)
#define UNIT_TASKS_MIN 48U

static int append_uint64(sd_bus_message *m, const char *name, uint64_t v) {
        return sd_bus_message_append(m, "(sv)", name, "t", v);
}

static int append_memory(const SpecResources *r, sd_bus_message *m) {
        int k = 0;

        if (r->memory > 0)
                k = append_uint64(m, "MemoryMax", MAX((uint64_t) r->memory, UNIT_MEMORY_MIN));
        if (k >= 0 && r->memory > 0 && r->memory_swap >= r->memory)
                k = append_uint64(m, "MemorySwapMax", (uint64_t) (r->memory_swap - r->memory));
        else if (k >= 0 && r->memory > 0 && r->memory_swap == -1)
                k = append_uint64(m, "MemorySwapMax", UINT64_MAX);
        if (k >= 0 && r->memory_reservation > 0)
                k = append_uint64(m, "MemoryLow", (uint64_t) r->memory_reservation);
        return k;
}

static int append_cpu(const SpecResources *r, sd_bus_message *m) {
        int64_t quota, period;
        int k = 0;

        spec_resources_cpu_quota(r, &quota, &period);
        if (quota > 0) {
                if (period == 0)
                        period = 100000;
                k = append_uint64(m, "CPUQuotaPerSecUSec", (uint64_t) quota * 1000000 / (uint64_t) period);
                if (k >= 0)
                        k = append_uint64(m, "CPUQuotaPeriodUSec", (uint64_t) period);
        }
        if (quota < 0)
                k = append_uint64(m, "CPUQuotaPerSecUSec", UINT64_MAX);
        /* v1's 2..262144 onto v2's 1..10000, as the OCI runtimes do. */
        if (k >= 0 && r->cpu_shares >= 2)
                k = append_uint64(m, "CPUWeight",
                                  1 + (MIN((uint64_t) r->cpu_shares, UINT64_C(262144)) - 2) * 9999 / 262142);
        return k;
}

static int append_tasks(const SpecResources *r, sd_bus_message *m) {
        if (r->pids_limit <= 0)
                return append_uint64(m, "TasksMax", UINT64_MAX);
        return append_uint64(m, "TasksMax", MAX((uint64_t) r->pids_limit, UNIT_TASKS_MIN));
}

/* "0-3,7" as the bit mask systemd wants. */
static size_t set_to_mask(const char *s, uint8_t mask[static 128]) {
        size_t n = 0;

        memset(mask, 0, 128);
        for (char *end; *s >= '0' && *s <= '9'; s = *end == ',' ? end + 1 : end) {
                unsigned long from = strtoul(s, &end, 10), to = from;

                if (*end == '-')
                        to = strtoul(end + 1, &end, 10);
                for (unsigned long i = from; i <= to && i < 1024; i++) {
                        mask[i / 8] |= (uint8_t) (1U << (i % 8));
                        n = MAX(n, i / 8 + 1);
                }
        }
        return n;
}

static int append_set(sd_bus_message *m, const char *name, const char *set) {
        uint8_t mask[128];
        size_t n;
        int k;

        if (isempty(set))
                return 0;
        n = set_to_mask(set, mask);
        k = sd_bus_message_open_container(m, 'r', "sv");
        if (k >= 0)
                k = sd_bus_message_append(m, "s", name);
        if (k >= 0)
                k = sd_bus_message_open_container(m, 'v', "ay");
        if (k >= 0)
                k = sd_bus_message_append_array(m, 'y', mask, n);
        if (k >= 0)
                k = sd_bus_message_close_container(m);
        return k < 0 ? k : sd_bus_message_close_container(m);
}

static int append_cpuset(const SpecResources *r, sd_bus_message *m) {
        int k = append_set(m, "AllowedCPUs", r->cpuset_cpus);

        return k < 0 ? k : append_set(m, "AllowedMemoryNodes", r->cpuset_mems);
}

static int append_throttle(sd_bus_message *m, const char *name, const SpecThrottle *t, size_t n) {
        char path[64];

        for (size_t i = 0; i < n; i++) {
                int k;

                snprintf(path, sizeof(path), "/dev/block/%lld:%lld", (long long) t[i].major,
                         (long long) t[i].minor);
                k = sd_bus_message_append(m, "(sv)", name, "a(st)", 1, path, t[i].rate);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int append_io(const SpecResources *r, sd_bus_message *m) {
        const struct {
                const char *name;
                const SpecThrottle *items;
                size_t n;
        } table[] = {
                { "IOReadBandwidthMax",  r->read_bps,   r->n_read_bps   },
                { "IOWriteBandwidthMax", r->write_bps,  r->n_write_bps  },
                { "IOReadIOPSMax",       r->read_iops,  r->n_read_iops  },
                { "IOWriteIOPSMax",      r->write_iops, r->n_write_iops },
        };
        int k = 0;

        if (r->blkio_weight >= 10)
                k = append_uint64(m, "IOWeight", 1 + (uint64_t) (r->blkio_weight - 10) * 9999 / 990);
        FOREACH_ELEMENT(t, table)
                if (k >= 0)
                        k = append_throttle(m, t->name, t->items, t->n);
        return k;
}

int resources_append_unit_properties(const SpecResources *r, sd_bus_message *m) {
        static int (*const appenders[])(const SpecResources *r, sd_bus_message *m) = {
                append_memory, append_cpu, append_tasks, append_cpuset, append_io,
        };

        FOREACH_ELEMENT(a, appenders) {
                int k = (*a)(r, m);

                if (k < 0)
                        return k;
        }
        return 0;
}
