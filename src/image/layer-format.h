/* SPDX-License-Identifier: Apache-2.0 */
/* How a layer directory says what is deleted in the layers below it. Apart from layer-apply.h, so that the
 * daemon does not link an archive library. */
#pragma once

#include <errno.h>
#include <stdbool.h>

/* How "deleted below" is written down: overlayfs marks (0:0 character devices, trusted.overlay.opaque), or
 * the .wh. files of the archive as they are, for file systems that cannot hold the marks (read by the vfs
 * driver only). */
typedef enum LayerFormat {
        LAYER_FORMAT_OVERLAY,
        LAYER_FORMAT_PLAIN,
        _LAYER_FORMAT_MAX,
        _LAYER_FORMAT_INVALID = -EINVAL,
} LayerFormat;

const char *layer_format_to_string(LayerFormat format);
LayerFormat layer_format_from_string(const char *s);

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_META_PREFIX ".wh..wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define OVERLAY_OPAQUE_XATTR "trusted.overlay.opaque"

/* Extended attributes an image may carry. Everything else is dropped: trusted.* and user.overlay.* steer
 * overlayfs itself ("redirect" names any directory of the layers), security.selinux and kin belong to the
 * host's policy. */
bool layer_xattr_is_allowed(const char *name);
