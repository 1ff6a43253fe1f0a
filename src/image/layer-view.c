/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layer-view.h"

#include <fcntl.h>

#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "image/tree-util.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

void view_directory_done(ViewDirectory *d) {
        for (size_t i = 0; i < d->n_fds; i++)
                safe_close(d->fds[i]);
        free(d->fds);
        *d = (ViewDirectory) {};
}

/* Takes the descriptor. */
static int append_fd(ViewDirectory *d, int fd) {
        int *fds = reallocarray(d->fds, d->n_fds + 1, sizeof(int));

        if (!fds) {
                safe_close(fd);
                return -ENOMEM;
        }
        d->fds = fds;
        fds[d->n_fds++] = fd;
        return 0;
}

int view_add_layer(ViewDirectory *root, int dir_fd, const char *path, Error *reterr) {
        int fd;

        if (root->n_fds >= LAYER_VIEW_MAX)
                return error_setf(reterr, ERROR_INVALID, "more than %u layers", LAYER_VIEW_MAX);
        fd = open_beneath(dir_fd, path, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, fd, "Failed to open layer %s", path);
        return append_fd(root, fd) < 0 ? error_fill(reterr, -ENOMEM) : 0;
}

/* --- names --- */

void view_names_done(ViewNames *l) {
        for (size_t i = 0; i < l->n_items; i++)
                free(l->items[i]);
        free(l->items);
        *l = (ViewNames) {};
}

static int add_name(ViewNames *l, const char *name, unsigned layer, bool hidden) {
        size_t size = strlen(name) + 1;
        ViewName *n;

        if (!GREEDY_REALLOC0(l->items, l->n_allocated, l->n_items + 1))
                return -ENOMEM;
        n = malloc(sizeof(ViewName) + size);
        if (!n)
                return -ENOMEM;
        *n = (ViewName) { .layer = layer, .hidden = hidden };
        memcpy(n->name, name, size);
        l->items[l->n_items++] = n;
        return 0;
}

static bool entry_is_whiteout(int dir_fd, const struct dirent *e) {
        struct stat st;

        if (e->d_type != DT_CHR && e->d_type != DT_UNKNOWN)
                return false;
        return fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && is_whiteout(&st);
}

static int read_names(const ViewDirectory *d, unsigned layer, ViewNames *l) {
        _cleanup_closedir_ DIR *dir = open_directory_at(d->fds[layer], ".");
        struct dirent *e;
        int r = 0;

        if (!dir)
                return -errno;
        errno = 0;
        while (r >= 0 && (e = readdir(dir))) {
                if (!is_dot(e->d_name))
                        r = add_name(l, e->d_name, layer, entry_is_whiteout(dirfd(dir), e));
                errno = 0;
        }
        /* A directory that was removed meanwhile is empty. */
        return r < 0 ? r : errno == ENOENT ? 0 : -errno;
}

static int compare_names(const void *a, const void *b) {
        const ViewName *x = *(ViewName *const *) a, *y = *(ViewName *const *) b;
        int c = strcmp(x->name, y->name);

        return c != 0 ? c : x->layer < y->layer ? -1 : x->layer > y->layer;
}

/* Of each name the highest counts, and not even that one if it is a mark. */
static void drop_hidden(ViewNames *l) {
        size_t n = 0;

        for (size_t i = 0, next; i < l->n_items; i = next) {
                for (next = i + 1; next < l->n_items && streq(l->items[next]->name, l->items[i]->name);
                     next++)
                        l->items[next] = mfree(l->items[next]);
                if (l->items[i]->hidden)
                        free(l->items[i]);
                else
                        l->items[n++] = l->items[i];
        }
        l->n_items = n;
}

int view_list(const ViewDirectory *d, ViewNames *ret) {
        _cleanup_(view_names_donep) ViewNames l = {};
        int r = 0;

        for (unsigned i = 0; i < d->n_fds && r >= 0; i++)
                r = read_names(d, i, &l);
        if (r < 0)
                return r;
        if (l.n_items > 0)
                qsort(l.items, l.n_items, sizeof(*l.items), compare_names);
        drop_hidden(&l);
        *ret = TAKE_STRUCT(l);
        return 0;
}

/* --- one name --- */

static bool errno_is_absent(int e) {
        return IN_SET(e, ENOENT, ENOTDIR, ELOOP);
}

int view_lookup(const ViewDirectory *d, const char *name, struct stat *ret, int *ret_fd) {
        for (size_t i = 0; i < d->n_fds; i++) {
                *ret_fd = d->fds[i];
                if (fstatat(d->fds[i], name, ret, AT_SYMLINK_NOFOLLOW) >= 0)
                        return !is_whiteout(ret);
                if (errno != ENOENT)
                        return -errno;
        }
        return 0;
}

/* Down to the first that is no directory, or that hides what is below it. */
int view_open(const ViewDirectory *d, const char *name, ViewDirectory *ret) {
        _cleanup_(view_directory_donep) ViewDirectory child = {};
        bool hides = false;
        int r = 0;

        for (size_t i = 0; i < d->n_fds && r >= 0 && !hides; i++) {
                int fd = openat(d->fds[i], name, DIRECTORY_FLAGS);

                if (fd >= 0) {
                        hides = directory_has_opaque_mark(fd);
                        r = append_fd(&child, fd);
                } else if (errno != ENOENT) {
                        if (!errno_is_absent(errno))
                                return -errno;
                        break;
                }
        }
        if (r < 0 || child.n_fds == 0)
                return r;
        *ret = TAKE_STRUCT(child);
        return 1;
}
