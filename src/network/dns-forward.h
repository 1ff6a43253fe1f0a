/* SPDX-License-Identifier: Apache-2.0 */
/* One query put to other servers, one after the other until one of them answers. Over UDP each
 * question has an id and a source port of its own, and the socket is connected: only the server that was
 * asked can answer. */
#pragma once

#include <systemd/sd-event.h>

#include "basic/alloc-util.h"
#include "basic/time-util.h"
#include "network/dns-message.h"
#include "network/dns-server.h"

#define DNS_UPSTREAMS_MAX 3U            /* as Docker and the C library; what is beyond is not asked */
#define DNS_UPSTREAM_TIMEOUT_USEC (2 * USEC_PER_SEC)
/* Containers decide how much of this there is to do: everything else goes first. */
#define DNS_EVENT_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)
#define DNS_MESSAGES_PER_TURN 16U       /* read from one socket before others have their turn */

typedef struct DnsForward DnsForward;

/* Once, never from within dns_forward_new(); is to free the object. The answer has the client's id. NULL: no
 * server answered. Of a UDP answer only DNS_UDP_SIZE_MAX bytes are there, size may be more. */
typedef void (*DnsForwardFunction)(uint8_t *answer, size_t size, void *userdata);

typedef struct DnsForwardConfig {
        sd_event *event;
        const DnsUpstream *upstreams;   /* borrowed, as the query */
        size_t n_upstreams;
        int netns_fd;                   /* of those inside; borrowed */
        const DnsQuery *query;
        const void *packet;             /* the query as it came; copied */
        size_t size;
        bool tcp;
        DnsForwardFunction function;
        void *userdata;
} DnsForwardConfig;

/* -EHOSTUNREACH if not one could be asked. */
int dns_forward_new(const DnsForwardConfig *config, DnsForward **ret);
/* Asks no further. */
DnsForward *dns_forward_free(DnsForward *f);
DEFINE_TRIVIAL_CLEANUP_FUNC(DnsForward *, dns_forward_free);
