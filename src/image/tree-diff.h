/* SPDX-License-Identifier: Apache-2.0 */
/* What is other in one tree than in the one it was made from, in the order of the names; with nothing to
 * compare with, the whole tree. */
#pragma once

#include "basic/time-util.h"
#include "image/layer-view.h"

typedef enum TreeChangeKind {
        TREE_PARENT,            /* a directory that did not change, with changes in it, which come next */
        TREE_ADDED,
        TREE_MODIFIED,
        TREE_TOUCHED,           /* looks as before, but was written to, or may have been */
        TREE_DELETED,
} TreeChangeKind;

typedef struct TreeChange {
        TreeChangeKind kind;
        const char *path;       /* without a leading slash */
        /* Where it is; not with TREE_DELETED. What it is may be something else by now. */
        int parent_fd;
        const char *name;
        int fd;                 /* of a directory; else -EBADF */
        const struct stat *st;
} TreeChange;

typedef struct TreeDiff {
        ViewDirectory now;
        ViewDirectory before;           /* n_fds 0: everything is new */
        /* A file that looks the same was touched if its status changed since; 0: if it is another inode. */
        nsec_t touched_since;
        bool want_touched;              /* report them */
        /* Returns < 0 to stop. */
        int (*report)(const TreeChange *c, void *userdata);
        void *userdata;
        uint64_t n_too_deep;            /* result: what has a longer path than can be */
} TreeDiff;

void tree_diff_done(TreeDiff *d);
DEFINE_CLEANUP_DONE(TreeDiff, tree_diff_done);

int tree_diff(TreeDiff *d, Error *reterr);
