/* SPDX-License-Identifier: Apache-2.0 */
/* What the long work on images has in common: a job of steps, each a worker. Between the steps the loop goes
 * on; a job that is cancelled takes its worker and what it made along. For the files of this folder. */
#pragma once

#include "basic/list.h"
#include "image/image-internal.h"

struct ImageJob {
        ImageManager *manager;
        ImageJobHandlers handlers;
        Worker *worker;
        int input_fd;

        ImageRecord record;             /* of the image in work */
        char *config_text;
        OciImage config;
        char *image_id;                 /* the image that was made */

        void *data;                     /* of the kind of the job */
        void (*data_free)(ImageJob *j, void *data);
        LIST_FIELDS(ImageJob, jobs);
};

/* input_fd is duplicated; negative = none. handlers may be NULL. */
ImageJob *image_job_new(ImageManager *m, const ImageJobHandlers *handlers, int input_fd, Error *reterr);
/* The end: calls done() and frees the job. */
void image_job_finish(ImageJob *j, int r, const Error *error);
void image_job_progress(ImageJob *j, const ProgressMessage *message);

/* A copy of a layer that is in place, on top of those that the record has. */
int image_job_add_layer(ImageJob *j, const ImageLayer *layer, Error *reterr);
/* Records the image that record, config_text and config describe; the id is the digest of the text. *ret is
 * borrowed. */
int image_job_record(ImageJob *j, Image **ret, Error *reterr);
/* Forgets what is known of one image, for the next one. */
void image_job_clear_image(ImageJob *j);
/* repo may hold a tag or not; tag may be NULL. */
int image_job_name(ImageJob *j, const char *repo, const char *tag, const Image *image, Error *reterr);
