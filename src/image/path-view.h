/* SPDX-License-Identifier: Apache-2.0 */
/* A path in the root file system of a container, running or not, as the container would see it: what it
 * names, and what is told of it. Nothing of what the container has there can lead out of the root. For
 * dockerd-worker, whose own root directory it is. */
#pragma once

#include <sys/stat.h>

#include "api/container.h"
#include "basic/error.h"


typedef struct PathView {
        char *clean;            /* "/a/b" without what follows below */
        bool directory;         /* "/a/b/" or "/a/b/.": must be one, and a link is followed */
        const char *name;       /* the last part, as Docker names it: "b", "." where the path ends with it,
                                 * "/" */
        char *buffer;           /* of name */

        int fd;                 /* O_PATH */
        int parent_fd;          /* the directory it is in, O_PATH */
        const char *member;     /* its name there, in clean; "." where it was followed to */
        struct stat st;
} PathView;

#define PATH_VIEW_NULL ((PathView) { .fd = -EBADF, .parent_fd = -EBADF })

void path_view_done(PathView *v);
DEFINE_CLEANUP_DONE(PathView, path_view_done);

/* A link at the end is itself what is named, but where the path says that it is a directory. */
int path_view_open(int root_fd, const char *path, PathView *ret, Error *reterr);
/* The reason, in the words of Docker. */
int path_view_failed(int r, const char *path, Error *reterr);
int path_view_stat(int root_fd, const PathView *v, ContainerPathStat *ret, Error *reterr);

/* A file system that is a face of the kernel (proc, sysfs, ...). What is in there is not for copying: it has
 * no size, and to read or write it does things. */
bool path_is_kernels(int fd);
/* Its root, which looks like any directory. */
bool path_is_mount_root(int fd);
