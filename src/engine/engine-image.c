/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on images. */
#include "engine/call-pump.h"
#include "engine/calls.h"
#include "engine/engine-internal.h"

#include "basic/fd-util.h"
#include "image/image-import.h"
#include "image/image-pull.h"
#include "image/image-push.h"
#include "json/json-text.h"
#include "registry/platform.h"
#include "registry/registry-config.h"

/* Minor API version since which a list of images says how many containers each has. */
#define LIST_COUNTS_CONTAINERS 51U

static int list_call(Engine *e, Call *call) {
        ImageListParams *p = call->params;
        ImageSummaryList l = {};
        int r;

        p->version = call->version;
        p->containers = call->version >= LIST_COUNTS_CONTAINERS;
        r = image_manager_list(e->images, p, &l, &call->error);
        if (r < 0)
                return r;
        call_reply(call, &(CallList) { l.items, l.n_items });
        image_summary_list_done(&l);
        return 1;
}

static int inspect_call(Engine *e, Call *call) {
        ImageInspectParams *p = call->params;
        _cleanup_(ImageInspect_donep) ImageInspect i = {};
        int r;

        p->version = call->version;
        r = image_manager_inspect(e->images, p, &i, &call->error);
        if (r < 0)
                return r;
        call_reply(call, &i);
        return 1;
}

static int history_call(Engine *e, Call *call) {
        ImageHistory h = {};
        int r;

        r = image_manager_history(e->images, call->params, &h, &call->error);
        if (r < 0)
                return r;
        call_reply(call, &(CallList) { h.items, h.n_items });
        image_history_done(&h);
        return 1;
}

static int tag_call(Engine *e, Call *call) {
        int r;

        r = image_manager_tag(e->images, call->params, &call->error);
        if (r < 0)
                return r;
        call_reply(call, NULL);
        return 1;
}

static int remove_call(Engine *e, Call *call) {
        const ImageRemoveParams *p = call->params;
        ImageDeleteList l = {};
        int r;

        if (strempty(p->name)[strspn(strempty(p->name), " \t\n")] == 0)
                return error_setf(&call->error, ERROR_INVALID, "image name cannot be blank");
        r = image_manager_remove(e->images, call->params, &l, &call->error);
        if (r < 0)
                return r;
        call_reply(call, &(CallList) { l.items, l.n_items });
        image_delete_list_done(&l);
        return 1;
}

static int prune_call(Engine *e, Call *call) {
        _cleanup_(ImagePruneReply_donep) ImagePruneReply reply = {};
        int r;

        r = image_manager_prune(e->images, call->params, &reply, &call->error);
        if (r < 0)
                return r;
        call_reply(call, &reply);
        return 1;
}

/* --- long work with progress lines; call->data is the job --- */

/* The client of a work that several share: the last one ends it. */
static void job_free(void *p) {
        image_job_cancel(p);
}

static void on_progress(ImageJob *job, const char *json, void *userdata) {
        Call *call = userdata;
        struct json_object *o;

        if (call->state != CALL_STREAMING && call_stream_open(call, CALL_STREAM_JSON) < 0)
                return;
        if (json_parse(json, strlen(json), JSON_DEPTH_MAX, &o, NULL) >= 0)
                (void) call_stream_json(call, o);
}

static void on_done(ImageJob *job, int r, const Error *error, void *userdata) {
        _cleanup_call_unref_ Call *call = call_work_end(userdata);

        if (r < 0 && call->state != CALL_STREAMING) {
                call_fail(call, error);         /* nothing was sent: a plain status can still tell */
                return;
        }
        if (call->state != CALL_STREAMING)
                (void) call_stream_open(call, CALL_STREAM_JSON);
        call_stream_close(call, r < 0 ? error : NULL);
}

/* Where Docker begins its answer before it looks at the work: errors are in the stream. */
static void on_done_late(ImageJob *job, int r, const Error *error, void *userdata) {
        Call *call = userdata;

        if (call->state != CALL_STREAMING)
                (void) call_stream_open(call, CALL_STREAM_JSON);
        on_done(job, r, error, userdata);
}

typedef int (*JobStart)(Engine *e, Call *call, int input_fd, const ImageJobHandlers *handlers,
                        ImageJob **ret);

static int start_job(Engine *e, Call *call, JobStart start) {
        _cleanup_close_ int input = call_take_input(call);
        ImageJobHandlers handlers = { on_progress, on_done, call };
        ImageJob *job;
        int r;

        if (input < 0)
                return error_set_errnof(&call->error, ERROR_INVALID, input,
                                        "the call needs an archive as its input");
        r = start(e, call, input, &handlers, &job);
        if (r < 0)
                return r;
        call_work_begin(call, job, job_free);
        return 0;
}

static int start_import(Engine *e, Call *call, int input_fd, const ImageJobHandlers *handlers,
                        ImageJob **ret) {
        return image_import_start(e->images, call->params, input_fd, handlers, ret, &call->error);
}

/* "name" and "tag" of the query: the tag may be a digest, or missing, with or without a colon for it: all
 * tags. */
static int pull_reference(const ImageCreateParams *p, Reference *ret, Error *reterr) {
        _cleanup_free_ char *name = NULL, *repository = NULL, *by_digest = NULL;
        size_t n = strlen(p->from_image);
        int r;

        name = memdup_suffix0(p->from_image, n > 0 && p->from_image[n - 1] == ':' ? n - 1 : n);
        if (!name)
                return error_fill(reterr, -ENOMEM);
        r = reference_parse(name, ret, reterr);
        if (r < 0 || isempty(p->tag))
                return r;
        if (!reference_digest_is_valid(p->tag))
                return reference_set_tag(ret, p->tag, reterr);
        repository = reference_name(ret);
        by_digest = repository ? strjoin(repository, "@", p->tag) : NULL;
        if (!by_digest)
                return error_fill(reterr, -ENOMEM);
        reference_done(ret);
        return reference_parse(by_digest, ret, reterr);
}

static int start_pull(Engine *e, const ImageCreateParams *p, const Reference *ref,
                      const RegistryAccess *access, const ImageJobHandlers *handlers, ImageJob **ret,
                      Error *reterr) {
        PlatformBuffer platform = {};
        int r = 0;

        if (!isempty(p->platform))
                r = platform_parse(p->platform, &platform, reterr);
        if (r < 0)
                return r;
        const ImagePullParams params = {
                .reference = ref,
                .access = access,
                .os = platform.os,
                .architecture = platform.architecture,
                .variant = platform.variant,
                .max_downloads = (unsigned) e->config->registry.max_concurrent_downloads,
        };
        return ref->tag || ref->digest ? image_pull_start(e->images, &params, handlers, ret, reterr) :
                                         image_pull_tags_start(e->images, &params, handlers, ret, reterr);
}

static int pull_call(Engine *e, Call *call) {
        const ImageCreateParams *p = call->params;
        _cleanup_(RegistryAccess_donep) RegistryAccess access = {};
        _cleanup_(RegistryAuth_donep) RegistryAuth auth = {};
        _cleanup_reference_ Reference ref = {};
        ImageJobHandlers handlers = { on_progress, on_done, call };
        ImageJob *job;
        int r;

        r = pull_reference(p, &ref, &call->error);
        /* Credentials that cannot be read are none, as in Docker. */
        (void) registry_auth_decode(p->registry_auth, &auth, NULL);
        if (r >= 0)
                r = registry_access_for(&e->config->registry, &ref, REGISTRY_PULL, &auth, &access,
                                        &call->error);
        if (r >= 0)
                r = start_pull(e, p, &ref, &access, &handlers, &job, &call->error);
        if (r < 0)
                return r;
        call_work_begin(call, job, job_free);
        return 0;
}

/* --- push --- */

static int start_push(Engine *e, Call *call, const ImageJobHandlers *handlers, ImageJob **ret) {
        const ImagePushRequest *p = call->params;
        _cleanup_(RegistryAccess_donep) RegistryAccess access = {};
        _cleanup_(RegistryAuth_donep) RegistryAuth auth = {};
        _cleanup_reference_ Reference ref = {};
        int r;

        r = reference_parse(p->name, &ref, &call->error);
        if (r >= 0 && !isempty(p->tag))
                r = reference_set_tag(&ref, p->tag, &call->error);
        /* Credentials that cannot be read are none, as in Docker. */
        (void) registry_auth_decode(p->registry_auth, &auth, NULL);
        if (r >= 0)
                r = registry_access_for(&e->config->registry, &ref, REGISTRY_PUSH, &auth, &access,
                                        &call->error);
        if (r < 0)
                return r;
        return image_push_start(e->images, &(ImagePushParams) {
                .reference = &ref,
                .access = &access,
                .platform = p->platform,
                .max_uploads = (unsigned) e->config->registry.max_concurrent_uploads,
        }, handlers, ret, &call->error);
}

static int push_call(Engine *e, Call *call) {
        const ImageJobHandlers handlers = { on_progress, on_done, call };
        ImageJob *job;
        int r;

        r = start_push(e, call, &handlers, &job);
        if (r < 0 && call->error.kind == ERROR_NOT_FOUND && call_stream_open(call, CALL_STREAM_JSON) >= 0) {
                call_stream_close(call, &call->error);
                return 1;
        }
        if (r < 0)
                return r;
        call_work_begin(call, job, job_free);
        return 0;
}

static int import_url_call(Engine *e, Call *call) {
        const ImageJobHandlers handlers = { on_progress, on_done, call };
        _cleanup_(RegistryProxies_donep) RegistryProxies proxies = {};
        ImageJob *job;
        int r;

        r = registry_proxies(&e->config->registry, &proxies);
        if (r < 0)
                return error_fill(&call->error, r);
        r = image_import_url_start(e->images, call->params, &proxies, &handlers, &job, &call->error);
        if (r < 0)
                return r;
        call_work_begin(call, job, job_free);
        return 0;
}

static int create_call(Engine *e, Call *call) {
        const ImageCreateParams *p = call->params;

        if (!isempty(p->from_image))
                return pull_call(e, call);
        if (isempty(p->from_src))
                return error_setf(&call->error, ERROR_INVALID, "one of fromImage and fromSrc is required");
        return streq(p->from_src, "-") ? start_job(e, call, start_import) : import_url_call(e, call);
}

static int start_load(Engine *e, Call *call, int input_fd, const ImageJobHandlers *handlers,
                      ImageJob **ret) {
        const ImageJobHandlers late = { handlers->progress, on_done_late, handlers->userdata };

        return image_load_start(e->images, call->params, input_fd, &late, ret, &call->error);
}

static int load_call(Engine *e, Call *call) {
        return start_job(e, call, start_load);
}

/* --- save --- */

static void cancel_save(void *job) {
        image_job_cancel(job);
}

static void on_saved(ImageJob *job, int r, const Error *error, void *userdata) {
        call_pump_producer_done(userdata, r, error);
}

static int save_call(Engine *e, Call *call) {
        const ImageSaveParams *p = call->params;
        _cleanup_close_ int fd = -EBADF;
        ImageJobHandlers handlers = { .done = on_saved };
        CallPump *pump;
        ImageJob *job;
        int r;

        if (isempty(p->name) && strv_isempty(p->names))
                return error_setf(&call->error, ERROR_INVALID, "no image name was given");
        r = call_pump_new(call, CALL_STREAM_TAR, cancel_save, &pump, &fd);
        if (r < 0)
                return r;
        handlers.userdata = pump;
        r = image_save_start(e->images, p, fd, &handlers, &job, &call->error);
        if (r < 0)
                return r;
        call_pump_set_producer(pump, job);
        return 0;
}

/* --- rows --- */

const EngineCall engine_call_image_list = {
        "ImageList", &ImageListParams_json, &ImageSummary_json, "image-list", 0, list_call,
        "Lists images.", .reply_is_list = true,
};
const EngineCall engine_call_image_inspect = {
        "ImageInspect", &ImageInspectParams_json, &ImageInspect_json, "image-inspect", 0, inspect_call,
        "Returns everything known of an image.",
};
const EngineCall engine_call_image_history = {
        "ImageHistory", &ImageHistoryParams_json, &ImageHistoryItem_json, "image-history", 0, history_call,
        "Lists the steps an image was made in.", .reply_is_list = true,
};
const EngineCall engine_call_image_create = {
        "ImageCreate",
        &ImageCreateParams_json,
        NULL,
        "image-create",
        CALL_MUTATES | CALL_INPUT | CALL_STREAM,
        create_call,
        "Pulls an image from a registry, or makes one from the archive of a root file system.",
};
const EngineCall engine_call_image_load = {
        "ImageLoad",
        &ImageLoadParams_json,
        NULL,
        "image-load",
        CALL_MUTATES | CALL_INPUT | CALL_STREAM,
        load_call,
        "Loads the images of a docker-archive or OCI layout archive.",
};
const EngineCall engine_call_image_save = {
        "ImageSave", &ImageSaveParams_json, NULL, "image-save", CALL_STREAM, save_call,
        "Writes images as an archive that is an OCI layout and a docker-archive.",
};
const EngineCall engine_call_image_tag = {
        "ImageTag", &ImageTagParams_json,           NULL, "image-tag", CALL_MUTATES,
        tag_call,   "Gives an image another name.",
};
const EngineCall engine_call_image_remove = {
        "ImageRemove",
        &ImageRemoveParams_json,
        &ImageDeleteItem_json,
        "image-remove",
        CALL_MUTATES,
        remove_call,
        "Removes names of an image, and the image with its last name.",
        .reply_is_list = true,
};
const EngineCall engine_call_image_prune = {
        "ImagePrune", &ImagePruneParams_json, &ImagePruneReply_json, "image-prune", CALL_MUTATES, prune_call,
        "Removes images that nothing uses.",
};
const EngineCall engine_call_image_push = {
        "ImagePush", &ImagePushRequest_json, NULL, "image-push", CALL_MUTATES | CALL_STREAM, push_call,
        "Pushes the tags of a repository to its registry.",
};
