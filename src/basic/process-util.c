/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/process-util.h"

#include <link.h>
#include <linux/sched.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/parse-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "basic/strv.h"

/* The kernel's PF_EXITING and PF_FORKNOEXEC, which have had these values since Linux 2.6. */
#define TASK_EXITING 0x4U
#define TASK_FORKED_NOT_EXECUTED 0x40U

#define SPAWN_STACK_SIZE (64U * 1024U)
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Shared with the child, which runs in our memory until exec (CLONE_VM | CLONE_VFORK). */
typedef struct SpawnChild {
        const SpawnRequest *request;
        const char *path;
        int error;                      /* negative errno of what failed before or in exec */
        pid_t parent;
        sigset_t no_signals;
        int high[SPAWN_FDS_MAX];        /* here and not on the child's stack, whose frames nothing unwinds */
} SpawnChild;

static int child_reset_signals(const sigset_t *no_signals) {
        for (int sig = 1; sig < _NSIG; sig++)
                if (sig != SIGKILL && sig != SIGSTOP)
                        (void) signal(sig, SIG_DFL);
        return RET_NERRNO(sigprocmask(SIG_SETMASK, no_signals, NULL));
}

/* First moves every source above the targets, then down into place, so that no dup2() overwrites a later
 * source. */
static int child_arrange_fds(SpawnChild *c) {
        const SpawnRequest *q = c->request;
        size_t n = max_size(q->n_fds, 3);
        int null_fd;

        null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null_fd < 0)
                return -errno;
        for (size_t i = 0; i < n; i++) {
                int fd = i < q->n_fds && q->fds[i] >= 0 ? q->fds[i] : null_fd;

                c->high[i] = fcntl(fd, F_DUPFD_CLOEXEC, (int) n);
                if (c->high[i] < 0)
                        return -errno;
        }
        for (size_t i = 0; i < n; i++)
                if (dup2(c->high[i], (int) i) < 0)
                        return -errno;
        return RET_NERRNO(close_range((unsigned) n, ~0U, 0));
}

static int child_prepare(SpawnChild *c) {
        const SpawnRequest *q = c->request;
        int r;

        r = child_reset_signals(&c->no_signals);
        if (r < 0)
                return r;
        if (q->new_session && setsid() < 0)
                return -errno;
        if (q->death_signal != 0) {
                if (prctl(PR_SET_PDEATHSIG, q->death_signal) < 0)
                        return -errno;
                if (getppid() != c->parent)
                        return -EOWNERDEAD;
        }
        if (chdir(q->cwd ?: "/") < 0)
                return -errno;
        return child_arrange_fds(c);
}

static int child_main(void *userdata) {
        SpawnChild *c = userdata;

        c->error = child_prepare(c);
        if (c->error >= 0) {
                execve(c->path, c->request->argv, c->request->envp ?: environ);
                c->error = -errno;
        }
        _exit(127);
}

static int open_stack(void **ret) {
        void *p = mmap(NULL, SPAWN_STACK_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

        if (p == MAP_FAILED)
                return -errno;
        *ret = p;
        return 0;
}

/* Runs in the child, before exec: "0" means the writer itself. */
static int move_to_cgroup(int cgroup_fd) {
        _cleanup_close_ int fd = openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return write_full(fd, "0", 1);
}

static int child_main_in_cgroup(void *userdata) {
        SpawnChild *c = userdata;

        c->error = move_to_cgroup(c->request->cgroup_fd);
        if (c->error < 0)
                _exit(127);
        return child_main(userdata);
}

int process_spawn(const SpawnRequest *q, pid_t *ret_pid, int *ret_pidfd) {
        _cleanup_free_ char *found = NULL;
        SpawnChild c = { .request = q, .path = q->path, .parent = getpid() };
        sigset_t all, saved;
        int pidfd = -EBADF, r;
        void *stack = NULL;
        pid_t pid;

        assert(q->n_fds <= SPAWN_FDS_MAX);

        if (!strchr(q->path, '/')) {
                r = find_executable(q->path, &found);
                if (r < 0)
                        return r;
                c.path = found;
        }
        r = open_stack(&stack);
        if (r < 0)
                return r;

        /* No handler of ours may run in the child while it shares our memory. */
        sigemptyset(&c.no_signals);
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, &saved);
        pid = clone(q->cgroup_fd > 0 ? child_main_in_cgroup : child_main, (char *) stack + SPAWN_STACK_SIZE,
                    CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &c, &pidfd);
        r = pid < 0 ? -errno : 0;
        sigprocmask(SIG_SETMASK, &saved, NULL);
        (void) munmap(stack, SPAWN_STACK_SIZE);
        if (r < 0)
                return r;

        if (c.error < 0) {
                (void) waitpid(pid, NULL, 0);
                safe_close(pidfd);
                return c.error;
        }
        *ret_pid = pid;
        if (ret_pidfd)
                *ret_pidfd = pidfd;
        else
                safe_close(pidfd);
        return 0;
}

char *const *process_plain_environment(void) {
        static char *environment[2];

        if (!environment[0])
                environment[0] = strjoin("PATH=", getenv("PATH") ?: DEFAULT_PATH);
        return environment;
}

int status_from_siginfo(const siginfo_t *si) {
        return si->si_code == CLD_EXITED ? si->si_status : 128 + si->si_status;
}

int process_wait(pid_t pid, int *ret_status) {
        siginfo_t si = {};

        while (waitid(P_PID, (id_t) pid, &si, WEXITED) < 0)
                if (errno != EINTR)
                        return -errno;
        *ret_status = status_from_siginfo(&si);
        return 0;
}

int pidfd_open_cloexec(pid_t pid) {
        return RET_NERRNO((int) syscall(SYS_pidfd_open, pid, 0));
}

int pidfd_signal(int pidfd, int sig) {
        return RET_NERRNO((int) syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0));
}

/* A field of /proc/PID/stat behind the name. */
static int read_stat_field(pid_t pid, int number, uint64_t *ret) {
        _cleanup_free_ char *path = NULL, *line = NULL;
        const char *p;
        int r;

        r = asprintf_safe(&path, "/proc/%d/stat", pid);
        if (r < 0)
                return r;
        r = read_line_file(path, &line);
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;

        /* The name in field 2 may hold anything, also ')': count fields behind the last one. */
        p = strrchr(line, ')');
        for (int field = 2; p && field < number; field++)
                p = strchr(p + 1, ' ');
        if (!p)
                return -EIO;
        p++;
        line[(p - line) + strspn(p, "0123456789")] = 0;
        return parse_uint64(p, ret);
}

int process_start_time(pid_t pid, uint64_t *ret) {
        return read_stat_field(pid, 22, ret);
}

int process_has_executed(pid_t pid) {
        uint64_t flags;
        int r;

        r = read_stat_field(pid, 9, &flags);
        if (r < 0)
                return r;
        return (flags & TASK_EXITING) || !(flags & TASK_FORKED_NOT_EXECUTED);
}

static int realtime_signal(const char *s) {
        const char *p = s + strlen("RTMIN");
        int offset = 0, base = SIGRTMIN;

        if (strncasecmp(s, "RTMAX", strlen("RTMAX")) == 0)
                base = SIGRTMAX;
        else if (strncasecmp(s, "RTMIN", strlen("RTMIN")) != 0)
                return -EINVAL;
        if (*p && (strspn(p, "+-") != 1 || parse_int(p + 1, &offset) < 0))
                return -EINVAL;
        if (*p == '-')
                offset = -offset;
        return base + offset >= SIGRTMIN && base + offset <= SIGRTMAX ? base + offset : -EINVAL;
}

int signal_from_string(const char *s) {
        int sig;

        if (parse_int(s, &sig) >= 0)
                return sig > 0 && sig < _NSIG ? sig : -EINVAL;
        if (strncasecmp(s, "SIG", 3) == 0)
                s += 3;
        for (sig = 1; sig < _NSIG; sig++) {
                const char *name = sigabbrev_np(sig);

                if (name && strcasecmp(name, s) == 0)
                        return sig;
        }
        return realtime_signal(s);
}

const char *signal_to_string(int sig) {
        return sigabbrev_np(sig);
}

static int drop_code(struct dl_phdr_info *info, size_t size, void *userdata) {
        uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE);

        if (strstr(info->dlpi_name, "vdso"))
                return 0;
        for (size_t i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *p = info->dlpi_phdr + i;
                uintptr_t start = (info->dlpi_addr + p->p_vaddr) & ~(page - 1);
                uintptr_t end = info->dlpi_addr + p->p_vaddr + p->p_memsz;

                /* Not what relocations were written to. */
                if (p->p_type == PT_LOAD && (p->p_flags & (PF_X|PF_W)) == PF_X)
                        (void) madvise((void *) start, end - start, MADV_DONTNEED);
        }
        return 0;
}

void process_trim_memory(void) {
        (void) malloc_trim(0);
        (void) dl_iterate_phdr(drop_code, NULL);
}

int find_executable(const char *name, char **ret) {
        _cleanup_strv_free_ char **dirs = NULL;
        int r;

        if (strchr(name, '/')) {
                if (access(name, X_OK) < 0)
                        return -errno;
                *ret = strdup(name);
                return *ret ? 0 : -ENOMEM;
        }
        r = strv_split(getenv("PATH") ?: DEFAULT_PATH, ":", &dirs);
        if (r < 0)
                return r;
        STRV_FOREACH(d, dirs) {
                _cleanup_free_ char *path = path_join(*d, name);

                if (!path)
                        return -ENOMEM;
                if (path_is_absolute(path) && access(path, X_OK) >= 0) {
                        *ret = TAKE_PTR(path);
                        return 0;
                }
        }
        return -ENOENT;
}
