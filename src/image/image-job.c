/* SPDX-License-Identifier: Apache-2.0 */
/* Long work on images: import, load, usage. Each step is a worker; between the steps the loop goes on. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "basic/crash-point.h"
#include "basic/digest.h"
#include "basic/fileio.h"
#include "basic/list.h"
#include "basic/messages.h"
#include "basic/path-util.h"
#include "image/image-internal.h"
#include "image/layer-format.h"
#include "image/rootfs.h"
#include "image/worker-verbs.h"
#include "json/json-value.h"

struct ImageJob {
        ImageManager *manager;
        ImageJobHandlers handlers;
        Worker *worker;
        char *staging;                  /* of the layer in work */
        char *spool;                    /* load: the archive in pieces */
        int input_fd;

        /* import */
        ImageCreateParams params;
        char *id;                       /* the image that was made */

        /* load */
        ArchiveUnpackReply archive;
        size_t image, layer;            /* what is in work */
        ImageRecord record;             /* of the image in work */
        char *config_text;
        OciImage config;

        /* usage */
        void (*usage_done)(ImageJob *job, int r, int64_t size, void *userdata);
        LIST_FIELDS(ImageJob, jobs);
};

static ImageJob *job_new(ImageManager *m, const ImageJobHandlers *handlers, int input_fd, Error *reterr) {
        ImageJob *j = new0(ImageJob, 1);

        if (!j) {
                error_fill(reterr, -ENOMEM);
                return NULL;
        }
        j->manager = m;
        j->input_fd = input_fd < 0 ? -EBADF : fcntl(input_fd, F_DUPFD_CLOEXEC, 3);
        if (handlers)
                j->handlers = *handlers;
        LIST_PREPEND(jobs, m->jobs, j);
        return j;
}

static void job_free(ImageJob *j) {
        ImageManager *m = j->manager;

        LIST_REMOVE(jobs, m->jobs, j);
        worker_cancel(j->worker);
        if (j->staging)
                (void) trash_directory(m, j->staging, NULL);
        if (j->spool)
                (void) trash_directory(m, j->spool, NULL);
        safe_close(j->input_fd);
        json_done(&ImageCreateParams_json, &j->params);
        json_done(&ArchiveUnpackReply_json, &j->archive);
        json_done(&ImageRecord_json, &j->record);
        json_done(&OciImage_json, &j->config);
        free(j->config_text);
        free(j->staging);
        free(j->spool);
        free(j->id);
        free(j);
}

ImageJob *image_job_cancel(ImageJob *j) {
        if (j)
                job_free(j);
        return NULL;
}

const char *image_job_image_id(const ImageJob *j) {
        return j->id;
}

static void job_finish(ImageJob *j, int r, const Error *error) {
        if (j->handlers.done)
                j->handlers.done(j, r, error, j->handlers.userdata);
        job_free(j);
}

static void job_fail(ImageJob *j, int r, const Error *error) {
        Error fallback = ERROR_NULL;

        if (!error_is_set(error))
                error_fill(&fallback, r);
        job_finish(j, r, error_is_set(error) ? error : &fallback);
        error_done(&fallback);
}

static void job_progress(ImageJob *j, const ProgressMessage *message) {
        _cleanup_free_ char *text = NULL;

        if (!j->handlers.progress)
                return;
        text = json_encode_text(&ProgressMessage_json, message, 0);
        if (text)
                j->handlers.progress(j, text, j->handlers.userdata);
}

/* --- one layer --- */

typedef void (*LayerDone)(Worker *w, int r, struct json_object *result, const Error *error, void *userdata);

/* Unpacks fd into <staging>/diff. */
static int start_layer(ImageJob *j, int fd, LayerDone done, Error *reterr) {
        LayerApplyParams p = { .format = (char *) layer_format_to_string(LAYER_FORMAT_OVERLAY) };
        _cleanup_close_ int root = -EBADF;
        _cleanup_free_ char *diff = NULL;
        int fds[2], r;

        j->staging = mfree(j->staging);
        r = make_staging(j->manager, &j->staging, reterr);
        if (r < 0)
                return r;
        diff = path_join(j->staging, "diff");
        if (!diff)
                return error_fill(reterr, -ENOMEM);
        if (mkdir(diff, 0755) < 0 || (root = open(diff, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", diff);
        fds[0] = fd;
        fds[1] = root;
        return worker_start(j->manager->config.workers, &(WorkerRequest) {
                .verb = "layer-apply",
                .params_type = &LayerApplyParams_json,
                .params = &p,
                .fds = fds,
                .n_fds = 2,
                .done = done,
                .userdata = j,
        }, &j->worker, reterr);
}

/* Puts the finished layer in place and adds it to the record. */
static int finish_layer(ImageJob *j, const char *diff_id, int64_t size, Error *reterr) {
        size_t n = strv_length(j->record.chain);
        _cleanup_free_ char *chain = NULL;
        int r;

        r = chain_id_next(n > 0 ? j->record.chain[n - 1] : NULL, diff_id, &chain);
        if (r < 0)
                return error_fill(reterr, r);
        if (j->staging) {
                r = layer_commit(j->manager, j->staging, chain, reterr);
                j->staging = mfree(j->staging);
                if (r < 0)
                        return r;
        }
        j->record.size += size;
        return strv_extend(&j->record.chain, chain) < 0 ? error_fill(reterr, -ENOMEM) : 0;
}

/* --- import --- */

/* The exec form is a JSON list of strings; everything else is for the shell. */
static int set_command(char ***target, const char *value) {
        _cleanup_(json_value_unrefp) JsonValue *list = NULL;
        _cleanup_strv_free_ char **l = NULL;
        int r = 0;

        if (value[0] == '[')
                (void) json_value_parse(value, strlen(value), 2, &list, NULL);
        if (list && json_value_type(list) == JSON_VALUE_ARRAY) {
                for (size_t i = 0; r >= 0 && i < json_value_length(list); i++)
                        r = strv_extend(&l, strempty(json_value_string(json_value_at(list, i))));
        } else {
                r = strv_extend(&l, "/bin/sh");
                if (r >= 0)
                        r = strv_extend(&l, "-c");
                if (r >= 0)
                        r = strv_extend(&l, value);
        }
        if (r < 0)
                return r;
        strv_free(*target);
        *target = TAKE_PTR(l);
        return 0;
}

static int set_pair(char ***env, const char *value) {
        const char *blank = strchr(value, ' ');
        _cleanup_free_ char *pair = NULL;

        if (strchr(value, '=') || !blank)
                return strv_env_set(env, value);
        if (asprintf_safe(&pair, "%.*s=%s", (int) (blank - value), value, blank + 1) < 0)
                return -ENOMEM;
        return strv_env_set(env, pair);
}

static int set_label(OciImageConfig *c, const char *value) {
        _cleanup_free_ char *key = memdup_suffix0(value, strcspn(value, "="));
        const char *v = strchr(value, '=');

        return key ? string_map_set(&c->labels, key, v ? v + 1 : "") : -ENOMEM;
}

static int set_expose(OciImageConfig *c, const char *value) {
        return strchr(value, '/') ? strv_extend(&c->exposed_ports, value) : strv_extendf(&c->exposed_ports,
                                                                                         "%s/tcp", value);
}

/* One of the Dockerfile instructions that `docker import -c` allows. */
static int apply_change(OciImageConfig *c, const char *change, Error *reterr) {
        _cleanup_free_ char *word = NULL;
        const char *value;
        size_t n;
        int r;

        change += strspn(change, " \t");
        n = strcspn(change, " \t");
        word = memdup_suffix0(change, n);
        value = change + n + strspn(change + n, " \t");
        if (!word)
                return error_fill(reterr, -ENOMEM);
        for (char *p = word; *p; p++)
                *p = *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p;
        if (streq(word, "CMD"))
                r = set_command(&c->cmd, value);
        else if (streq(word, "ENTRYPOINT"))
                r = set_command(&c->entrypoint, value);
        else if (streq(word, "ENV"))
                r = set_pair(&c->env, value);
        else if (streq(word, "LABEL"))
                r = set_label(c, value);
        else if (streq(word, "EXPOSE"))
                r = set_expose(c, value);
        else if (streq(word, "VOLUME"))
                r = strv_extend(&c->volumes, value);
        else if (streq(word, "USER"))
                r = free_and_strdup(&c->user, value);
        else if (streq(word, "WORKDIR"))
                r = free_and_strdup(&c->working_dir, value);
        else if (streq(word, "STOPSIGNAL"))
                r = free_and_strdup(&c->stop_signal, value);
        else
                return error_setf(reterr, ERROR_INVALID, "%s is not a valid change command", word);
        return r < 0 ? error_fill(reterr, r) : 0;
}

static const char *host_architecture(void) {
        static struct utsname u;

        assert(uname(&u) >= 0);
        return streq(u.machine, "x86_64") ? "amd64" : streq(u.machine, "aarch64") ? "arm64" : u.machine;
}

static int build_config(const ImageCreateParams *p, const char *diff_id, OciImage *c, Error *reterr) {
        int r = 0;

        c->architecture = strdup(host_architecture());
        c->os = strdup("linux");
        c->created = now_nsec();
        c->comment = strdup(isempty(p->message) ? "Imported from -" : p->message);
        c->rootfs.type = strdup("layers");
        c->history.items = new0(OciHistory, 1);
        if (!c->architecture || !c->os || !c->comment || !c->rootfs.type || !c->history.items ||
            strv_extend(&c->rootfs.diff_ids, diff_id) < 0)
                return error_fill(reterr, -ENOMEM);
        c->history.n_items = 1;
        c->history.items[0] = (OciHistory) { .created = c->created, .comment = strdup(c->comment) };
        STRV_FOREACH(s, p->changes)
                if (r >= 0)
                        r = apply_change(&c->config, *s, reterr);
        return r;
}

static int name_image(ImageManager *m, const char *repo, const char *tag, const Image *image,
                      Error *reterr) {
        _cleanup_reference_ Reference ref = {};
        _cleanup_free_ char *name = NULL;
        int r;

        r = reference_parse(repo, &ref, reterr);
        if (r >= 0 && !isempty(tag))
                r = reference_set_tag(&ref, tag, reterr);
        if (r < 0)
                return r;
        if (reference_add_default_tag(&ref) < 0 || !(name = reference_to_string(&ref)))
                return error_fill(reterr, -ENOMEM);
        return image_set_name(m, name, image->record.id, reterr);
}

/* The id is the digest of the config's text. */
static int record_image(ImageJob *j, char *config_text, Image **ret, Error *reterr) {
        char id[DIGEST_TEXT_MAX];
        Digest d;

        if (digest_of(config_text, strlen(config_text), &d) < 0)
                return error_fill(reterr, -EIO);
        free(j->record.config);
        j->record.config = config_text;
        if (free_and_strdup(&j->record.id, digest_format(id, &d)) < 0)
                return error_fill(reterr, -ENOMEM);
        return image_add(j->manager, &j->record, ret, reterr);
}

static int finish_import(ImageJob *j, const LayerApplyReply *reply, Error *reterr) {
        char *text;
        Image *image;
        int r;

        r = build_config(&j->params, reply->diff_id, &j->config, reterr);
        if (r >= 0)
                r = finish_layer(j, reply->diff_id, (int64_t) reply->size, reterr);
        if (r < 0)
                return r;
        text = json_encode_text(&OciImage_json, &j->config, 0);
        if (!text)
                return error_fill(reterr, -ENOMEM);
        r = record_image(j, text, &image, reterr);
        if (r >= 0 && !isempty(j->params.repo))
                r = name_image(j->manager, j->params.repo, j->params.tag, image, reterr);
        if (r < 0)
                return r;
        image_event(j->manager, "import", MESSAGE_IMAGE_IMPORT_STR, image, image_first_tag(image));
        job_progress(j, &(ProgressMessage) { .status = image->record.id });
        return free_and_strdup(&j->id, image->record.id);
}

static void on_imported(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        _cleanup_(LayerApplyReply_donep) LayerApplyReply reply = {};
        _cleanup_error_ Error e = ERROR_NULL;

        j->worker = NULL;
        if (r < 0) {
                job_fail(j, r, error);
                return;
        }
        r = json_decode(&LayerApplyReply_json, result, 0, &reply, &e);
        if (r >= 0)
                r = finish_import(j, &reply, &e);
        if (r < 0)
                job_fail(j, r, &e);
        else
                job_finish(j, 0, NULL);
}

int image_import_start(ImageManager *m, const ImageCreateParams *p, int input_fd,
                       const ImageJobHandlers *handlers,
                       ImageJob **ret, Error *reterr) {
        OciImageConfig probe = {};
        ImageJob *j;
        int r = 0;

        STRV_FOREACH(s, p->changes)
                if (r >= 0)
                        r = apply_change(&probe, *s, reterr);
        json_done(&OciImageConfig_json, &probe);
        if (r >= 0 && !isempty(p->repo)) {
                _cleanup_reference_ Reference ref = {};

                r = reference_parse(p->repo, &ref, reterr);
        }
        if (r < 0)
                return r;
        j = job_new(m, handlers, input_fd, reterr);
        if (!j)
                return -ENOMEM;
        r = json_copy(&ImageCreateParams_json, p, &j->params);
        if (r >= 0)
                r = start_layer(j, j->input_fd, on_imported, reterr);
        if (r < 0) {
                job_free(j);
                return error_fill(reterr, r);
        }
        *ret = j;
        return 0;
}

/* --- load --- */

static void load_step(ImageJob *j);

static UnpackedImage *current_image(ImageJob *j) {
        return j->archive.images.items + j->image;
}

static int open_spooled(ImageJob *j, const UnpackedFile *f) {
        _cleanup_close_ int spool = open(j->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return spool < 0 ? -errno : open_beneath(spool, strempty(f->file), O_RDONLY, 0);
}

static int read_config(ImageJob *j, Error *reterr) {
        const UnpackedFile *f = &current_image(j)->config;
        _cleanup_close_ int fd = open_spooled(j, f);
        size_t size;
        int r;

        r = fd < 0 ? fd : read_to_end(fd, IMAGE_DOCUMENT_MAX, &j->config_text, &size);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "cannot read the config of an image of the archive");
        r = json_decode_text(&OciImage_json, j->config_text, size, 0, &j->config, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "the config of an image of the archive");
        if (strv_length(j->config.rootfs.diff_ids) != current_image(j)->layers.n_items)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid manifest, layers length mismatch: expected %zu, got %zu",
                                  strv_length(j->config.rootfs.diff_ids), current_image(j)->layers.n_items);
        return 0;
}

static int report_loaded(ImageJob *j, const char *what, const char *name) {
        _cleanup_free_ char *line = NULL;
        int r;

        r = asprintf_safe(&line, "Loaded image%s: %s\n", what, name);
        if (r >= 0)
                job_progress(j, &(ProgressMessage) { .stream = line });
        return r;
}

static int name_loaded(ImageJob *j, const Image *image, Error *reterr) {
        int r = 0;

        STRV_FOREACH(n, current_image(j)->names) {
                _cleanup_reference_ Reference ref = {};
                _cleanup_free_ char *familiar = NULL;

                r = name_image(j->manager, *n, NULL, image, reterr);
                if (r >= 0)
                        r = reference_parse(*n, &ref, reterr);
                if (r < 0)
                        return r;
                familiar = reference_add_default_tag(&ref) < 0 ? NULL : reference_familiar_string(&ref);
                r = familiar ? report_loaded(j, "", familiar) : -ENOMEM;
        }
        if (strv_isempty(current_image(j)->names))
                r = report_loaded(j, " ID", image->record.id);
        return r < 0 ? error_fill(reterr, r) : 0;
}

static int finish_loaded_image(ImageJob *j, Error *reterr) {
        Image *image;
        int r;

        r = record_image(j, TAKE_PTR(j->config_text), &image, reterr);
        if (r >= 0)
                r = name_loaded(j, image, reterr);
        if (r < 0)
                return r;
        image_event(j->manager, "load", MESSAGE_IMAGE_LOAD_STR, image, image->record.id);
        json_done(&ImageRecord_json, &j->record);
        json_done(&OciImage_json, &j->config);
        j->image++;
        j->layer = 0;
        return 0;
}

static void on_layer_loaded(Worker *w, int r, struct json_object *result, const Error *error,
                            void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        _cleanup_(LayerApplyReply_donep) LayerApplyReply reply = {};
        _cleanup_error_ Error e = ERROR_NULL;
        const char *claimed = j->config.rootfs.diff_ids[j->layer];

        j->worker = NULL;
        if (r < 0) {
                job_fail(j, r, error);
                return;
        }
        r = json_decode(&LayerApplyReply_json, result, 0, &reply, &e);
        if (r >= 0 && !streq_ptr(reply.diff_id, claimed))
                r = error_setf(&e, ERROR_INVALID,
                               "the digest of layer %zu is %s, but the image's config says %s", j->layer,
                               reply.diff_id, claimed);
        if (r >= 0)
                r = finish_layer(j, reply.diff_id, (int64_t) reply.size, &e);
        if (r < 0) {
                job_fail(j, r, &e);
                return;
        }
        j->layer++;
        load_step(j);
}

/* The next layer, the next image, or the end. */
static int load_next(ImageJob *j, Error *reterr) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!j->config_text) {
                r = read_config(j, reterr);
                if (r < 0)
                        return r;
        }
        if (j->layer >= current_image(j)->layers.n_items)
                return finish_loaded_image(j, reterr);
        fd = open_spooled(j, current_image(j)->layers.items + j->layer);
        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, fd, "cannot read a layer of the archive");
        r = start_layer(j, fd, on_layer_loaded, reterr);
        return r < 0 ? r : 1;
}

static void load_step(ImageJob *j) {
        _cleanup_error_ Error e = ERROR_NULL;
        int r = 0;

        while (r == 0 && j->image < j->archive.images.n_items)
                r = load_next(j, &e);
        if (r < 0)
                job_fail(j, r, &e);
        else if (r == 0)
                job_finish(j, 0, NULL);
}

static void on_unpacked(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;

        j->worker = NULL;
        if (r < 0) {
                job_fail(j, r, error);
                return;
        }
        r = json_decode(&ArchiveUnpackReply_json, result, 0, &j->archive, &e);
        if (r < 0)
                job_fail(j, r, &e);
        else
                load_step(j);
}

int image_load_start(ImageManager *m, const ImageLoadParams *p, int input_fd,
                     const ImageJobHandlers *handlers,
                     ImageJob **ret, Error *reterr) {
        _cleanup_close_ int spool = -EBADF;
        ImageJob *j;
        int fds[2], r;

        if (!isempty(p->platform))
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "loading one platform of an archive is not supported by this "
                                  "engine yet");
        j = job_new(m, handlers, input_fd, reterr);
        if (!j)
                return -ENOMEM;
        r = make_staging(m, &j->spool, reterr);
        if (r >= 0 && (spool = open(j->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
                r = error_fill(reterr, -errno);
        fds[0] = j->input_fd;
        fds[1] = spool;
        if (r >= 0)
                r = worker_start(m->config.workers, &(WorkerRequest) {
                        .verb = "archive-unpack", .fds = fds, .n_fds = 2, .done = on_unpacked, .userdata = j,
                }, &j->worker, reterr);
        if (r < 0) {
                job_free(j);
                return r;
        }
        *ret = j;
        return 0;
}

int image_save_start(ImageManager *m, const ImageSaveParams *p, int output_fd,
                     const ImageJobHandlers *handlers,
                     ImageJob **ret, Error *reterr) {
        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                          "saving images is not supported by this engine yet");
}

/* --- usage --- */

static void on_usage(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        UsageReply reply = {};

        j->worker = NULL;
        if (r >= 0)
                r = json_decode(&UsageReply_json, result, 0, &reply, NULL);
        j->usage_done(j, r, (int64_t) reply.size, j->handlers.userdata);
        job_free(j);
}

int rootfs_usage_start(ImageManager *m, const char *rw_dir,
                       void (*done)(ImageJob *job, int r, int64_t size, void *userdata), void *userdata,
                       ImageJob **ret, Error *reterr) {
        _cleanup_free_ char *diff = path_join(rw_dir, "diff");
        _cleanup_close_ int fd = diff ? open(diff, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;
        ImageJob *j;
        int r;

        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot open %s", diff);
        j = job_new(m, &(ImageJobHandlers) { .userdata = userdata }, -EBADF, reterr);
        if (!j)
                return -ENOMEM;
        j->usage_done = done;
        r = worker_start(m->config.workers,
                         &(WorkerRequest){ .verb = "usage",
                                           .fds = &fd,
                                           .n_fds = 1,
                                           .done = on_usage,
                                           .userdata = j },
                         &j->worker, reterr);
        if (r < 0) {
                job_free(j);
                return r;
        }
        *ret = j;
        return 0;
}
