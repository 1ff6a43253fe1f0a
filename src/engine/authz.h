/* SPDX-License-Identifier: Apache-2.0 */
/* May this caller do this call? One decision for both faces; it fails closed.
 *
 *   ourselves, CALL_PUBLIC     yes
 *   HTTP                       yes: who reached the socket was let in by its mode and group, by the TLS
 *                              handshake, or by whoever opened an unprotected port
 *   bus, uid 0                 yes
 *   bus, anybody else          polkit's answer for org.dockerd1.<action>; without polkit no
 */
#pragma once

#include "engine/call.h"

#define AUTHZ_ACTION_PREFIX "org.dockerd1."

typedef struct AuthzCheck AuthzCheck;

/* Called once from the loop, with call->error set if r < 0; not when the check was freed before. It may
 * free the check. */
typedef void (*authz_done_t)(Call *call, int r);

/* 1: allowed; < 0: refused, call->error is set; 0: pending, done tells. *ret is set only then, borrows
 * the call, and belongs to the caller, who frees it after done or to cancel (a dialogue that is on the
 * user's screen goes away). */
int authz_check(Call *call, authz_done_t done, AuthzCheck **ret);
AuthzCheck *authz_check_free(AuthzCheck *check);
DEFINE_TRIVIAL_CLEANUP_FUNC(AuthzCheck *, authz_check_free);

/* The same for what is no engine call (reading properties on the bus). The error is given to done only if
 * r < 0. */
typedef void (*authz_action_done_t)(int r, const Error *error, void *userdata);
int authz_check_action(Engine *e, const Caller *caller, const char *action, authz_action_done_t done,
                       void *userdata, AuthzCheck **ret, Error *reterr);
