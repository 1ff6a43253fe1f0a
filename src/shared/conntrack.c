/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/conntrack.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "basic/errno-util.h"

/* net/netfilter/nf_internals.h: which members of a tuple the kernel compares (since 5.8; earlier ones give
 * everything, which is looked through here in any case). */
#define FILTER_IP_SRC (1U << 0)
#define FILTER_PROTO_NUM (1U << 3)

#define TUPLE_SIZE_MAX 256U             /* of IPv4 about 60 */

/* One direction of a flow. */
typedef struct Tuple {
        uint32_t src, dst;              /* network byte order */
        uint16_t dst_port;
        uint8_t protocol;
} Tuple;

/* As it came from the kernel: by this it is deleted. */
typedef struct Flow {
        uint32_t id;
        uint16_t tuple_size;
        uint16_t zone;                  /* network byte order */
        uint8_t tuple[TUPLE_SIZE_MAX];
} Flow;

typedef bool (*FlowMatch)(const Tuple *original, const Tuple *reply, const void *wanted);

typedef struct Search {
        FlowMatch match;
        const void *wanted;
        Flow *flows;
        size_t n_flows, n_allocated;
} Search;

int conntrack_open(Netlink **ret) {
        return netlink_open_protocol(NETLINK_NETFILTER, ret);
}

/* --- what the kernel tells --- */

static void parse_ip(const struct nlattr *nest, Tuple *ret) {
        const struct nlattr *a;

        mnl_attr_for_each_nested(a, nest) {
                if (mnl_attr_get_payload_len(a) != sizeof(uint32_t))
                        continue;
                if (mnl_attr_get_type(a) == CTA_IP_V4_SRC)
                        ret->src = mnl_attr_get_u32(a);
                if (mnl_attr_get_type(a) == CTA_IP_V4_DST)
                        ret->dst = mnl_attr_get_u32(a);
        }
}

static void parse_protocol(const struct nlattr *nest, Tuple *ret) {
        const struct nlattr *a;

        mnl_attr_for_each_nested(a, nest) {
                if (mnl_attr_get_type(a) == CTA_PROTO_NUM && mnl_attr_get_payload_len(a) == 1)
                        ret->protocol = mnl_attr_get_u8(a);
                if (mnl_attr_get_type(a) == CTA_PROTO_DST_PORT && mnl_attr_get_payload_len(a) == 2)
                        ret->dst_port = ntohs(mnl_attr_get_u16(a));
        }
}

static Tuple parse_tuple(const struct nlattr *nest) {
        const struct nlattr *a;
        Tuple t = {};

        mnl_attr_for_each_nested(a, nest) {
                if (mnl_attr_get_type(a) == CTA_TUPLE_IP)
                        parse_ip(a, &t);
                if (mnl_attr_get_type(a) == CTA_TUPLE_PROTO)
                        parse_protocol(a, &t);
        }
        return t;
}

static int collect(Search *s, const struct nlattr *tuple, uint32_t id, uint16_t zone) {
        uint16_t size = mnl_attr_get_payload_len(tuple);
        Flow *f;

        if (size > TUPLE_SIZE_MAX || s->n_flows >= CONNTRACK_FORGET_MAX)
                return 0;
        if (!GREEDY_REALLOC0(s->flows, s->n_allocated, s->n_flows + 1))
                return -ENOMEM;
        f = s->flows + s->n_flows++;
        *f = (Flow) { .id = id, .tuple_size = size, .zone = zone };
        memcpy(f->tuple, mnl_attr_get_payload(tuple), size);
        return 0;
}

static int on_flow(const struct nlmsghdr *h, void *userdata) {
        const struct nlattr *a, *tuple = NULL;
        Search *s = ASSERT_PTR(userdata);
        Tuple original = {}, reply = {};
        uint16_t zone = 0;
        uint32_t id = 0;

        if (mnl_nlmsg_get_payload_len(h) < sizeof(struct nfgenmsg))
                return MNL_CB_OK;
        mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
                switch (mnl_attr_get_type(a)) {
                case CTA_TUPLE_ORIG:
                        tuple = a;
                        original = parse_tuple(a);
                        break;
                case CTA_TUPLE_REPLY:
                        reply = parse_tuple(a);
                        break;
                case CTA_ID:
                        id = mnl_attr_get_payload_len(a) == sizeof(id) ? mnl_attr_get_u32(a) : 0;
                        break;
                case CTA_ZONE:
                        zone = mnl_attr_get_payload_len(a) == sizeof(zone) ? mnl_attr_get_u16(a) : 0;
                        break;
                default:
                        break;
                }
        if (!tuple || !s->match(&original, &reply, s->wanted))
                return MNL_CB_OK;
        errno = -collect(s, tuple, id, zone);
        return errno ? MNL_CB_ERROR : MNL_CB_OK;
}

/* --- what it is asked --- */

static void put_family(struct nlmsghdr *h) {
        struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

        g->nfgen_family = AF_INET;
        g->version = NFNETLINK_V0;
}

#define MESSAGE(type) (uint16_t) ((NFNL_SUBSYS_CTNETLINK << 8) | (type))

/* A dump of all flows of the family; the caller adds what they are to have. */
static struct nlmsghdr *dump_begin(void *buffer) {
        struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

        h->nlmsg_type = MESSAGE(IPCTNL_MSG_CT_GET);
        h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        put_family(h);
        return h;
}

static void put_filter(struct nlmsghdr *h, uint32_t original, uint32_t reply) {
        struct nlattr *nest = mnl_attr_nest_start(h, CTA_FILTER);

        mnl_attr_put_u32(h, CTA_FILTER_ORIG_FLAGS, original);
        mnl_attr_put_u32(h, CTA_FILTER_REPLY_FLAGS, reply);
        mnl_attr_nest_end(h, nest);
}

static void put_reply_source(struct nlmsghdr *h, const NetAddr *address) {
        struct nlattr *nest = mnl_attr_nest_start(h, CTA_TUPLE_REPLY),
                      *ip = mnl_attr_nest_start(h, CTA_TUPLE_IP);

        mnl_attr_put_u32(h, CTA_IP_V4_SRC, address->v4);
        mnl_attr_nest_end(h, ip);
        mnl_attr_nest_end(h, nest);
}

static void put_protocol(struct nlmsghdr *h, uint8_t protocol) {
        struct nlattr *nest = mnl_attr_nest_start(h, CTA_TUPLE_ORIG),
                      *p = mnl_attr_nest_start(h, CTA_TUPLE_PROTO);

        mnl_attr_put_u8(h, CTA_PROTO_NUM, protocol);
        mnl_attr_nest_end(h, p);
        mnl_attr_nest_end(h, nest);
}

/* One that has ended meanwhile is none of our business. */
static int send_deletions(Netlink *nl, NetlinkBatch *b) {
        int r = netlink_batch_send(nl, b, NULL);

        NETLINK_BATCH_INIT(b);
        return r == -ENOENT ? 0 : r;
}

static int delete_flows(Netlink *nl, const Search *s) {
        NetlinkBatch b;
        int r = 0;

        NETLINK_BATCH_INIT(&b);
        for (size_t i = 0; r >= 0 && i < s->n_flows; i++) {
                const Flow *f = s->flows + i;
                struct nlmsghdr *h;

                if (!netlink_batch_has_room(&b))
                        r = send_deletions(nl, &b);
                h = netlink_batch_begin(&b, MESSAGE(IPCTNL_MSG_CT_DELETE), 0);
                put_family(h);
                mnl_attr_put(h, CTA_TUPLE_ORIG | NLA_F_NESTED, f->tuple_size, f->tuple);
                mnl_attr_put_u32(h, CTA_ID, f->id);
                if (f->zone)
                        mnl_attr_put_u16(h, CTA_ZONE, f->zone);
                netlink_batch_end(&b, h);
        }
        return r < 0 ? r : send_deletions(nl, &b);
}

static int forget(Netlink *nl, struct nlmsghdr *dump, FlowMatch match, const void *wanted) {
        Search s = { .match = match, .wanted = wanted };
        int r;

        r = netlink_query(nl, dump, on_flow, &s);
        if (r >= 0)
                r = delete_flows(nl, &s);
        free(s.flows);
        return r < 0 ? r : (int) s.n_flows;
}

/* --- by address --- */

/* Answers come from where the packets were led. */
static bool leads_to(const Tuple *original, const Tuple *reply, const void *wanted) {
        const NetAddr *a = wanted;

        return reply->src == a->v4;
}

int conntrack_forget_flows_to(Netlink *nl, const NetAddr *address) {
        char buffer[NETLINK_REQUEST_SIZE_MAX];
        struct nlmsghdr *h = dump_begin(buffer);

        assert(address->family == AF_INET);

        put_reply_source(h, address);
        put_filter(h, 0, FILTER_IP_SRC);
        return forget(nl, h, leads_to, address);
}

/* --- by port --- */

static bool is_own_address(const ConntrackPorts *wanted, uint32_t address) {
        NetAddr a = net_addr_from_host(ntohl(address));

        if (net_addr_is_loopback(&a))
                return true;
        for (size_t i = 0; i < wanted->n_addresses; i++)
                if (net_addr_equal(wanted->addresses + i, &a))
                        return true;
        return false;
}

static bool is_untranslated(const Tuple *original, const Tuple *reply, const void *wanted) {
        const ConntrackPorts *w = wanted;

        return original->protocol == IPPROTO_UDP && original->dst == reply->src &&
               (w->ports[original->dst_port / 8U] & (1U << (original->dst_port % 8U))) &&
               is_own_address(w, original->dst);
}

int conntrack_forget_untranslated_udp(Netlink *nl, const ConntrackPorts *wanted) {
        char buffer[NETLINK_REQUEST_SIZE_MAX];
        struct nlmsghdr *h = dump_begin(buffer);

        put_protocol(h, IPPROTO_UDP);
        put_filter(h, FILTER_PROTO_NUM, 0);
        return forget(nl, h, is_untranslated, wanted);
}
