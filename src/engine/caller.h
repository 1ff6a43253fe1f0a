/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: identity and transport of the client behind a call. */
#pragma once

#include <sys/types.h>

#include "basic/alloc-util.h"

typedef enum CallerTransport {
        CALLER_INTERNAL,        /* ourselves: restart policy, reconciling */
        CALLER_UNIX,            /* HTTP over a Unix socket: the socket's mode and group decided already */
        CALLER_TCP,             /* HTTP over plain TCP: anybody who reaches the port */
        CALLER_TLS,             /* HTTP over TLS; name is the subject of the verified client certificate or
                                 * NULL */
        CALLER_BUS,             /* D-Bus; name is the unique bus name */
} CallerTransport;

typedef struct Caller {
        CallerTransport transport;
        uid_t uid;              /* UNIX, BUS; else (uid_t) -1 */
        gid_t gid;
        pid_t pid;              /* 0 = unknown */
        char *name;             /* owned */
        bool interactive;       /* BUS: the client allows a polkit dialogue */
} Caller;

static inline void caller_done(Caller *c) {
        free(c->name);
        *c = (Caller) {};
}
