/* SPDX-License-Identifier: Apache-2.0 */
/* Which host ports are taken, by the daemon's own listeners and by published ports of containers. A
 * published port is held by a bound socket as well, so that no other program takes it and one that is taken
 * is found. */
#pragma once

#include "basic/error.h"
#include "basic/net-addr.h"

typedef struct Portmap Portmap;

typedef enum PortProtocol {
        PORT_TCP,
        PORT_UDP,
        PORT_SCTP,
        _PORT_PROTOCOL_MAX,
        _PORT_PROTOCOL_INVALID = -EINVAL,
} PortProtocol;

const char *port_protocol_to_string(PortProtocol p);
PortProtocol port_protocol_from_string(const char *s);
int port_protocol_number(PortProtocol p);       /* IPPROTO_* */

int portmap_new(Portmap **ret);
Portmap *portmap_free(Portmap *m);
DEFINE_TRIVIAL_CLEANUP_FUNC(Portmap *, portmap_free);

/* Takes the port of a listener that exists already (no socket is bound here). Address 0.0.0.0 conflicts
 * with every address of the port. The failure text is Docker's: "Bind for 0.0.0.0:80 failed: port is
 * already allocated". */
int portmap_reserve(Portmap *m, PortProtocol protocol, const NetAddr *address, uint16_t port, Error *reterr);

/* Takes the first free port of [first, last] for a container and binds a socket to it; 0, 0 means any of
 * the host's ephemeral range. */
int portmap_allocate(
                Portmap *m,
                PortProtocol protocol,
                const NetAddr *address,
                uint16_t first,
                uint16_t last,
                uint16_t *ret_port,
                Error *reterr);

/* Nothing happens if the port is not taken. */
void portmap_release(Portmap *m, PortProtocol protocol, const NetAddr *address, uint16_t port);
