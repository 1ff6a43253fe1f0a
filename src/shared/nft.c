/* SPDX-License-Identifier: Apache-2.0 */
/* nftables transactions through libnftables, and notifications about changes by others through libmnl. */
#include "shared/nft.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>

#include "basic/errno-util.h"
#include "basic/log.h"
#include "basic/string-util.h"

static void nft_ctx_freep(struct nft_ctx **ctx) {
        if (*ctx)
                nft_ctx_free(*ctx);
}

int nft_transaction(const char *text, Error *reterr) {
        _cleanup_(nft_ctx_freep) struct nft_ctx *ctx = NULL;
        const char *message;

        assert(text);

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

/* --- watch --- */

struct NftWatch {
        struct mnl_socket *socket;
        sd_event_source *source;
        sd_event_source *report_source; /* one shot: damage found outside the event loop */
        uint8_t family;
        char *table;
        NftWatchFunction function;
        void *userdata;

        bool damaged;                   /* something of ours was deleted since function was called */
        bool damaged_in_transaction;    /* in the transaction whose notifications are being read */
        unsigned n_transactions;        /* ends of transactions seen, of anybody */
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
        } else if (is_deletion(type) && g->nfgen_family == w->family && is_table(h, w->table))
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

static void watch_report(NftWatch *w) {
        if (!w->damaged)
                return;
        w->damaged = false;
        w->function(w->userdata);
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        NftWatch *w = ASSERT_PTR(userdata);

        watch_drain(w);
        watch_report(w);
        return 0;
}

static int on_report(sd_event_source *s, void *userdata) {
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
        assert(table);
        assert(function);

        w = new(NftWatch, 1);
        if (!w)
                return -ENOMEM;
        *w = (NftWatch) { .family = family, .function = function, .userdata = userdata };
        w->table = strdup(table);
        if (!w->table)
                return -ENOMEM;

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
        r = sd_event_add_defer(event, &w->report_source, on_report, w);
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
                (void) sd_event_source_set_enabled(w->report_source, SD_EVENT_ONESHOT);
        return r;
}
