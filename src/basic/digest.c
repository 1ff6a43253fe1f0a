/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/digest.h"

#include <nettle/sha2.h>

#include "basic/hexdecoct.h"
#include "basic/string-util.h"

struct DigestContext {
        struct sha256_ctx sha256;
};

int digest_parse(const char *s, Digest *ret) {
        const char *hex = startswith(s, "sha256:");

        if (!hex || strlen(hex) != SHA256_SIZE * 2 || !is_lower_hex(hex, SHA256_SIZE * 2))
                return -EINVAL;
        return unhexmem(hex, ret->sha256, SHA256_SIZE);
}

const char *digest_format_hex(char buf[static SHA256_SIZE * 2 + 1], const Digest *d) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < SHA256_SIZE; i++) {
                buf[i * 2] = digits[d->sha256[i] >> 4];
                buf[i * 2 + 1] = digits[d->sha256[i] & 15];
        }
        buf[SHA256_SIZE * 2] = 0;
        return buf;
}

const char *digest_format(char buf[static DIGEST_TEXT_MAX], const Digest *d) {
        memcpy(buf, "sha256:", 7);
        digest_format_hex(buf + 7, d);
        return buf;
}

bool digest_equal(const Digest *a, const Digest *b) {
        return memcmp(a->sha256, b->sha256, SHA256_SIZE) == 0;
}

bool digest_is_null(const Digest *d) {
        return digest_equal(d, &DIGEST_NULL);
}

DigestContext *digest_context_new(void) {
        DigestContext *c = new(DigestContext, 1);

        if (c)
                sha256_init(&c->sha256);
        return c;
}

DigestContext *digest_context_free(DigestContext *c) {
        free(c);
        return NULL;
}

void digest_context_update(DigestContext *c, const void *data, size_t size) {
        sha256_update(&c->sha256, size, data);
}

void digest_context_final(DigestContext *c, Digest *ret) {
        sha256_digest(&c->sha256, SHA256_SIZE, ret->sha256);
}

void digest_of(const void *data, size_t size, Digest *ret) {
        struct sha256_ctx c;

        sha256_init(&c);
        sha256_update(&c, size, data);
        sha256_digest(&c, SHA256_SIZE, ret->sha256);
}
