/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-root.h"

#include <sys/stat.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"

/* As Docker makes them, whatever its umask is. */
#define MADE_MODE 0755

/* Where the runtime mounts, and two files that tell programs where they are. */
static const struct {
        const char *directory, *name;   /* directory: "" = the root */
        mode_t type;
        const char *target;             /* of a link */
} expected[] = {
        { "",    "dev",         S_IFDIR },
        { "",    "proc",        S_IFDIR },
        { "",    "sys",         S_IFDIR },
        { "",    ".dockerenv",  S_IFREG },
        { "etc", "resolv.conf", S_IFREG },
        { "etc", "hosts",       S_IFREG },
        { "etc", "hostname",    S_IFREG },
        { "etc", "mtab",        S_IFLNK, "/proc/mounts" },
};

static bool link_is(int fd, const char *name, const char *target) {
        char text[PATH_MAX];
        ssize_t n = readlinkat(fd, name, text, sizeof(text));

        return n == (ssize_t) strlen(target) && memcmp(text, target, n) == 0;
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

/* A directory in the place of something else stays: it is the image's own fault then. */
static int expect(int fd, const char *name, mode_t type, const char *target) {
        struct stat st;

        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? make(fd, name, type, target) : -errno;
        if (S_ISDIR(st.st_mode) || ((st.st_mode & S_IFMT) == type && (!target || link_is(fd, name, target))))
                return 0;
        if (unlinkat(fd, name, 0) < 0)
                return -errno;
        return make(fd, name, type, target);
}

static int expect_below(int root_fd, const char *directory, const char *name, mode_t type,
                        const char *target) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (isempty(directory))
                return expect(root_fd, name, type, target);
        r = expect(root_fd, directory, S_IFDIR, NULL);
        if (r < 0)
                return r;
        fd = openat(root_fd, directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : expect(fd, name, type, target);
}

int container_root_prepare(int root_fd, Error *reterr) {
        FOREACH_ELEMENT(e, expected) {
                int r = expect_below(root_fd, e->directory, e->name, e->type, e->target);

                if (r < 0)
                        return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                                "cannot make /%s%s%s in the container's root", e->directory,
                                                e->directory[0] ? "/" : "", e->name);
        }
        return 0;
}

int container_root_make_directory(int root_fd, const char *name, Error *reterr) {
        static const char *const mounted[] = { "/proc", "/sys", "/dev" };
        _cleanup_close_ int directory = -EBADF;
        _cleanup_free_ char *path = NULL;

        if (path_clean(name, &path) < 0)
                return error_fill(reterr, -ENOMEM);
        for (size_t i = 0; i < ELEMENTSOF(mounted); i++) {
                const char *rest = startswith(path, mounted[i]);

                if (rest && (*rest == 0 || *rest == '/'))
                        return 0;
        }
        for (char *p = path + 1; *p; p++) {
                _cleanup_close_ int parent = -EBADF;
                char *end = p + strcspn(p, "/"), saved = *end;

                p[-1] = 0;
                parent = open_in_root(root_fd, p - 1 == path ? "/" : path, O_PATH | O_DIRECTORY, 0);
                *end = 0;
                if (parent >= 0)
                        (void) mkdirat(parent, p, MADE_MODE);
                p[-1] = '/';
                *end = saved;
                if (parent < 0)
                        return 0;       /* the runtime says what is wrong with it */
                p = end;
                if (!saved)
                        break;
        }
        directory = open_in_root(root_fd, path, O_PATH | O_DIRECTORY, 0);
        if (directory == -ENOTDIR)
                return error_setf(reterr, ERROR_INTERNAL, "Cannot mkdir: %s is not a directory", name);
        return 0;
}
