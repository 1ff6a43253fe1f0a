/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a container's /etc/hosts. Pure: no files, no manager. */
#pragma once

#include "basic/error.h"
#include "basic/net-addr.h"

typedef struct HostsFileParams {
        const char *hostname;           /* NULL = no lines of its own */
        const char *domainname;         /* NULL or "" = none */
        const NetAddr *addresses;       /* the container's own */
        size_t n_addresses;
        char *const *extra_hosts;       /* "name:address", address may be host-gateway */
        const NetAddr *host_gateways;   /* what host-gateway stands for; one line for each */
        size_t n_host_gateways;
        bool ipv6;                      /* lines for the IPv6 names and addresses */
} HostsFileParams;

/* Checks one --add-host value, with Docker's words. */
int extra_host_validate(const char *s, Error *reterr);

int hosts_file_build(const HostsFileParams *p, char **ret, Error *reterr);
