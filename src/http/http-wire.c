/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http-wire.h"

#include <errno.h>

#include "basic/parse-util.h"
#include "basic/string-util.h"

#define CHUNK_DIGITS_MAX 16U

static int fail(HttpWire *w, const char *what) {
        w->state = HTTP_WIRE_FAULT;
        w->fault = what;
        return -EBADMSG;
}

static int fail_too_large(HttpWire *w, const char *what) {
        w->fault_too_large = true;
        return fail(w, what);
}

static int expect_lf(HttpWire *w, char c, HttpWireState next) {
        if (c != '\n')
                return fail(w, "carriage return without line feed");
        w->state = next;
        return 0;
}

static bool is_token(unsigned char c) {
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
               (c != 0 && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_control(unsigned char c) {
        return c < 0x20 || c == 0x7f;
}

static bool is_plain(unsigned char c) {
        return c > 0x20 && c != 0x7f;
}

static void start_message(HttpWire *w) {
        w->message++;
        w->state = HTTP_WIRE_START;
        w->in_body = w->upgrade = w->chunked = w->has_length = w->odd_framing = false;
        w->n_line = 0;
        w->left = 0;
}

static void start_chunk(HttpWire *w) {
        w->state = HTTP_WIRE_SIZE;
        w->n_line = 0;
        w->left = 0;
        w->n_digits = 0;
}

static bool name_is(const HttpWire *w, const char *name) {
        return w->n_name == strlen(name) && memcmp(w->name, name, w->n_name) == 0;
}

/* Whether a list of framing headers makes sense is up to http_headers_check(), which has the words for it:
 * this must only not follow what it refuses. */
static void end_header(HttpWire *w) {
        size_t n = w->n_value;

        if (!w->framing_header)
                return;                 /* as of all trailers */

        while (n > 0 && IN_SET(w->value[n - 1], ' ', '\t'))
                n--;
        if (name_is(w, "upgrade"))
                w->upgrade = true;
        else if (name_is(w, "transfer-encoding")) {
                w->odd_framing |= w->chunked || n != strlen("chunked") ||
                                  strncasecmp(w->value, "chunked", n) != 0;
                w->chunked = true;
        } else if (name_is(w, "content-length")) {
                char text[sizeof(w->value) + 1] = {};

                memcpy(text, w->value, n);
                w->odd_framing |= w->has_length || n == 0 || n >= sizeof(w->value) ||
                                  parse_uint64(text, &w->left) < 0;
                w->has_length = true;
        }
}

static void end_head(HttpWire *w) {
        if (w->in_body) {
                start_message(w);
                return;
        }
        w->n_heads++;
        w->in_body = true;
        if (w->odd_framing || (w->chunked && w->has_length))
                w->state = HTTP_WIRE_LOST;
        else if (w->chunked)
                start_chunk(w);
        else if (w->left > 0)
                w->state = HTTP_WIRE_BODY;
        else
                start_message(w);
}

static int on_start(HttpWire *w, char c) {
        if (c == '\r') {
                w->state = HTTP_WIRE_START_LF;
                return 0;
        }
        if (!is_token(c))
                return fail(w, "malformed request line");
        w->state = HTTP_WIRE_METHOD;
        return 0;
}

static int on_request_line(HttpWire *w, char c) {
        static const HttpWireState next[] = {
                [HTTP_WIRE_METHOD] = HTTP_WIRE_TARGET,
                [HTTP_WIRE_TARGET] = HTTP_WIRE_VERSION,
        };

        if (w->state == HTTP_WIRE_VERSION) {
                if (c == '\r' && w->n_value > 0) {
                        w->state = HTTP_WIRE_LINE_LF;
                        return 0;
                }
                /* The parser looks at the version closely. */
                if (!is_token(c) && c != '/')
                        return fail(w, "malformed request line");
                w->n_value = 1;
                return 0;
        }
        if (c == ' ') {
                w->n_value = 0;
                w->state = next[w->state];
                return 0;
        }
        if (w->state == HTTP_WIRE_METHOD ? !is_token(c) : is_control(c))
                return fail(w, "malformed request line");
        return 0;
}

static int on_line(HttpWire *w, char c) {
        if (c == '\r') {
                w->state = HTTP_WIRE_END_LF;
                return 0;
        }
        if (IN_SET(c, ' ', '\t'))
                return fail(w, "folded header line");
        w->state = HTTP_WIRE_NAME;
        w->n_name = w->n_value = 0;
        w->framing_header = false;
        return is_token(c) ? 1 : fail(w, "invalid header name");
}

static int on_name(HttpWire *w, char c) {
        if (c == ':' && w->n_name > 0) {
                w->state = HTTP_WIRE_VALUE;
                w->framing_header = !w->in_body && (name_is(w, "upgrade") || name_is(w, "content-length") ||
                                                    name_is(w, "transfer-encoding"));
                return 0;
        }
        if (!is_token(c))
                return fail(w, "invalid header name");
        if (w->n_name < sizeof(w->name))
                w->name[w->n_name] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
        w->n_name++;
        return 0;
}

static int on_value(HttpWire *w, char c) {
        if (c == '\r') {
                end_header(w);
                w->state = HTTP_WIRE_LINE_LF;
                return 0;
        }
        if (is_control(c) && c != '\t')
                return fail(w, "invalid header value");
        if (w->n_value < sizeof(w->value) && (w->n_value > 0 || !IN_SET(c, ' ', '\t')))
                w->value[w->n_value++] = c;
        return 0;
}

static int on_size(HttpWire *w, char c) {
        int digit = c >= '0' && c <= '9' ? c - '0' :
                    (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;

        if (digit >= 0) {
                if (++w->n_digits > CHUNK_DIGITS_MAX || w->left >> 60 != 0)
                        return fail_too_large(w, "chunk size");
                w->left = w->left << 4 | (unsigned) digit;
                return 0;
        }
        if (w->n_digits == 0 || !IN_SET(c, '\r', ';'))
                return fail(w, "malformed chunk size");
        w->state = c == ';' ? HTTP_WIRE_EXTENSION : HTTP_WIRE_SIZE_LF;
        return 0;
}

static int on_extension(HttpWire *w, char c) {
        if (c == '\r')
                w->state = HTTP_WIRE_SIZE_LF;
        else if (is_control(c) && c != '\t')
                return fail(w, "malformed chunk extension");
        return 0;
}

static int end_size(HttpWire *w, char c) {
        w->n_line = 0;
        return expect_lf(w, c, w->left > 0 ? HTTP_WIRE_DATA : HTTP_WIRE_LINE);
}

/* One byte of a line; 1: once more with the new state. */
static int feed_byte(HttpWire *w, char c) {
        int r;

        switch (w->state) {
        case HTTP_WIRE_START:
                return on_start(w, c);
        case HTTP_WIRE_START_LF:
                return expect_lf(w, c, HTTP_WIRE_START);
        case HTTP_WIRE_METHOD:
        case HTTP_WIRE_TARGET:
        case HTTP_WIRE_VERSION:
                return on_request_line(w, c);
        case HTTP_WIRE_LINE_LF:
                return expect_lf(w, c, HTTP_WIRE_LINE);
        case HTTP_WIRE_LINE:
                return on_line(w, c);
        case HTTP_WIRE_NAME:
                return on_name(w, c);
        case HTTP_WIRE_VALUE:
                return on_value(w, c);
        case HTTP_WIRE_END_LF:
                r = expect_lf(w, c, HTTP_WIRE_LINE);
                if (r >= 0)
                        end_head(w);
                return r;
        case HTTP_WIRE_SIZE:
                return on_size(w, c);
        case HTTP_WIRE_EXTENSION:
                return on_extension(w, c);
        case HTTP_WIRE_SIZE_LF:
                return end_size(w, c);
        case HTTP_WIRE_DATA_CR:
                if (c != '\r')
                        return fail(w, "chunk longer than its size");
                w->state = HTTP_WIRE_DATA_LF;
                return 0;
        case HTTP_WIRE_DATA_LF:
                start_chunk(w);
                return expect_lf(w, c, HTTP_WIRE_SIZE);
        default:
                assert_not_reached();
        }
}

static int count_line(HttpWire *w) {
        if (IN_SET(w->state, HTTP_WIRE_SIZE, HTTP_WIRE_EXTENSION, HTTP_WIRE_SIZE_LF))
                return ++w->n_line > HTTP_WIRE_CHUNK_LINE_MAX ? fail(w, "chunk extension too long") : 0;
        if (w->in_body)
                return ++w->n_line > HTTP_WIRE_TRAILER_MAX ? fail(w, "trailer too long") : 0;
        return ++w->n_line > HTTP_WIRE_HEAD_MAX ? fail(w, "request head too long") : 0;
}

/* Most bytes of a head are in values and targets: all but the last of a run of plain ones. */
static size_t skip_plain(HttpWire *w, const char *p, const char *end) {
        const char *start = p;

        if (w->state != HTTP_WIRE_TARGET && (w->state != HTTP_WIRE_VALUE || w->framing_header))
                return 0;
        while (p + 1 < end && is_plain(p[0]) && is_plain(p[1]))
                p++;
        w->n_line += p - start;
        return p - start;
}

/* Content is skipped at once. */
static size_t skip(HttpWire *w, size_t size) {
        size_t n = w->left < size ? (size_t) w->left : size;

        w->left -= n;
        if (w->left > 0)
                return n;
        if (w->state == HTTP_WIRE_DATA)
                w->state = HTTP_WIRE_DATA_CR;
        else
                start_message(w);
        return n;
}

int http_wire_feed(HttpWire *w, const void *data, size_t size) {
        const char *p = data, *end = p + size;
        int r;

        while (p < end) {
                if (w->state == HTTP_WIRE_FAULT)
                        return -EBADMSG;
                if (w->state == HTTP_WIRE_LOST)
                        return 0;
                if (IN_SET(w->state, HTTP_WIRE_BODY, HTTP_WIRE_DATA)) {
                        p += skip(w, end - p);
                        continue;
                }
                p += skip_plain(w, p, end);
                r = count_line(w);
                while (r >= 0 && (r = feed_byte(w, *p)) > 0)
                        ;
                if (r < 0)
                        return r;
                p++;
        }
        return w->fault ? -EBADMSG : 0;
}
