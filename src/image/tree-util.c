/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tree-util.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/string-util.h"
#include "image/layer-format.h"

DIR *open_directory_at(int dir_fd, const char *name) {
        int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *d;

        if (fd < 0)
                return NULL;
        d = fdopendir(fd);
        if (!d)
                safe_close(fd);
        return d;
}

bool is_dot(const char *name) {
        return streq(name, ".") || streq(name, "..");
}

bool is_whiteout(const struct stat *st) {
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

bool directory_has_opaque_mark(int fd) {
        char value[4];

        return fgetxattr(fd, OVERLAY_OPAQUE_XATTR, value, sizeof(value)) == 1 && value[0] == 'y';
}

int copy_xattrs(int source_fd, int target_fd) {
        _cleanup_free_ char *names = NULL, *value = NULL;
        ssize_t n, size;

        names = malloc(XATTR_SIZE_LIMIT);
        value = malloc(XATTR_SIZE_LIMIT);
        if (!names || !value)
                return -ENOMEM;
        n = flistxattr(source_fd, names, XATTR_SIZE_LIMIT);
        if (n < 0)
                return errno == ENOTSUP ? 0 : -errno;
        for (const char *p = names; p < names + n; p += strlen(p) + 1) {
                if (startswith(p, "trusted.") || startswith(p, "user.overlay."))
                        continue;
                size = fgetxattr(source_fd, p, value, XATTR_SIZE_LIMIT);
                if (size < 0 ||
                    (fsetxattr(target_fd, p, value, size, 0) < 0 && !IN_SET(errno, ENOTSUP, EPERM)))
                        return -errno;
        }
        return 0;
}

/* "dev:ino" -> path of the first, or just "seen". */
typedef struct LinkRecord {
        char key[48];
        char *path;
} LinkRecord;

void links_done(Links *l) {
        LinkRecord *r;

        HASHMAP_FOREACH(r, l->map) {
                free(r->path);
                free(r);
        }
        l->map = hashmap_free(l->map);
}

int links_check(Links *l, const struct stat *st, const char *path, const char **ret_path) {
        LinkRecord *r, *known;
        int k;

        if (!l->map) {
                l->map = hashmap_new();
                if (!l->map)
                        return -ENOMEM;
        }
        r = new0(LinkRecord, 1);
        if (!r)
                return -ENOMEM;
        snprintf(r->key, sizeof(r->key), "%" PRIx64 ":%" PRIx64, (uint64_t) st->st_dev,
                 (uint64_t) st->st_ino);
        known = hashmap_get(l->map, r->key);
        if (known) {
                free(r);
                if (ret_path)
                        *ret_path = known->path;
                return 1;
        }
        r->path = path ? strdup(path) : NULL;
        k = path && !r->path ? -ENOMEM : hashmap_put(l->map, r->key, r);
        if (k < 0) {
                free(r->path);
                free(r);
        }
        return k;
}
