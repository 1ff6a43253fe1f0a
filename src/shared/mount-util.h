/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of the daemon's own namespace. */
#pragma once

#include "basic/macro.h"

/* Makes the directory a private mount of its own, so that what is mounted below it shows nowhere else. One
 * that is a mount already only becomes private. */
int mount_make_own(const char *path);
/* Takes that mount away again; a mount somebody else has made there stays. -EBUSY while it is in use. */
int mount_remove_own(const char *path);

/* The mount the path is on: where, and MS_SHARED and MS_SLAVE of it (both may be). */
int mount_of_path(const char *path, char **ret_point, unsigned long *ret_propagation);
