/* SPDX-License-Identifier: Apache-2.0 */
/* The health of a running container: its check is run again and again as a command in it, one at a time, and
 * what it says is kept. */
#pragma once

#include "container/container-manager.h"
#include "container/health-state.h"

/* The state is another one than before, or was recorded anew: checks begin or end with it. What changes in
 * the document is yet to be saved. */
void container_health_follow(Container *c, ContainerState before);
/* No check any more; the one that runs is ended. */
void container_health_stop(Container *c);
/* The daemon ends, the container runs on: what is known of its health is saved. */
void container_health_leave(Container *c);

/* "starting", "healthy", "unhealthy"; "" where it was never checked. */
const char *container_health_status(const Container *c);
