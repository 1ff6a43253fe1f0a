/* SPDX-License-Identifier: Apache-2.0 */
/* Who sent a bus message, and whether polkit lets them do what they ask for; both asked without waiting.
 * Nothing is cached: an answer belongs to one call. Fails closed: everything but a plain "authorized" is
 * a refusal. */
#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "basic/macro.h"
#include "basic/alloc-util.h"

/* From the bus itself, by GetConnectionCredentials: the sender cannot forge it. */
typedef struct BusSender {
        uid_t uid;              /* (uid_t) -1 = the bus does not know */
        pid_t pid; /* 0 = the bus does not know; good for messages and logs, never for a decision */
} BusSender;

typedef struct BusSenderQuery BusSenderQuery;

/* Called once, unless the query is freed before. r < 0: nothing is known about the sender (it is gone,
 * for instance). The callback frees the query, or its owner does later. */
typedef void (*bus_sender_done_t)(BusSenderQuery *q, int r, const BusSender *sender, void *userdata);

int bus_sender_query(sd_bus *bus, const char *unique_name, bus_sender_done_t done, void *userdata,
                     BusSenderQuery **ret);
BusSenderQuery *bus_sender_query_free(BusSenderQuery *q);
DEFINE_TRIVIAL_CLEANUP_FUNC(BusSenderQuery *, bus_sender_query_free);

typedef enum BusPolkitVerdict {
        BUS_POLKIT_ALLOWED,
        BUS_POLKIT_DENIED,
        BUS_POLKIT_CHALLENGE,   /* would be allowed after authentication: not asked for, or it failed */
        BUS_POLKIT_ABSENT,      /* nobody to ask: only root may */
} BusPolkitVerdict;

typedef struct BusPolkitCheck BusPolkitCheck;

/* Called once, unless the check is freed before. */
typedef void (*bus_polkit_done_t)(BusPolkitCheck *check, BusPolkitVerdict verdict, void *userdata);

/* Asks whether the sender may do the action ("org.dockerd1.container.start"). details: NULL or a vector
 * of "key=value", shown to the user and to polkit's rules. interactive: the user may be asked for a
 * password; that waits as long as the user does. Freeing a check that has not ended cancels it at polkit
 * too. */
int bus_polkit_check(sd_bus *bus, const char *unique_name, const char *action, char *const *details,
                     bool interactive, bus_polkit_done_t done, void *userdata, BusPolkitCheck **ret);
BusPolkitCheck *bus_polkit_check_free(BusPolkitCheck *check);
DEFINE_TRIVIAL_CLEANUP_FUNC(BusPolkitCheck *, bus_polkit_check_free);
