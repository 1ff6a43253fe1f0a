/* SPDX-License-Identifier: Apache-2.0 */
/* The output of a producer (a worker that writes into a pipe) as the byte stream of a call, with
 * back-pressure: while the client does not read, neither do we. */
#pragma once

#include "engine/call.h"

typedef struct CallPump CallPump;

/* cancel: ends the producer when the client goes away before call_pump_producer_done(). The pump belongs to
 * the call, as its data, and keeps the call alive. *ret_fd: the write end, owned by the caller, to be closed
 * once the producer has its copy. */
int call_pump_new(Call *call, CallStreamKind kind, void (*cancel)(void *producer), CallPump **ret,
                  int *ret_fd);
void call_pump_set_producer(CallPump *p, void *producer);
/* Nothing is passed on between the two: what goes ahead of the stream is not known yet. Release is fine more
 * than once. */
void call_pump_hold(CallPump *p);
void call_pump_release(CallPump *p);
/* See Call. The text is taken; NULL means that memory is out, and is fine. */
void call_pump_set_note(CallPump *p, char *text);
/* The producer has ended. The answer is complete when its output was passed on; a failure before the first
 * byte is a plain error reply. */
void call_pump_producer_done(CallPump *p, int r, const Error *error);
