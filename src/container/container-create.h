/* SPDX-License-Identifier: Apache-2.0 */
/* Creating a container: checked, recorded with full sync, its directories made; nothing runs. */
#pragma once

#include "container/container-manager.h"

/* p is read and partly taken over (config and host_config move into the container). *ret is borrowed from
 * the manager;
 * *ret_warnings is owned by the caller. */
int container_create(ContainerManager *m, ContainerCreateParams *p, Container **ret, char ***ret_warnings,
                     Error *reterr);
