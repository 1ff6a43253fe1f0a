/* SPDX-License-Identifier: Apache-2.0 */
/* TLS pump: ends TLS on an accepted socket and moves the plain bytes to and from a socketpair, whose other
 * end is an ordinary connection for the HTTP parser and for hijacked streams. Half-close passes both ways.
 * Of HTTP it knows only how a request looks that came without TLS. */
#pragma once

#include <systemd/sd-event.h>

#include "shared/tls-util.h"

typedef struct TlsPump TlsPump;

typedef struct TlsPumpHooks {
        /* The handshake is done: plain_fd (now the callee's) carries the session. Called at most once. */
        void (*ready)(TlsPump *p, int plain_fd, void *userdata);
        /* The last call; the pump frees itself after it. reason says why a handshake failed, NULL
         * otherwise. */
        void (*closed)(TlsPump *p, const char *reason, void *userdata);
} TlsPumpHooks;

/* Owns fd from here on, in every case. */
int tls_pump_new(sd_event *event, TlsContext *context, int fd, const TlsPumpHooks *hooks, void *userdata,
                 TlsPump **ret);
/* Ends at once, without the closed hook. */
TlsPump *tls_pump_free(TlsPump *p);

/* For the ready hook. */
TlsSession *tls_pump_session(TlsPump *p);
/* Handshake still to be done: such a pump may be thrown out when connections run short. */
bool tls_pump_is_ready(const TlsPump *p);
