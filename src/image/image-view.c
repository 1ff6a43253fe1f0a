/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered from memory: list, inspect, history, tag, remove, prune. */
#include "basic/crash-point.h"
#include "basic/messages.h"
#include "image/image-internal.h"
#include "image/layer-store.h"
#include "image/rootfs.h"

/* --- list --- */

static int label_matches(const Image *i, const char *value) {
        _cleanup_free_ char *key = memdup_suffix0(value, strcspn(value, "="));
        const char *wanted = strchr(value, '='), *is;

        if (!key)
                return -ENOMEM;
        is = string_map_get(&i->document.config.labels, key);
        return is && (!wanted || streq(is, wanted + 1));
}

static bool reference_matches(char *const *patterns, const char *name) {
        _cleanup_reference_ Reference ref = {};

        if (reference_parse(name, &ref, NULL) < 0)
                return false;
        STRV_FOREACH(p, patterns)
                if (reference_familiar_match(*p, &ref))
                        return true;
        return false;
}

/* Only the names that the filter asks for are shown, not the image's others. */
static int keep_matching(char *const *patterns, char ***names) {
        _cleanup_strv_free_ char **kept = strv_new_empty();

        if (!kept)
                return -ENOMEM;
        STRV_FOREACH(n, *names)
                if (reference_matches(patterns, *n) && strv_extend(&kept, *n) < 0)
                        return -ENOMEM;
        strv_free(*names);
        *names = TAKE_PTR(kept);
        return 0;
}

int image_matches(ImageManager *m, const Image *i, const Filters *f, Error *reterr) {
        Image *other;
        int r;

        STRV_FOREACH(v, filters_get(f, "label")) {
                r = label_matches(i, *v);
                if (r <= 0)
                        return r;
        }
        STRV_FOREACH(v, filters_get(f, "label!")) {
                r = label_matches(i, *v);
                if (r != 0)
                        return r < 0 ? r : 0;
        }
        STRV_FOREACH(v, filters_get(f, "before")) {
                r = image_manager_find(m, *v, &other, reterr);
                if (r < 0 || i->document.created >= other->document.created)
                        return r < 0 ? r : 0;
        }
        STRV_FOREACH(v, filters_get(f, "since")) {
                r = image_manager_find(m, *v, &other, reterr);
                if (r < 0 || i->document.created <= other->document.created)
                        return r < 0 ? r : 0;
        }
        STRV_FOREACH(v, filters_get(f, "until")) {
                nsec_t until;

                if (parse_timestamp(*v, &until) < 0)
                        return error_setf(reterr, ERROR_INVALID, "invalid filter 'until=%s'", *v);
                if (i->document.created >= until)
                        return 0;
        }
        return 1;
}

static int names_match(char ***tags, char ***digests, const Filters *f, Error *reterr) {
        char **references = filters_get(f, "reference");
        Tristate dangling;
        int r;

        r = filters_get_tristate(f, "dangling", &dangling, reterr);
        if (r < 0)
                return r;
        if (dangling != TRISTATE_UNSET && (dangling == TRISTATE_TRUE) != strv_isempty(*tags))
                return 0;
        if (strv_isempty(references))
                return 1;
        if (keep_matching(references, tags) < 0 || keep_matching(references, digests) < 0)
                return error_fill(reterr, -ENOMEM);
        return !strv_isempty(*tags) || !strv_isempty(*digests);
}

static int compare_newest(const void *a, const void *b) {
        const ImageSummary *x = a, *y = b;

        return x->created < y->created ? 1 : x->created > y->created ? -1 : strcmp(x->id, y->id);
}

/* Before any image is looked at: what is wrong is wrong for an empty list as well. */
static int check_filters(ImageManager *m, const Filters *f, Error *reterr) {
        static const char *const keys[] = { "dangling", "label", "before", "since", "until", "reference",
                                            NULL };
        Tristate dangling;
        Image *other;
        int r;

        r = filters_check_keys(f, keys, reterr);
        if (r >= 0)
                r = filters_get_tristate(f, "dangling", &dangling, reterr);
        STRV_FOREACH(v, filters_get(f, "before"))
                if (r >= 0)
                        r = image_manager_find(m, *v, &other, reterr);
        STRV_FOREACH(v, filters_get(f, "since"))
                if (r >= 0)
                        r = image_manager_find(m, *v, &other, reterr);
        return r;
}

int image_manager_list(ImageManager *m, const ImageListParams *p, ImageSummaryList *ret, Error *reterr) {
        ImageSummaryList l = { .items = new0(ImageSummary, hashmap_size(m->images)) };
        Image *i;
        int r;

        r = l.items ? check_filters(m, &p->filters, reterr) : error_fill(reterr, -ENOMEM);
        HASHMAP_FOREACH(i, m->images) {
                _cleanup_strv_free_ char **tags = NULL, **digests = NULL;

                if (r >= 0)
                        r = image_familiar_names(m, i, &tags, &digests);
                if (r >= 0)
                        r = names_match(&tags, &digests, &p->filters, reterr);
                if (r > 0)
                        r = image_matches(m, i, &p->filters, reterr);
                if (r < 0)
                        break;
                if (r == 0)
                        continue;
                l.items[l.n_items++] = (ImageSummary) {
                        .containers = -1,
                        .created = (int64_t) (i->document.created / NSEC_PER_SEC),
                        .id = strdup(i->record.id),
                        .parent_id = strdup(""),
                        .repo_digests = TAKE_PTR(digests),
                        .repo_tags = TAKE_PTR(tags),
                        .shared_size = -1,
                        .size = image_size(i),
                        .virtual_size = image_size(i),
                };
                r = string_map_copy(&l.items[l.n_items - 1].labels, &i->document.config.labels);
        }
        if (r < 0) {
                image_summary_list_done(&l);
                return error_fill(reterr, r);
        }
        if (l.n_items > 1)
                qsort(l.items, l.n_items, sizeof(*l.items), compare_newest);
        *ret = l;
        return 0;
}

/* --- inspect, history --- */

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

int image_manager_inspect(ImageManager *m, const ImageInspectParams *p, ImageInspect *ret, Error *reterr) {
        _cleanup_(ImageInspect_donep) ImageInspect v = {};
        const OciImage *d;
        Image *i;
        int r;

        r = image_manager_find(m, p->name, &i, reterr);
        if (r < 0)
                return r;
        d = &i->document;
        v = (ImageInspect) {
                .id = strdup(i->record.id),
                .parent = strdup(""),
                .comment = strdup(strempty(d->comment)),
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

int image_manager_history(ImageManager *m, const ImageHistoryParams *p, ImageHistory *ret, Error *reterr) {
        const OciImage *d;
        size_t layer;
        Image *i;
        int r;

        r = image_manager_find(m, p->name, &i, reterr);
        if (r < 0)
                return r;
        d = &i->document;
        layer = i->record.layers.n_items;
        ret->items = new0(ImageHistoryItem, d->history.n_items);
        if (!ret->items)
                return error_fill(reterr, -ENOMEM);
        for (size_t k = d->history.n_items; k > 0; k--) {
                const OciHistory *h = d->history.items + k - 1;
                ImageHistoryItem *item = ret->items + ret->n_items++;

                *item = (ImageHistoryItem){
                        .comment = strdup(strempty(h->comment)),
                        .created = (int64_t) (h->created / NSEC_PER_SEC),
                        .created_by = strdup(strempty(h->created_by)),
                        .id = strdup(k == d->history.n_items ? i->record.id : "<missing>"),
                        .size = h->empty_layer || layer == 0 ? 0 : i->record.layers.items[--layer].size,
                };
                if (k == d->history.n_items && image_familiar_names(m, i, &item->tags, NULL) < 0)
                        return error_fill(reterr, -ENOMEM);
        }
        return 0;
}

/* --- tag --- */

int image_manager_tag(ImageManager *m, const ImageTagParams *p, Error *reterr) {
        _cleanup_reference_ Reference ref = {};
        _cleanup_free_ char *name = NULL, *familiar = NULL;
        Image *i;
        int r;

        r = image_manager_find(m, p->name, &i, reterr);
        if (r >= 0)
                r = reference_parse(strempty(p->repo), &ref, reterr);
        if (r >= 0 && !isempty(p->tag))
                r = reference_set_tag(&ref, p->tag, reterr);
        if (r < 0)
                return r;
        if (ref.digest)
                return error_setf(reterr, ERROR_INVALID, "refusing to create a tag with a digest reference");
        if (reference_add_default_tag(&ref) < 0 || !(name = reference_to_string(&ref)) ||
            !(familiar = reference_familiar_string(&ref)))
                return error_fill(reterr, -ENOMEM);
        r = image_set_name(m, name, i->record.id, reterr);
        if (r >= 0)
                image_event(m, "tag", MESSAGE_IMAGE_TAG_STR, i, familiar);
        return r;
}
