/* SPDX-License-Identifier: Apache-2.0 */
/* One network: its record, its driver and, for bridges, subnet and addresses. For the files of this folder;
 * others use network-manager.h. */
#pragma once

#include <net/if.h>

#include "network/ipam.h"
#include "network/network-driver.h"
#include "network/network-manager.h"
#include "network/network-record.h"

/* Options of a network, as shown by inspect and obeyed by the driver */
typedef struct BridgeOptions {
        char interface[IFNAMSIZ];
        bool own; /* we made it or may make it; false: --bridge names one of the administrator */
        bool masquerade;
        bool icc;
        bool internal;
        unsigned mtu;
        bool set_mtu;                   /* mtu was asked for: the bridge gets it too */
        NetAddr host_binding;           /* of ports that name no address; family AF_UNSPEC = the daemon's */
} BridgeOptions;

struct Network {
        char id[ID_LENGTH + 1];
        char *name;
        const NetworkDriver *driver;
        nsec_t created;
        StringMap labels, options;      /* as they were asked for */
        StringMap ipam_options;         /* the same; ours has none of its own */
        StringMap auxiliary;            /* addresses that are given to nobody */
        bool attachable;
        bool subnet_given;              /* by the user: addresses may be asked for */
        NetPrefix wanted_range;         /* of a user's network; family AF_UNSPEC = all */

        BridgeOptions bridge;
        NetPrefix address;              /* of the bridge itself; its subnet is the network's */
        NetPrefix range;                /* addresses given out; family AF_UNSPEC = all */
        NetAddr gateway;                /* of the containers */
        IpamPool *ipam;                 /* NULL until the subnet is known, and for host and none */
        unsigned index;                 /* of the interface; 0 = not there yet */
        bool localnet;                  /* route_localnet is on */

        NetworkManager *manager;        /* back-pointer */
};

/* Unconnected; driver "bridge", "host" or "null". */
int network_new(NetworkManager *m, const char *id, const char *name, const NetworkDriver *driver,
                Network **ret);
Network *network_free(Network *n);
DEFINE_TRIVIAL_CLEANUP_FUNC(Network *, network_free);

int network_from_record(NetworkManager *m, const NetworkRecord *record, Network **ret);
int network_save(Network *n, Error *reterr);

/* Bridge, rights and MTU of a user's network as its options say; unknown ones have no effect. */
#define NETWORK_MTU_DEFAULT 1500U
int network_apply_options(Network *n, Error *reterr);

/* Gives the network a subnet: fills address, gateway and the bitmap. */
int network_set_subnet(Network *n, const NetPrefix *address, Error *reterr);
