/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink: several requests in one message to the kernel, and what is there now. A socket belongs to the
 * network namespace it was opened in, wherever the process is later. All calls are synchronous; the kernel
 * answers at once. */
#pragma once

#include <net/if.h>

#include "basic/alloc-util.h"
#include "basic/net-addr.h"

struct mnl_socket;
struct nlmsghdr;

typedef struct Netlink {
        struct mnl_socket *socket;
        uint32_t sequence;
} Netlink;

int netlink_open(Netlink **ret);
/* NETLINK_*: of another subsystem than routing. */
int netlink_open_protocol(int protocol, Netlink **ret);
Netlink *netlink_free(Netlink *nl);
DEFINE_TRIVIAL_CLEANUP_FUNC(Netlink *, netlink_free);

/* --- changes --- */

#define NETLINK_BATCH_SIZE 8192U

/* Requests in the order they are put; each is carried out on its own, a failed one does not stop
 * the rest. */
typedef struct NetlinkBatch {
        size_t used;
        unsigned n_requests;
        _Alignas(8) char buffer[NETLINK_BATCH_SIZE];
} NetlinkBatch;

#define NETLINK_BATCH_INIT(b) ((b)->used = 0, (b)->n_requests = 0)

/* Sends all; returns the first error and its position (from 0) in ret_failed (may be NULL). The kernel's
 * own words, if it has any, are logged at debug level. */
int netlink_batch_send(Netlink *nl, NetlinkBatch *b, unsigned *ret_failed);

/* One request, and its end; for messages that are not below. The caller sees that there is room. */
#define NETLINK_REQUEST_SIZE_MAX 512U
struct nlmsghdr *netlink_batch_begin(NetlinkBatch *b, uint16_t type, uint16_t flags);
void netlink_batch_end(NetlinkBatch *b, struct nlmsghdr *h);
static inline bool netlink_batch_has_room(const NetlinkBatch *b) {
        return b->used + NETLINK_REQUEST_SIZE_MAX <= sizeof(b->buffer);
}

void netlink_batch_bridge_new(NetlinkBatch *b, const char *name, const MacAddr *mac, unsigned mtu);
/* Text and number that tell whose a link is. 0 is everybody's number; alias "" takes the text away. */
void netlink_batch_link_mark(NetlinkBatch *b, unsigned index, const char *alias, unsigned group);

typedef struct VethParams {
        const char *name;               /* of the end that stays here */
        const MacAddr *mac;             /* of that end; keeps udev from giving it another */
        unsigned master;                /* bridge; 0 = none */
        unsigned group;                 /* link group, a tag */
        const char *peer_name;
        const MacAddr *peer_mac;
        int peer_netns_fd;
        unsigned mtu;
} VethParams;

/* This end up; the peer is to be brought up in its namespace. */
void netlink_batch_veth_new(NetlinkBatch *b, const VethParams *p);
void netlink_batch_link_up(NetlinkBatch *b, unsigned index, bool up);
void netlink_batch_link_down_name(NetlinkBatch *b, const char *name);
void netlink_batch_link_mtu(NetlinkBatch *b, unsigned index, unsigned mtu);
void netlink_batch_link_delete(NetlinkBatch *b, unsigned index);
void netlink_batch_link_delete_name(NetlinkBatch *b, const char *name);
/* Flags of a bridge port. isolated: may talk to the bridge but not to other such ports. hairpin: frames may
 * leave where they came in. */
void netlink_batch_port_flags(NetlinkBatch *b, unsigned index, bool isolated, bool hairpin);
void netlink_batch_address_add(NetlinkBatch *b, unsigned index, const NetPrefix *address);
void netlink_batch_address_delete(NetlinkBatch *b, unsigned index, const NetPrefix *address);
void netlink_batch_default_route_add(NetlinkBatch *b, unsigned index, const NetAddr *gateway);

/* --- what is there --- */

#define LINK_ALIAS_MAX 256              /* the kernel's IFALIASZ, with the NUL */

typedef struct LinkInfo {
        unsigned index;
        unsigned master;                /* 0 = none */
        unsigned group;
        unsigned mtu;
        unsigned flags;                 /* IFF_* */
        char name[IFNAMSIZ];
        char kind[16];                  /* "bridge", "veth"; "" for hardware */
        char alias[LINK_ALIAS_MAX];     /* a text that somebody gave to it */
        MacAddr mac;
} LinkInfo;

/* Sends one query and feeds the answers to the callback, which returns MNL_CB_OK, or MNL_CB_ERROR with errno
 * set. */
typedef int (*NetlinkCallback)(const struct nlmsghdr *h, void *userdata);
int netlink_query(Netlink *nl, struct nlmsghdr *h, NetlinkCallback callback, void *userdata);

/* -ENODEV if there is none. */
int netlink_link_get(Netlink *nl, const char *name, LinkInfo *ret);

typedef int (*LinkFunction)(const LinkInfo *link, void *userdata);
int netlink_link_foreach(Netlink *nl, LinkFunction function, void *userdata);

/* Addresses of all interfaces, IPv4 only. */
typedef int (*AddressFunction)(unsigned index, const NetPrefix *address, void *userdata);
int netlink_address_foreach(Netlink *nl, AddressFunction function, void *userdata);

/* Destinations of all IPv4 unicast routes but default ones. */
typedef int (*RouteFunction)(unsigned index, const NetPrefix *destination, void *userdata);
int netlink_route_foreach(Netlink *nl, RouteFunction function, void *userdata);
