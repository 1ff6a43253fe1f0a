/* SPDX-License-Identifier: Apache-2.0 */
/* The values of --host as data. Opens nothing: listen.c does. */
#pragma once

#include "basic/error.h"

#define HOST_UNIX_DEFAULT "unix:///var/run/docker.sock"
#define HOST_PORT_DEFAULT 2375U
#define HOST_PORT_TLS_DEFAULT 2376U

typedef enum HostKind {
        HOST_FD,                /* address: "" or "*" (all), a number, or a FileDescriptorName= */
        HOST_UNIX,              /* address: a path */
        HOST_TCP,               /* address: host name or IP address, and port */
} HostKind;

typedef struct Host {
        HostKind kind;
        char *text;             /* normalised, "tcp://127.0.0.1:2375" */
        char *address;
        uint16_t port;
} Host;

/* Docker's rules: no scheme is tcp; what is left out is filled in, the port according to tls. */
int host_parse(const char *value, bool tls, Host *ret, Error *reterr);
void host_done(Host *h);
DEFINE_CLEANUP_DONE(Host, host_done);
#define _cleanup_host_ _cleanup_(host_donep)
