/* SPDX-License-Identifier: Apache-2.0 */
/* After a restart of the daemon: what happened to the containers while we were away. */
#pragma once

#include "container/container-manager.h"

/* The shim's answer to the connection of a restored container. */
void container_restore_hello(Container *c, ShimState state, pid_t pid, const ExitRecord *exit);
/* The shim ended before that. */
void container_restore_lost(Container *c);
