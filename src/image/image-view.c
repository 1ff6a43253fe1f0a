/* SPDX-License-Identifier: Apache-2.0 */
/* One image as it is shown: inspect, history; and tag. */
#include "basic/messages.h"
#include "image/image-internal.h"
#include "image/image-platform.h"
#include "image/manifest-summary.h"
#include "image/rootfs.h"

/* --- inspect, history --- */

const char *image_parent_id(ImageManager *m, const Image *image) {
        const char *id = image->record.parent;

        return !isempty(id) && image_manager_get(m, id) ? id : "";
}

bool image_has_children(const ImageManager *m, const Image *image) {
        const Image *i;

        HASHMAP_FOREACH(i, m->images)
                if (streq_ptr(i->record.parent, image->record.id))
                        return true;
        return false;
}

static int graph_driver(ImageManager *m, Image *i, ImageGraphDriver *g) {
        _cleanup_strv_free_ char **data = NULL;
        int r;

        g->name = strdup(image_manager_storage_driver(m));
        r = g->name ? rootfs_driver_data(m, i, NULL, &data) : -ENOMEM;
        STRV_FOREACH(s, data) {
                _cleanup_free_ char *key = memdup_suffix0(*s, strcspn(*s, "="));

                if (r >= 0)
                        r = key ? string_map_set(&g->data, key, *s + strlen(key) + 1) : -ENOMEM;
        }
        return r;
}

/* Until 1.49 "Config" had all members of a container's. */
static int old_config(const OciImageConfig *c, ContainerConfig **ret) {
        _cleanup_free_ char *text = json_encode_text(&OciImageConfig_json, c, 0);

        *ret = json_new(&ContainerConfig_json);
        if (!text || !*ret)
                return -ENOMEM;
        return json_decode_text(&ContainerConfig_json, text, strlen(text), 0, *ret, NULL);
}

/* Of a committed image it is in its last step. */
static const char *image_comment(const OciImage *d) {
        size_t n = d->history.n_items;

        return isempty(d->comment) && n > 0 ? strempty(d->history.items[n - 1].comment) :
                                              strempty(d->comment);
}

int image_manager_inspect(ImageManager *m, const ImageInspectParams *p, ImageInspect *ret, Error *reterr) {
        _cleanup_(ImageInspect_donep) ImageInspect v = {};
        const OciImage *d;
        Image *i;
        int r;

        if (p->manifests && !isempty(p->platform))
                return error_setf(reterr, ERROR_INVALID, "conflicting options: manifests and platform "
                                  "options cannot both be set");
        r = image_manager_find(m, p->name, &i, reterr);
        if (r >= 0)
                r = image_check_platform(i, p->name, p->platform, reterr);
        if (r < 0)
                return r;
        d = &i->document;
        v = (ImageInspect) {
                .container_config = json_new(&ContainerConfig_json),
                .id = strdup(i->record.id),
                .parent = strdup(image_parent_id(m, i)),
                .comment = strdup(image_comment(d)),
                .created = d->created,
                .docker_version = strdup(strempty(d->docker_version)),
                .author = strdup(strempty(d->author)),
                .architecture = strdup(strempty(d->architecture)),
                .variant = strdup(strempty(d->variant)),
                .os = strdup(strempty(d->os)),
                .os_version = strdup(strempty(d->os_version)),
                .size = image_size(i),
                .virtual_size = image_size(i),
                .rootfs = { strdup("layers"), strv_copy(d->rootfs.diff_ids) },
        };
        r = image_familiar_names(m, i, &v.repo_tags, &v.repo_digests);
        if (r >= 0)
                r = image_describe_target(m, i, &v.descriptor);
        if (r >= 0 && p->manifests)
                r = image_list_manifests(m, i, &v.manifests);
        if (r >= 0)
                r = json_copy(&OciImageConfig_json, &d->config, &v.config);
        if (r >= 0)
                r = old_config(&d->config, &v.old_config);
        if (r >= 0)
                r = graph_driver(m, i, &v.graph_driver);
        if (r < 0)
                return error_fill(reterr, r);
        *ret = TAKE_STRUCT(v);
        return 0;
}

/* Of a step of the image's own. The steps of an image that it was committed on come right below. */
typedef struct HistoryOwner {
        const Image *image;             /* NULL: not known here */
        size_t n_steps;                 /* the newest step of it */
} HistoryOwner;

/* The image whose newest step this is; NULL if none is known. */
static const Image *owner_of_step(ImageManager *m, HistoryOwner *o, size_t step) {
        if (!o->image || step != o->n_steps)
                return NULL;

        const Image *owner = o->image;

        o->image = image_manager_get(m, image_parent_id(m, owner));
        o->n_steps = o->image ? o->image->document.history.n_items : 0;
        return owner;
}

int image_manager_history(ImageManager *m, const ImageHistoryParams *p, ImageHistory *ret, Error *reterr) {
        const OciImage *d;
        HistoryOwner owner;
        size_t layer;
        Image *i;
        int r;

        r = image_manager_find(m, p->name, &i, reterr);
        if (r >= 0)
                r = image_check_platform(i, p->name, p->platform, reterr);
        if (r < 0)
                return r;
        d = &i->document;
        layer = i->record.layers.n_items;
        owner = (HistoryOwner) { i, d->history.n_items };
        ret->items = new0(ImageHistoryItem, d->history.n_items);
        if (!ret->items)
                return error_fill(reterr, -ENOMEM);
        for (size_t k = d->history.n_items; k > 0; k--) {
                const OciHistory *h = d->history.items + k - 1;
                ImageHistoryItem *item = ret->items + ret->n_items++;
                const Image *image = owner_of_step(m, &owner, k);

                *item = (ImageHistoryItem){
                        .comment = strdup(strempty(h->comment)),
                        .created = (int64_t) (h->created / NSEC_PER_SEC),
                        .created_by = strdup(strempty(h->created_by)),
                        .id = strdup(image ? image->record.id : "<missing>"),
                        .size = h->empty_layer || layer == 0 ? 0 : i->record.layers.items[--layer].size,
                };
                if (image && image_familiar_names(m, image, &item->tags, NULL) < 0)
                        return error_fill(reterr, -ENOMEM);
        }
        return 0;
}

/* --- tag --- */

static int parse_new_name(const ImageTagParams *p, Reference *ret, Error *reterr) {
        _cleanup_free_ char *name = NULL;
        int r;

        r = reference_parse(strempty(p->repo), ret, reterr);
        if (r >= 0 && !isempty(p->tag))
                r = reference_set_tag(ret, p->tag, reterr);
        if (r < 0)
                return r;
        if (ret->digest)
                return error_setf(reterr, ERROR_INVALID, "refusing to create a tag with a digest reference");
        name = reference_familiar_name(ret);
        if (!name)
                return error_fill(reterr, -ENOMEM);
        if (streq(name, "sha256"))
                return error_setf(reterr, ERROR_INVALID, "refusing to create an ambiguous tag using digest "
                                                         "algorithm as name");
        return 0;
}

int image_manager_tag(ImageManager *m, const ImageTagParams *p, Error *reterr) {
        _cleanup_reference_ Reference ref = {};
        _cleanup_free_ char *name = NULL, *familiar = NULL;
        Image *i;
        int r;

        r = parse_new_name(p, &ref, reterr);
        if (r >= 0)
                r = image_manager_find(m, p->name, &i, reterr);
        if (r < 0)
                return r;
        if (reference_add_default_tag(&ref) < 0 || !(name = reference_to_string(&ref)) ||
            !(familiar = reference_familiar_string(&ref)))
                return error_fill(reterr, -ENOMEM);
        r = image_set_name(m, name, i->record.id, reterr);
        if (r >= 0)
                image_event(m, "tag", MESSAGE_IMAGE_TAG_STR, i, familiar);
        return r;
}
