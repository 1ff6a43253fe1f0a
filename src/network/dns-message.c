/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages: bounded reader of a query, check of an answer, builder of our own answers. */
#include "network/dns-message.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/errno-util.h"
#include "basic/string-util.h"

#define FLAG_QR 0x8000U
#define FLAG_TC 0x0200U
#define FLAG_RD 0x0100U
#define FLAG_RA 0x0080U
#define FLAG_CD 0x0010U
#define OPCODE_SHIFT 11U
#define OPCODE_MASK 0xfU
#define RCODE_MASK 0xfU
#define RCODE_EXTENDED_SHIFT 4U

#define OPCODE_QUERY 0U

#define OPT_SIZE 11U                    /* without options */
#define OPT_FLAG_DO 0x8000U
#define RECORD_FIXED_SIZE 10U           /* type, class, TTL, length of the data */
#define RECORD_HEAD_SIZE (2U + RECORD_FIXED_SIZE) /* with a compressed name */

#define LABEL_POINTER 0xc0U             /* both bits: a pointer; one of them: nothing that is in use */
/* Of our records: the name is the question's, right behind the header. */
#define POINTER_TO_QUESTION (LABEL_POINTER << 8 | DNS_HEADER_SIZE)

#define REVERSE_SUFFIX ".in-addr.arpa"

/* --- reading --- */

typedef struct Reader {
        const uint8_t *data;
        size_t size;
        size_t at;
} Reader;

/* NULL if there are not that many bytes. */
static const uint8_t *take(Reader *r, size_t n) {
        const uint8_t *p = r->data + r->at;

        if (n > r->size - r->at)
                return NULL;
        r->at += n;
        return p;
}

static uint16_t get_u16(const uint8_t *p) {
        return (uint16_t) (p[0] << 8 | p[1]);
}

/* The length of the next label; 0 = the root. */
static int take_label(Reader *r, const uint8_t **ret) {
        const uint8_t *n = take(r, 1);

        if (!n || *n > DNS_LABEL_MAX)
                return -EBADMSG;
        *ret = take(r, *n);
        return *ret ? *n : -EBADMSG;
}

static char *append_byte(char *p, uint8_t c) {
        if (c > ' ' && c < 0x7f && c != '.' && c != '\\') {
                *p = (char) tolower(c);
                return p + 1;
        }
        return p + snprintf(p, sizeof("\\255"), "\\%03u", c);
}

static char *append_label(char *p, const uint8_t *label, size_t n) {
        for (size_t i = 0; i < n; i++)
                p = append_byte(p, label[i]);
        return p;
}

static int read_name(Reader *r, char ret[static DNS_NAME_TEXT_MAX]) {
        size_t begin = r->at;
        char *p = ret;

        for (;;) {
                const uint8_t *label;
                int n;

                n = take_label(r, &label);
                if (n < 0)
                        return n;
                if (r->at - begin > DNS_NAME_MAX)
                        return -EBADMSG;
                if (n == 0)
                        break;
                if (p != ret)
                        *p++ = '.';
                p = append_label(p, label, n);
        }
        *p = 0;
        return 0;
}

static int skip_name(Reader *r) {
        size_t begin = r->at;

        while (r->at - begin < DNS_NAME_MAX) {
                const uint8_t *label;
                int n;

                if (r->at < r->size && r->data[r->at] >= LABEL_POINTER)
                        return take(r, 2) ? 0 : -EBADMSG;
                n = take_label(r, &label);
                if (n <= 0)
                        return n;
        }
        return -EBADMSG;
}

static int read_question(Reader *r, DnsQuery *q) {
        size_t begin = r->at;
        const uint8_t *fixed;
        int k;

        k = read_name(r, q->name);
        if (k < 0)
                return k;
        fixed = take(r, 4);
        if (!fixed)
                return -EBADMSG;
        q->type = get_u16(fixed);
        q->class = get_u16(fixed + 2);
        q->question_size = r->at - begin;
        memcpy(q->question, r->data + begin, q->question_size);
        return 0;
}

/* Class and TTL of an OPT record are the UDP size, and upper bits of the code, version and flags. */
static int take_opt(DnsQuery *q, const uint8_t *fixed, bool root) {
        if (q->edns || !root)
                return -EBADMSG;
        q->edns = true;
        q->udp_size = get_u16(fixed + 2);
        q->dnssec_ok = get_u16(fixed + 6) & OPT_FLAG_DO;
        return fixed[5] == 0 ? DNS_RCODE_NOERROR : DNS_RCODE_BADVERS;
}

static int read_record(Reader *r, DnsQuery *q, bool additional) {
        const uint8_t *fixed;
        bool root;
        int k;

        root = r->at < r->size && r->data[r->at] == 0;
        k = skip_name(r);
        if (k < 0)
                return k;
        fixed = take(r, RECORD_FIXED_SIZE);
        if (!fixed || !take(r, get_u16(fixed + 8)))
                return -EBADMSG;
        return additional && get_u16(fixed) == DNS_TYPE_OPT ? take_opt(q, fixed, root) : DNS_RCODE_NOERROR;
}

/* What follows the question; a record takes eleven bytes at least, which bounds the counts. */
static int read_records(Reader *r, DnsQuery *q, unsigned n_before, unsigned n_additional) {
        int code = DNS_RCODE_NOERROR;

        for (unsigned i = 0; i < n_before + n_additional; i++) {
                int k = read_record(r, q, i >= n_before);

                if (k < 0)
                        return k;
                if (k > 0)
                        code = k;
        }
        return r->at == r->size ? code : -EBADMSG;
}

int dns_query_parse(const void *data, size_t size, DnsQuery *ret) {
        Reader r = { .data = data, .size = size };
        const uint8_t *header;
        uint16_t flags;
        int k;

        assert(data);
        assert(ret);

        header = take(&r, DNS_HEADER_SIZE);
        if (!header)
                return -EBADMSG;
        flags = get_u16(header + 2);
        if (flags & FLAG_QR)
                return -EBADMSG;

        *ret = (DnsQuery) {
                .id = get_u16(header),
                .opcode = flags >> OPCODE_SHIFT & OPCODE_MASK,
                .recursion_desired = flags & FLAG_RD,
                .checking_disabled = flags & FLAG_CD,
        };
        if (ret->opcode != OPCODE_QUERY)
                return DNS_RCODE_NOTIMP;
        if (get_u16(header + 4) != 1 || read_question(&r, ret) < 0)
                return DNS_RCODE_FORMERR;
        k = read_records(&r, ret, get_u16(header + 6) + get_u16(header + 8), get_u16(header + 10));
        return k < 0 ? DNS_RCODE_FORMERR : k;
}

size_t dns_query_udp_limit(const DnsQuery *q) {
        size_t offered = q->edns ? q->udp_size : 0;

        return max_size(DNS_UDP_SIZE_MIN, min_size(offered, DNS_UDP_SIZE_MAX));
}

/* "0" to "255", without leading zeros. Returns what follows, NULL if it is none. */
static const char *parse_octet(const char *s, uint8_t *ret) {
        size_t n = strspn(s, "0123456789");
        unsigned v = 0;

        if (n == 0 || n > 3 || (n > 1 && s[0] == '0'))
                return NULL;
        for (size_t i = 0; i < n; i++)
                v = v * 10 + (unsigned) (s[i] - '0');
        if (v > UINT8_MAX)
                return NULL;
        *ret = (uint8_t) v;
        return s + n;
}

int dns_reverse_parse(const char *name, NetAddr *ret) {
        NetAddr a = { .family = AF_INET };
        const char *p = name;

        assert(name);
        assert(ret);

        for (int i = 3; i >= 0; i--) {
                p = parse_octet(p, a.bytes + i);
                if (!p || (i > 0 && *p++ != '.'))
                        return 0;
        }
        if (!streq(p, REVERSE_SUFFIX))
                return 0;
        *ret = a;
        return 1;
}

/* --- an answer from elsewhere --- */

/* Servers may answer with the letters as they know them. Lengths of labels are below all letters. */
static bool question_equal(const uint8_t *a, const uint8_t *b, size_t n) {
        size_t n_name = n - 4;

        for (size_t i = 0; i < n_name; i++)
                if (tolower(a[i]) != tolower(b[i]))
                        return false;
        return memcmp(a + n_name, b + n_name, 4) == 0;
}

bool dns_answer_matches(const void *data, size_t size, const DnsQuery *q, uint16_t id) {
        Reader r = { .data = data, .size = size };
        const uint8_t *header, *question;
        uint16_t flags;

        assert(q);

        header = take(&r, DNS_HEADER_SIZE);
        question = header ? take(&r, q->question_size) : NULL;
        if (!question || q->question_size == 0)
                return false;
        flags = get_u16(header + 2);
        return get_u16(header) == id && (flags & FLAG_QR) &&
               (flags >> OPCODE_SHIFT & OPCODE_MASK) == OPCODE_QUERY && get_u16(header + 4) == 1 &&
               question_equal(question, q->question, q->question_size);
}

DnsRcode dns_message_rcode(const void *data) {
        return get_u16((const uint8_t *) data + 2) & RCODE_MASK;
}

void dns_message_set_id(void *data, uint16_t id) {
        uint8_t *p = data;

        p[0] = (uint8_t) (id >> 8);
        p[1] = (uint8_t) id;
}

/* --- writing --- */

typedef struct Writer {
        uint8_t *data;
        size_t size;
        size_t max;                     /* what records may fill: room for the OPT record is kept */
} Writer;

static bool has_room(const Writer *w, size_t n) {
        return n <= w->max - w->size;
}

static void put(Writer *w, const void *data, size_t n) {
        memcpy(w->data + w->size, data, n);
        w->size += n;
}

static void put_u16(Writer *w, unsigned v) {
        put(w, (const uint8_t[]) { (uint8_t) (v >> 8), (uint8_t) v }, 2);
}

static void put_header(Writer *w, const DnsQuery *q, unsigned flags, unsigned n_answers) {
        put_u16(w, q->id);
        put_u16(w, flags);
        put_u16(w, q->question_size > 0);
        put_u16(w, n_answers);
        put_u16(w, 0);
        put_u16(w, q->edns);
}

static void put_record(Writer *w, unsigned type, const void *data, size_t n) {
        put_u16(w, POINTER_TO_QUESTION);
        put_u16(w, type);
        put_u16(w, DNS_CLASS_IN);
        put_u16(w, DNS_TTL_SEC >> 16);
        put_u16(w, DNS_TTL_SEC & UINT16_MAX);
        put_u16(w, (unsigned) n);
        put(w, data, n);
}

static void put_opt(Writer *w, const DnsQuery *q, DnsRcode rcode) {
        put(w, "", 1);
        put_u16(w, DNS_TYPE_OPT);
        put_u16(w, DNS_UDP_SIZE_MAX);
        put_u16(w, (unsigned) rcode >> RCODE_EXTENDED_SHIFT << 8);
        put_u16(w, q->dnssec_ok ? OPT_FLAG_DO : 0);
        put_u16(w, 0);
}

/* Returns how many fitted. */
static size_t put_addresses(Writer *w, const DnsAnswer *a) {
        size_t n = min_size(a->n_addresses, UINT16_MAX), i;

        for (i = 0; i < n && has_room(w, RECORD_HEAD_SIZE + 4); i++)
                put_record(w, DNS_TYPE_A, a->addresses[(a->first + i) % a->n_addresses].bytes, 4);
        return i;
}

/* "web.mynet" as labels; returns the size. */
static int encode_name(const char *name, uint8_t ret[static DNS_NAME_MAX]) {
        size_t size = 0;

        for (const char *p = name;;) {
                size_t n = strcspn(p, ".");

                if (n == 0 || n > DNS_LABEL_MAX || size + 1 + n + 1 > DNS_NAME_MAX)
                        return -EINVAL;
                ret[size++] = (uint8_t) n;
                memcpy(ret + size, p, n);
                size += n;
                if (p[n] == 0)
                        break;
                p += n + 1;
        }
        ret[size++] = 0;
        return (int) size;
}

/* Returns how many fitted, 0 or 1. */
static int put_name(Writer *w, const char *name) {
        uint8_t data[DNS_NAME_MAX];
        int n;

        n = encode_name(name, data);
        if (n < 0)
                return n;
        if (!has_room(w, RECORD_HEAD_SIZE + (size_t) n))
                return 0;
        put_record(w, DNS_TYPE_PTR, data, (size_t) n);
        return 1;
}

static unsigned answer_flags(const DnsQuery *q, DnsRcode rcode, bool truncated) {
        return FLAG_QR | FLAG_RA | (unsigned) q->opcode << OPCODE_SHIFT | (truncated ? FLAG_TC : 0) |
               (q->recursion_desired ? FLAG_RD : 0) | (q->checking_disabled ? FLAG_CD : 0) |
               (rcode & RCODE_MASK);
}

int dns_answer_build(const DnsQuery *q, const DnsAnswer *a, void *buf, size_t max) {
        Writer w = { .data = buf, .size = DNS_HEADER_SIZE, .max = min_size(max, DNS_TCP_SIZE_MAX) };
        bool truncated = a->truncated;
        size_t n = 0;

        assert(max >= DNS_UDP_SIZE_MIN);

        w.max -= q->edns ? OPT_SIZE : 0;
        put(&w, q->question, q->question_size);
        if (!truncated && a->name) {
                int k = put_name(&w, a->name);

                if (k < 0)
                        return k;
                n = (size_t) k;
                truncated = k == 0;
        } else if (!truncated) {
                n = put_addresses(&w, a);
                truncated = n < a->n_addresses;
        }
        if (q->edns)
                put_opt(&w, q, a->rcode);
        put_header(&(Writer) { .data = buf }, q, answer_flags(q, a->rcode, truncated), (unsigned) n);
        return (int) w.size;
}
