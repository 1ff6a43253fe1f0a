/* SPDX-License-Identifier: Apache-2.0 */
/* The default seccomp profile: what a program needs that does not administer the host. Everything that is
 * not named here fails with EPERM; the set of calls is that of Docker's documented default. Data; seccomp.c
 * resolves the conditions. */
#include "runtime/spec-internal.h"

/* Calls of any container, by what they do; names in a string are separated by blanks. */
static const char *const allowed_always[] = {
        /* files: open, read, write, seek */
        "open openat openat2 creat close close_range read readv pread64 preadv preadv2 write writev "
        "pwrite64 pwritev pwritev2 lseek _llseek readahead fadvise64 fadvise64_64 sendfile sendfile64 "
        "copy_file_range splice tee vmsplice fallocate truncate truncate64 ftruncate ftruncate64 fsync "
        "fdatasync sync syncfs sync_file_range dup dup2 dup3 fcntl fcntl64 flock ioctl",
        /* files: names, directories, links */
        "access faccessat faccessat2 chdir fchdir getcwd mkdir mkdirat rmdir rename renameat renameat2 link "
        "linkat symlink symlinkat readlink readlinkat unlink unlinkat mknod mknodat getdents getdents64 "
        "name_to_handle_at umask",
        /* files: attributes */
        "stat stat64 fstat fstat64 lstat lstat64 newfstatat fstatat64 statx statfs statfs64 fstatfs "
        "fstatfs64 chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32 "
        "utime utimes futimesat utimensat utimensat_time64 getxattr getxattrat lgetxattr fgetxattr "
        "listxattr listxattrat llistxattr flistxattr setxattr setxattrat lsetxattr fsetxattr removexattr "
        "removexattrat lremovexattr fremovexattr",
        /* watching and waiting */
        "select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 "
        "epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 inotify_init "
        "inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark eventfd eventfd2 signalfd signalfd4",
        /* asynchronous input and output */
        "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64 ioprio_get "
        "ioprio_set",
        /* memory */
        "brk mmap mmap2 munmap mremap mprotect msync madvise mincore mlock mlock2 mlockall munlock "
        "munlockall mseal map_shadow_stack cachestat remap_file_pages memfd_create memfd_secret membarrier "
        "pkey_alloc pkey_free pkey_mprotect process_mrelease",
        /* processes and threads */
        "fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid "
        "getpgrp setpgid getsid setsid set_tid_address set_robust_list get_robust_list set_thread_area "
        "get_thread_area futex futex_time64 futex_waitv futex_wake futex_wait futex_requeue rseq prctl "
        "pidfd_open pidfd_send_signal restart_syscall uretprobe",
        /* signals */
        "kill tkill tgkill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn "
        "rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask "
        "sigreturn",
        /* identity and rights */
        "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 "
        "getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 "
        "setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid "
        "setfsgid32 setgroups setgroups32 capget capset seccomp landlock_create_ruleset landlock_add_rule "
        "landlock_restrict_self",
        /* scheduling and limits */
        "sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam "
        "sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min "
        "sched_rr_get_interval sched_rr_get_interval_time64 getpriority setpriority getrlimit setrlimit "
        "ugetrlimit prlimit64 getrusage times getcpu",
        /* time */
        "time gettimeofday clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep "
        "clock_nanosleep_time64 clock_adjtime clock_adjtime64 adjtimex nanosleep alarm getitimer setitimer "
        "timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime "
        "timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64",
        /* sockets and pipes; socket() is below */
        "pipe pipe2 socketpair socketcall bind listen accept accept4 connect shutdown getsockname "
        "getpeername getsockopt setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg "
        "recvmmsg_time64",
        /* System V and POSIX inter-process communication */
        "ipc shmget shmat shmdt shmctl semget semop semtimedop semtimedop_time64 semctl msgget msgsnd "
        "msgrcv msgctl mq_open mq_unlink mq_notify mq_getsetattr mq_timedsend mq_timedsend_time64 "
        "mq_timedreceive mq_timedreceive_time64",
        /* the system */
        "uname sysinfo getrandom statmount listmount",
};

/* Calls that come with a capability. */
static const struct {
        const char *capability, *names;
} allowed_with[] = {
        { "CAP_DAC_READ_SEARCH", "open_by_handle_at" },
        { "CAP_SYS_ADMIN", "mount umount umount2 mount_setattr move_mount open_tree fsopen fsconfig "
                           "fsmount fspick clone clone3 unshare setns sethostname setdomainname "
                           "quotactl quotactl_fd bpf perf_event_open fanotify_init lookup_dcookie "
                           "lsm_get_self_attr lsm_set_self_attr lsm_list_modules syslog" },
        { "CAP_SYS_BOOT", "reboot" },
        { "CAP_SYS_CHROOT", "chroot" },
        { "CAP_SYS_MODULE", "init_module finit_module delete_module" },
        { "CAP_SYS_PACCT", "acct" },
        { "CAP_SYS_PTRACE", "ptrace kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev" },
        { "CAP_SYS_RAWIO", "iopl ioperm" },
        { "CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64" },
        { "CAP_SYS_TTY_CONFIG", "vhangup" },
        { "CAP_SYS_NICE", "get_mempolicy set_mempolicy set_mempolicy_home_node mbind" },
        { "CAP_SYSLOG", "syslog" },
        { "CAP_BPF", "bpf" },
        { "CAP_PERFMON", "perf_event_open" },
};

/* Calls that one architecture has. */
static const struct {
        const char *arches, *names;
} allowed_on[] = {
        { "amd64 x32", "arch_prctl" },
        { "amd64 x32 x86", "modify_ldt" },
        { "arm arm64",
          "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls" },
        { "ppc64le", "sync_file_range2 swapcontext" },
        { "s390 s390x", "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr" },
        { "riscv64", "riscv_flush_icache riscv_hwprobe" },
};

/* Calls whose first argument decides. AF_ALG (38) and AF_VSOCK (40) are not for containers; one rule with
 * two inequalities would be true for either. Personalities: Linux, 32-bit uname, no randomisation, both, and
 * asking. */
static const struct {
        const char *name, *op;
        uint64_t value;
} allowed_argument[] = {
        { "socket",      "SCMP_CMP_LT", 38         },
        { "socket",      "SCMP_CMP_EQ", 39         },
        { "socket",      "SCMP_CMP_GT", 40         },
        { "personality", "SCMP_CMP_EQ", 0x0        },
        { "personality", "SCMP_CMP_EQ", 0x8        },
        { "personality", "SCMP_CMP_EQ", 0x20000    },
        { "personality", "SCMP_CMP_EQ", 0x20008    },
        { "personality", "SCMP_CMP_EQ", 0xffffffff },
};

/* All CLONE_NEW* flags: clone() may make processes and threads, not namespaces. */
#define CLONE_NAMESPACES UINT64_C(0x7e020000)

static const struct {
        const char *arch, *sub;
} architectures[] = {
        { "SCMP_ARCH_X86_64",      "SCMP_ARCH_X86 SCMP_ARCH_X32"               },
        { "SCMP_ARCH_AARCH64",     "SCMP_ARCH_ARM"                             },
        { "SCMP_ARCH_MIPS64",      "SCMP_ARCH_MIPS SCMP_ARCH_MIPS64N32"        },
        { "SCMP_ARCH_MIPS64N32",   "SCMP_ARCH_MIPS SCMP_ARCH_MIPS64"           },
        { "SCMP_ARCH_MIPSEL64",    "SCMP_ARCH_MIPSEL SCMP_ARCH_MIPSEL64N32"    },
        { "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_MIPSEL SCMP_ARCH_MIPSEL64"       },
        { "SCMP_ARCH_S390X",       "SCMP_ARCH_S390"                            },
        { "SCMP_ARCH_RISCV64",     ""                                          },
};

static SeccompProfileSyscall *add_rule(SeccompProfile *p, const char *names, const char *action) {
        SeccompProfileSyscall *s = OCI_APPEND(p->syscalls);

        if (!s || strv_split(names, " ", &s->names) < 0)
                return NULL;
        s->action = strdup(action);
        return s->action ? s : NULL;
}

static int add_argument(SeccompProfileSyscall *s, int64_t index, const char *op, uint64_t value,
                        uint64_t two) {
        OciSyscallArg *a = OCI_APPEND(s->args);

        if (!a)
                return -ENOMEM;
        *a = (OciSyscallArg) { .index = index, .value = value, .value_two = two, .op = strdup(op) };
        return a->op ? 0 : -ENOMEM;
}

static int add_lists(SeccompProfile *p) {
        SeccompProfileSyscall *s;

        FOREACH_ELEMENT(i, allowed_always)
                if (!add_rule(p, *i, "SCMP_ACT_ALLOW"))
                        return -ENOMEM;
        /* Safe without the capability since Linux 4.8. */
        s = add_rule(p, "process_vm_readv process_vm_writev ptrace", "SCMP_ACT_ALLOW");
        if (!s)
                return -ENOMEM;
        s->includes.min_kernel = strdup("4.8");
        if (!s->includes.min_kernel)
                return -ENOMEM;

        FOREACH_ELEMENT(i, allowed_on) {
                s = add_rule(p, i->names, "SCMP_ACT_ALLOW");
                if (!s || strv_split(i->arches, " ", &s->includes.arches) < 0)
                        return -ENOMEM;
        }
        FOREACH_ELEMENT(i, allowed_with) {
                s = add_rule(p, i->names, "SCMP_ACT_ALLOW");
                if (!s || strv_split(i->capability, " ", &s->includes.caps) < 0)
                        return -ENOMEM;
        }
        FOREACH_ELEMENT(i, allowed_argument) {
                s = add_rule(p, i->name, "SCMP_ACT_ALLOW");
                if (!s || add_argument(s, 0, i->op, i->value, 0) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* clone3() hides its flags in memory: ENOSYS makes the C library use clone(). On s390 the flags of clone()
 * come second. */
static int add_clone(SeccompProfile *p) {
        static const struct {
                const char *include, *exclude;
                int64_t index;
        } variants[] = {
                { "",           "s390 s390x", 0 },
                { "s390 s390x", "",           1 },
        };
        SeccompProfileSyscall *s;

        FOREACH_ELEMENT(v, variants) {
                s = add_rule(p, "clone", "SCMP_ACT_ALLOW");
                if (!s || add_argument(s, v->index, "SCMP_CMP_MASKED_EQ", CLONE_NAMESPACES, 0) < 0 ||
                    strv_split(v->include, " ", &s->includes.arches) < 0 ||
                    strv_split(v->exclude, " ", &s->excludes.arches) < 0 ||
                    strv_extend(&s->excludes.caps, "CAP_SYS_ADMIN") < 0)
                        return -ENOMEM;
        }
        s = add_rule(p, "clone3", "SCMP_ACT_ERRNO");
        if (!s || strv_extend(&s->excludes.caps, "CAP_SYS_ADMIN") < 0)
                return -ENOMEM;
        s->errno_ret = (OptionalInt) { .set = true, .value = ENOSYS };
        return 0;
}

static int add_architectures(SeccompProfile *p) {
        FOREACH_ELEMENT(i, architectures) {
                SeccompArchitecture *a = OCI_APPEND(p->arch_map);

                if (!a || strv_split(i->sub, " ", &a->sub_architectures) < 0)
                        return -ENOMEM;
                a->architecture = strdup(i->arch);
                if (!a->architecture)
                        return -ENOMEM;
        }
        return 0;
}

int seccomp_default_profile(SeccompProfile *ret) {
        _cleanup_(SeccompProfile_donep) SeccompProfile p = {
                .default_action = strdup("SCMP_ACT_ERRNO"),
                .default_errno_ret = { .set = true, .value = EPERM },
        };
        int r;

        if (!p.default_action)
                return -ENOMEM;
        r = add_architectures(&p);
        if (r >= 0)
                r = add_lists(&p);
        if (r >= 0)
                r = add_clone(&p);
        if (r < 0)
                return r;

        *ret = TAKE_STRUCT(p);
        return 0;
}
