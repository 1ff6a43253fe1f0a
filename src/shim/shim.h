/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a shim: one container, from before its start until its last attached client has been served.
 * A shim may as well run a command in the container of another shim, which has started it
 * (ShimConfig.process). The files of this folder are its verbs; all of it is single-threaded and lives as
 * long as the process. */
#pragma once

#include <signal.h>

#include "logdriver/log-driver.h"
#include "runtime/detach-keys.h"
#include "runtime/shim-config.h"
#include "runtime/shim-protocol.h"
#include "shim/loop.h"

/* Limits: connections of daemons, attached clients, and what is kept for a client that does not read. */
#define SHIM_CONNECTIONS_MAX 8U
#define SHIM_ATTACH_MAX 128U
#define SHIM_CLIENT_BUFFER_MAX (1024U * 1024U)
#define SHIM_EVENTS_MAX 256U
#define SHIM_EXECS_MAX 512U

#define SHIM_IO_SIZE (64U * 1024U)

typedef struct Shim Shim;

/* A connection of a daemon. Events that do not fit its socket wait in the queue. */
typedef struct Connection {
        Shim *shim;
        LoopSource source;
        int fd;
        void *queue[SHIM_EVENTS_MAX];   /* encoded messages, oldest first */
        size_t queue_size[SHIM_EVENTS_MAX];
        size_t n_queue;
        LIST_FIELDS(struct Connection, connections);
} Connection;

/* An attached client. */
typedef struct AttachClient {
        Shim *shim;
        LoopSource source;
        int fd;
        uint32_t id;
        uint32_t flags;                 /* ShimAttachFlags */
        bool begun;                     /* its input is taken */
        bool ending;                    /* no new output is queued; ends when all of the rest is sent */
        ShimAttachEnd reason;
        LogReader *replay;              /* the log comes first; the live output after its end */

        /* To the client: what its socket did not take. */
        char *out;
        size_t out_begin, out_end, out_allocated;

        /* From the client: what the container's stdin did not take; nothing is read until it has. */
        char *in;
        size_t in_begin, in_end;
        bool in_eof;
        DetachKeys detach;
        LIST_FIELDS(struct AttachClient, clients);
} AttachClient;

/* stdout or stderr of the container, or the tty. */
typedef struct Output {
        Shim *shim;
        LoopSource source;
        int fd;                         /* -EBADF = ended or never there */
        LogStream stream;
} Output;

/* Why the container stands still. */
typedef enum FreezeReason {
        FREEZE_READ,                    /* a daemon reads its files */
        FREEZE_PAUSE,                   /* the user wants it; outlives the daemon */
        _FREEZE_MAX,
} FreezeReason;

typedef struct Freeze {
        bool wanted;
        bool asked;                     /* it may not stand still yet; the answer is due */
        Connection *asker;              /* NULL: gone */
        uint32_t id;
        usec_t deadline;
} Freeze;

struct Shim {
        Loop loop;
        int run_dir_fd;
        char *run_dir;
        ShimConfig config;
        ShimState state;
        sigset_t signals;

        int control_fd;
        LoopSource control_source;
        Connection *connections;
        size_t n_connections;
        void *receive_buffer;
        size_t receive_size;

        int signal_fd;
        LoopSource signal_source;

        /* The OCI runtime while it starts or deletes the container. */
        pid_t runtime_pid;
        bool mounts_unshared;           /* the mount namespace is ours alone */
        bool deleting;
        bool clearing;                  /* deletes what a killed shim left, before the start */
        int runtime_stderr_fd;          /* tty only: without one, stderr of the runtime is the container's */
        int console_listen_fd;

        /* The start: the runtime's, then until the process executes the container's program. */
        LoopTimer start_timer;          /* the whole of it takes too long */
        LoopTimer program_timer;        /* looks whether the program runs */
        usec_t program_deadline;        /* then it counts as running; 0 = the runtime is at work */
        const char *given_up;           /* why the start ends without success; NULL = it goes on */

        pid_t container_pid;
        int container_pidfd;
        uint64_t started_nsec;
        bool stop_requested;            /* SIGTERM came */
        bool exited;                    /* the container process is gone; its output may not be */
        ExitRecord exit;
        char *oom_file;                 /* memory.events or memory.oom_control of the container */
        int oom_inotify_fd;
        LoopSource oom_source;
        uint64_t oom_count;
        /* Children that ended before the runtime told which of them is the container. */
        struct EarlyChild { pid_t pid; int status; } early[16];
        size_t n_early;

        /* stdio */
        int stdin_fd;                   /* write end of the pipe, or the pty master; -EBADF = closed */
        LoopSource stdin_source;        /* waits for room; pipe only */
        int tty_fd;
        Output outputs[_LOG_STREAM_MAX];
        LogWriter *log;
        bool log_failing;

        AttachClient *clients;
        size_t n_clients;
        size_t n_slow;                  /* clients over the buffer limit: the outputs wait */

        pid_t execs[SHIM_EXECS_MAX];    /* shims of commands in this container */
        size_t n_execs;

        Freeze freezes[_FREEZE_MAX];
        LoopTimer freeze_timer;         /* looks whether it does */
        unsigned freeze_looks;

        bool finished;                  /* exit written, clients told */
        bool delete_done;
        LoopTimer idle_timer;           /* nobody came */
        LoopTimer stop_timer;           /* SIGTERM to the shim: then SIGKILL */
        LoopTimer drain_timer;          /* output that does not end with the container */
        LoopTimer linger_timer;         /* slow clients after the end */
        bool client_progress;           /* one of them has taken something since the timer was armed */
};

/* shim-control.c: the daemon's connections */
int shim_control_open(Shim *s);
void shim_event(Shim *s, const ShimMessage *m);
/* To one connection; fd: negative = none. */
int shim_reply(Connection *c, const ShimMessage *m, int fd);
bool shim_control_flushed(const Shim *s);

/* shim-runtime.c: running the OCI runtime */
int shim_start(Shim *s, int rootfs_fd);
void shim_start_failed(Shim *s, const char *text);
void shim_start_failed_errno(Shim *s, int r);
void shim_runtime_ended(Shim *s, int status);
void shim_delete(Shim *s);                      /* asks the runtime */
void shim_clear_up(Shim *s);                    /* after the end of the container */

/* shim-start.c: from the runtime's word to the container's program, and starts that are given up */
void shim_start_limit(Shim *s);                 /* from now on the start has its time limit */
void shim_start_limit_at_most(Shim *s, usec_t relative);
void shim_await_program(Shim *s);
void shim_give_up(Shim *s, const char *why);    /* why: static */
void shim_give_up_step(Shim *s);

/* shim-stdio.c: the container's side of its streams */
int shim_stdio_prepare(Shim *s, int ret_fds[3]);
int shim_tty_received(Shim *s, int master_fd);
void shim_stdio_init(Shim *s);
void shim_stdio_discard(Shim *s, char *ret_text, size_t size);
void shim_output_poll(Shim *s);                 /* reads where no client is too slow */
void shim_stdin_poll(Shim *s);                  /* waits for room where a client has input */
ssize_t shim_stdin_write(Shim *s, const void *data, size_t size);
void shim_stdin_close(Shim *s);
int shim_resize(Shim *s, unsigned rows, unsigned columns);
bool shim_output_ended(const Shim *s);
void shim_output_end(Shim *s);

/* shim-attach.c: the clients' side */
int shim_attach(Shim *s, const ShimMessage *m, int fd);
void shim_attach_begin(Shim *s);
void shim_attach_output(Shim *s, LogStream stream, const void *data, size_t size);
void shim_attach_stdin_ready(Shim *s);
void shim_attach_stdin_closed(Shim *s);
void shim_attach_detach(Shim *s, uint32_t id, ShimAttachEnd reason);
void shim_attach_end_all(Shim *s, ShimAttachEnd reason);
void shim_attach_drop_all(Shim *s);
int shim_client_queue(AttachClient *c, LogStream stream, const void *data, size_t size);

/* shim-replay.c: the log to a client that asked for it */
int shim_replay_begin(AttachClient *c, uint64_t since_nsec);
int shim_replay_step(AttachClient *c);

/* shim-freeze.c: the container stands still */
int shim_freeze(Shim *s, FreezeReason reason, Connection *c, uint32_t id);
void shim_thaw(Shim *s, FreezeReason reason);
void shim_thaw_all(Shim *s);
int shim_unpause(Shim *s, Connection *c, uint32_t id);
void shim_freeze_connection_lost(Shim *s, Connection *c);
static inline bool shim_is_paused(const Shim *s) {
        return s->freezes[FREEZE_PAUSE].wanted && !s->freezes[FREEZE_PAUSE].asked;
}

/* shim-exec.c: shims for commands in this container */
int shim_exec(Shim *s, const char *id, int control_fd);
bool shim_exec_ended(Shim *s, pid_t pid);
/* This one runs such a command: the container is another's. */
static inline bool shim_is_exec(const Shim *s) {
        return s->config.process && s->config.process[0];
}

/* shim-exit.c: the end of the container */
void shim_child_ended(Shim *s, pid_t pid, int status);
void shim_container_started(Shim *s);
void shim_container_ended(Shim *s, int status);
void shim_check_end(Shim *s);
uint32_t shim_exit_flags(const Shim *s);
void shim_stop(Shim *s);
int shim_kill(Shim *s, int sig, bool unpause);
