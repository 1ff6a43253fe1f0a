/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/error.h"

#include <stdio.h>

#include "basic/errno-util.h"

typedef struct ErrorKindInfo {
        unsigned http_status;
        const char *name;
        int err;
} ErrorKindInfo;

static const ErrorKindInfo error_kind_table[_ERROR_KIND_MAX] = {
        [ERROR_INTERNAL]        = { 500, "Failed",              -EIO        },
        [ERROR_INVALID]         = { 400, "InvalidArgument",     -EINVAL     },
        [ERROR_UNAUTHORIZED]    = { 401, "Unauthorized",        -EPERM      },
        [ERROR_FORBIDDEN]       = { 403, "AccessDenied",        -EACCES     },
        [ERROR_NOT_FOUND]       = { 404, "NotFound",            -ENOENT     },
        [ERROR_CONFLICT]        = { 409, "Conflict",            -EBUSY      },
        [ERROR_NOT_MODIFIED]    = { 304, "NotModified",         -EALREADY   },
        [ERROR_NOT_IMPLEMENTED] = { 501, "NotSupported",        -EOPNOTSUPP },
        [ERROR_UNAVAILABLE]     = { 503, "Unavailable",         -ESRCH      },
        [ERROR_TOO_LARGE]       = { 413, "LimitsExceeded",      -E2BIG      },
        [ERROR_CANCELLED]       = { 499, "Cancelled",           -ECANCELED  },
};

static const ErrorKindInfo *kind_info(ErrorKind kind) {
        assert(kind >= 0 && kind < _ERROR_KIND_MAX);
        return error_kind_table + kind;
}

unsigned error_kind_http_status(ErrorKind kind) {
        return kind_info(kind)->http_status;
}

const char *error_kind_name(ErrorKind kind) {
        return kind_info(kind)->name;
}

int error_kind_errno(ErrorKind kind) {
        return kind_info(kind)->err;
}

ErrorKind error_kind_from_errno(int r) {
        for (int i = 0; i < _ERROR_KIND_MAX; i++)
                if (error_kind_table[i].err == r)
                        return i;
        if (IN_SET(r, -ENAMETOOLONG, -ERANGE, -EILSEQ))
                return ERROR_INVALID;
        if (IN_SET(r, -EEXIST))
                return ERROR_CONFLICT;
        return ERROR_INTERNAL;
}

/* Messages quote names of images, archives and registries, and end on terminals, which would do what escape
 * sequences say: C0 but for line breaks and tabs, DEL, and C1 in UTF-8. */
static void disarm(char *message) {
        for (uint8_t *p = (uint8_t *) message; *p; p++)
                if ((*p < 0x20 && !IN_SET(*p, '\n', '\t')) || *p == 0x7f)
                        *p = '?';
                else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
                        p[0] = p[1] = '?';
}

static void error_take(Error *reterr, ErrorKind kind, int r, char *message) {
        if (!reterr) {
                free(message);
                return;
        }
        if (message)
                disarm(message);
        free(reterr->message);
        *reterr = (Error) { .kind = kind, .err = r, .message = message };
}

int error_setf(Error *reterr, ErrorKind kind, const char *format, ...) {
        char *message = NULL;
        va_list ap;

        if (!reterr)
                return error_kind_errno(kind);

        va_start(ap, format);
        if (vasprintf(&message, format, ap) < 0)
                message = NULL;
        va_end(ap);

        error_take(reterr, kind, error_kind_errno(kind), message);
        return error_kind_errno(kind);
}

int error_set_errnof(Error *reterr, ErrorKind kind, int r, const char *format, ...) {
        char *message = NULL, *full = NULL;
        va_list ap;

        assert(r < 0);

        if (!reterr)
                return r;

        va_start(ap, format);
        if (vasprintf(&message, format, ap) < 0)
                message = NULL;
        va_end(ap);

        if (message && asprintf(&full, "%s: %s", message, strerror(-r)) < 0)
                full = NULL;
        free(message);
        error_take(reterr, kind, r, full);
        return r;
}

int error_fill(Error *reterr, int r) {
        assert(r < 0);

        if (reterr && !error_is_set(reterr))
                error_take(reterr, error_kind_from_errno(r), r, strdup(strerror(-r)));
        return r;
}

int error_prefixf(Error *reterr, int r, const char *format, ...) {
        _cleanup_free_ char *prefix = NULL;
        char *full = NULL;
        va_list ap;

        assert(r < 0);

        if (!reterr)
                return r;
        error_fill(reterr, r);

        va_start(ap, format);
        if (vasprintf(&prefix, format, ap) < 0)
                prefix = NULL;
        va_end(ap);

        if (prefix && asprintf(&full, "%s: %s", prefix, error_message(reterr)) >= 0) {
                disarm(full);
                free(reterr->message);
                reterr->message = full;
        }
        return r;
}

int error_copy(Error *dest, const Error *src) {
        assert(src);

        if (dest)
                error_take(dest, src->kind, src->err, src->message ? strdup(src->message) : NULL);
        return src->err;
}

const char *error_message(const Error *e) {
        if (!e || e->err == 0)
                return "no error";
        return e->message ?: strerror(-e->err);
}

void error_done(Error *e) {
        if (!e)
                return;
        free(e->message);
        *e = ERROR_NULL;
}
