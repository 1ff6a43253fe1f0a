/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that we may show to a TLS server. */
#pragma once

#include <curl/curl.h>

#include "registry/registry-verbs.h"

/* A single one is shown whenever the server asks; of several the first whose issuer it says it trusts (RFC
 * 8446 section 4.2.4), as Go does it. tls_proxy: the way leads through a proxy that speaks TLS itself, which
 * libcurl would let choose as well: then the first of several is taken, and the proxy sees none. l outlives
 * the transfer; NULL = none. Returns 0 or -ENOMEM. */
int client_certificates_offer(CURL *easy, const TlsClientCertificateList *l, bool tls_proxy);
