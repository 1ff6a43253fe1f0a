/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the archive of a `docker save` from blobs and texts. Runs in dockerd-worker. */
#pragma once

#include "basic/error.h"
#include "image/worker-verbs.h"

/* output_fd, blobs_fd: borrowed. */
int archive_pack(int output_fd, int blobs_fd, const ArchivePackParams *p, Error *reterr);
