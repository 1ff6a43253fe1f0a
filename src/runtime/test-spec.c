/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/spec.h"

#include "api/oci-runtime.h"
#include "basic/tests.h"

static const char *const args[] = { "/bin/sh", "-c", "true", NULL };

static SpecInput minimal(void) {
        return (SpecInput) {
                .id = "0123456789ab",
                .args = (char **) args,
                .rootfs = "/run/x/rootfs",
                .hostname = "host",
                .cgroup_path = "/dockerd/0123456789ab",
        };
}

static void build(const SpecInput *in, OciSpec *ret) {
        _cleanup_free_ char *text = NULL;
        _cleanup_error_ Error error = ERROR_NULL;

        ASSERT_OK(spec_build(in, &text, &error));
        *ret = (OciSpec) {};
        ASSERT_OK(json_decode_text(&OciSpec_json, text, strlen(text), 0, ret, &error));
}

static void assert_list(char *const *l, const char *expected) {
        _cleanup_free_ char *joined = strv_join(l, " ");

        ASSERT_STREQ(joined, expected);
}

/* Docker's documented defaults, word for word. */
/* For a running container: what is not limited any more is named. */
TEST(resources_alone) {
        const HostCapabilities all = { .pids_limit = true, .swap_limit = true }, none = {};
        const struct {
                SpecResources s;
                const HostCapabilities *host;
                const char *text;
        } table[] = {
                { { .pids_limit = 7, .memory_swappiness = -1 }, &all, "{\"pids\":{\"limit\":7}}" },
                { { .memory_swappiness = -1 }, &all, "{\"pids\":{\"limit\":-1}}" },
                { { .memory_swappiness = -1 }, &none, "{}" },
                { { .memory = 9, .memory_swap = -1, .memory_swappiness = -1, .pids_limit = 1 }, &all,
                  "{\"memory\":{\"limit\":9,\"swap\":-1},\"pids\":{\"limit\":1}}" },
                { { .memory = 9, .memory_swap = -1, .memory_swappiness = -1, .pids_limit = 1 }, &none,
                  "{\"memory\":{\"limit\":9},\"pids\":{\"limit\":1}}" },
                { { .nano_cpus = 500000000, .memory_swappiness = -1 }, &none, "{\"cpu\":{\"quota\":50000,\"period\":100000}}" },
                { { .cpu_quota = -1, .memory_swappiness = -1 }, &none, "{\"cpu\":{\"quota\":-1}}" },
        };

        FOREACH_ELEMENT(i, table) {
                _cleanup_error_ Error error = ERROR_NULL;
                _cleanup_free_ char *text = NULL;

                ASSERT_OK(spec_resources_build(&i->s, i->host, &text, &error));
                ASSERT_STREQ(text, i->text);
        }
}

TEST(capabilities) {
        static const char all[] =
                "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID "
                "CAP_SETUID CAP_SETFCAP CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL "
                "CAP_AUDIT_WRITE";
        _cleanup_(OciSpec_donep) OciSpec o = {}, user = {}, changed = {}, none = {};
        SpecInput in = minimal();
        const char *add[] = { "net_admin", "CAP_KILL", NULL }, *drop[] = { "chown", NULL },
                   *drop_all[] = { "all", NULL };

        build(&in, &o);
        assert_list(o.process.capabilities.bounding, all);
        assert_list(o.process.capabilities.effective, all);
        assert_list(o.process.capabilities.permitted, all);
        ASSERT_NULL(o.process.capabilities.inheritable);
        ASSERT_NULL(o.process.capabilities.ambient);

        in.uid = 1000;
        build(&in, &user);
        assert_list(user.process.capabilities.bounding, all);
        ASSERT_NULL(user.process.capabilities.effective);
        ASSERT_NULL(user.process.capabilities.permitted);

        in.uid = 0;
        in.cap_add = (char **) add;
        in.cap_drop = (char **) drop;
        build(&in, &changed);
        ASSERT_TRUE(strv_contains(changed.process.capabilities.bounding, "CAP_NET_ADMIN"));
        ASSERT_FALSE(strv_contains(changed.process.capabilities.bounding, "CAP_CHOWN"));
        ASSERT_EQ(strv_length(changed.process.capabilities.bounding), 14);

        in.cap_add = NULL;
        in.cap_drop = (char **) drop_all;
        build(&in, &none);
        ASSERT_EQ(strv_length(none.process.capabilities.bounding), 0);
}

TEST(capability_names) {
        _cleanup_strv_free_ char **l = NULL;
        _cleanup_error_ Error error = ERROR_NULL;
        const char *good[] = { "net_admin", "CAP_NET_ADMIN", "All", NULL }, *bad[] = { "nosuch", NULL };

        ASSERT_EQ(capability_from_name("cap_chown"), 0);
        ASSERT_EQ(capability_from_name("CHECKPOINT_RESTORE"), 40);
        ASSERT_FAIL(capability_from_name(""));
        ASSERT_FAIL(capability_from_name("CAP_"));
        ASSERT_OK(capability_normalize_list((char **) good, &l, NULL));
        assert_list(l, "CAP_NET_ADMIN ALL");
        ASSERT_FAIL(capability_normalize_list((char **) bad, &l, &error));
        ASSERT_STREQ(error.message, "unknown capability: \"nosuch\"");
}

TEST(paths) {
        _cleanup_(OciSpec_donep) OciSpec o = {}, privileged = {};
        _cleanup_strv_free_ char **hidden = NULL, **readonly = NULL;
        SpecInput in = minimal();
        static const char *const masked[] = {
                "/proc/acpi",        "/proc/asound",  "/proc/interrupts",
                "/proc/kcore",       "/proc/keys",    "/proc/latency_stats",
                "/proc/sched_debug", "/proc/scsi",    "/proc/timer_list",
                "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap",
        };

        ASSERT_OK(spec_default_paths(&hidden, &readonly));
        in.masked_paths = hidden;
        in.readonly_paths = readonly;
        build(&in, &o);
        FOREACH_ELEMENT(m, masked)
                ASSERT_TRUE(strv_contains(o.lnx.masked_paths, *m));
        assert_list(o.lnx.readonly_paths, "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger");

        in.masked_paths = in.readonly_paths = NULL;
        in.privileged = true;
        build(&in, &privileged);
        ASSERT_NULL(privileged.lnx.masked_paths);
        ASSERT_NULL(privileged.lnx.readonly_paths);
        ASSERT_NULL(privileged.lnx.seccomp);
        ASSERT_TRUE(privileged.lnx.resources.devices.n_items == 1 &&
                    privileged.lnx.resources.devices.items[0].allow);
}

static const OciMount *find_mount(const OciSpec *o, const char *destination) {
        const OciMount *found = NULL;

        for (size_t i = 0; i < o->mounts.n_items; i++)
                if (streq(o->mounts.items[i].destination, destination)) {
                        ASSERT_NULL(found);
                        found = o->mounts.items + i;
                }
        return ASSERT_NOT_NULL(found);
}

TEST(mounts) {
        _cleanup_(OciSpec_donep) OciSpec o = {}, replaced = {}, readonly = {}, privileged = {};
        const char *options[] = { "rbind", "ro", NULL };
        SpecMount m = {
                .destination = "/dev/shm", .source = "/x", .type = "bind", .options = (char **) options
        };
        SpecInput in = minimal();

        build(&in, &o);
        ASSERT_EQ(o.mounts.n_items, 7);
        assert_list(find_mount(&o, "/proc")->options, "nosuid noexec nodev");
        assert_list(find_mount(&o, "/sys")->options, "nosuid noexec nodev ro");
        assert_list(find_mount(&o, "/sys/fs/cgroup")->options, "ro nosuid noexec nodev");
        assert_list(find_mount(&o, "/dev/shm")->options, "nosuid noexec nodev mode=1777 size=67108864");

        in.mounts = &m;
        in.n_mounts = 1;
        build(&in, &replaced);
        ASSERT_EQ(replaced.mounts.n_items, 7);
        ASSERT_STREQ(find_mount(&replaced, "/dev/shm")->type, "bind");

        in.n_mounts = 0;
        in.readonly_rootfs = true;
        build(&in, &readonly);
        ASSERT_TRUE(readonly.root.readonly);
        ASSERT_FALSE(strv_contains(find_mount(&readonly, "/dev/shm")->options, "ro"));

        in.privileged = true;
        build(&in, &privileged);
        ASSERT_FALSE(strv_contains(find_mount(&privileged, "/sys")->options, "ro"));
        ASSERT_FALSE(strv_contains(find_mount(&privileged, "/sys/fs/cgroup")->options, "ro"));
}

TEST(devices) {
        _cleanup_(OciSpec_donep) OciSpec o = {};
        SpecDevice d = {
                .path = "/dev/x", .type = 'c', .major = 7, .minor = 8, .mode = 0660, .access = "rw"
        };
        SpecInput in = minimal();

        in.devices = &d;
        in.n_devices = 1;
        build(&in, &o);
        ASSERT_EQ(o.lnx.devices.n_items, 1);
        ASSERT_EQ(o.lnx.resources.devices.n_items, 9);
        ASSERT_FALSE(o.lnx.resources.devices.items[0].allow);
        ASSERT_NULL(o.lnx.resources.devices.items[0].type);
        ASSERT_STREQ(o.lnx.resources.devices.items[8].access, "rw");
        ASSERT_EQ(o.lnx.resources.devices.items[8].minor.value, 8);
}

/* The rules for a call: how many allow it without a condition on arguments. */
static unsigned allowed(const OciSeccomp *s, const char *name) {
        unsigned n = 0;

        for (size_t i = 0; i < s->syscalls.n_items; i++)
                if (strv_contains(s->syscalls.items[i].names, name) &&
                    streq(s->syscalls.items[i].action, "SCMP_ACT_ALLOW") &&
                    s->syscalls.items[i].args.n_items == 0)
                        n++;
        return n;
}

TEST(seccomp) {
        static const char *const denied[] = {
                "mount",           "umount2",     "bpf",         "kexec_load",
                "init_module",     "reboot",      "setns",       "unshare",
                "keyctl",          "add_key",     "request_key", "userfaultfd",
                "perf_event_open", "iopl",        "swapon",      "open_by_handle_at",
                "settimeofday",    "clone3",      "clone",       "socket",
                "io_uring_setup",  "acct",        "quotactl",    "pivot_root",
                "nfsservctl",      "personality", "vm86",        "move_pages",
                "syslog",          "fsopen",      "move_mount",  "open_tree",
        };
        static const char *const permitted[] = {
                "read",      "openat",     "execve",  "fork",   "futex",      "chroot",
                "ptrace",    "socketpair", "accept4", "statx",  "faccessat2", "getrandom",
                "prlimit64", "rseq",       "mknod",   "setuid", "fchmodat2",
        };
        _cleanup_(OciSpec_donep) OciSpec o = {}, admin = {};
        const char *add[] = { "SYS_ADMIN", NULL };
        SpecInput in = minimal();
        unsigned sockets = 0;

        build(&in, &o);
        ASSERT_STREQ(o.lnx.seccomp->default_action, "SCMP_ACT_ERRNO");
        ASSERT_EQ(o.lnx.seccomp->default_errno_ret.value, 1);
        FOREACH_ELEMENT(d, denied)
                if (allowed(o.lnx.seccomp, *d) != 0)
                        test_fail("%s is allowed", *d);
        FOREACH_ELEMENT(p, permitted)
                if (allowed(o.lnx.seccomp, *p) == 0)
                        test_fail("%s is not allowed", *p);

        /* AF_ALG (38) and AF_VSOCK (40) match none of the rules for socket(). */
        for (size_t i = 0; i < o.lnx.seccomp->syscalls.n_items; i++) {
                const OciSyscall *s = o.lnx.seccomp->syscalls.items + i;

                if (!strv_contains(s->names, "socket"))
                        continue;
                sockets++;
                ASSERT_EQ(s->args.n_items, 1);
                for (uint64_t v = 38; v <= 40; v += 2)
                        ASSERT_FALSE((streq(s->args.items[0].op, "SCMP_CMP_LT") &&
                                      v < s->args.items[0].value) ||
                                     (streq(s->args.items[0].op, "SCMP_CMP_EQ") &&
                                      v == s->args.items[0].value) ||
                                     (streq(s->args.items[0].op, "SCMP_CMP_GT") &&
                                      v > s->args.items[0].value));
        }
        ASSERT_EQ(sockets, 3);

        in.cap_add = (char **) add;
        build(&in, &admin);
        ASSERT_TRUE(allowed(admin.lnx.seccomp, "mount") > 0);
        ASSERT_TRUE(allowed(admin.lnx.seccomp, "clone3") > 0);
}

TEST(seccomp_profiles) {
        static const char profile[] =
                        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86_64\"],"
                        "\"syscalls\":[{\"name\":\"chmod\",\"action\":\"SCMP_ACT_ERRNO\"},"
                        "{\"names\":[\"kill\"],\"action\":\"SCMP_ACT_ERRNO\","
                "\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}}]}";
        _cleanup_(OciSpec_donep) OciSpec o = {}, given = {};
        _cleanup_error_ Error error = ERROR_NULL;
        _cleanup_free_ char *text = NULL;
        SpecInput in = minimal();

        in.seccomp = SPEC_SECCOMP_UNCONFINED;
        build(&in, &o);
        ASSERT_NULL(o.lnx.seccomp);

        in.seccomp = SPEC_SECCOMP_JSON;
        in.seccomp_json = profile;
        build(&in, &given);
        ASSERT_EQ(given.lnx.seccomp->syscalls.n_items, 1);
        ASSERT_STREQ(given.lnx.seccomp->syscalls.items[0].names[0], "chmod");

        in.seccomp_json = "{";
        ASSERT_FAIL(spec_build(&in, &text, &error));
        ASSERT_TRUE(startswith(error.message, "Decoding seccomp profile failed"));
}

TEST(namespaces) {
        _cleanup_(OciSpec_donep) OciSpec o = {};
        SpecInput in = minimal();

        in.pid = (SpecNamespace) { .mode = SPEC_NS_HOST };
        in.network = (SpecNamespace) { .mode = SPEC_NS_PATH, .path = "/run/netns/x" };
        build(&in, &o);
        ASSERT_EQ(o.lnx.namespaces.n_items, 5);
        for (size_t i = 0; i < 5; i++) {
                ASSERT_FALSE(streq(o.lnx.namespaces.items[i].type, "pid"));
                ASSERT_EQ(!isempty(o.lnx.namespaces.items[i].path),
                          streq(o.lnx.namespaces.items[i].type, "network"));
        }
        ASSERT_STREQ(o.hostname, "host");
}

TEST(resources) {
        _cleanup_(OciSpec_donep) OciSpec o = {};
        SpecResources r = { .memory = 64 << 20,
                            .memory_swap = 128 << 20,
                            .memory_swappiness = -1,
                            .nano_cpus = 1500000000,
                            .pids_limit = 50,
                            .cpuset_cpus = "0" };
        SpecInput in = minimal();

        in.resources = &r;
        build(&in, &o);
        ASSERT_EQ(o.lnx.resources.memory->limit.value, 64 << 20);
        ASSERT_EQ(o.lnx.resources.memory->swap.value, 128 << 20);
        ASSERT_FALSE(o.lnx.resources.memory->swappiness.set);
        ASSERT_EQ(o.lnx.resources.cpu->quota.value, 150000);
        ASSERT_EQ(o.lnx.resources.cpu->period.value, 100000);
        ASSERT_EQ(o.lnx.resources.pids->limit, 50);
        ASSERT_STREQ(o.lnx.resources.cpu->cpus, "0");
}

TEST(swappiness_of_zero_is_a_value) {
        _cleanup_(OciSpec_donep) OciSpec o = {};
        SpecResources r = { .memory_swappiness = 0 };
        SpecInput in = minimal();

        in.resources = &r;
        build(&in, &o);
        ASSERT_TRUE(o.lnx.resources.memory->swappiness.set);
        ASSERT_EQ(o.lnx.resources.memory->swappiness.value, 0);
}

TEST(process) {
        _cleanup_(OciSpec_donep) OciSpec o = {};
        _cleanup_error_ Error error = ERROR_NULL;
        _cleanup_free_ char *text = NULL, *none = NULL;
        SpecUlimit u = { .name = "nofile", .soft = 10, .hard = 20 }, bad = { .name = "nosuch" };
        uint32_t groups[] = { 5, 6 };
        SpecInput in = minimal();

        in.init_path = "/usr/bin/tini";
        in.tty = true;
        in.tty_rows = 24;
        in.tty_columns = 80;
        in.ulimits = &u;
        in.n_ulimits = 1;
        in.groups = groups;
        in.n_groups = 2;
        build(&in, &o);
        assert_list(o.process.args, "/sbin/docker-init -- /bin/sh -c true");
        ASSERT_STREQ(find_mount(&o, "/sbin/docker-init")->source, "/usr/bin/tini");
        ASSERT_STREQ(o.process.cwd, "/");
        ASSERT_EQ(o.process.console_size->width, 80);
        ASSERT_STREQ(o.process.rlimits.items[0].type, "RLIMIT_NOFILE");
        ASSERT_TRUE(o.process.rlimits.items[0].hard == 20);
        ASSERT_EQ(o.process.user.additional_gids.items[1], 6);

        /* Unlimited is the kernel's RLIM_INFINITY. */
        u.hard = -1;
        ASSERT_OK(spec_build(&in, &text, &error));
        ASSERT_NOT_NULL(strstr(text, "\"hard\":18446744073709551615"));

        in.ulimits = &bad;
        ASSERT_FAIL(spec_build(&in, &none, &error));
        ASSERT_STREQ(error.message, "invalid ulimit type: nosuch");
}

DEFINE_TEST_MAIN()
