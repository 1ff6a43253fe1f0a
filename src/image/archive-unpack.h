/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the archive of a `docker load` apart: a docker-archive (manifest.json) or an OCI image layout
 * (index.json). Runs in dockerd-worker; decides what the archive says, not whether it is true for this
 * host. */
#pragma once

#include "basic/error.h"
#include "image/worker-verbs.h"

/* input_fd, spool_fd: borrowed. Everything the reply names is on disk when this returns. */
int archive_unpack(int input_fd, int spool_fd, const ArchiveUnpackParams *params, ArchiveUnpackReply *ret,
                   Error *reterr);
