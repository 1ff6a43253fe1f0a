/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layer-format.h"

#include "basic/string-table.h"
#include "basic/string-util.h"

static const char *const layer_format_table[_LAYER_FORMAT_MAX] = {
        [LAYER_FORMAT_OVERLAY] = "overlay",
        [LAYER_FORMAT_PLAIN]   = "plain",
};

DEFINE_STRING_TABLE(layer_format, LayerFormat);

bool layer_xattr_is_allowed(const char *name) {
        if (streq(name, "security.capability") || streq(name, "system.posix_acl_access") ||
            streq(name, "system.posix_acl_default"))
                return true;
        return startswith(name, "user.") && !startswith(name, "user.overlay.");
}
