/* SPDX-License-Identifier: Apache-2.0 */
#include "image/rootfs.h"

#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/path-util.h"
#include "image/image-job.h"
#include "image/image-whole.h"
#include "image/init-layer.h"
#include "image/worker-verbs.h"
#include "image/layer-store.h"
#include "image/overlay-mount.h"
#include "image/rootfs-source.h"
#include "image/storage-driver.h"

#define RW_MODE 0700
#define ROOT_MODE 0755
#define MARK_MODE 0600
/* vfs: the copy of the image in diff/ is whole. */
#define COMPLETE_MARK "complete"

static int make_directory(const char *parent, const char *name, mode_t mode, Error *reterr) {
        _cleanup_free_ char *path = name ? path_join(parent, name) : strdup(parent);

        if (!path)
                return error_fill(reterr, -ENOMEM);
        if (mkdir(path, mode) < 0 && errno != EEXIST)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", path);
        return 0;
}

static bool has_entry(const char *rw_dir, const char *name) {
        _cleanup_free_ char *path = path_join(rw_dir, name);

        return path && access(path, F_OK) >= 0;
}

/* What the directory was made for, whatever the driver is by now. */
static StorageDriver driver_of(const char *rw_dir) {
        return has_entry(rw_dir, "work") ? STORAGE_DRIVER_OVERLAY : STORAGE_DRIVER_VFS;
}

int rootfs_is_copy(const char *rw_dir, nsec_t *ret_copied) {
        _cleanup_free_ char *path = path_join(rw_dir, COMPLETE_MARK);
        struct stat st;

        if (!path)
                return -ENOMEM;
        *ret_copied = 0;
        if (driver_of(rw_dir) == STORAGE_DRIVER_OVERLAY)
                return 0;
        if (stat(path, &st) >= 0)
                *ret_copied = (nsec_t) st.st_mtim.tv_sec * NSEC_PER_SEC + (nsec_t) st.st_mtim.tv_nsec;
        return 1;
}

int rootfs_create(ImageManager *m, const char *rw_dir, Error *reterr) {
        int r;

        r = make_directory(rw_dir, NULL, RW_MODE, reterr);
        if (r >= 0)
                r = make_directory(rw_dir, "diff", ROOT_MODE, reterr);
        if (r >= 0 && m->driver == STORAGE_DRIVER_OVERLAY)
                r = make_directory(rw_dir, "work", RW_MODE, reterr);
        return r;
}

/* --- vfs: a copy --- */

typedef struct CopyData {
        char *rw_dir;
} CopyData;

static void copy_free(ImageJob *j, void *data) {
        CopyData *d = data;

        if (d)
                free(d->rw_dir);
        free(d);
}

static int mark_complete(const char *rw_dir, Error *reterr) {
        _cleanup_free_ char *path = path_join(rw_dir, COMPLETE_MARK);
        int r;

        r = path ? write_file_atomic_at(AT_FDCWD, path, "", 0, MARK_MODE, WRITE_SYNC) : -ENOMEM;
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot complete %s", rw_dir) : 0;
}

static void on_copied(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;

        j->worker = NULL;
        if (r >= 0) {
                r = mark_complete(((CopyData *) j->data)->rw_dir, &e);
                error = &e;
        }
        image_job_finish(j, r, error);
}

int rootfs_layer_names(ImageManager *m, const Image *image, char ***ret, Error *reterr) {
        _cleanup_strv_free_ char **l = NULL;
        _cleanup_free_ char *init = NULL;
        int r;

        r = init_layer_ensure(m, image, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < image->record.layers.n_items && r >= 0; i++)
                r = strv_extend(&l, image->record.layers.items[i].chain);
        if (r >= 0)
                r = init_layer_name(m, image, &init);
        if (r > 0)
                r = strv_extend(&l, init);
        if (r < 0)
                return error_fill(reterr, r);
        *ret = TAKE_PTR(l);
        return 0;
}

/* A copy that was cut off is thrown away. */
static int start_copy(ImageJob *j, Image *image, const char *rw_dir, Error *reterr) {
        _cleanup_free_ char *diff = path_join(rw_dir, "diff");
        _cleanup_close_ int layers = -EBADF, target = -EBADF;
        _cleanup_strv_free_ char **chain = NULL;
        int r;

        if (!diff)
                return error_fill(reterr, -ENOMEM);
        r = image_check_layers(j->manager, image, reterr);
        if (r >= 0)
                r = rootfs_layer_names(j->manager, image, &chain, reterr);
        if (r >= 0)
                r = trash_directory(j->manager, diff, reterr);
        if (r >= 0)
                r = make_directory(rw_dir, "diff", ROOT_MODE, reterr);
        if (r < 0)
                return r;
        layers = open(j->manager->layers_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        target = open(diff, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (layers < 0 || target < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot open %s", diff);
        return worker_start(j->manager->config.workers, &(WorkerRequest) {
                .verb = "layers-merge",
                .params_type = &LayersMergeParams_json,
                .params = &(const LayersMergeParams) { .layers = chain },
                .fds = (const int[]) { layers, target },
                .n_fds = 2,
                .done = on_copied,
                .userdata = j,
        }, &j->worker, reterr);
}

int rootfs_prepare(ImageManager *m, Image *image, const char *rw_dir, const ImageJobHandlers *handlers,
                   ImageJob **ret, Error *reterr) {
        CopyData *d;
        ImageJob *j;
        int r;

        if (driver_of(rw_dir) == STORAGE_DRIVER_OVERLAY || has_entry(rw_dir, COMPLETE_MARK))
                return 0;
        j = image_job_new(m, handlers, -EBADF, reterr);
        if (!j)
                return -ENOMEM;
        j->data_free = copy_free;
        j->data = d = new0(CopyData, 1);
        r = d && (d->rw_dir = strdup(rw_dir)) ? start_copy(j, image, rw_dir, reterr) :
                                                error_fill(reterr, -ENOMEM);
        if (r < 0) {
                image_job_cancel(j);
                return r;
        }
        *ret = j;
        return 1;
}

/* --- mount --- */

/* "CHAIN" or "CHAIN/init". */
static int short_name(ImageManager *m, const char *layer, char ***l) {
        return strv_extendf(l, "%s/%.*s%s", m->links_dir, LAYER_LINK_LENGTH, layer,
                            strchr(layer, '/') ? LAYER_LINK_INIT : "");
}

static int mount_copy(const char *rw_dir, int *ret) {
        _cleanup_free_ char *diff = path_join(rw_dir, "diff");
        int r;

        if (!diff)
                return -ENOMEM;
        r = RET_NERRNO((int) syscall(SYS_open_tree, AT_FDCWD, diff, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
        if (r < 0)
                return r;
        *ret = r;
        return 0;
}

static int mount_overlay(ImageManager *m, const Image *image, const char *rw_dir, bool read_only, int *ret,
                         Error *reterr) {
        _cleanup_strv_free_ char **names = NULL, **lower = NULL, **short_lower = NULL;
        int r;

        r = rootfs_layer_names(m, image, &names, reterr);
        if (r < 0)
                return r;
        if (read_only && strv_isempty(names))   /* no overlay has one directory alone */
                return mount_copy(rw_dir, ret);
        for (size_t n = strv_length(names); n > 0; n--)
                if (strv_extendf(&lower, "%s/%s/diff", m->layers_dir, names[n - 1]) < 0 ||
                    short_name(m, names[n - 1], &short_lower) < 0)
                        return error_fill(reterr, -ENOMEM);
        return overlay_mount(&(OverlayMount) { lower, short_lower, rw_dir, read_only }, ret);
}

static int mount_root(ImageManager *m, Image *image, const char *rw_dir, bool read_only, int *ret,
                      Error *reterr) {
        int r;

        r = driver_of(rw_dir) == STORAGE_DRIVER_OVERLAY ?
                            mount_overlay(m, image, rw_dir, read_only, ret, reterr) :
                            mount_copy(rw_dir, ret);
        if (r < 0 && image_check_layers(m, image, reterr) >= 0 && !error_is_set(reterr))
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "cannot mount the root file system of image %s", image_id(image));
        return r;
}

int rootfs_mount(ImageManager *m, Image *image, const char *rw_dir, int *ret_mount_fd, Error *reterr) {
        return mount_root(m, image, rw_dir, false, ret_mount_fd, reterr);
}

int rootfs_mount_read_only(ImageManager *m, Image *image, const char *rw_dir, int *ret_mount_fd,
                           Error *reterr) {
        struct mount_attr attr = {
                .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
        };
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = mount_root(m, image, rw_dir, true, &fd, reterr);
        if (r < 0)
                return r;
        if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno,
                                        "cannot make the mount of a root file system read-only");
        *ret_mount_fd = TAKE_FD(fd);
        return 0;
}

int rootfs_remove(ImageManager *m, const char *directory, Error *reterr) {
        return trash_directory(m, directory, reterr);
}

int rootfs_driver_data(ImageManager *m, Image *image, const char *rw_dir, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;
        _cleanup_buffer_ Buffer lower = {};
        _cleanup_free_ char *init = NULL;
        size_t n = image->record.layers.n_items;

        if (rw_dir ? driver_of(rw_dir) != STORAGE_DRIVER_OVERLAY : m->driver != STORAGE_DRIVER_OVERLAY) {
                *ret = NULL;
                return 0;
        }
        if (rw_dir && init_layer_name(m, image, &init) > 0 &&
            buffer_appendf(&lower, "%s/%s/diff", m->layers_dir, init) < 0)
                return -ENOMEM;
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
