/* SPDX-License-Identifier: Apache-2.0 */
#include "image/rootfs.h"

#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "basic/errno-util.h"
#include "basic/path-util.h"
#include "image/image-internal.h"
#include "image/layer-store.h"
#include "image/worker-verbs.h"

#define RW_MODE 0700
#define ROOT_MODE 0755
#define LINK_LENGTH 16

int rootfs_prepare(ImageManager *m, Image *image, const char *rw_dir, Error *reterr) {
        _cleanup_free_ char *diff = path_join(rw_dir, "diff"), *work = path_join(rw_dir, "work");

        if (!diff || !work)
                return error_fill(reterr, -ENOMEM);
        if ((mkdir(rw_dir, RW_MODE) < 0 && errno != EEXIST) || (mkdir(diff, ROOT_MODE) < 0 &&
                                                                errno != EEXIST) ||
            (mkdir(work, RW_MODE) < 0 && errno != EEXIST))
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", rw_dir);
        return 0;
}

static int config_string(int fs, const char *key, const char *value) {
        return RET_NERRNO((int) syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0));
}

/* Highest layer first, as overlayfs wants them. */
static int add_lower_layers(ImageManager *m, const Image *image, int fs) {
        for (size_t n = image->record.layers.n_items; n > 0; n--) {
                _cleanup_free_ char *path = NULL;
                int r;

                if (asprintf_safe(&path, "%s/%s/diff", m->layers_dir,
                                  image->record.layers.items[n - 1].chain) < 0)
                        return -ENOMEM;
                r = config_string(fs, "lowerdir+", path);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Linux 6.7 and later: one call a layer, no limit but overlayfs's own. */
static int mount_new_api(ImageManager *m, const Image *image, const char *diff, const char *work, int *ret) {
        _cleanup_close_ int fs = (int) syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
        int r;

        if (fs < 0)
                return -errno;
        r = add_lower_layers(m, image, fs);
        if (r >= 0)
                r = config_string(fs, "upperdir", diff);
        if (r >= 0)
                r = config_string(fs, "workdir", work);
        if (r >= 0)
                r = RET_NERRNO((int) syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
        if (r >= 0)
                r = RET_NERRNO((int) syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0));
        if (r < 0)
                return r;
        *ret = r;
        return 0;
}

/* Older kernels: mounted in a place of its own for a moment, then taken off again as a detached copy. */
static int mount_old_api(ImageManager *m, const Image *image, const char *rw_dir, const char *diff,
                         const char *work,
                         int *ret) {
        _cleanup_free_ char *options = NULL, *place = path_join(rw_dir, "mnt");
        _cleanup_buffer_ Buffer lower = {};
        int r;

        if (!place)
                return -ENOMEM;
        for (size_t n = image->record.layers.n_items; n > 0; n--)
                if (buffer_appendf(&lower, "%s%s/%.*s", lower.size > 0 ? ":" : "", m->links_dir, LINK_LENGTH,
                                   image->record.layers.items[n - 1].chain) < 0)
                        return -ENOMEM;
        if (asprintf_safe(&options, "lowerdir=%s,upperdir=%s,workdir=%s", strempty(lower.data), diff,
                          work) < 0)
                return -ENOMEM;
        if (mkdir(place, RW_MODE) < 0 && errno != EEXIST)
                return -errno;
        if (mount("overlay", place, "overlay", 0, options) < 0)
                return -errno;
        r = RET_NERRNO((int) syscall(SYS_open_tree, AT_FDCWD, place, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
        (void) umount2(place, MNT_DETACH);
        (void) rmdir(place);
        if (r < 0)
                return r;
        *ret = r;
        return 0;
}

int rootfs_mount(ImageManager *m, Image *image, const char *rw_dir, int *ret_mount_fd, Error *reterr) {
        _cleanup_free_ char *diff = path_join(rw_dir, "diff"), *work = path_join(rw_dir, "work");
        int r;

        if (!diff || !work)
                return error_fill(reterr, -ENOMEM);
        r = mount_new_api(m, image, diff, work, ret_mount_fd);
        if (r == -EINVAL || errno_is_not_supported(r))
                r = mount_old_api(m, image, rw_dir, diff, work, ret_mount_fd);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "cannot mount the root file system of image %s", image_id(image));
        return 0;
}

int rootfs_remove(ImageManager *m, const char *directory, Error *reterr) {
        return trash_directory(m, directory, reterr);
}

int rootfs_driver_data(ImageManager *m, Image *image, const char *rw_dir, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;
        _cleanup_buffer_ Buffer lower = {};
        size_t n = image->record.layers.n_items;

        /* Of an image: its highest layer is the "upper" one. */
        for (size_t i = rw_dir ? n : n - (n > 0); i > 0; i--)
                if (buffer_appendf(&lower, "%s%s/%s/diff", lower.size > 0 ? ":" : "", m->layers_dir,
                                   image->record.layers.items[i - 1].chain) < 0)
                        return -ENOMEM;
        if (lower.size > 0 && strv_extendf(&l, "LowerDir=%s", lower.data) < 0)
                return -ENOMEM;
        if (rw_dir && (strv_extendf(&l, "MergedDir=%s/merged", rw_dir) < 0 ||
                       strv_extendf(&l, "UpperDir=%s/diff", rw_dir) < 0 ||
                       strv_extendf(&l, "WorkDir=%s/work", rw_dir) < 0))
                return -ENOMEM;
        if (!rw_dir && n > 0 && strv_extendf(&l, "UpperDir=%s/%s/diff", m->layers_dir,
                                             image->record.layers.items[n - 1].chain) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(l);
        return 0;
}
