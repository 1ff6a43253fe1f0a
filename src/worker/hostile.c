/* SPDX-License-Identifier: Apache-2.0 */
/* What code that took over a worker would try, one row each: the test of the sandbox runs all of them inside
 * each verb. Not there in builds without crash points. */
#include "worker/worker.h"

#if CRASH_POINTS

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "basic/fd-util.h"

typedef struct HostileReport {
        char *name;
        int error;
} HostileReport;

static const JsonField hostile_report_fields[] = {
        JSON_STRING(HostileReport, name, "Name", 0),
        JSON_INT(HostileReport, error, "Errno", 0),
};
static const JsonType hostile_report_type = {
        .name = "HostileReport", .size = sizeof(HostileReport), .fields = hostile_report_fields,
        .n_fields = ELEMENTSOF(hostile_report_fields),
};

/* --- files: these need more than one call --- */

static int in_root(const WorkerVerb *verb, const int *fds) {
        return verb->root >= 0 ? fds[verb->root] : AT_FDCWD;
}

/* DEVICE is put there by the test, /dev/null's numbers: harmless, where it opens. */
static int open_device(const WorkerVerb *verb, const int *fds, int flags) {
        int fd = (int) syscall(SYS_openat, in_root(verb, fds), "DEVICE", flags | O_CLOEXEC);

        /* A network worker has no directory that the test could put it into. */
        if (fd < 0 && errno == ENOENT && verb->root < 0)
                errno = EACCES;
        return fd;
}

static int device_read(const WorkerVerb *verb, const int *fds) {
        return open_device(verb, fds, O_RDONLY);
}

static int device_write(const WorkerVerb *verb, const int *fds) {
        return open_device(verb, fds, O_WRONLY);
}

static int device_other_fds(const WorkerVerb *verb, const int *fds) {
        int opened = 0;

        for (unsigned i = 0; i < WORKER_FDS_MAX; i++)
                opened += syscall(SYS_openat, fds[i], "DEVICE", O_RDONLY | O_CLOEXEC) >= 0;
        errno = EACCES;
        return opened > 0 ? 0 : -1;
}

/* In sight of the mount of its own as well. */
static int device_made(const WorkerVerb *verb, const int *fds) {
        if (syscall(SYS_mknodat, in_root(verb, fds), "made", S_IFCHR | 0666, makedev(1, 3)) < 0)
                return -1;
        return (int) syscall(SYS_openat, in_root(verb, fds), "made", O_RDWR | O_CLOEXEC);
}

static int device_block(const WorkerVerb *verb, const int *fds) {
        if (syscall(SYS_mknodat, in_root(verb, fds), "block", S_IFBLK | 0666, makedev(7, 250)) < 0)
                return -1;
        /* No such device is as good as opened. */
        if (syscall(SYS_openat, in_root(verb, fds), "block", O_RDWR | O_CLOEXEC) >= 0)
                return 0;
        return errno == EACCES ? -1 : 0;
}

/* The test puts a file OUTSIDE above each directory it hands over. */
static int way_out(const WorkerVerb *verb, const int *fds) {
        static const char *const ways[] = {
                "../OUTSIDE", "../../OUTSIDE", "../../../../../../../etc/passwd",
        };
        int opened = 0;

        FOREACH_ELEMENT(way, ways) {
                opened += open(*way, O_RDONLY | O_CLOEXEC) >= 0;
                for (unsigned i = 0; i < WORKER_FDS_MAX; i++)
                        opened += openat(fds[i], *way, O_RDONLY | O_CLOEXEC) >= 0;
        }
        errno = EACCES;
        return opened > 0 ? 0 : -1;
}

/* A new file in what is only read. */
static int write_elsewhere(const WorkerVerb *verb, const int *fds) {
        int made = 0;

        for (int i = 0; i < (int) WORKER_FDS_MAX; i++)
                if (i != verb->root || !FLAGS_SET(verb->rights, WORKER_WRITE_FILES))
                        made += openat(fds[i], "new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0;
        errno = EACCES;
        return made > 0 ? 0 : -1;
}

static int proc_of_others(const WorkerVerb *verb, const int *fds) {
        static const char *const names[] = {
                "/proc/1/root/etc/passwd", "/proc/1/environ", "/proc/self/mem",
        };
        int opened = 0;

        FOREACH_ELEMENT(name, names)
                opened += open(*name, O_RDONLY | O_CLOEXEC) >= 0;
        errno = EACCES;
        return opened > 0 ? 0 : -1;
}

static int sysctl_write(const WorkerVerb *verb, const int *fds) {
        int fd = open("/proc/sys/kernel/domainname", O_WRONLY | O_CLOEXEC);

        if (fd < 0 && errno == ENOENT)
                errno = EACCES;
        return fd;
}

static int setuid_program(const WorkerVerb *verb, const int *fds) {
        char *const argv[] = { (char *) "true", NULL };

        /* Only the attempt: where nothing stops it there is no such file. */
        return execve("/nowhere/true", argv, NULL);
}

static int mapping_of_code(const WorkerVerb *verb, const int *fds) {
        return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                               MAP_FAILED ? -1 : 0;
}

/* --- processes --- */

static int own_fcntl(int command, long value) {
        int fd = (int) syscall(SYS_dup, WORKER_FD_OUTPUT);

        return (int) syscall(SYS_fcntl, fd >= 0 ? fd : WORKER_FD_OUTPUT, command, value);
}

static int set_owner(const WorkerVerb *verb, const int *fds) {
        return own_fcntl(F_SETOWN, getppid());
}

static int set_owner_ex(const WorkerVerb *verb, const int *fds) {
        struct f_owner_ex owner = { F_OWNER_PID, getppid() };

        return own_fcntl(F_SETOWN_EX, (long) &owner);
}

static int set_signal(const WorkerVerb *verb, const int *fds) {
        return own_fcntl(F_SETSIG, SIGKILL);
}

static int new_limit(pid_t pid) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return -1;
        return (int) syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &limit, NULL);
}

static int limit_of_parent(const WorkerVerb *verb, const int *fds) {
        struct rlimit limit;

        return (int) syscall(SYS_prlimit64, getppid(), RLIMIT_NOFILE, NULL, &limit);
}

static int limit_raised(const WorkerVerb *verb, const int *fds) {
        return new_limit(0);
}

static int memory_of(long call) {
        char byte;
        struct iovec local = { &byte, 1 }, remote = { &byte, 1 };

        return (int) syscall(call, getppid(), &local, 1UL, &remote, 1UL, 0UL);
}

static int memory_read(const WorkerVerb *verb, const int *fds) {
        return memory_of(SYS_process_vm_readv);
}

static int memory_write(const WorkerVerb *verb, const int *fds) {
        return memory_of(SYS_process_vm_writev);
}

static int queue_signal(const WorkerVerb *verb, const int *fds) {
        siginfo_t si = { .si_code = SI_QUEUE };

        return (int) syscall(SYS_rt_sigqueueinfo, getppid(), 0, &si);
}

static int clone3_namespace(const WorkerVerb *verb, const int *fds) {
        uint64_t args[8] = { 0, UINT64_MAX };   /* no such place for the pidfd, if it comes to that */

        return (int) syscall(SYS_clone3, args, 1UL);
}

/* All that is permitted made effective. */
static int all_capabilities(const WorkerVerb *verb, const int *fds) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];

        if (syscall(SYS_capget, &header, data) < 0)
                return -1;
        for (unsigned i = 0; i < ELEMENTSOF(data); i++)
                data[i].effective = data[i].permitted;
        return (int) syscall(SYS_capset, &header, data);
}

/* The test listens there. */
static int abstract_socket(const WorkerVerb *verb, const int *fds) {
        struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "\0dockerd-worker-hostile" };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return fd < 0 ? -1 : connect(fd, (struct sockaddr *) &a, (socklen_t) (sizeof(a.sun_family) + 23));
}

static int set_clock(const WorkerVerb *verb, const int *fds) {
        struct timespec t = { -1, -1 };

        return (int) syscall(SYS_clock_settime, CLOCK_REALTIME, &t);
}

static int set_time(const WorkerVerb *verb, const int *fds) {
        struct timeval t = { -1, -1 };

        return (int) syscall(SYS_settimeofday, &t, NULL);
}

/* --- all of them --- */

#define SELF_MAX ((long) 0x7ffffffe)    /* no process has this number */

/* Rows with a number are that call with these arguments: as harmless as they can be made, so that the error
 * without a sandbox is another one than "not permitted". */
#define PARENT (-7777L)                 /* becomes its number */
static const struct {
        const char *name;
        int (*attack)(const WorkerVerb *verb, const int *fds);
        long call, args[6];
} attacks[] = {
        { "device: read", device_read },
        { "device: write", device_write },
        { "device: other descriptors", device_other_fds },
        { "device: made and opened", device_made },
        { "device: block", device_block },
        { "files: way out of the directory", way_out },
        { "files: write to what is only read", write_elsewhere },
        { "files: /proc of others", proc_of_others },
        { "files: open_by_handle_at", NULL, SYS_open_by_handle_at, { -1, 0, 0 } },
        { "files: chroot", NULL, SYS_chroot, { (long) "." } },
        { "files: pivot_root", NULL, SYS_pivot_root, { (long) ".", (long) "." } },
        { "files: fanotify", NULL, SYS_fanotify_init, { 0, 0 } },
        { "files: sysctl", sysctl_write },
        { "program: execve", setuid_program },
        { "program: execveat", NULL, SYS_execveat, { -1, (long) "x", 0, 0, 0 } },
        { "program: writable code", mapping_of_code },
        { "program: fork", NULL, SYS_clone, { CLONE_THREAD, 0, 0, 0, 0 } },
        { "signal: kill", NULL, SYS_kill, { PARENT, 0 } },
        { "signal: kill all", NULL, SYS_kill, { SELF_MAX, 0 } },
        { "signal: tkill", NULL, SYS_tkill, { PARENT, 0 } },
        { "signal: tgkill", NULL, SYS_tgkill, { PARENT, PARENT, 0 } },
        { "signal: rt_sigqueueinfo", queue_signal },
        { "signal: rt_tgsigqueueinfo", NULL, SYS_rt_tgsigqueueinfo, { SELF_MAX, SELF_MAX, 0, 0 } },
        { "signal: pidfd_open", NULL, SYS_pidfd_open, { PARENT, 0 } },
        { "signal: pidfd_send_signal", NULL, SYS_pidfd_send_signal, { -1, 0, 0, 0 } },
        { "signal: F_SETOWN", set_owner },
        { "signal: F_SETOWN_EX", set_owner_ex },
        { "signal: F_SETSIG", set_signal },
        { "process: ptrace", NULL, SYS_ptrace, { PTRACE_ATTACH, SELF_MAX, 0, 0 } },
        { "process: process_vm_readv", memory_read },
        { "process: process_vm_writev", memory_write },
        { "process: pidfd_getfd", NULL, SYS_pidfd_getfd, { -1, 0, 0 } },
        { "process: limits of others", limit_of_parent },
        { "process: own limits", limit_raised },
        { "process: setpriority", NULL, SYS_setpriority, { PRIO_PROCESS, PARENT, 0 } },
        { "process: sched_setscheduler", NULL, SYS_sched_setscheduler, { SELF_MAX, 0, 0 } },
        { "process: personality", NULL, SYS_personality, { 0xffffffff } },
        { "process: dumpable", NULL, SYS_prctl, { PR_SET_DUMPABLE, 1, 0, 0, 0 } },
        { "process: capset", all_capabilities },
        { "process: setresuid", NULL, SYS_setresuid, { 0, 0, 0 } },
        { "process: setgroups", NULL, SYS_setgroups, { 0, 0 } },
        { "namespace: unshare", NULL, SYS_unshare, { CLONE_NEWUTS } },
        { "namespace: processes", NULL, SYS_unshare, { CLONE_NEWPID } },
        { "namespace: users", NULL, SYS_unshare, { CLONE_NEWUSER } },
        { "namespace: setns", NULL, SYS_setns, { -1, 0 } },
        { "namespace: clone3", clone3_namespace },
        { "mount: mount", NULL, SYS_mount, { 0, (long) "/nowhere", 0, 0, 0 } },
        { "mount: umount", NULL, SYS_umount2, { (long) "/nowhere", 0 } },
        { "mount: open_tree", NULL, SYS_open_tree, { -1, (long) "x", 1 } },
        { "mount: move_mount", NULL, SYS_move_mount, { -1, (long) "x", -1, (long) "x", 0 } },
        { "mount: mount_setattr", NULL, SYS_mount_setattr, { -1, (long) "x", 0, 0, 0 } },
        { "mount: fsopen", NULL, SYS_fsopen, { (long) "nothing", 0 } },
        { "mount: fsmount", NULL, SYS_fsmount, { -1, 0, 0 } },
        { "socket: raw", NULL, SYS_socket, { AF_INET, SOCK_RAW, IPPROTO_ICMP } },
        { "socket: packet", NULL, SYS_socket, { AF_PACKET, SOCK_DGRAM, 0 } },
        { "socket: netlink netfilter", NULL, SYS_socket, { AF_NETLINK, SOCK_RAW, 12 } },
        { "socket: unix datagrams", NULL, SYS_socket, { AF_UNIX, SOCK_DGRAM, 0 } },
        { "socket: abstract name", abstract_socket },
        { "socket: sctp", NULL, SYS_socket, { AF_INET, SOCK_STREAM, 132 } },
        { "socket: vsock", NULL, SYS_socket, { 40, SOCK_STREAM, 0 } },
        { "socket: alg", NULL, SYS_socket, { 38, SOCK_SEQPACKET, 0 } },
        { "socket: listen", NULL, SYS_listen, { -1, 1 } },
        { "kernel: add_key", NULL, SYS_add_key, { (long) "x", (long) "x", 0, 0, 0 } },
        { "kernel: request_key", NULL, SYS_request_key, { (long) "x", (long) "x", 0, 0 } },
        { "kernel: keyctl", NULL, SYS_keyctl, { 9999, 0, 0, 0, 0 } },
        { "kernel: io_uring", NULL, SYS_io_uring_setup, { 0, 0 } },
        { "kernel: userfaultfd", NULL, SYS_userfaultfd, { -1 } },
        { "kernel: bpf", NULL, SYS_bpf, { 9999, 0, 0 } },
        { "kernel: perf_event_open", NULL, SYS_perf_event_open, { 0, 0, 0, 0, 0 } },
        { "kernel: kexec_load", NULL, SYS_kexec_load, { 0, 9999, 0, 0xffffffff } },
        { "kernel: init_module", NULL, SYS_init_module, { 0, 0, (long) "" } },
        { "kernel: finit_module", NULL, SYS_finit_module, { -1, (long) "", 0 } },
        { "kernel: delete_module", NULL, SYS_delete_module, { (long) "nothing-of-this-name", O_NONBLOCK } },
        { "kernel: acct", NULL, SYS_acct, { (long) "/nowhere" } },
        { "kernel: quotactl", NULL, SYS_quotactl, { -1, 0, 0, 0 } },
        { "kernel: swapon", NULL, SYS_swapon, { (long) "/nowhere", 0 } },
        { "kernel: reboot", NULL, SYS_reboot, { 0, 0, 0, 0 } },
        { "kernel: settimeofday", set_time },
        { "kernel: clock_settime", set_clock },
        { "kernel: sethostname", NULL, SYS_sethostname, { (long) "x", -1 } },
        { "kernel: syslog", NULL, SYS_syslog, { 9999, 0, 0 } },
        { "kernel: ioctl of terminals", NULL, SYS_ioctl, { -1, 0x5412, 0 } },
};

static int attack(size_t i, const WorkerVerb *verb, const int *fds) {
        long a[6], r;

        if (attacks[i].attack)
                return attacks[i].attack(verb, fds);
        for (size_t k = 0; k < ELEMENTSOF(a); k++)
                a[k] = attacks[i].args[k] == PARENT ? getppid() : attacks[i].args[k];
        r = syscall(attacks[i].call, a[0], a[1], a[2], a[3], a[4], a[5]);
        return r < 0 ? -1 : 0;
}

int hostile_run(const WorkerVerb *verb, const int *fds, unsigned first, Error *reterr) {
        for (size_t i = first; i < ELEMENTSOF(attacks); i++) {
                HostileReport report = { .name = (char *) attacks[i].name };
                int r;

                /* The name before: the attack may be the end of the process. */
                r = worker_progress(&hostile_report_type, &(HostileReport) { report.name, -1 }, reterr);
                if (r < 0)
                        return r;
                errno = 0;
                report.error = attack(i, verb, fds) < 0 ? errno : 0;
                r = worker_progress(&hostile_report_type, &report, reterr);
                if (r < 0)
                        return r;
        }
        return worker_result(&EmptyReply_json, &(const EmptyReply) {}, reterr);
}

#endif
