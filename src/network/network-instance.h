/* SPDX-License-Identifier: Apache-2.0 */
/* Several engines in one network namespace. What an engine makes there carries a mark, a text with its exec
 * root: the nft table as its comment, bridges as their alias. The first engine has the plain names (table
 * dockerd, bridge docker0), others have names with a number that follows from their exec root. The marks are
 * the kernel's, so they last as long as what they are on: longer than the daemon, and not over a reboot. */
#pragma once

#include "basic/error.h"
#include "network/firewall.h"
#include "shared/netlink.h"

#define DEFAULT_BRIDGE "docker0"

/* The mark fits into a table's comment (127 bytes). */
#define INSTANCE_MARK_MAX 120U
#define INSTANCE_TABLE_MAX sizeof(FIREWALL_TABLE "-12345678")

typedef struct NetworkInstance {
        char mark[INSTANCE_MARK_MAX];
        char table[INSTANCE_TABLE_MAX];
        char bridge[IFNAMSIZ];          /* of the default network, where the user names none */
} NetworkInstance;

/* The mark alone; the names are the plain ones. */
void network_instance_init(NetworkInstance *i, const char *exec_root);
/* Finds out which names are ours, and takes the table's, so that two that start at once do not get the same
 * (unless there shall be no table). */
int network_instance_choose(NetworkInstance *i, const char *exec_root, Netlink *nl, bool table,
                            Error *reterr);

/* The table's name where the plain one is another engine's. */
void network_instance_numbered_table(const char *exec_root, char ret[static INSTANCE_TABLE_MAX]);

/* Whether a mark is another engine's, one whose exec root is still there. */
bool network_instance_is_foreign(const NetworkInstance *i, const char *mark);
/* The exec root in a mark, or the whole of another text. */
const char *network_instance_owner(const char *mark);
