/* SPDX-License-Identifier: Apache-2.0 */
/* What everything that walks a directory tree needs. */
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include "basic/hashmap.h"

/* One descriptor a level. Deeper trees cannot come from an archive; of a container they are left out. */
#define TREE_DEPTH_MAX 2200U
/* Room for all names of attributes and for one value; the kernel allows no more (xattr(7)). */
#define XATTR_SIZE_LIMIT (64U * 1024U)

/* Never through a symlink. NULL with errno. */
DIR *open_directory_at(int dir_fd, const char *name);

bool is_dot(const char *name);
/* The mark of overlayfs for a name that is deleted below. */
bool is_whiteout(const struct stat *st);
bool directory_has_opaque_mark(int fd);
/* But those that steer overlayfs. */
int copy_xattrs(int source_fd, int target_fd);

/* Inodes with several names. */
typedef struct Links {
        Hashmap *map;
} Links;

void links_done(Links *l);
DEFINE_CLEANUP_DONE(Links, links_done);
/* 1: known, *ret_path (may be NULL) is where it was first, borrowed; 0: new and remembered. path may be
 * NULL. */
int links_check(Links *l, const struct stat *st, const char *path, const char **ret_path);
