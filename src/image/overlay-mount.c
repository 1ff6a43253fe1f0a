/* SPDX-License-Identifier: Apache-2.0 */
#include "image/overlay-mount.h"

#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "basic/strv.h"

#define PLACE_MODE 0700

/* Whatever the host's defaults are: what is in the directories is all there is to know of them, for those
 * who read them without a mount and for other mounts of them. */
static const char *const options_off[] = { "index", "metacopy", "redirect_dir" };

static int config_string(int fs, const char *key, const char *value) {
        return RET_NERRNO((int) syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0));
}

/* Linux 6.7 and later: one call a layer, no limit but overlayfs's own. */
static int mount_new_api(const OverlayMount *o, const char *diff, const char *work, int *ret) {
        _cleanup_close_ int fs = (int) syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
        int r = 0;

        if (fs < 0)
                return -errno;
        if (o->read_only)
                r = config_string(fs, "lowerdir+", diff);
        STRV_FOREACH(l, o->lower)
                if (r >= 0)
                        r = config_string(fs, "lowerdir+", *l);
        if (r >= 0 && !o->read_only)
                r = config_string(fs, "upperdir", diff);
        if (r >= 0 && !o->read_only)
                r = config_string(fs, "workdir", work);
        FOREACH_ELEMENT(name, options_off)
                if (r >= 0)
                        r = config_string(fs, *name, "off");
        if (r >= 0)
                r = RET_NERRNO((int) syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
        if (r >= 0)
                r = RET_NERRNO((int) syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0));
        if (r < 0)
                return r;
        *ret = r;
        return 0;
}

/* Mounted in a place of its own for a moment, then taken off again as a detached copy. */
static int mount_old_api(const OverlayMount *o, const char *diff, const char *work, int *ret) {
        _cleanup_free_ char *place = path_join(o->rw_dir, "mnt"), *lower = strv_join(o->short_lower, ":");
        _cleanup_buffer_ Buffer options = {};
        int r;

        if (!place || !lower)
                return -ENOMEM;
        r = o->read_only ? buffer_appendf(&options, "lowerdir=%s:%s", diff, lower) :
                           buffer_appendf(&options, "lowerdir=%s,upperdir=%s,workdir=%s", lower, diff, work);
        if (r < 0)
                return r;
        FOREACH_ELEMENT(name, options_off)
                if (buffer_appendf(&options, ",%s=off", *name) < 0)
                        return -ENOMEM;
        if (mkdir(place, PLACE_MODE) < 0 && errno != EEXIST)
                return -errno;
        if (mount("overlay", place, "overlay", 0, options.data) < 0)
                return -errno;
        r = RET_NERRNO((int) syscall(SYS_open_tree, AT_FDCWD, place, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
        (void) umount2(place, MNT_DETACH);
        (void) rmdir(place);
        if (r < 0)
                return r;
        *ret = r;
        return 0;
}

int overlay_mount(const OverlayMount *o, int *ret_mount_fd) {
        _cleanup_free_ char *diff = path_join(o->rw_dir, "diff"), *work = path_join(o->rw_dir, "work");
        int r;

        if (!diff || !work)
                return -ENOMEM;
        r = mount_new_api(o, diff, work, ret_mount_fd);
        if (r == -EINVAL || errno_is_not_supported(r))
                r = mount_old_api(o, diff, work, ret_mount_fd);
        return r;
}
