/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layer-path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"

void layer_path_done(LayerPath *p) {
        if (!p)
                return;
        free(p->clean);
        free(p->parent);
        p->clean = p->parent = NULL;
}

/* "/a//b/../c" -> "a/c"; "." for the root. As Docker: ".." is resolved in the text, before any symlink is
 * looked at. */
static int clean_path(const char *path, char **ret, Error *reterr) {
        _cleanup_free_ char *clean = NULL;
        const char *relative;
        int r;

        r = path_clean(path, &clean);
        if (r < 0)
                return error_fill(reterr, r);
        relative = clean[0] == '/' ? clean + 1 : clean;
        if (relative[0] == 0)
                relative = ".";
        if (streq(relative, "..") || startswith(relative, "../"))
                return error_setf(reterr, ERROR_INVALID, "invalid tar archive: %s is outside of the layer",
                                  path);

        *ret = strdup(relative);
        return *ret ? 0 : error_fill(reterr, -ENOMEM);
}

/* Splits "a/b/c" into "a/b" (NUL put in place of the slash) and "c"; "c" into "" and "c". */
static const char *split_parent(char *clean, const char **ret_name) {
        char *slash = strrchr(clean, '/');

        if (!slash) {
                *ret_name = clean;
                return "";
        }
        *slash = 0;
        *ret_name = slash + 1;
        return clean;
}

static int mark_path(const LayerPath *p, char ret[static NAME_MAX + 1], const char *name) {
        return snprintf(ret, NAME_MAX + 1, WHITEOUT_PREFIX "%s", name) > NAME_MAX ? -ENAMETOOLONG : 0;
}

int layer_whiteout_test(const LayerPath *p, const char *name) {
        char mark[NAME_MAX + 1];
        struct stat st;
        int r;

        if (p->format == LAYER_FORMAT_OVERLAY) {
                if (lstat(name, &st) < 0)
                        return errno == ENOENT ? 0 : -errno;
                return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
        }
        r = mark_path(p, mark, name);
        if (r < 0)
                return 0;
        return faccessat(AT_FDCWD, mark, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

static int make_empty_file(int dir_fd, const char *name) {
        _cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        return fd < 0 ? -errno : 0;
}

int layer_whiteout_make(const LayerPath *p, const char *name) {
        char mark[NAME_MAX + 1];
        int r;

        if (p->format == LAYER_FORMAT_OVERLAY)
                return RET_NERRNO(mknod(name, S_IFCHR, makedev(0, 0)));
        r = mark_path(p, mark, name);
        return r < 0 ? r : make_empty_file(AT_FDCWD, mark);
}

int layer_whiteout_remove(const LayerPath *p, const char *name) {
        char mark[NAME_MAX + 1];
        int r;

        if (p->format == LAYER_FORMAT_OVERLAY)
                return RET_NERRNO(unlink(name));
        r = mark_path(p, mark, name);
        return r < 0 ? r : RET_NERRNO(unlink(mark));
}

int layer_opaque_make(const LayerPath *p, const char *directory) {
        _cleanup_close_ int fd = -EBADF;

        if (p->format == LAYER_FORMAT_OVERLAY)
                return RET_NERRNO(lsetxattr(directory, OVERLAY_OPAQUE_XATTR, "y", 1, 0));
        fd = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return make_empty_file(fd, WHITEOUT_OPAQUE);
}

/* The process is in the directory of name already. What archives leave out gets Docker's 0755 root:root. */
static int make_parent(LayerPath *p, const char *name) {
        bool hidden;
        int r;

        r = layer_whiteout_test(p, name);
        if (r < 0)
                return r;
        hidden = r > 0;
        if (hidden) {
                r = layer_whiteout_remove(p, name);
                if (r < 0)
                        return r;
        }
        if (mkdir(name, 0755) < 0)
                return -errno;
        /* The mask of the process must not decide what is in an image. */
        if (chmod(name, 0755) < 0)
                return -errno;
        return hidden ? layer_opaque_make(p, name) : 0;
}

/* Opens each prefix of parent from the root on, so that symlinks on the way count as inside the layer. */
static int walk_making(LayerPath *p, const char *parent, int *ret_fd) {
        _cleanup_free_ char *copy = strdup(parent);
        _cleanup_close_ int fd = -EBADF;

        if (!copy)
                return -ENOMEM;
        if (fchdir(p->root_fd) < 0)
                return -errno;

        for (char *begin = copy, *end; begin; begin = end) {
                end = strchr(begin, '/');
                if (end)
                        *end = 0;

                safe_close(fd);
                fd = open_in_root(p->root_fd, copy, O_PATH | O_DIRECTORY, 0);
                if (IN_SET(fd, -ENOENT, -ENOTDIR)) {
                        int r = make_parent(p, begin);

                        if (r < 0)
                                return r == -EEXIST ? -ENOTDIR : r;
                        fd = open_in_root(p->root_fd, copy, O_PATH | O_DIRECTORY, 0);
                }
                if (fd < 0)
                        return fd;
                if (fchdir(fd) < 0)
                        return -errno;
                if (end)
                        *end++ = '/';
        }
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Symlinks can stack short paths into a depth that no tool could ever walk or remove again. */
static int check_depth(void) {
        char cwd[PATH_MAX];

        return getcwd(cwd, sizeof(cwd)) ? 0 : -ENAMETOOLONG;
}

static int enter_parent(LayerPath *p, const char *parent) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (p->parent && streq(p->parent, parent))
                return 0;

        p->parent = mfree(p->parent);
        if (parent[0] == 0) {
                if (fchdir(p->root_fd) < 0)
                        return -errno;
        } else {
                fd = open_in_root(p->root_fd, parent, O_PATH | O_DIRECTORY, 0);
                if (fd >= 0)
                        r = RET_NERRNO(fchdir(fd));
                else if (IN_SET(fd, -ENOENT, -ENOTDIR))
                        r = walk_making(p, parent, &fd);
                else
                        r = fd;
                if (r >= 0)
                        r = check_depth();
                if (r < 0)
                        return r;
        }
        return free_and_strdup(&p->parent, parent);
}

int layer_path_set(LayerPath *p, const char *path, Error *reterr) {
        const char *parent;
        int r;

        assert(p);
        assert(path);

        p->clean = mfree(p->clean);
        r = clean_path(path, &p->clean, reterr);
        if (r < 0)
                return r;
        parent = split_parent(p->clean, &p->name);
        if (strlen(p->name) > NAME_MAX)
                r = -ENAMETOOLONG;
        else
                r = enter_parent(p, parent);
        if (r < 0)
                return error_set_errnof(reterr, error_kind_from_errno(r), r, "Failed to apply layer: %s",
                                        path);
        return 0;
}

int layer_path_open_parent(LayerPath *p, const char *path, int *ret_fd, char **path_buffer,
                           const char **ret_name, Error *reterr) {
        _cleanup_free_ char *clean = NULL;
        const char *parent, *name;
        int fd, r;

        r = clean_path(path, &clean, reterr);
        if (r < 0)
                return r;
        parent = split_parent(clean, &name);
        fd = open_in_root(p->root_fd, parent[0] ? parent : ".", O_PATH | O_DIRECTORY, 0);
        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INVALID, fd, "Failed to apply layer: %s", path);

        *ret_fd = fd;
        *ret_name = name;
        *path_buffer = TAKE_PTR(clean);
        return 0;
}
