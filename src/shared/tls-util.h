/* SPDX-License-Identifier: Apache-2.0 */
/* Server certificates for GnuTLS: loading, checking, reloading, new sessions. Moves no bytes; http/http-
 * tls.c does. */
#pragma once

#include <gnutls/gnutls.h>

#include "basic/error.h"

/* The --tls* options: paths of PEM files. */
typedef struct TlsOptions {
        const char *ca_file;            /* needed with verify */
        const char *cert_file;
        const char *key_file;
        bool verify; /* a client without a certificate signed by the CA is refused in the handshake */
} TlsOptions;

/* What one listener serves with. Shared between listeners; each session keeps the credentials it began
 * with. */
typedef struct TlsContext TlsContext;

/* Reads and checks the files (also enough for --validate). */
int tls_context_new(const TlsOptions *options, TlsContext **ret, Error *reterr);
TlsContext *tls_context_ref(TlsContext *c);
TlsContext *tls_context_unref(TlsContext *c);
DEFINE_TRIVIAL_CLEANUP_FUNC(TlsContext *, tls_context_unref);

/* Reads the files again. New sessions get the new material, running ones keep theirs; on failure all stays
 * as it was. */
int tls_context_reload(TlsContext *c, Error *reterr);

bool tls_context_verifies_clients(const TlsContext *c);

/* A server session on the non-blocking socket fd (borrowed), TLS 1.2 or newer, ready for its handshake. */
typedef struct TlsSession TlsSession;

int tls_session_new(TlsContext *c, int fd, TlsSession **ret);
TlsSession *tls_session_free(TlsSession *s);
DEFINE_TRIVIAL_CLEANUP_FUNC(TlsSession *, tls_session_free);

/* The library's handle, for handshake, record and alert calls. */
gnutls_session_t tls_session_gnutls(TlsSession *s);

/* The distinguished name of the client's certificate after the handshake; NULL in *ret where it sent
 * none. */
int tls_session_client_name(TlsSession *s, char **ret);
