/* SPDX-License-Identifier: Apache-2.0 */
/* Records and names, and what every image needs. */
#include "image/store-check.h"

#include <dirent.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "basic/digest.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "image/content.h"
#include "image/image-whole.h"
#include "image/layer-store.h"
#include "image/store-check-internal.h"

/* --- findings --- */

void check_found(StoreCheck *c, const char *done, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        vfprintf(c->params->output, format, ap);
        va_end(ap);
        fprintf(c->params->output, "%s%s\n", done ? ": " : "", strempty(done));
        c->result->n_found++;
        c->result->n_left += !done;
}

const char *check_take_away(StoreCheck *c, const char *directory, const char *name) {
        _cleanup_free_ char *path = path_join(directory, name);

        return c->params->repair && path && rm_rf_at(AT_FDCWD, path) >= 0 ? "removed" : NULL;
}

void check_unused(StoreCheck *c, const char *directory, const char *name) {
        const char *done = check_take_away(c, directory, name),
                   *shown = startswith(directory, c->params->data_root) ?: directory;

        fprintf(c->params->output, "%s/%s: nobody needs it%s%s\n", *shown == '/' ? shown + 1 : shown, name,
                done ? ": " : "", strempty(done));
        c->result->n_unused++;
}

void check_each(StoreCheck *c, const char *directory, CheckEntry check) {
        _cleanup_strv_free_ char **names = NULL;
        DIR *d = opendir(directory);
        struct dirent *e;

        /* All names first: the checks remove some. */
        while (d && (e = readdir(d)))
                if (!streq(e->d_name, ".") && !streq(e->d_name, "..") && strv_extend(&names, e->d_name) < 0)
                        break;
        strv_sort(names);
        STRV_FOREACH(n, names)
                check(c, dirfd(d), *n);
        if (d)
                closedir(d);
}

/* --- records --- */

static CheckedImage *checked_image_free(CheckedImage *i) {
        if (!i)
                return NULL;
        json_done(&ImageRecord_json, &i->record);
        json_done(&OciImage_json, &i->document);
        strv_free(i->names);
        return mfree(i);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(CheckedImage *, checked_image_free);

/* The layers are those of the config, in its order. */
static int check_chains(const CheckedImage *i, Error *reterr) {
        char **diff_ids = i->document.rootfs.diff_ids;
        _cleanup_free_ char *chain = NULL;
        int r;

        if (strv_length(diff_ids) != i->record.layers.n_items)
                return error_setf(reterr, ERROR_INVALID, "its config has %zu layers, its record %zu",
                                  strv_length(diff_ids), i->record.layers.n_items);
        for (size_t n = 0; n < i->record.layers.n_items; n++) {
                r = chain_id_next(n > 0 ? chain : NULL, diff_ids[n], &chain);
                if (r < 0 || !streq(chain, i->record.layers.items[n].chain))
                        return error_setf(reterr, ERROR_INVALID, "layer %zu is not that of its config",
                                          n + 1);
        }
        return 0;
}

static int check_record(const char *key, CheckedImage *i, Error *reterr) {
        char text[DIGEST_TEXT_MAX];
        Digest d;
        int r;

        if (!isempty(i->record.artifact))
                return streq(i->record.id, key) ?
                                       0 :
                                       error_setf(reterr, ERROR_INVALID, "it is another artifact");
        digest_of(i->record.config, strlen(i->record.config), &d);
        if (!streq(i->record.id, key) || !streq(digest_format(text, &d), key))
                return error_setf(reterr, ERROR_INVALID, "its config is that of another image");
        r = json_decode_text(&OciImage_json, i->record.config, strlen(i->record.config), 0, &i->document,
                             reterr);
        return r < 0 ? r : check_chains(i, reterr);
}

static int load_record(const char *key, const char *json, void *userdata) {
        _cleanup_(checked_image_freep) CheckedImage *i = new0(CheckedImage, 1);
        _cleanup_error_ Error e = ERROR_NULL;
        StoreCheck *c = userdata;
        int r;

        r = i ? json_decode_text(&ImageRecord_json, json, strlen(json), 0, &i->record, &e) : -ENOMEM;
        if (r >= 0)
                r = check_record(key, i, &e);
        if (r < 0) {
                check_found(c, c->params->repair ? "set aside" : NULL,
                            "image %s: its record cannot be used: %s", key, error_message(&e));
                return c->params->repair ? r : 0;
        }
        if (hashmap_put(c->images, i->record.id, i) < 0)
                return -ENOMEM;
        i = NULL;
        c->result->n_images++;
        return 0;
}

/* With a repair a name that leads nowhere is set aside by the walk. */
static int load_name(const char *key, const char *id, void *userdata) {
        _cleanup_reference_ Reference ref = {};
        StoreCheck *c = userdata;
        CheckedImage *i = hashmap_get(c->images, id);
        const char *what = reference_parse(key, &ref, NULL) < 0 ? "it is no name of an image" :
                           !i                                   ? "its image is not there" :
                                                                  NULL;

        if (!what) {
                c->result->n_names++;
                return strv_extend(&i->names, key);
        }
        check_found(c, c->params->repair ? "removed" : NULL, "name %s: %s", key, what);
        return c->params->repair ? -ENOENT : 0;
}

/* --- what an image needs --- */

/* A tag where it has one; NULL = it has no name. */
static const char *name_of(const CheckedImage *i) {
        STRV_FOREACH(n, i->names)
                if (!strchr(*n, '@'))
                        return *n;
        return strv_isempty(i->names) ? NULL : i->names[0];
}

static void image_found(StoreCheck *c, const CheckedImage *i, const char *done, const char *what,
                        const char *object) {
        const char *name = name_of(i);

        check_found(c, done, "image %s%s%s%s: %s%s%s", i->record.id, name ? " (" : "", strempty(name),
                    name ? ")" : "", what, object ? " " : "", strempty(object));
}

static void check_layer(StoreCheck *c, CheckedImage *i, ImageLayer *l) {
        BlobState blob = l->blob ? check_blob(c, l->blob) : BLOB_MISSING;

        if (hashmap_put(c->layers, l->chain, l) == -ENOMEM)
                return;
        if (!layer_exists(&c->paths, l->chain)) {
                /* A repair unpacks it again, later (store_rebuild()). */
                i->lost = i->lost || blob != BLOB_SOUND;
                c->result->n_to_rebuild += blob == BLOB_SOUND;
                if (!c->params->repair || blob != BLOB_SOUND)
                        image_found(c, i, c->params->repair ? "set aside, pull it again" : NULL,
                                    blob == BLOB_SOUND ?
                                                    "gone from the disk, but for its archive, is layer" :
                                                    "gone from the disk is layer",
                                    l->chain);
        } else if (l->blob && blob != BLOB_SOUND) {
                image_found(c, i,
                            c->params->repair ? "it cannot be saved or pushed until it is pulled again" :
                                                NULL,
                            "the archive of a layer is missing:", l->blob);
                if (c->params->repair) {
                        l->blob = mfree(l->blob);
                        l->blob_size = 0;
                        i->changed = true;
                }
        }
}

/* The config is in the record as well. */
static void check_config(StoreCheck *c, CheckedImage *i) {
        const char *done = NULL;

        if (check_blob(c, i->record.id) == BLOB_SOUND)
                return;
        if (c->params->repair &&
            content_put(&c->paths, i->record.config, strlen(i->record.config), NULL, NULL) >= 0)
                done = "written again";
        image_found(c, i, done, "the blob of its config is missing", NULL);
}

/* Without its manifest there is nothing left of it; its parts come with the next pull. */
static void check_artifact(StoreCheck *c, CheckedImage *i) {
        i->lost = check_blob(c, i->record.id) != BLOB_SOUND;
        if (i->lost)
                image_found(c, i, c->params->repair ? "set aside, pull it again" : NULL,
                            "the manifest of this artifact is missing:", i->record.id);
        for (size_t n = 0; n < i->record.blobs.n_items; n++)
                if (check_blob(c, i->record.blobs.items[n].digest) != BLOB_SOUND)
                        image_found(c, i, NULL, "a part of this artifact is missing:",
                                    i->record.blobs.items[n].digest);
}

static void check_document(StoreCheck *c, CheckedImage *i, char **digest, const char *what) {
        if (!*digest || check_blob(c, *digest) == BLOB_SOUND)
                return;
        image_found(c, i, c->params->repair ? "forgotten until it is pulled again" : NULL, what, *digest);
        if (c->params->repair) {
                *digest = mfree(*digest);
                i->changed = true;
        }
}

/* The record stays in the database, in a table of its own, where nobody takes it for an image. */
static int set_aside(StoreCheck *c, const CheckedImage *i, Error *reterr) {
        int r;

        r = store_set_aside(c->params->store, STORE_IMAGE, i->record.id, reterr);
        STRV_FOREACH(n, i->names)
                if (r >= 0)
                        r = store_delete(c->params->store, STORE_REFERENCE, *n, STORE_SYNC_FULL, reterr);
        return r;
}

static int save_record(StoreCheck *c, const CheckedImage *i, Error *reterr) {
        _cleanup_free_ char *text = json_encode_text(&ImageRecord_json, &i->record, 0);

        return text ? store_put(c->params->store, STORE_IMAGE, i->record.id, text, STORE_SYNC_FULL, reterr) :
                      error_fill(reterr, -ENOMEM);
}

static int check_image(StoreCheck *c, CheckedImage *i, Error *reterr) {
        for (size_t n = 0; n < i->record.layers.n_items; n++)
                check_layer(c, i, i->record.layers.items + n);
        if (isempty(i->record.artifact)) {
                check_config(c, i);
                check_document(c, i, &i->record.manifest, "its manifest is missing:");
        } else
                check_artifact(c, i);
        check_document(c, i, &i->record.target, "the index it was pulled by is missing:");
        if (!c->params->repair)
                return 0;
        return i->lost ? set_aside(c, i, reterr) : i->changed ? save_record(c, i, reterr) : 0;
}

bool check_blob_is_used(StoreCheck *c, const char *digest) {
        CheckedImage *i;

        HASHMAP_FOREACH(i, c->images)
                if (image_record_has_blob(&i->record, digest))
                        return true;
        return false;
}

/* --- who uses them --- */

/* Of a container's document what is needed here. */
typedef struct ImageOwner {
        char *name;
        char *image_id;
} ImageOwner;

static const JsonField image_owner_fields[] = {
        JSON_STRING(ImageOwner, name, "Name", 0),
        JSON_STRING(ImageOwner, image_id, "ImageId", 0),
};
static JSON_TYPE(ImageOwner, image_owner_fields);
DEFINE_JSON_CLEANUP(ImageOwner);

static int check_owner(const char *key, const char *json, void *userdata) {
        _cleanup_(ImageOwner_donep) ImageOwner owner = {};
        _cleanup_error_ Error e = ERROR_NULL;
        StoreCheck *c = userdata;
        const CheckedImage *i;

        if (json_decode_text(&ImageOwner_json, json, strlen(json), 0, &owner, &e) < 0) {
                check_found(c, c->params->repair ? "set aside" : NULL,
                            "container %s: its record cannot be used: %s", key, error_message(&e));
                return c->params->repair ? -EINVAL : 0;
        }
        i = hashmap_get(c->images, strempty(owner.image_id));
        if (!i || (c->params->repair && i->lost))
                check_found(c, NULL, "container %s: its image %s is not there", strempty(owner.name),
                            strempty(owner.image_id));
        return 0;
}

/* --- all of it --- */

static int fill_paths(ImageManager *m, const char *root) {
        const struct {
                char **path;
                const char *name;
        } rows[] = {
                { &m->layers_dir, "layers" },         { &m->links_dir, "l" },
                { &m->tmp_dir, "tmp" },               { &m->trash_dir, "trash" },
                { &m->content_dir, "content" },       { &m->blobs_dir, "content/blobs/sha256" },
                { &m->ingest_dir, "content/ingest" },
        };

        FOREACH_ELEMENT(r, rows)
                if (!(*r->path = path_join(root, r->name)))
                        return -ENOMEM;
        return 0;
}

static int check_init(StoreCheck *c) {
        c->images = hashmap_new();
        c->blobs = hashmap_new();
        c->layers = hashmap_new();
        return c->images && c->blobs && c->layers ? fill_paths(&c->paths, c->params->data_root) : -ENOMEM;
}

static void check_done(StoreCheck *c) {
        ImageManager *m = &c->paths;
        CheckedImage *i;
        CheckedBlob *b;

        HASHMAP_FOREACH(i, c->images)
                checked_image_free(i);
        HASHMAP_FOREACH(b, c->blobs) {
                free(b->digest);
                free(b);
        }
        hashmap_free(c->images);
        hashmap_free(c->blobs);
        hashmap_free(c->layers);
        free(m->layers_dir);
        free(m->links_dir);
        free(m->tmp_dir);
        free(m->trash_dir);
        free(m->content_dir);
        free(m->blobs_dir);
        free(m->ingest_dir);
}

static int check_all(StoreCheck *c, Error *reterr) {
        CheckedImage *i;
        int r;

        r = store_foreach(c->params->store, STORE_IMAGE, load_record, c, reterr);
        if (r >= 0)
                r = store_foreach(c->params->store, STORE_REFERENCE, load_name, c, reterr);
        HASHMAP_FOREACH(i, c->images)
                if (r >= 0)
                        r = check_image(c, i, reterr);
        if (r < 0)
                return r;
        check_content(c);
        check_layers(c);
        return store_foreach(c->params->store, STORE_CONTAINER, check_owner, c, reterr);
}

int store_check(const StoreCheckParams *p, StoreCheckResult *ret, Error *reterr) {
        StoreCheck c = { .params = p, .result = ret };
        int r;

        r = check_init(&c);
        r = r < 0 ? error_fill(reterr, r) : check_all(&c, reterr);
        check_done(&c);
        return r < 0 ? r : 0;
}
