/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files: bounded reads, atomic replacement. */
#pragma once

#include <sys/stat.h>

#include "basic/fd-util.h"

#define FILE_SIZE_MAX_DEFAULT (16U * 1024U * 1024U)

/* Reads a file of at most max bytes (-E2BIG beyond), NUL-terminated. Paths as openat(). */
int read_file_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size);
/* First line without its end, for one-value files of /proc and /sys. */
int read_line_file(const char *path, char **ret);
/* Writes into an existing file (sysfs, cgroupfs), one write call. */
int write_string_file(const char *path, const char *value);

typedef enum WriteFlags {
        WRITE_SYNC = 1 << 0,    /* file and directory are on disk when the call returns */
} WriteFlags;

/* Temporary file beside the target, then rename: readers see the old or the new content. */
int write_file_atomic_at(int dir_fd, const char *path, const void *data, size_t size, mode_t mode,
                         WriteFlags flags);

int fsync_directory_of(int dir_fd, const char *path);
