/* SPDX-License-Identifier: Apache-2.0 */
/* Strings: comparison, building, splitting off; a growing buffer. */
#pragma once

#include <string.h>

#include "basic/alloc-util.h"

#define streq(a, b) (strcmp((a), (b)) == 0)

/* NULL equals NULL only. */
bool streq_ptr(const char *a, const char *b);

static inline const char *strempty(const char *s) {
        return s ?: "";
}

static inline const char *strnull(const char *s) {
        return s ?: "(null)";
}

static inline bool isempty(const char *s) {
        return !s || s[0] == 0;
}

static inline const char *empty_to_null(const char *s) {
        return isempty(s) ? NULL : s;
}

/* The rest of s behind the prefix, or NULL. */
const char *startswith(const char *s, const char *prefix);
bool endswith(const char *s, const char *suffix);

/* Joins up to the terminating NULL. */
char *strjoin_real(const char *first, ...) _sentinel_;
#define strjoin(a, ...) strjoin_real((a), ##__VA_ARGS__, NULL)

char *strndup_safe(const char *s, size_t n);

/* Replaces *p by a copy of s (NULL allowed). */
int free_and_strdup(char **p, const char *s);

/* Formats into *ret; -ENOMEM on failure. */
int asprintf_safe(char **ret, const char *format, ...) _printf_(2, 3);

/* Removes ASCII white space at both ends, in place; returns the new start. */
char *strstrip(char *s);

char *ascii_strlower(char *s);

bool string_has_control(const char *s);
bool utf8_is_valid(const char *s, size_t n);
/* A string of what a program wrote: each byte that is no UTF-8, and each NUL, becomes U+FFFD. */
int utf8_repair(const void *data, size_t n, char **ret);

/* Growing byte buffer, NUL-terminated when not empty. Zero-initialise; free with buffer_done(). */
typedef struct Buffer {
        char *data;
        size_t size;
        size_t allocated;
} Buffer;

int buffer_append(Buffer *b, const void *data, size_t size);
int buffer_append_str(Buffer *b, const char *s);
int buffer_appendf(Buffer *b, const char *format, ...) _printf_(2, 3);
/* Drops the first n bytes. */
void buffer_consume(Buffer *b, size_t n);
/* Hands the memory over as a string; never NULL but when memory is out. */
char *buffer_steal(Buffer *b);
void buffer_done(Buffer *b);
DEFINE_CLEANUP_DONE(Buffer, buffer_done);
#define _cleanup_buffer_ _cleanup_(buffer_donep)
