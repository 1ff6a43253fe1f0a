/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to one registry (worker side): its endpoints in their order, authorisation, redirects, repeated
 * requests. Functions return < 0 with the reason in session->failure.
 *
 * Credentials go to the endpoint they are for and to the token server it names, to nobody else: not to
 * mirrors, not along redirects to another origin, not in plain text where the registry itself is not. */
#pragma once

#include "registry/http-client.h"
#include "registry/registry-error.h"
#include "registry/registry-verbs.h"

/* Waits longer than this a server cannot ask for: it fails with its words instead. */
#define REGISTRY_RETRY_AFTER_MAX (60U)
#define REGISTRY_REDIRECTS_MAX 10U
#define REGISTRY_ATTEMPTS_DEFAULT 5U
#define REGISTRY_ATTEMPTS_MIRROR 2U

typedef struct RegistrySession {
        const RegistryAccess *access;   /* borrowed */
        HttpClient *http;
        ProxyRules proxies;
        char **scopes;                  /* of the token */
        bool offline;                   /* a login: ask for an identity token */
        bool always_basic;              /* send a password without being asked (index server) */

        size_t endpoint;                /* in use */
        HttpOrigin origin;              /* of it */
        bool insecure;                  /* it is, as configured or by its address */
        AuthChallengeList challenges;   /* of it; empty = none were seen */
        char *token;                    /* bearer token in use; NULL = none */
        bool wants_basic;               /* it said so to an earlier session */
        char *identity_token;           /* that the token server gave */
        bool *reached;                  /* each endpoint: it answered, or spoke TLS: then its plain twin is
                                         * left alone */
        RegistryFailure failure;
} RegistrySession;

/* actions: "pull", "pull,push"; NULL = a token without a scope. */
int registry_session_init(RegistrySession *s, const RegistryAccess *access, const char *actions);
void registry_session_done(RegistrySession *s);
DEFINE_CLEANUP_DONE(RegistrySession, registry_session_done);
int registry_session_add_scope(RegistrySession *s, const char *scope);

/* Sets the reason; returns a negative errno. */
int registry_fail(RegistrySession *s, RegistryFailureKind kind, const char *format, ...) _printf_(3, 4);
/* The same from an error of a library; -ENOMEM and the like are LOCAL. */
int registry_fail_error(RegistrySession *s, RegistryFailureKind kind, const Error *e);
int registry_fail_errno(RegistrySession *s, int r, const char *what);
/* Puts "what: " before the text; returns r. */
int registry_fail_prefix(RegistrySession *s, int r, const char *what);

/* Calls f for each endpoint from access->first on until it succeeds or the failure is final. ping: GET /v2/
 * goes first, as Docker does it, which finds out what the server wants to see. */
typedef int (*RegistryFunction)(RegistrySession *s, void *userdata);
int registry_each_endpoint(RegistrySession *s, bool ping, RegistryFunction f, void *userdata);

/* What spares the next session of this endpoint the question, for RegistryAccess.token; "" = nothing. */
const char *registry_session_token(const RegistrySession *s);

typedef struct RegistryRequest {
        HttpTransfer http;              /* method, sink, range, body, text_max, ... by the caller */
        char *path;                     /* behind the endpoint: "/v2/..."; or a whole URL */
        const char *label;              /* of messages: "Get"; NULL = from the method */
        bool content_addressed;         /* what comes is checked by its digest: may come in plain text */
        bool anonymous;                 /* no authorisation at all */

        unsigned redirects;
        bool reauthorised;
        bool redirected;
} RegistryRequest;

#define REGISTRY_REQUEST_NULL ((RegistryRequest) { .http = { .body_fd = -EBADF } })
void registry_request_done(RegistryRequest *q);
DEFINE_CLEANUP_DONE(RegistryRequest, registry_request_done);

/* Step by step, for several at once: start, http_client_run() until q->http.done, step: 1 = it succeeded, 0
 * = it goes on (redirect, authorisation), < 0 failed. */
int registry_request_start(RegistrySession *s, RegistryRequest *q);
int registry_request_step(RegistrySession *s, RegistryRequest *q);
/* All of it, repeated while that may help. */
int registry_request_run(RegistrySession *s, RegistryRequest *q);
/* The same without a second try of its own. */
int registry_request_run_once(RegistrySession *s, RegistryRequest *q);

/* True if the failure may pass; *ret_wait: the server asked for so many seconds (0 = it did not). */
bool registry_failure_is_temporary(const RegistrySession *s, const RegistryRequest *q, unsigned *ret_wait);

unsigned registry_attempts(const RegistrySession *s);

/* --- registry-auth.c --- */

/* The header for a request to the endpoint; NULL in *ret = none. */
int registry_authorization(RegistrySession *s, char **ret);
/* After a 401: forgets what was used and looks at the answer's challenges. 1: try again; 0: no use. */
int registry_reauthorise(RegistrySession *s, HttpTransfer *t);

/* --- errors of the verbs --- */

/* Docker's translation for a pull: what is not there is NotFound with the name in its text. reference: of
 * the message, "busybox:1". */
int registry_pull_error(const RegistrySession *s, const char *reference, Error *reterr);
/* The kind from the code, the text as it is. */
int registry_plain_error(const RegistrySession *s, Error *reterr);
