/* SPDX-License-Identifier: Apache-2.0 */
#include "image/path-pack.h"

#include <fcntl.h>

#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "image/tree-archive.h"
#include "image/tree-util.h"

typedef struct PathPack {
        TreeArchive archive;
        char path[TAR_PATH_MAX];        /* of the entry in work */
        size_t path_size;
        unsigned depth;
        Error *reterr;
} PathPack;

static void path_pack_done(PathPack *p) {
        tree_archive_done(&p->archive);
}
DEFINE_CLEANUP_DONE(PathPack, path_pack_done);

static int pack_member(PathPack *p, int parent_fd, const char *name, dev_t device);

/* "a" + "b" = "a/b"; 0: it has no room. */
static size_t enter_name(PathPack *p, const char *name) {
        size_t n = p->path_size, size = strlen(name);

        if (n + 1 + size >= sizeof(p->path))
                return 0;
        if (n == 0 || p->path[n - 1] != '/')
                p->path[n++] = '/';
        memcpy(p->path + n, name, size + 1);
        return n + size;
}

static int pack_child(PathPack *p, int parent_fd, const char *name, dev_t device) {
        size_t before = p->path_size, after = enter_name(p, name);
        int r;

        if (after == 0)
                return tree_archive_leave_out(&p->archive, p->path);
        p->path_size = after;
        r = pack_member(p, parent_fd, name, device);
        p->path_size = before;
        p->path[before] = 0;
        return r;
}

static int pack_children(PathPack *p, DIR *d, dev_t device) {
        const struct dirent *e;
        int r = 0;

        if (p->depth >= TREE_DEPTH_MAX)
                return tree_archive_leave_out(&p->archive, p->path);
        p->depth++;
        while (r >= 0 && (errno = 0, e = readdir(d)))
                if (!is_dot(e->d_name))
                        r = pack_child(p, dirfd(d), e->d_name, device);
        p->depth--;
        if (r >= 0 && errno != 0)
                return error_set_errnof(p->reterr, ERROR_INTERNAL, -errno, "Failed to read %s", p->path);
        return r;
}

/* What is mounted there comes along, but for what is the kernel's. */
static int pack_directory(PathPack *p, int parent_fd, const char *name, dev_t device) {
        _cleanup_closedir_ DIR *d = open_directory_at(parent_fd, name);
        TreeMember m = { .path = p->path, .parent_fd = parent_fd, .name = name };
        struct stat st;
        int r;

        if (!d && IN_SET(errno, ENOENT, ENOTDIR, ELOOP))
                return 0;
        if (!d || fstat(dirfd(d), &st) < 0)
                return error_set_errnof(p->reterr, ERROR_INTERNAL, -errno, "Failed to open %s", p->path);
        m.fd = dirfd(d);
        m.st = &st;
        r = tree_archive_add(&p->archive, &m);
        if (r >= 0 && !(st.st_dev != device && path_is_kernels(dirfd(d))))
                r = pack_children(p, d, st.st_dev);
        return r;
}

static int pack_member(PathPack *p, int parent_fd, const char *name, dev_t device) {
        TreeMember m = { .path = p->path, .parent_fd = parent_fd, .name = name, .fd = -EBADF };
        struct stat st;

        if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 :
                                         error_set_errnof(p->reterr, ERROR_INTERNAL, -errno,
                                                          "Failed to look at %s", p->path);
        if (S_ISDIR(st.st_mode))
                return pack_directory(p, parent_fd, name, device);
        m.st = &st;
        return tree_archive_add(&p->archive, &m);
}

/* No device has this number: what is asked for is looked at as if it were mounted. */
#define NO_DEVICE ((dev_t) -1)

int path_pack(const PathPackOptions *o, const PathParams *params, TreePackReply *ret, Error *reterr) {
        _cleanup_(path_pack_donep) PathPack p = { .reterr = reterr };
        _cleanup_(ContainerPathStat_donep) ContainerPathStat stat = {};
        _cleanup_(path_view_donep) PathView v = PATH_VIEW_NULL;
        int r;

        r = path_view_open(o->root_fd, params->path, &v, reterr);
        if (r >= 0)
                r = path_view_stat(o->root_fd, &v, &stat, reterr);
        if (r >= 0)
                r = o->found(&stat, reterr);
        if (r >= 0)
                r = tree_archive_new(&p.archive, o->output_fd, TAR_PLAIN, reterr);
        if (r < 0)
                return r;
        p.path_size = strlen(v.name);
        memcpy(p.path, v.name, p.path_size + 1);
        r = pack_member(&p, v.parent_fd, v.member, NO_DEVICE);
        if (r >= 0)
                r = tar_writer_finish(p.archive.writer, reterr);
        if (r < 0)
                return error_fill(reterr, r);
        *ret = TAKE_STRUCT(p.archive.reply);
        return 0;
}
