/* SPDX-License-Identifier: Apache-2.0 */
#include "network/network-clean.h"

#include <dirent.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "basic/strv.h"
#include "network/network-manager-private.h"
#include "shared/mount-util.h"
#include "shared/namespace-util.h"
#include "shared/nft.h"

#include <linux/netfilter.h>

typedef struct Clean {
        const char *exec_root;
        FILE *output;
        Netlink *netlink;
        NetworkInstance instance;
        LinkInfo *links;
        size_t n_links, n_links_allocated;
} Clean;

static void clean_done(Clean *c) {
        netlink_free(c->netlink);
        free(c->links);
}

static int on_link(const LinkInfo *link, void *userdata) {
        Clean *c = userdata;

        if (!GREEDY_REALLOC0(c->links, c->n_links_allocated, c->n_links + 1))
                return -ENOMEM;
        c->links[c->n_links++] = *link;
        return 0;
}

static bool is_ours(const Clean *c, const LinkInfo *link) {
        return streq(link->kind, "bridge") && streq(link->alias, c->instance.mark);
}

static int list_links(Clean *c, Error *reterr) {
        int r = netlink_link_foreach(c->netlink, on_link, c);

        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to list the interfaces") : 0;
}

/* --- tables --- */

static int remove_table(Clean *c, const char *table, Error *reterr) {
        _cleanup_free_ char *mark = NULL;
        int r;

        r = nft_table_comment(NFPROTO_INET, table, &mark);
        if (r == -ENOENT || (r >= 0 && !streq_ptr(mark, c->instance.mark)))
                return 0;
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to look up nft table %s", table);
        r = firewall_delete_table(table, reterr);
        if (r < 0)
                return r;
        fprintf(c->output, "removed the nft table inet %s\n", table);
        return 0;
}

static int remove_tables(Clean *c, Error *reterr) {
        char numbered[INSTANCE_TABLE_MAX];
        int r;

        network_instance_numbered_table(c->exec_root, numbered);
        r = remove_table(c, FIREWALL_TABLE, reterr);
        RET_GATHER(r, remove_table(c, numbered, r < 0 ? NULL : reterr));
        return r;
}

/* --- the host's firewall --- */

static int close_host_firewall(Clean *c, Error *reterr) {
        const char *tables[] = { FIREWALL_TABLE, NULL };
        _cleanup_strv_free_ char **bridges = NULL;
        char numbered[INSTANCE_TABLE_MAX];
        bool any = false;
        int r = 0;

        network_instance_numbered_table(c->exec_root, numbered);
        tables[1] = numbered;
        for (size_t i = 0; i < c->n_links; i++)
                if (is_ours(c, c->links + i))
                        RET_GATHER(r, strv_extend(&bridges, c->links[i].name));
        if (r < 0)
                return error_fill(reterr, r);
        FOREACH_ELEMENT(table, tables) {
                _cleanup_free_ char *mark = NULL;

                /* The plain name may be another engine's. */
                if (nft_table_comment(NFPROTO_INET, *table, &mark) >= 0 &&
                    !streq_ptr(mark, c->instance.mark))
                        continue;
                r = host_firewall_remove(*table, bridges, &any, reterr);
                if (r < 0)
                        return r;
        }
        if (any)
                fprintf(c->output, "closed the host's firewall again\n");
        return 0;
}

/* --- bridges, with the veths on them --- */

/* Deletes it, or takes the mark from one that was there before us. */
static int remove_bridge(Clean *c, const LinkInfo *bridge) {
        bool own = bridge->group == FIREWALL_BRIDGE_GROUP;
        NetlinkBatch b;
        int r;

        for (size_t i = 0; i < c->n_links; i++) {
                if (c->links[i].master != bridge->index || c->links[i].group != LINK_GROUP)
                        continue;
                NETLINK_BATCH_INIT(&b);
                netlink_batch_link_delete(&b, c->links[i].index);
                (void) netlink_batch_send(c->netlink, &b, NULL);
        }
        NETLINK_BATCH_INIT(&b);
        if (own)
                netlink_batch_link_delete(&b, bridge->index);
        else
                netlink_batch_link_mark(&b, bridge->index, "", bridge->group);
        r = netlink_batch_send(c->netlink, &b, NULL);
        if (r == -ENODEV)
                return 0;
        if (r >= 0)
                fprintf(c->output, own ? "removed the bridge %s\n" : "gave the bridge %s back\n",
                        bridge->name);
        return r;
}

static int remove_bridges(Clean *c, Error *reterr) {
        int r = 0;

        for (size_t i = 0; i < c->n_links; i++)
                if (is_ours(c, c->links + i))
                        RET_GATHER(r, remove_bridge(c, c->links + i));
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to remove the bridges") : 0;
}

/* --- forwarding --- */

static bool others_have_bridges(const Clean *c) {
        for (size_t i = 0; i < c->n_links; i++)
                if (c->links[i].group == FIREWALL_BRIDGE_GROUP && !is_ours(c, c->links + i))
                        return true;
        return false;
}

/* Another engine found it switched on and relies on it. */
static int restore_forwarding(Clean *c, Error *reterr) {
        _cleanup_free_ char *mark = path_join(c->exec_root, FORWARDING_MARK);
        int r;

        if (!mark)
                return error_fill(reterr, -ENOMEM);
        if (access(mark, F_OK) < 0 || others_have_bridges(c))
                return 0;
        r = write_string_file(IP_FORWARD, "0");
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to switch IPv4 forwarding off");
        (void) unlink(mark);
        fprintf(c->output, "switched IPv4 forwarding off\n");
        return 0;
}

/* --- namespaces --- */

static int remove_namespaces(Clean *c, Error *reterr) {
        _cleanup_free_ char *directory = path_join(c->exec_root, "netns");
        unsigned n = 0;
        int r = 0;
        DIR *d;

        if (!directory)
                return error_fill(reterr, -ENOMEM);
        d = opendir(directory);
        if (!d)
                return 0;
        for (struct dirent *e = readdir(d); e; e = readdir(d)) {
                _cleanup_free_ char *path = NULL;

                if (e->d_name[0] == '.')
                        continue;
                path = path_join(directory, e->d_name);
                RET_GATHER(r, path ? netns_remove(path) : -ENOMEM);
                n++;
        }
        (void) closedir(d);
        RET_GATHER(r, mount_remove_own(directory));
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to remove %s", directory);
        if (n > 0)
                fprintf(c->output, "removed %u network namespaces\n", n);
        return 0;
}

int network_clean(const char *exec_root, FILE *output, Error *reterr) {
        static int (*const steps[])(Clean *c, Error *reterr) = {
                list_links,
                close_host_firewall,
                remove_tables,
                remove_bridges,
                restore_forwarding,
                remove_namespaces,
        };
        _cleanup_(clean_done) Clean c = { .exec_root = exec_root, .output = output };
        int r;

        network_instance_init(&c.instance, exec_root);
        r = netlink_open(&c.netlink);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to open netlink");
        FOREACH_ELEMENT(step, steps)
                RET_GATHER(r, (*step)(&c, r < 0 ? NULL : reterr));
        return r;
}
