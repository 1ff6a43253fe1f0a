/* SPDX-License-Identifier: Apache-2.0 */
/* From the daemon's configuration to how a registry is talked to (the daemon's side): mirrors, insecure
 * registries, /etc/docker/certs.d, credentials of a request. Reads small local files; resolves no names,
 * which is the worker's part. */
#pragma once

#include "api/daemon-config.h"
#include "api/system.h"
#include "registry/reference.h"
#include "registry/registry-verbs.h"

#define REGISTRY_INDEX_NAME "docker.io"
#define REGISTRY_INDEX_SERVER "https://index.docker.io/v1/"
#define REGISTRY_DEFAULT_HOST "registry-1.docker.io"

typedef enum RegistryPurpose {
        REGISTRY_PULL,
        REGISTRY_PUSH,                  /* and login: without mirrors */
} RegistryPurpose;

/* Fills a zeroed RegistryAccess. auth: borrowed, NULL = none. certs.d that cannot be used is an error with
 * Docker's text. */
int registry_access_for(const DaemonRegistryConfig *c, const Reference *ref, RegistryPurpose purpose,
                        const RegistryAuth *auth, RegistryAccess *ret, Error *reterr);
/* POST /auth: the server is in the credentials, "" = Docker's. */
int registry_access_for_login(const DaemonRegistryConfig *c, const RegistryAuth *auth, RegistryAccess *ret,
                              Error *reterr);
/* GET /images/search: "[host/]term". *ret_term is what to ask that server for. */
int registry_access_for_search(const DaemonRegistryConfig *c, const char *term, const RegistryAuth *auth,
                               RegistryAccess *ret, char **ret_term, Error *reterr);

/* X-Registry-Auth: base64 (URL-safe or not) of a JSON object; NULL and "" are empty. Docker ignores one that
 * cannot be read; so may the caller. */
int registry_auth_decode(const char *header, RegistryAuth *ret, Error *reterr);

/* X-Registry-Config: the same with one such object for each server. */
typedef struct RegistryAuthEntry {
        char *key;
        RegistryAuth value;
} RegistryAuthEntry;
typedef struct RegistryAuths {
        struct {
                RegistryAuthEntry *items;
                size_t n_items;
        } servers;
} RegistryAuths;
JSON_TYPE_DECLARE(RegistryAuths);
DEFINE_JSON_CLEANUP(RegistryAuths);
int registry_auths_decode(const char *header, RegistryAuths *ret, Error *reterr);
/* Borrowed; NULL = none for this registry. */
const RegistryAuth *registry_auths_find(const RegistryAuths *a, const Reference *ref);

/* Of a request, a configuration or the environment (HTTP_PROXY and kin). */
int registry_proxies(const DaemonRegistryConfig *c, RegistryProxies *ret);
/* RegistryConfig of /info. */
int registry_service_config(const DaemonRegistryConfig *c, RegistryServiceConfig *ret);

/* A mirror of the configuration, "[HOST=]URL": borrowed URL, and how long the host is (0 = docker.io). */
const char *registry_mirror_url(const char *mirror, size_t *ret_host_length);

/* For tests: another place than /etc/docker/certs.d; borrowed. */
void registry_set_certs_directory(const char *path);
