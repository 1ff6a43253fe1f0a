/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs against the digests that name them, and what interrupted downloads have left. */
#include <dirent.h>
#include <sys/stat.h>

#include "basic/digest.h"
#include "basic/fd-util.h"
#include "basic/hexdecoct.h"
#include "image/content.h"
#include "image/layer-store.h"
#include "image/store-check-internal.h"

#define READ_SIZE (256U * 1024U)

static int hash_file(int fd, Digest *ret, uint64_t *ret_size) {
        static char buffer[READ_SIZE];
        DigestContext *h = digest_context_new();
        uint64_t size = 0;
        ssize_t n;

        if (!h)
                return -ENOMEM;
        while ((n = read_full(fd, buffer, sizeof(buffer))) > 0) {
                digest_context_update(h, buffer, (size_t) n);
                size += (uint64_t) n;
        }
        digest_context_final(h, ret);
        digest_context_free(h);
        *ret_size = size;
        return n < 0 ? (int) n : 0;
}

/* The blob is as good as gone: what is there instead would be taken for it. */
static BlobState damaged(StoreCheck *c, const char *digest, const char *what, const char *detail) {
        const char *done = check_take_away(c, c->paths.blobs_dir, digest + strlen("sha256:"));

        check_found(c, done, "blob %s: %s%s", digest, what, detail);
        return BLOB_DAMAGED;
}

static BlobState read_blob(StoreCheck *c, const char *digest) {
        _cleanup_close_ int fd = content_open(&c->paths, digest);
        char text[DIGEST_TEXT_MAX];
        uint64_t size;
        struct stat st;
        Digest d;
        int r;

        if (fd == -ENOENT)
                return BLOB_MISSING;
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return damaged(c, digest, "it is no file that can be read", "");
        r = hash_file(fd, &d, &size);
        if (r < 0)
                return damaged(c, digest, "it cannot be read: ", strerrordesc_np(-r));
        c->result->n_blobs++;
        c->result->bytes += size;
        if (!streq(digest_format(text, &d), digest))
                return damaged(c, digest, "its content is another: ", text);
        return BLOB_SOUND;
}

BlobState check_blob(StoreCheck *c, const char *digest) {
        CheckedBlob *b = hashmap_get(c->blobs, digest);

        if (b)
                return b->state;
        b = new0(CheckedBlob, 1);
        if (!b || !(b->digest = strdup(digest)) || hashmap_put(c->blobs, b->digest, b) < 0) {
                if (b)
                        free(b->digest);
                free(b);
                return read_blob(c, digest);
        }
        return b->state = read_blob(c, digest);
}

static void check_blob_file(StoreCheck *c, int dir_fd, const char *name) {
        _cleanup_free_ char *digest = strjoin("sha256:", name);
        struct stat st;
        Digest d;

        if (name[0] == '.') {           /* of a write that was cut off */
                check_unused(c, c->paths.blobs_dir, name);
                return;
        }
        if (!digest || digest_parse(digest, &d) < 0) {
                const char *done = check_take_away(c, c->paths.blobs_dir, name);

                check_found(c, done, "content/blobs/sha256/%s: it is no blob", name);
                return;
        }
        if (check_blob(c, digest) == BLOB_SOUND && !check_blob_is_used(c, digest) &&
            fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && !stat_is_younger(&st, GARBAGE_GRACE))
                check_unused(c, c->paths.blobs_dir, name);
}

/* What is young may be the begin of something that goes on. */
static void check_ingest_file(StoreCheck *c, int dir_fd, const char *name) {
        bool is_digest = strlen(name) == SHA256_SIZE * 2 && is_lower_hex(name, SHA256_SIZE * 2);
        struct stat st;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 &&
            (!is_digest || !S_ISREG(st.st_mode) || !stat_is_younger(&st, GARBAGE_GRACE)))
                check_unused(c, c->paths.ingest_dir, name);
}

void check_content(StoreCheck *c) {
        check_each(c, c->paths.blobs_dir, check_blob_file);
        check_each(c, c->paths.ingest_dir, check_ingest_file);
}
