/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json-scan.h"

#include <stdio.h>

#include "basic/string-util.h"
#include "json/json-type.h"

typedef struct Scan {
        const char *p, *end;
        char *fault;                    /* owned */
        unsigned depth;
        char open[JSON_DEPTH_MAX];      /* '{' or '[' */
} Scan;

#define CUT_OFF "unexpected EOF"

/* As Go quotes a character: bytes count as Latin-1. */
static char *quote(unsigned char c) {
        static const struct {
                char c;
                const char *text;
        } special[] = {
                { '\'', "\\'" }, { '\\', "\\\\" }, { '\a', "\\a" }, { '\b', "\\b" }, { '\f', "\\f" },
                { '\n', "\\n" }, { '\r', "\\r" },  { '\t', "\\t" }, { '\v', "\\v" },
        };
        char *s;

        FOREACH_ELEMENT(q, special)
                if (q->c == (char) c)
                        return strdup(q->text);
        if (c < 0x20 || c == 0x7f)
                return asprintf_safe(&s, "\\x%02x", c) < 0 ? NULL : s;
        if (c < 0x7f)
                return asprintf_safe(&s, "%c", c) < 0 ? NULL : s;
        if (c <= 0xa0 || c == 0xad)
                return asprintf_safe(&s, "\\u%04x", c) < 0 ? NULL : s;
        return asprintf_safe(&s, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f)) < 0 ? NULL : s;
}

/* At the character at hand, or the end before it. */
static int fail(Scan *s, const char *where) {
        _cleanup_free_ char *c = NULL;

        if (s->p == s->end) {
                s->fault = strdup(CUT_OFF);
                return s->fault ? -EBADMSG : -ENOMEM;
        }
        c = quote(*s->p);
        if (!c || asprintf_safe(&s->fault, "invalid character '%s' %s", c, where) < 0)
                return -ENOMEM;
        return -EBADMSG;
}

static int peek(const Scan *s) {
        return s->p < s->end ? (unsigned char) *s->p : -1;
}

static void skip_space(Scan *s) {
        while (s->p < s->end && IN_SET(*s->p, ' ', '\t', '\r', '\n'))
                s->p++;
}

static bool is_digit(int c) {
        return c >= '0' && c <= '9';
}

static int scan_escape(Scan *s) {
        if (peek(s) < 0 || !strchr("bfnrt\\/\"u", peek(s)) || peek(s) == 0)
                return fail(s, "in string escape code");
        if (*s->p++ != 'u')
                return 0;
        for (unsigned i = 0; i < 4; i++, s->p++) {
                int c = peek(s);

                if (!is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
                        return fail(s, "in \\u hexadecimal character escape");
        }
        return 0;
}

static int scan_string(Scan *s) {
        int r;

        for (s->p++; peek(s) != '"'; ) {
                if (peek(s) < 0x20)
                        return fail(s, "in string literal");
                if (*s->p++ != '\\')
                        continue;
                r = scan_escape(s);
                if (r < 0)
                        return r;
        }
        s->p++;
        return 0;
}

static int scan_digits(Scan *s, const char *where) {
        if (!is_digit(peek(s)))
                return fail(s, where);
        while (is_digit(peek(s)))
                s->p++;
        return 0;
}

static int scan_number(Scan *s) {
        int r;

        if (peek(s) == '-')
                s->p++;
        if (peek(s) == '0')
                s->p++;
        else {
                r = scan_digits(s, "in numeric literal");
                if (r < 0)
                        return r;
        }
        if (peek(s) == '.') {
                s->p++;
                r = scan_digits(s, "after decimal point in numeric literal");
                if (r < 0)
                        return r;
        }
        if (!IN_SET(peek(s), 'e', 'E'))
                return 0;
        s->p++;
        if (IN_SET(peek(s), '+', '-'))
                s->p++;
        return scan_digits(s, "in exponent of numeric literal");
}

static int scan_literal(Scan *s, const char *word) {
        for (const char *w = word; *w; w++, s->p++) {
                char where[64];

                if (peek(s) == *w)
                        continue;
                (void) snprintf(where, sizeof(where), "in literal %s (expecting '%c')", word, *w);
                return fail(s, where);
        }
        return 0;
}

static int open_container(Scan *s) {
        if (s->depth >= JSON_DEPTH_MAX)
                return -E2BIG;
        s->open[s->depth++] = *s->p++;
        return 0;
}

/* A value that holds no others; 1: one was opened. */
static int scan_begin_value(Scan *s) {
        int c = peek(s), r;

        switch (c) {
        case '{':
        case '[':
                r = open_container(s);
                return r < 0 ? r : 1;
        case '"':
                return scan_string(s);
        case 't':
                return scan_literal(s, "true");
        case 'f':
                return scan_literal(s, "false");
        case 'n':
                return scan_literal(s, "null");
        default:
                if (c == '-' || is_digit(c))
                        return scan_number(s);
                return fail(s, "looking for beginning of value");
        }
}

static int scan_key(Scan *s) {
        int r;

        skip_space(s);
        if (peek(s) != '"')
                return fail(s, "looking for beginning of object key string");
        r = scan_string(s);
        if (r < 0)
                return r;
        skip_space(s);
        if (peek(s) != ':')
                return fail(s, "after object key");
        s->p++;
        return 0;
}

static bool in_object(const Scan *s) {
        return s->depth > 0 && s->open[s->depth - 1] == '{';
}

/* Behind a value: closes what ends, up to the next value's begin. 0: all is over. */
static int scan_end_value(Scan *s) {
        while (s->depth > 0) {
                bool object = in_object(s);

                skip_space(s);
                if (peek(s) == ',') {
                        s->p++;
                        return object ? scan_key(s) ?: 1 : 1;
                }
                if (peek(s) != (object ? '}' : ']'))
                        return fail(s, object ? "after object key:value pair" : "after array element");
                s->p++;
                s->depth--;
        }
        return 0;
}

/* Behind an opening bracket: 1: a value comes next, 0: the container is empty and closed. */
static int scan_first(Scan *s) {
        skip_space(s);
        if (peek(s) == (in_object(s) ? '}' : ']')) {
                s->p++;
                s->depth--;
                return 0;
        }
        return in_object(s) ? scan_key(s) ?: 1 : 1;
}

static int scan_value(Scan *s) {
        int r;

        do {
                skip_space(s);
                r = scan_begin_value(s);
                if (r > 0)
                        r = scan_first(s);
                if (r == 0)
                        r = scan_end_value(s);
        } while (r > 0);
        return r;
}

int json_scan_fault(const char *text, size_t size, char **ret) {
        Scan s = { .p = text, .end = text + size };
        int r;

        assert(text);
        assert(ret);

        r = scan_value(&s);
        if (r == -ENOMEM)
                return r;
        *ret = s.fault;
        return 0;
}
