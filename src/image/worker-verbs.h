/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters and results of the dockerd-worker verbs that serve images and root file systems: one table for
 * the daemon, which writes the parameters, and for the worker, which reads them. The order of the
 * descriptors is given at each verb. */
#pragma once

#include "json/json-type.h"

/* "layer-apply": input, layer directory (empty), [file that keeps the input]. Progress: bytes of input. */
typedef struct LayerApplyParams {
        char *format;                   /* layer_format_to_string() */
        bool tee;                       /* the third descriptor is there */
        bool progress;
        uint64_t input_max;             /* 0 = no limit */
} LayerApplyParams;
JSON_TYPE_DECLARE(LayerApplyParams);
DEFINE_JSON_CLEANUP(LayerApplyParams);

typedef struct LayerApplyReply {
        char *diff_id;                  /* digest of the plain archive */
        char *blob;                     /* digest of the input as it came */
        uint64_t blob_size;
        uint64_t size;                  /* bytes of regular files */
        char *compression;
} LayerApplyReply;
JSON_TYPE_DECLARE(LayerApplyReply);
DEFINE_JSON_CLEANUP(LayerApplyReply);

typedef struct WorkerProgress {
        uint64_t current;
} WorkerProgress;
JSON_TYPE_DECLARE(WorkerProgress);

/* "archive-unpack": input, spool directory (empty). Takes a docker-archive or an OCI layout apart; each
 * regular file of the archive becomes a file of the spool directory that is named by a number. */
typedef struct UnpackedFile {
        char *file;                     /* name in the spool directory */
        char *digest;                   /* computed, not claimed */
        uint64_t size;
        char *media_type;               /* of an OCI descriptor, else "" */
} UnpackedFile;
JSON_TYPE_DECLARE(UnpackedFile);

typedef struct UnpackedImage {
        UnpackedFile config;
        struct {
                UnpackedFile *items;    /* lowest first */
                size_t n_items;
        } layers;
        UnpackedFile *manifest;         /* that the archive has of it; NULL = none */
        char **names;                   /* references as the archive writes them */
        char *parent;                   /* id of an image, as the archive says */
} UnpackedImage;
JSON_TYPE_DECLARE(UnpackedImage);

/* The platform that is taken where one name stands for several (the worker may not ask for the host's). */
typedef struct ArchiveUnpackParams {
        char *os, *architecture, *variant;      /* in normal form */
        bool only;                              /* of other images none, as far as the index tells */
} ArchiveUnpackParams;
JSON_TYPE_DECLARE(ArchiveUnpackParams);

typedef struct ArchiveUnpackReply {
        struct {
                UnpackedImage *items;
                size_t n_items;
        } images;
} ArchiveUnpackReply;
JSON_TYPE_DECLARE(ArchiveUnpackReply);
DEFINE_JSON_CLEANUP(ArchiveUnpackReply);

/* "archive-pack": output, directory of the blobs (content/blobs/sha256). */
typedef struct PackItem {
        char *path;                     /* in the archive; a final slash makes a directory */
        char *blob;                     /* hexadecimal name below the blobs directory, "" = text */
        char *text;
        nsec_t mtime;
} PackItem;
JSON_TYPE_DECLARE(PackItem);

typedef struct ArchivePackParams {
        struct {
                PackItem *items;
                size_t n_items;
        } items;
} ArchivePackParams;
JSON_TYPE_DECLARE(ArchivePackParams);
DEFINE_JSON_CLEANUP(ArchivePackParams);

/* "layers-merge": directory of the layers, target directory (empty). */
typedef struct LayersMergeParams {
        char **layers;                  /* names below the directory of the layers, lowest first, each with
                                         * diff/ in it */
} LayersMergeParams;
JSON_TYPE_DECLARE(LayersMergeParams);

/* "tree-copy": root directory, target directory. What is in the directory below the root, and what it is
 * like itself, if the target is empty. */
typedef struct TreeCopyParams {
        char *path;                     /* as a container sees it: symlinks stay below the root */
} TreeCopyParams;
JSON_TYPE_DECLARE(TreeCopyParams);

/* "tree-pack": output, directory of the layers, [directory of the container's own files]. The tree as an
 * archive. "tree-changes": the same for the list of what is other than in the layers. */
typedef struct TreeParams {
        char **layers;                  /* as in LayersMergeParams */
        bool own_is_whole;              /* the own files are not above the layers but a changed copy of
                                         * them */
        bool difference;                /* only what is other than in the layers */
        nsec_t touched_since;           /* tree-diff.h */
        bool zstd;
} TreeParams;
JSON_TYPE_DECLARE(TreeParams);
DEFINE_JSON_CLEANUP(TreeParams);

typedef struct TreePackReply {
        uint64_t n_entries;
        uint64_t n_left_out;            /* what no archive can hold: sockets, names of marks, too long
                                         * paths */
        char **left_out;                /* some of them */
} TreePackReply;
JSON_TYPE_DECLARE(TreePackReply);
DEFINE_JSON_CLEANUP(TreePackReply);

/* "path-stat": root directory of a container. "path-pack": root directory, output. "path-unpack": root
 * directory, input, scratch file (empty). What is mounted where in a container that does not run: bind
 * mounts, in the order they are made. */
typedef struct PathMount {
        char *source, *destination;
        bool recursive;                 /* with what is mounted below the source */
        bool read_only, read_only_recursive;
} PathMount;
JSON_TYPE_DECLARE(PathMount);

typedef struct PathParams {
        char *path;                     /* in the container */
        struct {
                PathMount *items;
                size_t n_items;
        } mounts;
        uint64_t pid;                   /* whose mount namespace the root is in; 0 = in nobody's */

        /* "path-unpack" only */
        bool no_overwrite;              /* directories by other things, and the other way round */
        bool read_only_root;            /* although the mount is not */
        bool own;                       /* all that is unpacked is uid's and gid's */
        uint64_t uid, gid;
} PathParams;
JSON_TYPE_DECLARE(PathParams);
DEFINE_JSON_CLEANUP(PathParams);

/* "usage": directory. */
typedef struct UsageReply {
        uint64_t size;                  /* bytes of regular files, hard links once */
        uint64_t n_inodes;
} UsageReply;
JSON_TYPE_DECLARE(UsageReply);

/* "remove-children": directory, which stays. No parameters, no result members. */
typedef struct EmptyReply {
        char _unused;
} EmptyReply;
JSON_TYPE_DECLARE(EmptyReply);

/* Most that an archive may hold of each; an OCI layout of a hundred images has a thousand. */
#define ARCHIVE_FILES_MAX 65536U
#define ARCHIVE_IMAGES_MAX 1024U
#define ARCHIVE_NAMES_MAX 1024U
/* Bytes of one config or manifest (distribution's own limit is 4 MiB). */
#define IMAGE_DOCUMENT_MAX (4U * 1024U * 1024U)
/* Layers of one image: what one page of mount options holds, and Docker's own limit. */
#define IMAGE_LAYERS_MAX 127U
