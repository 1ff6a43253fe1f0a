/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line of one layer, as the docker CLI draws it. */
#pragma once

#include "api/image.h"
#include "basic/time-util.h"

#define PROGRESS_ID_LENGTH 12U
/* Between two lines of the same status. */
#define PROGRESS_INTERVAL_USEC (100U * USEC_PER_MSEC)

typedef struct PullProgress {
        char id[PROGRESS_ID_LENGTH + 1];        /* begin of the layer's digest */
        char status[64];
        ProgressDetail detail;
        usec_t sent;                            /* CLOCK_MONOTONIC */
} PullProgress;

void pull_progress_init(PullProgress *p, const char *digest);
/* total 0: no bar. False where the line need not be sent: it says nothing new, or comes too soon. *ret
 * borrows from p and status. */
bool pull_progress_set(PullProgress *p, const char *status, int64_t current, int64_t total,
                       ProgressMessage *ret);
ProgressMessage pull_progress_message(const PullProgress *p);
