/* SPDX-License-Identifier: Apache-2.0 */
/* errno as return values: negative on failure, and named classes in place of lists of numbers. */
#pragma once

#include <errno.h>

#include "basic/macro.h"

/* libc's "-1 and errno" into "negative errno". */
#define RET_NERRNO(expr)                                        \
        ({                                                      \
                int _r = (expr);                                \
                _r < 0 ? (errno > 0 ? -errno : -EIO) : _r;      \
        })

/* Keeps the first of several errors. */
#define RET_GATHER(ret, expr)                                   \
        ({                                                      \
                int _e = (expr);                                \
                if ((ret) >= 0 && _e < 0)                       \
                        (ret) = _e;                             \
                _e;                                             \
        })

static inline bool errno_is_transient(int r) {
        return IN_SET(r, -EAGAIN, -EINTR);
}

static inline bool errno_is_disconnect(int r) {
        return IN_SET(r, -ECONNABORTED, -ECONNREFUSED, -ECONNRESET, -EPIPE, -ENOTCONN, -ESHUTDOWN);
}

static inline bool errno_is_disk_space(int r) {
        return IN_SET(r, -ENOSPC, -EDQUOT, -EFBIG);
}

static inline bool errno_is_not_supported(int r) {
        return IN_SET(r, -ENOSYS, -EOPNOTSUPP, -ENOTTY, -EAFNOSUPPORT, -EPROTONOSUPPORT);
}

static inline bool errno_is_resource(int r) {
        return IN_SET(r, -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS);
}
