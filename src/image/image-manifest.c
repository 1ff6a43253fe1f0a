/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image-manifest.h"

#include "basic/crash-point.h"
#include "basic/digest.h"
#include "image/content.h"
#include "image/worker-verbs.h"

/* Whether the manifest names the blobs that are here: a layer may have come from another image, packed in
 * another way. */
static bool manifest_is_ours(const OciManifest *manifest, const ImageRecord *record) {
        if (!isempty(record->artifact))
                return true;
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

int image_manifest_describe(ImageManager *m, const Image *image, OciDescriptor *ret, char **ret_text) {
        const ImageRecord *record = &image->record;
        _cleanup_(OciManifest_donep) OciManifest manifest = {};
        _cleanup_free_ char *text = NULL;
        char digest[DIGEST_TEXT_MAX];
        Digest d;
        int r;

        r = existing_manifest(m, record, ret);
        if (r != 0)
                return r < 0 ? r : 0;
        if (!isempty(record->artifact))
                return -ENOENT;         /* the manifest is what it is: nobody can write it anew */
        r = build_manifest(record, &manifest);
        if (r < 0)
                return r;
        text = json_encode_text(&OciManifest_json, &manifest, 0);
        if (!text)
                return -ENOMEM;
        digest_of(text, strlen(text), &d);
        r = fill_descriptor(ret, MEDIA_TYPE_OCI_MANIFEST, digest_format(digest, &d), (int64_t) strlen(text));
        if (r < 0)
                return r;
        *ret_text = TAKE_PTR(text);
        return 0;
}

static int keep_manifest(ImageManager *m, ImageRecord *record, const char *text, Error *reterr) {
        _cleanup_free_ char *json = NULL;
        int r;

        r = content_put(m, text, strlen(text), &record->manifest, reterr);
        if (r < 0)
                return r;
        json = json_encode_text(&ImageRecord_json, record, 0);
        if (!json)
                return error_fill(reterr, -ENOMEM);
        r = store_put(m->config.store, STORE_IMAGE, record->id, json, STORE_SYNC_LAZY, reterr);
        crash_point("image:manifest-kept");
        return r;
}

int image_manifest(ImageManager *m, const Image *image, OciDescriptor *ret, Error *reterr) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = image_manifest_describe(m, image, ret, &text);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "not all layers of image %s are here as archives, pull it again",
                                        image->record.id);
        return text ? keep_manifest(m, (ImageRecord *) &image->record, text, reterr) : 0;
}
