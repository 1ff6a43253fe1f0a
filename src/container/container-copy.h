/* SPDX-License-Identifier: Apache-2.0 */
/* Files out of and into the root file system of a container, whether it runs or not (docker cp). Of one that
 * runs it is what it sees, its mounts included. Of one that does not it is what its next start would mount;
 * what is written then keeps the container busy, what is read does not. */
#pragma once

#include "container/container-manager.h"

typedef enum ContainerCopyKind {
        CONTAINER_COPY_STAT,
        CONTAINER_COPY_READ,            /* fd: where the archive is written */
        CONTAINER_COPY_WRITE,           /* fd: where the archive is read */
} ContainerCopyKind;

typedef struct ContainerCopyParams {
        ContainerCopyKind kind;
        const char *name;               /* of the container, as the client knows it; for messages */
        const char *path;
        int fd;                         /* duplicated; not with CONTAINER_COPY_STAT */
        bool no_overwrite;              /* directories by other things, and the other way round */
        bool own;                       /* everything becomes the container's user's */

        /* From the loop; not with CONTAINER_COPY_WRITE. Before the first byte of the archive. */
        void (*found)(ContainerCopy *k, const ContainerPathStat *stat, void *userdata);
        /* Once, from the loop, unless the copy is freed before; it is freed by then. */
        void (*done)(ContainerCopy *k, int r, const Error *error, void *userdata);
        void *userdata;
} ContainerCopyParams;

int container_copy_check(const ContainerCopyParams *p, Error *reterr);
/* One that is written to and does not run must be idle, its shim gone. */
int container_copy_start(Container *c, const ContainerCopyParams *p, ContainerCopy **ret, Error *reterr);
ContainerCopy *container_copy_free(ContainerCopy *k);
DEFINE_TRIVIAL_CLEANUP_FUNC(ContainerCopy *, container_copy_free);

/* Of one that is about to be removed: who writes to it is told. */
void container_copy_end_writer(Container *c);
