/* SPDX-License-Identifier: Apache-2.0 */
/* `docker pause` and `unpause`: the shim lets the container's processes stand still, whatever becomes of
 * us. */
#pragma once

#include "container/container.h"

/* The container must be idle, and is busy until *ret completes. Docker's errors. */
int container_pause(Container *c, Operation **ret, Error *reterr);
int container_unpause(Container *c, Operation **ret, Error *reterr);

/* What the shim said, or that there is none any more. */
void container_pause_answer(Container *c, uint32_t id, int r);
void container_pause_lost(Container *c);
