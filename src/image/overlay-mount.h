/* SPDX-License-Identifier: Apache-2.0 */
/* One overlay file system as a detached mount. */
#pragma once

#include "basic/macro.h"

typedef struct OverlayMount {
        char *const *lower;             /* absolute paths, highest first; at least one */
        char *const *short_lower;       /* the same as short as can be, without colons: older kernels take
                                         * all of them in one page */
        const char *rw_dir;             /* with diff/ and work/ in it; mnt/ is made in it for a moment */
        bool read_only;                 /* diff/ is one more lower directory: another mount may write to
                                         * it */
} OverlayMount;

int overlay_mount(const OverlayMount *o, int *ret_mount_fd);
