/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/docker/certs.d/HOST[:PORT]: *.crt are certificate authorities, each NAME.cert and NAME.key a
 * certificate that we may show. */
#pragma once

#include "registry/registry-verbs.h"

/* Adds what is there to the endpoint; a directory that is not there is fine. */
int registry_certs_load(const char *directory, const char *host, RegistryEndpoint *e, Error *reterr);
