/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces made ahead of need, while the loop is idle. */
#include "network/netns-pool.h"

#include <sys/mount.h>

#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/id.h"
#include "basic/log.h"
#include "basic/path-util.h"
#include "shared/mount-util.h"
#include "shared/namespace-util.h"

#define POOL_SIZE_MAX 64U
#define LOOPBACK_INDEX 1U               /* in every namespace; the first interface it gets */

struct NetnsPool {
        sd_event_source *source;        /* idle priority; on while some are missing */
        char *directory;
        bool mounted;
        unsigned size;
        unsigned n_ready;
        Netns ready[POOL_SIZE_MAX];
};

void netns_done(Netns *n) {
        netlink_free(n->netlink);
        safe_close(n->fd);
        free(n->path);
        *n = (Netns) { .fd = -EBADF };
}

/* No link-local addresses where the network has no IPv6: no address detection, no packets nobody asked for.
 * loopback keeps ::1. A kernel without IPv6 has no such file. */
static int setup_inside(void *userdata) {
        Netlink **ret = ASSERT_PTR(userdata);
        int r;

        r = write_string_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        if (r < 0 && r != -ENOENT)
                log_debug_errno(r, "Cannot disable IPv6 in a new network namespace: %m");
        return netlink_open(ret);
}

static int loopback_up(Netlink *nl) {
        NetlinkBatch b;

        NETLINK_BATCH_INIT(&b);
        netlink_batch_link_up(&b, LOOPBACK_INDEX, true);
        return netlink_batch_send(nl, &b, NULL);
}

static int set_name(Netns *n, const char *directory) {
        char id[ID_LENGTH + 1];
        int r;

        r = id_generate(id);
        if (r < 0)
                return r;
        memcpy(n->name, id, sizeof(n->name) - 1);
        n->path = path_join(directory, n->name);
        return n->path ? 0 : -ENOMEM;
}

int netns_make(const char *directory, Netns *ret) {
        Netns n = { .fd = -EBADF };
        int r;

        assert(directory);
        assert(ret);

        r = set_name(&n, directory);
        if (r >= 0)
                r = netns_create(n.path, setup_inside, &n.netlink, &n.fd);
        if (r >= 0) {
                r = loopback_up(n.netlink);
                if (r < 0)
                        (void) netns_remove(n.path);
        }
        if (r < 0) {
                netns_done(&n);
                return r;
        }

        *ret = n;
        return 0;
}

static int on_idle(sd_event_source *s, void *userdata) {
        NetnsPool *p = ASSERT_PTR(userdata);
        int r;

        /* One at a time: a request that arrives meanwhile waits half a millisecond at most. */
        r = netns_make(p->directory, p->ready + p->n_ready);
        if (r < 0)
                (void) log_debug_errno(r, "Cannot make a network namespace ahead: %m");
        else
                p->n_ready++;
        if (r < 0 || p->n_ready >= p->size)
                (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        return 0;
}

int netns_pool_new(sd_event *event, const char *directory, unsigned size, NetnsPool **ret) {
        _cleanup_(netns_pool_freep) NetnsPool *p = NULL;
        int r;

        assert(event);
        assert(directory);
        assert(ret);

        p = new0(NetnsPool, 1);
        if (!p)
                return -ENOMEM;
        p->size = size < POOL_SIZE_MAX ? size : POOL_SIZE_MAX;
        p->directory = strdup(directory);
        if (!p->directory)
                return -ENOMEM;

        r = sd_event_add_defer(event, &p->source, on_idle, p);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(p->source, "netns-pool");
        r = sd_event_source_set_priority(p->source, SD_EVENT_PRIORITY_IDLE);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(p->source, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(p);
        return 0;
}

NetnsPool *netns_pool_free(NetnsPool *p) {
        if (!p)
                return NULL;
        sd_event_source_disable_unref(p->source);
        for (unsigned i = 0; i < p->n_ready; i++) {
                (void) netns_remove(p->ready[i].path);
                netns_done(p->ready + i);
        }
        /* Busy while a container has its namespace there. */
        if (p->mounted)
                (void) mount_remove_own(p->directory);
        free(p->directory);
        return mfree(p);
}

/* The directory is a mount of its own, so that a process with a mount namespace of its own (a shim) drops
 * its copies of all the names with one umount: each of them would keep a namespace alive. Private, so that
 * new names are not copied there at all. */
static int mount_directory(const char *directory) {
        int r;

        r = mkdir_p(directory, 0711);
        return r < 0 ? r : mount_make_own(directory);
}

int netns_pool_start(NetnsPool *p) {
        int r;

        if (!p->mounted) {
                r = mount_directory(p->directory);
                if (r < 0)
                        return r;
                p->mounted = true;
        }
        return p->n_ready < p->size ? sd_event_source_set_enabled(p->source, SD_EVENT_ON) : 0;
}

int netns_pool_take(NetnsPool *p, Netns *ret) {
        int r;

        assert(p);

        r = netns_pool_start(p);
        if (r < 0)
                return r;
        if (p->n_ready == 0)
                return netns_make(p->directory, ret);

        *ret = p->ready[--p->n_ready];
        p->ready[p->n_ready] = (Netns) { .fd = -EBADF };
        return sd_event_source_set_enabled(p->source, SD_EVENT_ON);
}

int netns_pool_stop(NetnsPool *p) {
        (void) sd_event_source_set_enabled(p->source, SD_EVENT_OFF);
        while (p->n_ready > 0) {
                Netns *n = p->ready + --p->n_ready;

                (void) netns_remove(n->path);
                netns_done(n);
        }
        p->mounted = false;
        if (umount2(p->directory, MNT_DETACH|UMOUNT_NOFOLLOW) < 0 && !IN_SET(errno, EINVAL, ENOENT))
                return -errno;
        return 0;
}

bool netns_pool_has(const NetnsPool *p, const char *name) {
        for (unsigned i = 0; i < p->n_ready; i++)
                if (strcmp(p->ready[i].name, name) == 0)
                        return true;
        return false;
}
