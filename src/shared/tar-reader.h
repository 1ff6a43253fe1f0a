/* SPDX-License-Identifier: Apache-2.0 */
/* Tar archives (v7, ustar, pax, GNU) from a hostile source, entry by entry: libarchive's parser with our
 * limits, without its writer. What an entry means for a file system is decided by the caller. Blocks: for
 * workers. */
#pragma once

#include <sys/stat.h>

#include "basic/error.h"
#include "shared/compress-reader.h"

/* Longest name and link target we accept, as the kernel. */
#define TAR_PATH_MAX 4096U
/* All extended attributes of one entry together; the kernel refuses more than 64 KiB in one anyway. */
#define TAR_XATTRS_MAX (256U * 1024U)

typedef struct TarReader TarReader;

typedef struct TarEntry {
        const char *path;       /* as in the archive: may be absolute, may hold ".." */
        const char *link;       /* target of a symlink or hard link, else NULL */
        bool hard_link;
        mode_t type;            /* S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO; meaningless for hard
                                 * links */
        mode_t mode;            /* permission bits with set-uid, set-gid, sticky */
        uid_t uid;
        gid_t gid;
        dev_t device;
        uint64_t size;
        struct timespec mtime;
} TarEntry;

/* The reader borrows input, which must outlive it. entries_max 0 = no limit. */
int tar_reader_new(CompressReader *input, uint64_t entries_max, TarReader **ret, Error *reterr);
TarReader *tar_reader_free(TarReader *t);
DEFINE_TRIVIAL_CLEANUP_FUNC(TarReader *, tar_reader_free);

/* 1 and the next entry, whose strings are valid until the next call; 0 at the end of the archive. */
int tar_reader_next(TarReader *t, TarEntry *ret, Error *reterr);

/* Content of the current entry into an empty file; holes stay holes. */
int tar_reader_copy_data(TarReader *t, int fd, Error *reterr);
/* Content of the current entry in pieces: 1 and a block, 0 at the end. Holes are not reported. */
int tar_reader_read_data(TarReader *t, const void **ret, size_t *ret_size, uint64_t *ret_offset,
                         Error *reterr);

/* Calls func for each extended attribute of the current entry until it returns < 0. */
int tar_reader_foreach_xattr(TarReader *t,
                             int (*func)(const char *name, const void *value, size_t size, void *userdata),
                             void *userdata);
