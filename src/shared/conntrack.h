/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's connection tracking, IPv4, of the namespace where the socket was opened: flows are forgotten
 * when what they lead to is another's. Each walks the kernel's table once, which takes some milliseconds
 * (11 for its usual 262,144 buckets on a slow machine), however few flows there are. */
#pragma once

#include "basic/net-addr.h"
#include "shared/netlink.h"

/* Forgotten by one call; a container has less, and the rest ends by itself. */
#define CONNTRACK_FORGET_MAX 65536U

int conntrack_open(Netlink **ret);

/* All flows to the address, by way of address translation too. Returns their number. */
int conntrack_forget_flows_to(Netlink *nl, const NetAddr *address);

/* UDP flows to ports of the host whose destination is not translated: as long as packets come, they would go
 * on as they are. */
typedef struct ConntrackPorts {
        NetAddr *addresses;             /* the host's own; loopback ones are known */
        size_t n_addresses, n_allocated;
        uint8_t ports[(UINT16_MAX + 1U) / 8U];
} ConntrackPorts;

int conntrack_forget_untranslated_udp(Netlink *nl, const ConntrackPorts *wanted);
