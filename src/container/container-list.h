/* SPDX-License-Identifier: Apache-2.0 */
/* Views of containers: list, inspect. */
#pragma once

#include "container/container-manager.h"

int container_list(ContainerManager *m, const ContainerListParams *p, ContainerSummaryList *ret,
                   Error *reterr);
/* Without sizes; those take a worker. */
int container_inspect(Container *c, ContainerInspect *ret, Error *reterr);

/* "Up 5 minutes", "Exited (0) 2 hours ago": as `docker ps` shows. */
int container_status_text(const Container *c, char **ret);
/* Docker's words for an interval: "About a minute". */
int human_duration(nsec_t d, char **ret);
