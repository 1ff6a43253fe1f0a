/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image-manifest.h"

#include "image/content.h"
#include "image/worker-verbs.h"
#include "registry/platform.h"

/* Whether the manifest names the blobs that are here: a layer may have come from another image, packed in
 * another way. */
static bool manifest_is_ours(const OciManifest *manifest, const ImageRecord *record) {
        if (!manifest->config || !streq_ptr(manifest->config->digest, record->id) ||
            manifest->layers.n_items != record->layers.n_items)
                return false;
        for (size_t i = 0; i < record->layers.n_items; i++)
                if (!streq_ptr(manifest->layers.items[i].digest, record->layers.items[i].blob))
                        return false;
        return true;
}

static int fill_descriptor(OciDescriptor *d, const char *media_type, const char *digest, int64_t size) {
        d->media_type = strdup(media_type);
        d->digest = strdup(digest);
        d->size = size;
        return d->media_type && d->digest ? 0 : -ENOMEM;
}

static int existing_manifest(ImageManager *m, const ImageRecord *record, OciDescriptor *ret) {
        _cleanup_(OciManifest_donep) OciManifest manifest = {};
        _cleanup_free_ char *text = NULL;
        size_t size;

        if (!record->manifest ||
            content_read(m, record->manifest, IMAGE_DOCUMENT_MAX, &text, &size) < 0 ||
            json_decode_text(&OciManifest_json, text, size, 0, &manifest, NULL) < 0 ||
            !manifest_is_ours(&manifest, record))
                return 0;
        return fill_descriptor(ret,
                               isempty(manifest.media_type) ? MEDIA_TYPE_OCI_MANIFEST : manifest.media_type,
                               record->manifest, (int64_t) size) < 0 ?
                               -ENOMEM :
                               1;
}

static int build_manifest(const ImageRecord *record, OciManifest *ret) {
        size_t n = record->layers.n_items;
        int r;

        ret->schema_version = 2;
        ret->media_type = strdup(MEDIA_TYPE_OCI_MANIFEST);
        ret->config = new0(OciDescriptor, 1);
        ret->layers.items = new0(OciDescriptor, n ?: 1);
        if (!ret->media_type || !ret->config || !ret->layers.items)
                return -ENOMEM;
        r = fill_descriptor(ret->config, MEDIA_TYPE_OCI_CONFIG, record->id,
                            (int64_t) strlen(record->config));
        for (size_t i = 0; i < n && r >= 0; i++) {
                const ImageLayer *l = record->layers.items + i;

                if (!l->blob)
                        return -ENOENT;
                r = fill_descriptor(ret->layers.items + ret->layers.n_items++,
                                    strempty(l->media_type), l->blob, l->blob_size);
        }
        return r;
}

int image_manifest(ImageManager *m, const Image *image, OciDescriptor *ret, Error *reterr) {
        ImageRecord *record = (ImageRecord *) &image->record;
        _cleanup_(OciManifest_donep) OciManifest manifest = {};
        _cleanup_free_ char *text = NULL, *json = NULL;
        int r;

        r = existing_manifest(m, record, ret);
        if (r != 0)
                return r < 0 ? error_fill(reterr, r) : 0;
        r = build_manifest(record, &manifest);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "the layers of image %s were not kept as archives", record->id);
        text = json_encode_text(&OciManifest_json, &manifest, 0);
        if (!text)
                return error_fill(reterr, -ENOMEM);
        r = content_put(m, text, strlen(text), &record->manifest, reterr);
        if (r < 0)
                return r;
        json = json_encode_text(&ImageRecord_json, record, 0);
        if (!json ||
            fill_descriptor(ret, MEDIA_TYPE_OCI_MANIFEST, record->manifest, (int64_t) strlen(text)) < 0)
                return error_fill(reterr, -ENOMEM);
        return store_put(m->config.store, STORE_IMAGE, record->id, json, STORE_SYNC_LAZY, reterr);
}

static int parse_platform(const char *text, PlatformBuffer *buffer) {
        _cleanup_(OciPlatform_donep) OciPlatform p = {};

        if (text[0] != '{')
                return platform_parse(text, buffer, NULL);
        if (json_decode_text(&OciPlatform_json, text, strlen(text), 0, &p, NULL) < 0)
                return -EINVAL;
        (void) platform_normalise(&(Platform) { p.os, p.architecture, p.variant }, buffer);
        return 0;
}

bool image_matches_platform(const OciImage *o, const char *platform) {
        PlatformBuffer wanted, is;
        Platform w, i;

        if (parse_platform(platform, &wanted) < 0)
                return false;
        w = platform_of(&wanted);
        i = platform_normalise(&(Platform) { o->os, o->architecture, o->variant }, &is);
        return streq(w.os, i.os) && (isempty(w.architecture) || streq(w.architecture, i.architecture)) &&
               (isempty(w.variant) || streq(w.variant, i.variant));
}
