/* SPDX-License-Identifier: Apache-2.0 */
/* NULL-terminated string vectors. A NULL vector is "not given"; a vector without strings is "given,
 * empty". */
#pragma once

#include "basic/string-util.h"

char **strv_free(char **l);
DEFINE_TRIVIAL_CLEANUP_FUNC(char **, strv_free);
#define _cleanup_strv_free_ _cleanup_(strv_freep)

size_t strv_length(char *const *l);
static inline bool strv_isempty(char *const *l) {
        return !l || !l[0];
}
char **strv_new_empty(void);
char **strv_copy(char *const *l);
bool strv_equal(char *const *a, char *const *b);
bool strv_contains(char *const *l, const char *s);

/* Append; _consume owns s in every case. */
int strv_extend(char ***l, const char *s);
int strv_consume(char ***l, char *s);
int strv_extend_strv(char ***l, char *const *other);
int strv_extendf(char ***l, const char *format, ...) _printf_(2, 3);

/* Removes every string equal to s, in place. */
void strv_remove(char **l, const char *s);
void strv_sort(char **l);

char *strv_join(char *const *l, const char *separator);
/* Splits at each of the separator characters; empty pieces are left out. */
int strv_split(const char *s, const char *separators, char ***ret);

/* "KEY=value" lists: the value of the key or NULL; set replaces or appends. */
const char *strv_env_get(char *const *l, const char *key);
int strv_env_set(char ***l, const char *assignment);

#define STRV_FOREACH(s, l) for (char *const *s = (l); s && *s; s++)
