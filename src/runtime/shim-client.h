/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's end of the connection to one shim, on sd-event. It starts no shim (that is the supervisor's)
 * and keeps no state but the connection. Non-logging. */
#pragma once

#include <systemd/sd-event.h>

#include "basic/alloc-util.h"
#include "runtime/shim-protocol.h"

typedef struct ShimClient ShimClient;

/* What the shim says. Called from the event loop, never from within a shim_client_ call; any may be NULL.
 * The client may be freed inside each of them. */
typedef struct ShimClientOps {
        /* The answer to the connection: where the container is. exit is set in SHIM_STATE_EXITED only. */
        void (*hello)(ShimClient *c, ShimState state, pid_t pid, const ExitRecord *exit, void *userdata);
        void (*started)(ShimClient *c, pid_t pid, uint64_t time_nsec, void *userdata);
        /* text: the OCI runtime's own words; oci-error.h translates. */
        void (*start_failed)(ShimClient *c, const char *text, void *userdata);
        void (*attach_ended)(ShimClient *c, uint32_t id, ShimAttachEnd reason, void *userdata);
        void (*oom)(ShimClient *c, uint64_t time_nsec, void *userdata);
        void (*log_failed)(ShimClient *c, int error, void *userdata);
        void (*exited)(ShimClient *c, const ExitRecord *exit, void *userdata);
        /* r < 0: negative errno and fd is not valid; else fd is owned by the callee. */
        void (*root_fd)(ShimClient *c, uint32_t id, int r, int fd, void *userdata);
        /* r < 0: it runs on. */
        void (*frozen)(ShimClient *c, uint32_t id, int r, void *userdata);
        /* The answer to a pause, r < 0: it failed; or with id 0 that the container goes on, or stands still,
         * of itself. shim_client_is_paused() tells. */
        void (*paused)(ShimClient *c, uint32_t id, int r, void *userdata);
        /* End of the connection: the shim ended or died. Where exited() was not called before, the exit file
         * says how (exit_record_read), and where there is none the shim was killed. Nothing is called after
         * it. */
        void (*lost)(ShimClient *c, void *userdata);
} ShimClientOps;

/* Makes the control socket in run_dir for a shim that is yet to start: the daemon can connect at once, and
 * what it sends waits there. Returns the listening socket, which becomes the shim's SHIM_CONTROL_FD_ENV. */
int shim_control_listen(const char *run_dir);

/* Connects to the control socket in run_dir; hello() follows from the loop. -ENOENT/-ECONNREFUSED: no shim
 * there. */
int shim_client_connect(sd_event *event, const char *run_dir, const ShimClientOps *ops, void *userdata,
                        ShimClient **ret);
ShimClient *shim_client_free(ShimClient *c);
DEFINE_TRIVIAL_CLEANUP_FUNC(ShimClient *, shim_client_free);

/* Commands. fds passed in stay the caller's (the kernel duplicates them). All return without waiting;
 * -ENOBUFS where the shim does not read (it is sent later, up to a bound), -ENOTCONN after lost(). */
int shim_client_start(ShimClient *c, int rootfs_mount_fd);

typedef struct ShimAttach {
        ShimAttachFlags flags;
        const char *detach_keys;        /* as in the API; NULL = default */
        uint64_t logs_since_nsec;       /* with SHIM_ATTACH_LOGS; 0 = the whole log */
        const void *data;               /* bytes of the client the daemon has read already */
        size_t data_size;
        int fd;                         /* the client's connection */
} ShimAttach;
/* *ret_id names the session in attach_ended(). Before start it is legal, too: the session begins with the
 * container. */
int shim_client_attach(ShimClient *c, const ShimAttach *attach, uint32_t *ret_id);
int shim_client_detach(ShimClient *c, uint32_t id);
int shim_client_resize(ShimClient *c, unsigned rows, unsigned columns);
/* unpause: a paused container goes on after it, and so sees it. */
int shim_client_signal(ShimClient *c, int sig, bool unpause);
int shim_client_close_stdin(ShimClient *c);
/* Asks for an O_PATH fd of the container's root directory; answered by root_fd(). */
int shim_client_root_fd(ShimClient *c, uint32_t *ret_id);
/* Until shim_client_thaw(), the end of the connection or a signal; answered by frozen(). -EOPNOTSUPP: a shim
 * of an older daemon, which cannot. */
int shim_client_freeze(ShimClient *c, uint32_t *ret_id);
int shim_client_thaw(ShimClient *c);
/* The container stands still until it is unpaused, or a signal lets it go on; answered by paused().
 * -EOPNOTSUPP: a shim of an older daemon, which cannot. */
int shim_client_pause(ShimClient *c, bool pause, uint32_t *ret_id);
/* As the shim has said last. */
bool shim_client_is_paused(const ShimClient *c);
/* The container's shim shall start another one for the exec whose run directory is ready below its own.
 * control_fd: shim_control_listen() in there. -EOPNOTSUPP: a shim of an older daemon, which cannot. */
int shim_client_exec(ShimClient *c, const char *id, int control_fd);
/* Ends a shim that was never told to start, or one that lingers for a slow attached client. */
int shim_client_quit(ShimClient *c);
