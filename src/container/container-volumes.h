/* SPDX-License-Identifier: Apache-2.0 */
/* The volumes of a container: found or made when it is created, filled from its image once, let go with
 * it. */
#pragma once

#include "container/container-manager.h"

/* The mount points of --volumes-from, of the volumes that image and request declare (Config.Volumes), and
 * the directories of all volumes, which are made where they are missing. The container is not linked yet. */
int container_volumes_assign(Container *c, Error *reterr);
/* Removes the anonymous ones that no other container has. */
void container_volumes_remove(Container *c);

/* Ids of the containers that have the volume, for VolumeManagerOps; those that are being removed do not
 * count. */
int container_manager_volume_users(ContainerManager *m, const char *name, char ***ret);

/* "mount" or "unmount" of each, with its MESSAGE_ID. */
void container_volumes_event(Container *c, const char *action, const char *message_id);

/* What the image has at the mount points goes into the volumes that are empty. Once in the life of a
 * container. 0: there is nothing to do; 1: done comes from the loop, unless the fill is freed before. */
typedef void (*ContainerFillDone)(int r, const Error *error, void *userdata);
int container_fill_start(Container *c, ContainerFillDone done, void *userdata, ContainerFill **ret,
                         Error *reterr);
ContainerFill *container_fill_free(ContainerFill *f);

/* After the creation: 1: *ret completes when they are filled; 0: there is nothing to do. */
int container_populate(Container *c, Operation **ret, Error *reterr);
