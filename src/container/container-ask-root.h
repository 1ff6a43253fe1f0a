/* SPDX-License-Identifier: Apache-2.0 */
/* The root directory of a running container, as the container sees it: its shim is asked for it. */
#pragma once

#include "container/container-manager.h"

/* Once, from the loop, unless the question is freed before; it is freed by then. r < 0: the container does
 * not run (any more). fd (O_PATH) is owned by the callee. */
typedef void (*RootAnswer)(int r, int fd, void *userdata);

int container_ask_root(Container *c, RootAnswer answer, void *userdata, RootQuestion **ret, Error *reterr);
RootQuestion *root_question_free(RootQuestion *q);
DEFINE_TRIVIAL_CLEANUP_FUNC(RootQuestion *, root_question_free);

/* From the connection to the shim. fd is taken. */
void container_root_answer(Container *c, uint32_t id, int r, int fd);
void container_root_lost(Container *c);
