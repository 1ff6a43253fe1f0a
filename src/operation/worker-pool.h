/* SPDX-License-Identifier: Apache-2.0 */
/* Starts dockerd-worker processes, a limited number at a time, and brings their answers into the event loop.
 * Knows no verb. Libraries above wrap a verb's parameters and result; callbacks come from the loop only. */
#pragma once

#include <systemd/sd-event.h>

#include "json/json-type.h"
#include "operation/worker-protocol.h"

typedef struct WorkerPool WorkerPool;
typedef struct Worker Worker;

/* Who decides how long it takes. Each kind has a limit of its own, so that clients which do not read, and
 * registries which do not send, hold up their like and nobody else. Workers at two ends of a pipe are of one
 * kind and started one behind the other: then none waits for one that cannot start. */
typedef enum WorkerPace {
        WORKER_PACE_LOCAL,              /* disk and processor */
        WORKER_PACE_CLIENT,             /* a client that sends or reads a stream */
        WORKER_PACE_NETWORK,            /* another host */
        _WORKER_PACE_MAX,
} WorkerPace;

/* Running at once; more wait in the order they came. */
#define WORKERS_LOCAL_MAX 8U
#define WORKERS_CLIENT_MAX 32U
#define WORKERS_NETWORK_MAX 32U
#define WORKERS_QUEUED_MAX 1024U

/* program: path of dockerd-worker. */
int worker_pool_new(sd_event *event, const char *program, WorkerPool **ret);
/* Kills every worker without its callback. */
WorkerPool *worker_pool_free(WorkerPool *p);
DEFINE_TRIVIAL_CLEANUP_FUNC(WorkerPool *, worker_pool_free);

/* Where dockerd-worker (or another of our programs) is: beside our own executable, else in libexecdir. */
int worker_find_program(const char *name, char **ret);

typedef struct WorkerRequest {
        const char *verb;
        WorkerPace pace;
        const JsonType *params_type;    /* NULL: no parameters */
        const void *params;
        const int *fds;                 /* borrowed; become WORKER_FD_FIRST...; duplicated when the worker is
                                         * queued */
        size_t n_fds;

        /* The member of the line as a tree, borrowed. progress may be NULL. */
        void (*progress)(Worker *w, struct json_object *progress, void *userdata);
        /* Exactly once unless cancelled; r 0: result is the "Result" object, else error is set. The worker
         * is gone when it returns. May start other workers, may not free the pool. */
        void (*done)(Worker *w, int r, struct json_object *result, const Error *error, void *userdata);
        void *userdata;
} WorkerRequest;

int worker_start(WorkerPool *p, const WorkerRequest *request, Worker **ret, Error *reterr);

/* SIGKILL, reaped in the background, no callback. Accepts NULL; returns NULL. */
Worker *worker_cancel(Worker *w);
DEFINE_TRIVIAL_CLEANUP_FUNC(Worker *, worker_cancel);

/* Starts and waits: blocks the loop. Only where the caller's interface is synchronous and says so. */
int worker_run(WorkerPool *p, const WorkerRequest *request, const JsonType *result_type, void *ret_result,
               Error *reterr);
