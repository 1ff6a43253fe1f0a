/* SPDX-License-Identifier: Apache-2.0 */
#include "image/init-layer.h"

#include <stdio.h>
#include <sys/stat.h>

#include "basic/crash-point.h"
#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "image/layer-store.h"
#include "image/layer-view.h"
#include "image/tree-util.h"

#define MADE_MODE 0755

/* As Docker's. A directory is in the table before what is in it. */
static const struct {
        const char *directory, *name;   /* directory: "" = the root */
        mode_t type;
        const char *target;             /* of a link */
} rows[] = {
        { "",    ".dockerenv",  S_IFREG },
        { "",    "dev",         S_IFDIR },
        { "dev", "console",     S_IFREG },
        { "dev", "pts",         S_IFDIR },
        { "dev", "shm",         S_IFDIR },
        { "",    "etc",         S_IFDIR },
        { "etc", "hostname",    S_IFREG },
        { "etc", "hosts",       S_IFREG },
        { "etc", "mtab",        S_IFLNK, "/proc/mounts" },
        { "etc", "resolv.conf", S_IFREG },
        { "",    "proc",        S_IFDIR },
        { "",    "sys",         S_IFDIR },
};

int init_layer_name(ImageManager *m, const Image *image, char **ret) {
        size_t n = image->record.layers.n_items;
        _cleanup_free_ char *name = NULL, *path = NULL;

        name = path_join(n > 0 ? image->record.layers.items[n - 1].chain : LAYER_OF_NO_LAYERS, "init");
        if (!name || asprintf_safe(&path, "%s/%s/diff", m->layers_dir, name) < 0)
                return -ENOMEM;
        if (access(path, F_OK) < 0)
                return 0;
        *ret = TAKE_PTR(name);
        return 1;
}

/* --- making it --- */

static bool link_is(int fd, const char *name, const char *target) {
        char text[PATH_MAX];
        ssize_t n = readlinkat(fd, name, text, sizeof(text));

        return n == (ssize_t) strlen(target) && memcmp(text, target, n) == 0;
}

/* A directory in the place of something else stays: it is the image's own fault then. */
static int is_there(const ViewDirectory *in, const char *name, mode_t type, const char *target) {
        struct stat st;
        int r, fd;

        r = view_lookup(in, name, &st, &fd);
        if (r <= 0)
                return r;
        return S_ISDIR(st.st_mode) ||
               ((st.st_mode & S_IFMT) == type && (!target || link_is(fd, name, target)));
}

static int make(int fd, const char *name, mode_t type, const char *target) {
        int file;

        if (type == S_IFDIR)
                return RET_NERRNO(mkdirat(fd, name, MADE_MODE));
        if (type == S_IFLNK)
                return RET_NERRNO(symlinkat(target, fd, name));
        file = openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MADE_MODE);
        if (file < 0)
                return -errno;
        safe_close(file);
        return 0;
}

/* The image's directory shows through ours, which must look the same. */
static int copy_directory(int source_fd, int fd) {
        struct timespec times[2];
        struct stat st;
        int r;

        if (fstat(source_fd, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0 ||
            fchmod(fd, st.st_mode & 07777) < 0)
                return -errno;
        r = copy_xattrs(source_fd, fd);
        times[0] = st.st_atim;
        times[1] = st.st_mtim;
        return r < 0 ? r : RET_NERRNO(futimens(fd, times));
}

/* What a directory of the image, or of what was made already, is missing. in is empty where there is
 * none. */
static int complete(const char *directory, const ViewDirectory *in, int fd) {
        FOREACH_ELEMENT(e, rows) {
                int r;

                if (!streq(e->directory, directory))
                        continue;
                r = is_there(in, e->name, e->type, e->target);
                if (r == 0)
                        r = make(fd, e->name, e->type, e->target);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int complete_below(const ViewDirectory *root, int root_fd, const char *name) {
        _cleanup_(view_directory_donep) ViewDirectory in = {};
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = view_open(root, name, &in);
        if (r < 0)
                return r;
        if (mkdirat(root_fd, name, MADE_MODE) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = complete(name, &in, fd);
        return r >= 0 && in.n_fds > 0 ? copy_directory(in.fds[0], fd) : r;
}

static int open_image(ImageManager *m, const Image *image, ViewDirectory *ret, Error *reterr) {
        _cleanup_close_ int layers = open(m->layers_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = 0;

        if (layers < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot open %s", m->layers_dir);
        for (size_t i = image->record.layers.n_items; i > 0 && r >= 0; i--) {
                _cleanup_free_ char *path = path_join(image->record.layers.items[i - 1].chain, "diff");

                r = path ? view_add_layer(ret, layers, path, reterr) : error_fill(reterr, -ENOMEM);
        }
        return r;
}

static int fill(ImageManager *m, const Image *image, const char *diff, Error *reterr) {
        _cleanup_(view_directory_donep) ViewDirectory root = {};
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = open_image(m, image, &root, reterr);
        if (r < 0)
                return r;
        if (mkdir(diff, MADE_MODE) < 0 || (fd = open(diff, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", diff);
        r = complete("", &root, fd);
        if (r >= 0)
                r = complete_below(&root, fd, "dev");
        if (r >= 0)
                r = complete_below(&root, fd, "etc");
        if (r >= 0 && root.n_fds > 0)
                r = copy_directory(root.fds[0], fd);
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot complete the image %s",
                                        image->record.id) :
                       0;
}

static int put_in_place(ImageManager *m, const Image *image, const char *staging, Error *reterr) {
        size_t n = image->record.layers.n_items;
        const char *top = n > 0 ? image->record.layers.items[n - 1].chain : LAYER_OF_NO_LAYERS;
        _cleanup_free_ char *layer = path_join(m->layers_dir, top),
                            *init = layer ? path_join(layer, "init") : NULL;

        if (!init)
                return error_fill(reterr, -ENOMEM);
        crash_point("init-layer:before-rename");
        if ((n == 0 && mkdir(layer, MADE_MODE) < 0 && errno != EEXIST) || rename(staging, init) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", init);
        return layer_link_init(m, top) < 0 ? error_fill(reterr, -ENOMEM) : 0;
}

int init_layer_ensure(ImageManager *m, const Image *image, Error *reterr) {
        _cleanup_free_ char *name = NULL, *staging = NULL, *diff = NULL;
        int r;

        r = init_layer_name(m, image, &name);
        if (r != 0)
                return r < 0 ? error_fill(reterr, r) : 0;
        r = make_staging(m, &staging, reterr);
        if (r < 0)
                return r;
        diff = path_join(staging, "diff");
        r = diff ? fill(m, image, diff, reterr) : error_fill(reterr, -ENOMEM);
        if (r >= 0)
                r = put_in_place(m, image, staging, reterr);
        if (r < 0)
                (void) trash_directory(m, staging, NULL);
        return r;
}
