/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as text, and walking them inside a root directory without ever leaving it. */
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

#include "basic/fd-util.h"

/* "a/b" + "/c" = "a/b/c"; NULL when memory is out. */
char *path_join(const char *a, const char *b);
/* Directory part: "/a/b" -> "/a", "a" -> ".", "/" -> "/". */
int path_parent(const char *path, char **ret);
/* Pointer to the last component. */
const char *path_basename(const char *path);
/* Lexical clean-up as Go's filepath.Clean: no "//", "." or inner ".."; "" -> ".". */
int path_clean(const char *path, char **ret);
static inline bool path_is_absolute(const char *path) {
        return path[0] == '/';
}

/* mkdir -p with one mode for what is made; existing directories are left alone. */
int mkdir_p(const char *path, mode_t mode);
int mkdir_p_at(int dir_fd, const char *path, mode_t mode);

/* openat2() with RESOLVE_IN_ROOT: symlinks are followed as if root_fd were "/"; magic links are refused. */
int open_in_root(int root_fd, const char *path, uint64_t flags, mode_t mode);
/* Opens the directory (O_PATH) and makes what is missing of it, in the same way. A link that leads nowhere
 * is
 * -ENOTDIR. */
int mkdir_p_in_root(int root_fd, const char *path, mode_t mode, int *ret_fd);
/* For reading a regular file; -ENXIO for anything else, which is not opened at all. */
int open_file_in_root(int root_fd, const char *path);
/* RESOLVE_BENEATH and no symlinks at all. */
int open_beneath(int dir_fd, const char *path, uint64_t flags, mode_t mode);

/* Removes a tree; directory entries are never followed across symlinks. -ENOENT is success. May take long:
 * not in the daemon but for trees it knows to be small. */
int rm_rf_at(int dir_fd, const char *name);
