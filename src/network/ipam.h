/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 addresses of one subnet as a bitmap, and subnets cut from the address pools. In memory only: the
 * leases in the store are the truth, the manager fills the bitmaps from them. */
#pragma once

#include "api/daemon-config.h"
#include "basic/error.h"
#include "basic/net-addr.h"

#define IPAM_PREFIX_LENGTH_MIN 8U       /* bounds the bitmap */

typedef struct IpamPool IpamPool;

/* Addresses that are given out without being asked for come from range, a part of subnet (NULL = all of
 * it). Network and broadcast address are taken from the beginning, but in /31 and /32. */
int ipam_pool_new(const NetPrefix *subnet, const NetPrefix *range, IpamPool **ret);
IpamPool *ipam_pool_free(IpamPool *p);
DEFINE_TRIVIAL_CLEANUP_FUNC(IpamPool *, ipam_pool_free);

const NetPrefix *ipam_pool_subnet(const IpamPool *p);

/* The lowest free one. -ENOSPC if there is none. */
int ipam_pool_take_any(IpamPool *p, NetAddr *ret);
/* -EADDRINUSE if it is taken, -ERANGE if it is not of the subnet. */
int ipam_pool_take(IpamPool *p, const NetAddr *address);
/* Also fine if it is not taken. */
void ipam_pool_release(IpamPool *p, const NetAddr *address);
bool ipam_pool_is_taken(const IpamPool *p, const NetAddr *address);
uint32_t ipam_pool_n_taken(const IpamPool *p);

/* The first subnet of the pools (none configured: the usual ones) that overlaps with none of the
 * used ones. */
int ipam_choose_subnet(
                const DaemonAddressPool *pools,
                size_t n_pools,
                const NetPrefix *used,
                size_t n_used,
                NetPrefix *ret,
                Error *reterr);
