/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layer-apply.h"

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
#include "image/layer-path.h"
#include "shared/tar-reader.h"

/* Bytes of input between two progress reports. */
#define PROGRESS_STEP (1024U * 1024U)

typedef struct LayerApply {
        const LayerApplyOptions *options;
        TarReader *tar;
        LayerPath path;         /* where the current entry goes */
        CompressReader *stream;
        FILE *directories;      /* times of the directories, set at the end: making a child changes them */
        uint64_t reported;      /* position of the last progress report */
        LayerApplyResult result;
} LayerApply;

/* A record of the directories file, followed by the path without NUL. On disk and not in memory, since an
 * archive can hold millions of directories. */
typedef struct DirectoryTimes {
        struct timespec mtime;
        uint32_t path_size;
} DirectoryTimes;

static void layer_apply_done(LayerApply *a) {
        tar_reader_free(a->tar);
        compress_reader_free(a->stream);
        layer_path_done(&a->path);
        if (a->directories)
                fclose(a->directories);
}
DEFINE_CLEANUP_DONE(LayerApply, layer_apply_done);

static int entry_invalid(const TarEntry *e, const char *why, Error *reterr) {
        return error_setf(reterr, ERROR_INVALID, "Failed to apply layer: %s: %s", e->path, why);
}

static int apply_xattr(const char *name, const void *value, size_t size, void *userdata) {
        const char *path = ASSERT_PTR(userdata);

        if (!layer_xattr_is_allowed(name) || lsetxattr(path, name, value, size, 0) >= 0)
                return 0;
        /* As Docker: a file system or object type that has no such attributes does without. */
        return IN_SET(errno, ENOTSUP, EPERM) ? 0 : -errno;
}

/* The order matters: chown() drops set-uid bits and file capabilities. */
static int apply_metadata(LayerApply *a, const TarEntry *e) {
        const struct timespec times[2] = { e->mtime, e->mtime };
        const char *name = a->path.name;
        int r;

        if (lchown(name, e->uid, e->gid) < 0)
                return -errno;
        if (!S_ISLNK(e->type) && chmod(name, e->mode) < 0)
                return -errno;
        r = tar_reader_foreach_xattr(a->tar, apply_xattr, (void *) name);
        if (r < 0)
                return r;
        return RET_NERRNO(utimensat(AT_FDCWD, name, times, AT_SYMLINK_NOFOLLOW));
}

static int remember_directory(LayerApply *a, const TarEntry *e) {
        const char *parent = a->path.parent[0] ? a->path.parent : ".", *name = a->path.name;
        DirectoryTimes d = { .mtime = e->mtime, .path_size = strlen(parent) + 1 + strlen(name) };

        if (fwrite(&d, sizeof(d), 1, a->directories) != 1 ||
            fprintf(a->directories, "%s/%s", parent, name) < 0)
                return -EIO;
        return 0;
}

static int restore_directory_times(LayerApply *a) {
        DirectoryTimes d;

        if (fflush(a->directories) != 0 || fseek(a->directories, 0, SEEK_SET) < 0)
                return -EIO;
        while (fread(&d, sizeof(d), 1, a->directories) == 1) {
                const struct timespec times[2] = { d.mtime, d.mtime };
                _cleanup_close_ int fd = -EBADF;
                char path[TAR_PATH_MAX + 3];

                if (d.path_size >= sizeof(path) ||
                    fread(path, 1, d.path_size, a->directories) != d.path_size)
                        return -EIO;
                path[d.path_size] = 0;

                /* Later entries may have replaced it by something else. */
                fd = open_in_root(a->options->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
                if (fd >= 0 && futimens(fd, times) < 0)
                        return -errno;
        }
        return 0;
}

/* Content behind an earlier entry of the same name in the same layer goes, unless both are directories.
 * Returns 1 if the name was marked as deleted below, so that a directory of that name must hide what is
 * there. */
static int make_room(LayerApply *a, const TarEntry *e) {
        const char *name = a->path.name;
        struct stat st;
        int r;

        r = layer_whiteout_test(&a->path, name);
        if (r < 0)
                return r;
        if (r > 0) {
                r = layer_whiteout_remove(&a->path, name);
                return r < 0 ? r : 1;
        }

        if (lstat(name, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (S_ISDIR(st.st_mode) && S_ISDIR(e->type) && !e->hard_link)
                return 0;
        if (!S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode))
                return unlink(name) < 0 ? -errno : 0;
        return rm_rf_at(AT_FDCWD, name);
}

static int make_regular(LayerApply *a, const TarEntry *e, Error *reterr) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = open(a->path.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = tar_reader_copy_data(a->tar, fd, reterr);
        if (r < 0)
                return r;
        a->result.size += e->size;
        return 0;
}

static int make_directory(LayerApply *a, const TarEntry *e, bool hides) {
        if (mkdir(a->path.name, 0700) < 0 && errno != EEXIST)
                return -errno;
        return hides ? layer_opaque_make(&a->path, a->path.name) : 0;
}

static int make_hard_link(LayerApply *a, const TarEntry *e, Error *reterr) {
        _cleanup_free_ char *buffer = NULL;
        _cleanup_close_ int fd = -EBADF;
        const char *name;
        struct stat st;
        int r;

        r = layer_path_open_parent(&a->path, e->link, &fd, &buffer, &name, reterr);
        if (r < 0)
                return r;
        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return error_set_errnof(reterr, ERROR_INVALID, -errno,
                                        "Failed to apply layer: %s: link to %s", e->path, e->link);
        if (S_ISDIR(st.st_mode) || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0)))
                return entry_invalid(e, "hard link to something that cannot have one", reterr);
        return RET_NERRNO(linkat(fd, name, AT_FDCWD, a->path.name, 0));
}

static int make_object(LayerApply *a, const TarEntry *e, bool hides, Error *reterr) {
        if (e->hard_link)
                return make_hard_link(a, e, reterr);

        switch (e->type) {
        case S_IFREG:
                return make_regular(a, e, reterr);
        case S_IFDIR:
                return make_directory(a, e, hides);
        case S_IFLNK:
                return RET_NERRNO(symlink(e->link, a->path.name));
        case S_IFCHR:
                if (e->device == makedev(0, 0))
                        return entry_invalid(e, "character device 0:0 is the mark of a deleted file",
                                             reterr);
                _fallthrough_;
        case S_IFBLK:
                return RET_NERRNO(mknod(a->path.name, e->type | 0600, e->device));
        case S_IFIFO:
                return RET_NERRNO(mkfifo(a->path.name, 0600));
        default:
                return entry_invalid(e, "unknown type of file", reterr);
        }
}

static int apply_root(LayerApply *a, const TarEntry *e, Error *reterr) {
        int r;

        if (e->hard_link || !S_ISDIR(e->type))
                return entry_invalid(e, "the root of a layer must be a directory", reterr);
        r = apply_metadata(a, e);
        return r < 0 ? r : remember_directory(a, e);
}

static int apply_object(LayerApply *a, const TarEntry *e, Error *reterr) {
        bool hides;
        int r;

        if (streq(a->path.name, "."))
                return apply_root(a, e, reterr);

        r = make_room(a, e);
        if (r < 0)
                return r;
        hides = r > 0;
        r = make_object(a, e, hides, reterr);
        if (r < 0 || e->hard_link)
                return r;
        r = apply_metadata(a, e);
        if (r < 0)
                return r;
        return S_ISDIR(e->type) ? remember_directory(a, e) : 0;
}

/* "Only what lies below is deleted" (OCI image-spec, layer.md, "Whiteouts"): a sibling of this very layer
 * stays, whichever comes first in the archive. */
static int apply_whiteout(LayerApply *a, const TarEntry *e, const char *hidden, Error *reterr) {
        struct stat st;
        int r;

        if (isempty(hidden) || streq(hidden, ".") || streq(hidden, ".."))
                return entry_invalid(e, "whiteout of nothing", reterr);

        r = layer_whiteout_test(&a->path, hidden);
        if (r != 0)
                return r < 0 ? r : 0;
        if (lstat(hidden, &st) >= 0)
                return S_ISDIR(st.st_mode) ? layer_opaque_make(&a->path, hidden) : 0;
        if (errno != ENOENT)
                return -errno;
        return layer_whiteout_make(&a->path, hidden);
}

/* .wh..wh.* other than the opaque mark is bookkeeping of AUFS. A whiteout has nothing below it. */
static bool path_has_meta(const char *path) {
        return startswith(path, WHITEOUT_META_PREFIX) || strstr(path, "/" WHITEOUT_META_PREFIX);
}

static bool path_has_whiteout(const char *path) {
        return startswith(path, WHITEOUT_PREFIX) || strstr(path, "/" WHITEOUT_PREFIX);
}

static bool entry_is_skipped(const char *path) {
        const char *name = path_basename(path);
        _cleanup_free_ char *parent = strndup(path, name - path);

        if (parent && path_has_meta(parent))
                return true;
        return startswith(name, WHITEOUT_META_PREFIX) && !streq(name, WHITEOUT_OPAQUE);
}

static int apply_entry(LayerApply *a, const TarEntry *e, Error *reterr) {
        _cleanup_free_ char *clean = NULL;
        const char *hidden;
        int r;

        r = path_clean(e->path, &clean);
        if (r < 0)
                return r;
        if (entry_is_skipped(clean))
                return 0;

        r = layer_path_set(&a->path, e->path, reterr);
        if (r < 0)
                return r;
        if (path_has_whiteout(a->path.parent))
                return entry_invalid(e, "something below a whiteout", reterr);

        if (streq(a->path.name, WHITEOUT_OPAQUE))
                return layer_opaque_make(&a->path, ".");
        hidden = startswith(a->path.name, WHITEOUT_PREFIX);
        if (hidden)
                return apply_whiteout(a, e, hidden, reterr);
        return apply_object(a, e, reterr);
}

static void report_progress(LayerApply *a) {
        uint64_t position = compress_reader_position(a->stream);

        if (!a->options->progress || position - a->reported < PROGRESS_STEP)
                return;
        a->reported = position;
        a->options->progress(position, a->options->userdata);
}

static int apply_entries(LayerApply *a, Error *reterr) {
        TarEntry e;
        int r;

        for (;;) {
                r = tar_reader_next(a->tar, &e, reterr);
                if (r <= 0)
                        return r;
                a->result.n_entries++;
                report_progress(a);
                r = apply_entry(a, &e, reterr);
                if (r < 0 && !error_is_set(reterr))
                        return error_set_errnof(reterr, error_kind_from_errno(r), r,
                                                "Failed to apply layer: %s", e.path);
                if (r < 0)
                        return r;
        }
}

static int open_directories_file(LayerApply *a) {
        int fd = openat(a->options->root_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

        if (fd < 0)
                return -errno;
        a->directories = fdopen(fd, "w+");
        if (!a->directories) {
                safe_close(fd);
                return -ENOMEM;
        }
        return 0;
}

static int apply_stream(LayerApply *a, Error *reterr) {
        const LayerLimits *limits = &a->options->limits;
        const CompressReaderOptions options = {
                .fd = a->options->input_fd,
                .tee_fd = a->options->tee_fd,
                .input_max = limits->input_max,
                .output_max = limits->output_max,
        };
        int r;

        r = compress_reader_new(&options, &a->stream, reterr);
        if (r < 0)
                return r;
        r = tar_reader_new(a->stream, limits->entries_max, &a->tar, reterr);
        if (r < 0)
                return r;
        r = apply_entries(a, reterr);
        if (r < 0)
                return r;
        return compress_reader_finish(a->stream, limits->trailing_max, &a->result.stream, reterr);
}

int layer_apply(const LayerApplyOptions *options, LayerApplyResult *ret, Error *reterr) {
        _cleanup_(layer_apply_donep) LayerApply a = {
                .options = options,
                .path = { .root_fd = options->root_fd, .format = options->format },
        };
        Error ignored = ERROR_NULL;
        int r;

        assert(ret);

        /* apply_entry() looks at the error to know whether the reason is given already. */
        if (!reterr)
                reterr = &ignored;

        r = open_directories_file(&a);
        if (r < 0)
                r = error_set_errnof(reterr, ERROR_INTERNAL, r,
                                     "Failed to make a temporary file in the layer");
        else
                r = apply_stream(&a, reterr);
        if (r >= 0) {
                r = restore_directory_times(&a);
                if (r < 0)
                        error_set_errnof(reterr, ERROR_INTERNAL, r,
                                         "Failed to set the times of directories");
        }
        if (r >= 0 && syncfs(options->root_fd) < 0)
                r = error_set_errnof(reterr, ERROR_INTERNAL, -errno, "Failed to write the layer to disk");

        error_done(&ignored);
        if (r >= 0)
                *ret = a.result;
        return r;
}
