/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of an image, and perhaps the writable directory of a container above them, as the one tree that
 * overlayfs would show, without a mount: for reading. A container may change things meanwhile. Only single
 * names are opened, never through a symlink, so that nothing outside of the layers can be reached.
 * Blocks. */
#pragma once

#include <sys/stat.h>

#include "basic/error.h"

/* An image's layers, the one with what every container has, the container's own. */
#define LAYER_VIEW_MAX 129U

/* A directory of the tree: the directories of that name in the layers that have a part in it. */
typedef struct ViewDirectory {
        int *fds;               /* owned; the highest first: its attributes count */
        size_t n_fds;
} ViewDirectory;

void view_directory_done(ViewDirectory *d);
DEFINE_CLEANUP_DONE(ViewDirectory, view_directory_done);

/* A view is its root directory. Puts the directory that path is below dir_fd under those that are there. */
int view_add_layer(ViewDirectory *root, int dir_fd, const char *path, Error *reterr);

typedef struct ViewName {
        unsigned layer;         /* the highest that has it: index in fds */
        bool hidden;            /* deleted; not in a list that is complete */
        char name[];
} ViewName;

typedef struct ViewNames {
        ViewName **items;       /* owned; sorted by bytes */
        size_t n_items, n_allocated;
} ViewNames;

void view_names_done(ViewNames *l);
DEFINE_CLEANUP_DONE(ViewNames, view_names_done);

int view_list(const ViewDirectory *d, ViewNames *ret);
/* The descriptor of the directory that the name is in; borrowed. */
static inline int view_fd_of(const ViewDirectory *d, const ViewName *n) {
        return d->fds[n->layer];
}
/* The name without a list: 1 with its status and the descriptor of the directory it is in (borrowed), 0 if
 * it is not there. */
int view_lookup(const ViewDirectory *d, const char *name, struct stat *ret, int *ret_fd);
/* A directory in it. 0: it is none, or not any more. */
int view_open(const ViewDirectory *d, const char *name, ViewDirectory *ret);
