/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layer-store.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "basic/crash-point.h"
#include "basic/digest.h"
#include "basic/fileio.h"
#include "basic/id.h"
#include "basic/log.h"
#include "basic/path-util.h"
#include "image/content.h"
#include "image/image-whole.h"

#define DESCRIPTION_FILE "layer.json"
#define DESCRIPTION_MODE 0600
#define DESCRIPTION_MAX 4096U
#define TRASH_USEC (500 * USEC_PER_MSEC)

int chain_id_next(const char *parent_hex, const char *diff_id, char **ret_hex) {
        _cleanup_free_ char *text = NULL;
        char hex[SHA256_SIZE * 2 + 1];
        Digest d;

        /* Foreign text, which becomes the name of a directory. */
        if (digest_parse(diff_id, &d) < 0)
                return -EINVAL;
        if (parent_hex) {
                if (asprintf_safe(&text, "sha256:%s %s", parent_hex, diff_id) < 0)
                        return -ENOMEM;
                digest_of(text, strlen(text), &d);
        }
        return free_and_strdup(ret_hex, digest_format_hex(hex, &d));
}

bool layer_exists(ImageManager *m, const char *chain_hex) {
        _cleanup_free_ char *path = NULL;

        return asprintf_safe(&path, "%s/%s/diff", m->layers_dir, chain_hex) >= 0 && access(path, F_OK) >= 0;
}

static char *link_path(ImageManager *m, const char *chain_hex, const char *suffix) {
        char *path;

        return asprintf_safe(&path, "%s/%.*s%s", m->links_dir, LAYER_LINK_LENGTH, chain_hex, suffix) < 0 ?
                               NULL :
                               path;
}

/* The short name keeps the option string of a mount of many layers below one page. */
static int make_link(ImageManager *m, const char *chain_hex, const char *suffix, const char *directory) {
        _cleanup_free_ char *link = link_path(m, chain_hex, suffix), *target = NULL;

        if (!link || asprintf_safe(&target, "../layers/%s/%s", chain_hex, directory) < 0)
                return -ENOMEM;
        return symlink(target, link) < 0 && errno != EEXIST ? -errno : 0;
}

int layer_link(ImageManager *m, const char *chain_hex) {
        return make_link(m, chain_hex, "", "diff");
}

bool layer_is_linked(ImageManager *m, const char *chain_hex) {
        _cleanup_free_ char *link = link_path(m, chain_hex, "");

        return link && access(link, F_OK) >= 0;
}

int layer_link_init(ImageManager *m, const char *chain_hex) {
        return make_link(m, chain_hex, LAYER_LINK_INIT, "init/diff");
}

int layer_describe(const char *directory, const ImageLayer *layer, Error *reterr) {
        _cleanup_free_ char *path = path_join(directory, DESCRIPTION_FILE),
                            *text = json_encode_text(&ImageLayer_json, layer, 0);
        int r;

        if (!path || !text)
                return error_fill(reterr, -ENOMEM);
        r = write_file_atomic_at(AT_FDCWD, path, text, strlen(text), DESCRIPTION_MODE, WRITE_SYNC);
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot write %s", path) : 0;
}

int layer_read_description(ImageManager *m, const char *chain_hex, ImageLayer *ret) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        size_t size;
        int r;

        if (asprintf_safe(&path, "%s/%s/" DESCRIPTION_FILE, m->layers_dir, chain_hex) < 0)
                return -ENOMEM;
        r = read_file_at(AT_FDCWD, path, DESCRIPTION_MAX, &text, &size);
        return r < 0 ? r : json_decode_text(&ImageLayer_json, text, size, 0, ret, NULL);
}

static const ImageLayer *find_with_blob(ImageManager *m, const char *chain_hex, const char *blob) {
        Image *i;

        HASHMAP_FOREACH(i, m->images)
                for (size_t n = 0; n < i->record.layers.n_items; n++) {
                        const ImageLayer *l = i->record.layers.items + n;

                        if (streq(l->chain, chain_hex) && streq_ptr(l->blob, blob))
                                return l;
                }
        return NULL;
}

int layer_load(ImageManager *m, const char *chain_hex, const char *blob, ImageLayer *ret) {
        const ImageLayer *known = find_with_blob(m, chain_hex, blob);
        _cleanup_(ImageLayer_donep) ImageLayer described = {};

        if (!layer_exists(m, chain_hex) || !content_has(m, blob))
                return 0;
        if (known)
                return json_copy(&ImageLayer_json, known, ret) < 0 ? -ENOMEM : 1;
        if (layer_read_description(m, chain_hex, &described) < 0 || !streq_ptr(described.blob, blob))
                return 0;
        *ret = TAKE_STRUCT(described);
        return 1;
}

int layer_commit(ImageManager *m, const char *staging, const ImageLayer *layer, Error *reterr) {
        const char *chain_hex = layer->chain;
        _cleanup_free_ char *path = path_join(m->layers_dir, chain_hex);
        int r;

        if (!path)
                return error_fill(reterr, -ENOMEM);
        r = layer_describe(staging, layer, reterr);
        if (r < 0)
                return r;
        crash_point("layer:before-rename");
        if (!layer_exists(m, chain_hex))        /* what is left of one without its files */
                (void) trash_directory(m, path, NULL);
        if (layer_exists(m, chain_hex))
                r = trash_directory(m, staging, reterr);
        else if (rename(staging, path) < 0)
                r = error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot put layer %s in place",
                                     chain_hex);
        else
                r = fsync_directory_of(AT_FDCWD, path);
        crash_point("layer:renamed");
        if (r >= 0)
                r = make_link(m, chain_hex, "", "diff");
        crash_point("layer:linked");
        return r < 0 ? error_fill(reterr, r) : 0;
}

const ImageLayer *layer_find(ImageManager *m, const char *chain_hex) {
        Image *i;

        HASHMAP_FOREACH(i, m->images)
                for (size_t n = 0; n < i->record.layers.n_items; n++)
                        if (streq(i->record.layers.items[n].chain, chain_hex))
                                return i->record.layers.items + n;
        return NULL;
}

static void layer_remove(ImageManager *m, const char *chain_hex) {
        _cleanup_free_ char *path = path_join(m->layers_dir, chain_hex), *link = link_path(m, chain_hex, ""),
                            *init = link_path(m, chain_hex, LAYER_LINK_INIT);

        if (link)
                (void) unlink(link);
        if (init)
                (void) unlink(init);
        crash_point("layer-remove:unlinked");
        if (path)
                (void) trash_directory(m, path, NULL);
        crash_point("layer-remove:trashed");
}

bool blob_is_used(ImageManager *m, const char *digest) {
        Image *i;

        HASHMAP_FOREACH(i, m->images)
                if (image_record_has_blob(&i->record, digest))
                        return true;
        return false;
}

void layers_release(ImageManager *m, const ImageRecord *removed) {
        if (m->jobs) {          /* they may rely on what is there */
                m->sweep_later = true;
                return;
        }
        for (size_t n = removed->layers.n_items; n > 0; n--) {
                const ImageLayer *l = removed->layers.items + n - 1;

                if (!layer_find(m, l->chain))
                        layer_remove(m, l->chain);
                if (l->blob && !blob_is_used(m, l->blob))
                        content_remove(m, l->blob);
        }
        for (size_t n = 0; n < removed->blobs.n_items; n++)
                if (!blob_is_used(m, removed->blobs.items[n].digest))
                        content_remove(m, removed->blobs.items[n].digest);
        if (removed->manifest && !blob_is_used(m, removed->manifest))
                content_remove(m, removed->manifest);
        if (removed->target && !blob_is_used(m, removed->target))
                content_remove(m, removed->target);
        content_remove(m, removed->id);
}

bool stat_is_younger(const struct stat *st, nsec_t age) {
        nsec_t changed = (nsec_t) st->st_ctim.tv_sec * NSEC_PER_SEC + (nsec_t) st->st_ctim.tv_nsec;

        return changed + age > now_nsec();
}

void layers_sweep(ImageManager *m, nsec_t grace) {
        DIR *d = opendir(m->layers_dir);
        struct dirent *e;
        struct stat st;

        while (d && (e = readdir(d)))
                if (id_is_valid(e->d_name) && !layer_find(m, e->d_name) &&
                    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) >= 0 &&
                    !stat_is_younger(&st, grace))
                        layer_remove(m, e->d_name);
        if (d)
                closedir(d);
        content_sweep(m, grace);
}

int64_t image_manager_layers_size(const ImageManager *m) {
        _cleanup_(hashmap_freep) Hashmap *seen = hashmap_new();
        int64_t sum = 0;
        Image *i;

        HASHMAP_FOREACH(i, m->images)
                for (size_t n = 0; seen && n < i->record.layers.n_items; n++) {
                        ImageLayer *l = i->record.layers.items + n;

                        if (!hashmap_get(seen, l->chain) && hashmap_put(seen, l->chain, l) >= 0)
                                sum += l->size;
                }
        return sum;
}

void layers_sweep_when_idle(ImageManager *m) {
        m->sweep_later = m->jobs;
        if (!m->jobs)
                layers_sweep(m, 0);
}

/* --- trash, staging --- */

int make_staging(ImageManager *m, char **ret, Error *reterr) {
        _cleanup_free_ char *path = path_join(m->tmp_dir, "layer-XXXXXX");

        if (!path)
                return error_fill(reterr, -ENOMEM);
        if (!mkdtemp(path))
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make a directory below %s",
                                        m->tmp_dir);
        *ret = TAKE_PTR(path);
        return 0;
}

static void on_trash_removed(Worker *w, int r, struct json_object *result, const Error *error,
                             void *userdata) {
        if (r < 0)
                log_warning("Cannot empty the trash: %s", error_message(error));
}

void empty_trash(ImageManager *m) {
        _cleanup_close_ int fd = open(m->trash_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_error_ Error e = ERROR_NULL;
        Worker *w;

        if (fd < 0 || !m->config.workers)
                return;
        if (worker_start(m->config.workers,
                         &(WorkerRequest){ .verb = "remove-children",
                                           .fds = &fd,
                                           .n_fds = 1,
                                           .done = on_trash_removed,
                                           .userdata = m },
                         &w, &e) < 0)
                log_warning("Cannot empty the trash: %s", error_message(&e));
}

static int on_trash(sd_event_source *s, uint64_t usec, void *userdata) {
        ImageManager *m = ASSERT_PTR(userdata);

        m->trash_source = sd_event_source_disable_unref(m->trash_source);
        m->trash_emptied = now_usec(CLOCK_MONOTONIC);
        empty_trash(m);
        return 0;
}

/* After the answer to whoever waits for the removal, and one worker for all that comes within a moment. */
static void empty_trash_later(ImageManager *m) {
        int r;

        if (m->trash_source)
                return;
        r = sd_event_add_time(m->config.event, &m->trash_source, CLOCK_MONOTONIC,
                              m->trash_emptied + TRASH_USEC, 0, on_trash, m);
        if (r >= 0)
                r = sd_event_source_set_priority(m->trash_source, SD_EVENT_PRIORITY_IDLE);
        if (r < 0)
                log_warning_errno(r, "Cannot empty the trash: %m");
}

int trash_directory(ImageManager *m, const char *directory, Error *reterr) {
        _cleanup_free_ char *target = NULL;

        if (asprintf_safe(&target, "%s/%" PRIu64 "-%u", m->trash_dir, now_usec(CLOCK_REALTIME),
                          m->n_trash++) < 0)
                return error_fill(reterr, -ENOMEM);
        if (rename(directory, target) < 0)
                return errno == ENOENT ? 0 :
                        error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot remove %s", directory);
        empty_trash_later(m);
        return 0;
}
