/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and waiting for processes. The daemon never forks: a child is made with vfork semantics and execs
 * at once. */
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "basic/fd-util.h"

typedef struct SpawnRequest {
        const char *path;               /* absolute, or a name that is looked up in PATH */
        char *const *argv;
        char *const *envp;              /* NULL: inherit ours */
        const int *fds;                 /* fds[i] becomes descriptor i of the child; negative: /dev/null. All
                                         * else closed */
        size_t n_fds;                   /* at most SPAWN_FDS_MAX; 0..2 that are not given become /dev/null */
        const char *cwd;                /* NULL: "/" */
        bool new_session;               /* setsid() */
        int death_signal;               /* 0, or PR_SET_PDEATHSIG */
        int cgroup_fd;                  /* 0 or negative: ours; else a cgroup2 directory the child starts
                                         * in */
} SpawnRequest;

#define SPAWN_FDS_MAX 32U

/* Starts the program with all signals unblocked and at their defaults. An exec failure is the return value.
 * ret_pidfd (may be NULL) is O_CLOEXEC. */
int process_spawn(const SpawnRequest *request, pid_t *ret_pid, int *ret_pidfd);

/* PATH and nothing else, for programs that what was set for us (proxies with passwords) does not concern. */
char *const *process_plain_environment(void);

/* waitid() until the child is gone; the exit status 0..255, 128+signal when killed. */
int process_wait(pid_t pid, int *ret_status);
int status_from_siginfo(const siginfo_t *si);

int pidfd_open_cloexec(pid_t pid);
int pidfd_signal(int pidfd, int sig);

/* 1: the process runs a program of its own, or has ended; 0: it was forked and has executed nothing since,
 * so that it is its parent's code still (flags, field 9 of /proc/PID/stat). -ESRCH: there is none. */
int process_has_executed(pid_t pid);

/* Start time in clock ticks after boot (field 22 of /proc/PID/stat): with the pid it identifies a
 * process. */
int process_start_time(pid_t pid, uint64_t *ret);

/* Gives back what only the start-up needed: free heap, and code, which is mapped again where it is run. */
void process_trim_memory(void);

/* "SIGTERM", "TERM", "term", "15", "SIGRTMIN+3": the number or -EINVAL. */
int signal_from_string(const char *s);
const char *signal_to_string(int sig);  /* "TERM"; NULL for unknown and real-time ones */

/* Finds a program as execvp() would; absolute result. */
int find_executable(const char *name, char **ret);
