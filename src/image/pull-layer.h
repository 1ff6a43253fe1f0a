/* SPDX-License-Identifier: Apache-2.0 */
/* One layer of a pull: a download and, fed by it, an unpacker. What has come of the blob stays for the next
 * try when it is interrupted. */
#pragma once

#include "image/layer-unpack.h"
#include "image/pull-progress.h"
#include "registry/registry-verbs.h"

typedef enum PullLayerState {
        PULL_LAYER_PENDING,
        PULL_LAYER_BUSY,        /* its workers run */
        PULL_LAYER_DONE,
} PullLayerState;

typedef struct PullLayer PullLayer;
struct PullLayer {
        /* Set by the owner; all borrowed. */
        ImageManager *manager;
        const RegistryAccess *access;
        const OciDescriptor *descriptor;
        const char *diff_id;    /* what the image's config says it unpacks to; NULL = of an artifact: it is
                                 * kept as it comes */
        const char *parent;     /* chain of the layer below; NULL = none */
        void (*on_message)(const ProgressMessage *message, void *userdata);
        /* Once after each start, from the loop. */
        void (*on_done)(PullLayer *l, int r, const Error *error, void *userdata);
        void *userdata;

        char *chain;
        PullLayerState state;
        ImageLayer layer;       /* once it is done; not of an artifact */
        PullProgress progress;

        Worker *fetch;
        LayerUnpack unpack;
        char *ingest;           /* path of the file the blob is downloaded to; NULL = it was there */
        int result;             /* of the workers, the download's counting more */
        Error error;
};

/* Computes the chain id. */
int pull_layer_init(PullLayer *l, Error *reterr);
/* Stops what runs; the ingest file stays. */
void pull_layer_done(PullLayer *l);

/* Whether the layer was in place already, from another image or an earlier try. One that was packed in
 * another way is not taken: the image could not be saved or pushed with its own digest. */
int pull_layer_take_existing(PullLayer *l);
int pull_layer_start(PullLayer *l, Error *reterr);
void pull_layer_status(PullLayer *l, const char *status, int64_t current, int64_t total);
