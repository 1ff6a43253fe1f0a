/* SPDX-License-Identifier: Apache-2.0 */
/* The DNS server that containers on user-defined networks ask, at 127.0.0.11 port 53 of their network
 * namespace: names of containers it answers itself, others it puts to the host's servers. Port 53 stays the
 * container's own: the server has some other one, and an nft table `inet dockerd_dns` inside the namespace
 * translates. */
#pragma once

#include <systemd/sd-event.h>

#include "basic/error.h"
#include "basic/net-addr.h"

#define DNS_SERVER_ADDRESS "127.0.0.11"
#define DNS_SERVER_TABLE "dockerd_dns"

/* Limits of one server. */
#define DNS_QUERIES_MAX 100U            /* put to others and not answered yet; what is beyond is refused */
#define DNS_CONNECTIONS_MAX 16U         /* of TCP; others wait in the kernel */
#define DNS_IDLE_USEC (10 * USEC_PER_SEC) /* for a whole query, and for taking its answer */

typedef struct DnsServer DnsServer;

/* A server that is asked what we do not know. */
typedef struct DnsUpstream {
        NetAddr address;
        bool inside; /* asked from within the namespace: it reaches what the container does, and no more */
} DnsUpstream;

/* They are called for one packet each: quick, from memory. They must not free the server. */
typedef struct DnsServerOps {
        /* The IPv4 addresses of a name that is ours, without the final dot and in lower case ("web",
         * "web.mynet"): 1 and an array the caller frees; 0: the name is not ours, it is forwarded; negative
         * errno: SERVFAIL. 1 with *ret_n == 0: ours without an address. */
        int (*resolve)(void *userdata, const char *name, NetAddr **ret, size_t *ret_n);
        /* The name of an address that is ours ("web.mynet"), to be freed: 1; 0: not ours. */
        int (*reverse)(void *userdata, const NetAddr *address, char **ret);
} DnsServerOps;

typedef struct DnsServerConfig {
        sd_event *event;
        const char *netns_path;         /* where containers ask: 127.0.0.11, port 53, UDP and TCP */
        const DnsUpstream *upstreams;   /* asked in this order; copied */
        size_t n_upstreams;             /* 0: nothing is asked of others */
        const DnsServerOps *ops;
        void *userdata;
} DnsServerConfig;

/* Takes the place of an earlier server of the same namespace. */
int dns_server_new(const DnsServerConfig *config, DnsServer **ret, Error *reterr);
/* Leaves the table where it is: it goes with the namespace, or is replaced. */
DnsServer *dns_server_free(DnsServer *s);
DEFINE_TRIVIAL_CLEANUP_FUNC(DnsServer *, dns_server_free);
