/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/fd-util.h"

#include <poll.h>
#include <stdio.h>

#include "basic/errno-util.h"
#include "basic/string-util.h"

int safe_close(int fd) {
        if (fd >= 0) {
                int saved = errno;

                assert(close(fd) >= 0 || errno != EBADF);
                errno = saved;
        }
        return -EBADF;
}

void close_pairp(int (*pair)[2]) {
        (*pair)[0] = safe_close((*pair)[0]);
        (*pair)[1] = safe_close((*pair)[1]);
}

static int set_flag(int fd, int get, int set, int flag, bool on) {
        int flags = fcntl(fd, get);

        if (flags < 0)
                return -errno;
        if (FLAGS_SET(flags, flag) == on)
                return 0;
        return RET_NERRNO(fcntl(fd, set, on ? flags | flag : flags & ~flag));
}

int fd_nonblock(int fd, bool on) {
        return set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int fd_cloexec(int fd, bool on) {
        return set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

/* True if the failed call shall be tried again, after waiting where it would block. */
static bool retry_io(int fd, short events) {
        struct pollfd p = { .fd = fd, .events = events };

        if (errno == EINTR)
                return true;
        if (errno != EAGAIN)
                return false;
        return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

ssize_t read_full(int fd, void *buf, size_t size) {
        size_t n = 0;

        while (n < size) {
                ssize_t k = read(fd, (char *) buf + n, size - n);

                if (k < 0) {
                        if (retry_io(fd, POLLIN))
                                continue;
                        return -errno;
                }
                if (k == 0)
                        break;
                n += k;
        }
        return n;
}

int write_full(int fd, const void *buf, size_t size) {
        while (size > 0) {
                ssize_t k = write(fd, buf, size);

                if (k < 0) {
                        if (retry_io(fd, POLLOUT))
                                continue;
                        return -errno;
                }
                buf = (const char *) buf + k;
                size -= k;
        }
        return 0;
}

int read_to_end(int fd, size_t max, char **ret, size_t *ret_size) {
        _cleanup_buffer_ Buffer b = {};
        char *s;

        for (;;) {
                char piece[16384];
                ssize_t k = read_full(fd, piece, sizeof(piece));

                if (k < 0)
                        return k;
                if (k == 0)
                        break;
                if (b.size + k > max)
                        return -E2BIG;
                if (buffer_append(&b, piece, k) < 0)
                        return -ENOMEM;
        }
        if (ret_size)
                *ret_size = b.size;
        s = buffer_steal(&b);
        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

int send_with_fds(int sock, const void *data, size_t size, const int *fds, size_t n_fds) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int) * SEND_FDS_MAX)];
        } control = {};
        struct iovec iov = { .iov_base = (void *) data, .iov_len = size };
        struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

        assert(n_fds <= SEND_FDS_MAX);

        if (n_fds > 0) {
                mh.msg_control = &control;
                mh.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
                control.header = (struct cmsghdr) {
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                        .cmsg_len = CMSG_LEN(sizeof(int) * n_fds),
                };
                memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n_fds);
        }
        for (;;) {
                ssize_t k = sendmsg(sock, &mh, MSG_NOSIGNAL);

                if (k >= 0)
                        return (size_t) k == size ? 0 : -EMSGSIZE;
                if (errno != EINTR)
                        return -errno;
        }
}

/* Takes the descriptors out of a received message; closes those beyond the capacity. */
static bool collect_fds(struct msghdr *mh, int *fds, size_t capacity, size_t *ret_n) {
        size_t n = 0;
        bool cut = false;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
                size_t k;

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                k = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < k; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
                        if (n < capacity)
                                fds[n++] = fd;
                        else {
                                safe_close(fd);
                                cut = true;
                        }
                }
        }
        *ret_n = n;
        return cut;
}

ssize_t receive_with_fds(int sock, void *data, size_t size, int *fds, size_t *n_fds) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int) * SEND_FDS_MAX)];
        } control;
        struct iovec iov = { .iov_base = data, .iov_len = size };
        struct msghdr mh = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        size_t n;
        bool cut;
        ssize_t k;

        do
                k = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
        while (k < 0 && errno == EINTR);
        if (k < 0)
                return -errno;

        cut = collect_fds(&mh, fds, *n_fds, &n);
        if (cut || (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
                for (size_t i = 0; i < n; i++)
                        safe_close(fds[i]);
                return -EMSGSIZE;
        }
        *n_fds = n;
        return k;
}

const char *format_fd_path(char buf[static FD_PATH_MAX], int fd) {
        snprintf(buf, FD_PATH_MAX, "/proc/self/fd/%d", fd);
        return buf;
}

int socket_peer_credentials(int fd, pid_t *ret_pid, uid_t *ret_uid, gid_t *ret_gid) {
        struct ucred c;
        socklen_t n = sizeof(c);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) < 0)
                return -errno;
        if (ret_pid)
                *ret_pid = c.pid;
        if (ret_uid)
                *ret_uid = c.uid;
        if (ret_gid)
                *ret_gid = c.gid;
        return 0;
}
