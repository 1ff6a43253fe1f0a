/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tree-pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "api/container.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "image/layer-format.h"
#include "image/tree-diff.h"
#include "image/tree-util.h"
#include "shared/tar-writer.h"

#define CHUNK (256U * 1024U)
/* Holes are worth something from here on; not every reader of archives knows them. */
#define HOLES_MIN (1024 * 1024)
/* Shorter ones are written as data, so that a file has no more ranges than this. */
#define RANGES_MAX 4096
#define NAMES_MAX 10U           /* of what was left out, in the reply */

/* --- the trees --- */

static int add_layers(ViewDirectory *d, int layers_fd, char *const *layers, Error *reterr) {
        int r = 0;

        for (size_t i = strv_length(layers); i > 0 && r >= 0; i--) {
                _cleanup_free_ char *path = path_join(layers[i - 1], "diff");

                r = path ? view_add_layer(d, layers_fd, path, reterr) : error_fill(reterr, -ENOMEM);
        }
        return r;
}

static int open_trees(TreeDiff *d, int layers_fd, int own_fd, const TreeParams *p, Error *reterr) {
        int r = 0;

        d->touched_since = p->touched_since;
        if (own_fd >= 0)
                r = view_add_layer(&d->now, own_fd, ".", reterr);
        if (r >= 0 && !p->own_is_whole)
                r = add_layers(&d->now, layers_fd, p->layers, reterr);
        if (r >= 0 && p->difference)
                r = add_layers(&d->before, layers_fd, p->layers, reterr);
        return r;
}

/* --- archive --- */

typedef struct Pack {
        TarWriter *writer;
        Links links;
        bool difference;
        char *buffer, *zeros;   /* CHUNK each */
        TreePackReply reply;
        Error *reterr;
} Pack;

static void pack_done(Pack *p) {
        tar_writer_free(p->writer);
        links_done(&p->links);
        free(p->buffer);
        free(p->zeros);
        json_done(&TreePackReply_json, &p->reply);
}
DEFINE_CLEANUP_DONE(Pack, pack_done);

static int leave_out(Pack *p, const char *path) {
        p->reply.n_left_out++;
        return strv_length(p->reply.left_out) >= NAMES_MAX ? 0 : strv_extend(&p->reply.left_out, path);
}

static TarEntry entry_of(const TreeChange *c, const struct stat *st) {
        return (TarEntry) {
                .path = c->path,
                .type = st->st_mode & S_IFMT,
                .mode = st->st_mode & 07777,
                .uid = st->st_uid,
                .gid = st->st_gid,
                .device = st->st_rdev,
                .size = S_ISREG(st->st_mode) ? (uint64_t) st->st_size : 0,
                .mtime = st->st_mtim,
        };
}

static int add_xattrs(Pack *p, int fd) {
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
                size = fgetxattr(fd, name, p->buffer, XATTR_SIZE_LIMIT);
                if (size >= 0)
                        tar_writer_add_xattr(p->writer, name, p->buffer, (size_t) size);
        }
        return 0;
}

static int write_entry(Pack *p, const TarEntry *e) {
        p->reply.n_entries++;
        return tar_writer_entry(p->writer, e, p->reterr);
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

static int write_zeros(Pack *p, off_t n) {
        int r = 0;

        for (; n > 0 && r >= 0; n -= MIN(n, (off_t) CHUNK))
                r = tar_writer_data(p->writer, p->zeros, (size_t) MIN(n, (off_t) CHUNK), p->reterr);
        return r;
}

/* A file that shrinks meanwhile ends with zeros. */
static int write_data(Pack *p, int fd, const char *path, off_t begin, off_t end) {
        while (begin < end) {
                ssize_t n = pread(fd, p->buffer, (size_t) MIN(end - begin, (off_t) CHUNK), begin);
                int r;

                if (n < 0)
                        return error_set_errnof(p->reterr, ERROR_INTERNAL, -errno, "Failed to read %s",
                                                path);
                if (n == 0)
                        return write_zeros(p, end - begin);
                r = tar_writer_data(p->writer, p->buffer, (size_t) n, p->reterr);
                if (r < 0)
                        return r;
                begin += n;
        }
        return 0;
}

static int write_content(Pack *p, int fd, const char *path, off_t size, const Range *ranges, size_t n) {
        off_t at = 0;
        int r = 0;

        if (n == 0)
                return write_data(p, fd, path, 0, size);
        for (size_t i = 0; i < n && r >= 0; i++) {
                r = write_zeros(p, ranges[i].begin - at);
                if (r >= 0)
                        r = write_data(p, fd, path, ranges[i].begin, ranges[i].end);
                at = ranges[i].end;
        }
        return r;
}

static int write_regular(Pack *p, int fd, const TarEntry *e) {
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
                tar_writer_add_data_range(p->writer, ranges[i].begin, ranges[i].end - ranges[i].begin);
        r = add_xattrs(p, fd);
        if (r >= 0)
                r = write_entry(p, e);
        return r < 0 ? r : write_content(p, fd, e->path, size, ranges, n);
}

/* --- entries --- */

/* 1: it was one, and is there. */
static int pack_hard_link(Pack *p, const TreeChange *c, const struct stat *st) {
        TarEntry e = entry_of(c, st);
        int r;

        if (st->st_nlink < 2)
                return 0;
        r = links_check(&p->links, st, c->path, &e.link);
        if (r <= 0)
                return r;
        e.hard_link = true;
        r = write_entry(p, &e);
        return r < 0 ? r : 1;
}

static int pack_regular(Pack *p, const TreeChange *c) {
        _cleanup_close_ int fd = openat(c->parent_fd, c->name,
                                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;
        TarEntry e;
        int r;

        /* A running container may have removed it, or put something else there. */
        if (fd < 0 && IN_SET(errno, ENOENT, ELOOP, ENXIO, EACCES))
                return 0;
        if (fd < 0 || fstat(fd, &st) < 0)
                return error_set_errnof(p->reterr, ERROR_INTERNAL, -errno, "Failed to open %s", c->path);
        if (!S_ISREG(st.st_mode))
                return 0;
        r = pack_hard_link(p, c, &st);
        if (r != 0)
                return r < 0 ? r : 0;
        e = entry_of(c, &st);
        return write_regular(p, fd, &e);
}

static int pack_symlink(Pack *p, const TreeChange *c) {
        TarEntry e = entry_of(c, c->st);
        char target[TAR_PATH_MAX];
        ssize_t n = readlinkat(c->parent_fd, c->name, target, sizeof(target) - 1);

        if (n <= 0)
                return 0;
        target[n] = 0;
        e.link = target;
        return write_entry(p, &e);
}

static int pack_other(Pack *p, const TreeChange *c) {
        TarEntry e = entry_of(c, c->st);
        int r;

        r = S_ISDIR(c->st->st_mode) ? add_xattrs(p, c->fd) : 0;
        return r < 0 ? r : write_entry(p, &e);
}

static int pack_present(Pack *p, const TreeChange *c) {
        int r;

        switch (c->st->st_mode & S_IFMT) {
        case S_IFREG:
                return pack_regular(p, c);
        case S_IFDIR:
                return pack_other(p, c);
        case S_IFSOCK:          /* no archive has any */
                return leave_out(p, c->path);
        default:
                r = pack_hard_link(p, c, c->st);
                if (r != 0)
                        return r < 0 ? r : 0;
                return S_ISLNK(c->st->st_mode) ? pack_symlink(p, c) : pack_other(p, c);
        }
}

/* OCI image-spec, layer.md, "Whiteouts"; always one for each name. */
static int pack_deleted(Pack *p, const TreeChange *c) {
        const char *name = path_basename(c->path);
        _cleanup_free_ char *path = NULL;

        if (asprintf_safe(&path, "%.*s" WHITEOUT_PREFIX "%s", (int) (name - c->path), c->path, name) < 0)
                return -ENOMEM;
        if (strlen(name) + strlen(WHITEOUT_PREFIX) > NAME_MAX || strlen(path) >= TAR_PATH_MAX)
                return leave_out(p, c->path);
        return write_entry(p, &(TarEntry) { .path = path, .type = S_IFREG, .mode = 0600 });
}

static int pack_change(const TreeChange *c, void *userdata) {
        Pack *p = userdata;
        int r;

        if (c->kind == TREE_DELETED)
                r = pack_deleted(p, c);
        /* In a layer such a name says that something else is deleted. */
        else if (p->difference && startswith(path_basename(c->path), WHITEOUT_PREFIX))
                r = leave_out(p, c->path);
        else
                r = pack_present(p, c);
        return r < 0 ? error_fill(p->reterr, r) : 0;
}

int tree_pack(int output_fd, int layers_fd, int own_fd, const TreeParams *params, TreePackReply *ret,
              Error *reterr) {
        _cleanup_(pack_donep) Pack p = {
                .difference = params->difference,
                .buffer = malloc(CHUNK),
                .zeros = calloc(1, CHUNK),
                .reterr = reterr,
        };
        _cleanup_(tree_diff_donep)
                        TreeDiff d = { .want_touched = true, .report = pack_change, .userdata = &p };
        int r;

        if (!p.buffer || !p.zeros)
                return error_fill(reterr, -ENOMEM);
        r = open_trees(&d, layers_fd, own_fd, params, reterr);
        if (r >= 0)
                r = tar_writer_new(output_fd, params->zstd ? TAR_ZSTD : TAR_PLAIN, &p.writer, reterr);
        if (r >= 0)
                r = tree_diff(&d, reterr);
        if (r >= 0)
                r = tar_writer_finish(p.writer, reterr);
        if (r < 0)
                return r;
        p.reply.n_left_out += d.n_too_deep;
        *ret = TAKE_STRUCT(p.reply);
        return 0;
}

/* --- list --- */

static const int docker_kinds[] = {
        [TREE_PARENT] = 0, [TREE_ADDED] = 1, [TREE_MODIFIED] = 0, [TREE_DELETED] = 2,
};

static int list_change(const TreeChange *c, void *userdata) {
        _cleanup_free_ char *path = strjoin("/", c->path), *text = NULL;
        Buffer *b = userdata;

        if (!path)
                return -ENOMEM;
        text = json_encode_text(&FilesystemChange_json,
                                &(const FilesystemChange){ path, docker_kinds[c->kind] }, 0);
        return text ? buffer_appendf(b, "%s%s", b->size > 0 ? "," : "[", text) : -ENOMEM;
}

int tree_changes(int output_fd, int layers_fd, int own_fd, const TreeParams *params, Error *reterr) {
        _cleanup_buffer_ Buffer b = {};
        _cleanup_(tree_diff_donep) TreeDiff d = { .report = list_change, .userdata = &b };
        const char *end;
        int r;

        r = open_trees(&d, layers_fd, own_fd, params, reterr);
        if (r >= 0)
                r = tree_diff(&d, reterr);
        if (r < 0)
                return r;
        end = b.size > 0 ? "]\n" : "null\n";
        r = write_full(output_fd, strempty(b.data), b.size);
        if (r >= 0)
                r = write_full(output_fd, end, strlen(end));
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to write the list") : 0;
}
