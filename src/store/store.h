/* SPDX-License-Identifier: Apache-2.0 */
/* Documents on disk: one SQLite database (WAL) under the data root, one table per kind, key -> JSON text.
 * What the user asked for is written with full sync before the reply. A damaged record is set aside, never a
 * reason not to start. */
#pragma once

#include "basic/error.h"

typedef struct Store Store;

typedef enum StoreKind {
        STORE_CONTAINER,        /* key: container id */
        STORE_IMAGE,            /* key: image id "sha256:..." */
        STORE_REFERENCE,        /* key: canonical reference "docker.io/library/busybox:latest" */
        STORE_LAYER,            /* key: chain id "sha256:..." */
        STORE_NETWORK,          /* key: network id */
        STORE_LEASE,            /* key: "<network id>/<address>" */
        STORE_VOLUME,           /* key: volume name */
        STORE_META,             /* key: name of one value: "engine-id" */
        _STORE_KIND_MAX,
} StoreKind;

typedef enum StoreSync {
        STORE_SYNC_FULL,        /* on disk when the call returns: what was asked for */
        STORE_SYNC_LAZY,        /* atomic, but may be lost by a power cut: what can be found out again */
} StoreSync;

/* Opens or makes <data_root>/state.db, checks its integrity; a damaged database is moved to
 * state.db.damaged-<time> and a new one is begun, which *ret_damaged says. */
int store_open(const char *data_root, Store **ret, bool *ret_damaged, Error *reterr);
/* Only if it is there and sound: -ENOENT, -EUCLEAN; nothing is made or moved. */
int store_open_existing(const char *data_root, Store **ret, Error *reterr);
Store *store_close(Store *s);
DEFINE_TRIVIAL_CLEANUP_FUNC(Store *, store_close);

int store_put(Store *s, StoreKind kind, const char *key, const char *json, StoreSync sync, Error *reterr);
/* No such key is success. */
int store_delete(Store *s, StoreKind kind, const char *key, StoreSync sync, Error *reterr);
/* 0 and NULL if there is none. Owned by the caller. */
int store_get(Store *s, StoreKind kind, const char *key, char **ret_json, Error *reterr);

/* Moves the record to the table "damaged". No such key is success. */
int store_set_aside(Store *s, StoreKind kind, const char *key, Error *reterr);

/* In order of insertion. A callback that fails does not stop the walk: the record is moved to the table
 * "damaged" and counted; the callback reports it. Returns the number of records set aside. */
typedef int (*StoreCallback)(const char *key, const char *json, void *userdata);
int store_foreach(Store *s, StoreKind kind, StoreCallback callback, void *userdata, Error *reterr);

/* Several writes at once: all or none. The sync of the commit counts. Nesting is a bug. */
int store_begin(Store *s, Error *reterr);
int store_commit(Store *s, StoreSync sync, Error *reterr);
void store_rollback(Store *s);
