/* SPDX-License-Identifier: Apache-2.0 */
/* nftables, in process: one text is one atomic transaction. And a watch that tells when others take our
 * table apart. */
#pragma once

#include <systemd/sd-event.h>

#include "basic/error.h"
#include "basic/strv.h"

/* Keeps the low descriptor that the library needs; to be called while there still are some. */
int nft_keep_descriptor(void);

/* Carries out a text in nft's language as one transaction: all of it or nothing. The library's context
 * lives for the call only: a kept one holds copies of the rule set (1 to 3 MB). Costs 0.2 to 1 ms. Trap:
 * libnftables ends the process when memory is out. */
int nft_transaction(const char *text, Error *reterr);

/* By its name alone, whatever is in it: who may change the table could make it large. Family: NFPROTO_*. */
int nft_table_exists(uint8_t family, const char *table);

/* The table's comment, NULL if it has none. -ENOENT: there is no such table. */
int nft_table_comment(uint8_t family, const char *table, char **ret);

/* Makes an empty table with a comment (at most 127 bytes). -EEXIST: somebody else was there first. */
int nft_table_claim(uint8_t family, const char *table, const char *comment);

/* Base chains at hook forward (families ip, ip6 and inet) that drop what none of their rules accepts, of all
 * tables but the given one: "ip filter FORWARD", ... Rules of another table cannot make up for it. */
int nft_list_drop_forward(const char *except_table, char ***ret);

typedef struct NftWatch NftWatch;

/* The family and table as in NFT_MSG notifications (NFPROTO_*). */
typedef void (*NftWatchFunction)(void *userdata);

/* Calls function after somebody else deleted the table, or chains, rules, sets or elements of it. Without
 * a table: after chains of the families ip and ip6 came, changed or went, or rules of them went. */
int nft_watch_new(
                sd_event *event,
                uint8_t family,
                const char *table,
                NftWatchFunction function,
                void *userdata,
                NftWatch **ret);
NftWatch *nft_watch_free(NftWatch *w);
DEFINE_TRIVIAL_CLEANUP_FUNC(NftWatch *, nft_watch_free);

typedef enum NftTransactionFlags {
        NFT_REPLACES_TABLE = 1 << 0,    /* makes the whole table anew: earlier damage is repaired by it */
} NftTransactionFlags;

/* nft_transaction() on a watched table: what the transaction itself deletes is not reported. w
 * may be NULL. */
int nft_watch_transaction(NftWatch *w, const char *text, NftTransactionFlags flags, Error *reterr);
