/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a tree into an archive, whoever walks it: content with its holes, attributes, hard links. Runs in
 * dockerd-worker; the tree may change meanwhile. */
#pragma once

#include "image/tree-util.h"
#include "image/worker-verbs.h"
#include "shared/tar-writer.h"

typedef struct TreeMember {
        const char *path;       /* in the archive */
        int parent_fd;          /* where it is; what it is may be something else by now */
        const char *name;
        int fd;                 /* of a directory; else -EBADF */
        const struct stat *st;
} TreeMember;

typedef struct TreeArchive {
        TarWriter *writer;
        Links links;
        char *buffer, *zeros;
        TreePackReply reply;
        Error *reterr;          /* borrowed */
} TreeArchive;

/* output_fd is borrowed, reterr too. */
int tree_archive_new(TreeArchive *a, int output_fd, TarCompression compression, Error *reterr);
void tree_archive_done(TreeArchive *a);
DEFINE_CLEANUP_DONE(TreeArchive, tree_archive_done);

/* Nothing if it is not there any more; a socket is left out. */
int tree_archive_add(TreeArchive *a, const TreeMember *m);
/* One that is in no tree. */
int tree_archive_write(TreeArchive *a, const TarEntry *e);
int tree_archive_leave_out(TreeArchive *a, const char *path);
