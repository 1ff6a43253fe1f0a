/* SPDX-License-Identifier: Apache-2.0 */
/* Root file systems of containers: the writable directory above an image's layers, as a detached mount. The
 * mount is nowhere in the daemon's mount table; who gets its fd attaches it (shim) or closes it. */
#pragma once

#include "basic/error.h"
#include "image/image-manager.h"

/* Makes rw_dir (absolute, below the data root) with what the storage driver needs in it. Repeatable. */
int rootfs_create(ImageManager *m, const char *rw_dir, Error *reterr);

/* What must be done before a mount and takes time: vfs copies the image, once. 0: there is nothing to do;
 * 1: handlers->done() comes, *ret can be cancelled until then, and begins anew the next time. */
int rootfs_prepare(ImageManager *m, Image *image, const char *rw_dir, const ImageJobHandlers *handlers,
                   ImageJob **ret, Error *reterr);

/* The detached mount of the root file system. Nothing is left behind when the fd is closed. */
int rootfs_mount(ImageManager *m, Image *image, const char *rw_dir, int *ret_mount_fd, Error *reterr);

/* The same for reading, of one that is in use or may be meanwhile. No device can be opened on it. */
int rootfs_mount_read_only(ImageManager *m, Image *image, const char *rw_dir, int *ret_mount_fd,
                           Error *reterr);

/* The names that an archive left out go to the log. result: a TreePackReply. what: "the archive of ...". */
void tree_pack_log(struct json_object *result, const char *what);

typedef struct RootfsReadParams {
        const char *name;               /* of the container, for messages */
        Image *image;
        const char *rw_dir;
        bool changes;                   /* Docker's list of what is other than in the image, as JSON; else
                                         * all of it as an archive */
} RootfsReadParams;

/* Writes to output_fd, which is duplicated, what is in the root file system, whether it is in use or not.
 * Who removes it meanwhile has to see that nobody takes the result for whole. */
int rootfs_read_start(ImageManager *m, const RootfsReadParams *p, int output_fd,
                      const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr);

/* Copies the directory `path` of the root file system into the directory target (absolute) if that is empty:
 * all that is in it, and owner, mode and attributes of the directory itself. Without such a directory
 * nothing is done. The storage driver has prepared the root file system. */
int rootfs_copy_start(ImageManager *m, Image *image, const char *rw_dir, const char *path,
                      const char *target, const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr);

/* 1: it is a copy of the image (vfs), *ret says when it was made, 0 = not yet. 0: it is above the image. */
int rootfs_is_copy(const char *rw_dir, nsec_t *ret_copied);

/* Moves the directory into the trash, from where a worker removes it; a missing one is fine. The data is out
 * of the way when the call returns. Any directory below the data root is allowed (a container's whole
 * directory, a volume). */
int rootfs_remove(ImageManager *m, const char *directory, Error *reterr);

/* Bytes of the regular files in rw_dir/diff (SizeRw), counted by a worker; hard links once. done is called
 * exactly once from the loop; the returned job can be cancelled. */
int rootfs_usage_start(ImageManager *m, const char *rw_dir,
                       void (*done)(ImageJob *job, int r, int64_t size, void *userdata), void *userdata,
                       ImageJob **ret, Error *reterr);

/* The same for any directory, a volume's for example. */
int directory_usage_start(ImageManager *m, const char *directory,
                          void (*done)(ImageJob *job, int r, int64_t size, void *userdata), void *userdata,
                          ImageJob **ret, Error *reterr);

/* Docker's GraphDriver.Data as map "key=value" (LowerDir, MergedDir, UpperDir, WorkDir; nothing for vfs);
 * rw_dir NULL: of the image. */
int rootfs_driver_data(ImageManager *m, Image *image, const char *rw_dir, char ***ret);
