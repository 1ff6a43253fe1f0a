/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces made ahead of need, while the loop is idle: empty, loopback up, pinned by a bind mount
 * below <exec-root>/netns/. */
#pragma once

#include <systemd/sd-event.h>

#include "basic/error.h"
#include "shared/netlink.h"

#define NETNS_NAME_MAX 13U              /* twelve hexadecimal digits */

typedef struct Netns {
        char name[NETNS_NAME_MAX];
        char *path;
        int fd;
        Netlink *netlink;               /* a socket inside */
} Netns;

/* Closes fd and socket; the name stays. */
void netns_done(Netns *n);

/* Another one, at once: name, mount, loopback, sysctls. */
int netns_make(const char *directory, Netns *ret);

typedef struct NetnsPool NetnsPool;

/* The directory is made (0711) if it is not there. size namespaces are kept ready; 0 = none. */
int netns_pool_new(sd_event *event, const char *directory, unsigned size, NetnsPool **ret);
/* Removes those that are ready. */
NetnsPool *netns_pool_free(NetnsPool *p);
DEFINE_TRIVIAL_CLEANUP_FUNC(NetnsPool *, netns_pool_free);

/* Begins to make namespaces when there is nothing else to do. */
int netns_pool_start(NetnsPool *p);
/* Removes those that are ready and the mount of the directory; start() or take() begins anew. */
int netns_pool_stop(NetnsPool *p);
/* A ready one, or a new one. Owned by the caller. */
int netns_pool_take(NetnsPool *p, Netns *ret);
/* True if the name is one of those that are ready. */
bool netns_pool_has(const NetnsPool *p, const char *name);
