/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/stats.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "basic/fileio.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "shared/cgroup-util.h"

#define FILE_MAX (1024U * 1024U)
#define NSEC_PER_TICK (NSEC_PER_SEC / (uint64_t) sysconf(_SC_CLK_TCK))

/* A number of a file: its key, where it goes, and what one of it is. */
typedef struct NumberRow {
        const char *key;
        size_t offset;
        uint64_t unit;
} NumberRow;

/* Names that Docker shows of memory.stat of v2, whatever this kernel has. */
static const char *const memory_v2_names[] = {
        "anon", "file", "kernel_stack", "slab", "sock", "shmem", "file_mapped", "file_dirty",
        "file_writeback", "anon_thp", "inactive_anon", "active_anon", "inactive_file", "active_file",
        "unevictable", "slab_reclaimable", "slab_unreclaimable", "pgfault", "pgmajfault",
        "workingset_refault", "workingset_activate", "workingset_nodereclaim", "pgrefill", "pgscan",
        "pgsteal", "pgactivate", "pgdeactivate", "pglazyfree", "pglazyfreed", "thp_fault_alloc",
        "thp_collapse_alloc",
};

/* --- texts --- */

static const char *next_line(const char *s) {
        const char *end = strchrnul(s, '\n');

        return *end ? end + 1 : end;
}

#define FOREACH_LINE(l, text) for (const char *l = (text); *l; l = next_line(l))

/* "KEY VALUE" at the begin of a line. */
static const char *value_of(const char *line, const char *key) {
        const char *s = startswith(line, key);

        return s && *s == ' ' ? s + 1 : NULL;
}

static uint64_t find_number(const char *text, const char *key) {
        FOREACH_LINE(l, text) {
                const char *s = value_of(l, key);

                if (s)
                        return strtoull(s, NULL, 10);
        }
        return 0;
}

static void take_numbers(const char *text, const NumberRow *rows, size_t n, void *into) {
        for (size_t i = 0; i < n; i++)
                *(uint64_t *) ((char *) into + rows[i].offset) = find_number(text, rows[i].key) *
                                                                 rows[i].unit;
}

/* Up to a blank, the end of the line or the stop character. */
static char *word_at(const char *s, char stop) {
        size_t n = 0;

        while (s[n] && !isspace((unsigned char) s[n]) && s[n] != stop)
                n++;
        return strndup(s, n);
}

/* --- the host --- */

static uint64_t system_usage(const char *line) {
        uint64_t ticks = 0;
        char *end;

        /* user, nice, system, idle, iowait, irq, softirq; guests are in the first two. */
        for (unsigned i = 0; i < 7; i++, line = end) {
                ticks += strtoull(line, &end, 10);
                if (end == line)
                        break;
        }
        return ticks * NSEC_PER_TICK;
}

int stats_parse_system(const char *text, CpuStats *ret) {
        const char *all = startswith(text, "cpu ");

        if (!all)
                return -EBADMSG;
        ret->system_usage = system_usage(all);
        ret->online_cpus = 0;
        FOREACH_LINE(l, text) {
                const char *cpu = startswith(l, "cpu");

                ret->online_cpus += cpu && isdigit((unsigned char) *cpu);
        }
        return 0;
}

static uint64_t machine_memory(void) {
        struct sysinfo si;

        return sysinfo(&si) < 0 ? UINT64_MAX : (uint64_t) si.totalram * si.mem_unit;
}

/* --- files of the group --- */

static int read_group_file(const char *controller, const char *path, const char *file, char **ret) {
        _cleanup_free_ char *directory = NULL, *full = NULL;
        int r;

        r = cgroup_directory(controller, path, &directory);
        if (r < 0)
                return r;
        full = path_join(directory, file);
        return full ? read_file_at(AT_FDCWD, full, FILE_MAX, ret, NULL) : -ENOMEM;
}

/* "max" is UINT64_MAX; a file that is not there is 0. */
static uint64_t read_number(const char *controller, const char *path, const char *file) {
        _cleanup_free_ char *text = NULL;

        if (read_group_file(controller, path, file, &text) < 0)
                return 0;
        return startswith(text, "max") ? UINT64_MAX : strtoull(text, NULL, 10);
}

/* --- memory --- */

static int add_number(MemoryStats *m, char *key, uint64_t value) {
        NumberEntry *items = key ? reallocarray(m->stats.items, m->stats.n_items + 1, sizeof(*items)) : NULL;

        if (!items) {
                free(key);
                return -ENOMEM;
        }
        m->stats.items = items;
        items[m->stats.n_items++] = (NumberEntry) { key, value };
        return 0;
}

int stats_parse_memory_v2(const char *text, MemoryStats *ret) {
        FOREACH_ELEMENT(name, memory_v2_names) {
                int r = add_number(ret, strdup(*name), find_number(text, *name));

                if (r < 0)
                        return r;
        }
        return 0;
}

int stats_parse_memory_v1(const char *text, MemoryStats *ret) {
        FOREACH_LINE(l, text) {
                size_t n = strcspn(l, " \n");
                int r;

                if (n == 0 || l[n] != ' ')
                        continue;
                r = add_number(ret, strndup(l, n), strtoull(l + n, NULL, 10));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int sample_memory(const char *path, bool v2, MemoryStats *ret) {
        _cleanup_free_ char *text = NULL, *events = NULL;

        /* Where there is no such controller, there is nothing to tell. */
        if (read_group_file("memory", path, "memory.stat", &text) < 0)
                return 0;
        if (v2) {
                ret->usage = read_number("memory", path, "memory.current");
                ret->limit = read_number("memory", path, "memory.max");
                if (read_group_file("memory", path, "memory.events", &events) >= 0)
                        ret->failcnt = find_number(events, "oom");
        } else {
                ret->usage = read_number("memory", path, "memory.usage_in_bytes");
                ret->max_usage = read_number("memory", path, "memory.max_usage_in_bytes");
                ret->failcnt = read_number("memory", path, "memory.failcnt");
                ret->limit = read_number("memory", path, "memory.limit_in_bytes");
        }
        ret->limit = MIN(ret->limit, machine_memory());
        return (v2 ? stats_parse_memory_v2 : stats_parse_memory_v1)(text, ret);
}

/* --- cpu --- */

#define CPU(member) offsetof(CpuStats, member)

void stats_parse_cpu_v2(const char *text, CpuStats *ret) {
        static const NumberRow rows[] = {
                { "usage_usec",     CPU(usage.total),                  NSEC_PER_USEC },
                { "system_usec",    CPU(usage.kernel_mode),            NSEC_PER_USEC },
                { "user_usec",      CPU(usage.user_mode),              NSEC_PER_USEC },
                { "nr_periods",     CPU(throttling.periods),           1             },
                { "nr_throttled",   CPU(throttling.throttled_periods), 1             },
                { "throttled_usec", CPU(throttling.throttled_time),    NSEC_PER_USEC },
        };

        take_numbers(text, rows, ELEMENTSOF(rows), ret);
}

static int sample_cpu_v2(const char *path, CpuStats *ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = read_group_file("cpu", path, "cpu.stat", &text);
        if (r >= 0)
                stats_parse_cpu_v2(text, ret);
        return r;
}

static int parse_per_cpu(const char *text, CpuUsage *ret) {
        char *end;

        for (const char *s = text;; s = end) {
                int64_t n = strtoll(s, &end, 10), *items;

                if (end == s)
                        return 0;
                items = reallocarray(ret->per_cpu.items, ret->per_cpu.n_items + 1, sizeof(*items));
                if (!items)
                        return -ENOMEM;
                ret->per_cpu.items = items;
                items[ret->per_cpu.n_items++] = n;
        }
}

static int sample_cpu_v1(const char *path, CpuStats *ret) {
        const NumberRow usage[] = {
                { "user",   CPU(usage.user_mode),   NSEC_PER_TICK },
                { "system", CPU(usage.kernel_mode), NSEC_PER_TICK },
        };
        static const NumberRow throttling[] = {
                { "nr_periods",     CPU(throttling.periods),           1 },
                { "nr_throttled",   CPU(throttling.throttled_periods), 1 },
                { "throttled_time", CPU(throttling.throttled_time),    1 },
        };
        _cleanup_free_ char *total = NULL, *per_cpu = NULL, *modes = NULL, *stat = NULL;
        int r;

        r = read_group_file("cpuacct", path, "cpuacct.usage", &total);
        if (r < 0)
                return r;
        ret->usage.total = strtoull(total, NULL, 10);
        if (read_group_file("cpuacct", path, "cpuacct.stat", &modes) >= 0)
                take_numbers(modes, usage, ELEMENTSOF(usage), ret);
        if (read_group_file("cpu", path, "cpu.stat", &stat) >= 0)
                take_numbers(stat, throttling, ELEMENTSOF(throttling), ret);
        if (read_group_file("cpuacct", path, "cpuacct.usage_percpu", &per_cpu) >= 0)
                r = parse_per_cpu(per_cpu, &ret->usage);
        return r;
}

/* --- block devices --- */

static int add_entry(BlkioEntryList *l, uint64_t major, uint64_t minor, char *op, uint64_t value) {
        BlkioEntry *items = op ? reallocarray(l->items, l->n_items + 1, sizeof(*items)) : NULL;

        if (!items) {
                free(op);
                return -ENOMEM;
        }
        l->items = items;
        items[l->n_items++] = (BlkioEntry) { major, minor, op, value };
        return 0;
}

/* An empty list that is not null. */
static int list_exists(BlkioEntryList *l) {
        if (!l->items)
                l->items = new0(BlkioEntry, 1);
        return l->items ? 0 : -ENOMEM;
}

/* "8:0 rbytes=1 wbytes=2 ..." */
int stats_parse_io_v2(const char *text, BlkioStats *ret) {
        BlkioEntryList *l = &ret->io_service_bytes;

        FOREACH_LINE(line, text) {
                unsigned long long major, minor, read, written;
                int r;

                if (sscanf(line, "%llu:%llu rbytes=%llu wbytes=%llu", &major, &minor, &read, &written) != 4)
                        continue;
                if (l->n_items >= 2 * STATS_DEVICES_MAX)
                        break;
                r = add_entry(l, major, minor, strdup("read"), read);
                if (r >= 0)
                        r = add_entry(l, major, minor, strdup("write"), written);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* "8:0 Read 1", and a total without a device at the end. */
int stats_parse_io_v1(const char *text, BlkioEntryList *ret) {
        FOREACH_LINE(line, text) {
                unsigned long long major, minor, value;
                char op[16];
                int r;

                if (sscanf(line, "%llu:%llu %15s %llu", &major, &minor, op, &value) != 4)
                        continue;
                if (ret->n_items >= 8 * STATS_DEVICES_MAX)
                        break;
                for (char *p = op; *p; p++)
                        *p = (char) tolower((unsigned char) *p);
                r = add_entry(ret, major, minor, strdup(op), value);
                if (r < 0)
                        return r;
        }
        return list_exists(ret);
}

static int sample_io_v2(const char *path, BlkioStats *ret) {
        _cleanup_free_ char *text = NULL;

        return read_group_file("io", path, "io.stat", &text) < 0 ? 0 : stats_parse_io_v2(text, ret);
}

static int read_throttle_file(const char *path, const char *recursive, const char *plain,
                              BlkioEntryList *ret) {
        _cleanup_free_ char *text = NULL;

        if (read_group_file("blkio", path, recursive, &text) < 0 &&
            read_group_file("blkio", path, plain, &text) < 0)
                return list_exists(ret);
        return stats_parse_io_v1(text, ret);
}

static int sample_io_v1(const char *path, BlkioStats *ret) {
        BlkioEntryList *const uncounted[] = {
                &ret->io_queued, &ret->io_service_time, &ret->io_wait_time, &ret->io_merged, &ret->io_time,
                &ret->sectors,
        };
        int r;

        r = read_throttle_file(path, "blkio.throttle.io_service_bytes_recursive",
                               "blkio.throttle.io_service_bytes", &ret->io_service_bytes);
        if (r >= 0)
                r = read_throttle_file(path, "blkio.throttle.io_serviced_recursive",
                                       "blkio.throttle.io_serviced", &ret->io_serviced);
        FOREACH_ELEMENT(l, uncounted)
                if (r >= 0)
                        r = list_exists(*l);
        return r;
}

/* --- networks --- */

static int add_interface(ContainerStats *s, const char *line) {
        NetworkStatsEntry *items, e = { .key = word_at(line, ':') };
        NetworkStats *n = &e.value;

        items = e.key ? reallocarray(s->networks.items, s->networks.n_items + 1, sizeof(*items)) : NULL;
        if (!items) {
                free(e.key);
                return -ENOMEM;
        }
        /* Behind the first four of each direction: fifo, frame or colls, ... */
        (void) sscanf(line + strlen(e.key) + 1,
                      "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%*u%*u%*u%*u"
                      "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64,
                      &n->rx_bytes, &n->rx_packets, &n->rx_errors, &n->rx_dropped, &n->tx_bytes,
                      &n->tx_packets, &n->tx_errors, &n->tx_dropped);
        s->networks.items = items;
        items[s->networks.n_items++] = e;
        return 0;
}

/* Of the interfaces, those that a network has put there. */
int stats_parse_networks(const char *text, ContainerStats *ret) {
        FOREACH_LINE(l, text) {
                const char *name = l + strspn(l, " ");
                int r;

                if (!startswith(name, "eth") || name[strcspn(name, ":\n")] != ':')
                        continue;
                if (ret->networks.n_items >= STATS_INTERFACES_MAX)
                        break;
                r = add_interface(ret, name);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int sample_networks(pid_t pid, ContainerStats *ret) {
        _cleanup_free_ char *text = NULL;
        char path[32];

        if (pid <= 0)
                return 0;
        snprintf(path, sizeof(path), "/proc/%d/net/dev", pid);
        return read_file_at(AT_FDCWD, path, FILE_MAX, &text, NULL) < 0 ? 0 : stats_parse_networks(text, ret);
}

/* --- */

static void sample_pids(const char *path, bool v2, PidsStats *ret) {
        ret->current = read_number("pids", path, "pids.current");
        ret->limit = read_number("pids", path, "pids.max");
        /* As Docker shows it: no limit is none on v1, and the greatest number on v2. */
        if (!v2 && ret->limit == UINT64_MAX)
                ret->limit = 0;
}

int stats_sample(const char *cgroup_path, pid_t pid, ContainerStats *ret) {
        _cleanup_(ContainerStats_donep) ContainerStats s = {};
        _cleanup_free_ char *stat = NULL;
        bool v2 = cgroup_version() == 2;
        int r;

        r = (v2 ? sample_cpu_v2 : sample_cpu_v1)(cgroup_path, &s.cpu);
        if (r >= 0)
                r = read_file_at(AT_FDCWD, "/proc/stat", FILE_MAX, &stat, NULL);
        if (r >= 0)
                r = stats_parse_system(stat, &s.cpu);
        if (r >= 0)
                r = sample_memory(cgroup_path, v2, &s.memory);
        if (r >= 0)
                r = (v2 ? sample_io_v2 : sample_io_v1)(cgroup_path, &s.blkio);
        if (r >= 0)
                r = sample_networks(pid, &s);
        if (r < 0)
                return r;
        sample_pids(cgroup_path, v2, &s.pids);
        s.read = now_nsec();
        *ret = TAKE_STRUCT(s);
        return 0;
}
