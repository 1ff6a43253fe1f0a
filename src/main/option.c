/* SPDX-License-Identifier: Apache-2.0 */
#include "main/option.h"

#include "basic/strv.h"

const Option *option_by_flag(const char *name, size_t length) {
        FOREACH_OPTION(o)
                if (!(o->flags & OPTION_NO_FLAG) && strlen(o->flag) == length &&
                    strncmp(o->flag, name, length) == 0)
                        return o;
        return NULL;
}

const Option *option_by_shorthand(char c) {
        FOREACH_OPTION(o)
                if (c != 0 && o->shorthand == c)
                        return o;
        return NULL;
}

const Option *option_by_key(const char *section, const char *key) {
        FOREACH_OPTION(o)
                if (!(o->flags & OPTION_NO_FILE) && streq(option_key(o), key) &&
                    streq_ptr(o->section, section))
                        return o;
        return NULL;
}

int option_reset(const Option *o, Config *c, Error *reterr) {
        o->kind->clear(option_member(o, c));
        c->source[option_index(o)] = CONFIG_SOURCE_DEFAULT;
        return o->value ? o->kind->set(o, option_member(o, c), o->value, reterr) : 0;
}

/* The first value that is not the default replaces it. */
static void option_enter_source(const Option *o, Config *c, ConfigSource source) {
        uint8_t *have = c->source + option_index(o);

        if (*have != source && !(*have != CONFIG_SOURCE_DEFAULT && (o->flags & OPTION_BOTH)))
                o->kind->clear(option_member(o, c));
        *have = source;
}

int option_set(const Option *o, Config *c, ConfigSource source, const char *text, Error *reterr) {
        option_enter_source(o, c, source);
        return o->kind->set(o, option_member(o, c), text, reterr);
}

int option_set_json(const Option *o, Config *c, const JsonValue *v, Error *reterr) {
        option_enter_source(o, c, CONFIG_SOURCE_FILE);
        return o->kind->set_json(o, option_member(o, c), v, reterr);
}

bool option_equal(const Option *o, const Config *a, const Config *b) {
        return o->kind->equal(option_member_const(o, a), option_member_const(o, b));
}

void option_swap(const Option *o, Config *a, Config *b) {
        char *x = option_member(o, a), *y = option_member(o, b);
        size_t i = option_index(o);
        uint8_t source = a->source[i];

        for (size_t n = 0; n < o->kind->size; n++) {
                char t = x[n];

                x[n] = y[n];
                y[n] = t;
        }
        a->source[i] = b->source[i];
        b->source[i] = source;
}

char *option_format(const Option *o, const Config *c) {
        _cleanup_buffer_ Buffer b = {};

        if (o->kind->format(option_member_const(o, c), &b) < 0)
                return NULL;
        return o->flags & OPTION_SECRET && b.data ? mask_url_credentials(b.data) : buffer_steal(&b);
}

char *mask_url_credentials(const char *url) {
        const char *authority = strstr(url, "://"), *at = NULL;
        char *masked;

        authority = authority ? authority + 3 : url;
        /* The last '@' before the path: a password may hold one itself. */
        for (const char *p = authority; *p && !IN_SET(*p, '/', '?', '#'); p++)
                if (*p == '@')
                        at = p;
        if (!at)
                return strdup(url);
        if (asprintf_safe(&masked, "%.*sxxxxx:xxxxx%s", (int) (authority - url), url, at) < 0)
                return NULL;
        return masked;
}
