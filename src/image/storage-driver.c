/* SPDX-License-Identifier: Apache-2.0 */
#include "image/storage-driver.h"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/log.h"
#include "basic/path-util.h"
#include "image/image-internal.h"
#include "image/layer-store.h"
#include "image/overlay-mount.h"

#define OVERLAY_PARAMETERS "/sys/module/overlay/parameters/"
#define XFS_MAGIC 0x58465342
#define ZFS_MAGIC 0x2fc12fc1
#define TRIAL_MODE 0700

static const char *const driver_names[_STORAGE_DRIVER_MAX] = {
        [STORAGE_DRIVER_OVERLAY] = "overlay2",
        [STORAGE_DRIVER_VFS] = "vfs",
};

/* As Docker names them. */
static const struct {
        unsigned long magic;
        const char *name;
} file_systems[] = {
        { EXT4_SUPER_MAGIC,      "extfs"     },
        { XFS_MAGIC,             "xfs"       },
        { BTRFS_SUPER_MAGIC,     "btrfs"     },
        { F2FS_SUPER_MAGIC,      "f2fs"      },
        { TMPFS_MAGIC,           "tmpfs"     },
        { OVERLAYFS_SUPER_MAGIC, "overlayfs" },
        { NFS_SUPER_MAGIC,       "nfs"       },
        { FUSE_SUPER_MAGIC,      "fuse"      },
        { ZFS_MAGIC,             "zfs"       },
};

const char *storage_driver_to_string(StorageDriver d) {
        assert(d >= 0 && d < _STORAGE_DRIVER_MAX);
        return driver_names[d];
}

static int try_mount(const char *directory) {
        static const char *const names[] = { "lower", "diff", "work" };
        _cleanup_free_ char *lower = path_join(directory, "lower");
        _cleanup_close_ int fd = -EBADF;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *path = path_join(directory, names[i]);

                if (!path)
                        return -ENOMEM;
                if (mkdir(path, TRIAL_MODE) < 0)
                        return -errno;
        }
        if (!lower)
                return -ENOMEM;
        r = overlay_mount(
                        &(OverlayMount){
                                        .lower = (char *[]){ lower, NULL },
                                        .short_lower = (char *[]){ lower, NULL },
                                        .rw_dir = directory,
                        },
                        &fd);
        return r;
}

static int trial(ImageManager *m, Error *reterr) {
        _cleanup_free_ char *directory = NULL;
        int r;

        r = make_staging(m, &directory, reterr);
        if (r < 0)
                return r;
        r = try_mount(directory);
        (void) rm_rf_at(AT_FDCWD, directory);
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "the file system of %s cannot carry the storage driver overlay2",
                                        m->config.data_root) :
                       0;
}

int storage_driver_choose(ImageManager *m, const char *wanted, StorageDriver *ret, Error *reterr) {
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        if (streq(strempty(wanted), driver_names[STORAGE_DRIVER_VFS])) {
                *ret = STORAGE_DRIVER_VFS;
                return 0;
        }
        if (!isempty(wanted) && !streq(wanted, driver_names[STORAGE_DRIVER_OVERLAY]))
                return error_setf(reterr, ERROR_INVALID,
                                  "there is no storage driver %s; there are overlay2 and vfs", wanted);
        r = trial(m, &e);
        if (r < 0 && !isempty(wanted))
                return error_copy(reterr, &e);
        if (r < 0)
                log_warning("%s; vfs is used, which copies every image for every container",
                            error_message(&e));
        *ret = r < 0 ? STORAGE_DRIVER_VFS : STORAGE_DRIVER_OVERLAY;
        return 0;
}

static const char *file_system_name(const char *path) {
        struct statfs s;

        if (statfs(path, &s) >= 0)
                for (size_t i = 0; i < ELEMENTSOF(file_systems); i++)
                        if ((unsigned long) s.f_type == file_systems[i].magic)
                                return file_systems[i].name;
        return "<unknown>";
}

/* Whether directory entries carry their type, which overlayfs needs for its marks. */
static bool entries_have_types(const char *path) {
        DIR *d = opendir(path);
        struct dirent *e;
        bool yes = false;

        while (d && (e = readdir(d)))
                if (streq(e->d_name, "."))
                        yes = e->d_type == DT_DIR;
        if (d)
                closedir(d);
        return yes;
}

static const char *overlay_parameter(const char *name) {
        _cleanup_free_ char *path = strjoin(OVERLAY_PARAMETERS, name), *value = NULL;

        return path && read_line_file(path, &value) >= 0 && streq(value, "Y") ? "true" : "false";
}

int storage_driver_status(const ImageManager *m, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;
        bool redirect;
        int r;

        r = strv_extendf(&l, "Backing Filesystem=%s", file_system_name(m->config.data_root));
        if (r >= 0 && m->driver == STORAGE_DRIVER_OVERLAY) {
                redirect = streq(overlay_parameter("redirect_dir"), "true");
                r = strv_extendf(&l, "Supports d_type=%s",
                                 entries_have_types(m->layers_dir) ? "true" : "false");
                if (r >= 0)
                        r = strv_extendf(&l, "Using metacopy=%s", overlay_parameter("metacopy"));
                if (r >= 0)
                        r = strv_extendf(&l, "Native Overlay Diff=%s", redirect ? "false" : "true");
                if (r >= 0)
                        r = strv_extend(&l, "userxattr=false");
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}
