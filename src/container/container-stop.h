/* SPDX-License-Identifier: Apache-2.0 */
/* Ending and restarting a container: kill, stop, restart. */
#pragma once

#include "container/container-manager.h"

/* To the container's first process, through the shim. unpause: a paused container goes on, to see it. */
int container_send_signal(Container *c, int sig, bool unpause);
/* The event of a signal that was sent. */
void container_publish_kill(Container *c, int sig);

/* signal NULL or "": KILL. ERROR_CONFLICT if it does not run. *ret completes at the end of the process; NULL
 * for a signal that need not end it. */
int container_kill(Container *c, const char *signal, Operation **ret, Error *reterr);

/* The stop signal, after the timeout KILL. ERROR_NOT_MODIFIED if it does not run. *ret completes at the end
 * of the process. */
int container_stop(Container *c, const ContainerStopParams *p, Operation **ret, Error *reterr);

/* Stop if it runs, then start. *ret completes when it runs again. */
int container_restart(Container *c, const ContainerStopParams *p, Operation **ret, Error *reterr);
