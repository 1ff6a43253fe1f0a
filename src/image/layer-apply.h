/* SPDX-License-Identifier: Apache-2.0 */
/* One layer archive into one fresh directory, as an overlay lower directory. The archive is hostile: nothing
 * it says can reach outside the directory, and what it costs is bounded. Runs in dockerd-worker; blocks. */
#pragma once

#include "basic/error.h"
#include "image/layer-format.h"
#include "shared/compress-reader.h"

typedef struct LayerLimits {
        uint64_t input_max;     /* bytes as they come, 0 = no limit */
        uint64_t output_max;    /* bytes decompressed, 0 = no limit */
        uint64_t entries_max;   /* 0 = no limit */
        uint64_t trailing_max;  /* bytes behind the end-of-archive mark */
} LayerLimits;

/* What no sane layer exceeds. Disk space is a limit of its own. */
#define LAYER_LIMITS_DEFAULT                                            \
        ((LayerLimits) {                                                \
                .output_max = UINT64_C(1) << 40,                        \
                .entries_max = 20 * 1000 * 1000,                        \
                .trailing_max = UINT64_C(1) << 40, /* costs less than files do */ \
        })

typedef struct LayerApplyOptions {
        int input_fd;           /* borrowed */
        int tee_fd;             /* borrowed; keeps the archive as it came; -EBADF = nobody */
        int root_fd;            /* borrowed; the empty directory */
        LayerFormat format;
        LayerLimits limits;
        /* Bytes of the input that are done, now and then; NULL = nobody asks. */
        void (*progress)(uint64_t current, void *userdata);
        void *userdata;
} LayerApplyOptions;

typedef struct LayerApplyResult {
        CompressReaderSummary stream;   /* digests and sizes; output_digest is the layer's diff id */
        uint64_t n_entries;
        uint64_t size;                  /* bytes of the regular files, Docker's layer size */
} LayerApplyResult;

/* On failure the directory holds part of the layer and is of no use. On success everything is on disk. */
int layer_apply(const LayerApplyOptions *options, LayerApplyResult *ret, Error *reterr);
