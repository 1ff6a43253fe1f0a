/* SPDX-License-Identifier: Apache-2.0 */
/* Locks the process in. Order matters: namespaces and the root need rights that the later steps give up. */

#include <asm/ioctls.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "worker/worker.h"

/* Enough for the largest windows of the decompressors (zstd 128 MiB, xz 64 MiB at -9) and our own needs. */
#define MEMORY_MAX (512U * 1024U * 1024U)
/* Directory trees are walked with one descriptor a level. */
#define FILES_MAX 4096U

/* The shadow memory of the address sanitizer alone is terabytes. */
#if defined(__SANITIZE_ADDRESS__)
#define LIMIT_MEMORY 0
#else
#define LIMIT_MEMORY 1
#endif

static const struct {
        WorkerRights right;
        unsigned capability;
} right_capabilities[] = {
        { WORKER_READ_FILES,  CAP_DAC_READ_SEARCH },
        { WORKER_WRITE_FILES, CAP_DAC_OVERRIDE    },
        { WORKER_WRITE_FILES, CAP_FOWNER          },
        { WORKER_OWN_FILES,   CAP_CHOWN           },
        { WORKER_OWN_FILES,   CAP_FSETID          },
        { WORKER_OWN_FILES,   CAP_MKNOD           },
        { WORKER_OWN_FILES,   CAP_SETFCAP         },
        /* Only for trusted.* attributes: whatever else it would allow is not in the system call list. */
        { WORKER_OWN_FILES,   CAP_SYS_ADMIN       },
        { WORKER_READ_MARKS,  CAP_SYS_ADMIN       },
};

/* Files, memory, time and signals to oneself. No new processes, no sockets, no mounts, no ioctl but
 * reflinks. No threads either: names are resolved without them. */
static const int allowed_calls[] = {
        SCMP_SYS(access),
        SCMP_SYS(brk),
        SCMP_SYS(chdir),
        SCMP_SYS(chmod),
        SCMP_SYS(chown),
        SCMP_SYS(clock_gettime),
        SCMP_SYS(clock_gettime64),
        SCMP_SYS(close),
        SCMP_SYS(copy_file_range),
        SCMP_SYS(exit),
        SCMP_SYS(exit_group),
        SCMP_SYS(faccessat),
        SCMP_SYS(faccessat2),
        SCMP_SYS(fadvise64),
        SCMP_SYS(fchdir),
        SCMP_SYS(fchmod),
        SCMP_SYS(fchmodat),
        SCMP_SYS(fchown),
        SCMP_SYS(fchown32),
        SCMP_SYS(fchownat),
        SCMP_SYS(fcntl),
        SCMP_SYS(fcntl64),
        SCMP_SYS(fdatasync),
        SCMP_SYS(fgetxattr),
        SCMP_SYS(flistxattr),
        SCMP_SYS(fsetxattr),
        SCMP_SYS(fstat),
        SCMP_SYS(fstat64),
        SCMP_SYS(fstatat64),
        SCMP_SYS(fstatfs),
        SCMP_SYS(fsync),
        SCMP_SYS(ftruncate),
        SCMP_SYS(ftruncate64),
        SCMP_SYS(futex),
        SCMP_SYS(futex_time64),
        SCMP_SYS(getcwd),
        SCMP_SYS(getdents64),
        SCMP_SYS(getegid),
        SCMP_SYS(geteuid),
        SCMP_SYS(getgid),
        SCMP_SYS(getpid),
        SCMP_SYS(getppid),
        SCMP_SYS(getrandom),
        SCMP_SYS(gettid),
        SCMP_SYS(gettimeofday),
        SCMP_SYS(getuid),
        SCMP_SYS(getxattr),
        SCMP_SYS(lchown),
        SCMP_SYS(lchown32),
        SCMP_SYS(lgetxattr),
        SCMP_SYS(link),
        SCMP_SYS(linkat),
        SCMP_SYS(listxattr),
        SCMP_SYS(llistxattr),
        SCMP_SYS(lseek),
        SCMP_SYS(_llseek),
        SCMP_SYS(lsetxattr),
        SCMP_SYS(lstat),
        SCMP_SYS(lstat64),
        SCMP_SYS(madvise),
        SCMP_SYS(mkdir),
        SCMP_SYS(mkdirat),
        SCMP_SYS(mknod),
        SCMP_SYS(mknodat),
        SCMP_SYS(mmap),
        SCMP_SYS(mmap2),
        SCMP_SYS(mprotect),
        SCMP_SYS(mremap),
        SCMP_SYS(munmap),
        SCMP_SYS(newfstatat),
        SCMP_SYS(open),
        SCMP_SYS(openat),
        SCMP_SYS(openat2),
        SCMP_SYS(poll),
        SCMP_SYS(ppoll),
        SCMP_SYS(ppoll_time64),
        SCMP_SYS(pread64),
        SCMP_SYS(prlimit64),
        SCMP_SYS(pwrite64),
        SCMP_SYS(read),
        SCMP_SYS(readlink),
        SCMP_SYS(readlinkat),
        SCMP_SYS(readv),
        SCMP_SYS(rename),
        SCMP_SYS(renameat),
        SCMP_SYS(renameat2),
        SCMP_SYS(restart_syscall),
        SCMP_SYS(rmdir),
        SCMP_SYS(rt_sigaction),
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(sched_getaffinity),
        SCMP_SYS(sched_yield),
        SCMP_SYS(sigaltstack),
        SCMP_SYS(stat),
        SCMP_SYS(stat64),
        SCMP_SYS(statfs),
        SCMP_SYS(statx),
        SCMP_SYS(symlink),
        SCMP_SYS(symlinkat),
        SCMP_SYS(sync_file_range),
        SCMP_SYS(syncfs),
        SCMP_SYS(tgkill),
        SCMP_SYS(time),
        SCMP_SYS(umask),
        SCMP_SYS(unlink),
        SCMP_SYS(unlinkat),
        SCMP_SYS(utimensat),
        SCMP_SYS(utimensat_time64),
        SCMP_SYS(write),
        SCMP_SYS(writev),
};

/* With WORKER_NETWORK: connections outwards. socket() itself is in socket_families. */
static const int network_calls[] = {
        SCMP_SYS(bind),         /* of the netlink socket that getaddrinfo() asks for our addresses */
        SCMP_SYS(clock_nanosleep),
        SCMP_SYS(clock_nanosleep_time64),
        SCMP_SYS(connect),
        SCMP_SYS(eventfd2),     /* newer libcurl: how a transfer is woken */
        SCMP_SYS(getpeername),
        SCMP_SYS(getsockname),
        SCMP_SYS(getsockopt),
        SCMP_SYS(pipe2),
        SCMP_SYS(recv),
        SCMP_SYS(recvfrom),
        SCMP_SYS(recvmsg),
        SCMP_SYS(send),
        SCMP_SYS(sendmmsg),
        SCMP_SYS(sendmsg),
        SCMP_SYS(sendto),
        SCMP_SYS(setsockopt),
        SCMP_SYS(shutdown),
        SCMP_SYS(socketpair),
        SCMP_SYS(splice),
        SCMP_SYS(uname),
};

static const struct {
        int family, type;               /* type 0 = any */
} socket_families[] = {
        { AF_INET,    SOCK_STREAM },
        { AF_INET,    SOCK_DGRAM  },
        { AF_INET6,   SOCK_STREAM },
        { AF_INET6,   SOCK_DGRAM  },
        { AF_UNIX,    SOCK_STREAM },    /* to nscd and systemd-resolved; no other has a path in our view */
        { AF_NETLINK, SOCK_RAW    },
};

/* What is called on these is an attack, not a bug: the process ends at once. */
static const int deadly_calls[] = {
        SCMP_SYS(execve),
        SCMP_SYS(execveat),
        SCMP_SYS(fork),
        SCMP_SYS(vfork),
        SCMP_SYS(clone),
        SCMP_SYS(clone3),
        SCMP_SYS(ptrace),
        SCMP_SYS(process_vm_writev),
        SCMP_SYS(mount),
        SCMP_SYS(move_mount),
        SCMP_SYS(open_tree),
        SCMP_SYS(fsopen),
        SCMP_SYS(umount2),
        SCMP_SYS(pivot_root),
        SCMP_SYS(chroot),
        SCMP_SYS(setns),
        SCMP_SYS(unshare),
        SCMP_SYS(bpf),
        SCMP_SYS(init_module),
        SCMP_SYS(finit_module),
        SCMP_SYS(kexec_load),
        SCMP_SYS(open_by_handle_at),
        SCMP_SYS(perf_event_open),
        SCMP_SYS(userfaultfd),
};

/* And of those without network. */
static const int deadly_sockets[] = {
        SCMP_SYS(socket),
        SCMP_SYS(connect),
};

#define FICLONE_REQUEST 0x40049409U     /* linux/fs.h, which does not go together with the headers above */

/* Users that nobody else has (systemd's UIDS-GIDS leaves the range unused), one for each process at a time;
 * where a user namespace does not know them, nobody. */
#define PRIVATE_UID_BASE UINT32_C(0x70000000)
#define NOBODY 65534U

static void seccomp_releasep(scmp_filter_ctx *c) {
        if (*c)
                seccomp_release(*c);
}

static int set_limits(void) {
        static const struct {
                int resource;
                rlim_t limit;
        } limits[] = {
                { RLIMIT_CORE,   0          },
                { RLIMIT_NOFILE, FILES_MAX  },
#if LIMIT_MEMORY
                { RLIMIT_AS,     MEMORY_MAX },
#endif
        };

        FOREACH_ELEMENT(l, limits) {
                struct rlimit old, value = { l->limit, l->limit };

                if (getrlimit(l->resource, &old) < 0)
                        return -errno;
                /* Raising a hard limit may not be ours to do; less is fine. */
                if (old.rlim_max != RLIM_INFINITY && value.rlim_max > old.rlim_max)
                        value.rlim_cur = value.rlim_max = old.rlim_max;
                if (setrlimit(l->resource, &value) < 0)
                        return -errno;
        }
        return 0;
}

static int enter_root(const WorkerVerb *verb, const int *fds) {
        if (verb->root < 0)
                return 0;
        if (fchdir(fds[verb->root]) < 0 || chroot(".") < 0 || chdir("/") < 0)
                return -errno;
        return 0;
}

static uint64_t wanted_capabilities(unsigned rights) {
        uint64_t mask = 0;

        FOREACH_ELEMENT(c, right_capabilities)
                if (FLAGS_SET(rights, c->right))
                        mask |= UINT64_C(1) << c->capability;
        return mask;
}

static int drop_bounding_set(void) {
        for (unsigned cap = 0; cap < 64; cap++)
                if (prctl(PR_CAPBSET_DROP, cap) < 0) {
                        if (errno == EINVAL)
                                break;
                        return -errno;
                }
        return RET_NERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
}

static int become(uid_t id) {
        return setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0 ? -errno : 0;
}

/* A change of user drops the signal that ends us with the daemon. */
static int leave_root(void) {
        pid_t parent = getppid();
        int r;

        r = become(PRIVATE_UID_BASE + (uid_t) getpid());
        if (r < 0)
                r = become(NOBODY);
        if (r < 0)
                return r;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return -errno;
        return getppid() == parent ? 0 : -ESRCH;
}

static int set_capabilities(uint64_t keep) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = {};

        if (syscall(SYS_capget, &header, data) < 0)
                return -errno;
        /* Only what we have: a container or a test may have been given less. */
        for (unsigned i = 0; i < ELEMENTSOF(data); i++) {
                data[i].permitted &= (uint32_t) (keep >> (32 * i));
                data[i].effective = data[i].permitted;
                data[i].inheritable = 0;
        }
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int drop_rights(unsigned rights) {
        int r = drop_bounding_set();

        if (r >= 0 && FLAGS_SET(rights, WORKER_NETWORK))
                r = leave_root();
        return r < 0 ? r : set_capabilities(wanted_capabilities(rights));
}

static int add_calls(scmp_filter_ctx c, uint32_t action, const int *calls, size_t n) {
        int r = 0;

        /* Calls this architecture does not have resolve to negative pseudo numbers, which libseccomp
         * skips. */
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = seccomp_rule_add(c, action, calls[i], 0);
        return r;
}

static int add_network_calls(scmp_filter_ctx c) {
        int r = add_calls(c, SCMP_ACT_ALLOW, network_calls, ELEMENTSOF(network_calls));

        FOREACH_ELEMENT(f, socket_families)
                if (r >= 0)
                        r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t) f->family),
                                             SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t) f->type));
        /* glibc's resolver looks how much of an answer there is. */
        if (r >= 0)
                r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                     SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t) FIONREAD));
        return r;
}

static int filter_calls(unsigned rights) {
        _cleanup_(seccomp_releasep) scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        int r;

        if (!c)
                return -ENOMEM;
        r = add_calls(c, SCMP_ACT_ALLOW, allowed_calls, ELEMENTSOF(allowed_calls));
        if (r >= 0)
                r = add_calls(c, SCMP_ACT_KILL_PROCESS, deadly_calls, ELEMENTSOF(deadly_calls));
        if (r >= 0)
                r = FLAGS_SET(rights, WORKER_NETWORK) ?
                            add_network_calls(c) :
                            add_calls(c, SCMP_ACT_KILL_PROCESS, deadly_sockets, ELEMENTSOF(deadly_sockets));
        if (r >= 0)
                r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                     SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t) FICLONE_REQUEST));
        return r < 0 ? r : seccomp_load(c);
}

static int enter_namespaces(unsigned rights) {
        int flags = CLONE_NEWIPC | CLONE_NEWUTS;

        if (!FLAGS_SET(rights, WORKER_NETWORK))
                flags |= CLONE_NEWNET;
        return RET_NERRNO(unshare(flags));
}

int sandbox_enter(const WorkerVerb *verb, const int *fds, Error *reterr) {
        int r;

        umask(0022);
        r = enter_namespaces(verb->rights);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to leave the namespaces");
        r = FLAGS_SET(verb->rights, WORKER_NETWORK) ? enter_network_view() : enter_root(verb, fds);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "Failed to enter the directory of the job");
        r = set_limits();
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to set resource limits");
        r = drop_rights(verb->rights);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to drop capabilities");
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "Failed to give up privileges");
        r = filter_calls(verb->rights);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "Failed to install the system call filter");
        return 0;
}
