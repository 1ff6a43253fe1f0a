/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tree.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "image/layer-format.h"
#include "image/tree-util.h"

/* --- counting
 * ---------------------------------------------------------------------------------------------------- */

static int usage_walk(int dir_fd, const char *name, unsigned depth, Links *links, UsageReply *total) {
        _cleanup_closedir_ DIR *d = open_directory_at(dir_fd, name);
        struct dirent *e;

        if (!d)
                return errno == ENOENT ? 0 : -errno;
        if (depth > TREE_DEPTH_MAX)
                return 0;

        while ((e = readdir(d))) {
                struct stat st;
                int r;

                if (is_dot(e->d_name))
                        continue;
                if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                        /* A running container removes files while we count. */
                        if (errno == ENOENT)
                                continue;
                        return -errno;
                }
                if (S_ISDIR(st.st_mode)) {
                        total->n_inodes++;
                        r = usage_walk(dirfd(d), e->d_name, depth + 1, links, total);
                        if (r < 0)
                                return r;
                        continue;
                }
                r = st.st_nlink > 1 ? links_check(links, &st, NULL, NULL) : 0;
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                total->n_inodes++;
                if (S_ISREG(st.st_mode))
                        total->size += st.st_size;
        }
        return 0;
}

int tree_usage(int dir_fd, UsageReply *ret, Error *reterr) {
        _cleanup_(links_donep) Links links = {};
        UsageReply total = {};
        int r;

        r = usage_walk(dir_fd, ".", 0, &links, &total);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "Failed to count the size of a directory");
        *ret = total;
        return 0;
}

/* --- removing
 * ---------------------------------------------------------------------------------------------------- */

int tree_remove_children(int dir_fd) {
        _cleanup_closedir_ DIR *d = open_directory_at(dir_fd, ".");
        struct dirent *e;
        int r = 0;

        if (!d)
                return -errno;
        while ((e = readdir(d)))
                if (!is_dot(e->d_name))
                        RET_GATHER(r, rm_rf_at(dirfd(d), e->d_name));
        return r;
}

/* --- copying
 * ----------------------------------------------------------------------------------------------------- */

typedef struct Merge {
        int target_root;        /* borrowed */
        Links links;            /* within this layer */
        const char *failed;     /* name of what could not be copied, for the message */
        char failed_name[NAME_MAX + 1];
} Merge;

static int copy_range(int source_fd, int target_fd, off_t begin, off_t end) {
        char buffer[64 * 1024];

        while (begin < end) {
                off_t from = begin, to = begin;
                ssize_t n = copy_file_range(source_fd, &from, target_fd, &to, (size_t) (end - begin), 0);

                if (n < 0 && IN_SET(errno, EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EPERM)) {
                        n = pread(source_fd, buffer, min_size(sizeof(buffer), (size_t) (end - begin)),
                                  begin);
                        if (n > 0)
                                n = pwrite(target_fd, buffer, (size_t) n, begin);
                }
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                begin += n;
        }
        return 0;
}

/* Holes stay holes. */
static int copy_bytes(int source_fd, int target_fd, off_t size) {
        off_t begin = 0, end;
        int r = 0;

        if (ioctl(target_fd, FICLONE, source_fd) >= 0)
                return 0;
        if (ftruncate(target_fd, size) < 0)
                return -errno;
        while (r >= 0 && begin < size) {
                begin = lseek(source_fd, begin, SEEK_DATA);
                if (begin < 0)
                        return errno == ENXIO ? 0 : -errno;
                end = lseek(source_fd, begin, SEEK_HOLE);
                if (end < 0)
                        return -errno;
                r = copy_range(source_fd, target_fd, begin, end);
                begin = end;
        }
        return r;
}

static int copy_metadata_fd(int source_fd, int target_fd, const struct stat *st) {
        const struct timespec times[2] = { st->st_atim, st->st_mtim };
        int r;

        if (fchown(target_fd, st->st_uid, st->st_gid) < 0 || fchmod(target_fd, st->st_mode & 07777) < 0)
                return -errno;
        r = copy_xattrs(source_fd, target_fd);
        return r < 0 ? r : RET_NERRNO(futimens(target_fd, times));
}

static int copy_regular(int source_dir, const char *name, int target_dir, const struct stat *st) {
        _cleanup_close_ int in = -EBADF, out = -EBADF;
        int r;

        in = openat(source_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (in < 0)
                return -errno;
        out = openat(target_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (out < 0)
                return -errno;
        r = copy_bytes(in, out, st->st_size);
        return r < 0 ? r : copy_metadata_fd(in, out, st);
}

static int copy_special(int source_dir, const char *name, int target_dir, const struct stat *st) {
        const struct timespec times[2] = { st->st_atim, st->st_mtim };

        if (S_ISLNK(st->st_mode)) {
                char target[PATH_MAX];
                ssize_t n = readlinkat(source_dir, name, target, sizeof(target) - 1);

                if (n < 0)
                        return -errno;
                target[n] = 0;
                if (symlinkat(target, target_dir, name) < 0)
                        return -errno;
        } else if (mknodat(target_dir, name, st->st_mode, st->st_rdev) < 0)
                return -errno;
        if (fchownat(target_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!S_ISLNK(st->st_mode) && fchmodat(target_dir, name, st->st_mode & 07777, 0) < 0)
                return -errno;
        return RET_NERRNO(utimensat(target_dir, name, times, AT_SYMLINK_NOFOLLOW));
}

static int copy_file(Merge *m, int source_dir, const char *name, int target_dir, const char *path,
                     const struct stat *st) {
        const char *first;
        int r;

        r = rm_rf_at(target_dir, name);
        if (r < 0)
                return r;
        if (st->st_nlink > 1) {
                r = links_check(&m->links, st, path, &first);
                if (r < 0)
                        return r;
                if (r > 0)
                        return RET_NERRNO(linkat(m->target_root, first, target_dir, name, 0));
        }
        return S_ISREG(st->st_mode) ? copy_regular(source_dir, name, target_dir, st) :
                                      copy_special(source_dir, name, target_dir, st);
}

static bool directory_is_opaque(int fd) {
        return directory_has_opaque_mark(fd) ||
               faccessat(fd, WHITEOUT_OPAQUE, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

static int merge_directory(Merge *m, DIR *source, int target_fd, const char *path, unsigned depth);

static int merge_subdirectory(Merge *m, int source_dir, const char *name, int target_dir, const char *path,
                              const struct stat *st, unsigned depth) {
        _cleanup_closedir_ DIR *source = open_directory_at(source_dir, name);
        _cleanup_close_ int target = -EBADF;
        struct stat old;
        int r;

        if (!source)
                return -errno;
        if (fstatat(target_dir, name, &old, AT_SYMLINK_NOFOLLOW) >= 0 &&
            (!S_ISDIR(old.st_mode) || directory_is_opaque(dirfd(source)))) {
                r = rm_rf_at(target_dir, name);
                if (r < 0)
                        return r;
        }
        if (mkdirat(target_dir, name, 0700) < 0 && errno != EEXIST)
                return -errno;
        target = openat(target_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (target < 0)
                return -errno;
        r = merge_directory(m, source, target, path, depth + 1);
        return r < 0 ? r : copy_metadata_fd(dirfd(source), target, st);
}

static int merge_entry(Merge *m, int source_dir, const char *name, int target_dir, const char *path,
                       unsigned depth) {
        const char *hidden = startswith(name, WHITEOUT_PREFIX);
        struct stat st;

        if (startswith(name, WHITEOUT_META_PREFIX))
                return 0;
        if (hidden)
                return rm_rf_at(target_dir, hidden);
        if (fstatat(source_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (is_whiteout(&st))
                return rm_rf_at(target_dir, name);
        if (S_ISDIR(st.st_mode))
                return merge_subdirectory(m, source_dir, name, target_dir, path, &st, depth);
        return copy_file(m, source_dir, name, target_dir, path, &st);
}

static int merge_directory(Merge *m, DIR *source, int target_fd, const char *path, unsigned depth) {
        struct dirent *e;

        if (depth > TREE_DEPTH_MAX)
                return -ELOOP;
        while ((e = readdir(source))) {
                _cleanup_free_ char *child = NULL;
                int r;

                if (is_dot(e->d_name))
                        continue;
                child = path[0] ? path_join(path, e->d_name) : strdup(e->d_name);
                if (!child)
                        return -ENOMEM;
                r = merge_entry(m, dirfd(source), e->d_name, target_fd, child, depth);
                if (r < 0) {
                        if (!m->failed) {
                                snprintf(m->failed_name, sizeof(m->failed_name), "%s", e->d_name);
                                m->failed = m->failed_name;
                        }
                        return r;
                }
        }
        return 0;
}

int tree_merge_layer(int source_fd, int target_fd, Error *reterr) {
        _cleanup_closedir_ DIR *source = open_directory_at(source_fd, ".");
        Merge m = { .target_root = target_fd };
        struct stat st;
        int r;

        if (!source || fstat(source_fd, &st) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "Failed to open a layer");
        r = directory_is_opaque(source_fd) ? tree_remove_children(target_fd) : 0;
        if (r >= 0)
                r = merge_directory(&m, source, target_fd, "", 0);
        if (r >= 0)
                r = copy_metadata_fd(dirfd(source), target_fd, &st);
        links_done(&m.links);
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to copy %s of a layer",
                                        m.failed ?: "the root") :
                       0;
}
