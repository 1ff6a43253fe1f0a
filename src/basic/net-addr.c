/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses, prefixes and MAC addresses as value types: parse, format, compare. No sockets, no
 * interfaces. */
#include "basic/net-addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "basic/hexdecoct.h"
#include "basic/parse-util.h"
#include "basic/string-util.h"

int net_addr_parse(const char *s, NetAddr *ret) {
        NetAddr a = {};

        if (!s)
                return -EINVAL;

        if (inet_pton(AF_INET, s, &a.in) == 1)
                a.family = AF_INET;
        else if (inet_pton(AF_INET6, s, &a.in6) == 1)
                a.family = AF_INET6;
        else
                return -EINVAL;

        *ret = a;
        return 0;
}

const char *net_addr_format(char buf[static NET_ADDR_TEXT_MAX], const NetAddr *a) {
        if (!net_addr_is_set(a) || !inet_ntop(a->family, a->bytes, buf, NET_ADDR_TEXT_MAX))
                buf[0] = 0;
        return buf;
}

static size_t family_size(sa_family_t family) {
        return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

bool net_addr_equal(const NetAddr *a, const NetAddr *b) {
        return a->family == b->family && memcmp(a->bytes, b->bytes, family_size(a->family)) == 0;
}

bool net_addr_is_loopback(const NetAddr *a) {
        if (a->family == AF_INET)
                return a->bytes[0] == 127;
        if (a->family != AF_INET6)
                return false;
        return IN6_IS_ADDR_LOOPBACK(&a->in6) || (IN6_IS_ADDR_V4MAPPED(&a->in6) && a->bytes[12] == 127);
}

bool net_addr_is_any(const NetAddr *a) {
        static const uint8_t zero[16];

        return net_addr_is_set(a) && memcmp(a->bytes, zero, family_size(a->family)) == 0;
}

NetAddr net_addr_from_host(uint32_t v4) {
        return (NetAddr) { .family = AF_INET, .v4 = htonl(v4) };
}

int net_prefix_parse(const char *s, NetPrefix *ret) {
        char address[NET_ADDR_TEXT_MAX];
        NetPrefix p = {};
        const char *slash;
        uint32_t length;
        int r;

        if (!s)
                return -EINVAL;

        slash = strchr(s, '/');
        if (!slash || (size_t) (slash - s) >= sizeof(address))
                return -EINVAL;
        memcpy(address, s, slash - s);
        address[slash - s] = 0;

        r = net_addr_parse(address, &p.addr);
        if (r < 0)
                return r;
        r = parse_uint32(slash + 1, &length);
        if (r < 0 || length > 8 * family_size(p.addr.family))
                return -EINVAL;

        p.length = length;
        *ret = p;
        return 0;
}

const char *net_prefix_format(char buf[static NET_PREFIX_TEXT_MAX], const NetPrefix *p) {
        char address[NET_ADDR_TEXT_MAX];

        if (net_addr_is_set(&p->addr))
                (void) snprintf(buf, NET_PREFIX_TEXT_MAX, "%s/%u", net_addr_format(address, &p->addr),
                                p->length);
        else
                buf[0] = 0;
        return buf;
}

/* Bits of the i-th byte of a mask with that many leading ones. */
static uint8_t mask_byte(unsigned length, size_t i) {
        if (length >= 8 * (i + 1))
                return 0xff;
        if (length <= 8 * i)
                return 0;
        return (uint8_t) (0xffU << (8 - (length - 8 * i)));
}

NetPrefix net_prefix_mask(const NetPrefix *p) {
        NetPrefix m = *p;

        for (size_t i = 0; i < family_size(m.addr.family); i++)
                m.addr.bytes[i] &= mask_byte(m.length, i);
        return m;
}

bool net_prefix_contains(const NetPrefix *p, const NetAddr *a) {
        if (p->addr.family != a->family || !net_addr_is_set(a))
                return false;
        for (size_t i = 0; i < family_size(a->family); i++)
                if ((p->addr.bytes[i] ^ a->bytes[i]) & mask_byte(p->length, i))
                        return false;
        return true;
}

bool net_prefix_overlaps(const NetPrefix *a, const NetPrefix *b) {
        return net_prefix_contains(a, &b->addr) || net_prefix_contains(b, &a->addr);
}

bool net_prefix_equal(const NetPrefix *a, const NetPrefix *b) {
        return a->length == b->length && net_addr_equal(&a->addr, &b->addr);
}

static uint32_t mask_v4(const NetPrefix *p) {
        assert(p->addr.family == AF_INET);
        assert(p->length <= 32);

        return p->length == 0 ? 0 : UINT32_MAX << (32 - p->length);
}

uint32_t net_prefix_first(const NetPrefix *p) {
        return net_addr_to_host(&p->addr) & mask_v4(p);
}

uint32_t net_prefix_last(const NetPrefix *p) {
        return net_prefix_first(p) | ~mask_v4(p);
}

int mac_addr_parse(const char *s, MacAddr *ret) {
        MacAddr m;

        if (!s || strlen(s) != 17)
                return -EINVAL;
        for (size_t i = 0; i < 6; i++) {
                if (i < 5 && !IN_SET(s[3 * i + 2], ':', '-'))
                        return -EINVAL;
                if (unhexmem((char[3]) { s[3 * i], s[3 * i + 1], 0 }, m.bytes + i, 1) < 0)
                        return -EINVAL;
        }

        *ret = m;
        return 0;
}

const char *mac_addr_format(char buf[static MAC_ADDR_TEXT_MAX], const MacAddr *m) {
        const uint8_t *b = m->bytes;

        if (mac_addr_is_set(m))
                (void) snprintf(buf, MAC_ADDR_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2],
                                b[3], b[4], b[5]);
        else
                buf[0] = 0;
        return buf;
}

bool mac_addr_is_set(const MacAddr *m) {
        static const MacAddr zero;

        return memcmp(m, &zero, sizeof(zero)) != 0;
}

MacAddr mac_addr_from_ipv4(const NetAddr *a) {
        assert(a->family == AF_INET);

        return (MacAddr) { { 0x02, 0x42, a->bytes[0], a->bytes[1], a->bytes[2], a->bytes[3] } };
}
