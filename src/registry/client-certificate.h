/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that we may show to a TLS server. */
#pragma once

#include <curl/curl.h>

#include "registry/registry-verbs.h"

/* A single one is shown to whoever asks; of several the first whose issuer the server says it trusts (RFC
 * 8446 section 4.2.4), as Go does it. l outlives the transfer; NULL = none. Returns 0 or -ENOMEM. */
int client_certificates_offer(CURL *easy, const TlsClientCertificateList *l);
