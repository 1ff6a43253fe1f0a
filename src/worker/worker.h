/* SPDX-License-Identifier: Apache-2.0 */
/* dockerd-worker: one verb, one process, in a sandbox. The rows of the verbs and what a verb may use. */
#pragma once

#include "basic/error.h"
#include "config.h"
#include "image/worker-verbs.h"
#include "json/json-type.h"
#include "operation/worker-protocol.h"

/* What a verb may do to files and whether it may talk to others; everything else (processes, mounts, kernel)
 * is closed to all of them. */
typedef enum WorkerRights {
        WORKER_READ_FILES = 1 << 0,     /* whoever owns them */
        WORKER_WRITE_FILES = 1 << 1,    /* make and remove them, whoever owns the directory */
        WORKER_OWN_FILES = 1 << 2,      /* owners, modes, devices (made, never opened), capabilities and
                                         * trusted attributes of files */
        WORKER_NETWORK = 1 << 3,        /* sockets and name service; then no rights over files at all, a user
                                         * of its own, and next to no file system: see network-view.c */
        WORKER_READ_MARKS = 1 << 4,     /* trusted attributes of files */
} WorkerRights;

typedef struct WorkerVerb {
        const char *name;
        const JsonType *params;         /* NULL = none */
        unsigned n_fds;                 /* at least */
        int root;                       /* index of the descriptor that becomes the root directory; negative:
                                         * an empty one */
        unsigned rights;                /* WorkerRights */
        /* Answers through worker_result(); fds are the verb's, in its order. */
        int (*run)(const void *params, const int *fds, Error *reterr);
        /* With all rights still, before the sandbox; NULL = nothing to do. */
        int (*prepare)(const void *params, const int *fds, Error *reterr);
} WorkerVerb;

extern const WorkerVerb worker_verbs[];
extern const size_t n_worker_verbs;

/* Into a mount namespace of its own whose root holds, read-only, what the name service and certificates
 * need. */
int enter_network_view(void);

/* Irrevocable: no network (but with the right to it), own root directory, few capabilities, bounded memory,
 * only the system calls the rights need. Each directory becomes a mount of its own: no device on it opens,
 * no way leads out of it, and only the root of a verb that writes files can be written to. */
int sandbox_enter(const WorkerVerb *verb, const int *fds, Error *reterr);

/* The bind mounts of a container that does not run; the mount namespace of one that does. */
int mount_paths(const PathParams *p, int root_fd, Error *reterr);

int worker_progress(const JsonType *type, const void *progress, Error *reterr);
int worker_result(const JsonType *type, const void *result, Error *reterr);

#if CRASH_POINTS
/* For the test of the sandbox, in developers' builds only: number FIRST of a list of attacks and those after
 * it, each reported before the next. "DOCKERD_WORKER_HOSTILE=FIRST" runs them instead of the verb,
 * "DOCKERD_WORKER_OPEN=1" does so without the sandbox, to show that they work where nothing stops them. */
int hostile_run(const WorkerVerb *verb, const int *fds, unsigned first, Error *reterr);
#endif
