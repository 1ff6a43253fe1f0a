/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry says when it refuses (distribution-spec, "Error codes"): its JSON in Docker's words. */
#pragma once

#include "basic/error.h"
#include "registry/auth-challenge.h"

/* Bytes of the body of a refusal that are looked at. */
#define REGISTRY_ERROR_BODY_MAX (64U * 1024U)

typedef enum RegistryCode {
        REGISTRY_CODE_UNKNOWN,
        REGISTRY_CODE_UNAUTHORIZED,
        REGISTRY_CODE_DENIED,
        REGISTRY_CODE_NAME_UNKNOWN,
        REGISTRY_CODE_MANIFEST_UNKNOWN,
        REGISTRY_CODE_BLOB_UNKNOWN,
        REGISTRY_CODE_TOO_MANY_REQUESTS,
        REGISTRY_CODE_NO_PLATFORM,      /* ours: an index without the wanted one */
        REGISTRY_CODE_OTHER,
        _REGISTRY_CODE_MAX,
} RegistryCode;

typedef enum RegistryFailureKind {
        REGISTRY_FAILURE_TRANSPORT,     /* no HTTP was spoken */
        REGISTRY_FAILURE_CODE,          /* the registry gave a code */
        REGISTRY_FAILURE_RESPONSE,      /* 4xx with a body that is none */
        REGISTRY_FAILURE_STATUS,        /* 5xx and what else is no answer */
        REGISTRY_FAILURE_CONTENT,       /* what came is not what was asked for */
        REGISTRY_FAILURE_LOCAL,         /* ours: files, memory, the reader of the pipe */
} RegistryFailureKind;

typedef struct RegistryFailure {
        RegistryFailureKind kind;
        RegistryCode code;              /* of the first error */
        unsigned status;                /* HTTP; 0 = none */
        char *text;                     /* "denied: requested access to the resource is denied" */
        size_t bare;                    /* where that starts behind `Get "URL": ` */
} RegistryFailure;

void registry_failure_done(RegistryFailure *f);
DEFINE_CLEANUP_DONE(RegistryFailure, registry_failure_done);

/* A response that is no success. The text is cut and has no control characters but newlines. */
int registry_failure_from_response(unsigned status, const char *body, size_t size,
                                   const AuthChallengeList *challenges, RegistryFailure *ret);

/* "500 Internal Server Error" */
const char *http_status_text(unsigned status);
