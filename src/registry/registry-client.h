/* SPDX-License-Identifier: Apache-2.0 */
/* The network verbs of the worker, one function each; registry-verbs.h says what they take and give. They
 * block until they are done. */
#pragma once

#include "registry/registry-verbs.h"

typedef void (*RegistryProgressFunction)(const RegistryProgress *p);

/* index, manifest, config: files, read-write, empty. */
int registry_resolve(const RegistryResolveParams *p, int index_fd, int manifest_fd, int config_fd,
                     RegistryResolveReply *ret, Error *reterr);
/* tee_fd: negative = none. */
int registry_fetch_blob(const RegistryFetchParams *p, int fd, int tee_fd, RegistryProgressFunction progress,
                        RegistryFetchReply *ret, Error *reterr);
int registry_tags(const RegistryAccess *access, RegistryTagsReply *ret, Error *reterr);
int registry_inspect(const RegistryInspectParams *p, RegistryInspectReply *ret, Error *reterr);
int registry_login(const RegistryAccess *access, RegistryLoginReply *ret, Error *reterr);
int registry_search(const RegistrySearchParams *p, RegistrySearchReply *ret, Error *reterr);
int registry_push_blob(const RegistryPushBlobParams *p, int fd, RegistryProgressFunction progress,
                       RegistryPushBlobReply *ret, Error *reterr);
int registry_push_manifest(const RegistryPushManifestParams *p, int fd, RegistryPushManifestReply *ret,
                           Error *reterr);
/* fd: pipe or file. */
typedef void (*UrlProgressFunction)(const UrlProgress *p);
int url_fetch(const UrlFetchParams *p, int fd, UrlProgressFunction progress, UrlFetchReply *ret,
              Error *reterr);
