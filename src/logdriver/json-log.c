/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of a json-file log: escaping and decoding. The decoder reads what any json-file driver has
 * written, so it skips keys it does not know; it is fed from disk and trusts nothing. */
#include <string.h>

#include "basic/time-util.h"
#include "logdriver/json-file.h"

#define DEPTH_MAX 16U

/* --- escaping --- */

/* Bytes of the well-formed UTF-8 sequence at p, 0 if there is none. */
static size_t utf8_sequence(const uint8_t *p, size_t size) {
        uint8_t c = p[0], low = 0x80, high = 0xBF;
        size_t n;

        if (c < 0x80)
                return 1;
        if (c < 0xC2 || c > 0xF4)
                return 0;
        n = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        if (size < n)
                return 0;

        /* Overlong forms, surrogates and what is beyond U+10FFFF. */
        if (c == 0xE0)
                low = 0xA0;
        else if (c == 0xED)
                high = 0x9F;
        else if (c == 0xF0)
                low = 0x90;
        else if (c == 0xF4)
                high = 0x8F;
        if (p[1] < low || p[1] > high)
                return 0;
        for (size_t i = 2; i < n; i++)
                if ((p[i] & 0xC0) != 0x80)
                        return 0;
        return n;
}

static size_t escape_ascii(char *out, uint8_t c) {
        static const char hex[] = "0123456789abcdef";

        switch (c) {
        case '"':
        case '\\':
                out[0] = '\\';
                out[1] = (char) c;
                return 2;
        case '\n':
                memcpy(out, "\\n", 2);
                return 2;
        case '\r':
                memcpy(out, "\\r", 2);
                return 2;
        default:
                memcpy(out, "\\u00", 4);
                out[4] = hex[c >> 4];
                out[5] = hex[c & 15];
                return 6;
        }
}

static bool is_plain(uint8_t c) {
        return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

size_t json_log_escape(char *out, const char *in, size_t size) {
        const uint8_t *p = (const uint8_t *) in;
        size_t i = 0, n = 0;

        while (i < size) {
                size_t k, start = i;

                while (i < size && is_plain(p[i]))
                        i++;
                memcpy(out + n, p + start, i - start);
                n += i - start;
                if (i == size)
                        break;

                if (p[i] < 0x80) {
                        n += escape_ascii(out + n, p[i++]);
                        continue;
                }
                k = utf8_sequence(p + i, size - i);
                if (k == 0) {
                        memcpy(out + n, "\\ufffd", 6);
                        n += 6;
                        i++;
                } else if (k == 3 && p[i] == 0xE2 && p[i + 1] == 0x80 && (p[i + 2] & 0xFE) == 0xA8) {
                        /* U+2028 and U+2029 end lines in JavaScript; Go escapes them, so files agree. */
                        memcpy(out + n, p[i + 2] & 1 ? "\\u2029" : "\\u2028", 6);
                        n += 6;
                        i += 3;
                } else {
                        memcpy(out + n, p + i, k);
                        n += k;
                        i += k;
                }
        }
        return n;
}

/* --- decoding --- */

typedef struct Scanner {
        char *p, *end;
} Scanner;

static void skip_space(Scanner *s) {
        while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r'))
                s->p++;
}

static bool accept_char(Scanner *s, char c) {
        skip_space(s);
        if (s->p == s->end || *s->p != c)
                return false;
        s->p++;
        return true;
}

static int hex4(const char *p, const char *end) {
        int v = 0;

        if (end - p < 4)
                return -EBADMSG;
        for (unsigned i = 0; i < 4; i++) {
                char c = p[i];

                if (c >= '0' && c <= '9')
                        v = v * 16 + (c - '0');
                else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
                        v = v * 16 + ((c | 0x20) - 'a' + 10);
                else
                        return -EBADMSG;
        }
        return v;
}

static size_t put_utf8(char *out, uint32_t c) {
        if (c < 0x80) {
                out[0] = (char) c;
                return 1;
        }
        if (c < 0x800) {
                out[0] = (char) (0xC0 | c >> 6);
                out[1] = (char) (0x80 | (c & 0x3F));
                return 2;
        }
        if (c < 0x10000) {
                out[0] = (char) (0xE0 | c >> 12);
                out[1] = (char) (0x80 | (c >> 6 & 0x3F));
                out[2] = (char) (0x80 | (c & 0x3F));
                return 3;
        }
        out[0] = (char) (0xF0 | c >> 18);
        out[1] = (char) (0x80 | (c >> 12 & 0x3F));
        out[2] = (char) (0x80 | (c >> 6 & 0x3F));
        out[3] = (char) (0x80 | (c & 0x3F));
        return 4;
}

/* Behind "\u": one code point from one or two escapes. The result never is longer than what it stands for.
 * */
static int decode_unicode(Scanner *s, char **out) {
        int v, low;
        uint32_t c;

        v = hex4(s->p, s->end);
        if (v < 0)
                return v;
        s->p += 4;
        c = (uint32_t) v;
        if (c >= 0xD800 && c < 0xE000) {
                low = c < 0xDC00 && s->end - s->p >= 6 && s->p[0] == '\\' && s->p[1] == 'u' ?
                        hex4(s->p + 2, s->end) : -EBADMSG;
                if (low >= 0xDC00 && low < 0xE000) {
                        c = 0x10000 + ((c - 0xD800) << 10) + ((uint32_t) low - 0xDC00);
                        s->p += 6;
                } else
                        c = 0xFFFD;
        }
        *out += put_utf8(*out, c);
        return 0;
}

static int decode_escape(Scanner *s, char **out) {
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        const char *k;
        char c;

        if (s->p == s->end)
                return -EBADMSG;
        c = *s->p++;
        if (c == 'u')
                return decode_unicode(s, out);
        k = c ? strchr(from, c) : NULL;
        if (!k)
                return -EBADMSG;
        *(*out)++ = to[k - from];
        return 0;
}

/* A string, decoded over itself. */
static int take_string(Scanner *s, char **ret, size_t *ret_size) {
        char *start, *out;
        int r;

        if (!accept_char(s, '"'))
                return -EBADMSG;

        start = out = s->p;
        for (;;) {
                size_t n = 0;

                while (s->p + n < s->end && s->p[n] != '"' && s->p[n] != '\\')
                        n++;
                memmove(out, s->p, n);
                out += n;
                s->p += n;
                if (s->p == s->end)
                        return -EBADMSG;
                if (*s->p++ == '"')
                        break;
                r = decode_escape(s, &out);
                if (r < 0)
                        return r;
        }

        *ret = start;
        *ret_size = (size_t) (out - start);
        return 0;
}

/* Numbers, true, false, null: nothing is made of them. */
static bool is_literal(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || IN_SET(c, 'E', '+', '-', '.');
}

static int skip_value(Scanner *s, unsigned depth);

static int skip_members(Scanner *s, char close, bool with_keys, unsigned depth) {
        char *text;
        size_t size;
        int r;

        if (accept_char(s, close))
                return 0;
        do {
                if (with_keys) {
                        r = take_string(s, &text, &size);
                        if (r < 0)
                                return r;
                        if (!accept_char(s, ':'))
                                return -EBADMSG;
                }
                r = skip_value(s, depth + 1);
                if (r < 0)
                        return r;
        } while (accept_char(s, ','));

        return accept_char(s, close) ? 0 : -EBADMSG;
}

static int skip_value(Scanner *s, unsigned depth) {
        char *text;
        size_t size;

        if (depth > DEPTH_MAX)
                return -EBADMSG;
        skip_space(s);
        if (s->p == s->end)
                return -EBADMSG;

        switch (*s->p) {
        case '"':
                return take_string(s, &text, &size);
        case '{':
                s->p++;
                return skip_members(s, '}', true, depth);
        case '[':
                s->p++;
                return skip_members(s, ']', false, depth);
        default:
                for (text = s->p; s->p < s->end && is_literal(*s->p); s->p++)
                        ;
                return s->p > text ? 0 : -EBADMSG;
        }
}

static int take_time(Scanner *s, uint64_t *ret) {
        char *text, copy[64];
        size_t size;
        int r;

        r = take_string(s, &text, &size);
        if (r < 0)
                return r;
        if (size >= sizeof(copy))
                return -EBADMSG;
        memcpy(copy, text, size);
        copy[size] = 0;
        return parse_rfc3339(copy, ret) < 0 ? -EBADMSG : 0;
}

static int take_stream(Scanner *s, LogStream *ret) {
        char *text;
        size_t size;
        int r;

        r = take_string(s, &text, &size);
        if (r < 0)
                return r;
        *ret = size == 6 && memcmp(text, "stderr", 6) == 0 ? LOG_STDERR : LOG_STDOUT;
        return 0;
}

static int take_member(Scanner *s, LogEntry *e) {
        char *key, *text;
        size_t size;
        int r;

        r = take_string(s, &key, &size);
        if (r < 0)
                return r;
        if (!accept_char(s, ':'))
                return -EBADMSG;

        if (size == 3 && memcmp(key, "log", 3) == 0) {
                r = take_string(s, &text, &size);
                if (r < 0)
                        return r;
                e->line = text;
                e->size = size;
                return 0;
        }
        if (size == 6 && memcmp(key, "stream", 6) == 0)
                return take_stream(s, &e->stream);
        if (size == 4 && memcmp(key, "time", 4) == 0)
                return take_time(s, &e->time_nsec);
        return skip_value(s, 0);
}

int json_log_decode(char *line, size_t size, LogEntry *ret) {
        Scanner s = { .p = line, .end = line + size };
        LogEntry e = { .line = "" };
        int r;

        if (!accept_char(&s, '{'))
                return -EBADMSG;
        if (!accept_char(&s, '}')) {
                do {
                        r = take_member(&s, &e);
                        if (r < 0)
                                return r;
                } while (accept_char(&s, ','));
                if (!accept_char(&s, '}'))
                        return -EBADMSG;
        }
        skip_space(&s);
        if (s.p != s.end)
                return -EBADMSG;

        *ret = e;
        return 0;
}
