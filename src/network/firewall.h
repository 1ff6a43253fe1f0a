/* SPDX-License-Identifier: Apache-2.0 */
/* The nft table of this engine, `inet dockerd`: masquerade, isolation, published ports. All rules are in
 * this one table, so what another table drops (a firewall with policy drop in its own forward chain) cannot
 * be allowed from here. The rules are written once; bridges and ports are elements of its sets and maps.
 * Made anew at once when somebody deletes a part of it. */
#pragma once

#include <systemd/sd-event.h>

#include "basic/error.h"
#include "basic/net-addr.h"
#include "network/portmap.h"

#define FIREWALL_TABLE "dockerd" /* network-instance.h: a second engine has another */
#define FIREWALL_BRIDGE_GROUP 1684759154 /* "dkbr": the interface group of bridges that an engine made */

typedef struct Firewall Firewall;

typedef struct FirewallConfig {
        const char *table;              /* NULL: FIREWALL_TABLE */
        const char *comment;            /* tells whose the table is; NULL: none */
        bool drop_foreign; /* forwarding was off before us: forward nothing but our bridges' traffic */
        bool allow_direct_routing;      /* other hosts may reach containers by their own addresses */
        const char *accept_fwmark;      /* "mark" or "mark/mask": such packets may enter our bridges */
} FirewallConfig;

typedef struct FirewallBridge {
        const char *interface;          /* borrowed until firewall_free() */
        NetPrefix subnet;
        bool masquerade;                /* hide container addresses from the outside */
        bool icc;                       /* containers may talk to each other */
        bool internal;                  /* no way in or out */
} FirewallBridge;

typedef struct FirewallPort {
        PortProtocol protocol;
        NetAddr host_address;           /* IPv4; 0.0.0.0 = every address of the host */
        uint16_t host_port;
        NetAddr container_address;
        uint16_t container_port;
} FirewallPort;

/* Touches nothing yet. */
int firewall_new(const FirewallConfig *config, Firewall **ret);
/* Leaves the table where it is. */
Firewall *firewall_free(Firewall *f);
DEFINE_TRIVIAL_CLEANUP_FUNC(Firewall *, firewall_free);

/* What the table shall hold; takes effect with firewall_apply(). */
int firewall_add_bridge(Firewall *f, const FirewallBridge *bridge);
void firewall_remove_bridge(Firewall *f, const char *interface);
/* Their names, added to the list. */
int firewall_list_bridges(const Firewall *f, char ***names);

/* Makes the whole table as it shall be, in one transaction, and watches over it from now on (event may be
 * NULL: no watch). */
int firewall_apply(Firewall *f, sd_event *event, Error *reterr);

/* All ports of one container; in effect at once if the table was applied, else with it. */
int firewall_add_ports(Firewall *f, const FirewallPort *ports, size_t n, Error *reterr);
int firewall_remove_ports(Firewall *f, const FirewallPort *ports, size_t n, Error *reterr);

/* Deletes the table; none is fine. */
int firewall_delete_table(const char *table, Error *reterr);

/* The text of the whole, for tests. */
int firewall_render(const Firewall *f, char **ret);
