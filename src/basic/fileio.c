/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/fileio.h"

#include <stdio.h>
#include <sys/random.h>

#include "basic/errno-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"

int read_file_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size) {
        _cleanup_close_ int fd = -EBADF;

        fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        return read_to_end(fd, max, ret, ret_size);
}

int read_line_file(const char *path, char **ret) {
        char *s;
        int r;

        r = read_file_at(AT_FDCWD, path, FILE_SIZE_MAX_DEFAULT, &s, NULL);
        if (r < 0)
                return r;
        s[strcspn(s, "\n")] = 0;
        *ret = s;
        return 0;
}

int write_string_file(const char *path, const char *value) {
        _cleanup_close_ int fd = -EBADF;
        size_t n = strlen(value);
        ssize_t k;

        fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        k = write(fd, value, n);
        if (k < 0)
                return -errno;
        return (size_t) k == n ? 0 : -EIO;
}

int fsync_directory_of(int dir_fd, const char *path) {
        _cleanup_free_ char *parent = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = path_parent(path, &parent);
        if (r < 0)
                return r;
        fd = openat(dir_fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return RET_NERRNO(fsync(fd));
}

static int write_and_rename(int dir_fd, const char *temp, const char *path, int fd,
                            const void *data, size_t size, WriteFlags flags) {
        int r;

        r = write_full(fd, data, size);
        if (r < 0)
                return r;
        if (FLAGS_SET(flags, WRITE_SYNC) && fsync(fd) < 0)
                return -errno;
        if (renameat(dir_fd, temp, dir_fd, path) < 0)
                return -errno;
        return FLAGS_SET(flags, WRITE_SYNC) ? fsync_directory_of(dir_fd, path) : 0;
}

int write_file_atomic_at(int dir_fd, const char *path, const void *data, size_t size, mode_t mode,
                         WriteFlags flags) {
        _cleanup_free_ char *temp = NULL;
        _cleanup_close_ int fd = -EBADF;
        uint32_t nonce;
        int r;

        if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
                return -EIO;
        r = asprintf_safe(&temp, "%s.tmp-%08x", path, nonce);
        if (r < 0)
                return r;

        fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        r = RET_NERRNO(fchmod(fd, mode));
        if (r >= 0)
                r = write_and_rename(dir_fd, temp, path, fd, data, size, flags);
        if (r < 0)
                (void) unlinkat(dir_fd, temp, 0);
        return r;
}
