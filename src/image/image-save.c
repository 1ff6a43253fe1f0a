/* SPDX-License-Identifier: Apache-2.0 */
/* `docker save`: images and their blobs as one archive that is an OCI image layout (index.json) and a
 * docker-archive (manifest.json) at the same time. */
#include "api/docker-image.h"
#include "basic/fd-util.h"
#include "basic/messages.h"
#include "image/content.h"
#include "image/image-job.h"
#include "image/image-manifest.h"
#include "image/image-platform.h"
#include "image/worker-verbs.h"

#define BLOBS "blobs/sha256/"

/* One image of the archive and the names that it goes under there. */
typedef struct SaveImage {
        Image *image;                   /* a reference */
        char **names;                   /* canonical, with tag */
} SaveImage;

typedef struct SaveData {
        SaveImage *images;
        size_t n_images;
        Hashmap *seen;                  /* blobs that are items already */
        ArchivePackParams pack;
} SaveData;

static void save_free(ImageJob *j, void *data) {
        SaveData *d = data;

        if (!d)
                return;
        for (size_t i = 0; i < d->n_images; i++) {
                image_unref(d->images[i].image);
                strv_free(d->images[i].names);
        }
        free(d->images);
        hashmap_free(d->seen);
        json_done(&ArchivePackParams_json, &d->pack);
        free(d);
}

/* --- which images --- */

static SaveImage *save_image(SaveData *d, Image *image) {
        SaveImage *grown;

        for (size_t i = 0; i < d->n_images; i++)
                if (d->images[i].image == image)
                        return d->images + i;
        grown = reallocarray(d->images, d->n_images + 1, sizeof(SaveImage));
        if (!grown)
                return NULL;
        d->images = grown;
        d->images[d->n_images] = (SaveImage) { .image = image_ref(image) };
        return d->images + d->n_images++;
}

static int add_name(SaveData *d, Image *image, const char *name) {
        SaveImage *s = save_image(d, image);

        if (!s)
                return -ENOMEM;
        return !name || strv_contains(s->names, name) ? 0 : strv_extend(&s->names, name);
}

/* A repository without a tag stands for all of its tags. */
static int add_repository(ImageManager *m, SaveData *d, const Reference *repository) {
        ImageName *n;
        int r, found = 0;

        HASHMAP_FOREACH(n, m->names) {
                _cleanup_reference_ Reference ref = {};

                r = reference_parse(n->name, &ref, NULL);
                if (r < 0 || !ref.tag || !reference_same_repository(&ref, repository))
                        continue;
                r = add_name(d, image_manager_get(m, n->id), n->name);
                if (r < 0)
                        return r;
                found = 1;
        }
        return found;
}

static int add_wanted(ImageManager *m, SaveData *d, const char *name, Error *reterr) {
        _cleanup_reference_ Reference ref = {};
        _cleanup_free_ char *canonical = NULL;
        Image *image;
        int r;

        if (reference_parse(name, &ref, NULL) >= 0 && !ref.tag && !ref.digest) {
                r = add_repository(m, d, &ref);
                if (r != 0)
                        return r < 0 ? error_fill(reterr, r) : 0;
        }
        r = image_manager_find(m, name, &image, reterr);
        if (r < 0)
                return r;
        if (ref.tag && !ref.digest && !(canonical = reference_to_string(&ref)))
                return error_fill(reterr, -ENOMEM);
        return add_name(d, image, canonical && hashmap_get(m->names, canonical) ? canonical : NULL) < 0 ?
                       error_fill(reterr, -ENOMEM) :
                       0;
}

static int check_platform(const SaveData *d, const char *text, Error *reterr) {
        char formatted[PLATFORM_TEXT_MAX];
        PlatformBuffer buf;
        int r;

        if (isempty(text))
                return 0;
        r = image_platform_parse(text, &buf, reterr);
        if (r < 0)
                return r;
        const Platform wanted = platform_of(&buf);

        for (size_t i = 0; i < d->n_images; i++)
                if (!image_is_of_platform(d->images[i].image, &wanted))
                        return error_setf(reterr, ERROR_NOT_FOUND,
                                          "no suitable export target found for platform %s",
                                          platform_format(formatted, &wanted));
        return 0;
}

/* --- items of the archive --- */

static int add_item(SaveData *d, char *path, const char *blob, const char *text, nsec_t mtime) {
        PackItem *items, *i;

        if (!path)
                return -ENOMEM;
        items = reallocarray(d->pack.items.items, d->pack.items.n_items + 1, sizeof(PackItem));
        if (!items) {
                free(path);
                return -ENOMEM;
        }
        d->pack.items.items = items;
        i = items + d->pack.items.n_items++;
        *i = (PackItem) {
                .path = path, .blob = strdup(strempty(blob)), .text = strdup(strempty(text)), .mtime = mtime,
        };
        return i->blob && i->text ? 0 : -ENOMEM;
}

static int add_blob(ImageManager *m, SaveData *d, const char *digest, nsec_t mtime, Error *reterr) {
        const char *hex = digest ? startswith(digest, "sha256:") : NULL;
        int r;

        if (!hex || !content_has(m, digest))
                return content_missing(-ENOENT, strnull(digest), reterr);
        if (hashmap_get(d->seen, digest))
                return 0;
        r = add_item(d, strjoin(BLOBS, hex), hex, NULL, mtime);
        if (r >= 0)
                r = hashmap_put(d->seen, digest, (void *) digest);
        return r < 0 ? error_fill(reterr, r) : 0;
}

static bool is_saved(const SaveData *d, const char *id) {
        for (size_t i = 0; i < d->n_images; i++)
                if (streq(d->images[i].image->record.id, id))
                        return true;
        return false;
}

static int docker_image(const SaveData *d, const SaveImage *s, DockerArchiveImage *ret) {
        const ImageRecord *record = &s->image->record;
        int r = 0;

        ret->config = strjoin(BLOBS, record->id + strlen("sha256:"));
        if (!ret->config)
                return -ENOMEM;
        if (!isempty(record->parent) && is_saved(d, record->parent) &&
            !(ret->parent = strdup(record->parent)))
                return -ENOMEM;
        STRV_FOREACH(n, s->names) {
                _cleanup_reference_ Reference ref = {};
                _cleanup_free_ char *familiar = NULL;

                if (reference_parse(*n, &ref, NULL) < 0 || !(familiar = reference_familiar_string(&ref)) ||
                    strv_extend(&ret->repo_tags, familiar) < 0)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < record->layers.n_items && r >= 0; i++)
                r = strv_extendf(&ret->layers, BLOBS "%s", record->layers.items[i].blob + strlen("sha256:"));
        return r;
}

/* An entry of index.json for each name, or one without a name. */
static int add_index_entries(OciManifest *index, const SaveImage *s, const OciDescriptor *manifest) {
        size_t n = strv_length(s->names);
        OciDescriptor *items;

        items = reallocarray(index->manifests.items, index->manifests.n_items + (n ?: 1),
                             sizeof(OciDescriptor));
        if (!items)
                return -ENOMEM;
        index->manifests.items = items;
        for (size_t i = 0; i < (n ?: 1); i++) {
                OciDescriptor *o = items + index->manifests.n_items++;
                _cleanup_reference_ Reference ref = {};

                *o = (OciDescriptor) {};
                if (json_copy(&OciDescriptor_json, manifest, o) < 0)
                        return -ENOMEM;
                if (n == 0)
                        continue;
                if (reference_parse(s->names[i], &ref, NULL) < 0 ||
                    string_map_set(&o->annotations, "io.containerd.image.name", s->names[i]) < 0 ||
                    string_map_set(&o->annotations, "org.opencontainers.image.ref.name", strempty(ref.tag)) <
                                    0)
                        return -ENOMEM;
        }
        return 0;
}

static int add_image(ImageManager *m, SaveData *d, const SaveImage *s, OciManifest *index, Buffer *docker,
                     Error *reterr) {
        _cleanup_(DockerArchiveImage_donep) DockerArchiveImage entry = {};
        _cleanup_(OciDescriptor_donep) OciDescriptor manifest = {};
        _cleanup_free_ char *text = NULL;
        const Image *image = s->image;
        nsec_t mtime = image->document.created;
        int r;

        r = image_manifest(m, image, &manifest, reterr);
        if (r >= 0)
                r = add_blob(m, d, image->record.id, mtime, reterr);
        for (size_t i = 0; i < image->record.layers.n_items && r >= 0; i++)
                r = add_blob(m, d, image->record.layers.items[i].blob, mtime, reterr);
        for (size_t i = 0; i < image->record.blobs.n_items && r >= 0; i++)
                r = add_blob(m, d, image->record.blobs.items[i].digest, mtime, reterr);
        if (r >= 0)
                r = add_blob(m, d, image->record.manifest, mtime, reterr);
        if (r < 0)
                return r;
        /* The older form knows images only. */
        if (!isempty(image->record.artifact))
                return add_index_entries(index, s, &manifest) < 0 ? error_fill(reterr, -ENOMEM) : 0;
        if (docker_image(d, s, &entry) < 0 || add_index_entries(index, s, &manifest) < 0 ||
            !(text = json_encode_text(&DockerArchiveImage_json, &entry, 0)) ||
            buffer_appendf(docker, "%s%s", docker->size > 1 ? "," : "", text) < 0)
                return error_fill(reterr, -ENOMEM);
        return 0;
}

static int build_items(ImageManager *m, SaveData *d, Error *reterr) {
        _cleanup_(OciManifest_donep) OciManifest index = { .schema_version = 2 };
        _cleanup_free_ char *index_text = NULL;
        _cleanup_buffer_ Buffer docker = {};
        int r = 0;

        index.media_type = strdup(MEDIA_TYPE_OCI_INDEX);
        d->seen = hashmap_new();
        if (!index.media_type || !d->seen || buffer_append_str(&docker, "[") < 0 ||
            add_item(d, strdup("blobs/"), NULL, NULL, 0) < 0 ||
            add_item(d, strdup(BLOBS), NULL, NULL, 0) < 0)
                return error_fill(reterr, -ENOMEM);
        for (size_t i = 0; i < d->n_images && r >= 0; i++) {
                strv_sort(d->images[i].names);
                r = add_image(m, d, d->images + i, &index, &docker, reterr);
        }
        if (r < 0)
                return r;
        index_text = json_encode_text(&OciManifest_json, &index, 0);
        if (!index_text || buffer_append_str(&docker, "]") < 0 ||
            add_item(d, strdup("index.json"), NULL, index_text, 0) < 0 ||
            add_item(d, strdup("manifest.json"), NULL, docker.data, 0) < 0 ||
            add_item(d, strdup("oci-layout"), NULL, OCI_LAYOUT_TEXT, 0) < 0)
                return error_fill(reterr, -ENOMEM);
        return 0;
}

/* --- start --- */

static void on_packed(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ImageJob *j = ASSERT_PTR(userdata);
        SaveData *d = j->data;

        j->worker = NULL;
        for (size_t i = 0; i < d->n_images && r >= 0; i++)
                image_event(j->manager, "save", MESSAGE_IMAGE_SAVE_STR, d->images[i].image,
                            image_id(d->images[i].image));
        image_job_finish(j, r, error);
}

static int start_pack(ImageJob *j, const ImageSaveParams *p, int output_fd, Error *reterr) {
        _cleanup_close_ int blobs = -EBADF;
        SaveData *d;
        int r = 0;

        j->data_free = save_free;
        j->data = d = new0(SaveData, 1);
        if (!d)
                return error_fill(reterr, -ENOMEM);
        if (!isempty(p->name))
                r = add_wanted(j->manager, d, p->name, reterr);
        STRV_FOREACH(n, p->names)
                if (r >= 0)
                        r = add_wanted(j->manager, d, *n, reterr);
        if (r >= 0)
                r = check_platform(d, p->platform, reterr);
        if (r >= 0)
                r = build_items(j->manager, d, reterr);
        if (r < 0)
                return r;
        blobs = open(j->manager->blobs_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (blobs < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot open %s",
                                        j->manager->blobs_dir);
        return worker_start(j->manager->config.workers, &(WorkerRequest) {
                .verb = "archive-pack",
                .pace = WORKER_PACE_CLIENT,
                .params_type = &ArchivePackParams_json,
                .params = &d->pack,
                .fds = (const int[]) { output_fd, blobs },
                .n_fds = 2,
                .done = on_packed,
                .userdata = j,
        }, &j->worker, reterr);
}

int image_save_start(ImageManager *m, const ImageSaveParams *p, int output_fd,
                     const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr) {
        ImageJob *j = image_job_new(m, handlers, -EBADF, reterr);
        int r;

        if (!j)
                return -ENOMEM;
        r = start_pack(j, p, output_fd, reterr);
        if (r < 0) {
                image_job_cancel(j);
                return r;
        }
        *ret = j;
        return 0;
}
