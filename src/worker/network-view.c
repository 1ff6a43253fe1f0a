/* SPDX-License-Identifier: Apache-2.0 */
/* The file system of a worker with network: an empty root into which is bound, read-only, what resolving a
 * name and checking a certificate need. */
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "worker/worker.h"

/* What there is of these; symlinks are followed here and are plain files and directories there. */
static const char *const view[] = {
        "/etc/gai.conf",
        "/etc/host.conf",
        "/etc/hosts",
        "/etc/ld.so.cache",
        "/etc/nsswitch.conf",
        "/etc/resolv.conf",
        "/etc/services",
        /* certificates, and what the links in these directories lead to */
        "/etc/ca-certificates",
        "/etc/pki",
        "/etc/ssl",
        "/usr/lib/ssl",
        "/usr/local/share/ca-certificates",
        "/usr/share/ca-certificates",
        /* modules of the name service switch and of OpenSSL */
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/lib64",
        /* name services that are asked through sockets */
        "/run/nscd",
        "/run/systemd/resolve",
        "/var/run/nscd",
};

static int make_root(void) {
        _cleanup_close_ int fs = (int) syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
        _cleanup_close_ int root = -EBADF;

        if (fs < 0)
                return -errno;
        if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
            syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", "64k", 0) < 0 ||
            syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        root = (int) syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
                             MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
        if (root < 0)
                return -errno;
        /* Over the old root, which stays below it, out of everybody's sight. */
        if (syscall(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return -errno;
        return TAKE_FD(root);
}

static int make_place(int root, const char *path, bool directory) {
        _cleanup_free_ char *parent = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = path_parent(path, &parent);
        if (r >= 0)
                r = mkdir_p_at(root, parent, 0755);
        if (r < 0)
                return r;
        if (directory)
                return mkdirat(root, path, 0755) < 0 && errno != EEXIST ? -errno : 0;
        fd = openat(root, path, O_CREAT | O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
        return fd < 0 ? -errno : 0;
}

static int set_read_only(int fd, unsigned extra) {
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                               extra };

        return RET_NERRNO((int) syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)));
}

/* Only this one file system of it, not what is mounted below. */
static int bind_read_only(int root, const char *path) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        fd = (int) syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        r = set_read_only(fd, 0);
        if (r >= 0)
                r = make_place(root, path + 1, S_ISDIR(st.st_mode));
        if (r < 0)
                return r;
        return RET_NERRNO((int) syscall(SYS_move_mount, fd, "", root, path + 1, MOVE_MOUNT_F_EMPTY_PATH));
}

int enter_network_view(void) {
        _cleanup_close_ int root = -EBADF;
        int r = 0;

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return -errno;
        root = make_root();
        if (root < 0)
                return root;
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(view); i++)
                r = bind_read_only(root, view[i]);
        if (r >= 0)
                r = set_read_only(root, MOUNT_ATTR_NOEXEC);
        if (r < 0)
                return r;
        return fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0 ? -errno : 0;
}
