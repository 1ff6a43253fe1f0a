/* SPDX-License-Identifier: Apache-2.0 */
/* Attached sessions: the client's connection goes to the shim, at once or, before the container runs, with
 * its start. */
#pragma once

#include "container/container.h"

#define CONTAINER_ATTACHES_MAX 256U

/* The session is over; the client's connection can be closed. Called once, never from
 * container_attach_add(). */
typedef void (*ContainerAttachEnded)(void *userdata);

/* Docker's checks, before the connection is taken over. */
int container_attach_check(Container *c, const ContainerAttachParams *p, Error *reterr);

/* fd: taken over in every case. early: bytes read already. */
int container_attach_add(Container *c, const ContainerAttachParams *p, int fd, const void *early,
                         size_t n_early, ContainerAttachEnded ended, void *userdata, Error *reterr);
/* The session with this userdata shall tell nobody any more; it goes on. */
void container_attach_forget(Container *c, void *userdata);

/* To the shim, those that wait for it. */
int container_attach_send_pending(Container *c);
/* From the shim. */
void container_attach_handle_ended(Container *c, uint32_t id, ShimAttachEnd reason);
/* The shim is gone. Those that wait for the next run go on waiting. */
void container_attach_end_sent(Container *c);
/* The start failed, or the container is removed. */
void container_attach_end_all(Container *c);
void container_attach_drop_all(Container *c);
