/* SPDX-License-Identifier: Apache-2.0 */
/* `docker top`: the host's ps, filtered by the processes of the container. */
#pragma once

#include "container/container-manager.h"

typedef void (*ContainerTopDone)(int r, const Error *error, const ContainerTopReply *reply, void *userdata);

/* done is called once, from the loop. */
int container_top(Container *c, const char *ps_args, ContainerTopDone done, void *userdata, Error *reterr);
