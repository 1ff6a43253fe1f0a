/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy a request takes, by the rules of Go's httpproxy package, which Docker's users know: the scheme
 * chooses between HTTP_PROXY and HTTPS_PROXY; localhost, loopback and what NO_PROXY lists go direct. */
#pragma once

#include "basic/alloc-util.h"

typedef struct ProxyRules {
        const char *http, *https, *no_proxy;    /* borrowed; NULL or "" = none */
} ProxyRules;

/* Borrowed from the rules; NULL = direct. host without brackets, lower case. */
const char *proxy_for(const ProxyRules *p, const char *scheme, const char *host, uint16_t port);
