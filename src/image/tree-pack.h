/* SPDX-License-Identifier: Apache-2.0 */
/* A tree, or what is other in it, as a stream: an archive (`docker export`, the layer of a `docker commit`)
 * or the list of `docker diff`. Runs in dockerd-worker. */
#pragma once

#include "basic/error.h"
#include "image/worker-verbs.h"

/* output_fd, layers_fd and own_fd (-EBADF = none) are borrowed. */
int tree_pack(int output_fd, int layers_fd, int own_fd, const TreeParams *p, TreePackReply *ret,
              Error *reterr);

/* Docker's document, and null where nothing has changed. */
int tree_changes(int output_fd, int layers_fd, int own_fd, const TreeParams *p, Error *reterr);
