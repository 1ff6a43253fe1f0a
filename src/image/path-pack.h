/* SPDX-License-Identifier: Apache-2.0 */
/* The archive of a path in a container (`docker cp CONTAINER:PATH`). Runs in dockerd-worker, with the
 * container's root as its own; the container may run and change everything meanwhile. */
#pragma once

#include "image/path-view.h"
#include "image/worker-verbs.h"

typedef struct PathPackOptions {
        int root_fd, output_fd; /* borrowed */
        /* Called before the first byte is written. */
        int (*found)(const ContainerPathStat *stat, Error *reterr);
} PathPackOptions;

int path_pack(const PathPackOptions *o, const PathParams *params, TreePackReply *ret, Error *reterr);
