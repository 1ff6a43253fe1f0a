/* SPDX-License-Identifier: Apache-2.0 */
/* `docker update`: limits and the restart policy of a container that is there already. */
#pragma once

#include "container/container-manager.h"

typedef struct ContainerUpdate ContainerUpdate;

/* version: of the API. Docker's checks, conflicts and texts; *warnings tell what was dropped. 1: done; 0:
 * the container is busy until *ret completes, and nothing has changed if that fails. */
int container_update(Container *c, ContainerUpdateParams *p, unsigned version, char ***warnings,
                     Operation **ret, Error *reterr);
/* Without an answer. */
ContainerUpdate *container_update_free(ContainerUpdate *u);
DEFINE_TRIVIAL_CLEANUP_FUNC(ContainerUpdate *, container_update_free);
