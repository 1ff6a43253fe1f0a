/* SPDX-License-Identifier: Apache-2.0 */
/* `docker import`: one archive, of the client or of the web, becomes an image of one layer. */
#include <sys/utsname.h>

#include "basic/fd-util.h"
#include "basic/messages.h"
#include "image/image-change.h"
#include "image/image-import.h"
#include "image/image-job.h"
#include "image/image-platform.h"
#include "image/layer-unpack.h"
#include "registry/url-text.h"

#define PIPE_SIZE (1024 * 1024)
/* Of an archive from the web: a bound for a server that never ends. */
#define URL_SIZE_MAX (64ULL * 1024 * 1024 * 1024)

typedef struct ImportData {
        ImageCreateParams params;
        PlatformBuffer platform;        /* os "" = not asked for */
        LayerUnpack layer;
        char *url;                      /* as it is shown; NULL = the client sends the archive */
        Worker *fetch;                  /* while it runs */
        bool is_fetching;               /* the server has agreed */
        int result;                     /* of the workers, the download's counting more */
        Error error;
} ImportData;

static void import_free(ImageJob *j, void *data) {
        ImportData *d = data;

        if (!d)
                return;
        worker_cancel(d->fetch);
        layer_unpack_done(&d->layer);
        json_done(&ImageCreateParams_json, &d->params);
        error_done(&d->error);
        free(d->url);
        free(d);
}

static const char *host_architecture(void) {
        static struct utsname u;

        assert(uname(&u) >= 0);
        return streq(u.machine, "x86_64") ? "amd64" : streq(u.machine, "aarch64") ? "arm64" : u.machine;
}

static int build_config(const ImageCreateParams *p, const char *diff_id, OciImage *c, Error *reterr) {
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
        return image_changes_apply(&c->config, p->changes, reterr);
}

static int take_layer(ImageJob *j, Error *reterr) {
        ImportData *d = j->data;
        _cleanup_(ImageLayer_donep) ImageLayer layer = {};
        int r;

        r = layer_unpack_keep_blob(&d->layer, reterr);
        if (r >= 0)
                r = layer_unpack_commit(&d->layer, NULL, layer_unpack_media_type(&d->layer), &layer, reterr);
        return r < 0 ? r : image_job_add_layer(j, &layer, reterr);
}

static int set_platform(const PlatformBuffer *platform, OciImage *c) {
        int r;

        if (platform->os[0] == 0)
                return 0;
        r = free_and_strdup(&c->os, platform->os);
        if (r >= 0)
                r = free_and_strdup(&c->architecture, platform->architecture);
        return r >= 0 && platform->variant[0] ? free_and_strdup(&c->variant, platform->variant) : r;
}

static int finish_import(ImageJob *j, Error *reterr) {
        ImportData *d = j->data;
        Image *image;
        int r;

        r = build_config(&d->params, d->layer.reply.diff_id, &j->config, reterr);
        if (r >= 0 && set_platform(&d->platform, &j->config) < 0)
                r = error_fill(reterr, -ENOMEM);
        if (r >= 0)
                r = take_layer(j, reterr);
        if (r < 0)
                return r;
        j->config_text = json_encode_text(&OciImage_json, &j->config, 0);
        if (!j->config_text)
                return error_fill(reterr, -ENOMEM);
        r = image_job_record(j, &image, reterr);
        if (r >= 0 && !isempty(d->params.repo))
                r = image_job_name(j, d->params.repo, d->params.tag, image, reterr);
        if (r < 0)
                return r;
        image_event(j->manager, "import", MESSAGE_IMAGE_IMPORT_STR, image, image_first_tag(image));
        image_job_progress(j, &(ProgressMessage) { .status = image->record.id });
        return free_and_strdup(&j->image_id, image->record.id);
}

/* Once all workers have ended. */
static void import_step(ImageJob *j) {
        ImportData *d = j->data;
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        if (d->fetch || d->layer.worker)
                return;
        if (d->result < 0) {
                image_job_finish(j, d->result, &d->error);
                return;
        }
        r = finish_import(j, &e);
        image_job_finish(j, r, &e);
}

/* An unpacker that loses its input fails as well, and a download whose reader has gone is cancelled: the
 * other one's error tells why. */
static void note_result(ImportData *d, int r, const Error *error, bool counts) {
        if (r >= 0 || (d->result < 0 && !counts))
                return;
        d->result = r;
        error_done(&d->error);
        (void) error_copy(&d->error, error);
}

static void on_unpacked(LayerUnpack *u, int r, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        ImportData *d = j->data;

        note_result(d, r, error, d->error.kind == ERROR_CANCELLED);
        import_step(j);
}

static int check_params(const ImageCreateParams *p, Error *reterr) {
        _cleanup_reference_ Reference ref = {};
        OciImageConfig probe = {};
        int r = image_changes_apply(&probe, p->changes, reterr);

        json_done(&OciImageConfig_json, &probe);
        return r >= 0 && !isempty(p->repo) ? reference_parse(p->repo, &ref, reterr) : r;
}

/* "Imported from -"; a URL without its password. */
static int set_message(ImportData *d) {
        if (!isempty(d->params.message))
                return 0;
        d->params.message = mfree(d->params.message);
        d->params.message = strjoin("Imported from ", d->url ?: strempty(d->params.from_src));
        return d->params.message ? 0 : -ENOMEM;
}

static int check_platform(const char *text, PlatformBuffer *ret, Error *reterr) {
        int r;

        if (isempty(text))
                return 0;
        r = platform_parse(text, ret, reterr);
        if (r >= 0 && !streq(ret->os, "linux"))
                return error_setf(reterr, ERROR_INVALID, "operating system is not supported");
        return r;
}

static int import_new(ImageManager *m, const ImageCreateParams *p, const char *url,
                      const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr) {
        PlatformBuffer platform = {};
        ImportData *d;
        ImageJob *j;
        int r;

        r = check_params(p, reterr);
        if (r >= 0)
                r = check_platform(p->platform, &platform, reterr);
        if (r < 0)
                return r;
        j = image_job_new(m, handlers, -EBADF, reterr);
        if (!j)
                return -ENOMEM;
        j->data_free = import_free;
        j->data = d = new0(ImportData, 1);
        if (!d || json_copy(&ImageCreateParams_json, p, &d->params) < 0 ||
            (url && !(d->url = strdup(url))) || set_message(d) < 0) {
                image_job_cancel(j);
                return error_fill(reterr, -ENOMEM);
        }
        d->platform = platform;
        d->layer = (LayerUnpack) { .manager = m, .done = on_unpacked, .userdata = j };
        *ret = j;
        return 0;
}

int image_import_start(ImageManager *m, const ImageCreateParams *p, int input_fd,
                       const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr) {
        ImageJob *j;
        int r;

        r = import_new(m, p, NULL, handlers, &j, reterr);
        if (r < 0)
                return r;
        ((ImportData *) j->data)->layer.pace = WORKER_PACE_CLIENT;
        r = layer_unpack_start(&((ImportData *) j->data)->layer, input_fd, true, reterr);
        if (r < 0) {
                image_job_cancel(j);
                return r;
        }
        *ret = j;
        return 0;
}

/* --- from the web --- */

static void on_fetched(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        ImportData *d = j->data;

        d->fetch = NULL;
        note_result(d, r, error, r < 0 && error->kind != ERROR_CANCELLED);
        import_step(j);
}

static void on_fetch_progress(Worker *w, struct json_object *progress, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        ImportData *d = j->data;
        _cleanup_free_ char *line = NULL;
        UrlProgress p = {};

        if (json_decode(&UrlProgress_json, progress, 0, &p, NULL) < 0)
                return;
        if (!d->is_fetching && (line = strjoin("Downloading from ", d->url)))
                image_job_progress(j, &(ProgressMessage) { .status = line });
        d->is_fetching = true;
        image_job_progress(j, &(ProgressMessage) {
                .status = (char *) "Importing",
                .progress_detail = &(ProgressDetail) { (int64_t) p.current, (int64_t) p.total },
        });
}

static int start_fetch(ImageJob *j, const char *url, const RegistryProxies *proxies, int pipe_fd,
                       Error *reterr) {
        const UrlFetchParams params = {
                .url = (char *) url,
                .proxies = *proxies,
                .size_max = URL_SIZE_MAX,
        };

        return worker_start(j->manager->config.workers, &(WorkerRequest) {
                .verb = "url-fetch",
                .pace = WORKER_PACE_NETWORK,
                .params_type = &UrlFetchParams_json,
                .params = &params,
                .fds = &pipe_fd,
                .n_fds = 1,
                .progress = on_fetch_progress,
                .done = on_fetched,
                .userdata = j,
        }, &((ImportData *) j->data)->fetch, reterr);
}

static int start_download(ImageJob *j, const char *url, const RegistryProxies *proxies, Error *reterr) {
        _cleanup_close_pair_ int fds[2] = { -EBADF, -EBADF };
        int r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return error_fill(reterr, -errno);
        (void) fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE);
        /* In this order: where workers must queue, no download waits for its unpacker. */
        ((ImportData *) j->data)->layer.pace = WORKER_PACE_NETWORK;
        r = layer_unpack_start(&((ImportData *) j->data)->layer, fds[0], true, reterr);
        return r < 0 ? r : start_fetch(j, url, proxies, fds[1], reterr);
}

int image_import_url_start(ImageManager *m, const ImageCreateParams *p, const RegistryProxies *proxies,
                           const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr) {
        _cleanup_free_ char *url = NULL, *shown = NULL;
        ImageJob *j;
        int r;

        url = strstr(p->from_src, "://") ? strdup(p->from_src) : strjoin("http://", p->from_src);
        shown = url ? url_redact(url) : NULL;
        if (!shown)
                return error_fill(reterr, -ENOMEM);
        r = url_check(url, reterr);
        if (r >= 0)
                r = import_new(m, p, shown, handlers, &j, reterr);
        if (r < 0)
                return r;
        r = start_download(j, url, proxies, reterr);
        if (r < 0) {
                image_job_cancel(j);
                return r;
        }
        *ret = j;
        return 0;
}
