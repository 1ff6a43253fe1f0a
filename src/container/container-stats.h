/* SPDX-License-Identifier: Apache-2.0 */
/* `docker stats`: what a container uses, once a second. A container is looked at once however many ask. */
#pragma once

#include "api/stats.h"
#include "container/container-manager.h"

typedef struct ContainerStatsStream ContainerStatsStream;

typedef struct ContainerStatsOps {
        /* One line of JSON for the client. 1: it does not read; until container_stats_resume() what it would
         * get is left out. */
        int (*write)(const void *data, size_t size, void *userdata);
        /* The stream is at its end, and gone. */
        void (*end)(void *userdata);
} ContainerStatsOps;

/* version: of the API. One line of what it uses by now; empty where it does not run. */
int container_stats_once(Container *c, unsigned version, char **ret);
/* A line each second, or once = a single one that can be compared with a second before. Nothing is written
 * from inside this call. */
int container_stats_open(Container *c, bool once, unsigned version, const ContainerStatsOps *ops,
                         void *userdata, ContainerStatsStream **ret, Error *reterr);
void container_stats_resume(ContainerStatsStream *s);
/* Stops without end(). */
ContainerStatsStream *container_stats_free(ContainerStatsStream *s);

/* The container is removed. */
void container_stats_end_all(Container *c);
