/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for the end of a container. */
#pragma once

#include "container/container-manager.h"

typedef enum WaitCondition {
        WAIT_NOT_RUNNING,
        WAIT_NEXT_EXIT,
        WAIT_REMOVED,
        _WAIT_CONDITION_MAX,
        _WAIT_CONDITION_INVALID = -EINVAL,
} WaitCondition;

/* NULL and "" are not-running. ERROR_INVALID: Docker's text. */
int wait_condition_parse(const char *s, WaitCondition *ret, Error *reterr);

/* error: NULL, or why the container could not be removed. Called once; the waiter is gone then. */
typedef void (*ContainerWaitDone)(Container *c, int64_t exit_code, const char *error, void *userdata);

/* 1: the condition holds already (exit code in ret_exit_code, done is not called); 0: done comes later. */
int container_wait(Container *c, WaitCondition condition, ContainerWaitDone done, void *userdata,
                   int64_t *ret_exit_code);
/* The exit code of a container that removed itself not longer than DEPARTED_USEC ago, whatever the
 * condition. id: the full one. */
bool container_wait_departed(const ContainerManager *m, const char *id, int64_t *ret_exit_code);
/* Keeps the exit code of c, which removes itself. */
void container_wait_remember(Container *c);
/* The waiter with this userdata is not called any more. */
void container_wait_forget(Container *c, void *userdata);

/* Tells those for whom this happened: an exit (not-running, next-exit) or the removal (all). */
void container_wait_notify(Container *c, bool removed, const char *error);
void container_wait_drop_all(Container *c);
