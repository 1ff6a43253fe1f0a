/* SPDX-License-Identifier: Apache-2.0 */
/* Locks the process in. Order matters: namespaces and the root need rights that the later steps give up. */

#include <asm/ioctls.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
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

#define FICLONE_REQUEST 0x40049409U     /* linux/fs.h, which does not go together with the headers above */

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

/* Files that are there, memory and time. No new processes, no sockets, no mounts. No threads either: names
 * are resolved without them. */
static const int common_calls[] = {
        SCMP_SYS(access),
        SCMP_SYS(brk),
        SCMP_SYS(chdir),
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
        SCMP_SYS(fdatasync),
        SCMP_SYS(fgetxattr),
        SCMP_SYS(flistxattr),
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
        SCMP_SYS(lgetxattr),
        SCMP_SYS(listxattr),
        SCMP_SYS(llistxattr),
        SCMP_SYS(lseek),
        SCMP_SYS(_llseek),
        SCMP_SYS(lstat),
        SCMP_SYS(lstat64),
        SCMP_SYS(madvise),
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
        SCMP_SYS(pwrite64),
        SCMP_SYS(read),
        SCMP_SYS(readlink),
        SCMP_SYS(readlinkat),
        SCMP_SYS(readv),
        SCMP_SYS(restart_syscall),
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
        SCMP_SYS(sync_file_range),
        SCMP_SYS(syncfs),
        SCMP_SYS(time),
        SCMP_SYS(umask),
        SCMP_SYS(write),
        SCMP_SYS(writev),
};

/* With WORKER_WRITE_FILES. */
static const int write_calls[] = {
        SCMP_SYS(chmod),
        SCMP_SYS(chown),
        SCMP_SYS(fchmod),
        SCMP_SYS(fchmodat),
        SCMP_SYS(fchown),
        SCMP_SYS(fchown32),
        SCMP_SYS(fchownat),
        SCMP_SYS(lchown),
        SCMP_SYS(lchown32),
        SCMP_SYS(link),
        SCMP_SYS(linkat),
        SCMP_SYS(mkdir),
        SCMP_SYS(mkdirat),
        SCMP_SYS(rename),
        SCMP_SYS(renameat),
        SCMP_SYS(renameat2),
        SCMP_SYS(rmdir),
        SCMP_SYS(symlink),
        SCMP_SYS(symlinkat),
        SCMP_SYS(unlink),
        SCMP_SYS(unlinkat),
        SCMP_SYS(utimensat),
        SCMP_SYS(utimensat_time64),
};

/* With WORKER_OWN_FILES. */
static const int own_calls[] = {
        SCMP_SYS(fsetxattr),
        SCMP_SYS(lsetxattr),
        SCMP_SYS(mknod),
        SCMP_SYS(mknodat),
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
        SCMP_SYS(splice),
        SCMP_SYS(uname),
};

static const struct {
        int family, type;
        int protocols[2];
} socket_families[] = {
        { AF_INET,    SOCK_STREAM, { 0, IPPROTO_TCP } },
        { AF_INET,    SOCK_DGRAM,  { 0, IPPROTO_UDP } },
        { AF_INET6,   SOCK_STREAM, { 0, IPPROTO_TCP } },
        { AF_INET6,   SOCK_DGRAM,  { 0, IPPROTO_UDP } },
        /* to nscd and systemd-resolved; no other has a path in our view, Landlock closes those without */
        { AF_UNIX,    SOCK_STREAM, { 0, 0 }           },
        { AF_NETLINK, SOCK_RAW,    { 0, 0 }           },        /* NETLINK_ROUTE: our addresses */
};

#define EVERY_VERB 0U
/* Any bit but these. */
#define NONE_OF(mask) SCMP_CMP_MASKED_EQ, (mask), 0
#define EQUALS(value) SCMP_CMP_EQ, (value), 0

/* Calls of which an argument decides. No owner of a descriptor's signals, no leases and no notes of changes:
 * each is a way to signal others. Code comes from files only where the name service loads modules. */
static const struct {
        unsigned right;
        int call;
        unsigned arg;
        enum scmp_compare compare;
        scmp_datum_t a, b;
} decided_calls[] = {
#define FCNTL(command)                                                                                     \
        { EVERY_VERB, SCMP_SYS(fcntl), 1, EQUALS(command) },                                               \
        { EVERY_VERB, SCMP_SYS(fcntl64), 1, EQUALS(command) }
        FCNTL(F_DUPFD),
        FCNTL(F_DUPFD_CLOEXEC),
        FCNTL(F_GETFD),
        FCNTL(F_SETFD),
        FCNTL(F_GETFL),
        FCNTL(F_SETFL),
#undef FCNTL
        { EVERY_VERB,     SCMP_SYS(ioctl),      1, EQUALS(FICLONE_REQUEST) },
        /* glibc's resolver looks how much of an answer there is. */
        { WORKER_NETWORK, SCMP_SYS(ioctl),      1, EQUALS(FIONREAD)        },
        { EVERY_VERB,     SCMP_SYS(mmap),       2, NONE_OF(PROT_EXEC)      },
        { EVERY_VERB,     SCMP_SYS(mmap2),      2, NONE_OF(PROT_EXEC)      },
        { EVERY_VERB,     SCMP_SYS(mprotect),   2, NONE_OF(PROT_EXEC)      },
        { WORKER_NETWORK, SCMP_SYS(mmap),       2, NONE_OF(PROT_WRITE)     },
        { WORKER_NETWORK, SCMP_SYS(mmap2),      2, NONE_OF(PROT_WRITE)     },
        { WORKER_NETWORK, SCMP_SYS(mprotect),   2, NONE_OF(PROT_WRITE)     },
        { WORKER_NETWORK, SCMP_SYS(socketpair), 0, EQUALS(AF_UNIX)         },   /* libcurl wakes itself */
};

/* What is called on these is an attack, not a bug: the process ends at once. */
static const int deadly_calls[] = {
        SCMP_SYS(acct),
        SCMP_SYS(add_key),
        SCMP_SYS(delete_module),
        SCMP_SYS(fsconfig),
        SCMP_SYS(fsmount),
        SCMP_SYS(io_uring_enter),
        SCMP_SYS(io_uring_register),
        SCMP_SYS(io_uring_setup),
        SCMP_SYS(kexec_file_load),
        SCMP_SYS(keyctl),
        SCMP_SYS(kill),
        SCMP_SYS(mount_setattr),
        SCMP_SYS(pidfd_getfd),
        SCMP_SYS(pidfd_open),
        SCMP_SYS(pidfd_send_signal),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(quotactl),
        SCMP_SYS(reboot),
        SCMP_SYS(request_key),
        SCMP_SYS(rt_sigqueueinfo),
        SCMP_SYS(rt_tgsigqueueinfo),
        SCMP_SYS(swapoff),
        SCMP_SYS(swapon),
        SCMP_SYS(tkill),
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

/* linux/landlock.h of 6.12: abstract sockets and signals stay among the processes of one scope. */
#define LANDLOCK_SCOPES (1U << 0 | 1U << 1)

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

static int add_sockets(scmp_filter_ctx c) {
        int r = 0;

        FOREACH_ELEMENT(f, socket_families)
                FOREACH_ELEMENT(protocol, f->protocols)
                        if (r >= 0)
                                r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
                                                     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t) f->family),
                                                     SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf,
                                                             (scmp_datum_t) f->type),
                                                     SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t) *protocol));
        return r;
}

static int add_decided_calls(scmp_filter_ctx c, unsigned rights) {
        int r = 0;

        FOREACH_ELEMENT(d, decided_calls)
                if (r >= 0 && FLAGS_SET(rights, d->right))
                        r = seccomp_rule_add(c, SCMP_ACT_ALLOW, d->call, 1,
                                             (struct scmp_arg_cmp) { d->arg, d->compare, d->a, d->b });
        return r;
}

/* abort() signals its own process, and limits may be read. */
static int add_own_process(scmp_filter_ctx c) {
        int r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t) getpid()));

        return r < 0 ? r : seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
                                            SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0));
}

static const struct {
        unsigned right;
        bool absent;            /* for the verbs without it */
        uint32_t action;
        const int *calls;
        size_t n;
} call_sets[] = {
        { EVERY_VERB,         false, SCMP_ACT_ALLOW,        common_calls,   ELEMENTSOF(common_calls)   },
        { WORKER_WRITE_FILES, false, SCMP_ACT_ALLOW,        write_calls,    ELEMENTSOF(write_calls)    },
        { WORKER_OWN_FILES,   false, SCMP_ACT_ALLOW,        own_calls,      ELEMENTSOF(own_calls)      },
        { WORKER_NETWORK,     false, SCMP_ACT_ALLOW,        network_calls,  ELEMENTSOF(network_calls)  },
        { EVERY_VERB,         false, SCMP_ACT_KILL_PROCESS, deadly_calls,   ELEMENTSOF(deadly_calls)   },
        { WORKER_NETWORK,     true,  SCMP_ACT_KILL_PROCESS, deadly_sockets, ELEMENTSOF(deadly_sockets) },
};

static int filter_calls(unsigned rights) {
        _cleanup_(seccomp_releasep) scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        int r = 0;

        if (!c)
                return -ENOMEM;
        FOREACH_ELEMENT(set, call_sets)
                if (r >= 0 && FLAGS_SET(rights, set->right) != set->absent)
                        r = add_calls(c, set->action, set->calls, set->n);
        if (r >= 0)
                r = add_own_process(c);
        if (r >= 0)
                r = add_decided_calls(c, rights);
        if (r >= 0 && FLAGS_SET(rights, WORKER_NETWORK))
                r = add_sockets(c);
        return r < 0 ? r : seccomp_load(c);
}

/* --- Landlock --- */

/* Sockets in the abstract name space have no path, and the network worker shares the host's. Signals once
 * more. Where the kernel knows it (6.12 and newer); the headers may not. */
static int scope_process(void) {
        const struct {
                uint64_t fs, net, scoped;
        } ruleset = { .scoped = LANDLOCK_SCOPES };
        _cleanup_close_ int fd = (int) syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);

        if (fd < 0)
                return IN_SET(errno, ENOSYS, EOPNOTSUPP, EINVAL, E2BIG) ? 0 : -errno;
        return RET_NERRNO((int) syscall(SYS_landlock_restrict_self, fd, 0));
}

/* --- directories --- */

static bool is_directory(int fd) {
        struct stat st;

        return fstat(fd, &st) >= 0 && S_ISDIR(st.st_mode);
}

/* A mount of its own for each directory: devices on it cannot be opened, nothing on it is executed, and its
 * ".." is itself, so that no way leads out of it. Only the root of a verb that writes can be written to. */
static int confine_directory(int fd, bool writable) {
        struct mount_attr attr = {
                .attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC |
                            (writable ? 0 : MOUNT_ATTR_RDONLY),
        };
        const unsigned flags = AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
        _cleanup_close_ int clone = (int) syscall(SYS_open_tree, fd, "", flags), directory = -EBADF;

        /* One that the daemon made for us belongs to no name space, and can be nobody else's. */
        if (clone < 0 && errno != EINVAL)
                return -errno;
        if (syscall(SYS_mount_setattr, clone >= 0 ? clone : fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
                    sizeof(attr)) < 0)
                return -errno;
        if (clone < 0)
                return 0;
        /* The mount ends with the last descriptor of what made it: that stays open, at a number that is no
         * verb's. */
        if (fcntl(clone, F_DUPFD_CLOEXEC, WORKER_FD_FIRST + WORKER_FDS_MAX) < 0)
                return -errno;
        directory = openat(clone, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return directory < 0 ? -errno : RET_NERRNO(dup3(directory, fd, O_CLOEXEC));
}

static int confine_directories(const WorkerVerb *verb, const int *fds) {
        int r = 0;

        for (int i = 0; r >= 0 && i < (int) WORKER_FDS_MAX; i++)
                if (is_directory(fds[i]))
                        r = confine_directory(fds[i], i == verb->root &&
                                                              FLAGS_SET(verb->rights, WORKER_WRITE_FILES));
        return r;
}

static int enter_root(const WorkerVerb *verb, const int *fds) {
        if (verb->root < 0)
                return 0;
        if (fchdir(fds[verb->root]) < 0 || chroot(".") < 0 || chdir("/") < 0)
                return -errno;
        return 0;
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
        r = confine_directories(verb, fds);
        if (r >= 0)
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
        r = scope_process();
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to enter a Landlock scope");
        r = filter_calls(verb->rights);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "Failed to install the system call filter");
        return 0;
}
