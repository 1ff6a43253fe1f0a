/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a container to an attached client's connection. */
#pragma once

#include "container/container-manager.h"

typedef struct ContainerReplay ContainerReplay;

/* The end: 0, or negative where the client is gone or the log cannot be read. The replay is gone with it. */
typedef void (*ContainerReplayDone)(int r, void *userdata);

/* What was logged until now. fd is borrowed. done is never called from inside this call. */
int container_replay_open(Container *c, const ContainerAttachParams *p, nsec_t now, int fd,
                          ContainerReplayDone done, void *userdata, ContainerReplay **ret, Error *reterr);
/* Stops without done(). */
ContainerReplay *container_replay_free(ContainerReplay *r);
