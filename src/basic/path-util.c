/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/path-util.h"

#include <dirent.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "basic/errno-util.h"
#include "basic/string-util.h"
#include "basic/strv.h"

char *path_join(const char *a, const char *b) {
        size_t n = strlen(a);

        while (n > 1 && a[n - 1] == '/')
                n--;
        while (*b == '/')
                b++;
        if (n == 0)
                return strdup(b);
        if (!*b)
                return strndup_safe(a, n);
        if (n == 1 && a[0] == '/')
                return strjoin("/", b);

        char *s = malloc(n + 1 + strlen(b) + 1);
        if (!s)
                return NULL;
        memcpy(s, a, n);
        s[n] = '/';
        stpcpy(s + n + 1, b);
        return s;
}

const char *path_basename(const char *path) {
        const char *p = strrchr(path, '/');

        return p ? p + 1 : path;
}

int path_parent(const char *path, char **ret) {
        const char *p = strrchr(path, '/');
        char *s;

        if (!p)
                s = strdup(".");
        else {
                while (p > path && p[-1] == '/')
                        p--;
                s = p == path ? strdup("/") : strndup_safe(path, p - path);
        }
        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

/* Drops the last component of the result, if there is one that ".." may take back. */
static bool pop_component(Buffer *b, size_t floor) {
        size_t i = b->size;

        if (b->size <= floor)
                return false;
        while (i > floor && b->data[i - 1] != '/')
                i--;
        if (b->size - i == 2 && memcmp(b->data + i, "..", 2) == 0)
                return false;
        b->size = i > floor ? i - 1 : floor;
        b->data[b->size] = 0;
        return true;
}

int path_clean(const char *path, char **ret) {
        _cleanup_buffer_ Buffer b = {};
        bool absolute = path[0] == '/';
        size_t floor = absolute ? 1 : 0;
        char *s;

        if (absolute && buffer_append_str(&b, "/") < 0)
                return -ENOMEM;
        for (const char *p = path; *p; ) {
                size_t n = strcspn(p, "/");

                if (n == 2 && memcmp(p, "..", 2) == 0) {
                        if (!pop_component(&b, floor) && !absolute)
                                goto append;
                } else if (n > 1 || (n == 1 && p[0] != '.')) {
                append:
                        if ((b.size > floor && buffer_append_str(&b, "/") < 0) ||
                            buffer_append(&b, p, n) < 0)
                                return -ENOMEM;
                }
                p += n;
                while (*p == '/')
                        p++;
        }
        if (b.size == 0 && buffer_append_str(&b, ".") < 0)
                return -ENOMEM;
        s = buffer_steal(&b);
        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

int mkdir_p_at(int dir_fd, const char *path, mode_t mode) {
        _cleanup_free_ char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        for (char *p = copy + (copy[0] == '/'); ; p++) {
                char c = *p;

                if (c != '/' && c != 0)
                        continue;
                *p = 0;
                if (*copy && mkdirat(dir_fd, copy, mode) < 0 && errno != EEXIST)
                        return -errno;
                *p = c;
                if (c == 0)
                        return 0;
        }
}

int mkdir_p(const char *path, mode_t mode) {
        return mkdir_p_at(AT_FDCWD, path, mode);
}

static int openat2_retry(int dir_fd, const char *path, struct open_how *how) {
        /* The kernel answers EAGAIN when a rename raced with a ".."; it asks callers to try again. */
        for (int i = 0; i < 64; i++) {
                long fd = syscall(SYS_openat2, dir_fd, path, how, sizeof(*how));

                if (fd >= 0)
                        return (int) fd;
                if (errno != EAGAIN && errno != EINTR)
                        return -errno;
        }
        return -EAGAIN;
}

/* openat2() refuses what O_PATH does not use; a terminal must never become ours by being opened. */
static uint64_t open_flags(uint64_t flags) {
        return flags | O_CLOEXEC | (FLAGS_SET(flags, O_PATH) ? 0 : O_NOCTTY);
}

int open_in_root(int root_fd, const char *path, uint64_t flags, mode_t mode) {
        struct open_how how = {
                .flags = open_flags(flags),
                .mode = mode,
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
        };

        return openat2_retry(root_fd, path, &how);
}

int open_beneath(int dir_fd, const char *path, uint64_t flags, mode_t mode) {
        struct open_how how = {
                .flags = open_flags(flags),
                .mode = mode,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };

        return openat2_retry(dir_fd, path, &how);
}

static int rm_rf_children(int fd);

static int rm_rf_entry(int dir_fd, const char *name) {
        int fd, r;

        if (unlinkat(dir_fd, name, 0) >= 0 || errno == ENOENT)
                return 0;
        if (errno != EISDIR && errno != EPERM)
                return -errno;

        fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        r = rm_rf_children(fd);
        if (r < 0)
                return r;
        if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}

/* Owns fd. Goes on after a failure so that as much as possible is gone; reports the first one. */
static int rm_rf_children(int fd) {
        struct dirent *e;
        DIR *d = fdopendir(fd);
        int r = 0;

        if (!d) {
                r = -errno;
                safe_close(fd);
                return r;
        }
        while ((e = readdir(d)))
                if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
                        RET_GATHER(r, rm_rf_entry(dirfd(d), e->d_name));
        closedir(d);
        return r;
}

int rm_rf_at(int dir_fd, const char *name) {
        return rm_rf_entry(dir_fd, name);
}
