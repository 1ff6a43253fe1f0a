/* SPDX-License-Identifier: Apache-2.0 */
/* Directories with Docker's modes, the lock that keeps two daemons apart, the pidfile. */
#include "main/daemon.h"

#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "basic/fileio.h"
#include "basic/parse-util.h"
#include "basic/path-util.h"
#include "basic/process-util.h"
#include "shared/mount-util.h"

#define DATA_ROOT_MODE 0710
#define EXEC_ROOT_MODE 0711
#define TMP_MODE 0700
#define LOCK_WAIT_USEC (2 * USEC_PER_SEC)
#define LOCK_POLL_USEC (10 * USEC_PER_MSEC)

static int make_root(const char *path, mode_t mode, Error *reterr) {
        int r;

        r = mkdir_p(path, mode);
        if (r >= 0 && chmod(path, mode) < 0)
                r = -errno;
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot make the directory %s", path);
        return 0;
}

/* A live process that is a daemon like us; anything else that got the number is no reason not to start. */
static bool pid_is_daemon(uint64_t pid) {
        _cleanup_free_ char *path = NULL, *name = NULL;

        if (pid == 0 || pid > INT32_MAX || (pid_t) pid == getpid())
                return false;
        if (asprintf_safe(&path, "/proc/%d/comm", (pid_t) pid) < 0 || read_line_file(path, &name) < 0)
                return false;
        return streq(name, "dockerd");
}

/* Who has the lock says so in the file; 0 = nobody who is still there. */
static uint64_t lock_owner(int fd) {
        _cleanup_free_ char *text = NULL;
        uint64_t pid;

        if (lseek(fd, 0, SEEK_SET) < 0 || read_to_end(fd, 16, &text, NULL) < 0 || !text)
                return 0;
        return parse_uint64(strstrip(text), &pid) >= 0 && pid_is_daemon(pid) ? pid : 0;
}

/* Of a daemon that was killed, a child that is about to become another program may hold the lock yet. */
static int wait_for_lock(int fd, uint64_t *ret_owner) {
        usec_t end = now_usec(CLOCK_MONOTONIC) + LOCK_WAIT_USEC;

        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                *ret_owner = lock_owner(fd);
                if (*ret_owner > 0 || now_usec(CLOCK_MONOTONIC) > end)
                        return -EBUSY;
                (void) usleep(LOCK_POLL_USEC);
        }
        return 0;
}

static int take_lock(const char *what, const char *root, int *ret_fd, Error *reterr) {
        _cleanup_free_ char *path = path_join(root, "lock");
        _cleanup_close_ int fd = -EBADF;
        uint64_t owner = 0;
        char pid[16];

        if (!path)
                return error_fill(reterr, -ENOMEM);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot open %s", path);
        if (wait_for_lock(fd, &owner) < 0)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "the %s %s is in use by another daemon (process %d)", what, root,
                                  (int) owner);
        snprintf(pid, sizeof(pid), "%d\n", getpid());
        if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, strlen(pid), 0) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot write %s", path);
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int lock_data_root(Daemon *d, Error *reterr) {
        return take_lock("data root", d->config->engine.data_root, &d->lock_fd, reterr);
}

static int lock_exec_root(Daemon *d, Error *reterr) {
        return take_lock("exec root", d->config->engine.exec_root, &d->exec_lock_fd, reterr);
}

/* Mounts below the exec root (network namespaces) must not propagate into the shims' own mount namespaces
 * and back. */
static int make_exec_root_own(Daemon *d, Error *reterr) {
        const char *path = d->config->engine.exec_root;
        int r;

        r = mount_make_own(path);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot make %s a private mount", path);
        d->exec_root_mounted = true;
        return 0;
}

static int check_root_user(Error *reterr) {
        return geteuid() == 0 ? 0 :
                                error_setf(reterr, ERROR_FORBIDDEN,
                                           "dockerd needs to be started with root privileges");
}

int root_lock_existing(Daemon *d, Error *reterr) {
        const EngineConfig *c = &d->config->engine;
        int r;

        r = check_root_user(reterr);
        if (r >= 0 && access(c->data_root, F_OK) >= 0)
                r = lock_data_root(d, reterr);
        if (r >= 0 && access(c->exec_root, F_OK) >= 0)
                r = lock_exec_root(d, reterr);
        return r;
}

int root_lock(Daemon *d, Error *reterr) {
        const char *root = d->config->engine.data_root;
        int r;

        r = check_root_user(reterr);
        if (r < 0)
                return r;
        if (access(root, F_OK) < 0)
                return error_set_errnof(reterr, ERROR_NOT_FOUND, -errno, "cannot open the data root %s", root);
        (void) umask(0022);
        return lock_data_root(d, reterr);
}

int root_open(Daemon *d, Error *reterr) {
        const EngineConfig *c = &d->config->engine;
        _cleanup_free_ char *tmp = path_join(c->data_root, "tmp");
        int r;

        r = check_root_user(reterr);
        if (r < 0)
                return r;
        if (!tmp)
                return error_fill(reterr, -ENOMEM);
        (void) umask(0022);
        r = make_root(c->data_root, DATA_ROOT_MODE, reterr);
        if (r >= 0)
                r = lock_data_root(d, reterr);
        if (r >= 0)
                r = make_root(tmp, TMP_MODE, reterr);
        if (r >= 0)
                r = make_root(c->exec_root, EXEC_ROOT_MODE, reterr);
        if (r >= 0)
                r = lock_exec_root(d, reterr);
        return r < 0 ? r : make_exec_root_own(d, reterr);
}

void root_close(Daemon *d) {
        /* Its file is on the mount. */
        d->exec_lock_fd = safe_close(d->exec_lock_fd);
        /* It is busy while a container runs, and stays for the next daemon. */
        if (d->exec_root_mounted)
                (void) mount_remove_own(d->config->engine.exec_root);
        d->exec_root_mounted = false;
        d->lock_fd = safe_close(d->lock_fd);
}

int pidfile_write(Daemon *d, Error *reterr) {
        const char *path = d->config->pidfile;
        _cleanup_free_ char *line = NULL, *parent = NULL;
        char text[16];
        uint64_t pid;
        int r;

        if (isempty(path))
                return 0;
        if (read_line_file(path, &line) >= 0 && parse_uint64(strstrip(line), &pid) >= 0 &&
            pid_is_daemon(pid))
                return error_setf(reterr, ERROR_CONFLICT,
                                  "process with PID %d is still running: ensure docker is not running or "
                                  "delete %s",
                                  (int) pid, path);
        snprintf(text, sizeof(text), "%d", getpid());
        r = path_parent(path, &parent);
        if (r >= 0)
                r = mkdir_p(parent, 0755);
        if (r >= 0)
                r = write_file_atomic_at(AT_FDCWD, path, text, strlen(text), 0644, 0);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to write the pidfile %s", path);
        d->pidfile_written = true;
        return 0;
}

void pidfile_remove(Daemon *d) {
        if (d->pidfile_written)
                (void) unlink(d->config->pidfile);
        d->pidfile_written = false;
}
