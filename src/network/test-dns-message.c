/* SPDX-License-Identifier: Apache-2.0 */
#include "network/dns-message.h"

#include "basic/tests.h"

/* --- messages to try --- */

typedef struct Packet {
        uint8_t data[DNS_UDP_SIZE_MAX];
        size_t size;
} Packet;

static void add(Packet *p, const void *data, size_t size) {
        assert(size <= sizeof(p->data) - p->size);
        memcpy(p->data + p->size, data, size);
        p->size += size;
}
#define ADD(p, literal) add((p), (literal), sizeof(literal) - 1)

static void set_u16(Packet *p, size_t at, unsigned v) {
        p->data[at] = (uint8_t) (v >> 8);
        p->data[at + 1] = (uint8_t) v;
}

static unsigned u16(const uint8_t *p) {
        return (unsigned) p[0] << 8 | p[1];
}

/* id 0x1234, RD, one question; the name as labels. */
static Packet packet_of(const void *name, size_t size, uint8_t type) {
        Packet p = {};

        ADD(&p, "\x12\x34\x01\0\0\1\0\0\0\0\0\0");
        add(&p, name, size);
        add(&p, (uint8_t[]) { 0, type, 0, 1 }, 4);
        return p;
}
#define PACKET(name, type) packet_of((name), sizeof(name), (type))

static void add_opt(Packet *p, unsigned udp_size, uint8_t version) {
        uint8_t opt[] = { 0, 0, 41, (uint8_t) (udp_size >> 8), (uint8_t) udp_size, 0, version, 0x80, 0,
                          0, 4, 0, 10, 0, 0 };

        add(p, opt, sizeof(opt));
        set_u16(p, 10, u16(p->data + 10) + 1);
}

/* From memory of just that size, so that reading behind it is noticed. */
static int parse(const Packet *p, DnsQuery *ret) {
        _cleanup_free_ uint8_t *data = new(uint8_t, p->size);

        memcpy(data, p->data, p->size);
        return dns_query_parse(data, p->size, ret);
}

static DnsQuery query_of(const Packet *p) {
        DnsQuery q;

        ASSERT_EQ(parse(p, &q), DNS_RCODE_NOERROR);
        return q;
}

/* --- reading --- */

TEST(query) {
        Packet p = PACKET("\3WeB\5MyNet", DNS_TYPE_A);
        DnsQuery q = query_of(&p);

        ASSERT_EQ(q.id, 0x1234);
        ASSERT_EQ(q.type, DNS_TYPE_A);
        ASSERT_EQ(q.class, DNS_CLASS_IN);
        ASSERT_TRUE(q.recursion_desired);
        ASSERT_FALSE(q.edns);
        ASSERT_STREQ(q.name, "web.mynet");
        ASSERT_EQ(q.question_size, p.size - DNS_HEADER_SIZE);
        ASSERT_EQ(dns_query_udp_limit(&q), DNS_UDP_SIZE_MIN);
}

TEST(odd_names) {
        Packet root = PACKET("", DNS_TYPE_A), dots = PACKET("\3a.b\2\\x\3\0\xff ", DNS_TYPE_A);
        DnsQuery q;

        q = query_of(&root);
        ASSERT_STREQ(q.name, "");
        /* A dot inside of a label is not the one between two. */
        q = query_of(&dots);
        ASSERT_STREQ(q.name, "a\\046b.\\092x.\\000\\255\\032");
}

/* n labels of 63 bytes and one of last bytes (none if 0). */
static Packet long_name(size_t n, size_t last) {
        uint8_t name[512] = {};
        size_t size = 0;

        for (size_t i = 0; i < n + (last > 0); i++) {
                uint8_t length = i < n ? DNS_LABEL_MAX : (uint8_t) last;

                name[size++] = length;
                memset(name + size, 0x01, length);
                size += length;
        }
        return packet_of(name, size + 1, DNS_TYPE_A);
}

TEST(name_limit) {
        Packet longest = long_name(3, 61), too_long = long_name(3, 62), far_too_long = long_name(6, 0);
        DnsQuery q = query_of(&longest);

        ASSERT_EQ(q.question_size, DNS_QUESTION_MAX);
        ASSERT_EQ(strlen(q.name), 4 * (3 * 63 + 61) + 3);
        ASSERT_EQ(parse(&too_long, &q), DNS_RCODE_FORMERR);
        ASSERT_EQ(parse(&far_too_long, &q), DNS_RCODE_FORMERR);
        ASSERT_EQ(q.question_size, 0);
}

TEST(short_ones) {
        Packet p = PACKET("\3web", DNS_TYPE_A);

        add_opt(&p, 1232, 0);
        for (size_t size = p.size - 1; size > 0; size--) {
                DnsQuery q;

                p.size = size;
                ASSERT_EQ(parse(&p, &q), size < DNS_HEADER_SIZE ? -EBADMSG : DNS_RCODE_FORMERR);
        }
}

static int parse_with(size_t at, unsigned v) {
        Packet p = PACKET("\3web", DNS_TYPE_A);
        DnsQuery q;

        set_u16(&p, at, v);
        return parse(&p, &q);
}

TEST(bad_headers) {
        ASSERT_EQ(parse_with(2, 0x8180), -EBADMSG);     /* an answer */
        ASSERT_EQ(parse_with(2, 0x2800), DNS_RCODE_NOTIMP); /* an update */
        ASSERT_EQ(parse_with(4, 0), DNS_RCODE_FORMERR);
        ASSERT_EQ(parse_with(4, 2), DNS_RCODE_FORMERR);
        ASSERT_EQ(parse_with(6, 1), DNS_RCODE_FORMERR);
        ASSERT_EQ(parse_with(8, 65535), DNS_RCODE_FORMERR);
        ASSERT_EQ(parse_with(10, 65535), DNS_RCODE_FORMERR);
}

TEST(bad_bodies) {
        Packet loop = packet_of("\xc0\x0c", 2, DNS_TYPE_A), reserved = PACKET("\x43web", DNS_TYPE_A);
        Packet trailing = PACKET("\3web", DNS_TYPE_A);
        DnsQuery q;

        ASSERT_EQ(parse(&loop, &q), DNS_RCODE_FORMERR);
        ASSERT_EQ(parse(&reserved, &q), DNS_RCODE_FORMERR);
        ADD(&trailing, "x");
        ASSERT_EQ(parse(&trailing, &q), DNS_RCODE_FORMERR);
}

/* Pointers in other records are stepped over, wherever they lead. */
TEST(compressed_records) {
        Packet p = PACKET("\3web", 251);
        DnsQuery q;

        set_u16(&p, 8, 2);
        ADD(&p, "\xc0\x0c\0\6\0\1\0\0\0\0\0\2ab" "\1x\xff\xff\0\6\0\1\0\0\0\0\0\0");
        add_opt(&p, 700, 0);
        q = query_of(&p);
        ASSERT_TRUE(q.edns);
        ASSERT_EQ(dns_query_udp_limit(&q), 700);
}

TEST(edns) {
        static const struct {
                unsigned offered;
                size_t limit;
        } table[] = { { 0, 512 }, { 511, 512 }, { 1232, 1232 }, { 4096, 4096 }, { 65535, 4096 } };
        Packet p;
        DnsQuery q;

        FOREACH_ELEMENT(i, table) {
                p = PACKET("\3web", DNS_TYPE_A);
                add_opt(&p, i->offered, 0);
                q = query_of(&p);
                ASSERT_TRUE(q.edns && q.dnssec_ok);
                ASSERT_EQ(dns_query_udp_limit(&q), i->limit);
        }
        add_opt(&p, 1232, 0);
        ASSERT_EQ(parse(&p, &q), DNS_RCODE_FORMERR);    /* two of them */
        p = PACKET("\3web", DNS_TYPE_A);
        add_opt(&p, 1232, 1);
        ASSERT_EQ(parse(&p, &q), DNS_RCODE_BADVERS);
        /* Elsewhere than with the additional records it is none. */
        set_u16(&p, 6, 1);
        set_u16(&p, 10, 0);
        q = query_of(&p);
        ASSERT_FALSE(q.edns);
}

TEST(reverse) {
        static const char *const bad[] = {
                "",
                "in-addr.arpa",
                "1.2.3.in-addr.arpa",
                "1.2.3.4.5.in-addr.arpa",
                "256.2.3.4.in-addr.arpa",
                "01.2.3.4.in-addr.arpa",
                "1.2.3.4.in-addr.arpa.x",
                "1..3.4.in-addr.arpa",
                "1.2.3.4in-addr.arpa",
                "1.2.3.-4.in-addr.arpa",
                "1.2.3.4.ip6.arpa",
                "1.2.3.4444.in-addr.arpa",
        };
        char text[NET_ADDR_TEXT_MAX];
        NetAddr a;

        ASSERT_EQ(dns_reverse_parse("4.30.200.10.in-addr.arpa", &a), 1);
        ASSERT_STREQ(net_addr_format(text, &a), "10.200.30.4");
        FOREACH_ELEMENT(s, bad)
                ASSERT_EQ(dns_reverse_parse(*s, &a), 0);
}

/* --- answers --- */

static void make_addresses(NetAddr *ret, size_t n) {
        for (size_t i = 0; i < n; i++)
                ret[i] = net_addr_from_host(0x0a000000U + (uint32_t) i);
}

TEST(addresses) {
        Packet p = PACKET("\3Web", DNS_TYPE_A);
        DnsQuery q = query_of(&p);
        uint8_t buf[DNS_UDP_SIZE_MIN];
        NetAddr addresses[3];
        int n;

        make_addresses(addresses, 3);
        n = dns_answer_build(&q, &(DnsAnswer) { .addresses = addresses, .n_addresses = 3, .first = 7 }, buf,
                             sizeof(buf));
        ASSERT_EQ(n, p.size + 3 * 16);
        ASSERT_EQ(u16(buf), 0x1234);
        ASSERT_EQ(u16(buf + 2), 0x8180);
        ASSERT_EQ(u16(buf + 6), 3);
        ASSERT_EQ(u16(buf + 10), 0);
        /* The question comes back with its letters; the first record is the second address. */
        ASSERT_EQ(memcmp(buf + 12, p.data + 12, p.size - 12), 0);
        ASSERT_EQ(memcmp(buf + p.size, "\xc0\x0c\0\1\0\1\0\0\x02\x58\0\4\x0a\0\0\1", 16), 0);
        ASSERT_EQ(buf[p.size + 47], 0);
        ASSERT_TRUE(dns_answer_matches(buf, n, &q, 0x1234));
}

TEST(truncated) {
        Packet p = PACKET("\3web", DNS_TYPE_A);
        uint8_t buf[DNS_TCP_SIZE_MAX];
        NetAddr addresses[300];
        DnsAnswer a = { .addresses = addresses, .n_addresses = 300 };
        DnsQuery q;
        int n;

        make_addresses(addresses, 300);
        add_opt(&p, 1232, 0);
        q = query_of(&p);
        n = dns_answer_build(&q, &a, buf, 512);
        ASSERT_TRUE(n <= 512 && n > 480);
        ASSERT_EQ(u16(buf + 2), 0x8380);
        ASSERT_EQ(u16(buf + 6), (n - 21 - 11) / 16);
        ASSERT_EQ(u16(buf + 10), 1);
        ASSERT_EQ(memcmp(buf + n - 11, "\0\0\x29\x10\0\0\0\x80\0\0\0", 11), 0);
        n = dns_answer_build(&q, &a, buf, sizeof(buf));
        ASSERT_EQ(n, 21 + 11 + 300 * 16);
        ASSERT_EQ(u16(buf + 2), 0x8180);

        a.truncated = true;
        ASSERT_EQ(dns_answer_build(&q, &a, buf, 512), 21 + 11);
        ASSERT_EQ(u16(buf + 2), 0x8380);
}

TEST(name) {
        Packet p = PACKET("\1""4\1""3\1""2\1""1\7in-addr\4arpa", DNS_TYPE_PTR);
        DnsQuery q = query_of(&p);
        uint8_t buf[DNS_UDP_SIZE_MIN];
        char name[300];
        int n;

        n = dns_answer_build(&q, &(DnsAnswer) { .name = "web.mynet" }, buf, sizeof(buf));
        ASSERT_EQ(n, p.size + 12 + 11);
        ASSERT_EQ(memcmp(buf + p.size, "\xc0\x0c\0\x0c\0\1\0\0\x02\x58\0\x0b\3web\5mynet", 23), 0);
        /* What no DNS name can be. */
        memset(name, 'a', sizeof(name));
        name[64] = 0;
        ASSERT_EQ(dns_answer_build(&q, &(DnsAnswer) { .name = name }, buf, sizeof(buf)), -EINVAL);
        name[63] = name[64] = name[127] = name[191] = '.';
        name[255] = 0;
        ASSERT_EQ(dns_answer_build(&q, &(DnsAnswer) { .name = name }, buf, sizeof(buf)), -EINVAL);
        name[64] = 'a';
        ASSERT_EQ(dns_answer_build(&q, &(DnsAnswer) { .name = name }, buf, sizeof(buf)), -EINVAL);
        name[253] = 0;
        ASSERT_EQ(dns_answer_build(&q, &(DnsAnswer) { .name = name }, buf, sizeof(buf)), p.size + 12 + 255);
        ASSERT_EQ(dns_answer_build(&q, &(DnsAnswer) { .name = "" }, buf, sizeof(buf)), -EINVAL);
        /* With the longest question it does not fit. */
        p = long_name(3, 61);
        q = query_of(&p);
        ASSERT_EQ(dns_answer_build(&q, &(DnsAnswer) { .name = name }, buf, sizeof(buf)), p.size);
        ASSERT_EQ(u16(buf + 2), 0x8380);
}

TEST(refusals) {
        Packet p = PACKET("\3web", DNS_TYPE_A);
        uint8_t buf[DNS_UDP_SIZE_MIN];
        DnsQuery q;

        add_opt(&p, 1232, 1);
        ASSERT_EQ(parse(&p, &q), DNS_RCODE_BADVERS);
        ASSERT_EQ(dns_answer_build(&q, &(DnsAnswer){ .rcode = DNS_RCODE_BADVERS }, buf, sizeof(buf)),
                  21 + 11);
        ASSERT_EQ(u16(buf + 2), 0x8180);
        ASSERT_EQ(memcmp(buf + 21, "\0\0\x29\x10\0\1\0\x80\0\0\0", 11), 0);
        /* Without a question that could be read. */
        p.size = 14;
        ASSERT_EQ(parse(&p, &q), DNS_RCODE_FORMERR);
        ASSERT_EQ(dns_answer_build(&q, &(DnsAnswer) { .rcode = DNS_RCODE_FORMERR }, buf, sizeof(buf)), 12);
        ASSERT_EQ(memcmp(buf, "\x12\x34\x81\x81\0\0\0\0\0\0\0\0", 12), 0);
}

/* --- answers from elsewhere --- */

static bool matches_with(size_t at, unsigned v) {
        Packet p = PACKET("\3web", DNS_TYPE_A), a = p;
        DnsQuery q = query_of(&p);

        set_u16(&a, 2, 0x8180);
        set_u16(&a, at, v);
        return dns_answer_matches(a.data, a.size, &q, 0x1234);
}

TEST(matches) {
        Packet p = PACKET("\3web", DNS_TYPE_A);
        DnsQuery q = query_of(&p);

        ASSERT_TRUE(matches_with(2, 0x8183));
        ASSERT_FALSE(matches_with(0, 0x1235));
        ASSERT_FALSE(matches_with(2, 0x0180));          /* a query */
        ASSERT_FALSE(matches_with(2, 0xa980));          /* of an update */
        ASSERT_FALSE(matches_with(4, 0));
        ASSERT_FALSE(matches_with(4, 2));
        ASSERT_TRUE(matches_with(12, 0x0357));          /* "Web" */
        ASSERT_FALSE(matches_with(12, 0x0356));         /* "Veb" */
        ASSERT_FALSE(matches_with(12, 0xc00c));
        ASSERT_FALSE(matches_with(17, DNS_TYPE_AAAA));
        ASSERT_FALSE(matches_with(19, 3));

        set_u16(&p, 2, 0x8182);
        for (size_t size = 0; size < p.size; size++)
                ASSERT_FALSE(dns_answer_matches(p.data, size, &q, 0x1234));
        ASSERT_TRUE(dns_answer_matches(p.data, p.size, &q, 0x1234));
        ASSERT_EQ(dns_message_rcode(p.data), DNS_RCODE_SERVFAIL);
        /* "A" and "a" are letters, types they are not. */
        set_u16(&p, 17, 'A');
        q.question[6] = 'a';
        ASSERT_FALSE(dns_answer_matches(p.data, p.size, &q, 0x1234));
        dns_message_set_id(p.data, 0xfffe);
        ASSERT_EQ(u16(p.data), 0xfffe);
}

DEFINE_TEST_MAIN()
