/* SPDX-License-Identifier: Apache-2.0 */
/* The image manager's own structs, for the files of this folder. */
#pragma once

#include "basic/hashmap.h"
#include "basic/list.h"
#include "image/image-manager.h"
#include "image/storage-driver.h"
#include "registry/reference.h"

struct ImageLayer {
        char *chain;                    /* HEX of the chain id: the directory of the layer */
        int64_t size;                   /* bytes of its regular files */
        char *blob;                     /* "sha256:HEX" of the archive it came as, kept in the content store;
                                         * NULL = not kept */
        int64_t blob_size;              /* bytes */
        char *media_type;               /* of the blob */
};
JSON_TYPE_DECLARE(ImageLayer);
DEFINE_JSON_CLEANUP(ImageLayer);

/* Table "images" of the store; the key is the id. */
typedef struct ImageRecord {
        char *id;                       /* "sha256:HEX" of the config */
        char *config;                   /* the config's exact text, which the id is the digest of */
        struct {
                ImageLayer *items;      /* lowest first */
                size_t n_items;
        } layers;
        char *manifest;                 /* "sha256:HEX" of the manifest it came with, in the content store;
                                         * NULL = none */
        char *target;                   /* the same of what its name led to in a registry: an index, or
                                         * NULL */
        char *artifact;                 /* what it is, where it is no image: then there are no layers, config
                                         * says nothing, and id is the digest of the manifest */
        OciDescriptorList blobs;        /* of an artifact: its own config, then its layers */
        char *parent;                   /* id of the image that it was committed on; NULL = none */
        nsec_t tagged;
} ImageRecord;
JSON_TYPE_DECLARE(ImageRecord);

/* Table "refs": canonical name -> image id, in memory. */
typedef struct ImageName ImageName;
struct ImageName {
        char *name;                     /* "docker.io/library/busybox:latest" */
        char *id;
        LIST_FIELDS(ImageName, of_image);
};

struct Image {
        unsigned n_ref;
        ImageManager *manager;          /* back-pointer; NULL once it is removed */
        ImageRecord record;
        OciImage document;
        ImageName *names;               /* borrowed from the manager */
        OciDescriptor *target;          /* manifest-summary.c; NULL = not asked for yet */
        char *first_tag;                /* for image_first_tag() */
};

typedef struct Pull Pull;

struct ImageManager {
        ImageManagerConfig config;
        Hashmap *images;                /* id -> Image */
        Hashmap *names;                 /* name -> ImageName */
        StorageDriver driver;
        char *layers_dir, *links_dir, *tmp_dir, *trash_dir, *empty_dir;
        char *content_dir, *blobs_dir, *ingest_dir;
        ImageJob *jobs;                 /* running ones, so that the end of the manager ends them */
        Pull *pulls;                    /* image-pull.c */
        sd_event_source *pull_source;
        bool sweep_later;               /* an image was removed while jobs ran */
        sd_event_source *trash_source;
        usec_t trash_emptied;           /* the last time, CLOCK_MONOTONIC */
        unsigned n_trash;
};

/* Takes a name that is in the map no more from its image, and frees it. */
void image_name_unlink(ImageManager *m, ImageName *n);
/* Records an image whose layers are in place, and links it. *ret is borrowed. */
int image_add(ImageManager *m, ImageRecord *record, Image **ret, Error *reterr);
/* Records what i was committed on. */
int image_set_parent(ImageManager *m, Image *i, const char *parent, Error *reterr);
int image_set_name(ImageManager *m, const char *name, const char *id, Error *reterr);
void image_event(ImageManager *m, const char *action, const char *message_id, const Image *image,
                 const char *name);
/* Of the image that it was committed on, while that is here; else "". */
const char *image_parent_id(ImageManager *m, const Image *image);
/* Whether another image was committed on it. Looks at all images. */
bool image_has_children(const ImageManager *m, const Image *image);
/* 1 or 0: the filters label, label!, before, since, until; those about names are the caller's. */
int image_matches(ImageManager *m, const Image *i, const Filters *f, Error *reterr);
