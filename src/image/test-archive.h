/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: tar archives in memory, well-formed or not, and temporary directories. */
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "basic/string-util.h"
#include "basic/tests.h"

typedef struct TestArchive {
        struct archive *archive;
        Buffer data;
} TestArchive;

/* filter: ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ... */
void test_archive_begin(TestArchive *t, int filter);
void test_archive_end(TestArchive *t);
void test_archive_done(TestArchive *t);
#define _cleanup_test_archive_ _cleanup_(test_archive_done)

/* type: S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, ...; content: data of a file or target of a symlink. The entry
 * may be changed through the callback before it is written. */
void test_archive_add(TestArchive *t, const char *path, mode_t type_and_mode, const char *content);
void test_archive_add_hard_link(TestArchive *t, const char *path, const char *target);
void test_archive_add_with(TestArchive *t, const char *path, mode_t type_and_mode, const char *content,
                           void (*func)(struct archive_entry *e));

/* A raw 512-byte ustar header with the right checksum, for what no writer would produce. */
void test_archive_add_raw_header(Buffer *b, const char *name, char type, const char *size_field,
                                 const char *link);

/* An anonymous file with the bytes, at position 0. */
int test_file_with(const void *data, size_t size);

/* A directory under $TMPDIR that goes away with everything in it when test_directory_done() is called. */
char *test_directory_new(void);
void test_directory_done(char **path);
#define _cleanup_test_directory_ _cleanup_(test_directory_done)
