/* SPDX-License-Identifier: Apache-2.0 */
/* `docker logs`: from the log driver's reader to a consumer that may be slower. */
#pragma once

#include "container/container-manager.h"

typedef struct ContainerLogs ContainerLogs;

typedef struct ContainerLogsOps {
        /* One piece for the client. 1: write no more until container_logs_resume(). */
        int (*write)(const void *data, size_t size, void *userdata);
        /* The end, r < 0 with error. The reader is gone after it. */
        void (*end)(int r, const Error *error, void *userdata);
} ContainerLogsOps;

/* Docker's checks and texts. Nothing is written from inside this call. */
int container_logs_open(Container *c, const ContainerLogsParams *p, const ContainerLogsOps *ops,
                        void *userdata, ContainerLogs **ret, Error *reterr);
void container_logs_resume(ContainerLogs *l);
/* Stops without end(). */
ContainerLogs *container_logs_free(ContainerLogs *l);
