/* SPDX-License-Identifier: Apache-2.0 */
/* The host's own firewall. What its forward chain drops no rule of ours can allow, since each base chain has
 * its own say. So where `filter FORWARD` of iptables drops, one jump to a chain of ours is inserted at its
 * head, with the iptables program, or its listing would not show it; firewalld gets our bridges as
 * interfaces of a zone that accepts. Both are looked after: made again when the host's firewall was
 * reloaded. */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "basic/error.h"

typedef struct HostFirewall HostFirewall;

/* insert: firewall-policy docker; false: host, nothing is inserted. table: the engine's own nft table. */
int host_firewall_new(sd_event *event, const char *table, bool insert, HostFirewall **ret);
/* Leaves jump and zone as they are. */
HostFirewall *host_firewall_free(HostFirewall *f);
DEFINE_TRIVIAL_CLEANUP_FUNC(HostFirewall *, host_firewall_free);

/* The bridges that shall be let through; the list becomes f's. With none the jump goes. */
void host_firewall_set_bridges(HostFirewall *f, char **bridges);
/* The system bus came (referenced) or went (NULL). */
int host_firewall_set_bus(HostFirewall *f, sd_bus *bus);

/* Sentences for /info, added to the list: what stops the containers' traffic nevertheless. */
int host_firewall_warnings(HostFirewall *f, char ***warnings);

/* Takes jump and zone away, without a loop; *ret: something was there. */
int host_firewall_remove(const char *table, char *const *bridges, bool *ret, Error *reterr);

/* What iptables-restore --noflush is to be given, after the output of `iptables -S`; NULL if all is as it
 * shall be. For tests. */
int host_firewall_plan(const char *listing, const char *table, char *const *bridges, char **ret);
