/* SPDX-License-Identifier: Apache-2.0 */
/* Content digests "sha256:<64 hex>" (OCI image-spec, descriptor digests): parse, compare, incremental
 * hash. */
#pragma once

#include "basic/alloc-util.h"

#define SHA256_SIZE 32U
#define DIGEST_TEXT_MAX 72U     /* "sha256:" + 64 + NUL */

typedef struct Digest {
        uint8_t sha256[SHA256_SIZE];
} Digest;

#define DIGEST_NULL ((Digest){})

/* Only sha256, lower-case hexadecimal. */
int digest_parse(const char *s, Digest *ret);
const char *digest_format(char buf[static DIGEST_TEXT_MAX], const Digest *d);
/* Without "sha256:". */
const char *digest_format_hex(char buf[static SHA256_SIZE * 2 + 1], const Digest *d);
bool digest_equal(const Digest *a, const Digest *b);
bool digest_is_null(const Digest *d);

/* Over bytes in memory. */
void digest_of(const void *data, size_t size, Digest *ret);

typedef struct DigestContext DigestContext;
DigestContext *digest_context_new(void);
DigestContext *digest_context_free(DigestContext *c);
DEFINE_TRIVIAL_CLEANUP_FUNC(DigestContext *, digest_context_free);
void digest_context_update(DigestContext *c, const void *data, size_t size);
/* Once; the context is used up. */
void digest_context_final(DigestContext *c, Digest *ret);
