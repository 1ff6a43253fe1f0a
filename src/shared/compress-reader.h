/* SPDX-License-Identifier: Apache-2.0 */
/* A byte stream that may be compressed, read once: gives the plain bytes, passes the input on to a file as
 * it came and computes the SHA-256 of both. gzip, bzip2, xz and zstd are recognised by content and undone
 * inside the process; no program is ever started. Blocks: for workers, not for the daemon. */
#pragma once

#include "basic/digest.h"
#include "basic/error.h"

typedef struct CompressReader CompressReader;

typedef struct CompressReaderOptions {
        int fd;                 /* borrowed; pipe, socket or file, read to its end */
        int tee_fd;             /* borrowed; gets the input unchanged; -EBADF = nobody */
        uint64_t input_max;     /* bytes; 0 = no limit */
        uint64_t output_max;    /* bytes; 0 = no limit */
} CompressReaderOptions;

typedef struct CompressReaderSummary {
        Digest input_digest;            /* of the bytes as they came */
        Digest output_digest;           /* of the plain bytes */
        uint64_t input_size, output_size;
        const char *compression;        /* "none", "gzip", "bzip2", "xz", "zstd" */
} CompressReaderSummary;

int compress_reader_new(const CompressReaderOptions *options, CompressReader **ret, Error *reterr);
CompressReader *compress_reader_free(CompressReader *r);
DEFINE_TRIVIAL_CLEANUP_FUNC(CompressReader *, compress_reader_free);

/* The next plain bytes: 1 and a block that stays valid until the next call, or 0 at the end. */
int compress_reader_read(CompressReader *r, const void **ret, size_t *ret_size, Error *reterr);

/* Reads what is left, up to trailing_max plain bytes (then ERROR_INVALID), to the end of the input and sums
 * up. */
int compress_reader_finish(CompressReader *r, uint64_t trailing_max, CompressReaderSummary *ret,
                           Error *reterr);

/* Bytes of the input consumed so far. */
uint64_t compress_reader_position(const CompressReader *r);
