/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages: bounded reader of a query, check of an answer, builder of our own answers. Pure. Compressed
 * names are stepped over, never followed: nothing that matters here stands behind a pointer, and so there
 * are no loops. */
#pragma once

#include "basic/net-addr.h"

#define DNS_HEADER_SIZE 12U
#define DNS_LABEL_MAX 63U
#define DNS_NAME_MAX 255U                       /* as bytes of a message, the root's zero included */
#define DNS_NAME_TEXT_MAX (4U * DNS_NAME_MAX)   /* every byte as \DDD, and the NUL */
#define DNS_QUESTION_MAX (DNS_NAME_MAX + 4U)
#define DNS_UDP_SIZE_MIN 512U                   /* what every client can take */
#define DNS_UDP_SIZE_MAX 4096U                  /* what we take and send, whatever the client offers */
#define DNS_TCP_SIZE_MAX 65535U
#define DNS_TTL_SEC 600U

#define DNS_CLASS_IN 1U
#define DNS_TYPE_A 1U
#define DNS_TYPE_PTR 12U
#define DNS_TYPE_AAAA 28U
#define DNS_TYPE_OPT 41U

typedef enum DnsRcode {
        DNS_RCODE_NOERROR = 0,
        DNS_RCODE_FORMERR = 1,
        DNS_RCODE_SERVFAIL = 2,
        DNS_RCODE_NXDOMAIN = 3,
        DNS_RCODE_NOTIMP = 4,
        DNS_RCODE_REFUSED = 5,
        DNS_RCODE_BADVERS = 16,         /* its upper bits are in the OPT record */
} DnsRcode;

/* A value: nothing in it points into the message. */
typedef struct DnsQuery {
        uint16_t id;
        uint8_t opcode;
        bool recursion_desired;
        bool checking_disabled;
        uint16_t type;
        uint16_t class;
        char name[DNS_NAME_TEXT_MAX];   /* lower case, without the final dot; "" is the root. Dots inside of
                                         * a label, backslashes and what is not printable are \DDD */
        uint8_t question[DNS_QUESTION_MAX]; /* as it came */
        size_t question_size;           /* 0: there is none that could be sent back */
        bool edns;
        bool dnssec_ok;
        uint16_t udp_size;              /* of the OPT record, unchecked */
} DnsQuery;

/* DNS_RCODE_NOERROR, or the code of a refusal, for which ret holds what an answer needs. -EBADMSG: not even
 * that, or no query at all; answering it might make two servers talk for ever. */
int dns_query_parse(const void *data, size_t size, DnsQuery *ret);

/* The largest answer over UDP. */
size_t dns_query_udp_limit(const DnsQuery *q);

/* "4.3.2.1.in-addr.arpa": 1 and 1.2.3.4, else 0. */
int dns_reverse_parse(const char *name, NetAddr *ret);

/* Our own answer: addresses and name are borrowed. */
typedef struct DnsAnswer {
        DnsRcode rcode;
        const NetAddr *addresses;       /* IPv4: A records */
        size_t n_addresses;
        size_t first;                   /* the one to begin with, any number */
        const char *name;               /* "web.mynet": a PTR record */
        bool truncated;                 /* no records, only that there are some */
} DnsAnswer;

/* Returns the size, at most max, which is DNS_UDP_SIZE_MIN or more. Records that do not fit are left out,
 * and the answer says that it is truncated. -EINVAL if the name cannot be one of the DNS. */
int dns_answer_build(const DnsQuery *q, const DnsAnswer *a, void *buf, size_t max);

/* True if data begins as an answer to the query q that was sent with that id. */
bool dns_answer_matches(const void *data, size_t size, const DnsQuery *q, uint16_t id);
/* Of a message that matches. */
DnsRcode dns_message_rcode(const void *data);

/* Of a message that is known to hold a header. */
void dns_message_set_id(void *data, uint16_t id);
