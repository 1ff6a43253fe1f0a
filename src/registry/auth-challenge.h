/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate (RFC 7235 section 4.1, RFC 6750 section 3): what a server wants to see before it answers.
 * Parsing only. */
#pragma once

#include "basic/alloc-util.h"

#define AUTH_CHALLENGES_MAX 8U
#define AUTH_CHALLENGE_HEADER_MAX (16U * 1024U)

typedef struct AuthChallenge {
        char *scheme;                   /* lower case: "bearer", "basic" */
        char *realm;                    /* parameters that are not there are NULL */
        char *service;
        char *scope;
        char *error;
        char *error_description;
} AuthChallenge;

typedef struct AuthChallengeList {
        AuthChallenge *items;
        size_t n_items, allocated;
} AuthChallengeList;

/* Adds the challenges of one header line; several may stand in one. What cannot be read ends the line
 * without an error. Returns -ENOMEM only. */
int auth_challenges_add(AuthChallengeList *l, const char *header);
const AuthChallenge *auth_challenges_find(const AuthChallengeList *l, const char *scheme);
void auth_challenges_done(AuthChallengeList *l);
DEFINE_CLEANUP_DONE(AuthChallengeList, auth_challenges_done);
