/* SPDX-License-Identifier: Apache-2.0 */
/* --restart: whether a container that ended is started again, and when. */
#pragma once

#include "container/container.h"

/* Decides at an exit; the fields of the exit are set already. */
bool container_restart_policy_wants(Container *c);
/* Of the record of a start: with a policy it must be known after a power cut that the container is to
 * run. */
int container_restart_policy_sync(const Container *c);
/* Starts it again after the back-off delay. */
void container_restart_policy_schedule(Container *c);
/* The shim of the last run is gone: a restart that waited for it can go on. */
void container_restart_policy_gone(Container *c);
/* The user stops or removes it: no restart. CONTAINER_RESTARTING becomes CONTAINER_EXITED. */
void container_restart_policy_cancel(Container *c);
