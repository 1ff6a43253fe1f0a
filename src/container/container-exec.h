/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that are run in a running container. Each has a shim of its own, so that it, its client and its
 * exit code outlive the daemon as the container does. The objects are the container's. */
#pragma once

#include "api/exec.h"
#include "container/container-manager.h"

/* Of one container: that run or are yet to be started; that have ended and may be asked for; and how long.
 * One that is never started is kept for longer. */
#define CONTAINER_EXECS_MAX 256U
#define CONTAINER_EXECS_ENDED_MAX 64U
#define CONTAINER_EXEC_ENDED_USEC (300U * USEC_PER_SEC)
#define CONTAINER_EXEC_CREATED_USEC (3600U * USEC_PER_SEC)

typedef enum ContainerExecState {
        EXEC_CREATED,
        EXEC_STARTING,
        EXEC_RUNNING,
        EXEC_ENDED,             /* or it could not be started */
} ContainerExecState;

/* One of the two is called, once and from the loop or container_exec_start() itself. */
typedef struct ContainerExecSession {
        int fd;                         /* the client's connection, owned; -EBADF = detached */
        void *early;                    /* bytes read of it already, owned */
        size_t n_early;
        bool multiplex;
        ConsoleSize console_size;       /* borrowed for the call; empty = the exec's own */

        /* The session is over, or never began and the reason is written into it. */
        void (*ended)(void *userdata);
        /* Detached: it runs (0), or error says why not. */
        void (*started)(int r, const Error *error, void *userdata);
        /* Before ended(), for who wants to know more of it (NULL: not): it runs; it never ran. */
        void (*running)(void *userdata);
        void (*failed)(const Error *error, void *userdata);
        void *userdata;
} ContainerExecSession;

struct ContainerExec {
        Container *container;           /* back-pointer, the owner */
        char *id;
        ExecConfig config;
        ContainerExecState state;
        int64_t pid, exit_code;         /* exit_code: of EXEC_ENDED */
        usec_t since;                   /* CLOCK_MONOTONIC, of its creation or its end */

        char *run_dir;                  /* <exec root>/containers/<id>/exec/<id> */
        RootQuestion *question;         /* EXEC_STARTING: to the container's shim, owned */
        ShimClient *shim;               /* its own */
        bool recorded;                  /* run_dir is there, with what the next daemon needs of it */

        ContainerExecSession session;
        bool probe;                     /* the engine's own: it is not kept after its end */
        bool killed;                    /* nobody wants it any more: as soon as it runs, it ends */
        bool attached;                  /* the shim has the connection */
        uint32_t attach_id;             /* there */
        unsigned rows, columns;         /* asked for while it starts; 0 = not */
        LIST_FIELDS(ContainerExec, execs);
};

int container_exec_create(Container *c, const ExecConfig *config, ContainerExec **ret, Error *reterr);
/* One that the engine itself wants, beyond the limits: it is gone as soon as it has ended. */
int container_exec_create_probe(Container *c, const ExecConfig *config, ContainerExec **ret, Error *reterr);
/* As soon as it runs; its end is told as always. */
void container_exec_kill(ContainerExec *x);
/* Ends a probe. Nobody is told any more, and the caller forgets it. Not from within its callbacks before it
 * has ended. */
void container_exec_abandon(ContainerExec *x);
/* One that was abandoned may take its time. */
bool container_exec_has_probe(const Container *c);
/* By its whole id. */
int container_exec_find(ContainerManager *m, const char *id, ContainerExec **ret, Error *reterr);
int container_exec_inspect(const ContainerExec *x, ExecInspect *ret, Error *reterr);
/* Of those that are known still. */
int container_exec_ids(Container *c, char ***ret);

/* Docker's checks, before a connection is taken over. */
int container_exec_check_start(const ContainerExec *x, Error *reterr);
/* Takes the session's fd and early bytes. What comes of it is told to the session. */
void container_exec_start(ContainerExec *x, const ContainerExecSession *session);
/* Rows and columns as the API has them. While it starts they are kept. */
int container_exec_resize(ContainerExec *x, const char *h, const char *w, Error *reterr);
/* The session of this exec shall tell nobody any more; it goes on. */
void container_exec_forget(ContainerExec *x);

/* What runs still, and what has ended, from before the daemon was started. */
void container_exec_restore(Container *c);
/* The daemon leaves them (without a word to anybody), or the container goes. */
void container_exec_drop_all(Container *c);
void container_exec_end_all(Container *c);

/* Between the files of these verbs. */
/* A probe that has ended and whose shim is gone. */
void container_exec_discard_ended(ContainerExec *x);
int container_exec_add(Container *c, const char *id, const ExecConfig *config, ContainerExec **ret);
/* To its shim, which says the rest. */
int container_exec_connect(ContainerExec *x);
/* Ended, or never begun; tells of it but in events. */
void container_exec_set_ended(ContainerExec *x, int64_t exit_code);
/* "exec_start: sh -c ..." */
void container_exec_event(const ContainerExec *x, const char *action, const char *message_id,
                          bool with_command);
