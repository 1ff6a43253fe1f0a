/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to a container's shim: what it says becomes the container's state. */
#pragma once

#include "container/container.h"

/* Connects; hello follows from the loop. */
int container_shim_connect(Container *c, Error *reterr);
/* The process ended: recorded, network released, event, waiters, restart policy, automatic removal. */
/* A removed container does not wait for its shim, which still clears up after the process. */
void container_leave_shim(Container *c);
void container_handle_exit(Container *c, const ExitRecord *record);
/* Removes the run directory of a container without a shim. */
void container_clear_run_dir(Container *c);
/* The same, but where the end of the run could not be recorded: its exit file stays for the next daemon. */
void container_forget_run(Container *c);
/* Removes what the OCI runtime keeps of a container that is removed, and whose shim was killed. */
void container_clear_runtime(ContainerManager *m, const char *id);
