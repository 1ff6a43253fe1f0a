/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted into a container: the request's words (-v, --mount, --tmpfs) to the records of inspect and
 * to the rows of the OCI document. */
#pragma once

#include "container/container-manager.h"
#include "runtime/spec.h"

/* Limit for a container. Each is compared with each, and mounting them takes the runtime longer still. */
#define CONTAINER_MOUNTS_MAX 1024U

/* Binds and mounts of the host config into doc->mounts. Docker's texts; checks that sources of --mount
 * exist. Volumes have their names only (or none yet): container_volumes_assign(). */
int container_mounts_parse(ContainerDocument *d, const char *data_root, Error *reterr);

/* A new, zeroed one at the end; NULL when memory is out. */
MountPoint *container_mount_point_add(MountPointList *l);
/* What --mount says of this destination; NULL = nothing. */
const MountSpec *container_mount_spec(const HostConfig *h, const char *destination);

/* Owns what its rows point to. */
typedef struct SpecMountList {
        SpecMount *items;
        size_t n_items, n_allocated;
} SpecMountList;
void spec_mount_list_done(SpecMountList *l);
DEFINE_CLEANUP_DONE(SpecMountList, spec_mount_list_done);

/* All mounts of a start, sorted by depth: binds, tmpfs, and the three files of the network. Makes missing
 * sources of -v. */
int container_mounts_build(Container *c, SpecMountList *ret, Error *reterr);
/* "shared" or "slave" where a mount asks for it, else NULL. */
const char *container_mounts_propagation(const Container *c);
