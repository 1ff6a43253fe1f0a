/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 addresses of one subnet as a bitmap, and subnets cut from the address pools. */
#include "network/ipam.h"

#define PAGE_BITS 4096U
#define WORD_BITS 64U
#define PAGE_WORDS (PAGE_BITS / WORD_BITS)

/* Pages are made when the first address in them is taken: a /8 costs 32 KiB until it is used. */
typedef struct BitmapPage {
        uint64_t words[PAGE_WORDS];
        uint32_t n_taken;
} BitmapPage;

struct IpamPool {
        NetPrefix subnet;
        uint32_t first, last;           /* of the subnet */
        uint32_t range_first, range_last;
        uint32_t n_taken;
        size_t n_pages;
        BitmapPage *pages[];
};

/* As every engine has them, so that hosts look alike. */
static const struct {
        const char *base;
        unsigned size;
} default_pools[] = {
        { "172.17.0.0/16",  16 },
        { "172.18.0.0/16",  16 },
        { "172.19.0.0/16",  16 },
        { "172.20.0.0/14",  16 },
        { "172.24.0.0/14",  16 },
        { "172.28.0.0/14",  16 },
        { "192.168.0.0/16", 20 },
};

static int pool_set(IpamPool *p, uint32_t address, bool taken) {
        uint32_t i = address - p->first;
        BitmapPage **page = p->pages + i / PAGE_BITS;
        uint64_t bit = UINT64_C(1) << i % WORD_BITS, *word;

        if (!*page) {
                if (!taken)
                        return 0;
                *page = new0(BitmapPage, 1);
                if (!*page)
                        return -ENOMEM;
        }

        word = (*page)->words + i % PAGE_BITS / WORD_BITS;
        if (!!(*word & bit) == taken)
                return taken ? -EADDRINUSE : 0;
        *word ^= bit;
        (*page)->n_taken += taken ? 1 : -1;
        p->n_taken += taken ? 1 : -1;
        return 0;
}

static bool pool_get(const IpamPool *p, uint32_t address) {
        uint32_t i = address - p->first;
        const BitmapPage *page = p->pages[i / PAGE_BITS];

        return page && (page->words[i % PAGE_BITS / WORD_BITS] >> i % WORD_BITS & 1);
}

static int reserve_ends(IpamPool *p) {
        int r;

        if (p->subnet.length >= 31)
                return 0;
        r = pool_set(p, p->first, true);
        return r < 0 ? r : pool_set(p, p->last, true);
}

int ipam_pool_new(const NetPrefix *subnet, const NetPrefix *range, IpamPool **ret) {
        _cleanup_(ipam_pool_freep) IpamPool *p = NULL;
        size_t n_pages;
        int r;

        assert(subnet);
        assert(ret);

        if (subnet->addr.family != AF_INET || subnet->length < IPAM_PREFIX_LENGTH_MIN || subnet->length > 32)
                return -EINVAL;
        if (range && (range->length < subnet->length || !net_prefix_contains(subnet, &range->addr)))
                return -ERANGE;

        n_pages = ((uint64_t) net_prefix_last(subnet) - net_prefix_first(subnet)) / PAGE_BITS + 1;
        p = calloc(1, sizeof(IpamPool) + n_pages * sizeof(BitmapPage *));
        if (!p)
                return -ENOMEM;
        p->subnet = net_prefix_mask(subnet);
        p->first = net_prefix_first(subnet);
        p->last = net_prefix_last(subnet);
        p->range_first = range ? net_prefix_first(range) : p->first;
        p->range_last = range ? net_prefix_last(range) : p->last;
        p->n_pages = n_pages;
        r = reserve_ends(p);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(p);
        return 0;
}

IpamPool *ipam_pool_free(IpamPool *p) {
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_pages; i++)
                free(p->pages[i]);
        return mfree(p);
}

const NetPrefix *ipam_pool_subnet(const IpamPool *p) {
        return &p->subnet;
}

/* True if the page that holds the address is full; then *ret_next is the first address behind it (may wrap
 * to 0). */
static bool page_is_full(const IpamPool *p, uint32_t address, uint32_t *ret_next) {
        uint32_t i = (address - p->first) / PAGE_BITS;

        *ret_next = p->first + (i + 1) * PAGE_BITS;
        return p->pages[i] && p->pages[i]->n_taken == PAGE_BITS;
}

int ipam_pool_take_any(IpamPool *p, NetAddr *ret) {
        uint32_t next;
        int r;

        assert(p);
        assert(ret);

        for (uint64_t a = p->range_first; a <= p->range_last; ) {
                if (page_is_full(p, a, &next)) {
                        if (next <= a)
                                break;
                        a = next;
                        continue;
                }
                if (!pool_get(p, a)) {
                        r = pool_set(p, a, true);
                        if (r < 0)
                                return r;
                        *ret = net_addr_from_host(a);
                        return 0;
                }
                a++;
        }
        return -ENOSPC;
}

int ipam_pool_take(IpamPool *p, const NetAddr *address) {
        assert(p);

        if (!net_prefix_contains(&p->subnet, address))
                return -ERANGE;
        return pool_set(p, net_addr_to_host(address), true);
}

void ipam_pool_release(IpamPool *p, const NetAddr *address) {
        assert(p);

        if (net_prefix_contains(&p->subnet, address))
                (void) pool_set(p, net_addr_to_host(address), false);
}

bool ipam_pool_is_taken(const IpamPool *p, const NetAddr *address) {
        return net_prefix_contains(&p->subnet, address) && pool_get(p, net_addr_to_host(address));
}

uint32_t ipam_pool_n_taken(const IpamPool *p) {
        return p->n_taken;
}

/* --- subnets --- */

static const NetPrefix *find_overlap(const NetPrefix *subnet, const NetPrefix *used, size_t n_used) {
        for (size_t i = 0; i < n_used; i++)
                if (net_prefix_overlaps(subnet, used + i))
                        return used + i;
        return NULL;
}

/* The first free subnet of one pool. Steps over what is used at once, so that a pool of 2^24 subnets costs
 * no more rounds than there are used ones. */
static bool choose_from_pool(
                const NetPrefix *base,
                unsigned size,
                const NetPrefix *used,
                size_t n_used,
                NetPrefix *ret) {

        uint64_t step = UINT64_C(1) << (32 - size), a = net_prefix_first(base), last = net_prefix_last(base);

        while (a + step - 1 <= last) {
                NetPrefix subnet = { .addr = net_addr_from_host(a), .length = size };
                const NetPrefix *overlap = find_overlap(&subnet, used, n_used);

                if (!overlap) {
                        *ret = subnet;
                        return true;
                }
                a = (net_prefix_last(overlap) / step + 1) * step;
        }
        return false;
}

int ipam_choose_subnet(
                const DaemonAddressPool *pools,
                size_t n_pools,
                const NetPrefix *used,
                size_t n_used,
                NetPrefix *ret,
                Error *reterr) {

        size_t n = n_pools > 0 ? n_pools : ELEMENTSOF(default_pools);

        assert(ret);

        for (size_t i = 0; i < n; i++) {
                const char *text = n_pools > 0 ? pools[i].base : default_pools[i].base;
                unsigned size = n_pools > 0 ? pools[i].size : default_pools[i].size;
                NetPrefix base;

                if (net_prefix_parse(text, &base) < 0)
                        return error_setf(reterr, ERROR_INVALID, "invalid address pool: %s", text);
                if (base.addr.family != AF_INET || size < base.length || size > 32 ||
                    size < IPAM_PREFIX_LENGTH_MIN)
                        continue;
                if (choose_from_pool(&base, size, used, n_used, ret))
                        return 0;
        }
        return error_setf(reterr, ERROR_INVALID, "all predefined address pools have been fully subnetted");
}
