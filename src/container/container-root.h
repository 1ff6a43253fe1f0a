/* SPDX-License-Identifier: Apache-2.0 */
/* The places of a root file system where the runtime mounts something. An image may have links there that
 * lead out of it, and not every runtime looks (runc 1.1 makes /dev/fd and its kin where /dev leads to): such
 * a link gives way to the real thing, as in Docker. */
#pragma once

#include "basic/error.h"

int container_root_prepare(int root_fd, Error *reterr);

/* Docker makes a missing working directory, and one for each volume. Below the mounts of the runtime nothing
 * is made: it is not this root's. */
int container_root_make_directory(int root_fd, const char *name, Error *reterr);
