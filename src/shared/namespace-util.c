/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces: making, pinning under a name, and working inside one. Nothing about interfaces. */
#include "shared/namespace-util.h"

#include <linux/magic.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <linux/nsfs.h>

#include "basic/errno-util.h"

/* Of the thread, not of the process: /proc/self is the thread group leader. */
#define OWN_NETNS "/proc/thread-self/ns/net"

static int own_netns_open(void) {
        return RET_NERRNO(open(OWN_NETNS, O_RDONLY|O_CLOEXEC));
}

static void netns_restore(int own_fd) {
        /* Going on in a container's namespace would put the daemon's next socket there. */
        assert(setns(own_fd, CLONE_NEWNET) >= 0);
}

static int create_name(const char *path) {
        int fd;

        fd = open(path, O_RDONLY|O_CREAT|O_EXCL|O_CLOEXEC|O_NOFOLLOW, 0000);
        if (fd < 0)
                return -errno;
        safe_close(fd);
        return 0;
}

/* The part of netns_create() that runs inside the new namespace. */
static int setup_inside(const char *path, NamespaceFunction function, void *userdata) {
        int r;

        r = RET_NERRNO(mount(OWN_NETNS, path, NULL, MS_BIND, NULL));
        if (r < 0)
                return r;
        return function ? function(userdata) : 0;
}

int netns_create(const char *path, NamespaceFunction function, void *userdata, int *ret_fd) {
        _cleanup_close_ int own_fd = -EBADF, new_fd = -EBADF;
        int r;

        assert(path);

        own_fd = own_netns_open();
        if (own_fd < 0)
                return own_fd;
        r = create_name(path);
        if (r < 0)
                return r;

        r = RET_NERRNO(unshare(CLONE_NEWNET));
        if (r >= 0) {
                r = setup_inside(path, function, userdata);
                if (r >= 0 && ret_fd)
                        r = new_fd = own_netns_open();
                netns_restore(own_fd);
        }
        if (r < 0) {
                (void) netns_remove(path);
                return r;
        }

        if (ret_fd)
                *ret_fd = TAKE_FD(new_fd);
        return 0;
}

int netns_run(int netns_fd, NamespaceFunction function, void *userdata) {
        _cleanup_close_ int own_fd = -EBADF;
        int r;

        assert(netns_fd >= 0);
        assert(function);

        own_fd = own_netns_open();
        if (own_fd < 0)
                return own_fd;
        if (setns(netns_fd, CLONE_NEWNET) < 0)
                return -errno;

        r = function(userdata);
        netns_restore(own_fd);
        return r;
}

int netns_open(const char *path, int *ret_fd) {
        _cleanup_close_ int fd = -EBADF;
        struct statfs sfs;

        assert(path);
        assert(ret_fd);

        fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        if (fstatfs(fd, &sfs) < 0)
                return -errno;
        if (sfs.f_type != NSFS_MAGIC || ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
                return -EINVAL;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int netns_remove(const char *path) {
        assert(path);

        /* Detached: a process that still looks into the mount must not keep the name busy. */
        while (umount2(path, MNT_DETACH|UMOUNT_NOFOLLOW) >= 0)
                ;
        if (!IN_SET(errno, EINVAL, ENOENT))
                return -errno;
        if (unlink(path) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}
