/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/strv.h"

#include <stdarg.h>
#include <stdio.h>

char **strv_free(char **l) {
        STRV_FOREACH(s, l)
                free(*s);
        free(l);
        return NULL;
}

size_t strv_length(char *const *l) {
        size_t n = 0;

        STRV_FOREACH(s, l)
                n++;
        return n;
}

char **strv_new_empty(void) {
        return new0(char *, 1);
}

char **strv_copy(char *const *l) {
        _cleanup_strv_free_ char **copy = NULL;
        size_t n = 0;

        if (!l)
                return NULL;
        copy = new0(char *, strv_length(l) + 1);
        if (!copy)
                return NULL;
        STRV_FOREACH(s, l) {
                copy[n] = strdup(*s);
                if (!copy[n++])
                        return NULL;
        }
        return TAKE_PTR(copy);
}

bool strv_equal(char *const *a, char *const *b) {
        if (strv_isempty(a) || strv_isempty(b))
                return strv_isempty(a) && strv_isempty(b);
        for (; *a && *b; a++, b++)
                if (!streq(*a, *b))
                        return false;
        return !*a && !*b;
}

bool strv_contains(char *const *l, const char *s) {
        STRV_FOREACH(i, l)
                if (streq(*i, s))
                        return true;
        return false;
}

int strv_consume(char ***l, char *s) {
        size_t n = strv_length(*l);
        char **q;

        if (!s)
                return -ENOMEM;
        q = reallocarray(*l, n + 2, sizeof(char *));
        if (!q) {
                free(s);
                return -ENOMEM;
        }
        q[n] = s;
        q[n + 1] = NULL;
        *l = q;
        return 0;
}

int strv_extend(char ***l, const char *s) {
        return strv_consume(l, strdup(s));
}

int strv_extend_strv(char ***l, char *const *other) {
        STRV_FOREACH(s, other) {
                int r = strv_extend(l, *s);
                if (r < 0)
                        return r;
        }
        return 0;
}

int strv_extendf(char ***l, const char *format, ...) {
        char *s = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&s, format, ap);
        va_end(ap);
        return strv_consume(l, r < 0 ? NULL : s);
}

void strv_remove(char **l, const char *s) {
        char **to = l;

        if (!l)
                return;
        for (char **from = l; *from; from++)
                if (streq(*from, s))
                        free(*from);
                else
                        *to++ = *from;
        *to = NULL;
}

static int compare_strings(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

void strv_sort(char **l) {
        if (!strv_isempty(l))
                qsort(l, strv_length(l), sizeof(char *), compare_strings);
}

char *strv_join(char *const *l, const char *separator) {
        _cleanup_buffer_ Buffer b = {};

        STRV_FOREACH(s, l)
                if ((s != l && buffer_append_str(&b, separator) < 0) || buffer_append_str(&b, *s) < 0)
                        return NULL;
        return buffer_steal(&b);
}

int strv_split(const char *s, const char *separators, char ***ret) {
        _cleanup_strv_free_ char **l = strv_new_empty();
        int r;

        if (!l)
                return -ENOMEM;
        for (const char *p = s; *p; ) {
                size_t n = strcspn(p, separators);

                if (n > 0) {
                        r = strv_consume(&l, memdup_suffix0(p, n));
                        if (r < 0)
                                return r;
                }
                p += n;
                if (*p)
                        p++;
        }
        *ret = TAKE_PTR(l);
        return 0;
}

static bool env_key_matches(const char *assignment, const char *key, size_t n) {
        return strncmp(assignment, key, n) == 0 && assignment[n] == '=';
}

const char *strv_env_get(char *const *l, const char *key) {
        size_t n = strlen(key);

        STRV_FOREACH(s, l)
                if (env_key_matches(*s, key, n))
                        return *s + n + 1;
        return NULL;
}

int strv_env_set(char ***l, const char *assignment) {
        size_t n = strcspn(assignment, "=");

        STRV_FOREACH(s, *l)
                if (env_key_matches(*s, assignment, n))
                        return free_and_strdup((char **) s, assignment);
        return strv_extend(l, assignment);
}
