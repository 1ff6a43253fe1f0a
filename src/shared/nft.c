/* SPDX-License-Identifier: Apache-2.0 */
/* nftables transactions through libnftables, and notifications about changes by others through libmnl. */
#include "shared/nft.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>
#include <sys/select.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/log.h"
#include "basic/string-util.h"
#include "basic/time-util.h"

static void nft_ctx_freep(struct nft_ctx **ctx) {
        if (*ctx)
                nft_ctx_free(*ctx);
}

/* libnftables waits with select(), which ends the process for a descriptor of FD_SETSIZE or more, and a
 * daemon with many clients has no lower one. This one gives way to its socket for the call. */
static int low_fd = -EBADF;

int nft_keep_descriptor(void) {
        if (low_fd < 0)
                low_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return low_fd < 0 ? -errno : 0;
}

static void keep_descriptor_again(int *unused) {
        (void) nft_keep_descriptor();
}

int nft_transaction(const char *text, Error *reterr) {
        _cleanup_(keep_descriptor_again) int unused = 0;        /* after the context, which is freed first */
        _cleanup_(nft_ctx_freep) struct nft_ctx *ctx = NULL;
        const char *message;
        int r;

        assert(text);

        r = nft_keep_descriptor();
        if (r >= 0 && low_fd >= FD_SETSIZE)
                r = -EMFILE;
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "nftables");
        low_fd = safe_close(low_fd);
        ctx = nft_ctx_new(NFT_CTX_DEFAULT);
        if (!ctx)
                return error_fill(reterr, -ENOMEM);
        /* Else it writes to our standard streams. */
        if (nft_ctx_buffer_error(ctx) != 0 || nft_ctx_buffer_output(ctx) != 0)
                return error_fill(reterr, -ENOMEM);

        errno = 0;
        if (nft_run_cmd_from_buffer(ctx, text) == 0)
                return 0;

        message = nft_ctx_get_error_buffer(ctx);
        log_debug("nft transaction failed: %s", strempty(message));
        /* The first line says it; the next ones quote the text. */
        return error_setf(reterr, ERROR_INTERNAL, "nftables: %.*s",
                          message ? (int) strcspn(message, "\n") : 7, message ?: "no text");
}

/* --- chains of others --- */

typedef struct ForwardContext {
        const char *except_table;
        char **names;
} ForwardContext;

typedef struct ChainInfo {
        uint8_t family;
        const char *table, *name;
        bool forward;
        bool drop;
} ChainInfo;

static bool is_forward_hook(const struct nlattr *hook) {
        const struct nlattr *attr;

        mnl_attr_for_each_nested(attr, hook)
                if (mnl_attr_get_type(attr) == NFTA_HOOK_HOOKNUM && mnl_attr_get_payload_len(attr) == 4)
                        return ntohl(mnl_attr_get_u32(attr)) == NF_INET_FORWARD;
        return false;
}

static void parse_chain_attribute(const struct nlattr *attr, ChainInfo *c) {
        switch (mnl_attr_get_type(attr)) {
        case NFTA_CHAIN_TABLE:
                c->table = mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str(attr) : NULL;
                break;
        case NFTA_CHAIN_NAME:
                c->name = mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str(attr) : NULL;
                break;
        case NFTA_CHAIN_HOOK:
                c->forward = is_forward_hook(attr);
                break;
        case NFTA_CHAIN_POLICY:
                c->drop = mnl_attr_get_payload_len(attr) == 4 && ntohl(mnl_attr_get_u32(attr)) == NF_DROP;
                break;
        default:
                break;
        }
}

static const char *family_name(uint8_t family) {
        return family == NFPROTO_INET ? "inet" : family == NFPROTO_IPV6 ? "ip6" : "ip";
}

static int on_chain(const struct nlmsghdr *h, void *userdata) {
        const struct nfgenmsg *g = mnl_nlmsg_get_payload(h);
        ForwardContext *context = ASSERT_PTR(userdata);
        const struct nlattr *attr;
        ChainInfo c = {};
        int r;

        if (mnl_nlmsg_get_payload_len(h) < sizeof(*g) ||
            !IN_SET(g->nfgen_family, NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET))
                return MNL_CB_OK;
        mnl_attr_for_each(attr, h, sizeof(*g))
                parse_chain_attribute(attr, &c);
        if (!c.forward || !c.drop || !c.table || !c.name || streq(c.table, context->except_table))
                return MNL_CB_OK;

        r = strv_extendf(&context->names, "%s %s %s", family_name(g->nfgen_family),
                         c.table, c.name);
        if (r >= 0)
                return MNL_CB_OK;
        errno = -r;
        return MNL_CB_ERROR;
}

static int exchange(struct mnl_socket *socket, const struct nlmsghdr *h, mnl_cb_t callback, void *userdata) {
        static const struct timeval timeout = { .tv_sec = 5 };
        _Alignas(8) char buffer[16384];
        int r;

        if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
                return -errno;
        if (setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
                return -errno;
        if (mnl_socket_sendto(socket, h, h->nlmsg_len) < 0)
                return -errno;

        do {
                ssize_t n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
                if (n < 0)
                        return -errno;
                r = mnl_cb_run(buffer, n, h->nlmsg_seq, mnl_socket_get_portid(socket), callback, userdata);
                if (r < 0)
                        return -errno;
        } while (r > MNL_CB_STOP);
        return 0;
}

/* Asks the kernel and passes each message of the answer to the callback. */
static int ask(const struct nlmsghdr *h, mnl_cb_t callback, void *userdata) {
        struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
        int r;

        if (!socket)
                return -errno;
        r = exchange(socket, h, callback, userdata);
        (void) mnl_socket_close(socket);
        return r;
}

static struct nlmsghdr *put_question(void *buffer, uint16_t type, uint16_t flags, uint8_t family) {
        struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
        struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

        h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | type;
        h->nlmsg_flags = NLM_F_REQUEST | flags;
        h->nlmsg_seq = 1;
        g->nfgen_family = family;
        return h;
}

static int on_table(const struct nlmsghdr *h, void *userdata) {
        return MNL_CB_STOP;
}

int nft_table_exists(uint8_t family, const char *table) {
        _Alignas(8) char buffer[512];
        struct nlmsghdr *h = put_question(buffer, NFT_MSG_GETTABLE, 0, family);
        int r;

        assert(table && strlen(table) < NFT_TABLE_MAXNAMELEN);

        mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
        r = ask(h, on_table, NULL);
        return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/* User data of a table, as libnftnl writes it: entries of type, size and value; type 0 is the comment. */
#define UDATA_COMMENT 0

static int on_table_comment(const struct nlmsghdr *h, void *userdata) {
        const struct nlattr *attr;
        char **ret = userdata;

        mnl_attr_for_each(attr, h, sizeof(struct nfgenmsg)) {
                const uint8_t *data = mnl_attr_get_payload(attr);
                size_t size = mnl_attr_get_payload_len(attr);

                if (mnl_attr_get_type(attr) != NFTA_TABLE_USERDATA)
                        continue;
                for (size_t i = 0; i + 2 <= size && i + 2 + data[i + 1] <= size; i += 2 + data[i + 1])
                        if (data[i] == UDATA_COMMENT && !*ret)
                                *ret = strndup((const char *) data + i + 2, data[i + 1]);
        }
        return MNL_CB_STOP;
}

int nft_table_comment(uint8_t family, const char *table, char **ret) {
        _Alignas(8) char buffer[512];
        struct nlmsghdr *h = put_question(buffer, NFT_MSG_GETTABLE, 0, family);
        char *comment = NULL;
        int r;

        assert(table && strlen(table) < NFT_TABLE_MAXNAMELEN);
        assert(ret);

        mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
        r = ask(h, on_table_comment, &comment);
        if (r < 0) {
                free(comment);
                return r;
        }
        *ret = comment;
        return 0;
}

static struct nlmsghdr *put_batch(void *buffer, uint16_t type) {
        struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
        struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

        h->nlmsg_type = type;
        h->nlmsg_flags = NLM_F_REQUEST;
        h->nlmsg_seq = 1;
        g->res_id = htons(NFNL_SUBSYS_NFTABLES);
        return h;
}

int nft_table_claim(uint8_t family, const char *table, const char *comment) {
        _Alignas(8) char buffer[1024];
        struct mnl_socket *socket;
        uint8_t data[2 + 128] = { UDATA_COMMENT };
        size_t used = 0, n = strlen(comment) + 1;
        struct nlmsghdr *h;
        int r;

        assert(table && strlen(table) < NFT_TABLE_MAXNAMELEN);
        assert(n <= sizeof(data) - 2);

        data[1] = n;
        memcpy(data + 2, comment, n);
        used += MNL_ALIGN(put_batch(buffer, NFNL_MSG_BATCH_BEGIN)->nlmsg_len);
        h = put_question(buffer + used, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, family);
        mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
        mnl_attr_put(h, NFTA_TABLE_USERDATA, 2 + n, data);
        used += MNL_ALIGN(h->nlmsg_len);
        used += MNL_ALIGN(put_batch(buffer + used, NFNL_MSG_BATCH_END)->nlmsg_len);

        socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
        if (!socket)
                return -errno;
        r = -EIO;
        if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
            mnl_socket_sendto(socket, buffer, used) < 0)
                r = -errno;
        else {
                /* The answer to the one request that asks for one. */
                ssize_t k = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

                if (k > 0 && mnl_cb_run(buffer, k, 1, mnl_socket_get_portid(socket), NULL, NULL) >= 0)
                        r = 0;
                else
                        r = -errno;
        }
        (void) mnl_socket_close(socket);
        return r;
}

int nft_list_drop_forward(const char *except_table, char ***ret) {
        ForwardContext context = { .except_table = except_table };
        _Alignas(8) char buffer[64];
        int r;

        assert(except_table);
        assert(ret);

        r = ask(put_question(buffer, NFT_MSG_GETCHAIN, NLM_F_DUMP, NFPROTO_UNSPEC), on_chain, &context);
        if (r < 0) {
                strv_free(context.names);
                return r;
        }
        *ret = context.names;
        return 0;
}

/* --- watch --- */

/* Who repairs a table that somebody else repairs as well would do so for ever: so many reports in such a
 * time, the next one after it. */
#define REPORTS_BURST 5U
#define REPORTS_INTERVAL_USEC (10 * USEC_PER_SEC)

struct NftWatch {
        struct mnl_socket *socket;
        sd_event_source *source;
        sd_event_source *report_source; /* timer: damage that is to be reported later */
        uint8_t family;
        char *table;                    /* NULL: all of ip and ip6 */
        NftWatchFunction function;
        void *userdata;

        bool damaged;                   /* something of ours was deleted since function was called */
        bool damaged_in_transaction;    /* in the transaction whose notifications are being read */
        unsigned n_transactions;        /* ends of transactions seen, of anybody */
        unsigned n_reports;             /* since interval_begin */
        uint64_t interval_begin;        /* CLOCK_MONOTONIC */
};

/* Notifications of a table whose loss breaks us. Additions do no harm that deletions would not do. */
static bool is_deletion(uint16_t type) {
        return IN_SET(type, NFT_MSG_DELTABLE, NFT_MSG_DELCHAIN, NFT_MSG_DELRULE, NFT_MSG_DELSET,
                      NFT_MSG_DELSETELEM);
}

/* The table's name is attribute 1 of all of these (NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE,
 * ...). */
static bool is_table(const struct nlmsghdr *h, const char *table) {
        const struct nlattr *attr;

        mnl_attr_for_each(attr, h, sizeof(struct nfgenmsg)) if (
                        mnl_attr_get_type(attr) ==
                        NFTA_TABLE_NAME) return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
                        streq(mnl_attr_get_str(attr), table);
        return false;
}

static bool concerns(const NftWatch *w, uint16_t type, uint8_t family, const struct nlmsghdr *h) {
        if (!w->table)
                return IN_SET(family, NFPROTO_IPV4, NFPROTO_IPV6) &&
                       IN_SET(type, NFT_MSG_DELTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFT_MSG_DELRULE);
        return is_deletion(type) && family == w->family && is_table(h, w->table);
}

static int on_notification(const struct nlmsghdr *h, void *userdata) {
        const struct nfgenmsg *g = mnl_nlmsg_get_payload(h);
        NftWatch *w = ASSERT_PTR(userdata);
        uint16_t type = NFNL_MSG_TYPE(h->nlmsg_type);

        if (NFNL_SUBSYS_ID(h->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
            mnl_nlmsg_get_payload_len(h) < sizeof(*g))
                return MNL_CB_OK;

        if (type == NFT_MSG_NEWGEN) {
                /* The end of a transaction. */
                w->n_transactions++;
                w->damaged |= w->damaged_in_transaction;
                w->damaged_in_transaction = false;
        } else if (concerns(w, type, g->nfgen_family, h))
                w->damaged_in_transaction = true;
        return MNL_CB_OK;
}

/* Reads all that is queued. A queue that ran over may have lost the one that matters. */
static void watch_drain(NftWatch *w) {
        _Alignas(8) char buffer[16384];

        for (;;) {
                ssize_t n = recv(mnl_socket_get_fd(w->socket), buffer, sizeof(buffer), MSG_DONTWAIT);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == ENOBUFS) {
                        w->damaged = true;
                        continue;
                }
                if (n <= 0)
                        return;
                (void) mnl_cb_run(buffer, n, 0, 0, on_notification, w);
        }
}

static void watch_report_at(NftWatch *w, uint64_t usec) {
        (void) sd_event_source_set_time(w->report_source, usec);
        (void) sd_event_source_set_enabled(w->report_source, SD_EVENT_ONESHOT);
}

static void watch_report(NftWatch *w) {
        uint64_t now = now_usec(CLOCK_MONOTONIC);

        if (!w->damaged)
                return;
        if (now >= w->interval_begin + REPORTS_INTERVAL_USEC) {
                w->interval_begin = now;
                w->n_reports = 0;
        }
        if (w->n_reports >= REPORTS_BURST) {
                watch_report_at(w, w->interval_begin + REPORTS_INTERVAL_USEC);
                return;
        }
        w->n_reports++;
        w->damaged = false;
        w->function(w->userdata);
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        NftWatch *w = ASSERT_PTR(userdata);

        watch_drain(w);
        watch_report(w);
        return 0;
}

static int on_report(sd_event_source *s, uint64_t usec, void *userdata) {
        watch_report(ASSERT_PTR(userdata));
        return 0;
}

int nft_watch_new(
                sd_event *event,
                uint8_t family,
                const char *table,
                NftWatchFunction function,
                void *userdata,
                NftWatch **ret) {

        _cleanup_(nft_watch_freep) NftWatch *w = NULL;
        int r, group = NFNLGRP_NFTABLES;

        assert(event);
        assert(function);

        w = new(NftWatch, 1);
        if (!w)
                return -ENOMEM;
        *w = (NftWatch) { .family = family, .function = function, .userdata = userdata };
        r = free_and_strdup(&w->table, table);
        if (r < 0)
                return r;

        w->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC|SOCK_NONBLOCK);
        if (!w->socket)
                return -errno;
        if (mnl_socket_bind(w->socket, 0, MNL_SOCKET_AUTOPID) < 0)
                return -errno;
        if (mnl_socket_setsockopt(w->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
                return -errno;

        r = sd_event_add_io(event, &w->source, mnl_socket_get_fd(w->socket), EPOLLIN, on_readable, w);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(w->source, "nft-watch");
        r = sd_event_add_time(event, &w->report_source, CLOCK_MONOTONIC, 0, 0, on_report, w);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(w->report_source, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(w);
        return 0;
}

NftWatch *nft_watch_free(NftWatch *w) {
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->source);
        sd_event_source_disable_unref(w->report_source);
        if (w->socket)
                (void) mnl_socket_close(w->socket);
        free(w->table);
        return mfree(w);
}

int nft_watch_transaction(NftWatch *w, const char *text, NftTransactionFlags flags, Error *reterr) {
        bool damaged;
        int r;

        if (!w)
                return nft_transaction(text, reterr);

        /* The kernel queues the notifications of a transaction before the call that made it returns. So if
         * exactly one transaction ended between the two readings, it was ours and its deletions are meant.
         * If others came in between we cannot tell them apart, and report. */
        watch_drain(w);
        damaged = w->damaged;
        w->n_transactions = 0;
        r = nft_transaction(text, reterr);
        watch_drain(w);
        if (w->n_transactions <= 1)
                w->damaged = damaged && !(r >= 0 && FLAGS_SET(flags, NFT_REPLACES_TABLE));
        if (w->damaged)
                watch_report_at(w, 0);
        return r;
}
