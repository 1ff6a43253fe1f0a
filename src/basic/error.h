/* SPDX-License-Identifier: Apache-2.0 */
/* The reason of a failure in words a user understands, with the kind that decides HTTP status and D-Bus
 * name. Functions a client can trigger take `Error *reterr` as last argument and return a negative errno
 * beside it. */
#pragma once

#include <stdarg.h>

#include "basic/alloc-util.h"

typedef enum ErrorKind {
        ERROR_INTERNAL,         /* 500: our fault or the host's */
        ERROR_INVALID,          /* 400: the request is wrong */
        ERROR_UNAUTHORIZED,     /* 401: credentials are missing or wrong */
        ERROR_FORBIDDEN,        /* 403: known, but not allowed */
        ERROR_NOT_FOUND,        /* 404 */
        ERROR_CONFLICT,         /* 409: the object's state or a name does not allow it */
        ERROR_NOT_MODIFIED,     /* 304: nothing to do; no message is sent */
        ERROR_NOT_IMPLEMENTED,  /* 501: refused by name */
        ERROR_UNAVAILABLE,      /* 503: later or elsewhere */
        ERROR_TOO_LARGE,        /* 413: over one of our limits */
        ERROR_CANCELLED,        /* 499 in the log: the client went away */
        _ERROR_KIND_MAX,
        _ERROR_KIND_INVALID = -EINVAL,
} ErrorKind;

typedef struct Error {
        ErrorKind kind;
        int err;                /* negative errno; 0 = not set */
        char *message;          /* owned; NULL = not set or out of memory */
} Error;

#define ERROR_NULL ((Error){})

static inline bool error_is_set(const Error *e) {
        return e && e->err < 0;
}

/* Formats, stores and returns the negative errno of the kind: `return error_setf(reterr, ERROR_INVALID,
 * "...")`. A NULL reterr is fine. An earlier content is released. */
int error_setf(Error *reterr, ErrorKind kind, const char *format, ...) _printf_(3, 4);

/* The same, keeps the errno r (negative) as return value and appends ": <text of r>" to the message. */
int error_set_errnof(Error *reterr, ErrorKind kind, int r, const char *format, ...) _printf_(4, 5);

/* Puts context before the message of an error that is set already; sets an internal one of r where it is
 * not. Returns r. */
int error_prefixf(Error *reterr, int r, const char *format, ...) _printf_(3, 4);

/* Sets "<text of r>" of a kind derived from the errno if nothing is set yet; returns r. */
int error_fill(Error *reterr, int r);

/* Copies, for several waiters of one result. dest NULL = nobody wants to know. Returns the errno of src. */
int error_copy(Error *dest, const Error *src);

/* Never NULL. */
const char *error_message(const Error *e);

void error_done(Error *e);
DEFINE_CLEANUP_DONE(Error, error_done);
#define _cleanup_error_ _cleanup_(error_donep)

/* Tables of the kinds. */
unsigned error_kind_http_status(ErrorKind kind);
const char *error_kind_name(ErrorKind kind);            /* last element of the D-Bus error name,
                                                         * "NotFound" */
int error_kind_errno(ErrorKind kind);                   /* negative */
ErrorKind error_kind_from_errno(int r);
