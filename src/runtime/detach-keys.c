/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/detach-keys.h"

#include "basic/strv.h"

/* "a", or "ctrl-" and a letter or one of @ [ \ ] ^ _ */
static int parse_key(const char *s, size_t n, uint8_t *ret) {
        uint8_t c;

        if (n == 1) {
                *ret = (uint8_t) s[0];
                return 0;
        }
        if (n != 6 || memcmp(s, "ctrl-", 5) != 0)
                return -EINVAL;

        c = (uint8_t) s[5];
        if (c >= 'a' && c <= 'z')
                *ret = c - 'a' + 1;
        else if (c == '@')
                *ret = 0;
        else if (c >= '[' && c <= '_')
                *ret = c - '[' + 27;
        else
                return -EINVAL;
        return 0;
}

int detach_keys_parse(const char *s, DetachKeys *ret, Error *reterr) {
        DetachKeys d = { .keys = { 16, 17 }, .n_keys = 2 };     /* ctrl-p, ctrl-q */
        const char *p = s;

        if (isempty(s)) {
                *ret = d;
                return 0;
        }

        d = (DetachKeys) {};
        for (;;) {
                size_t n = strcspn(p, ",");

                if (d.n_keys == DETACH_KEYS_MAX || parse_key(p, n, d.keys + d.n_keys) < 0)
                        return error_setf(reterr, ERROR_INVALID, "Invalid detach keys (%s) provided", s);
                d.n_keys++;
                if (p[n] == 0)
                        break;
                p += n + 1;
        }

        *ret = d;
        return 0;
}

size_t detach_keys_filter(DetachKeys *d, const void *data, size_t size, void *out, bool *ret_detach) {
        const uint8_t *in = data;
        uint8_t *o = out;
        size_t n = 0;

        *ret_detach = false;
        if (d->n_keys == 0) {
                memcpy(out, data, size);
                return size;
        }

        for (size_t i = 0; i < size; i++) {
                if (in[i] == d->keys[d->n_matched]) {
                        if (++d->n_matched == d->n_keys) {
                                d->n_matched = 0;
                                *ret_detach = true;
                                return n;
                        }
                        continue;
                }
                memcpy(o + n, d->keys, d->n_matched);
                n += d->n_matched;
                d->n_matched = 0;
                o[n++] = in[i];
        }
        return n;
}
