/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of volumes, and which of them a list or a prune is about. */
#include "basic/alloc-util.h"
#include "volume/volume-internal.h"

int volume_info(const Volume *v, VolumeInfo *ret) {
        _cleanup_(VolumeInfo_donep) VolumeInfo i = {
                .created_at = v->record.created,
                .driver = strdup(v->record.driver),
                .mountpoint = strdup(v->mountpoint),
                .name = strdup(v->record.name),
                .scope = strdup("local"),
        };
        int r;

        if (!i.driver || !i.mountpoint || !i.name || !i.scope)
                return -ENOMEM;
        r = string_map_copy(&i.labels, &v->record.labels);
        if (r >= 0)
                r = string_map_copy(&i.options, &v->record.options);
        if (r < 0)
                return r;
        *ret = TAKE_STRUCT(i);
        return 0;
}

/* --- filters --- */

int volume_filters_check(const Filters *filters, Error *reterr) {
        static const char *const keys[] = { "dangling", "driver", "label", "name", NULL };
        Tristate dangling;
        int r;

        r = filters_check_keys(filters, keys, reterr);
        return r < 0 ? r : filters_get_tristate(filters, "dangling", &dangling, reterr);
}

static bool matches_any(char *const *values, const char *text) {
        if (strv_isempty(values))
                return true;
        STRV_FOREACH(s, values)
                if (filters_match_text(text, *s))
                        return true;
        return false;
}

static int matches(VolumeManager *m, const Volume *v, const Filters *f) {
        char **drivers = filters_get(f, "driver");
        Tristate dangling = TRISTATE_UNSET;
        int r;

        (void) filters_get_tristate(f, "dangling", &dangling, NULL);
        if (!matches_any(filters_get(f, "name"), v->record.name) ||
            !filters_match_labels(f, &v->record.labels) ||
            (!strv_isempty(drivers) && !strv_contains(drivers, v->record.driver)))
                return 0;
        if (dangling == TRISTATE_UNSET)
                return 1;
        r = volume_is_used(m, v);
        return r < 0 ? r : (r > 0) == (dangling == TRISTATE_FALSE);
}

static int compare_names(const void *a, const void *b) {
        return strcmp(((const VolumeInfo *) a)->name, ((const VolumeInfo *) b)->name);
}

int volume_list(VolumeManager *m, const Filters *filters, VolumeInfoList *ret, Error *reterr) {
        _cleanup_(VolumeListReply_donep) VolumeListReply l = {};
        Volume *v;
        int r;

        r = volume_filters_check(filters, reterr);
        if (r < 0)
                return r;
        l.volumes.items = new0(VolumeInfo, hashmap_size(m->by_name) + 1);
        if (!l.volumes.items)
                return error_fill(reterr, -ENOMEM);
        HASHMAP_FOREACH(v, m->by_name) {
                r = matches(m, v, filters);
                if (r > 0)
                        r = volume_info(v, l.volumes.items + l.volumes.n_items++);
                if (r < 0)
                        return error_fill(reterr, r);
        }
        if (l.volumes.n_items > 1)
                qsort(l.volumes.items, l.volumes.n_items, sizeof(*l.volumes.items), compare_names);
        *ret = TAKE_STRUCT(l.volumes);
        return 0;
}

int volume_prune_candidates(VolumeManager *m, const Filters *filters, bool all, char ***ret, Error *reterr) {
        _cleanup_strv_free_ char **names = strv_new_empty();
        Volume *v;
        int r = names ? 0 : -ENOMEM;

        HASHMAP_FOREACH(v, m->by_name) {
                if (r < 0 || (!all && !volume_is_anonymous(v)) ||
                    !filters_match_labels(filters, &v->record.labels))
                        continue;
                r = volume_is_used(m, v);
                if (r == 0)
                        r = strv_extend(&names, v->record.name);
        }
        if (r < 0)
                return error_fill(reterr, r);
        *ret = TAKE_PTR(names);
        return 0;
}
