/* SPDX-License-Identifier: Apache-2.0 */
#include "image/pull-layer.h"

#include <inttypes.h>
#include <stdio.h>

#include "basic/fd-util.h"
#include "image/content.h"
#include "image/layer-store.h"

#define PIPE_SIZE (1024 * 1024)

static void on_unpacked(LayerUnpack *u, int r, const Error *error, void *userdata);
static void on_unpack_progress(LayerUnpack *u, uint64_t current, void *userdata);

int pull_layer_init(PullLayer *l, Error *reterr) {
        l->error = ERROR_NULL;
        l->unpack = (LayerUnpack) {
                .manager = l->manager, .progress = on_unpack_progress, .done = on_unpacked, .userdata = l,
        };
        pull_progress_init(&l->progress, l->descriptor->digest);
        if (l->diff_id && chain_id_next(l->parent, l->diff_id, &l->chain) < 0)
                return error_setf(reterr, ERROR_INVALID, "%s is no digest of a layer", l->diff_id);
        return 0;
}

void pull_layer_done(PullLayer *l) {
        worker_cancel(l->fetch);
        layer_unpack_done(&l->unpack);
        free(l->chain);
        free(l->ingest);
        json_done(&ImageLayer_json, &l->layer);
        error_done(&l->error);
}

void pull_layer_status(PullLayer *l, const char *status, int64_t current, int64_t total) {
        ProgressMessage message;

        if (pull_progress_set(&l->progress, status, current, total, &message))
                l->on_message(&message, l->userdata);
}

int pull_layer_take_existing(PullLayer *l) {
        int r;

        r = l->diff_id ? layer_load(l->manager, l->chain, l->descriptor->digest, &l->layer) :
                         content_has(l->manager, l->descriptor->digest);
        if (r > 0)
                l->state = PULL_LAYER_DONE;
        return r;
}

static int keep_blob(PullLayer *l, Error *reterr) {
        int r;

        if (!l->ingest)
                return 0;
        r = content_adopt(l->manager, AT_FDCWD, l->ingest, l->descriptor->digest, reterr);
        if (r >= 0)
                (void) unlink(l->ingest);
        return r;
}

static int finish(PullLayer *l, Error *reterr) {
        const LayerApplyReply *reply = &l->unpack.reply;
        const OciDescriptor *d = l->descriptor;
        int r;

        if (!l->diff_id)
                return keep_blob(l, reterr);
        if (!streq_ptr(reply->blob, d->digest))
                return error_setf(reterr, ERROR_INVALID, "layer %s was unpacked from %s", d->digest,
                                  strnull(reply->blob));
        if (!streq_ptr(reply->diff_id, l->diff_id))
                return error_setf(reterr, ERROR_INVALID,
                                  "layer %s unpacks to %s, but the image's config says %s", d->digest,
                                  strnull(reply->diff_id), l->diff_id);
        r = keep_blob(l, reterr);
        return r < 0 ? r :
                       layer_unpack_commit(&l->unpack, l->parent, strempty(d->media_type), &l->layer,
                                           reterr);
}

/* Once both workers have ended. */
static void step(PullLayer *l) {
        int r;

        if (l->fetch || l->unpack.worker)
                return;
        r = l->result < 0 ? l->result : finish(l, &l->error);
        if (r >= 0) {
                l->state = PULL_LAYER_DONE;
                pull_layer_status(l, "Pull complete", 0, 0);
        }
        l->on_done(l, r, &l->error, l->userdata);
}

/* The unpacker that loses its input fails as well, and a download whose unpacker failed is cancelled: the
 * other one's error tells why. */
static void note_result(PullLayer *l, int r, const Error *error, bool counts) {
        if (r >= 0 || (l->result < 0 && !counts))
                return;
        l->result = r;
        error_done(&l->error);
        (void) error_copy(&l->error, error);
}

static void on_unpacked(LayerUnpack *u, int r, const Error *error, void *userdata) {
        PullLayer *l = ASSERT_PTR(userdata);

        note_result(l, r, error, l->result < 0 && l->error.kind == ERROR_CANCELLED);
        step(l);
}

static void on_unpack_progress(LayerUnpack *u, uint64_t current, void *userdata) {
        PullLayer *l = ASSERT_PTR(userdata);

        if (!l->fetch)
                pull_layer_status(l, "Extracting", (int64_t) current, l->descriptor->size);
}

static void on_fetched(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        PullLayer *l = ASSERT_PTR(userdata);

        l->fetch = NULL;
        note_result(l, r, error, r < 0 && error->kind != ERROR_CANCELLED);
        if (r >= 0)
                pull_layer_status(l, "Download complete", 0, 0);
        step(l);
}

static void on_fetch_progress(Worker *w, struct json_object *progress, void *userdata) {
        PullLayer *l = ASSERT_PTR(userdata);
        _cleanup_(RegistryProgress_donep) RegistryProgress p = {};
        _cleanup_free_ char *text = NULL;

        if (json_decode(&RegistryProgress_json, progress, 0, &p, NULL) < 0)
                return;
        if (isempty(p.retry))
                pull_layer_status(l, "Downloading", (int64_t) p.current, l->descriptor->size);
        else if (asprintf_safe(&text, "Retrying in %" PRIu64 " second%s", p.seconds,
                               p.seconds == 1 ? "" : "s") >= 0)
                pull_layer_status(l, text, 0, 0);
}

static int start_fetch(PullLayer *l, int ingest_fd, int pipe_fd, Error *reterr) {
        const OciDescriptor *d = l->descriptor;
        RegistryFetchParams params = {
                .access = *l->access,
                .digest = d->digest,
                .size = (uint64_t) d->size,
                .tee = pipe_fd >= 0,
        };

        return worker_start(l->manager->config.workers, &(WorkerRequest) {
                .verb = "registry-fetch-blob",
                .pace = WORKER_PACE_NETWORK,
                .params_type = &RegistryFetchParams_json,
                .params = &params,
                .fds = (const int[]) { ingest_fd, pipe_fd },
                .n_fds = pipe_fd >= 0 ? 2 : 1,
                .progress = on_fetch_progress,
                .done = on_fetched,
                .userdata = l,
        }, &l->fetch, reterr);
}

static int start_download(PullLayer *l, Error *reterr) {
        _cleanup_close_pair_ int fds[2] = { -EBADF, -EBADF };
        _cleanup_close_ int ingest = -EBADF;
        int r;

        ingest = content_ingest_open(l->manager, l->descriptor->digest, &l->ingest, reterr);
        if (ingest < 0)
                return ingest;
        if (!l->diff_id)
                return start_fetch(l, ingest, -EBADF, reterr);
        if (pipe2(fds, O_CLOEXEC) < 0)
                return error_fill(reterr, -errno);
        (void) fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE);
        /* In this order: where workers must queue, no download waits for its unpacker. */
        l->unpack.pace = WORKER_PACE_NETWORK;
        r = layer_unpack_start(&l->unpack, fds[0], false, reterr);
        return r < 0 ? r : start_fetch(l, ingest, fds[1], reterr);
}

int pull_layer_start(PullLayer *l, Error *reterr) {
        _cleanup_close_ int blob = content_open(l->manager, l->descriptor->digest);

        l->state = PULL_LAYER_BUSY;
        if (blob < 0)
                return start_download(l, reterr);
        pull_layer_status(l, "Download complete", 0, 0);
        return layer_unpack_start(&l->unpack, blob, false, reterr);
}
