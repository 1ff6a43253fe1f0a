/* SPDX-License-Identifier: Apache-2.0 */
#include "image/manifest-summary.h"

#include "image/content.h"
#include "image/image-manifest.h"
#include "registry/manifest.h"
#include "registry/registry-verbs.h"

/* What BuildKit says of an attestation in the index. */
#define ANNOTATION_TYPE "vnd.docker.reference.type"
#define ANNOTATION_DIGEST "vnd.docker.reference.digest"

/* A document of the content store, or of the text where that is given. -ENOENT: it is not here; -EINVAL: it
 * is no manifest. */
static int read_manifest(ImageManager *m, const char *digest, const char *given, Manifest *ret) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (given)
                return manifest_parse(given, strlen(given), NULL, digest, ret, NULL);
        r = content_read(m, digest, REGISTRY_DOCUMENT_MAX, &text, &size);
        return r < 0 ? r : manifest_parse(text, size, NULL, digest, ret, NULL);
}

/* --- the target --- */

/* An index, or a manifest that is not the record's own. 0: there is none. */
static int describe_kept_target(ImageManager *m, const ImageRecord *record, OciDescriptor *ret) {
        _cleanup_(manifest_donep) Manifest target = {};
        int64_t size;

        if (!record->target || read_manifest(m, record->target, NULL, &target) < 0)
                return 0;
        size = content_size(m, record->target);
        if (size < 0)
                return 0;
        *ret = (OciDescriptor) {
                .media_type = strdup(target.media_type),
                .digest = strdup(record->target),
                .size = size,
        };
        return ret->media_type && ret->digest ? 1 : -ENOMEM;
}

static int describe_target(ImageManager *m, const Image *image, OciDescriptor *ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = describe_kept_target(m, &image->record, ret);
        if (r != 0)
                return r;
        return image_manifest_describe(m, image, ret, &text);
}

/* Known for as long as the image is: the documents do not change. */
static int find_target(ImageManager *m, Image *image, const OciDescriptor **ret) {
        OciDescriptor *d = image->target;
        int r;

        *ret = d;
        if (d)
                return 1;
        d = json_new(&OciDescriptor_json);
        if (!d)
                return -ENOMEM;
        r = describe_target(m, image, d);
        if (r < 0) {
                json_free(&OciDescriptor_json, d);
                return r == -ENOENT ? 0 : r;
        }
        *ret = image->target = d;
        return 1;
}

int image_describe_target(ImageManager *m, Image *image, OciDescriptor **ret) {
        const OciDescriptor *target;
        int r;

        r = find_target(m, image, &target);
        if (r <= 0)
                return r;
        *ret = json_new(&OciDescriptor_json);
        return *ret ? json_copy(&OciDescriptor_json, target, *ret) : -ENOMEM;
}

/* --- one manifest --- */

/* What of a manifest is here. */
typedef struct Presence {
        bool all;
        int64_t bytes;
} Presence;

static void count_blob(ImageManager *m, const char *digest, Presence *p) {
        int64_t size = content_size(m, digest);

        if (size < 0)
                p->all = false;
        else
                p->bytes += size;
}

static Presence count_blobs(ImageManager *m, const char *digest, const char *given, const OciManifest *d) {
        Presence p = { .all = true };

        if (given)
                p.bytes = (int64_t) strlen(given);
        else
                count_blob(m, digest, &p);
        if (d->config)
                count_blob(m, d->config->digest, &p);
        for (size_t i = 0; i < d->layers.n_items; i++)
                count_blob(m, d->layers.items[i].digest, &p);
        return p;
}

static int add_user(const ImageUser *user, void *arg) {
        return strv_extend(arg, user->container_id);
}

static int list_users(ImageManager *m, const Image *image, char ***ret) {
        int r = 0;

        if (m->config.ops && m->config.ops->foreach_user)
                r = m->config.ops->foreach_user(m->config.userdata, image->record.id, add_user, ret);
        strv_sort(*ret);
        return r;
}

static int copy_platform(const OciDescriptor *d, const Image *image, OciPlatform *ret) {
        const OciImage *o = image ? &image->document : NULL;

        if (d->platform)
                return json_copy(&OciPlatform_json, d->platform, ret);
        if (!o)
                return 0;
        return json_copy(&OciPlatform_json,
                         &(OciPlatform) {
                                         .architecture = o->architecture,
                                         .os = o->os,
                                         .os_version = o->os_version,
                                         .variant = o->variant,
                         },
                         ret);
}

/* image: the local one that the manifest makes; NULL = none. */
static int fill_image(ImageManager *m, const Image *image, ImageManifestSummary *s) {
        ImageManifestImage *i = s->image = json_new(&ImageManifestImage_json);
        int r;

        if (!i)
                return -ENOMEM;
        r = copy_platform(&s->descriptor, image, &i->platform);
        if (r >= 0 && !s->descriptor.platform && image) {
                s->descriptor.platform = json_new(&OciPlatform_json);
                r = s->descriptor.platform ? copy_platform(&s->descriptor, image, s->descriptor.platform) :
                                             -ENOMEM;
        }
        if (r < 0 || !image)
                return r;
        i->size.unpacked = image_size(image);
        s->size.total += i->size.unpacked;
        return list_users(m, image, &i->containers);
}

static int fill_attestation(ImageManifestSummary *s) {
        s->attestation = json_new(&ImageManifestAttestation_json);
        if (!s->attestation)
                return -ENOMEM;
        return free_and_strdup(&s->attestation->digest,
                               strempty(string_map_get(&s->descriptor.annotations, ANNOTATION_DIGEST)));
}

typedef enum SummaryKind {
        SUMMARY_IMAGE,
        SUMMARY_ATTESTATION,
        SUMMARY_UNKNOWN,
} SummaryKind;

static const char *const summary_kinds[] = {
        [SUMMARY_IMAGE] = "image",
        [SUMMARY_ATTESTATION] = "attestation",
        [SUMMARY_UNKNOWN] = "unknown",
};

/* A manifest that is not here is what the index makes of it: one for a platform is an image. */
static SummaryKind summary_kind(const OciDescriptor *d, const Manifest *document) {
        if (streq_ptr(string_map_get(&d->annotations, ANNOTATION_TYPE), "attestation-manifest"))
                return SUMMARY_ATTESTATION;
        if (document)
                return document->kind == MANIFEST_IMAGE && manifest_check_image(document, NULL) >= 0 ?
                               SUMMARY_IMAGE :
                               SUMMARY_UNKNOWN;
        return d->platform && !streq(strempty(d->platform->os), "unknown") ? SUMMARY_IMAGE : SUMMARY_UNKNOWN;
}

static Image *image_of(ImageManager *m, const Manifest *document) {
        return document && document->document.config ?
                       image_manager_get(m, document->document.config->digest) :
                       NULL;
}

/* given: the manifest's text, where it is not in the content store. */
static int summarise(ImageManager *m, const OciDescriptor *d, const char *given, ImageManifestSummary *s) {
        _cleanup_(manifest_donep) Manifest document = {};
        bool is_here = read_manifest(m, d->digest, given, &document) >= 0;
        SummaryKind kind = summary_kind(d, is_here ? &document : NULL);
        Presence p = {};
        int r;

        if (is_here)
                p = count_blobs(m, d->digest, given, &document.document);
        s->id = strdup(d->digest);
        s->kind = strdup(summary_kinds[kind]);
        r = s->id && s->kind ? json_copy(&OciDescriptor_json, d, &s->descriptor) : -ENOMEM;
        if (r < 0)
                return r;
        s->available = p.all;
        s->size = (ImageManifestSize) { .content = p.bytes, .total = p.bytes };
        if (kind == SUMMARY_ATTESTATION)
                return fill_attestation(s);
        return kind == SUMMARY_IMAGE ? fill_image(m, image_of(m, is_here ? &document : NULL), s) : 0;
}

/* --- all of them --- */

static int list_index(ImageManager *m, const OciDescriptorList *entries, ImageManifestList *ret) {
        int r = 0;

        ret->items = new0(ImageManifestSummary, entries->n_items ?: 1);
        if (!ret->items)
                return -ENOMEM;
        for (size_t i = 0; i < entries->n_items && r >= 0; i++)
                r = summarise(m, entries->items + i, NULL, ret->items + ret->n_items++);
        return r;
}

static int list_single(ImageManager *m, const Image *image, ImageManifestList *ret) {
        _cleanup_(OciDescriptor_donep) OciDescriptor d = {};
        _cleanup_free_ char *text = NULL;
        int r;

        r = image_manifest_describe(m, image, &d, &text);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        ret->items = new0(ImageManifestSummary, 1);
        if (!ret->items)
                return -ENOMEM;
        ret->n_items = 1;
        return summarise(m, &d, text, ret->items);
}

int image_list_manifests(ImageManager *m, Image *image, ImageManifestList *ret) {
        _cleanup_(manifest_donep) Manifest target = {};

        if (image->record.target && read_manifest(m, image->record.target, NULL, &target) >= 0 &&
            target.kind == MANIFEST_INDEX)
                return list_index(m, &target.document.manifests, ret);
        return list_single(m, image, ret);
}
