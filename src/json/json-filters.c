/* SPDX-License-Identifier: Apache-2.0 */
#include <regex.h>

#include "basic/parse-util.h"
#include "basic/string-util.h"
#include "basic/time-util.h"
#include "json/json-type.h"

#define PATTERN_MAX 256U

char **filters_get(const Filters *f, const char *key) {
        for (size_t i = 0; i < f->n_items; i++)
                if (streq(f->items[i].key, key))
                        return f->items[i].value;
        return NULL;
}

int filters_check_keys(const Filters *f, const char *const *allowed, Error *reterr) {
        for (size_t i = 0; i < f->n_items; i++)
                if (!strv_contains((char *const *) allowed, f->items[i].key))
                        return error_setf(reterr, ERROR_INVALID, "invalid filter '%s'", f->items[i].key);
        return 0;
}

int filters_get_tristate(const Filters *f, const char *key, Tristate *ret, Error *reterr) {
        char **values = filters_get(f, key);
        bool yes, no;

        if (!values) {
                *ret = TRISTATE_UNSET;
                return 0;
        }
        yes = strv_contains(values, "true") || strv_contains(values, "1");
        no = strv_contains(values, "false") || strv_contains(values, "0");
        if (yes == no) {
                _cleanup_free_ char *text = strv_join(values, " ");

                return text ? error_setf(reterr, ERROR_INVALID, "invalid filter '%s=[%s]'", key, text) :
                              error_fill(reterr, -ENOMEM);
        }
        *ret = yes ? TRISTATE_TRUE : TRISTATE_FALSE;
        return 0;
}

int filters_check_values(const Filters *f, const char *key, const char *what, const char *const *allowed,
                         Error *reterr) {
        STRV_FOREACH(v, filters_get(f, key)) {
                _cleanup_free_ char *list = NULL;

                if (strv_contains((char *const *) allowed, *v))
                        continue;
                list = strv_join((char *const *) allowed, ", ");
                if (!list)
                        return error_fill(reterr, -ENOMEM);
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid filter '%s=%s': invalid value for %s (%s): must be one of %s",
                                  key, *v, what, *v, list);
        }
        return 0;
}

bool filters_match_text(const char *text, const char *value) {
        regex_t pattern;
        bool match;

        if (strstr(text, value))
                return true;
        /* Counted repetitions can make a short pattern huge. */
        if (strlen(value) > PATTERN_MAX || strchr(value, '{') ||
            regcomp(&pattern, value, REG_EXTENDED | REG_NOSUB) != 0)
                return false;
        match = regexec(&pattern, text, 0, NULL, 0) == 0;
        regfree(&pattern);
        return match;
}

bool filters_match_label(const StringMap *labels, const char *value) {
        const char *wanted = strchr(value, '=');
        size_t n = strcspn(value, "=");

        for (size_t i = 0; i < labels->n_items; i++) {
                const char *key = labels->items[i].key;

                if (strlen(key) == n && memcmp(key, value, n) == 0)
                        return !wanted || streq(strempty(labels->items[i].value), wanted + 1);
        }
        return false;
}

bool filters_match_labels(const Filters *f, const StringMap *labels) {
        STRV_FOREACH(v, filters_get(f, "label"))
                if (!filters_match_label(labels, *v))
                        return false;
        STRV_FOREACH(v, filters_get(f, "label!"))
                if (filters_match_label(labels, *v))
                        return false;
        return true;
}

/* "1h" is an hour ago, "-1h" in an hour; "0" is 1970 as everywhere else. */
static int parse_until(const char *text, nsec_t *ret) {
        nsec_t now = now_nsec(), duration;
        bool ahead = text[0] == '-';

        if (streq(text, "0") || parse_go_duration(text + ahead, &duration) < 0)
                return parse_timestamp(text, ret);
        if (ahead)
                *ret = now + min_u64(duration, FILTERS_NO_UNTIL - 1 - now);
        else
                *ret = now - min_u64(duration, now);
        return 0;
}

int filters_get_until(const Filters *f, nsec_t *ret, Error *reterr) {
        nsec_t earliest = FILTERS_NO_UNTIL;

        STRV_FOREACH(v, filters_get(f, "until")) {
                nsec_t until;

                if (parse_until(*v, &until) < 0)
                        return error_setf(reterr, ERROR_INVALID,
                                          "failed to parse value as time or duration: \"%s\"", *v);
                earliest = min_u64(earliest, until);
        }
        *ret = earliest;
        return 0;
}

int filters_get_prune_until(const Filters *f, nsec_t *ret, Error *reterr) {
        if (strv_length(filters_get(f, "until")) > 1)
                return error_setf(reterr, ERROR_INVALID, "more than one until filter specified");
        return filters_get_until(f, ret, reterr);
}
