/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a container: shim, root file system, network and OCI document are made ready beside each other,
 * then the shim is told to start. */
#pragma once

#include "container/container.h"

/* Docker's checks and texts; ERROR_NOT_MODIFIED if it runs already. *ret completes when the process runs or
 * the start has failed (referenced for the caller). c->busy is taken until then. */
int container_start(Container *c, Operation **ret, Error *reterr);

void container_start_done(Container *c, pid_t pid, nsec_t time);
/* text: the OCI runtime's words. */
void container_start_failed(Container *c, const char *text);
/* Any other reason: error in words. */
void container_start_abort(Container *c, int r, const Error *error);

/* A request to end the container waits for its start, or for its restore: after `patience` (USEC_INFINITY =
 * never) that is cancelled and fails. Does nothing where no start is in progress; the shortest patience
 * counts. */
void container_cancel_start_after(Container *c, usec_t patience);

ContainerStart *container_start_free(ContainerStart *s);
