/* SPDX-License-Identifier: Apache-2.0 */
/* Whole directory trees, without ever following a symlink: counting and copying. Runs in dockerd-worker;
 * blocks. */
#pragma once

#include "basic/error.h"
#include "image/worker-verbs.h"

/* Bytes of the regular files below dir_fd (borrowed), each inode once. */
int tree_usage(int dir_fd, UsageReply *ret, Error *reterr);

/* Puts the layer in source_fd over what is in target_fd: marks of both layer formats delete, everything else
 * is copied with owner, mode, times, attributes and hard links. Both are borrowed. */
int tree_merge_layer(int source_fd, int target_fd, Error *reterr);

/* Removes everything in dir_fd (borrowed), not the directory itself. Goes on after failures; the first is
 * returned. */
int tree_remove_children(int dir_fd);
