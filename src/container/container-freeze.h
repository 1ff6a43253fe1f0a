/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a container stand still while somebody reads its files. The shim does it, and lets them
 * go on when we die. Not a state of the container: nobody but its own processes notices. */
#pragma once

#include "container/container.h"

typedef struct ContainerFreeze ContainerFreeze;

/* 0: it stands still, or does not run; 1: done comes, unless the freeze is freed before, and r < 0 says that
 * it runs on; negative: it cannot be had. */
int container_freeze(Container *c, void (*done)(ContainerFreeze *f, int r, void *userdata), void *userdata,
                     ContainerFreeze **ret);
/* With the last of a container it goes on. */
ContainerFreeze *container_freeze_free(ContainerFreeze *f);

/* What the shim said, or that there is none any more (-ESRCH). */
void container_freeze_answer(Container *c, uint32_t id, int r);
void container_freeze_lost(Container *c);
