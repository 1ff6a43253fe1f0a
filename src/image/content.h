/* SPDX-License-Identifier: Apache-2.0 */
/* The content store: blobs by digest, in the form of an OCI image layout (image-spec, "Image Layout"), and
 * ingest files, which hold the beginning of blobs that are still on their way. */
#pragma once

#include "basic/error.h"
#include "image/image-internal.h"

int content_make_directories(ImageManager *m, Error *reterr);

/* digest: "sha256:HEX" everywhere; anything else is not there. */
bool content_has(ImageManager *m, const char *digest);
/* Bytes, or -ENOENT. */
int64_t content_size(ImageManager *m, const char *digest);
/* -ENOENT if it is not there. The caller owns the descriptor. */
int content_open(ImageManager *m, const char *digest);
/* Sets the error of what content_open() returned. */
int content_missing(int r, const char *digest, Error *reterr);
/* A small document, NUL-terminated, owned by the caller; max in bytes, -E2BIG beyond. */
int content_read(ImageManager *m, const char *digest, size_t max, char **ret, size_t *ret_size);

/* The file, whose bytes the caller has verified, becomes the blob; a link of it, so it stays where it is.
 * On the disk when this returns. A blob that is there already wins. */
int content_adopt(ImageManager *m, int dir_fd, const char *path, const char *digest, Error *reterr);
/* Computes the digest, which the caller may want to have. ret_digest may be NULL. */
int content_put(ImageManager *m, const char *text, size_t size, char **ret_digest, Error *reterr);
void content_remove(ImageManager *m, const char *digest);

/* Path of the blob's ingest file, made if it is not there. */
int content_ingest_open(ImageManager *m, const char *digest, char **ret_path, Error *reterr);

/* Removes the blobs and ingest files that no image needs and that nobody has touched for grace. */
void content_sweep(ImageManager *m, nsec_t grace);
