/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching small things whole: manifests by tag or digest, blobs by digest. */
#pragma once

#include "basic/digest.h"
#include "registry/manifest.h"
#include "registry/registry-session.h"

typedef struct RegistryDocument {
        Buffer text;
        char *content_type;             /* as the server said; NULL = it did not */
        char digest[DIGEST_TEXT_MAX];   /* of the bytes */
} RegistryDocument;
void registry_document_done(RegistryDocument *d);
DEFINE_CLEANUP_DONE(RegistryDocument, registry_document_done);

/* name: a tag or a digest; the latter and the server's Docker-Content-Digest are checked against the
 * bytes. */
int registry_get_manifest(RegistrySession *s, const char *name, RegistryDocument *ret);
/* What the server says of a tag without sending it. 1: it did; 0: it does not answer to HEAD. */
int registry_head_manifest(RegistrySession *s, const char *tag, OciDescriptor *ret);
/* size: negative = any */
int registry_get_blob(RegistrySession *s, const char *digest, int64_t size, RegistryDocument *ret);

/* "busybox:1", "busybox@sha256:..." for messages */
char *registry_familiar_reference(const RegistryAccess *access, const char *tag, const char *digest);
