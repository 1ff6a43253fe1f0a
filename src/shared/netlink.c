/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink: several requests in one message to the kernel, and what is there now. */
#include "shared/netlink.h"

#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include "basic/errno-util.h"
#include "basic/log.h"
#include "basic/string-util.h"

#define RECEIVE_SIZE 32768U             /* what the kernel fills at most in one part of a dump */
#define TIMEOUT_SEC 5                   /* only a bug, here or in the kernel, lets it pass */

int netlink_open_protocol(int protocol, Netlink **ret) {
        static const struct timeval timeout = { .tv_sec = TIMEOUT_SEC };
        _cleanup_(netlink_freep) Netlink *nl = NULL;
        int one = 1;

        nl = new0(Netlink, 1);
        if (!nl)
                return -ENOMEM;

        nl->socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
        if (!nl->socket)
                return -errno;
        if (mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
                return -errno;

        (void) mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &one, sizeof(one));
        (void) mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &one, sizeof(one));
        (void) mnl_socket_setsockopt(nl->socket, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
        if (setsockopt(mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) <
            0)
                return -errno;

        *ret = TAKE_PTR(nl);
        return 0;
}

int netlink_open(Netlink **ret) {
        return netlink_open_protocol(NETLINK_ROUTE, ret);
}

Netlink *netlink_free(Netlink *nl) {
        if (!nl)
                return NULL;
        if (nl->socket)
                (void) mnl_socket_close(nl->socket);
        return mfree(nl);
}

/* --- requests --- */

struct nlmsghdr *netlink_batch_begin(NetlinkBatch *b, uint16_t type, uint16_t flags) {
        struct nlmsghdr *h;

        assert(b->used + NETLINK_REQUEST_SIZE_MAX <= sizeof(b->buffer));

        h = mnl_nlmsg_put_header(b->buffer + b->used);
        h->nlmsg_type = type;
        h->nlmsg_flags = NLM_F_REQUEST|NLM_F_ACK|flags;
        h->nlmsg_seq = b->n_requests;   /* made unique when it is sent */
        return h;
}

void netlink_batch_end(NetlinkBatch *b, struct nlmsghdr *h) {
        assert(h->nlmsg_len <= NETLINK_REQUEST_SIZE_MAX);

        b->used += MNL_ALIGN(h->nlmsg_len);
        b->n_requests++;
}

static struct ifinfomsg *put_ifinfo(struct nlmsghdr *h, unsigned index, unsigned flags, unsigned change) {
        struct ifinfomsg *i = mnl_nlmsg_put_extra_header(h, sizeof(*i));

        i->ifi_family = AF_UNSPEC;
        i->ifi_index = index;
        i->ifi_flags = flags;
        i->ifi_change = change;
        return i;
}

void netlink_batch_bridge_new(NetlinkBatch *b, const char *name, const MacAddr *mac, unsigned mtu) {
        struct nlmsghdr *h = netlink_batch_begin(b, RTM_NEWLINK, NLM_F_CREATE|NLM_F_EXCL);
        struct nlattr *info;

        put_ifinfo(h, 0, IFF_UP, IFF_UP);
        mnl_attr_put_strz(h, IFLA_IFNAME, name);
        if (mac)
                mnl_attr_put(h, IFLA_ADDRESS, sizeof(mac->bytes), mac->bytes);
        if (mtu > 0)
                mnl_attr_put_u32(h, IFLA_MTU, mtu);
        info = mnl_attr_nest_start(h, IFLA_LINKINFO);
        mnl_attr_put_strz(h, IFLA_INFO_KIND, "bridge");
        mnl_attr_nest_end(h, info);
        netlink_batch_end(b, h);
}

/* The peer's attributes are a whole link message of their own inside IFLA_INFO_DATA (drivers/net/veth.c). */
static void put_veth_peer(struct nlmsghdr *h, const VethParams *p) {
        struct nlattr *peer = mnl_attr_nest_start(h, VETH_INFO_PEER);

        /* Not up: the peer is opened before the two ends are joined, which fails with ENOTCONN. */
        put_ifinfo(h, 0, 0, 0);
        mnl_attr_put_strz(h, IFLA_IFNAME, p->peer_name);
        if (p->peer_mac)
                mnl_attr_put(h, IFLA_ADDRESS, sizeof(p->peer_mac->bytes), p->peer_mac->bytes);
        if (p->mtu > 0)
                mnl_attr_put_u32(h, IFLA_MTU, p->mtu);
        mnl_attr_put_u32(h, IFLA_NET_NS_FD, p->peer_netns_fd);
        mnl_attr_nest_end(h, peer);
}

void netlink_batch_veth_new(NetlinkBatch *b, const VethParams *p) {
        struct nlmsghdr *h = netlink_batch_begin(b, RTM_NEWLINK, NLM_F_CREATE|NLM_F_EXCL);
        struct nlattr *info, *data;

        put_ifinfo(h, 0, IFF_UP, IFF_UP);
        mnl_attr_put_strz(h, IFLA_IFNAME, p->name);
        if (p->mac)
                mnl_attr_put(h, IFLA_ADDRESS, sizeof(p->mac->bytes), p->mac->bytes);
        if (p->mtu > 0)
                mnl_attr_put_u32(h, IFLA_MTU, p->mtu);
        if (p->group > 0)
                mnl_attr_put_u32(h, IFLA_GROUP, p->group);
        if (p->master > 0)
                mnl_attr_put_u32(h, IFLA_MASTER, p->master);
        info = mnl_attr_nest_start(h, IFLA_LINKINFO);
        mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
        data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
        put_veth_peer(h, p);
        mnl_attr_nest_end(h, data);
        mnl_attr_nest_end(h, info);
        netlink_batch_end(b, h);
}

void netlink_batch_link_up(NetlinkBatch *b, unsigned index, bool up) {
        struct nlmsghdr *h = netlink_batch_begin(b, RTM_NEWLINK, 0);

        put_ifinfo(h, index, up ? IFF_UP : 0, IFF_UP);
        netlink_batch_end(b, h);
}

void netlink_batch_link_down_name(NetlinkBatch *b, const char *name) {
        struct nlmsghdr *h = netlink_batch_begin(b, RTM_NEWLINK, 0);

        put_ifinfo(h, 0, 0, IFF_UP);
        mnl_attr_put_strz(h, IFLA_IFNAME, name);
        netlink_batch_end(b, h);
}

void netlink_batch_link_mtu(NetlinkBatch *b, unsigned index, unsigned mtu) {
        struct nlmsghdr *h = netlink_batch_begin(b, RTM_NEWLINK, 0);

        put_ifinfo(h, index, 0, 0);
        mnl_attr_put_u32(h, IFLA_MTU, mtu);
        netlink_batch_end(b, h);
}

void netlink_batch_link_mark(NetlinkBatch *b, unsigned index, const char *alias, unsigned group) {
        struct nlmsghdr *h = netlink_batch_begin(b, RTM_NEWLINK, 0);

        assert(strlen(alias) < LINK_ALIAS_MAX);

        put_ifinfo(h, index, 0, 0);
        mnl_attr_put_strz(h, IFLA_IFALIAS, alias);
        mnl_attr_put_u32(h, IFLA_GROUP, group);
        netlink_batch_end(b, h);
}

void netlink_batch_link_delete(NetlinkBatch *b, unsigned index) {
        struct nlmsghdr *h = netlink_batch_begin(b, RTM_DELLINK, 0);

        put_ifinfo(h, index, 0, 0);
        netlink_batch_end(b, h);
}

void netlink_batch_link_delete_name(NetlinkBatch *b, const char *name) {
        struct nlmsghdr *h = netlink_batch_begin(b, RTM_DELLINK, 0);

        put_ifinfo(h, 0, 0, 0);
        mnl_attr_put_strz(h, IFLA_IFNAME, name);
        netlink_batch_end(b, h);
}

void netlink_batch_port_flags(NetlinkBatch *b, unsigned index, bool isolated, bool hairpin) {
        struct nlmsghdr *h = netlink_batch_begin(b, RTM_SETLINK, 0);
        struct nlattr *protinfo;

        put_ifinfo(h, index, 0, 0)->ifi_family = AF_BRIDGE;
        protinfo = mnl_attr_nest_start(h, IFLA_PROTINFO);
        mnl_attr_put_u8(h, IFLA_BRPORT_MODE, hairpin);
        mnl_attr_put_u8(h, IFLA_BRPORT_ISOLATED, isolated);
        mnl_attr_nest_end(h, protinfo);
        netlink_batch_end(b, h);
}

static void put_address(struct nlmsghdr *h, unsigned index, const NetPrefix *address) {
        struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(h, sizeof(*a));
        size_t size = address->addr.family == AF_INET ? 4 : 16;

        a->ifa_family = address->addr.family;
        a->ifa_prefixlen = address->length;
        a->ifa_scope = RT_SCOPE_UNIVERSE;
        a->ifa_index = index;
        mnl_attr_put(h, IFA_LOCAL, size, address->addr.bytes);
        mnl_attr_put(h, IFA_ADDRESS, size, address->addr.bytes);
}

void netlink_batch_address_add(NetlinkBatch *b, unsigned index, const NetPrefix *address) {
        struct nlmsghdr *h = netlink_batch_begin(b, RTM_NEWADDR, NLM_F_CREATE|NLM_F_REPLACE);

        put_address(h, index, address);
        if (address->addr.family == AF_INET && address->length < 31)
                mnl_attr_put_u32(h, IFA_BROADCAST, htonl(net_prefix_last(address)));
        netlink_batch_end(b, h);
}

void netlink_batch_address_delete(NetlinkBatch *b, unsigned index, const NetPrefix *address) {
        struct nlmsghdr *h = netlink_batch_begin(b, RTM_DELADDR, 0);

        put_address(h, index, address);
        netlink_batch_end(b, h);
}

void netlink_batch_default_route_add(NetlinkBatch *b, unsigned index, const NetAddr *gateway) {
        struct nlmsghdr *h = netlink_batch_begin(b, RTM_NEWROUTE, NLM_F_CREATE|NLM_F_REPLACE);
        struct rtmsg *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));

        r->rtm_family = gateway->family;
        r->rtm_table = RT_TABLE_MAIN;
        r->rtm_protocol = RTPROT_BOOT;
        r->rtm_scope = RT_SCOPE_UNIVERSE;
        r->rtm_type = RTN_UNICAST;
        mnl_attr_put(h, RTA_GATEWAY, gateway->family == AF_INET ? 4 : 16, gateway->bytes);
        mnl_attr_put_u32(h, RTA_OIF, index);
        netlink_batch_end(b, h);
}

/* --- answers --- */

/* The kernel's own explanation behind an error, if there is one. */
static void log_extended_ack(const struct nlmsghdr *h, int r) {
        const struct nlattr *attr;
        size_t offset = sizeof(struct nlmsgerr);

        if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
                return;
        if (!(h->nlmsg_flags & NLM_F_CAPPED)) {
                const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

                offset += MNL_ALIGN(e->msg.nlmsg_len) - sizeof(struct nlmsghdr);
        }
        if (offset > mnl_nlmsg_get_payload_len(h))
                return;

        mnl_attr_for_each(attr, h, offset)
                if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
                    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
                        log_debug_errno(r, "netlink: %s: %m", mnl_attr_get_str(attr));
}

static ssize_t receive(Netlink *nl, void *buffer) {
        ssize_t n;

        do
                n = mnl_socket_recvfrom(nl->socket, buffer, RECEIVE_SIZE);
        while (n < 0 && errno == EINTR);

        if (n < 0)
                return errno == EAGAIN ? -ETIMEDOUT : -errno;
        return n;
}

/* Takes the answers in one buffer; *left counts down, the first error goes to *result. */
static void take_acks(
                const char *buffer,
                int size,
                uint32_t first,
                unsigned n,
                unsigned *left,
                int *result,
                unsigned *ret_failed) {

        for (const struct nlmsghdr *h = (const struct nlmsghdr *) buffer; mnl_nlmsg_ok(h, size);
             h = mnl_nlmsg_next(h, &size)) {
                const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

                /* Late answers of an earlier batch that timed out are not ours. */
                if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_seq - first >= n)
                        continue;

                (*left)--;
                if (e->error >= 0 || *result < 0)
                        continue;
                *result = e->error;
                if (ret_failed)
                        *ret_failed = h->nlmsg_seq - first;
                log_extended_ack(h, e->error);
        }
}

int netlink_batch_send(Netlink *nl, NetlinkBatch *b, unsigned *ret_failed) {
        _cleanup_free_ char *buffer = NULL;
        unsigned left = b->n_requests, n = b->n_requests;
        uint32_t first = nl->sequence + 1;
        int result = 0, size = b->used;

        if (left == 0)
                return 0;
        buffer = malloc(RECEIVE_SIZE);
        if (!buffer)
                return -ENOMEM;

        for (struct nlmsghdr *h = (struct nlmsghdr *) b->buffer; mnl_nlmsg_ok(h, size);
             h = mnl_nlmsg_next(h, &size))
                h->nlmsg_seq += first;
        nl->sequence += n;

        if (mnl_socket_sendto(nl->socket, b->buffer, b->used) < 0)
                return -errno;
        NETLINK_BATCH_INIT(b);

        while (left > 0) {
                ssize_t k = receive(nl, buffer);
                if (k < 0)
                        return k;
                take_acks(buffer, k, first, n, &left, &result, ret_failed);
        }
        return result;
}

/* --- queries --- */

int netlink_query(Netlink *nl, struct nlmsghdr *h, NetlinkCallback callback, void *userdata) {
        _cleanup_free_ char *buffer = NULL;
        uint32_t sequence = ++nl->sequence;
        int r;

        buffer = malloc(RECEIVE_SIZE);
        if (!buffer)
                return -ENOMEM;

        h->nlmsg_seq = sequence;
        if (mnl_socket_sendto(nl->socket, h, h->nlmsg_len) < 0)
                return -errno;

        do {
                ssize_t n = receive(nl, buffer);
                if (n < 0)
                        return n;
                r = mnl_cb_run(buffer, n, sequence, mnl_socket_get_portid(nl->socket), callback, userdata);
                if (r < 0)
                        return -errno;
        } while (r > MNL_CB_STOP);
        return 0;
}

typedef struct QueryContext {
        union {
                LinkFunction link;
                AddressFunction address;
                RouteFunction route;
        };
        void *userdata;
} QueryContext;

static int callback_result(int r) {
        if (r >= 0)
                return MNL_CB_OK;
        errno = -r;
        return MNL_CB_ERROR;
}

static void copy_string(char *dest, size_t size, const struct nlattr *attr) {
        if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
                (void) snprintf(dest, size, "%s", mnl_attr_get_str(attr));
}

static void parse_linkinfo(const struct nlattr *info, LinkInfo *l) {
        const struct nlattr *attr;

        mnl_attr_for_each_nested(attr, info)
                if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
                        copy_string(l->kind, sizeof(l->kind), attr);
}

static void parse_link_attribute(const struct nlattr *attr, LinkInfo *l) {
        size_t size = mnl_attr_get_payload_len(attr);

        switch (mnl_attr_get_type(attr)) {
        case IFLA_IFNAME:
                copy_string(l->name, sizeof(l->name), attr);
                break;
        case IFLA_IFALIAS:
                copy_string(l->alias, sizeof(l->alias), attr);
                break;
        case IFLA_ADDRESS:
                if (size == sizeof(l->mac.bytes))
                        memcpy(l->mac.bytes, mnl_attr_get_payload(attr), size);
                break;
        case IFLA_MASTER:
                if (size == 4)
                        l->master = mnl_attr_get_u32(attr);
                break;
        case IFLA_GROUP:
                if (size == 4)
                        l->group = mnl_attr_get_u32(attr);
                break;
        case IFLA_MTU:
                if (size == 4)
                        l->mtu = mnl_attr_get_u32(attr);
                break;
        case IFLA_LINKINFO:
                parse_linkinfo(attr, l);
                break;
        default:
                break;
        }
}

static int on_link(const struct nlmsghdr *h, void *userdata) {
        const struct ifinfomsg *i = mnl_nlmsg_get_payload(h);
        QueryContext *context = ASSERT_PTR(userdata);
        const struct nlattr *attr;
        LinkInfo l = {};

        if (h->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(h) < sizeof(*i))
                return MNL_CB_OK;

        l.index = i->ifi_index;
        l.flags = i->ifi_flags;
        mnl_attr_for_each(attr, h, sizeof(*i))
                parse_link_attribute(attr, &l);
        return callback_result(context->link(&l, context->userdata));
}

static int store_link(const LinkInfo *link, void *userdata) {
        *(LinkInfo *) userdata = *link;
        return 0;
}

int netlink_link_get(Netlink *nl, const char *name, LinkInfo *ret) {
        _Alignas(8) char buffer[NETLINK_REQUEST_SIZE_MAX];
        struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
        LinkInfo l = {};
        QueryContext context = { .link = store_link, .userdata = &l };
        int r;

        assert(strlen(name) < IFNAMSIZ);

        h->nlmsg_type = RTM_GETLINK;
        h->nlmsg_flags = NLM_F_REQUEST|NLM_F_ACK;
        put_ifinfo(h, 0, 0, 0);
        mnl_attr_put_strz(h, IFLA_IFNAME, name);
        r = netlink_query(nl, h, on_link, &context);
        if (r < 0)
                return r;
        if (l.index == 0)
                return -ENODEV;

        *ret = l;
        return 0;
}

static int dump(Netlink *nl, uint16_t type, size_t header_size, sa_family_t family, mnl_cb_t callback,
                void *userdata) {
        _Alignas(8) char buffer[NETLINK_REQUEST_SIZE_MAX];
        struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

        h->nlmsg_type = type;
        h->nlmsg_flags = NLM_F_REQUEST|NLM_F_DUMP;
        /* The family is the first byte of each of the three headers. */
        *(uint8_t *) mnl_nlmsg_put_extra_header(h, header_size) = family;
        return netlink_query(nl, h, callback, userdata);
}

int netlink_link_foreach(Netlink *nl, LinkFunction function, void *userdata) {
        QueryContext context = { .link = function, .userdata = userdata };

        return dump(nl, RTM_GETLINK, sizeof(struct ifinfomsg), AF_UNSPEC, on_link, &context);
}

static NetPrefix prefix_from(const struct nlattr *attr, unsigned length) {
        NetPrefix p = { .addr.family = AF_INET, .length = length };

        p.addr.v4 = mnl_attr_get_u32(attr);
        return p;
}

static int on_address(const struct nlmsghdr *h, void *userdata) {
        const struct ifaddrmsg *a = mnl_nlmsg_get_payload(h);
        QueryContext *context = ASSERT_PTR(userdata);
        const struct nlattr *attr;

        if (h->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(h) < sizeof(*a) ||
            a->ifa_family != AF_INET)
                return MNL_CB_OK;

        mnl_attr_for_each(attr, h, sizeof(*a))
                if (mnl_attr_get_type(attr) == IFA_LOCAL && mnl_attr_get_payload_len(attr) == 4) {
                        NetPrefix p = prefix_from(attr, a->ifa_prefixlen);

                        return callback_result(context->address(a->ifa_index, &p, context->userdata));
                }
        return MNL_CB_OK;
}

int netlink_address_foreach(Netlink *nl, AddressFunction function, void *userdata) {
        QueryContext context = { .address = function, .userdata = userdata };

        return dump(nl, RTM_GETADDR, sizeof(struct ifaddrmsg), AF_INET, on_address, &context);
}

static int on_route(const struct nlmsghdr *h, void *userdata) {
        const struct rtmsg *m = mnl_nlmsg_get_payload(h);
        QueryContext *context = ASSERT_PTR(userdata);
        const struct nlattr *attr, *destination = NULL;
        unsigned index = 0;
        NetPrefix p;

        if (h->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(h) < sizeof(*m))
                return MNL_CB_OK;
        if (m->rtm_family != AF_INET || m->rtm_type != RTN_UNICAST || m->rtm_dst_len == 0)
                return MNL_CB_OK;

        mnl_attr_for_each(attr, h, sizeof(*m)) {
                if (mnl_attr_get_payload_len(attr) != 4)
                        continue;
                if (mnl_attr_get_type(attr) == RTA_DST)
                        destination = attr;
                else if (mnl_attr_get_type(attr) == RTA_OIF)
                        index = mnl_attr_get_u32(attr);
        }
        if (!destination)
                return MNL_CB_OK;

        p = prefix_from(destination, m->rtm_dst_len);
        return callback_result(context->route(index, &p, context->userdata));
}

int netlink_route_foreach(Netlink *nl, RouteFunction function, void *userdata) {
        QueryContext context = { .route = function, .userdata = userdata };

        return dump(nl, RTM_GETROUTE, sizeof(struct rtmsg), AF_INET, on_route, &context);
}
