/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image-manager.h"

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
#include "image/image-internal.h"
#include "image/image-whole.h"
#include "image/layer-store.h"
#include "image/worker-verbs.h"

#define DIRECTORY_MODE 0700
#define LAYERS_MODE 0710
#define EMPTY_MODE 0755

static const JsonField image_layer_fields[] = {
        JSON_STRING(ImageLayer, chain, "Chain", JSON_REQUIRED),
        JSON_INT64(ImageLayer, size, "Size", 0),
        JSON_STRING(ImageLayer, blob, "Blob", JSON_OMITEMPTY),
        JSON_INT64(ImageLayer, blob_size, "BlobSize", 0),
        JSON_STRING(ImageLayer, media_type, "MediaType", JSON_OMITEMPTY),
};
JSON_TYPE(ImageLayer, image_layer_fields);

static const JsonField image_record_fields[] = {
        JSON_STRING(ImageRecord, id, "Id", JSON_REQUIRED),
        JSON_STRING(ImageRecord, config, "Config", JSON_REQUIRED),
        JSON_ARRAY(ImageRecord, layers, ImageLayer, "Layers", JSON_NONNULL),
        JSON_STRING(ImageRecord, manifest, "Manifest", JSON_OMITEMPTY),
        JSON_STRING(ImageRecord, target, "Target", JSON_OMITEMPTY),
        JSON_STRING(ImageRecord, artifact, "Artifact", JSON_OMITEMPTY),
        JSON_ARRAY(ImageRecord, blobs, OciDescriptor, "Blobs", JSON_OMITEMPTY),
        JSON_STRING(ImageRecord, parent, "Parent", JSON_OMITEMPTY),
        JSON_TIME(ImageRecord, tagged, "Tagged", 0),
};
JSON_TYPE(ImageRecord, image_record_fields);

/* --- objects --- */

static void image_free(Image *i) {
        json_done(&ImageRecord_json, &i->record);
        json_done(&OciImage_json, &i->document);
        json_free(&OciDescriptor_json, i->target);
        free(i->first_tag);
        free(i);
}

DEFINE_REF_UNREF(Image, image, image_free);

static int image_new(ImageManager *m, ImageRecord *record, Image **ret, Error *reterr) {
        _cleanup_(image_unrefp) Image *i = new0(Image, 1);
        int r;

        if (!i)
                return error_fill(reterr, -ENOMEM);
        i->n_ref = 1;
        i->manager = m;
        i->record = TAKE_STRUCT(*record);
        r = json_decode_text(&OciImage_json, i->record.config, strlen(i->record.config), 0, &i->document,
                             reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(i);
        return 0;
}

const char *image_id(const Image *i) {
        return i->record.id;
}

const OciImage *image_document(const Image *i) {
        return &i->document;
}

const OciImageConfig *image_config(const Image *i) {
        return &i->document.config;
}

int64_t image_size(const Image *i) {
        int64_t sum = 0;

        for (size_t n = 0; n < i->record.layers.n_items; n++)
                sum += i->record.layers.items[n].size;
        for (size_t n = 0; n < i->record.blobs.n_items; n++)
                sum += i->record.blobs.items[n].size;
        return sum;
}

int image_check_runnable(const Image *i, const char *name, Error *reterr) {
        if (isempty(i->record.artifact))
                return 0;
        return error_setf(reterr, ERROR_INVALID,
                          "%s is an artifact of type %.128s, not an image: it cannot be run", name,
                          i->record.artifact);
}

const char *image_first_tag(const Image *image) {
        _cleanup_strv_free_ char **tags = NULL;

        if (!image->manager || image_familiar_names(image->manager, image, &tags, NULL) < 0 ||
            strv_isempty(tags))
                return NULL;
        (void) free_and_strdup(&((Image *) image)->first_tag, tags[0]);
        return image->first_tag;
}

/* --- names --- */

static void name_free(ImageName *n) {
        free(n->name);
        free(n->id);
        free(n);
}

void image_name_unlink(ImageManager *m, ImageName *n) {
        Image *image = hashmap_get(m->images, n->id);

        if (image)
                LIST_REMOVE(of_image, image->names, n);
        name_free(n);
}

static int link_name(ImageManager *m, const char *name, const char *id) {
        Image *image = hashmap_get(m->images, id);
        ImageName *n = new0(ImageName, 1);
        void *old = NULL;

        if (!n)
                return -ENOMEM;
        n->name = strdup(name);
        n->id = strdup(id);
        if (!n->name || !n->id || hashmap_replace(m->names, n->name, n, &old) < 0) {
                name_free(n);
                return -ENOMEM;
        }
        if (old)
                image_name_unlink(m, old);
        if (image)
                LIST_PREPEND(of_image, image->names, n);
        return 0;
}

int image_set_name(ImageManager *m, const char *name, const char *id, Error *reterr) {
        int r;

        r = store_put(m->config.store, STORE_REFERENCE, name, id, STORE_SYNC_FULL, reterr);
        crash_point("image:named");
        if (r < 0)
                return r;
        r = link_name(m, name, id);
        return r < 0 ? error_fill(reterr, r) : 0;
}

int image_familiar_names(ImageManager *m, const Image *image, char ***ret_tags, char ***ret_digests) {
        _cleanup_strv_free_ char **tags = strv_new_empty(), **digests = strv_new_empty();

        if (!tags || !digests)
                return -ENOMEM;
        LIST_FOREACH(of_image, n, image->names) {
                _cleanup_reference_ Reference ref = {};

                if (reference_parse(n->name, &ref, NULL) < 0)
                        continue;
                if (strv_consume(ref.digest ? &digests : &tags, reference_familiar_string(&ref)) < 0)
                        return -ENOMEM;
        }
        strv_sort(tags);
        strv_sort(digests);
        if (ret_tags)
                *ret_tags = TAKE_PTR(tags);
        if (ret_digests)
                *ret_digests = TAKE_PTR(digests);
        return 0;
}

void image_event(ImageManager *m, const char *action, const char *message_id, const Image *image,
                 const char *name) {
        StringMap attributes = {};

        if (string_map_copy(&attributes, &image->document.config.labels) < 0 ||
            string_map_set(&attributes, "name", name ?: image->record.id) < 0)
                log_oom();
        else if (m->config.events)
                event_hub_publish(m->config.events, &(EventDraft) {
                        "image", action, image->record.id, message_id, &attributes });
        string_map_done(&attributes);
}

static int no_such_image(const char *name, Error *reterr) {
        return error_setf(reterr, ERROR_NOT_FOUND, "No such image: %s", name);
}

static Image *find_by_name(ImageManager *m, const Reference *ref) {
        _cleanup_free_ char *name = reference_to_string(ref);
        ImageName *n = name ? hashmap_get(m->names, name) : NULL;

        return n ? hashmap_get(m->images, n->id) : NULL;
}

/* "sha256:HEX", HEX or a unique prefix of it. */
static int find_by_id(ImageManager *m, const char *name, Image **ret, Error *reterr) {
        const char *hex = startswith(name, "sha256:") ?: name;
        _cleanup_free_ char *prefix = strjoin("sha256:", hex);
        int r;

        if (!prefix)
                return error_fill(reterr, -ENOMEM);
        if (!id_is_prefix(hex))
                return 0;
        r = hashmap_find_prefix(m->images, prefix, (void **) ret);
        if (r == -ENOTUNIQ)
                return error_setf(reterr, ERROR_INVALID, "multiple IDs found with provided prefix: %s",
                                  name);
        return r;
}

int image_manager_find(ImageManager *m, const char *name, Image **ret, Error *reterr) {
        _cleanup_reference_ Reference ref = {};
        _cleanup_error_ Error e = ERROR_NULL;
        _cleanup_free_ char *familiar = NULL;
        Image *i = NULL;
        int r;

        r = reference_parse(name, &ref, &e);
        if (r >= 0) {
                if (!ref.tag && !ref.digest && reference_add_default_tag(&ref) < 0)
                        return error_fill(reterr, -ENOMEM);
                i = find_by_name(m, &ref);
        }
        if (!i) {
                int k = find_by_id(m, name, &i, reterr);

                if (k < 0)
                        return k;
        }
        if (i) {
                *ret = i;
                return 0;
        }
        if (r < 0)
                return error_copy(reterr, &e);
        familiar = reference_familiar_string(&ref);
        return no_such_image(familiar ?: name, reterr);
}

Image *image_manager_get(ImageManager *m, const char *id) {
        return hashmap_get(m->images, id);
}

/* What a registry says of an image counts more than what was there, any manifest more than none. */
static bool knows_more(ImageManager *m, const ImageRecord *a, const Image *b) {
        const ImageRecord *is = &b->record;

        return a->manifest && (!is->manifest || !image_is_whole(m, b) ||
                               (a->target && (!streq_ptr(a->target, is->target) ||
                                              !streq(a->manifest, is->manifest))));
}

static void swap_content(ImageRecord *a, ImageRecord *b) {
        ImageRecord t = *a;

        a->layers = b->layers;
        a->manifest = b->manifest;
        a->target = b->target;
        b->layers = t.layers;
        b->manifest = t.manifest;
        b->target = t.target;
}

/* The same image, come in another way: its layers packed as that manifest says. */
static int update_record(ImageManager *m, Image *i, ImageRecord *record, Error *reterr) {
        _cleanup_free_ char *text = NULL;
        int r;

        swap_content(&i->record, record);
        text = json_encode_text(&ImageRecord_json, &i->record, 0);
        r = text ? store_put(m->config.store, STORE_IMAGE, i->record.id, text, STORE_SYNC_FULL, reterr) :
                   error_fill(reterr, -ENOMEM);
        crash_point("image:updated");
        if (r < 0)
                swap_content(&i->record, record);
        else
                i->target = json_free(&OciDescriptor_json, i->target);
        return r;
}

int image_add(ImageManager *m, ImageRecord *record, Image **ret, Error *reterr) {
        Image *existing = hashmap_get(m->images, record->id), *i;
        _cleanup_free_ char *text = NULL;
        int r;

        if (existing) {
                *ret = existing;
                return knows_more(m, record, existing) ? update_record(m, existing, record, reterr) :
                                                               0;
        }
        text = json_encode_text(&ImageRecord_json, record, 0);
        if (!text)
                return error_fill(reterr, -ENOMEM);
        r = image_new(m, record, &i, reterr);
        if (r < 0)
                return r;
        r = store_put(m->config.store, STORE_IMAGE, i->record.id, text, STORE_SYNC_FULL, reterr);
        crash_point("image:recorded");
        if (r >= 0 && hashmap_put(m->images, i->record.id, i) < 0)
                r = error_fill(reterr, -ENOMEM);
        if (r < 0) {
                image_unref(i);
                return r;
        }
        *ret = i;
        return 0;
}

int image_set_parent(ImageManager *m, Image *i, const char *parent, Error *reterr) {
        _cleanup_free_ char *text = NULL;
        int r;

        if (streq_ptr(i->record.parent, parent))
                return 0;
        if (free_and_strdup(&i->record.parent, parent) < 0 ||
            !(text = json_encode_text(&ImageRecord_json, &i->record, 0)))
                return error_fill(reterr, -ENOMEM);
        r = store_put(m->config.store, STORE_IMAGE, i->record.id, text, STORE_SYNC_FULL, reterr);
        return r;
}

/* --- birth --- */

static int make_directories(ImageManager *m, Error *reterr) {
        const struct {
                char **path;
                const char *name;
                mode_t mode;
        } rows[] = {
                { &m->layers_dir, "layers", LAYERS_MODE },
                { &m->links_dir, "l", LAYERS_MODE },
                { &m->tmp_dir, "tmp", DIRECTORY_MODE },
                { &m->trash_dir, "trash", DIRECTORY_MODE },
                { &m->empty_dir, "empty", EMPTY_MODE },
        };

        FOREACH_ELEMENT(r, rows) {
                *r->path = path_join(m->config.data_root, r->name);
                if (!*r->path)
                        return error_fill(reterr, -ENOMEM);
                if (mkdir(*r->path, r->mode) < 0 && errno != EEXIST)
                        return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", *r->path);
        }
        return 0;
}

static int load_image(const char *key, const char *json, void *userdata) {
        ImageManager *m = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;
        ImageRecord record = {};
        Image *i = NULL;
        int r;

        r = json_decode_text(&ImageRecord_json, json, strlen(json), 0, &record, &e);
        if (r >= 0)
                r = image_new(m, &record, &i, &e);
        json_done(&ImageRecord_json, &record);
        if (r >= 0)
                r = hashmap_put(m->images, i->record.id, i);
        if (r < 0) {
                log_error("The record of image %s cannot be read and is set aside: %s", key,
                          error_message(&e));
                image_unref(i);
        }
        return r;
}

static int load_name(const char *key, const char *id, void *userdata) {
        ImageManager *m = ASSERT_PTR(userdata);

        /* A name whose image was set aside, or was removed when we died. */
        return hashmap_get(m->images, id) ? link_name(m, key, id) : -ENOENT;
}

/* What a killed daemon left half-made. */
static void sweep(ImageManager *m) {
        DIR *d = opendir(m->tmp_dir);
        struct dirent *e;

        while (d && (e = readdir(d)))
                if (startswith(e->d_name, "layer-")) {
                        _cleanup_free_ char *path = path_join(m->tmp_dir, e->d_name);

                        if (path)
                                (void) trash_directory(m, path, NULL);
                }
        if (d)
                closedir(d);
        layers_sweep(m, GARBAGE_GRACE);
        empty_trash(m);
}

int image_manager_new(const ImageManagerConfig *config, ImageManager **ret, Error *reterr) {
        _cleanup_(image_manager_freep) ImageManager *m = new0(ImageManager, 1);
        int r;

        if (!m)
                return error_fill(reterr, -ENOMEM);
        m->config = *config;
        m->images = hashmap_new();
        m->names = hashmap_new();
        if (!m->images || !m->names)
                return error_fill(reterr, -ENOMEM);
        r = make_directories(m, reterr);
        if (r >= 0)
                r = content_make_directories(m, reterr);
        if (r >= 0)
                r = storage_driver_choose(m, config->storage_driver, &m->driver, reterr);
        if (r >= 0)
                r = store_foreach(config->store, STORE_IMAGE, load_image, m, reterr);
        if (r >= 0)
                r = store_foreach(config->store, STORE_REFERENCE, load_name, m, reterr);
        if (r < 0)
                return r;
        sweep(m);
        *ret = TAKE_PTR(m);
        return 0;
}

ImageManager *image_manager_free(ImageManager *m) {
        ImageName *n;
        Image *i;

        if (!m)
                return NULL;
        while (m->jobs)
                image_job_cancel(m->jobs);
        sd_event_source_disable_unref(m->pull_source);
        HASHMAP_FOREACH(i, m->images) {
                i->manager = NULL;
                image_unref(i);
        }
        HASHMAP_FOREACH(n, m->names)
                name_free(n);
        hashmap_free(m->images);
        hashmap_free(m->names);
        free(m->layers_dir);
        free(m->links_dir);
        free(m->tmp_dir);
        sd_event_source_disable_unref(m->trash_source);
        free(m->trash_dir);
        free(m->empty_dir);
        free(m->content_dir);
        free(m->blobs_dir);
        free(m->ingest_dir);
        free(m);
        return NULL;
}

const char *image_manager_storage_driver(const ImageManager *m) {
        return storage_driver_to_string(m->driver);
}

int image_manager_driver_status(const ImageManager *m, char ***ret) {
        return storage_driver_status(m, ret);
}

size_t image_manager_count(const ImageManager *m) {
        return hashmap_size(m->images);
}
