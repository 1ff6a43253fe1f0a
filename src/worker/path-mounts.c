/* SPDX-License-Identifier: Apache-2.0 */
/* The root of a container that does not run, with its bind mounts on it, in a mount namespace of our own: as
 * its next start would mount them. Goes with the process. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "image/worker-verbs.h"
#include "worker/worker.h"

static int open_source(const PathMount *m) {
        unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (m->recursive ? AT_RECURSIVE : 0);
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
        _cleanup_close_ int fd = (int) syscall(SYS_open_tree, AT_FDCWD, m->source, flags);

        if (fd < 0)
                return -errno;
        flags = AT_EMPTY_PATH | (m->read_only_recursive ? AT_RECURSIVE : 0);
        if (m->read_only && syscall(SYS_mount_setattr, fd, "", flags, &attr, sizeof(attr)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* A place below another mount is not there before that is. */
static int make_place(int root_fd, const PathMount *m, int source) {
        _cleanup_free_ char *parent = NULL;
        _cleanup_close_ int dir = -EBADF;
        struct stat st;
        int fd, r;

        if (fstat(source, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode)) {
                r = mkdir_p_in_root(root_fd, m->destination, 0755, &fd);
                return r < 0 ? r : fd;
        }
        r = path_parent(m->destination, &parent);
        if (r >= 0)
                r = mkdir_p_in_root(root_fd, parent, 0755, &dir);
        if (r < 0)
                return r;
        return RET_NERRNO(openat(dir, path_basename(m->destination),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755));
}

/* A source that is gone was nothing but an empty directory at a start. */
static int bind_one(int root_fd, const PathMount *m) {
        _cleanup_close_ int source = open_source(m), place = -EBADF;

        if (source < 0)
                return source == -ENOENT ? 0 : source;
        place = open_in_root(root_fd, m->destination, O_PATH, 0);
        if (place == -ENOENT)
                place = make_place(root_fd, m, source);
        if (place < 0)
                return place;
        return RET_NERRNO((int) syscall(SYS_move_mount, source, "", place, "",
                                        MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

/* The root of a container that runs belongs to its mount namespace, and only from there can be made a mount
 * of our own; should the number be another's by now, that fails. */
static int join_container(uint64_t pid, Error *reterr) {
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int ns = -EBADF;

        if (asprintf_safe(&path, "/proc/%" PRIu64 "/ns/mnt", pid) < 0)
                return error_fill(reterr, -ENOMEM);
        ns = open(path, O_RDONLY | O_CLOEXEC);
        if (ns >= 0 && setns(ns, CLONE_NEWNS) >= 0)
                return 0;
        return error_set_errnof(reterr, ERROR_CONFLICT, -errno, "the container ended meanwhile");
}

int mount_paths(const PathParams *p, int root_fd, Error *reterr) {
        int r;

        if (p->pid > 0)
                return join_container(p->pid, reterr);
        if (p->mounts.n_items == 0)
                return 0;
        /* A slave: what is unmounted on the host is unmounted here, too. Over our root, which stays below
         * it: the sources are found there still. */
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
            syscall(SYS_move_mount, root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno,
                                        "cannot mount the root file system of the container");
        for (size_t i = 0; i < p->mounts.n_items; i++) {
                r = bind_one(root_fd, p->mounts.items + i);
                if (r < 0)
                        return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot mount %s at %s",
                                                p->mounts.items[i].source, p->mounts.items[i].destination);
        }
        return 0;
}
