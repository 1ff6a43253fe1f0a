/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of GET /networks and POST /networks/prune. */
#include "basic/parse-util.h"
#include "network/network-manager-private.h"

static bool match_id(const Network *n, const char *value) {
        return filters_match_text(n->id, value);
}

static bool match_name(const Network *n, const char *value) {
        return filters_match_text(n->name, value);
}

static bool match_driver(const Network *n, const char *value) {
        return streq(n->driver->name, value);
}

static bool match_scope(const Network *n, const char *value) {
        return streq(value, "local");
}

static bool match_type(const Network *n, const char *value) {
        return streq(value, "builtin") == network_is_predefined(n);
}

/* The networks that exist always are never dangling. */
static bool is_dangling(const Network *n) {
        return !network_is_predefined(n) && !network_has_endpoints(n);
}

static bool match_dangling(const Network *n, const char *value) {
        return is_dangling(n) == (parse_go_bool(value) > 0);
}

static bool match_label(const Network *n, const char *value) {
        return filters_match_label(&n->labels, value);
}

static const struct {
        const char *key;
        bool (*match)(const Network *n, const char *value);
        bool all;                       /* every value has to match, not any */
} filters_table[] = {
        { "dangling", match_dangling, true  },
        { "driver",   match_driver,   false },
        { "id",       match_id,       false },
        { "label",    match_label,    true  },
        { "name",     match_name,     false },
        { "scope",    match_scope,    false },
        { "type",     match_type,     false },
};

int network_filters_check(const Filters *filters, Error *reterr) {
        static const char *const allowed[] = {
                "dangling", "driver", "id", "label", "name", "scope", "type", NULL,
        };
        int r;

        r = filters_check_keys(filters, allowed, reterr);
        if (r < 0)
                return r;
        STRV_FOREACH(v, filters_get(filters, "type"))
                if (!streq(*v, "builtin") && !streq(*v, "custom"))
                        return error_setf(reterr, ERROR_INVALID, "invalid filter: 'type'='%s'", *v);
        STRV_FOREACH(v, filters_get(filters, "dangling"))
                if (parse_go_bool(*v) < 0)
                        return error_setf(reterr, ERROR_INVALID, "invalid filter 'dangling=%s'", *v);
        return 0;
}

bool network_matches(const Network *n, const Filters *filters) {
        FOREACH_ELEMENT(f, filters_table) {
                char **values = filters_get(filters, f->key);
                bool any = false, all = true;

                if (strv_isempty(values))
                        continue;
                STRV_FOREACH(v, values) {
                        bool match = f->match(n, *v);

                        any = any || match;
                        all = all && match;
                }
                if (f->all ? !all : !any)
                        return false;
        }
        return true;
}

int network_prune_candidates(NetworkManager *m, const Filters *filters, char ***ret, Error *reterr) {
        static const char *const keys[] = { "label", "label!", "until", NULL };
        _cleanup_strv_free_ char **ids = NULL;
        nsec_t until;
        int r;

        r = filters_check_keys(filters, keys, reterr);
        if (r >= 0)
                r = filters_get_prune_until(filters, &until, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < m->n_networks; i++) {
                const Network *n = m->networks[i];

                if (is_dangling(n) && n->created < until &&
                    filters_match_labels(filters, &n->labels) && strv_extend(&ids, n->id) < 0)
                        return error_fill(reterr, -ENOMEM);
        }
        *ret = TAKE_PTR(ids);
        return 0;
}
