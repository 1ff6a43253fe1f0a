/* SPDX-License-Identifier: Apache-2.0 */
/* resolv.conf: bounded parser of the host's file, and the text of a container's. Pure but for
 * resolv_conf_host_path(). */
#pragma once

#include "basic/error.h"
#include "basic/net-addr.h"

#define RESOLV_CONF_SIZE_MAX (256U * 1024U)
#define RESOLV_CONF_LINE_MAX 4096U      /* longer ones are left out */
#define RESOLV_CONF_ITEMS_MAX 256U      /* of each kind; what is beyond is left out */

typedef struct ResolvConf {
        NetAddr *nameservers;
        size_t n_nameservers, n_nameservers_allocated;
        char **search;                  /* of the last search or domain line */
        char **options;                 /* of all lines */
        char **other;                   /* lines with directives that are not ours */
        char **invalid;                 /* nameservers that are no addresses */
} ResolvConf;

void resolv_conf_done(ResolvConf *rc);
DEFINE_CLEANUP_DONE(ResolvConf, resolv_conf_done);
#define _cleanup_resolv_conf_ _cleanup_(resolv_conf_donep)

/* Never fails but for memory: what cannot be read is left out, as the C library does. */
int resolv_conf_parse(const char *text, size_t size, ResolvConf *ret);

/* The file a container's is made from: the configured one, else /etc/resolv.conf, else, where that names
 * only systemd-resolved's stub, /run/systemd/resolve/resolv.conf. The result is static or the argument
 * itself. */
const char *resolv_conf_host_path(const char *configured);

typedef enum ResolvConfKind {
        RESOLV_CONF_HOST,     /* as on the host, with the overrides */
        RESOLV_CONF_BRIDGE,   /* loopback servers cannot be reached: filtered, public ones if none is left */
        RESOLV_CONF_EMBEDDED, /* our own resolver at 127.0.0.11; its servers are the others */
} ResolvConfKind;

typedef struct ResolvConfParams {
        ResolvConfKind kind;
        const char *source;             /* path named in the comment */
        char *const *nameservers;       /* overrides; empty = from the host */
        char *const *search;
        char *const *options;
        bool ipv6;
} ResolvConfParams;

/* A nameserver override that is no address is refused with Docker's words. */
int resolv_conf_build(const ResolvConf *host, const ResolvConfParams *p, char **ret, Error *reterr);
int dns_server_validate(const char *s, Error *reterr);
