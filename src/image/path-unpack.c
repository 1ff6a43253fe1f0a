/* SPDX-License-Identifier: Apache-2.0 */
#include "image/path-unpack.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "image/layer-format.h"
#include "image/path-view.h"
#include "shared/tar-reader.h"

/* Of directories that archives leave out, as Docker makes them. */
#define PARENT_MODE 0755

typedef struct PathUnpack {
        const PathParams *params;
        int root_fd;
        int target_fd;          /* the directory it goes to */
        char *target;           /* its path, without links */
        TarReader *tar;
        FILE *directories;      /* their times, set at the end: making a child changes them */

        /* Of the entry in work */
        char *clean;            /* "a/b/c" */
        const char *name;       /* in clean: "c" */
        char *parent;           /* "a/b", "" = the target; NULL = none is open */
        int parent_fd;
} PathUnpack;

/* A record of the directories file, followed by the path without NUL. On the disk and not in memory, since
 * an archive can hold millions of directories. */
typedef struct DirectoryTimes {
        struct timespec mtime;
        uint32_t path_size;
} DirectoryTimes;

static void path_unpack_done(PathUnpack *u) {
        tar_reader_free(u->tar);
        if (u->directories)
                fclose(u->directories);
        safe_close(u->target_fd);
        safe_close(u->parent_fd);
        free(u->target);
        free(u->clean);
        free(u->parent);
}
DEFINE_CLEANUP_DONE(PathUnpack, path_unpack_done);

/* --- where --- */

/* "/a//b/../c" -> "a/c", "." for the target itself. As Docker: ".." is resolved in the text. */
static int clean_name(const char *name, char **ret, Error *reterr) {
        _cleanup_free_ char *clean = NULL;
        const char *relative;
        int r;

        r = path_clean(name, &clean);
        if (r < 0)
                return error_fill(reterr, r);
        relative = clean[0] == '/' ? clean + 1 : clean;
        if (streq(relative, "..") || startswith(relative, "../"))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid tar archive: %s is outside of the directory it is unpacked in",
                                  name);
        *ret = strdup(relative[0] ? relative : ".");
        return *ret ? 0 : error_fill(reterr, -ENOMEM);
}

/* "a/b/c" -> "a/b" and, in place, "c"; "c" -> "". */
static int split_name(const char *clean, char **ret_parent, const char **ret_name) {
        const char *slash = strrchr(clean, '/');

        *ret_parent = strndup(clean, slash ? (size_t) (slash - clean) : 0);
        *ret_name = slash ? slash + 1 : clean;
        return *ret_parent ? 0 : -ENOMEM;
}

/* Links on the way are the container's: they count from its root, not from the target. */
static int open_below(PathUnpack *u, const char *path, uint64_t flags) {
        _cleanup_free_ char *whole = NULL;

        if (path[0] == 0)
                return RET_NERRNO(fcntl(u->target_fd, F_DUPFD_CLOEXEC, 3));
        whole = strjoin(u->target, "/", path);
        return whole ? open_in_root(u->root_fd, whole, flags, 0) : -ENOMEM;
}

static int open_parent(PathUnpack *u, const char *parent) {
        _cleanup_free_ char *whole = NULL;
        int fd = open_below(u, parent, O_PATH | O_DIRECTORY), r;

        if (fd != -ENOENT)
                return fd;
        whole = strjoin(u->target, "/", parent);
        if (!whole)
                return -ENOMEM;
        r = mkdir_p_in_root(u->root_fd, whole, PARENT_MODE, &fd);
        return r < 0 ? r : fd;
}

static int enter(PathUnpack *u, const char *path, Error *reterr) {
        _cleanup_free_ char *parent = NULL;
        int r;

        u->clean = mfree(u->clean);
        r = clean_name(path, &u->clean, reterr);
        if (r >= 0)
                r = split_name(u->clean, &parent, &u->name);
        if (r < 0 || (u->parent && streq(u->parent, parent)))
                return r;
        u->parent = mfree(u->parent);
        safe_close(u->parent_fd);
        u->parent_fd = open_parent(u, parent);
        if (u->parent_fd < 0)
                return u->parent_fd;
        u->parent = TAKE_PTR(parent);
        return 0;
}

/* --- what it is --- */

static int apply_xattr(const char *name, const void *value, size_t size, void *userdata) {
        const int *fd = userdata;

        if (!layer_xattr_is_allowed(name) || fsetxattr(*fd, name, value, size, 0) >= 0)
                return 0;
        /* As Docker: a file system or object type that has no such attributes does without. */
        return IN_SET(errno, ENOTSUP, EPERM) ? 0 : -errno;
}

static uid_t owner_of(PathUnpack *u, const TarEntry *e) {
        return u->params->own ? (uid_t) u->params->uid : e->uid;
}

static gid_t group_of(PathUnpack *u, const TarEntry *e) {
        return u->params->own ? (gid_t) u->params->gid : e->gid;
}

/* The order matters: a change of owner drops set-uid bits and file capabilities. */
static int apply_to_fd(PathUnpack *u, const TarEntry *e, int fd) {
        const struct timespec times[2] = { e->mtime, e->mtime };
        int r;

        if (fchown(fd, owner_of(u, e), group_of(u, e)) < 0 || fchmod(fd, e->mode) < 0)
                return -errno;
        r = tar_reader_foreach_xattr(u->tar, apply_xattr, &fd);
        return r < 0 ? r : RET_NERRNO(futimens(fd, times));
}

/* Of what cannot be opened. Never through a link: it may be one by now. */
static int apply_to_name(PathUnpack *u, const TarEntry *e) {
        const struct timespec times[2] = { e->mtime, e->mtime };

        if (fchownat(u->parent_fd, u->name, owner_of(u, e), group_of(u, e), AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        return RET_NERRNO(utimensat(u->parent_fd, u->name, times, AT_SYMLINK_NOFOLLOW));
}

static int make_regular(PathUnpack *u, const TarEntry *e, Error *reterr) {
        _cleanup_close_ int fd = openat(u->parent_fd, u->name,
                                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r;

        if (fd < 0)
                return -errno;
        r = tar_reader_copy_data(u->tar, fd, reterr);
        return r < 0 ? r : apply_to_fd(u, e, fd);
}

static int remember_directory(PathUnpack *u, const TarEntry *e) {
        const DirectoryTimes d = { .mtime = e->mtime, .path_size = strlen(u->clean) };

        if (fwrite(&d, sizeof(d), 1, u->directories) != 1 ||
            fwrite(u->clean, 1, d.path_size, u->directories) != d.path_size)
                return -EIO;
        return 0;
}

static int make_directory(PathUnpack *u, const TarEntry *e) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (mkdirat(u->parent_fd, u->name, 0700) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(u->parent_fd, u->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = apply_to_fd(u, e, fd);
        return r < 0 ? r : remember_directory(u, e);
}

static int make_symlink(PathUnpack *u, const TarEntry *e) {
        return symlinkat(e->link, u->parent_fd, u->name) < 0 ? -errno : apply_to_name(u, e);
}

/* The worker has no mask. */
static int make_node(PathUnpack *u, const TarEntry *e) {
        return mknodat(u->parent_fd, u->name, e->type | e->mode, e->device) < 0 ? -errno :
                                                                                 apply_to_name(u, e);
}

static int make_hard_link(PathUnpack *u, const TarEntry *e, Error *reterr) {
        _cleanup_free_ char *clean = NULL, *parent = NULL;
        _cleanup_close_ int fd = -EBADF;
        const char *name;
        int r;

        r = clean_name(e->link, &clean, reterr);
        if (r >= 0)
                r = split_name(clean, &parent, &name);
        if (r < 0)
                return r;
        fd = open_below(u, parent, O_PATH | O_DIRECTORY);
        if (fd < 0)
                return fd;
        return RET_NERRNO(linkat(fd, name, u->parent_fd, u->name, 0));
}

static int make_object(PathUnpack *u, const TarEntry *e, Error *reterr) {
        if (e->hard_link)
                return make_hard_link(u, e, reterr);
        switch (e->type) {
        case S_IFREG:
                return make_regular(u, e, reterr);
        case S_IFDIR:
                return make_directory(u, e);
        case S_IFLNK:
                return make_symlink(u, e);
        case S_IFCHR:
        case S_IFBLK:
        case S_IFIFO:
                return make_node(u, e);
        default:
                return error_setf(reterr, ERROR_INVALID, "invalid tar archive: %s: unknown type of file",
                                  e->path);
        }
}

/* What is in its place goes, unless both are directories. Docker's texts. */
static int make_room(PathUnpack *u, const TarEntry *e, Error *reterr) {
        bool directory = S_ISDIR(e->type) && !e->hard_link;
        struct stat st;

        if (fstatat(u->parent_fd, u->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (S_ISDIR(st.st_mode) == directory)
                return directory ? 0 : RET_NERRNO(unlinkat(u->parent_fd, u->name, 0));
        if (u->params->no_overwrite)
                return error_setf(reterr, ERROR_INTERNAL,
                                  "cannot overwrite %sdirectory \"%s/%s\" with %sdirectory \"%s\"",
                                  directory ? "non-" : "", u->target[1] ? u->target : "", u->clean,
                                  directory ? "" : "non-", u->target);
        return rm_rf_at(u->parent_fd, u->name);
}

static int unpack_entry(PathUnpack *u, const TarEntry *e, Error *reterr) {
        int r;

        r = enter(u, e->path, reterr);
        if (r < 0)
                return r;
        /* The target stays what it is. */
        if (streq(u->clean, "."))
                return S_ISDIR(e->type) && !e->hard_link ? 0 :
                               error_setf(reterr, ERROR_INVALID,
                                          "invalid tar archive: %s is no directory", e->path);
        r = make_room(u, e, reterr);
        return r < 0 ? r : make_object(u, e, reterr);
}

/* --- the whole --- */

static int entry_failed(int r, const TarEntry *e, Error *reterr) {
        if (error_is_set(reterr))
                return r;
        if (r == -EROFS)
                return error_setf(reterr, ERROR_FORBIDDEN, "mounted volume is marked read-only: %s",
                                  e->path);
        return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot unpack %s", e->path);
}

static int unpack_entries(PathUnpack *u, Error *reterr) {
        TarEntry e;
        int r;

        while ((r = tar_reader_next(u->tar, &e, reterr)) > 0) {
                r = unpack_entry(u, &e, reterr);
                if (r < 0)
                        return entry_failed(r, &e, reterr);
        }
        return r;
}

/* Later entries, or the container, may have replaced it by something else. */
static void set_time(PathUnpack *u, const char *path, const struct timespec *t) {
        const struct timespec times[2] = { *t, *t };
        _cleanup_close_ int fd = open_below(u, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

        if (fd >= 0)
                (void) futimens(fd, times);
}

static int set_directory_times(PathUnpack *u) {
        char path[TAR_PATH_MAX];
        DirectoryTimes d;

        if (fflush(u->directories) != 0 || fseek(u->directories, 0, SEEK_SET) < 0)
                return -EIO;
        while (fread(&d, sizeof(d), 1, u->directories) == 1) {
                if (d.path_size >= sizeof(path) ||
                    fread(path, 1, d.path_size, u->directories) != d.path_size)
                        return -EIO;
                path[d.path_size] = 0;
                set_time(u, path, &d.mtime);
        }
        return 0;
}

static int unpack_stream(PathUnpack *u, int input_fd, Error *reterr) {
        _cleanup_(compress_reader_freep) CompressReader *stream = NULL;
        const CompressReaderOptions options = {
                .fd = input_fd,
                .tee_fd = -EBADF,
                .output_max = PATH_UNPACK_BYTES_MAX,
        };
        CompressReaderSummary summary;
        int r;

        r = compress_reader_new(&options, &stream, reterr);
        if (r >= 0)
                r = tar_reader_new(stream, PATH_UNPACK_ENTRIES_MAX, &u->tar, reterr);
        if (r >= 0)
                r = unpack_entries(u, reterr);
        if (r >= 0)
                r = compress_reader_finish(stream, PATH_UNPACK_TRAILING_MAX, &summary, reterr);
        u->tar = tar_reader_free(u->tar);
        if (r >= 0) {
                r = set_directory_times(u);
                if (r < 0)
                        error_set_errnof(reterr, ERROR_INTERNAL, r,
                                         "cannot set the times of directories");
        }
        return r;
}

/* --- the target --- */

static uint64_t mount_of(int fd) {
        struct statx s = {};

        return statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &s) >= 0 ? s.stx_mnt_id : 0;
}

static int check_writable(PathUnpack *u, Error *reterr) {
        bool in_root = mount_of(u->target_fd) == mount_of(u->root_fd);
        struct statvfs s;

        if (fstatvfs(u->target_fd, &s) < 0)
                return error_fill(reterr, -errno);
        if (in_root && (u->params->read_only_root || (s.f_flag & ST_RDONLY)))
                return error_setf(reterr, ERROR_FORBIDDEN, "container rootfs is marked read-only");
        if (s.f_flag & ST_RDONLY)
                return error_setf(reterr, ERROR_FORBIDDEN, "mounted volume is marked read-only");
        return 0;
}

static int open_target(PathUnpack *u, Error *reterr) {
        _cleanup_free_ char *absolute = strjoin("/", u->params->path), *clean = NULL;
        struct stat st;
        int r;

        r = absolute ? path_clean(absolute, &clean) : -ENOMEM;
        if (r < 0)
                return error_fill(reterr, r);
        u->target_fd = open_in_root(u->root_fd, clean, O_PATH, 0);
        if (u->target_fd < 0)
                return path_view_failed(u->target_fd, clean, reterr);
        if (fstat(u->target_fd, &st) < 0)
                return error_fill(reterr, -errno);
        if (!S_ISDIR(st.st_mode))
                return error_setf(reterr, ERROR_INVALID, "extraction point is not a directory");
        if (path_is_kernels(u->target_fd))
                return error_setf(reterr, ERROR_FORBIDDEN,
                                  "%s belongs to the kernel, nothing can be copied there", clean);
        return check_writable(u, reterr);
}

/* The root of the container is ours, so this is the path in there. */
static int name_target(PathUnpack *u, Error *reterr) {
        char cwd[PATH_MAX];

        if (fchdir(u->target_fd) < 0 || !getcwd(cwd, sizeof(cwd)))
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot enter %s", u->params->path);
        if (cwd[0] != '/')
                return error_setf(reterr, ERROR_NOT_FOUND, "%s was moved away", u->params->path);
        u->target = strdup(cwd);
        return u->target ? 0 : error_fill(reterr, -ENOMEM);
}

static int open_directories_file(PathUnpack *u, int scratch_fd) {
        int fd = fcntl(scratch_fd, F_DUPFD_CLOEXEC, 3);

        if (fd < 0)
                return -errno;
        u->directories = fdopen(fd, "w+");
        if (u->directories)
                return 0;
        safe_close(fd);
        return -ENOMEM;
}

int path_unpack(int input_fd, int root_fd, int scratch_fd, const PathParams *params, Error *reterr) {
        _cleanup_(path_unpack_donep) PathUnpack u = {
                .params = params, .root_fd = root_fd, .target_fd = -EBADF, .parent_fd = -EBADF,
        };
        Error ignored = ERROR_NULL;
        int r;

        /* Whether the reason is given already is looked up in it. */
        if (!reterr)
                reterr = &ignored;
        (void) umask(0);
        r = open_target(&u, reterr);
        if (r >= 0)
                r = name_target(&u, reterr);
        if (r >= 0) {
                r = open_directories_file(&u, scratch_fd);
                if (r < 0)
                        error_fill(reterr, r);
        }
        if (r >= 0)
                r = unpack_stream(&u, input_fd, reterr);
        error_done(&ignored);
        return r;
}
