/* SPDX-License-Identifier: Apache-2.0 */
/* An asynchronous job: reference counted, any number of waiters, completes exactly once. It does not run
 * anything itself. */
#pragma once

#include "basic/error.h"
#include "basic/list.h"

typedef struct Operation Operation;

#define OPERATION_WAITERS_MAX 4096U

/* r: 0, or negative with error set. Called once per waiter, from operation_complete(). */
typedef void (*OperationDone)(Operation *o, int r, const Error *error, void *userdata);

Operation *operation_new(void);
Operation *operation_ref(Operation *o);
Operation *operation_unref(Operation *o);
DEFINE_TRIVIAL_CLEANUP_FUNC(Operation *, operation_unref);

bool operation_is_complete(const Operation *o);
/* -EALREADY if it is complete (the result is in operation_result()), -ENOBUFS over the limit. */
int operation_wait(Operation *o, OperationDone done, void *userdata);
/* The waiter with this userdata is not called any more. Unknown ones are fine. */
void operation_forget(Operation *o, void *userdata);
/* Result of a complete one; error is borrowed. */
int operation_result(const Operation *o, const Error **ret_error);

/* Calls the waiters in the order they came. error may be NULL with r == 0. */
void operation_complete(Operation *o, int r, const Error *error);
