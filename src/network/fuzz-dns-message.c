/* SPDX-License-Identifier: Apache-2.0 */
/* Containers and servers send what they like: any bytes must give a bounded query, and each answer to it
 * must fit, hold its question and match it. */
#include "network/dns-message.h"

#include <string.h>

#include "basic/alloc-util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const DnsQuery *q, const DnsAnswer *a, size_t max) {
        _cleanup_free_ uint8_t *buffer = new(uint8_t, max);
        bool can_match = q->question_size > 0 && q->opcode == 0;
        int n;

        assert(buffer);
        n = dns_answer_build(q, a, buffer, max);
        assert(n > 0 && (size_t) n <= max);
        assert(dns_answer_matches(buffer, (size_t) n, q, q->id) == can_match);
        assert(dns_message_rcode(buffer) == (a->rcode & 0xf));
}

static void check_answers(const DnsQuery *q) {
        static const NetAddr addresses[300];

        check_answer(q, &(DnsAnswer) { .rcode = DNS_RCODE_BADVERS }, DNS_UDP_SIZE_MIN);
        check_answer(q, &(DnsAnswer) { .truncated = true }, DNS_UDP_SIZE_MIN);
        check_answer(q, &(DnsAnswer) { .name = "web.mynet" }, DNS_UDP_SIZE_MIN);
        for (size_t n = 0; n < ELEMENTSOF(addresses); n += 13) {
                DnsAnswer a = { .addresses = addresses, .n_addresses = n, .first = n };

                check_answer(q, &a, DNS_UDP_SIZE_MIN);
                check_answer(q, &a, dns_query_udp_limit(q));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        NetAddr address;
        DnsQuery q;
        int r;

        if (size == 0 || size > DNS_TCP_SIZE_MAX)
                return 0;
        r = dns_query_parse(data, size, &q);
        if (r < 0)
                return 0;
        assert(strlen(q.name) < sizeof(q.name));
        assert(q.question_size <= sizeof(q.question));
        assert(r != DNS_RCODE_NOERROR || q.question_size > 0);
        (void) dns_reverse_parse(q.name, &address);
        /* A query is no answer to itself. */
        assert(!dns_answer_matches(data, size, &q, q.id));
        check_answers(&q);
        return 0;
}
