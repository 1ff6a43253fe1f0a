/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/path-util.h"

#include <dirent.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/random.h>
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

static int make_in(int dir_fd, const char *name, mode_t mode) {
        if (mkdirat(dir_fd, name, mode) < 0)
                return errno == EEXIST ? -ENOTDIR : -errno;
        return 0;
}

/* Each prefix is opened from the root, so that links on the way count as inside. */
int mkdir_p_in_root(int root_fd, const char *path, mode_t mode, int *ret_fd) {
        _cleanup_close_ int fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
        _cleanup_free_ char *clean = NULL;
        char *begin, *end;
        int r;

        if (fd < 0)
                return -errno;
        r = path_clean(path, &clean);
        if (r < 0)
                return r;
        for (begin = clean + strspn(clean, "/"); *begin && !streq(begin, "."); begin = end) {
                int next;

                end = begin + strcspn(begin, "/");
                char slash = *end;
                *end = 0;
                next = open_in_root(root_fd, clean, O_PATH | O_DIRECTORY, 0);
                if (next == -ENOENT) {
                        r = make_in(fd, begin, mode);
                        if (r < 0)
                                return r;
                        next = open_in_root(root_fd, clean, O_PATH | O_DIRECTORY, 0);
                }
                if (next < 0)
                        return next;
                safe_close(fd);
                fd = next;
                if (slash)
                        *end++ = slash;
        }
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Asks what it is before it is opened: to open a device or a FIFO has effects (a watchdog starts, a writer
 * goes on). */
int open_file_in_root(int root_fd, const char *path) {
        _cleanup_close_ int fd = open_in_root(root_fd, path, O_PATH, 0);
        char name[sizeof("/proc/self/fd/-2147483648")];
        struct stat st;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -ENXIO;
        snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        return RET_NERRNO(open(name, O_RDONLY | O_CLOEXEC));
}

int open_beneath(int dir_fd, const char *path, uint64_t flags, mode_t mode) {
        struct open_how how = {
                .flags = open_flags(flags),
                .mode = mode,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };

        return openat2_retry(dir_fd, path, &how);
}

/* Descriptors that are open at a time: a container can make trees far deeper than any path. */
#define RM_RF_DEPTH_MAX 200U

typedef struct RmRf {
        int top_fd;             /* of the tree */
        bool moved;             /* something came up to it */
} RmRf;

static int rm_rf_children(RmRf *t, int fd, unsigned depth);

/* What lies too deep goes to the top of the tree, for the next round. */
static int rm_rf_move_up(RmRf *t, int dir_fd, const char *name) {
        char to[32];
        uint64_t nonce;

        if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
                return -EIO;
        snprintf(to, sizeof(to), ".remove-%016" PRIx64, nonce);
        t->moved = true;
        return RET_NERRNO(renameat(dir_fd, name, t->top_fd, to));
}

static int open_directory(int dir_fd, const char *name) {
        return RET_NERRNO(openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/* 1: it is gone, 0: it is a directory. */
static int rm_rf_unlink(int dir_fd, const char *name) {
        if (unlinkat(dir_fd, name, 0) >= 0 || errno == ENOENT)
                return 1;
        return IN_SET(errno, EISDIR, EPERM) ? 0 : -errno;
}

static int rm_rf_entry(RmRf *t, int dir_fd, const char *name, unsigned depth) {
        int fd, r;

        r = rm_rf_unlink(dir_fd, name);
        if (r != 0)
                return r < 0 ? r : 0;
        if (depth >= RM_RF_DEPTH_MAX)
                return rm_rf_move_up(t, dir_fd, name);

        fd = open_directory(dir_fd, name);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        r = rm_rf_children(t, fd, depth + 1);
        if (r < 0)
                return r;
        if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}

/* Owns fd. Goes on after a failure so that as much as possible is gone; reports the first one. */
static int rm_rf_children(RmRf *t, int fd, unsigned depth) {
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
                        RET_GATHER(r, rm_rf_entry(t, dirfd(d), e->d_name, depth));
        closedir(d);
        return r;
}

int rm_rf_at(int dir_fd, const char *name) {
        _cleanup_close_ int top = -EBADF;
        RmRf t;
        int fd, r;

        r = rm_rf_unlink(dir_fd, name);
        if (r != 0)
                return r < 0 ? r : 0;
        top = open_directory(dir_fd, name);
        if (top < 0)
                return top == -ENOENT ? 0 : top;
        do {
                t = (RmRf) { .top_fd = top };
                fd = open_directory(top, ".");
                r = fd < 0 ? fd : rm_rf_children(&t, fd, 0);
        } while (r >= 0 && t.moved);
        if (r < 0)
                return r;
        return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}
