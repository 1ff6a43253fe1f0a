/* SPDX-License-Identifier: Apache-2.0 */
#include "image/path-view.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"

/* As Docker: more links than this lead nowhere. */
#define LINKS_MAX 255U

void path_view_done(PathView *v) {
        safe_close(v->fd);
        safe_close(v->parent_fd);
        free(v->clean);
        free(v->buffer);
        *v = PATH_VIEW_NULL;
}

/* --- what is in there --- */

bool path_is_kernels(int fd) {
        static const long magics[] = {
                PROC_SUPER_MAGIC,  SYSFS_MAGIC,     CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
                DEVPTS_SUPER_MAGIC, SECURITYFS_MAGIC, DEBUGFS_MAGIC,    TRACEFS_MAGIC,
                BPF_FS_MAGIC,      EFIVARFS_MAGIC,  NSFS_MAGIC,         PSTOREFS_MAGIC,
                0x19800202,        /* mqueue */
                0x62656570,        /* configfs */
                0x42494e4d,        /* binfmt_misc */
                0x65735543,        /* fusectl */
        };
        struct statfs s;

        if (fstatfs(fd, &s) < 0)
                return false;
        FOREACH_ELEMENT(m, magics)
                if ((long) s.f_type == *m)
                        return true;
        return false;
}

bool path_is_mount_root(int fd) {
        struct statx s;

        return statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &s) >= 0 &&
               (s.stx_attributes & s.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT);
}

/* --- open --- */

/* Go writes the reasons in small letters, and clients look for them. */
int path_view_failed(int r, const char *path, Error *reterr) {
        char *text = strerror(-r);

        return error_setf(reterr, r == -ENOENT ? ERROR_NOT_FOUND : ERROR_INTERNAL, "lstat %s: %c%s", path,
                          tolower((unsigned char) text[0]), text + 1);
}

static bool ends_with_dot(const char *path) {
        return streq(path, ".") || endswith(path, "/.");
}

static int parse(const char *path, PathView *v) {
        _cleanup_free_ char *absolute = strjoin("/", path);
        int r;

        if (!absolute)
                return -ENOMEM;
        r = path_clean(absolute, &v->clean);
        if (r < 0)
                return r;
        v->directory = ends_with_dot(path) || endswith(path, "/");
        v->buffer = strdup(ends_with_dot(path)     ? "." :
                           streq(v->clean, "/") ? "/" :
                                                  path_basename(v->clean));
        v->name = v->buffer;
        return v->buffer ? 0 : -ENOMEM;
}

/* What a link at the end leads to. */
static int open_followed(int root_fd, PathView *v) {
        v->fd = open_in_root(root_fd, v->clean, O_PATH | O_DIRECTORY, 0);
        if (v->fd < 0)
                return v->fd;
        v->parent_fd = fcntl(v->fd, F_DUPFD_CLOEXEC, 3);
        v->member = ".";
        return v->parent_fd < 0 ? -errno : 0;
}

static int open_itself(int root_fd, PathView *v) {
        _cleanup_free_ char *parent = NULL;
        int r;

        r = path_parent(v->clean, &parent);
        if (r < 0)
                return r;
        v->parent_fd = open_in_root(root_fd, parent, O_PATH | O_DIRECTORY, 0);
        if (v->parent_fd < 0)
                return v->parent_fd;
        v->member = path_basename(v->clean);
        v->fd = openat(v->parent_fd, v->member, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        return v->fd < 0 ? -errno : 0;
}

int path_view_open(int root_fd, const char *path, PathView *ret, Error *reterr) {
        _cleanup_(path_view_donep) PathView v = PATH_VIEW_NULL;
        int r;

        r = parse(path, &v);
        if (r < 0)
                return error_fill(reterr, r);
        r = v.directory || streq(v.clean, "/") ? open_followed(root_fd, &v) : open_itself(root_fd, &v);
        if (r >= 0)
                r = RET_NERRNO(fstat(v.fd, &v.st));
        if (r >= 0 && path_is_kernels(v.fd) && !path_is_mount_root(v.fd))
                r = -ENOENT;
        if (r < 0)
                return path_view_failed(r, path, reterr);
        *ret = TAKE_GENERIC(v, PathView, PATH_VIEW_NULL);
        return 0;
}

/* --- where a link leads to --- */

/* Text only: who asks for it is led through the container again. */
typedef struct Trace {
        int root_fd;
        char *done;             /* "/a/b", without links; "" = the root */
        char *rest;             /* what is still to be looked at */
        unsigned n_links;
} Trace;

static void trace_done(Trace *t) {
        free(t->done);
        free(t->rest);
}
DEFINE_CLEANUP_DONE(Trace, trace_done);

/* The next component, or NULL. */
static char *take_component(Trace *t) {
        char *begin = t->rest + strspn(t->rest, "/"), *component;
        size_t n = strcspn(begin, "/");

        if (n == 0)
                return NULL;
        component = strndup(begin, n);
        memmove(t->rest, begin + n, strlen(begin + n) + 1);
        return component;
}

static int follow(Trace *t, const char *target) {
        char *rest;

        if (++t->n_links > LINKS_MAX)
                return -ELOOP;
        if (target[0] == '/')
                t->done[0] = 0;
        rest = strjoin(target, "/", t->rest);
        if (!rest)
                return -ENOMEM;
        free_and_replace(t->rest, rest);
        return strlen(t->rest) > 4 * PATH_MAX ? -ENAMETOOLONG : 0;
}

static int trace_component(Trace *t, const char *component) {
        _cleanup_close_ int parent = -EBADF;
        char target[PATH_MAX], *path;
        ssize_t n = -1;

        if (streq(component, "."))
                return 0;
        if (streq(component, "..")) {
                char *slash = strrchr(t->done, '/');

                if (slash)
                        *slash = 0;
                return 0;
        }
        parent = open_in_root(t->root_fd, t->done[0] ? t->done : "/", O_PATH | O_DIRECTORY, 0);
        if (parent >= 0)
                n = readlinkat(parent, component, target, sizeof(target) - 1);
        if (n >= 0) {
                target[n] = 0;
                return follow(t, target);
        }
        path = strjoin(t->done, "/", component);
        if (!path)
                return -ENOMEM;
        free_and_replace(t->done, path);
        return 0;
}

/* As far as it exists. */
static int trace_link(int root_fd, const char *path, char **ret) {
        _cleanup_(trace_donep) Trace t = { .root_fd = root_fd, .done = strdup(""), .rest = strdup(path) };
        int r = 0;

        if (!t.done || !t.rest)
                return -ENOMEM;
        while (r >= 0) {
                _cleanup_free_ char *component = take_component(&t);

                if (!component)
                        break;
                r = trace_component(&t, component);
        }
        if (r < 0)
                return r;
        *ret = t.done[0] ? TAKE_PTR(t.done) : strdup("/");
        return *ret ? 0 : -ENOMEM;
}

/* --- stat --- */

static int64_t go_mode(mode_t mode) {
        static const struct {
                mode_t mask, value;
                int64_t go;
        } bits[] = {
                { S_IFMT, S_IFDIR, INT64_C(1) << 31 }, { S_IFMT, S_IFLNK, 1 << 27 },
                { S_IFMT, S_IFBLK, 1 << 26 },          { S_IFMT, S_IFCHR, 1 << 26 | 1 << 21 },
                { S_IFMT, S_IFIFO, 1 << 25 },          { S_IFMT, S_IFSOCK, 1 << 24 },
                { S_ISUID, S_ISUID, 1 << 23 },         { S_ISGID, S_ISGID, 1 << 22 },
                { S_ISVTX, S_ISVTX, 1 << 20 },
        };
        int64_t go = mode & 0777;

        FOREACH_ELEMENT(b, bits)
                if ((mode & b->mask) == b->value)
                        go |= b->go;
        return go;
}

/* RFC 3339 has four digits for a year. */
static int format_mtime(const struct timespec *t, char **ret) {
        static const time_t first = -62135596800, last = 253402300799;
        time_t seconds = MIN(MAX(t->tv_sec, first), last);
        char date[32], fraction[24] = "";
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || strftime(date, sizeof(date), "%m-%dT%H:%M:%S", &tm) == 0)
                return -EINVAL;
        if (t->tv_nsec > 0) {
                snprintf(fraction, sizeof(fraction), ".%09ld", t->tv_nsec);
                for (size_t n = strlen(fraction); fraction[n - 1] == '0'; n--)
                        fraction[n - 1] = 0;
        }
        return asprintf_safe(ret, "%04d-%s%sZ", tm.tm_year + 1900, date, fraction);
}

int path_view_stat(int root_fd, const PathView *v, ContainerPathStat *ret, Error *reterr) {
        _cleanup_(ContainerPathStat_donep) ContainerPathStat s = {
                .name = strdup(v->name),
                .size = v->st.st_size,
                .mode = go_mode(v->st.st_mode),
        };
        int r;

        r = format_mtime(&v->st.st_mtim, &s.mtime);
        if (r >= 0 && S_ISLNK(v->st.st_mode)) {
                r = trace_link(root_fd, v->clean, &s.link_target);
                if (r < 0)
                        return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot follow %s", v->clean);
        }
        if (r < 0 || !s.name)
                return error_fill(reterr, r < 0 ? r : -ENOMEM);
        *ret = TAKE_STRUCT(s);
        return 0;
}
