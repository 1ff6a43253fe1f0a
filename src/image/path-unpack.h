/* SPDX-License-Identifier: Apache-2.0 */
/* An archive into a directory of a container (`docker cp ... CONTAINER:PATH`). The archive is hostile, and
 * so is a container that runs meanwhile: neither reaches out of the container's root, which is the process's
 * own root directory. Runs in dockerd-worker. */
#pragma once

#include "basic/error.h"
#include "image/worker-verbs.h"

/* Bytes of the plain archive, and behind its end mark; entries. */
#define PATH_UNPACK_BYTES_MAX (UINT64_C(1) << 42)
#define PATH_UNPACK_TRAILING_MAX (UINT64_C(64) * 1024 * 1024)
#define PATH_UNPACK_ENTRIES_MAX (UINT64_C(20) * 1000 * 1000)

/* input_fd, root_fd and scratch_fd (an empty file) are borrowed. What was unpacked before an error stays, as
 * in Docker. */
int path_unpack(int input_fd, int root_fd, int scratch_fd, const PathParams *params, Error *reterr);
