/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/resources.h"

#include <stdio.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/parse-util.h"
#include "shared/cgroup-util.h"

#define MEMORY_MIN (6 * 1024 * 1024)
#define CPU_PERIOD_DEFAULT 100000

/* --- what the host can do --- */

static bool v1_has(const char *controller, const char *file) {
        _cleanup_free_ char *directory = NULL, *path = NULL;

        if (cgroup_directory(controller, "/", &directory) < 0)
                return false;
        return asprintf_safe(&path, "%s/%s", directory, file) >= 0 && access(path, F_OK) >= 0;
}

static void probe_v1(HostCapabilities *h, char *const *controllers) {
        bool memory = strv_contains(controllers, "memory"), cpu = strv_contains(controllers, "cpu");

        h->memory_limit = memory;
        h->swap_limit = memory && v1_has("memory", "memory.memsw.limit_in_bytes");
        h->memory_reservation = memory && v1_has("memory", "memory.soft_limit_in_bytes");
        h->memory_swappiness = memory && v1_has("memory", "memory.swappiness");
        h->oom_kill_disable = memory && v1_has("memory", "memory.oom_control");
        h->cpu_shares = cpu && v1_has("cpu", "cpu.shares");
        h->cpu_cfs = cpu && v1_has("cpu", "cpu.cfs_quota_us");
        h->cpu_rt = cpu && v1_has("cpu", "cpu.rt_period_us");
        h->cpuset = strv_contains(controllers, "cpuset");
        h->pids_limit = strv_contains(controllers, "pids");
        h->blkio_weight = v1_has("blkio", "blkio.weight") || v1_has("blkio", "blkio.bfq.weight");
        h->blkio_weight_device = v1_has("blkio", "blkio.weight_device");
        h->blkio_throttle = v1_has("blkio", "blkio.throttle.read_bps_device");
        h->hugetlb = strv_contains(controllers, "hugetlb");
        h->freezer = strv_contains(controllers, "freezer");
        h->devices = strv_contains(controllers, "devices");
}

static void probe_v2(HostCapabilities *h, char *const *controllers) {
        bool memory = strv_contains(controllers, "memory"), cpu = strv_contains(controllers, "cpu"),
             io = strv_contains(controllers, "io");

        h->memory_limit = h->memory_reservation = memory;
        h->swap_limit = memory && access("/proc/swaps", F_OK) >= 0;
        h->cpu_shares = h->cpu_cfs = cpu;
        h->cpuset = strv_contains(controllers, "cpuset");
        h->pids_limit = strv_contains(controllers, "pids");
        h->blkio_weight = h->blkio_weight_device = h->blkio_throttle = io;
        h->hugetlb = strv_contains(controllers, "hugetlb");
        h->freezer = h->devices = true;
}

static bool file_says_one(const char *path) {
        _cleanup_free_ char *text = NULL;

        return read_line_file(path, &text) >= 0 && streq(text, "1");
}

int host_capabilities_probe(HostCapabilities *ret) {
        _cleanup_strv_free_ char **controllers = NULL;
        _cleanup_free_ char *apparmor = NULL;
        HostCapabilities h = {};
        int r;

        h.cgroup_version = cgroup_version();
        if (h.cgroup_version < 0)
                h.cgroup_version = 1;
        r = cgroup_controllers(&controllers);
        if (r < 0 && r != -ENOENT)
                return r;
        (h.cgroup_version == 2 ? probe_v2 : probe_v1)(&h, controllers);

        h.cgroup_namespace = access("/proc/self/ns/cgroup", F_OK) >= 0;
        h.seccomp = access("/proc/sys/kernel/seccomp/actions_avail", F_OK) >= 0;
        h.apparmor = read_line_file("/sys/module/apparmor/parameters/enabled", &apparmor) >= 0 &&
                streq(apparmor, "Y");
        h.selinux = access("/sys/fs/selinux/enforce", F_OK) >= 0;
        h.ipv4_forwarding = file_says_one("/proc/sys/net/ipv4/ip_forward");

        *ret = h;
        return 0;
}

int host_capabilities_warnings(const HostCapabilities *h, char ***ret) {
        const struct {
                bool ok;
                const char *text;
        } table[] = {
                { h->memory_limit,                     "WARNING: No memory limit support" },
                { h->swap_limit || !h->memory_limit,   "WARNING: No swap limit support" },
                { h->oom_kill_disable || h->cgroup_version == 2 || !h->memory_limit,
                                                       "WARNING: No oom kill disable support" },
                { h->cpu_cfs,                          "WARNING: No cpu cfs quota support" },
                { h->cpu_cfs,                          "WARNING: No cpu cfs period support" },
                { h->cpu_shares,                       "WARNING: No cpu shares support" },
                { h->cpuset,                           "WARNING: No cpuset support" },
                { h->pids_limit,                       "WARNING: No pids limit support" },
                { h->blkio_weight || h->cgroup_version == 1, "WARNING: No io.weight support" },
                { h->blkio_throttle || h->cgroup_version == 1, "WARNING: No io.max (rbps) support" },
                { h->ipv4_forwarding,                  "WARNING: IPv4 forwarding is disabled" },
        };
        _cleanup_strv_free_ char **l = NULL;
        int r;

        FOREACH_ELEMENT(i, table)
                if (!i->ok) {
                        r = strv_extend(&l, i->text);
                        if (r < 0)
                                return r;
                }
        *ret = TAKE_PTR(l);
        return 0;
}

/* --- checking --- */

typedef struct CheckContext {
        const HostCapabilities *host;
        char ***warnings;
        Error *reterr;
} CheckContext;

static int warn(CheckContext *c, const char *text) {
        return strv_extend(c->warnings, text);
}

#define NOT_MOUNTED "or the cgroup is not mounted"

static int check_memory(SpecResources *r, CheckContext *c) {
        const HostCapabilities *h = c->host;
        int k = 0;

        if (r->memory != 0 && r->memory < MEMORY_MIN)
                return error_setf(c->reterr, ERROR_INVALID, "Minimum memory limit allowed is 6MB");
        if (r->memory > 0 && !h->memory_limit) {
                k = warn(c, "Your kernel does not support memory limit capabilities " NOT_MOUNTED
                            ". Limitation discarded.");
                r->memory = 0;
                r->memory_swap = -1;
        }
        if (k >= 0 && r->memory > 0 && r->memory_swap != -1 && !h->swap_limit) {
                k = warn(c, "Your kernel does not support swap limit capabilities " NOT_MOUNTED
                            ". Memory limited without swap.");
                r->memory_swap = -1;
        }
        if (k < 0)
                return k;
        if (r->memory > 0 && r->memory_swap > 0 && r->memory_swap < r->memory)
                return error_setf(c->reterr, ERROR_INVALID,
                                  "Minimum memoryswap limit should be larger than memory limit, see usage");
        if (r->memory == 0 && r->memory_swap > 0)
                return error_setf(c->reterr, ERROR_INVALID, "You should always set the Memory limit when "
                                  "using Memoryswap limit, see usage");
        return 0;
}

static int check_memory_details(SpecResources *r, CheckContext *c) {
        const HostCapabilities *h = c->host;
        int k = 0;

        if (r->memory_swappiness != -1 && !h->memory_swappiness) {
                /* 0 is what a caller that has nothing to say may leave here. */
                if (r->memory_swappiness != 0)
                        k = warn(c,
                                 "Your kernel does not support memory swappiness capabilities " NOT_MOUNTED
                                 ". Memory swappiness discarded.");
                r->memory_swappiness = -1;
        }
        if (r->memory_swappiness < -1 || r->memory_swappiness > 100)
                return error_setf(c->reterr, ERROR_INVALID,
                                  "Invalid value: %lld, valid memory swappiness range is 0-100",
                                  (long long) r->memory_swappiness);
        if (k >= 0 && r->memory_reservation > 0 && !h->memory_reservation) {
                k = warn(c, "Your kernel does not support memory soft limit capabilities " NOT_MOUNTED
                            ". Limitation discarded.");
                r->memory_reservation = 0;
        }
        if (k < 0)
                return k;
        if (r->memory_reservation > 0 && r->memory_reservation < MEMORY_MIN)
                return error_setf(c->reterr, ERROR_INVALID, "Minimum memory reservation allowed is 6MB");
        if (r->memory > 0 && r->memory_reservation > 0 && r->memory < r->memory_reservation)
                return error_setf(c->reterr, ERROR_INVALID, "Minimum memory limit can not be less than "
                                  "memory reservation limit, see usage");
        return 0;
}

static int check_oom_and_pids(SpecResources *r, CheckContext *c) {
        int k = 0;

        if (r->oom_kill_disable && !c->host->oom_kill_disable) {
                k = warn(c, "Your kernel does not support OomKillDisable. OomKillDisable discarded.");
                r->oom_kill_disable = false;
        }
        if (k >= 0 && r->oom_kill_disable && r->memory == 0)
                k = warn(c, "OOM killer is disabled for the container, but no memory limit is set, this can "
                            "result in the system running out of resources.");
        if (k >= 0 && r->pids_limit != 0 && !c->host->pids_limit) {
                if (r->pids_limit > 0)
                        k = warn(c, "Your kernel does not support PIDs limit capabilities " NOT_MOUNTED
                                    ". PIDs limit discarded.");
                r->pids_limit = 0;
        }
        return k;
}

static int check_nano_cpus(SpecResources *r, CheckContext *c) {
        long n = sysconf(_SC_NPROCESSORS_ONLN);
        int k;

        if (r->nano_cpus > 0 && r->cpu_period > 0)
                return error_setf(c->reterr, ERROR_INVALID,
                                  "Conflicting options: Nano CPUs and CPU Period cannot both be set");
        if (r->nano_cpus > 0 && r->cpu_quota > 0)
                return error_setf(c->reterr, ERROR_INVALID,
                                  "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
        if (r->nano_cpus < 0 || r->nano_cpus > n * INT64_C(1000000000))
                return error_setf(
                                c->reterr, ERROR_INVALID,
                                "range of CPUs is from 0.01 to %ld.00, as there are only %ld CPUs available",
                                n, n);
        if (r->nano_cpus > 0 && !c->host->cpu_cfs) {
                k = warn(c, "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler "
                            NOT_MOUNTED ". Limitation discarded.");
                r->nano_cpus = 0;
                return k;
        }
        return 0;
}

static int check_cpu(SpecResources *r, CheckContext *c) {
        int k = 0;

        if (r->cpu_shares > 0 && !c->host->cpu_shares) {
                k = warn(c, "Your kernel does not support CPU shares " NOT_MOUNTED ". Shares discarded.");
                r->cpu_shares = 0;
        }
        if (k >= 0 && (r->cpu_period != 0 || r->cpu_quota != 0) && !c->host->cpu_cfs) {
                k = warn(c, "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.");
                r->cpu_period = r->cpu_quota = 0;
        }
        if (k < 0)
                return k;
        if (r->cpu_period != 0 && (r->cpu_period < 1000 || r->cpu_period > 1000000))
                return error_setf(c->reterr, ERROR_INVALID,
                                  "CPU cfs period can not be less than 1ms (i.e. 1000) "
                                  "or larger than 1s (i.e. 1000000)");
        if (r->cpu_quota > 0 && r->cpu_quota < 1000)
                return error_setf(c->reterr, ERROR_INVALID,
                                  "CPU cfs quota can not be less than 1ms (i.e. 1000)");
        return 0;
}

/* "0-3,7" within the kernel's list of the same form. */
static int parse_set(const char *s, uint64_t ret[static 16]) {
        memset(ret, 0, 16 * sizeof(uint64_t));
        while (*s) {
                unsigned long from, to;
                char *end;

                if (*s < '0' || *s > '9')
                        return -EINVAL;
                from = to = strtoul(s, &end, 10);
                if (*end == '-') {
                        s = end + 1;
                        if (*s < '0' || *s > '9')
                                return -EINVAL;
                        to = strtoul(s, &end, 10);
                }
                if (from > to || to >= 1024)
                        return -EINVAL;
                for (unsigned long i = from; i <= to; i++)
                        ret[i / 64] |= UINT64_C(1) << (i % 64);
                s = end;
                if (*s == ',')
                        s++;
                else if (*s)
                        return -EINVAL;
        }
        return 0;
}

static int check_set(const char *value, const char *file, const char *option, const char *what,
                     Error *reterr) {
        _cleanup_free_ char *available = NULL;
        uint64_t a[16], b[16];

        if (isempty(value))
                return 0;
        if (parse_set(value, a) < 0)
                return error_setf(reterr, ERROR_INVALID, "Invalid value %s for cpuset %s", value, option);
        if (read_line_file(file, &available) < 0 || parse_set(available, b) < 0)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(a); i++)
                if (a[i] & ~b[i])
                        return error_setf(reterr, ERROR_INVALID,
                                          "Requested %s are not available - requested %s, available: %s",
                                          what, value, available);
        return 0;
}

static int check_cpuset(SpecResources *r, CheckContext *c) {
        int k;

        if ((!isempty(r->cpuset_cpus) || !isempty(r->cpuset_mems)) && !c->host->cpuset) {
                r->cpuset_cpus = r->cpuset_mems = NULL;
                return warn(c, "Your kernel does not support cpuset " NOT_MOUNTED ". Cpuset discarded.");
        }
        k = check_set(r->cpuset_cpus, "/sys/devices/system/cpu/online", "cpus", "CPUs", c->reterr);
        if (k < 0)
                return k;
        return check_set(r->cpuset_mems, "/sys/devices/system/node/online", "mems", "memory nodes",
                         c->reterr);
}

static int check_blkio(SpecResources *r, CheckContext *c) {
        const struct {
                size_t *n;
                bool ok;
                const char *text;
        } lists[] = {
                { &r->n_weight_devices, c->host->blkio_weight_device,
                  "Your kernel does not support Block I/O weight_device " NOT_MOUNTED
                  ". Weight-device discarded." },
                { &r->n_read_bps, c->host->blkio_throttle,
                  "Your kernel does not support BPS Block I/O read limit " NOT_MOUNTED
                  ". Block I/O BPS read limit discarded." },
                { &r->n_write_bps, c->host->blkio_throttle,
                  "Your kernel does not support BPS Block I/O write limit " NOT_MOUNTED
                  ". Block I/O BPS write limit discarded." },
                { &r->n_read_iops, c->host->blkio_throttle,
                  "Your kernel does not support IOPS Block read limit " NOT_MOUNTED
                  ". Block I/O IOPS read limit discarded." },
                { &r->n_write_iops, c->host->blkio_throttle,
                  "Your kernel does not support IOPS Block write limit " NOT_MOUNTED
                  ". Block I/O IOPS write limit discarded." },
        };
        int k;

        if (r->blkio_weight > 0 && !c->host->blkio_weight) {
                r->blkio_weight = 0;
                k = warn(c,
                         "Your kernel does not support Block I/O weight " NOT_MOUNTED ". Weight discarded.");
                if (k < 0)
                        return k;
        }
        if (r->blkio_weight != 0 && (r->blkio_weight < 10 || r->blkio_weight > 1000))
                return error_setf(c->reterr, ERROR_INVALID, "Range of blkio weight is from 10 to 1000");
        FOREACH_ELEMENT(l, lists)
                if (*l->n > 0 && !l->ok) {
                        *l->n = 0;
                        k = warn(c, l->text);
                        if (k < 0)
                                return k;
                }
        return 0;
}

int resources_check(SpecResources *r, const HostCapabilities *h, char ***warnings, Error *reterr) {
        static int (*const checks[])(SpecResources * r, CheckContext * c) = {
                check_memory, check_memory_details, check_oom_and_pids, check_nano_cpus,
                check_cpu,    check_cpuset,         check_blkio,
        };
        CheckContext c = { .host = h, .warnings = warnings, .reterr = reterr };

        FOREACH_ELEMENT(f, checks) {
                int k = (*f)(r, &c);

                if (k < 0)
                        return error_fill(reterr, k);
        }
        return 0;
}

void spec_resources_cpu_quota(const SpecResources *r, int64_t *ret_quota, int64_t *ret_period) {
        if (r->nano_cpus > 0) {
                *ret_period = CPU_PERIOD_DEFAULT;
                *ret_quota = r->nano_cpus * CPU_PERIOD_DEFAULT / 1000000000;
        } else {
                *ret_period = r->cpu_period;
                *ret_quota = r->cpu_quota;
        }
}
