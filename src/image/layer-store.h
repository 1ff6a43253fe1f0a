/* SPDX-License-Identifier: Apache-2.0 */
/* Layers on the disk: layers/CHAIN-ID/diff, with a short name in l/ for the options of a mount; what is
 * being made in tmp/, and what goes in trash/. */
#pragma once

#include <sys/stat.h>

#include "basic/error.h"
#include "image/image-internal.h"

/* OCI image-spec, "Layer ChainID": parent NULL for the lowest; results without "sha256:". */
int chain_id_next(const char *parent_hex, const char *diff_id, char **ret_hex);

/* Short names of layers: 64 bits of the chain id; of their init layers one letter more. */
#define LAYER_LINK_LENGTH 16
#define LAYER_LINK_INIT "i"
int layer_link(ImageManager *m, const char *chain_hex);
int layer_link_init(ImageManager *m, const char *chain_hex);
bool layer_is_linked(ImageManager *m, const char *chain_hex);
/* Where the init layer of an image without layers is. */
#define LAYER_OF_NO_LAYERS "none"

/* What cannot be found out from the directory; it is in there, beside diff/. */
int layer_describe(const char *directory, const ImageLayer *layer, Error *reterr);
int layer_read_description(ImageManager *m, const char *chain_hex, ImageLayer *ret);

bool layer_exists(ImageManager *m, const char *chain_hex);
/* Moves a finished layer (directory with diff/) into place; one that is there already wins. */
int layer_commit(ImageManager *m, const char *staging, const ImageLayer *layer, Error *reterr);
/* A copy of what is known of a layer that is in place and was made of this blob, which is here as well,
 * whether an image has it or not. 1, or 0 if there is none. */
int layer_load(ImageManager *m, const char *chain_hex, const char *blob, ImageLayer *ret);
/* A layer of any image with this chain id, with what is known of it; NULL = none. */
const ImageLayer *layer_find(ImageManager *m, const char *chain_hex);

/* Whether an image needs the blob. digest: "sha256:HEX". */
bool blob_is_used(ImageManager *m, const char *digest);

/* What the removed image had for itself goes at once, unless a job runs: then when the last one ends. */
void layers_release(ImageManager *m, const ImageRecord *removed);
/* Every layer and blob that no image needs and that is older than grace. */
void layers_sweep(ImageManager *m, nsec_t grace);
/* Without grace, at once or when the last job ends. */
void layers_sweep_when_idle(ImageManager *m);
/* Interrupted work may go on for this long before it becomes garbage. */
#define GARBAGE_GRACE (24 * 3600 * NSEC_PER_SEC)

/* A fresh directory below tmp/, owned by the caller. */
int make_staging(ImageManager *m, char **ret, Error *reterr);
int trash_directory(ImageManager *m, const char *directory, Error *reterr);
void empty_trash(ImageManager *m);
bool stat_is_younger(const struct stat *st, nsec_t age);
