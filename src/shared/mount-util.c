/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/mount-util.h"

#include <fcntl.h>
#include <libmount/libmount.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/alloc-util.h"
#include "basic/errno-util.h"
#include "basic/path-util.h"

#define OWN_MOUNTS "/proc/self/mountinfo"

static void table_unrefp(struct libmnt_table **t) {
        mnt_unref_table(*t);
}

static int is_mount_root(const char *path, struct statx *ret) {
        if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO, ret) < 0)
                return -errno;
        return ret->stx_attributes & STATX_ATTR_MOUNT_ROOT ? 1 : 0;
}

int mount_make_own(const char *path) {
        struct statx sx;
        int r;

        r = is_mount_root(path, &sx);
        if (r == 0)
                r = RET_NERRNO(mount(path, path, NULL, MS_BIND|MS_REC, NULL));
        if (r < 0)
                return r;
        return RET_NERRNO(mount(NULL, path, NULL, MS_PRIVATE, NULL));
}

/* Ours is a part of the file system around it. */
int mount_remove_own(const char *path) {
        _cleanup_free_ char *parent = NULL;
        struct statx sx, around;
        int r;

        r = path_parent(path, &parent);
        if (r >= 0)
                r = is_mount_root(path, &sx);
        if (r <= 0)
                return r;
        r = is_mount_root(parent, &around);
        if (r < 0)
                return r;
        if (sx.stx_dev_major != around.stx_dev_major || sx.stx_dev_minor != around.stx_dev_minor)
                return 0;
        return RET_NERRNO(umount2(path, UMOUNT_NOFOLLOW));
}

int mount_of_path(const char *path, char **ret_point, unsigned long *ret_propagation) {
        _cleanup_(table_unrefp) struct libmnt_table *table = mnt_new_table_from_file(OWN_MOUNTS);
        _cleanup_free_ char *real = realpath(path, NULL), *point = NULL;
        struct libmnt_fs *fs;
        unsigned long flags = 0;

        if (!real)
                return -errno;
        if (!table)
                return -ENOMEM;
        fs = mnt_table_find_mountpoint(table, real, MNT_ITER_BACKWARD);
        if (!fs)
                return -ENOENT;
        if (mnt_fs_get_propagation(fs, &flags) < 0)
                return -EIO;
        point = strdup(mnt_fs_get_target(fs));
        if (!point)
                return -ENOMEM;
        *ret_point = TAKE_PTR(point);
        *ret_propagation = flags;
        return 0;
}
