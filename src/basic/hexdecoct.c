/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/hexdecoct.h"

static int unhexchar(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -EINVAL;
}

char *hexmem(const void *p, size_t n) {
        static const char digits[] = "0123456789abcdef";
        const uint8_t *b = p;
        char *s;

        s = new(char, n * 2 + 1);
        if (!s)
                return NULL;
        for (size_t i = 0; i < n; i++) {
                s[i * 2] = digits[b[i] >> 4];
                s[i * 2 + 1] = digits[b[i] & 15];
        }
        s[n * 2] = 0;
        return s;
}

int unhexmem(const char *s, void *ret, size_t n) {
        if (strlen(s) != n * 2)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                int a = unhexchar(s[i * 2]), b = unhexchar(s[i * 2 + 1]);

                if (a < 0 || b < 0)
                        return -EINVAL;
                ((uint8_t *) ret)[i] = (uint8_t) (a << 4 | b);
        }
        return 0;
}

bool is_lower_hex(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
                        return false;
        return true;
}

char *base64mem(const void *p, size_t n) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const uint8_t *b = p;
        char *s, *q;

        s = q = new(char, (n + 2) / 3 * 4 + 1);
        if (!s)
                return NULL;
        for (size_t i = 0; i < n; i += 3) {
                uint32_t v = (uint32_t) b[i] << 16 | (i + 1 < n ? (uint32_t) b[i + 1] << 8 : 0) |
                             (i + 2 < n ? b[i + 2] : 0);

                *q++ = digits[v >> 18];
                *q++ = digits[v >> 12 & 63];
                *q++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
                *q++ = i + 2 < n ? digits[v & 63] : '=';
        }
        *q = 0;
        return s;
}

static int unbase64char(char c) {
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        if (c == '+' || c == '-')
                return 62;
        if (c == '/' || c == '_')
                return 63;
        return -EINVAL;
}

int unbase64mem(const char *s, size_t n, char **ret, size_t *ret_size) {
        _cleanup_free_ char *out = NULL;
        uint32_t acc = 0;
        size_t k = 0;
        unsigned bits = 0;

        while (n > 0 && s[n - 1] == '=')
                n--;
        if (n % 4 == 1)
                return -EINVAL;
        out = new(char, n / 4 * 3 + 4);
        if (!out)
                return -ENOMEM;

        for (size_t i = 0; i < n; i++) {
                int v = unbase64char(s[i]);

                if (v < 0)
                        return v;
                acc = acc << 6 | (uint32_t) v;
                bits += 6;
                if (bits >= 8) {
                        bits -= 8;
                        out[k++] = (char) (acc >> bits & 255);
                }
        }
        out[k] = 0;
        *ret = TAKE_PTR(out);
        if (ret_size)
                *ret_size = k;
        return 0;
}
