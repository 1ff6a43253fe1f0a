/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses, prefixes and MAC addresses as value types: parse, format, compare. No sockets, no
 * interfaces. */
#pragma once

#include <netinet/in.h>

#include "basic/macro.h"

/* Network byte order inside; family 0 = not set. IPv4-mapped IPv6 addresses stay IPv6. */
typedef struct NetAddr {
        sa_family_t family;             /* AF_INET, AF_INET6 or AF_UNSPEC */
        union {
                uint32_t v4;            /* network byte order */
                struct in_addr in;
                struct in6_addr in6;
                uint8_t bytes[16];
        };
} NetAddr;

typedef struct NetPrefix {
        NetAddr addr;
        uint8_t length;
} NetPrefix;

typedef struct MacAddr {
        uint8_t bytes[6];
} MacAddr;

#define NET_ADDR_TEXT_MAX (INET6_ADDRSTRLEN + 1U)
#define NET_PREFIX_TEXT_MAX (NET_ADDR_TEXT_MAX + 4U)
#define MAC_ADDR_TEXT_MAX 18U

/* Strict: dotted quad without leading zeros, or IPv6 without zone. */
int net_addr_parse(const char *s, NetAddr *ret);
/* "" if not set. */
const char *net_addr_format(char buf[static NET_ADDR_TEXT_MAX], const NetAddr *a);
bool net_addr_equal(const NetAddr *a, const NetAddr *b);
bool net_addr_is_loopback(const NetAddr *a);
bool net_addr_is_any(const NetAddr *a);
static inline bool net_addr_is_set(const NetAddr *a) {
        return a->family != AF_UNSPEC;
}
/* IPv4 as a number that can be counted with, and back. */
static inline uint32_t net_addr_to_host(const NetAddr *a) {
        return ntohl(a->v4);
}
NetAddr net_addr_from_host(uint32_t v4);

/* "ADDRESS/LENGTH"; the host part is kept. */
int net_prefix_parse(const char *s, NetPrefix *ret);
const char *net_prefix_format(char buf[static NET_PREFIX_TEXT_MAX], const NetPrefix *p);
/* The same with the host part cleared. */
NetPrefix net_prefix_mask(const NetPrefix *p);
bool net_prefix_contains(const NetPrefix *p, const NetAddr *a);
bool net_prefix_overlaps(const NetPrefix *a, const NetPrefix *b);
bool net_prefix_equal(const NetPrefix *a, const NetPrefix *b);
/* IPv4: first and last address as numbers. */
uint32_t net_prefix_first(const NetPrefix *p);
uint32_t net_prefix_last(const NetPrefix *p);

int mac_addr_parse(const char *s, MacAddr *ret);
const char *mac_addr_format(char buf[static MAC_ADDR_TEXT_MAX], const MacAddr *m);
bool mac_addr_is_set(const MacAddr *m);
/* Locally administered, 02:42 and the four bytes of the address, as every engine does for IPv4 endpoints. */
MacAddr mac_addr_from_ipv4(const NetAddr *a);
