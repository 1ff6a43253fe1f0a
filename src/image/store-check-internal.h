/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the check share. */
#pragma once

#include "image/image-internal.h"
#include "image/store-check.h"

typedef enum BlobState {
        BLOB_MISSING,
        BLOB_DAMAGED,                   /* and reported; with a repair it is missing now */
        BLOB_SOUND,
} BlobState;

typedef struct CheckedBlob {
        char *digest;
        BlobState state;
} CheckedBlob;

typedef struct CheckedImage {
        ImageRecord record;
        OciImage document;
        char **names;                   /* canonical */
        bool changed;                   /* the record */
        bool lost;                      /* it cannot be used, and nothing here can make it whole again */
} CheckedImage;

typedef struct StoreCheck {
        const StoreCheckParams *params;
        ImageManager paths;             /* only its directories are filled in: for those who want a
                                         * manager */
        Hashmap *images;                /* id -> CheckedImage */
        Hashmap *blobs;                 /* digest -> CheckedBlob: those that were looked at */
        Hashmap *layers;                /* chain -> ImageLayer of an image, borrowed */
        StoreCheckResult *result;
} StoreCheck;

/* One line. done: what a repair has done about it; NULL, or without a repair: nothing. */
void check_found(StoreCheck *c, const char *done, const char *format, ...) _printf_(3, 4);
/* A file or directory that nobody needs; a repair removes it. */
void check_unused(StoreCheck *c, const char *directory, const char *name);
/* Out of the way, whatever it is. Returns what was done, for check_found(). */
const char *check_take_away(StoreCheck *c, const char *directory, const char *name);

typedef void (*CheckEntry)(StoreCheck *c, int dir_fd, const char *name);
/* Each entry of the directory, which may remove it. No directory is no entries. */
void check_each(StoreCheck *c, const char *directory, CheckEntry check);
bool check_blob_is_used(StoreCheck *c, const char *digest);

/* check-content.c: reads the blob through, once. */
BlobState check_blob(StoreCheck *c, const char *digest);
void check_content(StoreCheck *c);

/* check-layers.c: directories, their descriptions, links, leftovers. */
void check_layers(StoreCheck *c);
