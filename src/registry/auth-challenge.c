/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/auth-challenge.h"

#include <ctype.h>

#include "basic/string-util.h"

static const struct {
        const char *name;
        size_t offset;
} parameters[] = {
        { "error",             offsetof(AuthChallenge, error)             },
        { "error_description", offsetof(AuthChallenge, error_description) },
        { "realm",             offsetof(AuthChallenge, realm)             },
        { "scope",             offsetof(AuthChallenge, scope)             },
        { "service",           offsetof(AuthChallenge, service)           },
};

static void challenge_done(AuthChallenge *c) {
        FOREACH_ELEMENT(p, parameters)
                free(*(char **) ((char *) c + p->offset));
        free(c->scheme);
        *c = (AuthChallenge) {};
}

void auth_challenges_done(AuthChallengeList *l) {
        for (size_t i = 0; i < l->n_items; i++)
                challenge_done(l->items + i);
        free(l->items);
        *l = (AuthChallengeList) {};
}

const AuthChallenge *auth_challenges_find(const AuthChallengeList *l, const char *scheme) {
        for (size_t i = 0; i < l->n_items; i++)
                if (streq(l->items[i].scheme, scheme))
                        return l->items + i;
        return NULL;
}

/* token of RFC 7230 section 3.2.6 */
static size_t token_length(const char *s) {
        size_t n = 0;

        while (isalnum((unsigned char) s[n]) || (s[n] && strchr("!#$%&'*+-.^_`|~", s[n])))
                n++;
        return n;
}

/* A quoted-string behind its first quote. Returns the length with the last quote, or 0 if there is none. */
static size_t read_quoted(const char *s, char **ret) {
        _cleanup_buffer_ Buffer b = {};
        size_t n = 0;

        for (; s[n] != '"'; n++) {
                if (s[n] == '\\')
                        n++;
                if (!s[n])
                        return 0;
                if (buffer_append(&b, s + n, 1) < 0)
                        return 0;
        }
        *ret = buffer_steal(&b);
        return *ret ? n + 1 : 0;
}

static size_t read_value(const char *s, char **ret) {
        size_t n;

        if (s[0] == '"') {
                n = read_quoted(s + 1, ret);
                return n == 0 ? 0 : n + 1;
        }
        n = token_length(s);
        *ret = n > 0 ? memdup_suffix0(s, n) : NULL;
        return *ret ? n : 0;
}

/* The first value of a name counts. */
static void set_parameter(AuthChallenge *c, char *name, char *value) {
        ascii_strlower(name);
        FOREACH_ELEMENT(p, parameters) {
                char **member = (char **) ((char *) c + p->offset);

                if (streq(p->name, name) && !*member) {
                        *member = value;
                        return;
                }
        }
        free(value);
}

static int add_challenge(AuthChallengeList *l, char *scheme) {
        if (!GREEDY_REALLOC0(l->items, l->allocated, l->n_items + 1)) {
                free(scheme);
                return -ENOMEM;
        }
        l->items[l->n_items++].scheme = ascii_strlower(scheme);
        return 0;
}

int auth_challenges_add(AuthChallengeList *l, const char *header) {
        bool any = false;
        const char *s = header;

        if (strlen(header) > AUTH_CHALLENGE_HEADER_MAX)
                return 0;
        for (;;) {
                _cleanup_free_ char *name = NULL;
                char *value = NULL;
                size_t n;

                s += strspn(s, " \t,");
                n = token_length(s);
                if (n == 0)
                        return 0;
                name = memdup_suffix0(s, n);
                if (!name)
                        return -ENOMEM;
                s += n;
                s += strspn(s, " \t");
                if (*s != '=') {
                        if (l->n_items >= AUTH_CHALLENGES_MAX)
                                return 0;
                        if (add_challenge(l, TAKE_PTR(name)) < 0)
                                return -ENOMEM;
                        any = true;
                        continue;
                }
                s += 1 + strspn(s + 1, " \t");
                n = read_value(s, &value);
                if (n == 0)
                        return 0;
                s += n;
                if (any)
                        set_parameter(l->items + l->n_items - 1, name, value);
                else
                        free(value);
        }
}
