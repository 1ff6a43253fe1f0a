/* SPDX-License-Identifier: Apache-2.0 */
/* How the layers of an image become a root file system: "overlay2" mounts them, "vfs" copies them, for file
 * systems that cannot carry overlayfs. Layers on the disk are the same for both; each container keeps to
 * what it was made with. */
#pragma once

#include "image/image-manager.h"

typedef enum StorageDriver {
        STORAGE_DRIVER_OVERLAY,
        STORAGE_DRIVER_VFS,
        _STORAGE_DRIVER_MAX,
        _STORAGE_DRIVER_INVALID = -EINVAL,
} StorageDriver;

const char *storage_driver_to_string(StorageDriver d);

/* wanted: what the configuration says; NULL or "": overlay2 if a trial mount in tmp/ succeeds, else vfs with
 * a warning. */
int storage_driver_choose(ImageManager *m, const char *wanted, StorageDriver *ret, Error *reterr);
/* Docker's DriverStatus rows as map "key=value". */
int storage_driver_status(const ImageManager *m, char ***ret);
