/* SPDX-License-Identifier: Apache-2.0 */
/* A container's root file system for a worker that reads it: the directories it is made of, nowhere mounted,
 * and the parameters that say how they go together. For the files of this folder. */
#pragma once

#include "image/image-internal.h"
#include "image/worker-verbs.h"

typedef struct RootfsSource {
        int layers_fd, own_fd;  /* own_fd negative: the container has nothing of its own yet */
        TreeParams params;
        WorkerPace pace;        /* of whoever reads the archive */
} RootfsSource;

#define ROOTFS_SOURCE_NULL ((RootfsSource) { .layers_fd = -EBADF, .own_fd = -EBADF })

void rootfs_source_done(RootfsSource *s);
DEFINE_CLEANUP_DONE(RootfsSource, rootfs_source_done);

/* The image's layers and the init layer, lowest first, as names below the directory of the layers. */
int rootfs_layer_names(ImageManager *m, const Image *image, char ***ret, Error *reterr);

int rootfs_source_open(ImageManager *m, const Image *image, const char *rw_dir, RootfsSource *ret,
                       Error *reterr);
/* Runs "tree-pack" or "tree-changes". done and userdata as in a WorkerRequest. */
int rootfs_source_start(const RootfsSource *s, ImageJob *j, const char *verb, int output_fd,
                        void (*done)(Worker *w, int r, struct json_object *result, const Error *error,
                                     void *userdata),
                        Error *reterr);
