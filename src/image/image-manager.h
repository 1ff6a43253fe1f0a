/* SPDX-License-Identifier: Apache-2.0 */
/* The local images: what is there, under which names, made of which layers. Changes the store and the data
 * root; asks its owner (ImageManagerOps) who uses an image, and knows nothing of containers itself.
 *
 * Slow or untrusted work runs in dockerd-worker. A function that starts such work returns a job; everything
 * else answers at once from memory. */
#pragma once

#include <systemd/sd-event.h>

#include "api/image.h"
#include "basic/error.h"
#include "event/event-hub.h"
#include "image/forward.h"
#include "operation/worker-pool.h"
#include "store/store.h"

/* A container that was made from an image, as the owner of the manager sees it. */
typedef struct ImageUser {
        const char *container_id;
        const char *reference;          /* as the client of its create gave it; may be NULL */
        bool running;
} ImageUser;

typedef struct ImageManagerOps {
        /* Calls func for each container made from the image until it returns > 0; returns that, 0 or an
         * error. */
        int (*foreach_user)(void *userdata, const char *image_id,
                            int (*func)(const ImageUser *user, void *arg), void *arg);
} ImageManagerOps;

typedef struct ImageManagerConfig {
        const char *data_root;          /* absolute; exists */
        const char *storage_driver;     /* "overlay2", "vfs" or NULL: overlay2 where the file system can
                                         * carry it */
        Store *store;                   /* borrowed, outlives the manager */
        EventHub *events;               /* borrowed; gets import, load, tag, untag, delete */
        sd_event *event;
        WorkerPool *workers;            /* borrowed, outlives the manager */
        const ImageManagerOps *ops;     /* NULL = nobody uses anything */
        void *userdata;
} ImageManagerConfig;

/* Makes the directories, loads references, images and layers exactly as recorded. A record that cannot be
 * read is set aside and logged. Removing leftovers begins later, at idle. */
int image_manager_new(const ImageManagerConfig *config, ImageManager **ret, Error *reterr);
/* All jobs are cancelled without their callbacks. */
ImageManager *image_manager_free(ImageManager *m);
DEFINE_TRIVIAL_CLEANUP_FUNC(ImageManager *, image_manager_free);

/* "overlay2" or "vfs", and Docker's DriverStatus rows ("Backing Filesystem" -> "extfs") as map
 * "key=value". */
const char *image_manager_storage_driver(const ImageManager *m);
int image_manager_driver_status(const ImageManager *m, char ***ret);
size_t image_manager_count(const ImageManager *m);

/* Name, name:tag, name@digest, id or unique id prefix. The result is borrowed from the manager; take a
 * reference if it must survive a trip through the loop. ERROR_NOT_FOUND "No such image: NAME:TAG". */
int image_manager_find(ImageManager *m, const char *name, Image **ret, Error *reterr);
/* Exactly this id. NULL if there is none. */
Image *image_manager_get(ImageManager *m, const char *id);

Image *image_ref(Image *image);
Image *image_unref(Image *image);
DEFINE_TRIVIAL_CLEANUP_FUNC(Image *, image_unref);

const char *image_id(const Image *image);                       /* "sha256:HEX" */
const OciImage *image_document(const Image *image);             /* config blob: os, architecture, history,
                                                                 * rootfs */
const OciImageConfig *image_config(const Image *image);         /* its "config" part; never NULL */
int64_t image_size(const Image *image);                         /* bytes of all its layers */
/* ERROR_INVALID for an artifact. name: as the user calls it. */
int image_check_runnable(const Image *i, const char *name, Error *reterr);
/* First familiar tag, or NULL. Borrowed until the next change of names. */
const char *image_first_tag(const Image *image);
/* The familiar names of an image, sorted; owned by the caller. Either result may be NULL. */
int image_familiar_names(ImageManager *m, const Image *image, char ***ret_tags, char ***ret_digests);
/* Ids of all images, in no order; owned by the caller. */
int image_manager_ids(const ImageManager *m, char ***ret);

/* Verbs that answer at once. The replies are for the caller to free with their _done() function. */
int image_manager_list(ImageManager *m, const ImageListParams *p, ImageSummaryList *ret, Error *reterr);
int image_manager_inspect(ImageManager *m, const ImageInspectParams *p, ImageInspect *ret, Error *reterr);
int image_manager_history(ImageManager *m, const ImageHistoryParams *p, ImageHistory *ret, Error *reterr);
int image_manager_tag(ImageManager *m, const ImageTagParams *p, Error *reterr);
int image_manager_remove(ImageManager *m, const ImageRemoveParams *p, ImageDeleteList *ret, Error *reterr);
int image_manager_prune(ImageManager *m, const ImagePruneParams *p, ImagePruneReply *ret, Error *reterr);

/* Bytes of all layers, each counted once (`docker system df`). */
int64_t image_manager_layers_size(const ImageManager *m);

/* Long work. progress: one JSON document (no line end) for the client's stream. done: exactly once, from the
 * loop, never from inside the start function; r is 0 or negative with error set. Neither is called after
 * image_job_cancel(). */
typedef struct ImageJobHandlers {
        void (*progress)(ImageJob *job, const char *json, void *userdata);
        void (*done)(ImageJob *job, int r, const Error *error, void *userdata);
        void *userdata;
} ImageJobHandlers;

/* input_fd: pipe, socket or file with the archive; duplicated, the caller keeps its own. The job ends at its
 * EOF or as soon as the input is seen to be wrong. */
int image_import_start(ImageManager *m, const ImageCreateParams *p, int input_fd,
                       const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr);
int image_load_start(ImageManager *m, const ImageLoadParams *p, int input_fd,
                     const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr);
/* output_fd: where the archive goes; duplicated. */
int image_save_start(ImageManager *m, const ImageSaveParams *p, int output_fd,
                     const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr);

/* A container's changes as one more layer on its image. */
typedef struct ImageCommitParams {
        const char *name;               /* of the container, for messages */
        Image *parent;
        const char *rw_dir;             /* of the container (rootfs.h) */
        const OciImageConfig *config;   /* of the new image; copied */
        const char *author, *comment;
        const char *created_by;         /* of the history */
        const char *repo, *tag;         /* NULL, "" = no name */
        /* When everything is read, with the handlers' userdata: whether the container was there all the
         * time, so that it is whole. */
        int (*read_done)(void *userdata, Error *reterr);
} ImageCommitParams;
int image_commit_start(ImageManager *m, const ImageCommitParams *p, const ImageJobHandlers *handlers,
                       ImageJob **ret, Error *reterr);

/* Results of a finished import or commit: the id of the new image. Borrowed from the job. */
const char *image_job_image_id(const ImageJob *job);
/* Kills the worker, removes what was made. Accepts NULL; returns NULL. The caller's pointer is dead after
 * it. The job also ends, and the pointer with it, when done() returns. */
ImageJob *image_job_cancel(ImageJob *job);
DEFINE_TRIVIAL_CLEANUP_FUNC(ImageJob *, image_job_cancel);
