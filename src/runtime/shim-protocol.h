/* SPDX-License-Identifier: Apache-2.0 */
/* The wire format between the daemon and a shim: one SOCK_SEQPACKET message is one fixed header, a text, raw
 * data, and at most one file descriptor. Used by both sides; it neither connects nor waits.
 *
 * Versions: the daemon's first message is HELLO with the highest version it speaks, the shim answers HELLO
 * with the version both use. Fields are only ever appended to the header: header_size says how long the
 * sender's is, a receiver reads what it knows and takes 0 for the rest, so a new daemon talks to old shims
 * and the other way round. A message type the receiver does not know is ignored. All integers are in host
 * byte order: both ends are on one machine. */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

#define SHIM_PROTOCOL_VERSION 4U
#define SHIM_PROTOCOL_FREEZE 2U                 /* from this version on there is SHIM_FREEZE */
#define SHIM_PROTOCOL_EXEC 3U                   /* from this version on there is SHIM_EXEC */
#define SHIM_PROTOCOL_PAUSE 4U                  /* from this version on there is SHIM_PAUSE */
#define SHIM_PROTOCOL_MAGIC 0x4d495344U         /* "DSIM" */

/* Limits of one message. Data carries what the daemon has read of an attach connection already. */
#define SHIM_TEXT_MAX (16U * 1024U)
#define SHIM_DATA_MAX (160U * 1024U)
#define SHIM_MESSAGE_MAX (SHIM_TEXT_MAX + SHIM_DATA_MAX + 256U)

/* Names in the run directory, which has to be on a private mount. */
#define SHIM_CONTROL_NAME "control"
#define SHIM_CONFIG_NAME "shim.json"
#define SHIM_EXIT_NAME "exit"
#define SHIM_PID_NAME "pid"
#define SHIM_SHIM_PID_NAME "shim.pid"           /* "PID START-TIME" of the shim */
#define SHIM_ROOTFS_NAME "rootfs"
#define SHIM_EXEC_NAME "exec"                   /* in it a run directory for each exec, by its id */
#define SHIM_PROCESS_NAME "process.json"        /* in that: the OCI process */

/* The number of an already listening control socket; where it is not set, the shim makes the socket. */
#define SHIM_CONTROL_FD_ENV "DOCKERD_SHIM_CONTROL_FD"

typedef enum ShimMessageType {
        SHIM_HELLO = 1,         /* both ways; from the shim: version, value1 = ShimState, pid, exit fields
                                 * when exited, flags = ShimRunFlags while it runs */

        /* daemon -> shim */
        SHIM_START = 16,        /* fd = detached mount of the root file system, none = rootfs/ is in place */
        SHIM_ATTACH,            /* id, flags = ShimAttachFlags, text = detach keys as in the API, data =
                                 * bytes already read from the client, time = of the oldest log entry wanted,
                                 * fd = the client's connection */
        SHIM_RESIZE,            /* value1 = rows, value2 = columns */
        SHIM_SIGNAL,            /* value1 = signal number, to the container's first process; flags =
                                 * ShimSignalFlags. SIGKILL gives up a start that is in progress */
        SHIM_CLOSE_STDIN,
        SHIM_ROOT_FD,           /* id; answered by SHIM_ROOT_FD with id and the fd, or a negative errno in
                                 * value1 */
        SHIM_DETACH,            /* id: end this attached session */
        SHIM_QUIT,              /* a shim that was never started or whose container exited ends at once */
        SHIM_FREEZE,            /* id, value1 = 1: the container's processes stand still; until value1 = 0
                                 * comes, or a signal for it, or the connection ends; answered by
                                 * SHIM_FROZEN */
        SHIM_EXEC,              /* text = id of an exec whose run directory is ready, fd = its control
                                 * socket, listening already: a shim of its own runs it. A failure shows
                                 * there: the socket is closed */
        SHIM_PAUSE,             /* id, value1 = 1: the container's processes stand still, whatever becomes of
                                 * daemons; 0: they go on. Answered by SHIM_PAUSED */

        /* shim -> daemon */
        SHIM_STARTED = 64,      /* pid, time */
        SHIM_START_FAILED,      /* text = the runtime's words; the shim ends after it */
        SHIM_ATTACH_ENDED,      /* id, value1 = ShimAttachEnd */
        SHIM_OOM,               /* a process of the container was killed by the OOM killer; time */
        SHIM_LOG_FAILED,        /* value1 = negative errno; sent once per series of failures */
        SHIM_EXITED,            /* value1 = exit code, flags = ShimExitFlags, time; the record is in the exit
                                 * file already */
        SHIM_FROZEN,            /* id, value1 = 0, or a negative errno: it runs on */
        SHIM_PAUSED,            /* id, value1 = 0 or a negative errno, value2 = 1: it is paused; with id 0
                                 * who asked is gone, or a signal let it go on */
} ShimMessageType;

typedef enum ShimState {
        SHIM_STATE_CREATED,
        SHIM_STATE_STARTING,
        SHIM_STATE_RUNNING,
        SHIM_STATE_EXITED,
        _SHIM_STATE_MAX,
} ShimState;

typedef enum ShimAttachFlags {
        SHIM_ATTACH_STDIN     = 1U << 0,
        SHIM_ATTACH_STDOUT    = 1U << 1,
        SHIM_ATTACH_STDERR    = 1U << 2,
        SHIM_ATTACH_MULTIPLEX = 1U << 3,        /* 8-byte frames */
        SHIM_ATTACH_LOGS      = 1U << 4,        /* first what was logged, from time on */
} ShimAttachFlags;

typedef enum ShimRunFlags {
        SHIM_RUN_PAUSED = 1U << 0,
} ShimRunFlags;

typedef enum ShimSignalFlags {
        SHIM_SIGNAL_UNPAUSE = 1U << 0,          /* a paused container goes on after it, and so sees it */
} ShimSignalFlags;

typedef enum ShimExitFlags {
        SHIM_EXIT_OOM     = 1U << 0,
        SHIM_EXIT_STOPPED = 1U << 1,
} ShimExitFlags;

typedef enum ShimAttachEnd {
        SHIM_ATTACH_END_EXITED,         /* the container's streams are at their end */
        SHIM_ATTACH_END_DETACHED,       /* the detach keys came */
        SHIM_ATTACH_END_CLIENT,         /* the client went away or ended its stdin where that ends the
                                         * session */
        SHIM_ATTACH_END_ERROR,
        _SHIM_ATTACH_END_MAX,
} ShimAttachEnd;

typedef struct ShimMessage {
        ShimMessageType type;
        unsigned version;               /* of HELLO */
        uint32_t id;
        uint32_t flags;
        int32_t value1, value2;
        pid_t pid;
        uint64_t time_nsec;             /* CLOCK_REALTIME */
        const char *text;               /* NUL-terminated; NULL = none. Decoded: points into the receive
                                         * buffer */
        const void *data;
        size_t data_size;
} ShimMessage;

/* Encodes to a new buffer; -EMSGSIZE beyond the limits. */
int shim_message_encode(const ShimMessage *m, void **ret, size_t *ret_size);
/* Decodes a received datagram; *ret points into buffer. -EBADMSG for anything malformed. */
int shim_message_decode(const void *buffer, size_t size, ShimMessage *ret);

/* One message with at most one fd (-EBADF = none) over a seqpacket socket, without blocking. */
int shim_message_send(int fd, const ShimMessage *m, int pass_fd);
/* 1 = got one, 0 = end of file, -EAGAIN = nothing there. *buffer is (re)allocated here and freed by the
 * caller; *ret points into it. *ret_fd is -EBADF or an fd the caller owns. -EBADMSG leaves the connection
 * usable. */
int shim_message_receive(int fd, void **buffer, size_t *buffer_size, ShimMessage *ret, int *ret_fd);

/* The record of an ended container, in the `exit` file of the run directory:
 * "code=137\noom=1\nstopped=0\ntime=<nsec>\n". */
typedef struct ExitRecord {
        int code;
        bool oom;
        bool stopped;                   /* by the service manager, not by the daemon or by itself */
        uint64_t time_nsec;             /* CLOCK_REALTIME */
} ExitRecord;

int exit_record_write(int run_dir_fd, const ExitRecord *record);
/* -ENOENT where the container has not ended or its shim died with it. */
int exit_record_read(int run_dir_fd, ExitRecord *ret);
