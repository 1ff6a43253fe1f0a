/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tree-diff.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "image/layer-format.h"
#include "image/tree-util.h"
#include "shared/tar-reader.h"

/* A directory on the way. */
typedef struct Frame {
        struct Frame *up;       /* NULL: this is the root, which is never reported */
        TreeChange change;
        bool reported;
        const ViewDirectory *now, *before;
} Frame;

void tree_diff_done(TreeDiff *d) {
        view_directory_done(&d->now);
        view_directory_done(&d->before);
}

/* --- reporting --- */

static int report_parents(TreeDiff *d, Frame *f) {
        int r;

        if (!f->up || f->reported)
                return 0;
        r = report_parents(d, f->up);
        if (r < 0)
                return r;
        f->reported = true;
        return d->report(&f->change, d->userdata);
}

static int report(TreeDiff *d, Frame *f, const TreeChange *c) {
        int r = report_parents(d, f);

        return r < 0 ? r : d->report(c, d->userdata);
}

/* --- comparing --- */

/* Archives and some file systems have full seconds only. */
static bool same_time(const struct timespec *a, const struct timespec *b) {
        return a->tv_sec == b->tv_sec && (a->tv_nsec == b->tv_nsec || a->tv_nsec == 0 || b->tv_nsec == 0);
}

static bool same_inode(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* As Docker: of a directory neither size nor time count. */
static bool same_status(const struct stat *a, const struct stat *b) {
        if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid ||
            a->st_rdev != b->st_rdev)
                return false;
        return S_ISDIR(a->st_mode) || (a->st_size == b->st_size && same_time(&a->st_mtim, &b->st_mtim));
}

/* "" where there is none. */
static ssize_t read_capability(int dir_fd, const char *name, char *buffer, size_t size) {
        _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : fgetxattr(fd, "security.capability", buffer, size);

        return n < 0 ? 0 : n;
}

static bool same_capability(int now_fd, int before_fd, const char *name) {
        char a[64], b[64];      /* VFS_CAP_REVISION_3 has 24 bytes */
        ssize_t n = read_capability(now_fd, name, a, sizeof(a));

        return n == read_capability(before_fd, name, b, sizeof(b)) && memcmp(a, b, n) == 0;
}

static bool was_touched(const TreeDiff *d, const struct stat *st) {
        nsec_t changed = (nsec_t) st->st_ctim.tv_sec * NSEC_PER_SEC + (nsec_t) st->st_ctim.tv_nsec;

        return changed >= d->touched_since;
}

/* before: NULL = it was not there. */
static TreeChangeKind classify(const TreeDiff *d, const Frame *f, const TreeChange *c,
                               const ViewName *before, const struct stat *st) {
        if (!before)
                return TREE_ADDED;
        if (!same_status(c->st, st))
                return TREE_MODIFIED;
        if (S_ISREG(st->st_mode) && !same_capability(c->parent_fd, view_fd_of(f->before, before), c->name))
                return TREE_MODIFIED;
        return was_touched(d, c->st) ? TREE_TOUCHED : TREE_PARENT;
}

static bool is_wanted(const TreeDiff *d, TreeChangeKind kind) {
        return kind == TREE_TOUCHED ? d->want_touched : kind != TREE_PARENT;
}

/* --- walking --- */

static int walk(TreeDiff *d, Frame *f);

static int visit_directory(TreeDiff *d, Frame *f, TreeChange *c, bool was_directory) {
        _cleanup_(view_directory_donep) ViewDirectory now = {}, before = {};
        Frame child = { .up = f, .now = &now, .before = &before };
        int r;

        r = view_open(f->now, c->name, &now);
        if (r <= 0)
                return r;
        if (was_directory) {
                r = view_open(f->before, c->name, &before);
                if (r < 0)
                        return r;
        }
        c->fd = now.fds[0];
        if (is_wanted(d, c->kind)) {
                r = report(d, f, c);
                if (r < 0)
                        return r;
                child.reported = true;
        } else
                c->kind = TREE_PARENT;
        child.change = *c;
        return walk(d, &child);
}

/* before: NULL = it was not there. */
static int visit(TreeDiff *d, Frame *f, const ViewName *now, const ViewName *before, const char *path) {
        struct stat st, old = {};
        TreeChange c = {
                .path = path,
                .parent_fd = view_fd_of(f->now, now),
                .name = now->name,
                .fd = -EBADF,
                .st = &st,
        };

        /* A running container removes things while we look. */
        if (fstatat(c.parent_fd, c.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (before && fstatat(view_fd_of(f->before, before), before->name, &old, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (before && same_inode(&st, &old))
                return 0;
        c.kind = classify(d, f, &c, before, &old);
        if (S_ISDIR(st.st_mode))
                return visit_directory(d, f, &c, before && S_ISDIR(old.st_mode));
        return is_wanted(d, c.kind) ? report(d, f, &c) : 0;
}

static int visit_name(TreeDiff *d, Frame *f, const ViewName *now, const ViewName *before) {
        const char *name = now ? now->name : before->name;
        _cleanup_free_ char *path = f->up ? path_join(f->change.path, name) : strdup(name);

        if (!path)
                return -ENOMEM;
        /* With the slash behind a directory's. */
        if (strlen(path) + 1 >= TAR_PATH_MAX) {
                d->n_too_deep++;
                return 0;
        }
        if (now)
                return visit(d, f, now, before, path);
        return report(d, f, &(TreeChange) { TREE_DELETED, path, .parent_fd = -EBADF, .fd = -EBADF });
}

static int walk(TreeDiff *d, Frame *f) {
        _cleanup_(view_names_donep) ViewNames now = {}, before = {};
        size_t i = 0, k = 0;
        int r;

        r = view_list(f->now, &now);
        if (r >= 0)
                r = view_list(f->before, &before);
        while (r >= 0 && (i < now.n_items || k < before.n_items)) {
                int order = i == now.n_items ? 1 : k == before.n_items ? -1 :
                                strcmp(now.items[i]->name, before.items[k]->name);

                r = visit_name(d, f, order <= 0 ? now.items[i] : NULL, order >= 0 ? before.items[k] : NULL);
                i += order <= 0;
                k += order >= 0;
        }
        return r;
}

int tree_diff(TreeDiff *d, Error *reterr) {
        Frame root = { .now = &d->now, .before = &d->before };
        int r = walk(d, &root);

        return r < 0 && !error_is_set(reterr) ?
                       error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to read the file system") : r;
}
