/* SPDX-License-Identifier: Apache-2.0 */
/* `docker images`: which of them, and what is counted over all: shared layers, containers. */
#include "image/image-internal.h"
#include "image/manifest-summary.h"

/* --- filters --- */

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
        nsec_t until;
        int r;

        if (!filters_match_labels(f, &i->document.config.labels))
                return 0;
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
        r = filters_get_until(f, &until, reterr);
        return r < 0 ? r : i->document.created < until;
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
        nsec_t until;
        int r;

        r = filters_check_keys(f, keys, reterr);
        if (r >= 0)
                r = filters_get_until(f, &until, reterr);
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

/* --- what is counted over all images --- */

/* How many images have each layer: chain -> count. */
static int count_layers(ImageManager *m, Hashmap **ret) {
        _cleanup_hashmap_free_ Hashmap *counts = hashmap_new();
        Image *i;

        if (!counts)
                return -ENOMEM;
        HASHMAP_FOREACH(i, m->images)
                for (size_t n = 0; n < i->record.layers.n_items; n++) {
                        const char *chain = i->record.layers.items[n].chain;
                        uintptr_t count = (uintptr_t) hashmap_get(counts, chain);

                        if (hashmap_replace(counts, chain, (void *) (count + 1), NULL) < 0)
                                return -ENOMEM;
                }
        *ret = TAKE_PTR(counts);
        return 0;
}

static int64_t shared_size(const Hashmap *counts, const Image *i) {
        int64_t sum = 0;

        for (size_t n = 0; n < i->record.layers.n_items; n++) {
                const ImageLayer *l = i->record.layers.items + n;

                if ((uintptr_t) hashmap_get(counts, l->chain) > 1)
                        sum += l->size;
        }
        return sum;
}

static int count_user(const ImageUser *user, void *arg) {
        ++*(int64_t *) arg;
        return 0;
}

static int64_t count_users(ImageManager *m, const Image *i) {
        int64_t n = 0;

        if (m->config.ops && m->config.ops->foreach_user)
                (void) m->config.ops->foreach_user(m->config.userdata, i->record.id, count_user, &n);
        return n;
}

/* --- rows --- */

typedef struct Lister {
        ImageManager *manager;
        const ImageListParams *params;
        Hashmap *layers;                /* of count_layers(); NULL = sizes are not asked for */
} Lister;

/* The first API version whose rows have these. */
#define DESCRIPTOR_VERSION 48U

static int fill_row(const Lister *l, Image *i, ImageSummary *row) {
        int r;

        r = string_map_copy(&row->labels, &i->document.config.labels);
        if (r >= 0 && l->params->manifests)
                r = image_list_manifests(l->manager, i, &row->manifests);
        if (r >= 0 && l->params->version >= DESCRIPTOR_VERSION)
                r = image_describe_target(l->manager, i, &row->descriptor);
        return r;
}

static int add_row(const Lister *l, Image *i, char ***tags, char ***digests, ImageSummaryList *ret) {
        ImageSummary *row = ret->items + ret->n_items++;

        *row = (ImageSummary) {
                .containers = l->params->containers ? count_users(l->manager, i) : -1,
                .created = (int64_t) (i->document.created / NSEC_PER_SEC),
                .id = strdup(i->record.id),
                .parent_id = strdup(image_parent_id(l->manager, i)),
                .repo_digests = TAKE_PTR(*digests),
                .repo_tags = TAKE_PTR(*tags),
                .shared_size = l->layers ? shared_size(l->layers, i) : -1,
                .size = image_size(i),
                .virtual_size = image_size(i),
        };
        return row->id && row->parent_id ? fill_row(l, i, row) : -ENOMEM;
}

static int consider(const Lister *l, Image *i, ImageSummaryList *ret, Error *reterr) {
        _cleanup_strv_free_ char **tags = NULL, **digests = NULL;
        const Filters *f = &l->params->filters;
        int r;

        /* It is here only because others were committed on it. */
        if (!l->params->all && !i->names && image_has_children(l->manager, i))
                return 0;
        r = image_familiar_names(l->manager, i, &tags, &digests);
        if (r >= 0)
                r = names_match(&tags, &digests, f, reterr);
        if (r > 0)
                r = image_matches(l->manager, i, f, reterr);
        return r > 0 ? add_row(l, i, &tags, &digests, ret) : r;
}

static int list_images(const Lister *l, ImageSummaryList *ret, Error *reterr) {
        Image *i;
        int r = 0;

        HASHMAP_FOREACH(i, l->manager->images) {
                r = consider(l, i, ret, reterr);
                if (r < 0)
                        return r;
        }
        if (ret->n_items > 1)
                qsort(ret->items, ret->n_items, sizeof(*ret->items), compare_newest);
        return 0;
}

int image_manager_list(ImageManager *m, const ImageListParams *p, ImageSummaryList *ret, Error *reterr) {
        _cleanup_hashmap_free_ Hashmap *layers = NULL;
        _cleanup_(image_summary_list_donep) ImageSummaryList list = {};
        int r;

        r = check_filters(m, &p->filters, reterr);
        if (r >= 0 && p->shared_size)
                r = count_layers(m, &layers);
        if (r >= 0 && !(list.items = new0(ImageSummary, hashmap_size(m->images) ?: 1)))
                r = -ENOMEM;
        if (r >= 0)
                r = list_images(&(Lister) { m, p, layers }, &list, reterr);
        if (r < 0)
                return error_fill(reterr, r);
        *ret = TAKE_STRUCT(list);
        return 0;
}

int image_manager_ids(const ImageManager *m, char ***ret) {
        _cleanup_strv_free_ char **l = new0(char *, hashmap_size(m->images) + 1);
        const Image *i;
        size_t n = 0;

        if (!l)
                return -ENOMEM;
        HASHMAP_FOREACH(i, m->images) {
                l[n] = strdup(i->record.id);
                if (!l[n++])
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(l);
        return 0;
}
