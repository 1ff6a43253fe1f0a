/* SPDX-License-Identifier: Apache-2.0 */
/* The image manager's own structs, for the files of this folder. */
#pragma once

#include "basic/hashmap.h"
#include "image/image-manager.h"
#include "registry/reference.h"

/* Table "images" of the store; the key is the id. */
typedef struct ImageRecord {
        char *id;                       /* "sha256:HEX" of the config */
        char *config;                   /* the config's exact text, which the id is the digest of */
        char **chain;                   /* chain ids of its layers as HEX, lowest first */
        int64_t size;                   /* bytes of regular files of all layers */
        nsec_t tagged;
} ImageRecord;
JSON_TYPE_DECLARE(ImageRecord);

struct Image {
        unsigned n_ref;
        ImageManager *manager;          /* back-pointer; NULL once it is removed */
        ImageRecord record;
        OciImage document;
        char *first_tag;                /* for image_first_tag() */
};

/* Table "refs": canonical name -> image id, in memory. */
typedef struct ImageName {
        char *name;                     /* "docker.io/library/busybox:latest" */
        char *id;
} ImageName;

struct ImageManager {
        ImageManagerConfig config;
        Hashmap *images;                /* id -> Image */
        Hashmap *names;                 /* name -> ImageName */
        char *layers_dir, *links_dir, *tmp_dir, *trash_dir, *blobs_dir;
        ImageJob *jobs;                 /* running ones, so that the end of the manager ends them */
        unsigned n_trash;
};

/* Records an image whose layers are in place, and links it. *ret is borrowed. */
int image_add(ImageManager *m, ImageRecord *record, Image **ret, Error *reterr);
int image_set_name(ImageManager *m, const char *name, const char *id, Error *reterr);
void image_event(ImageManager *m, const char *action, const char *message_id, const Image *image,
                 const char *name);
/* All familiar names of an image, sorted; owned by the caller. */
int image_familiar_tags(ImageManager *m, const Image *image, char ***ret);

/* Moves a finished layer (directory with diff/) into place; one that is there already wins. */
int layer_commit(ImageManager *m, const char *staging, const char *chain_hex, Error *reterr);
bool layer_exists(ImageManager *m, const char *chain_hex);
/* OCI image-spec, "Layer ChainID": parent NULL for the lowest; results without "sha256:". */
int chain_id_next(const char *parent_hex, const char *diff_id, char **ret_hex);
/* Layers that no image and no other reference needs go to the trash. */
void layers_collect(ImageManager *m);
/* A fresh directory below tmp/, owned by the caller. */
int make_staging(ImageManager *m, char **ret, Error *reterr);
int trash_directory(ImageManager *m, const char *directory, Error *reterr);
