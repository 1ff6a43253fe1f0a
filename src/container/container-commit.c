/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-commit.h"

#include "basic/log.h"
#include "basic/messages.h"
#include "container/container-config.h"
#include "container/container-freeze.h"
#include "image/image-change.h"
#include "registry/reference.h"

struct ContainerCommit {
        Container *container;           /* referenced */
        ContainerCommitParams params;
        OciImageConfig config;          /* of the new image */
        ContainerFreeze *freeze;
        ImageJob *job;
        void (*done)(ContainerCommit *k, int r, const char *image_id, const Error *error, void *userdata);
        void *userdata;
};

ContainerCommit *container_commit_free(ContainerCommit *k) {
        if (!k)
                return NULL;
        image_job_cancel(k->job);
        container_freeze_free(k->freeze);
        container_unref(k->container);
        json_done(&ContainerCommitParams_json, &k->params);
        json_done(&OciImageConfig_json, &k->config);
        return mfree(k);
}

/* --- whether --- */

int container_check_readable(const Container *c, const char *verb, Error *reterr) {
        if (c->state == CONTAINER_DEAD)
                return error_setf(reterr, ERROR_CONFLICT, "You cannot %s container %s which is Dead", verb,
                                  c->doc.id);
        if (c->state == CONTAINER_REMOVING)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "You cannot %s container %s which is being removed", verb, c->doc.id);
        if (!c->image)
                return error_setf(reterr, ERROR_NOT_FOUND, "the image of container %s (%s) is gone",
                                  c->doc.name, strempty(c->doc.image_id));
        return 0;
}

int container_check_still_there(const Container *c, Error *reterr) {
        if (c->manager && c->state != CONTAINER_REMOVING && c->state != CONTAINER_DEAD)
                return 0;
        return error_setf(reterr, ERROR_CONFLICT, "container %s was removed while it was read", c->doc.id);
}

int container_commit_check(const ContainerCommitParams *p, Error *reterr) {
        _cleanup_reference_ Reference ref = {};
        int r;

        if (isempty(p->repo))
                return 0;
        r = reference_parse(p->repo, &ref, reterr);
        if (r < 0)
                return r;
        if (ref.digest)
                return error_setf(reterr, ERROR_INVALID, "cannot import digest reference");
        return isempty(p->tag) ? 0 : reference_set_tag(&ref, p->tag, reterr);
}

/* --- the config of the image --- */

/* By the members that both have. */
static int convert(const JsonType *from, const void *value, const JsonType *to, void *ret) {
        _cleanup_free_ char *text = json_encode_text(from, value, 0);

        return text ? json_decode_text(to, text, strlen(text), 0, ret, NULL) : -ENOMEM;
}

static bool config_is_given(const ContainerConfig *c) {
        static const ContainerConfig nothing = {};

        return memcmp(c, &nothing, sizeof(nothing)) != 0;
}

/* What the request says, else what the container has; then the changes; then, for what is still open, the
 * container again. */
static int build_config(const Container *c, const ContainerCommitParams *p, OciImageConfig *ret,
                        Error *reterr) {
        const ContainerConfig *wanted = config_is_given(&p->config) ? &p->config : &c->doc.config;
        _cleanup_(OciImageConfig_donep) OciImageConfig own = {}, changed = {};
        ContainerConfig merged = {};
        int r;

        r = convert(&ContainerConfig_json, &c->doc.config, &OciImageConfig_json, &own);
        if (r >= 0)
                r = convert(&ContainerConfig_json, wanted, &OciImageConfig_json, &changed);
        if (r >= 0)
                r = image_changes_apply(&changed, p->changes, reterr);
        if (r >= 0)
                r = convert(&OciImageConfig_json, &changed, &ContainerConfig_json, &merged);
        if (r >= 0)
                r = container_config_merge(&merged, &own, reterr);
        if (r >= 0)
                r = convert(&ContainerConfig_json, &merged, &OciImageConfig_json, ret);
        json_done(&ContainerConfig_json, &merged);
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* --- the work --- */

static void finish(ContainerCommit *k, int r, const char *image_id, const Error *error) {
        _cleanup_(container_commit_freep) ContainerCommit *hold = k;

        k->done(k, r, image_id, error, k->userdata);
}

static void event(ContainerCommit *k, const char *image_id) {
        _cleanup_reference_ Reference ref = {};
        _cleanup_free_ char *name = NULL;

        if (!isempty(k->params.repo) && reference_parse(k->params.repo, &ref, NULL) >= 0 &&
            (isempty(k->params.tag) || reference_set_tag(&ref, k->params.tag, NULL) >= 0) &&
            reference_add_default_tag(&ref) >= 0)
                name = reference_familiar_string(&ref);
        container_event(k->container, "commit", MESSAGE_CONTAINER_COMMIT_STR, "comment",
                        strempty(k->params.comment), "imageID", image_id, "imageRef", strempty(name), NULL);
}

static void on_image(ImageJob *job, int r, const Error *error, void *userdata) {
        ContainerCommit *k = ASSERT_PTR(userdata);
        _cleanup_free_ char *id = r >= 0 ? strdup(image_job_image_id(job)) : NULL;

        k->job = NULL;
        if (id && k->container->manager)
                event(k, id);
        finish(k, r, id, error);
}

/* The container may go on. */
static int on_read(void *userdata, Error *reterr) {
        ContainerCommit *k = ASSERT_PTR(userdata);

        k->freeze = container_freeze_free(k->freeze);
        return container_check_still_there(k->container, reterr);
}

static int start_job(ContainerCommit *k, Error *reterr) {
        const ImageJobHandlers handlers = { .done = on_image, .userdata = k };
        Container *c = k->container;
        _cleanup_free_ char *command = strv_join(c->doc.config.cmd, " ");
        int r;

        r = container_check_readable(c, "commit", reterr);
        if (r < 0)
                return r;
        return image_commit_start(c->manager->config.images, &(ImageCommitParams) {
                .name = c->doc.name,
                .parent = c->image,
                .rw_dir = c->rw_dir,
                .config = &k->config,
                .author = k->params.author,
                .comment = k->params.comment,
                .created_by = command,
                .repo = k->params.repo,
                .tag = k->params.tag,
                .read_done = on_read,
        }, &handlers, &k->job, reterr);
}

static void warn_not_frozen(const Container *c, int r) {
        if (r != -ESRCH)
                log_warning_errno(
                                r,
                                "Container %s cannot stand still while it is committed, what it writes meanwhile "
                                "may be in the image in parts: %m",
                                c->doc.name);
}

static void on_frozen(ContainerFreeze *f, int r, void *userdata) {
        ContainerCommit *k = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;

        if (r < 0)
                warn_not_frozen(k->container, r);
        if (!k->container->manager)
                r = container_check_still_there(k->container, &e);
        else
                r = start_job(k, &e);
        if (r < 0)
                finish(k, r, NULL, &e);
}

static int begin(ContainerCommit *k, Error *reterr) {
        int r = 0;

        if (k->params.pause != TRISTATE_FALSE) {
                r = container_freeze(k->container, on_frozen, k, &k->freeze);
                if (r > 0)
                        return 0;
                if (r < 0)
                        warn_not_frozen(k->container, r);
        }
        return start_job(k, reterr);
}

int container_commit_start(Container *c, const ContainerCommitParams *p,
                           void (*done)(ContainerCommit *k, int r, const char *image_id, const Error *error,
                                        void *userdata),
                           void *userdata, ContainerCommit **ret, Error *reterr) {
        _cleanup_(container_commit_freep) ContainerCommit *k = NULL;
        int r;

        r = container_check_readable(c, "commit", reterr);
        if (r < 0)
                return r;
        k = new(ContainerCommit, 1);
        if (!k)
                return error_fill(reterr, -ENOMEM);
        *k = (ContainerCommit) { .container = container_ref(c), .done = done, .userdata = userdata };
        r = json_copy(&ContainerCommitParams_json, p, &k->params);
        if (r < 0)
                return error_fill(reterr, r);
        r = build_config(c, p, &k->config, reterr);
        if (r >= 0)
                r = begin(k, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(k);
        return 0;
}
