/* SPDX-License-Identifier: Apache-2.0 */
/* Several engines in one network namespace: which names are whose. */
#include "network/network-instance.h"

#include <linux/netfilter.h>
#include <stdio.h>
#include <unistd.h>

#include "basic/digest.h"
#include "basic/errno-util.h"
#include "basic/string-util.h"
#include "shared/nft.h"

#define MARK_PREFIX "dockerd with exec root "
/* nft's strings have no escapes. */
#define MARK_CHARACTERS \
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-"

/* 8 digits: a bridge name of 15 characters, the kernel's maximum. */
static void format_hash(char ret[static SHA256_SIZE * 2 + 1], const char *exec_root) {
        Digest d;

        digest_of(exec_root, strlen(exec_root), &d);
        digest_format_hex(ret, &d);
        ret[8] = 0;
}

void network_instance_numbered_table(const char *exec_root, char ret[static INSTANCE_TABLE_MAX]) {
        char hash[SHA256_SIZE * 2 + 1];

        format_hash(hash, exec_root);
        (void) snprintf(ret, INSTANCE_TABLE_MAX, FIREWALL_TABLE "-%.8s", hash);
}

void network_instance_init(NetworkInstance *i, const char *exec_root) {
        char hash[SHA256_SIZE * 2 + 1];

        *i = (NetworkInstance) { .table = FIREWALL_TABLE, .bridge = DEFAULT_BRIDGE };
        format_hash(hash, exec_root);
        if (strlen(MARK_PREFIX) + strlen(exec_root) < sizeof(i->mark) &&
            exec_root[strspn(exec_root, MARK_CHARACTERS)] == 0)
                (void) snprintf(i->mark, sizeof(i->mark), MARK_PREFIX "%s", exec_root);
        else
                (void) snprintf(i->mark, sizeof(i->mark), MARK_PREFIX "number %s", hash);
}

const char *network_instance_owner(const char *mark) {
        return startswith(mark, MARK_PREFIX) ?: mark;
}

bool network_instance_is_foreign(const NetworkInstance *i, const char *mark) {
        const char *root = startswith(mark, MARK_PREFIX);

        if (!root || streq(mark, i->mark))
                return false;
        /* One that was taken away, with what it had there. */
        return root[0] != '/' || access(root, F_OK) >= 0;
}

static int read_table(const char *table, bool *ret_exists, char **ret_mark) {
        int r;

        r = nft_table_comment(NFPROTO_INET, table, ret_mark);
        *ret_exists = r >= 0;
        return r == -ENOENT ? 0 : r;
}

static bool bridge_is_ours(const NetworkInstance *i, Netlink *nl, const char *name) {
        LinkInfo link;

        return netlink_link_get(nl, name, &link) >= 0 && streq(link.alias, i->mark);
}

/* Whether the plain names are ours, or anybody's. */
static int plain_names_are_free(const NetworkInstance *i, Netlink *nl, bool table, bool *ret_exists) {
        _cleanup_free_ char *mark = NULL;
        LinkInfo link;
        int r;

        *ret_exists = false;
        r = table ? read_table(FIREWALL_TABLE, ret_exists, &mark) : 0;
        if (r < 0)
                return r;
        if (mark && network_instance_is_foreign(i, mark))
                return 0;
        return netlink_link_get(nl, DEFAULT_BRIDGE, &link) < 0 ||
               !network_instance_is_foreign(i, link.alias);
}

static int choose(NetworkInstance *i, const NetworkInstance *numbered, Netlink *nl, bool table) {
        _cleanup_free_ char *mark = NULL;
        bool exists;
        int r;

        /* The names we had before, while anything has them. */
        r = table ? read_table(numbered->table, &exists, &mark) : 0;
        if (r < 0)
                return r;
        if (streq_ptr(mark, i->mark) || bridge_is_ours(i, nl, numbered->bridge)) {
                *i = *numbered;
                return 0;
        }

        r = plain_names_are_free(i, nl, table, &exists);
        if (r < 0)
                return r;
        if (r > 0) {
                r = table && !exists ? nft_table_claim(NFPROTO_INET, i->table, i->mark) : 0;
                if (r != -EEXIST)
                        return r;
        }
        *i = *numbered;
        r = table ? nft_table_claim(NFPROTO_INET, i->table, i->mark) : 0;
        return r == -EEXIST ? 0 : r;
}

int network_instance_choose(
                NetworkInstance *i,
                const char *exec_root,
                Netlink *nl,
                bool table,
                Error *reterr) {

        char hash[SHA256_SIZE * 2 + 1];
        NetworkInstance numbered;
        int r;

        assert(i);
        assert(exec_root);

        network_instance_init(i, exec_root);
        numbered = *i;
        format_hash(hash, exec_root);
        network_instance_numbered_table(exec_root, numbered.table);
        (void) snprintf(numbered.bridge, sizeof(numbered.bridge), "docker-%.8s", hash);
        r = choose(i, &numbered, nl, table);
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to look up nftables") : 0;
}
