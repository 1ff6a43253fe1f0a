/* SPDX-License-Identifier: Apache-2.0 */
/* `dockerd --check` and `--repair`: everything that images are made of on the disk, compared with what is
 * recorded: records, names, blobs (with their digests), layers, links, and what interrupted work has left.
 * Only while no daemon runs on the data root. */
#pragma once

#include <stdio.h>

#include "basic/error.h"
#include "image/image-manager.h"
#include "store/store.h"

typedef struct StoreCheckParams {
        const char *data_root;
        Store *store;
        bool repair;                    /* else nothing is changed */
        FILE *output;                   /* a line for each finding */
} StoreCheckParams;

typedef struct StoreCheckResult {
        size_t n_images, n_names, n_layers, n_blobs;
        uint64_t bytes;                 /* of blobs that were read */
        size_t n_found;                 /* what is damaged, */
        size_t n_left;                  /* and what of it is so still */
        size_t n_to_rebuild;            /* layers for store_rebuild(), not found yet */
        size_t n_unused;                /* leftovers of interrupted work, which do no harm */
} StoreCheckResult;

/* What is damaged is taken away, so that the next pull brings it again; what can be made again is. Nothing
 * that is sound is touched. Adds to *ret. */
int store_check(const StoreCheckParams *p, StoreCheckResult *ret, Error *reterr);

/* The second part of a repair, which takes workers: layers that are gone and whose archives are here are
 * unpacked again. Blocks; the manager's loop must be its caller's own. */
int store_rebuild(ImageManager *m, FILE *output, StoreCheckResult *ret, Error *reterr);
