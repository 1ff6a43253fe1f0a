/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/string-util.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

bool streq_ptr(const char *a, const char *b) {
        if (!a || !b)
                return a == b;
        return streq(a, b);
}

const char *startswith(const char *s, const char *prefix) {
        size_t n = strlen(prefix);

        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

bool endswith(const char *s, const char *suffix) {
        size_t n = strlen(s), m = strlen(suffix);

        return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

char *strjoin_real(const char *first, ...) {
        size_t size = 1;
        va_list ap;
        char *s, *p;

        va_start(ap, first);
        for (const char *t = first; t; t = va_arg(ap, const char *))
                size += strlen(t);
        va_end(ap);

        s = p = malloc(size);
        if (!s)
                return NULL;

        va_start(ap, first);
        for (const char *t = first; t; t = va_arg(ap, const char *))
                p = stpcpy(p, t);
        va_end(ap);
        *p = 0;
        return s;
}

char *strndup_safe(const char *s, size_t n) {
        return memdup_suffix0(s, strnlen(s, n));
}

int free_and_strdup(char **p, const char *s) {
        char *t = NULL;

        if (s) {
                t = strdup(s);
                if (!t)
                        return -ENOMEM;
        }
        free(*p);
        *p = t;
        return 0;
}

int asprintf_safe(char **ret, const char *format, ...) {
        char *s = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&s, format, ap);
        va_end(ap);
        if (r < 0)
                return -ENOMEM;
        *ret = s;
        return 0;
}

char *strstrip(char *s) {
        char *e;

        while (isspace((unsigned char) *s))
                s++;
        for (e = s + strlen(s); e > s && isspace((unsigned char) e[-1]); e--)
                ;
        *e = 0;
        return s;
}

char *ascii_strlower(char *s) {
        for (char *p = s; *p; p++)
                if (*p >= 'A' && *p <= 'Z')
                        *p += 'a' - 'A';
        return s;
}

bool string_has_control(const char *s) {
        for (const unsigned char *p = (const unsigned char *) s; *p; p++)
                if (*p < 32 || *p == 127)
                        return true;
        return false;
}

/* Length of the well-formed sequence at p (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF), or
 * 0. */
static size_t utf8_sequence(const unsigned char *p, size_t n) {
        size_t len = p[0] < 0x80 ? 1 :
                     p[0] < 0xC2 ? 0 :
                     p[0] < 0xE0 ? 2 :
                     p[0] < 0xF0 ? 3 :
                     p[0] < 0xF5 ? 4 :
                                   0;

        if (len == 0 || len > n)
                return 0;
        for (size_t i = 1; i < len; i++)
                if ((p[i] & 0xC0) != 0x80)
                        return 0;
        if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
            (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
                return 0;
        return len;
}

bool utf8_is_valid(const char *s, size_t n) {
        const unsigned char *p = (const unsigned char *) s;

        while (n > 0) {
                size_t k = utf8_sequence(p, n);

                if (k == 0)
                        return false;
                p += k;
                n -= k;
        }
        return true;
}

int utf8_repair(const void *data, size_t n, char **ret) {
        const unsigned char *p = data;
        _cleanup_buffer_ Buffer b = {};
        int r = 0;

        while (n > 0 && r >= 0) {
                size_t k = *p ? utf8_sequence(p, n) : 0;

                r = k > 0 ? buffer_append(&b, p, k) : buffer_append_str(&b, "\xef\xbf\xbd");
                p += max_size(k, 1);
                n -= max_size(k, 1);
        }
        if (r < 0)
                return r;
        *ret = buffer_steal(&b);
        return *ret ? 0 : -ENOMEM;
}

/* Twice as much, but untouched: what is not written costs no memory. */
static int buffer_grow(Buffer *b, size_t need) {
        size_t n = b->allocated > SIZE_MAX / 2 ? need : max_size(max_size(need, 2 * b->allocated), 64);
        char *p;

        if (need <= b->allocated)
                return 0;
        p = realloc(b->data, n);
        if (!p)
                return -ENOMEM;
        b->data = p;
        b->allocated = n;
        return 0;
}

int buffer_append(Buffer *b, const void *data, size_t size) {
        if (size >= SIZE_MAX - b->size || buffer_grow(b, b->size + size + 1) < 0)
                return -ENOMEM;
        if (size > 0)
                memcpy(b->data + b->size, data, size);
        b->size += size;
        b->data[b->size] = 0;
        return 0;
}

int buffer_append_str(Buffer *b, const char *s) {
        return buffer_append(b, s, strlen(s));
}

int buffer_appendf(Buffer *b, const char *format, ...) {
        _cleanup_free_ char *s = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&s, format, ap);
        va_end(ap);
        if (r < 0) {
                s = NULL;
                return -ENOMEM;
        }
        return buffer_append(b, s, r);
}

void buffer_consume(Buffer *b, size_t n) {
        assert(n <= b->size);

        if (n == 0)
                return;
        b->size -= n;
        memmove(b->data, b->data + n, b->size);
        b->data[b->size] = 0;
}

char *buffer_steal(Buffer *b) {
        char *s = b->data ?: strdup("");

        *b = (Buffer) {};
        return s;
}

void buffer_done(Buffer *b) {
        free(b->data);
        *b = (Buffer) {};
}
