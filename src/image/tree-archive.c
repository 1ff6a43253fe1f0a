/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tree-archive.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/string-util.h"
#include "basic/strv.h"
#include "image/layer-format.h"

#define CHUNK (256U * 1024U)
/* Holes are worth something from here on; not every reader of archives knows them. */
#define HOLES_MIN (1024 * 1024)
/* Shorter ones are written as data, so that a file has no more ranges than this. */
#define RANGES_MAX 4096
#define NAMES_MAX 10U           /* of what was left out */

int tree_archive_new(TreeArchive *a, int output_fd, TarCompression compression, Error *reterr) {
        a->buffer = malloc(CHUNK);
        a->zeros = calloc(1, CHUNK);
        if (!a->buffer || !a->zeros)
                return error_fill(reterr, -ENOMEM);
        a->reterr = reterr;
        return tar_writer_new(output_fd, compression, &a->writer, reterr);
}

void tree_archive_done(TreeArchive *a) {
        tar_writer_free(a->writer);
        links_done(&a->links);
        free(a->buffer);
        free(a->zeros);
        json_done(&TreePackReply_json, &a->reply);
}

int tree_archive_leave_out(TreeArchive *a, const char *path) {
        a->reply.n_left_out++;
        return strv_length(a->reply.left_out) >= NAMES_MAX ? 0 : strv_extend(&a->reply.left_out, path);
}

static TarEntry entry_of(const TreeMember *m, const struct stat *st) {
        return (TarEntry) {
                .path = m->path,
                .type = st->st_mode & S_IFMT,
                .mode = st->st_mode & 07777,
                .uid = st->st_uid,
                .gid = st->st_gid,
                .device = st->st_rdev,
                .size = S_ISREG(st->st_mode) ? (uint64_t) st->st_size : 0,
                .mtime = st->st_mtim,
        };
}

static int add_xattrs(TreeArchive *a, int fd) {
        _cleanup_free_ char *names = NULL;
        ssize_t n, size;

        n = flistxattr(fd, NULL, 0);
        if (n <= 0)
                return 0;
        names = malloc(XATTR_SIZE_LIMIT);
        if (!names)
                return -ENOMEM;
        n = flistxattr(fd, names, XATTR_SIZE_LIMIT);
        for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
                if (!layer_xattr_is_allowed(name))
                        continue;
                size = fgetxattr(fd, name, a->buffer, XATTR_SIZE_LIMIT);
                if (size >= 0)
                        tar_writer_add_xattr(a->writer, name, a->buffer, (size_t) size);
        }
        return 0;
}

int tree_archive_write(TreeArchive *a, const TarEntry *e) {
        a->reply.n_entries++;
        return tar_writer_entry(a->writer, e, a->reterr);
}

/* --- content --- */

typedef struct Range {
        off_t begin, end;
} Range;

/* What is data of a file, holes of less than hole_min included. Returns the number of ranges, 0 where it is
 * not worth the trouble. */
static size_t find_ranges(int fd, off_t size, Range ret[static RANGES_MAX]) {
        off_t hole_min = MAX((off_t) (64 * 1024), size / (RANGES_MAX - 2)), data = 0, at = 0;
        size_t n = 0;

        while (at < size) {
                off_t begin = lseek(fd, at, SEEK_DATA), end;

                if (begin < 0 && errno != ENXIO)
                        return 0;
                end = begin < 0 ? begin : lseek(fd, begin, SEEK_HOLE);
                if (begin < 0 || begin >= size || end < 0)
                        break;
                end = MIN(end, size);
                if (n > 0 && begin - ret[n - 1].end < hole_min)
                        ret[n - 1].end = end;
                else if (n < RANGES_MAX - 1)
                        ret[n++] = (Range) { begin, end };
                else
                        return 0;
                at = end;
        }
        for (size_t i = 0; i < n; i++)
                data += ret[i].end - ret[i].begin;
        if (size - data < HOLES_MIN)
                return 0;
        /* The size of the file, where it ends with a hole. */
        if (n == 0 || ret[n - 1].end < size)
                ret[n++] = (Range) { size, size };
        return n;
}

static int write_zeros(TreeArchive *a, off_t n) {
        int r = 0;

        for (; n > 0 && r >= 0; n -= MIN(n, (off_t) CHUNK))
                r = tar_writer_data(a->writer, a->zeros, (size_t) MIN(n, (off_t) CHUNK), a->reterr);
        return r;
}

/* A file that shrinks meanwhile ends with zeros. */
static int write_data(TreeArchive *a, int fd, const char *path, off_t begin, off_t end) {
        while (begin < end) {
                ssize_t n = pread(fd, a->buffer, (size_t) MIN(end - begin, (off_t) CHUNK), begin);
                int r;

                if (n < 0)
                        return error_set_errnof(a->reterr, ERROR_INTERNAL, -errno, "Failed to read %s",
                                                path);
                if (n == 0)
                        return write_zeros(a, end - begin);
                r = tar_writer_data(a->writer, a->buffer, (size_t) n, a->reterr);
                if (r < 0)
                        return r;
                begin += n;
        }
        return 0;
}

static int write_content(TreeArchive *a, int fd, const char *path, off_t size, const Range *ranges,
                         size_t n) {
        off_t at = 0;
        int r = 0;

        if (n == 0)
                return write_data(a, fd, path, 0, size);
        for (size_t i = 0; i < n && r >= 0; i++) {
                r = write_zeros(a, ranges[i].begin - at);
                if (r >= 0)
                        r = write_data(a, fd, path, ranges[i].begin, ranges[i].end);
                at = ranges[i].end;
        }
        return r;
}

static int write_regular(TreeArchive *a, int fd, const TarEntry *e) {
        _cleanup_free_ Range *ranges = NULL;
        off_t size = (off_t) e->size;
        size_t n = 0;
        int r;

        if (size >= HOLES_MIN) {
                ranges = new(Range, RANGES_MAX);
                if (!ranges)
                        return -ENOMEM;
                n = find_ranges(fd, size, ranges);
        }
        for (size_t i = 0; i < n; i++)
                tar_writer_add_data_range(a->writer, ranges[i].begin, ranges[i].end - ranges[i].begin);
        r = add_xattrs(a, fd);
        if (r >= 0)
                r = tree_archive_write(a, e);
        return r < 0 ? r : write_content(a, fd, e->path, size, ranges, n);
}

/* --- entries --- */

/* 1: it was one, and is there. */
static int pack_hard_link(TreeArchive *a, const TreeMember *m, const struct stat *st) {
        TarEntry e = entry_of(m, st);
        int r;

        if (st->st_nlink < 2)
                return 0;
        r = links_check(&a->links, st, m->path, &e.link);
        if (r <= 0)
                return r;
        e.hard_link = true;
        r = tree_archive_write(a, &e);
        return r < 0 ? r : 1;
}

static bool is_gone(int error) {
        return IN_SET(error, ENOENT, ELOOP, ENXIO, EACCES);
}

/* 1: it is there and regular; 0: it is not. A device that took its place is not opened: no mount of a worker
 * lets it. */
static int open_regular(const TreeMember *m, int *ret_fd, struct stat *st) {
        _cleanup_close_ int fd = openat(m->parent_fd, m->name,
                                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        if (fd < 0)
                return is_gone(errno) ? 0 : -errno;
        if (fstat(fd, st) < 0)
                return -errno;
        if (!S_ISREG(st->st_mode))
                return 0;
        *ret_fd = TAKE_FD(fd);
        return 1;
}

static int pack_regular(TreeArchive *a, const TreeMember *m) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        TarEntry e;
        int r;

        /* A running container may have removed it, or put something else there. */
        r = open_regular(m, &fd, &st);
        if (r <= 0)
                return r < 0 ? error_set_errnof(a->reterr, ERROR_INTERNAL, r, "Failed to open %s", m->path) :
                               0;
        r = pack_hard_link(a, m, &st);
        if (r != 0)
                return r < 0 ? r : 0;
        e = entry_of(m, &st);
        return write_regular(a, fd, &e);
}

static int pack_symlink(TreeArchive *a, const TreeMember *m) {
        TarEntry e = entry_of(m, m->st);
        char target[TAR_PATH_MAX];
        ssize_t n = readlinkat(m->parent_fd, m->name, target, sizeof(target) - 1);

        if (n <= 0)
                return 0;
        target[n] = 0;
        e.link = target;
        return tree_archive_write(a, &e);
}

static int pack_other(TreeArchive *a, const TreeMember *m) {
        TarEntry e = entry_of(m, m->st);
        int r;

        r = S_ISDIR(m->st->st_mode) ? add_xattrs(a, m->fd) : 0;
        return r < 0 ? r : tree_archive_write(a, &e);
}

int tree_archive_add(TreeArchive *a, const TreeMember *m) {
        int r;

        switch (m->st->st_mode & S_IFMT) {
        case S_IFREG:
                return pack_regular(a, m);
        case S_IFDIR:
                return pack_other(a, m);
        case S_IFSOCK:          /* no archive has any */
                return tree_archive_leave_out(a, m->path);
        default:
                r = pack_hard_link(a, m, m->st);
                if (r != 0)
                        return r < 0 ? r : 0;
                return S_ISLNK(m->st->st_mode) ? pack_symlink(a, m) : pack_other(a, m);
        }
}
