/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: closing, flags, whole reads and writes, passing them over sockets. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "basic/alloc-util.h"

/* Closes (errno is kept, negative is ignored) and returns -EBADF. */
int safe_close(int fd);
static inline void closep(int *fd) {
        safe_close(*fd);
}
#define _cleanup_close_ _cleanup_(closep)

void close_pairp(int (*pair)[2]);
#define _cleanup_close_pair_ _cleanup_(close_pairp)

static inline void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}
#define _cleanup_closedir_ _cleanup_(closedirp)

#define EBADF_PAIR { -EBADF, -EBADF }

int fd_nonblock(int fd, bool on);
int fd_cloexec(int fd, bool on);

/* Until size bytes are done or EOF; returns the bytes read. Retries EINTR, waits on EAGAIN. */
ssize_t read_full(int fd, void *buf, size_t size);
int write_full(int fd, const void *buf, size_t size);

/* Reads to EOF, at most max bytes (-E2BIG beyond), NUL-terminated. */
int read_to_end(int fd, size_t max, char **ret, size_t *ret_size);

/* One datagram/segment with up to n_fds descriptors (SCM_RIGHTS). send: 0 or negative errno (MSG_NOSIGNAL).
 * receive: bytes (0 = EOF); descriptors are O_CLOEXEC and owned by the caller, *n_fds is capacity in, count
 * out;
 * -EMSGSIZE if data or descriptors were cut (the received ones are closed). */
int send_with_fds(int sock, const void *data, size_t size, const int *fds, size_t n_fds);
ssize_t receive_with_fds(int sock, void *data, size_t size, int *fds, size_t *n_fds);
#define SEND_FDS_MAX 16U

/* "/proc/self/fd/N" */
#define FD_PATH_MAX 32U
const char *format_fd_path(char buf[static FD_PATH_MAX], int fd);

/* Uid, gid and pid of the peer of a Unix socket. */
int socket_peer_credentials(int fd, pid_t *ret_pid, uid_t *ret_uid, gid_t *ret_gid);
