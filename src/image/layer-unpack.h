/* SPDX-License-Identifier: Apache-2.0 */
/* One archive becoming one layer on the disk: a worker unpacks it in a staging directory, from where it is
 * put in place. For import, load and pull. */
#pragma once

#include "image/image-internal.h"
#include "image/worker-verbs.h"

typedef struct LayerUnpack LayerUnpack;
struct LayerUnpack {
        ImageManager *manager;
        /* Bytes of the input, now and then; NULL = nobody asks. */
        void (*progress)(LayerUnpack *u, uint64_t current, void *userdata);
        /* Once, from the loop, unless layer_unpack_done() comes first. r 0: reply is filled in. */
        void (*done)(LayerUnpack *u, int r, const Error *error, void *userdata);
        void *userdata;
        WorkerPace pace;        /* of what feeds it */

        Worker *worker;         /* while it runs */
        char *staging;
        LayerApplyReply reply;
};

/* keep_blob: the archive is kept as it comes, for layer_unpack_keep_blob(). */
int layer_unpack_start(LayerUnpack *u, int input_fd, bool keep_blob, Error *reterr);
/* The kept archive goes into the content store, under the digest in the reply. */
int layer_unpack_keep_blob(LayerUnpack *u, Error *reterr);
/* Puts the layer in place on top of parent (NULL = it is the lowest), as one that was made of the blob in
 * the reply. *ret is for the caller to free. */
int layer_unpack_commit(LayerUnpack *u, const char *parent_chain, const char *media_type, ImageLayer *ret,
                        Error *reterr);
/* What the compression of the reply is called in a manifest. */
const char *layer_unpack_media_type(const LayerUnpack *u);

/* Cancels the worker and throws away what it has made. */
void layer_unpack_done(LayerUnpack *u);
