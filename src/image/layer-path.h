/* SPDX-License-Identifier: Apache-2.0 */
/* Where an archive entry goes inside a layer directory: the current directory of the process becomes the
 * entry's parent, resolved with the layer as root, so that everything after it is one name without a slash.
 * For workers and tests only: it changes the current directory. */
#pragma once

#include "basic/error.h"
#include "image/layer-format.h"

typedef struct LayerPath {
        int root_fd;            /* borrowed */
        LayerFormat format;
        char *clean;            /* owned: "a/b/c", no leading slash; NULL before the first set */
        char *parent;           /* owned: parent the process is in, "" = root; NULL = unknown */
        const char *name;       /* in clean; "." for the root itself */
} LayerPath;

void layer_path_done(LayerPath *p);
DEFINE_CLEANUP_DONE(LayerPath, layer_path_done);

/* Cleans the path, makes missing parents and goes there. ERROR_INVALID if it leads outside or is too
 * deep. */
int layer_path_set(LayerPath *p, const char *path, Error *reterr);

/* Opens the directory part of another path of the layer (target of a hard link); *ret_name points into
 * path_buffer, which the caller frees. */
int layer_path_open_parent(LayerPath *p, const char *path, int *ret_fd, char **path_buffer,
                           const char **ret_name, Error *reterr);

/* Marks in the current directory, in the layer's format. test: 1 if name is marked as deleted below. */
int layer_whiteout_test(const LayerPath *p, const char *name);
int layer_whiteout_make(const LayerPath *p, const char *name);
int layer_whiteout_remove(const LayerPath *p, const char *name);
int layer_opaque_make(const LayerPath *p, const char *directory);
