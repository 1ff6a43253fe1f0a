/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of containers that are gone, after the daemon was killed or the host rebooted: leases,
 * namespaces, veths. */
#include <dirent.h>

#include "basic/errno-util.h"
#include "basic/hexdecoct.h"
#include "basic/log.h"
#include "basic/path-util.h"
#include "network/network-manager-private.h"
#include "shared/namespace-util.h"

/* Copies of the keys: sandboxes are freed while we walk. */
static int list_sandboxes(NetworkManager *m, char *const *live, char ***ret) {
        _cleanup_strv_free_ char **dead = NULL;
        Sandbox *s;
        int r;

        HASHMAP_FOREACH(s, m->sandboxes) {
                if (strv_contains(live, s->container_id))
                        continue;
                r = strv_extend(&dead, s->container_id);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(dead);
        return 0;
}

static int free_dead(NetworkManager *m, char *const *live, Error *reterr) {
        _cleanup_strv_free_ char **dead = NULL;
        int r;

        r = list_sandboxes(m, live, &dead);
        if (r < 0)
                return error_fill(reterr, r);
        STRV_FOREACH(id, dead)
                RET_GATHER(r, sandbox_free(m, *id, r < 0 ? NULL : reterr));
        return r;
}

static bool namespace_is_known(NetworkManager *m, const char *name) {
        Sandbox *s;

        if (netns_pool_has(m->pool, name))
                return true;
        HASHMAP_FOREACH(s, m->sandboxes)
                if (streq_ptr(s->name, name))
                        return true;
        return false;
}

static int remove_namespaces(NetworkManager *m) {
        DIR *d;
        int result = 0;

        d = opendir(m->netns_directory);
        if (!d)
                return errno == ENOENT ? 0 : -errno;
        for (struct dirent *e = readdir(d); e; e = readdir(d)) {
                _cleanup_free_ char *path = NULL;

                /* Only names as we make them. */
                if (strlen(e->d_name) != NETNS_NAME_MAX - 1 ||
                    !is_lower_hex(e->d_name, NETNS_NAME_MAX - 1) || namespace_is_known(m, e->d_name))
                        continue;
                path = path_join(m->netns_directory, e->d_name);
                RET_GATHER(result, path ? netns_remove(path) : -ENOMEM);
        }
        (void) closedir(d);
        return result;
}

typedef struct StrayContext {
        NetworkManager *manager;
        char **names;
} StrayContext;

static bool is_our_bridge(const NetworkManager *m, unsigned index) {
        for (size_t i = 0; i < m->n_networks; i++)
                if (m->networks[i]->index == index)
                        return true;
        return false;
}

static bool link_is_known(NetworkManager *m, const char *name) {
        Sandbox *s;

        HASHMAP_FOREACH(s, m->sandboxes)
                for (size_t i = 0; i < s->n_endpoints; i++)
                        if (streq(s->endpoints[i]->interface, name))
                                return true;
        return false;
}

/* Group and bridge tell our veths from those of other engines and of a second daemon on this host. */
static int on_link(const LinkInfo *link, void *userdata) {
        StrayContext *context = userdata;

        if (link->group != LINK_GROUP || link->master == 0 || !streq(link->kind, "veth") ||
            !is_our_bridge(context->manager, link->master) || link_is_known(context->manager, link->name))
                return 0;
        return strv_extend(&context->names, link->name);
}

static int remove_links(NetworkManager *m) {
        StrayContext context = { .manager = m };
        _cleanup_strv_free_ char **names = NULL;
        int r;

        r = netlink_link_foreach(m->netlink, on_link, &context);
        names = context.names;
        STRV_FOREACH(name, names) {
                NetlinkBatch b;

                NETLINK_BATCH_INIT(&b);
                netlink_batch_link_down_name(&b, *name);
                (void) netlink_batch_send(m->netlink, &b, NULL);
                network_manager_forget_link(m, *name);
        }
        return r;
}

int network_manager_reconcile(NetworkManager *m, char *const *live_container_ids, Error *reterr) {
        Sandbox *s;
        int r, k;

        assert(m);

        r = free_dead(m, live_container_ids, reterr);
        HASHMAP_FOREACH(s, m->sandboxes)
                (void) sandbox_publish_again(s);
        k = remove_namespaces(m);
        RET_GATHER(k, remove_links(m));
        if (k < 0 && r >= 0)
                r = error_set_errnof(reterr, ERROR_INTERNAL, k, "failed to clean up networks");
        return r;
}
