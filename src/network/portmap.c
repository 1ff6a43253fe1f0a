/* SPDX-License-Identifier: Apache-2.0 */
/* Which host ports are taken, by the daemon's own listeners and by published ports of containers. No
 * firewall. */
#include "network/portmap.h"

#include <stdio.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/hashmap.h"
#include "basic/list.h"
#include "basic/string-table.h"

#define PORT_RANGE_FILE "/proc/sys/net/ipv4/ip_local_port_range"
/* What the kernel has when nobody changed it; for namespaces where it cannot be read. */
#define PORT_RANGE_FIRST 32768U
#define PORT_RANGE_LAST 60999U

#define KEY_MAX sizeof("sctp/65535")

typedef struct Reservation {
        LIST_FIELDS(struct Reservation, reservations);
        NetAddr address;
        int fd;                         /* bound socket, or -EBADF for the daemon's listeners */
} Reservation;

/* All reservations of one protocol and port */
typedef struct PortSlot {
        char key[KEY_MAX];              /* "tcp/80" */
        Reservation *reservations;
} PortSlot;

struct Portmap {
        Hashmap *slots;
        uint16_t next_ephemeral;        /* where the next search starts; 0 = at the beginning */
};

static const char *const port_protocol_table[_PORT_PROTOCOL_MAX] = {
        [PORT_TCP]  = "tcp",
        [PORT_UDP]  = "udp",
        [PORT_SCTP] = "sctp",
};
DEFINE_STRING_TABLE(port_protocol, PortProtocol);

static const struct {
        int protocol, type;
} port_protocol_sockets[_PORT_PROTOCOL_MAX] = {
        [PORT_TCP]  = { IPPROTO_TCP,  SOCK_STREAM },
        [PORT_UDP]  = { IPPROTO_UDP,  SOCK_DGRAM  },
        [PORT_SCTP] = { IPPROTO_SCTP, SOCK_STREAM },
};

int port_protocol_number(PortProtocol p) {
        assert(p >= 0 && p < _PORT_PROTOCOL_MAX);
        return port_protocol_sockets[p].protocol;
}

int portmap_new(Portmap **ret) {
        _cleanup_(portmap_freep) Portmap *m = NULL;

        m = new0(Portmap, 1);
        if (!m)
                return -ENOMEM;
        m->slots = hashmap_new();
        if (!m->slots)
                return -ENOMEM;
        *ret = TAKE_PTR(m);
        return 0;
}

static void slot_remove(PortSlot *slot, Reservation *r) {
        LIST_REMOVE(reservations, slot->reservations, r);
        safe_close(r->fd);
        free(r);
}

Portmap *portmap_free(Portmap *m) {
        PortSlot *slot;

        if (!m)
                return NULL;
        if (m->slots)
                HASHMAP_FOREACH(slot, m->slots) {
                        while (slot->reservations)
                                slot_remove(slot, slot->reservations);
                        free(slot);
                }
        hashmap_free(m->slots);
        return mfree(m);
}

static const char *slot_key(char buf[static KEY_MAX], PortProtocol protocol, uint16_t port) {
        (void) snprintf(buf, KEY_MAX, "%s/%u", port_protocol_to_string(protocol), port);
        return buf;
}

static PortSlot *slot_find(Portmap *m, PortProtocol protocol, uint16_t port) {
        char key[KEY_MAX];

        return hashmap_get(m->slots, slot_key(key, protocol, port));
}

/* Wildcard and exact addresses of one family exclude each other; "::" takes the IPv4 port as well. */
static bool addresses_conflict(const NetAddr *a, const NetAddr *b) {
        if (a->family != b->family)
                return (a->family == AF_INET6 && net_addr_is_any(a)) ||
                       (b->family == AF_INET6 && net_addr_is_any(b));
        return net_addr_is_any(a) || net_addr_is_any(b) || net_addr_equal(a, b);
}

static bool slot_conflicts(const PortSlot *slot, const NetAddr *address) {
        if (slot)
                LIST_FOREACH(reservations, r, slot->reservations)
                        if (addresses_conflict(&r->address, address))
                                return true;
        return false;
}

static int slot_add(Portmap *m, PortProtocol protocol, const NetAddr *address, uint16_t port, int fd) {
        _cleanup_free_ Reservation *reservation = NULL;
        PortSlot *slot = slot_find(m, protocol, port);
        int r;

        reservation = new(Reservation, 1);
        if (!reservation)
                return -ENOMEM;
        *reservation = (Reservation) { .address = *address, .fd = fd };

        if (!slot) {
                _cleanup_free_ PortSlot *s = new0(PortSlot, 1);

                if (!s)
                        return -ENOMEM;
                slot_key(s->key, protocol, port);
                r = hashmap_put(m->slots, s->key, s);
                if (r < 0)
                        return r;
                slot = TAKE_PTR(s);
        }

        LIST_PREPEND(reservations, slot->reservations, TAKE_PTR(reservation));
        return 0;
}

static int error_taken(Error *reterr, const NetAddr *address, uint16_t port) {
        char text[NET_ADDR_TEXT_MAX];

        net_addr_format(text, address);
        return error_setf(reterr, ERROR_INTERNAL,
                          address->family == AF_INET6 ?
                                          "Bind for [%s]:%u failed: port is already allocated" :
                                          "Bind for %s:%u failed: port is already allocated",
                          text, port);
}

int portmap_reserve(Portmap *m, PortProtocol protocol, const NetAddr *address, uint16_t port,
                    Error *reterr) {
        int r;

        assert(m);
        assert(port > 0);

        if (slot_conflicts(slot_find(m, protocol, port), address))
                return error_taken(reterr, address, port);
        r = slot_add(m, protocol, address, port, -EBADF);
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* A bound TCP socket that does not listen holds the port, and answers what reaches it past the DNAT with a
 * reset. */
static int bind_port(PortProtocol protocol, const NetAddr *address, uint16_t port) {
        _cleanup_close_ int fd = -EBADF;
        union {
                struct sockaddr sa;
                struct sockaddr_in in;
                struct sockaddr_in6 in6;
        } sa = { .sa.sa_family = address->family };
        int one = 1;

        fd = socket(address->family, port_protocol_sockets[protocol].type | SOCK_CLOEXEC,
                    port_protocol_sockets[protocol].protocol);
        if (fd < 0)
                return -errno;

        if (address->family == AF_INET) {
                sa.in.sin_port = htons(port);
                sa.in.sin_addr = address->in;
        } else {
                sa.in6.sin6_port = htons(port);
                sa.in6.sin6_addr = address->in6;
                (void) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
        }
        if (bind(fd, &sa.sa, address->family == AF_INET ? sizeof(sa.in) : sizeof(sa.in6)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int try_port(Portmap *m, PortProtocol protocol, const NetAddr *address, uint16_t port) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (slot_conflicts(slot_find(m, protocol, port), address))
                return -EEXIST;
        fd = bind_port(protocol, address, port);
        if (fd < 0)
                return fd;
        r = slot_add(m, protocol, address, port, fd);
        if (r < 0)
                return r;
        TAKE_FD(fd);
        return 0;
}

static void ephemeral_range(uint16_t *ret_first, uint16_t *ret_last) {
        _cleanup_free_ char *line = NULL;
        unsigned first, last;

        if (read_line_file(PORT_RANGE_FILE, &line) < 0 || sscanf(line, "%u %u", &first, &last) != 2 ||
            first < 1 || first > last || last > UINT16_MAX) {
                first = PORT_RANGE_FIRST;
                last = PORT_RANGE_LAST;
        }
        *ret_first = first;
        *ret_last = last;
}

static int error_bind(Error *reterr, int r, PortProtocol protocol, const NetAddr *address, uint16_t port) {
        char text[NET_ADDR_TEXT_MAX];

        if (r == -EEXIST)
                return error_taken(reterr, address, port);
        net_addr_format(text, address);
        return error_setf(reterr, ERROR_INTERNAL, "failed to bind host port %s%s%s:%u/%s: %s",
                          address->family == AF_INET6 ? "[" : "", text,
                          address->family == AF_INET6 ? "]" : "", port, port_protocol_to_string(protocol),
                          r == -EADDRINUSE    ? "address already in use" :
                          r == -EADDRNOTAVAIL ? "cannot assign requested address" :
                                                strerror(-r));
}

int portmap_allocate(
                Portmap *m,
                PortProtocol protocol,
                const NetAddr *address,
                uint16_t first,
                uint16_t last,
                uint16_t *ret_port,
                Error *reterr) {

        bool ephemeral = first == 0;
        uint16_t start;
        int r = -EEXIST;

        assert(m);
        assert(net_addr_is_set(address));
        assert(first <= last);
        assert(ret_port);

        if (ephemeral)
                ephemeral_range(&first, &last);
        start = ephemeral && m->next_ephemeral >= first && m->next_ephemeral <= last ? m->next_ephemeral :
                                                                                       first;

        for (uint32_t i = 0, n = last - first + 1U; i < n; i++) {
                uint16_t port = first + (start - first + i) % n;

                r = try_port(m, protocol, address, port);
                if (r >= 0) {
                        if (ephemeral)
                                m->next_ephemeral = port + 1U;  /* 65536 wraps to "at the beginning" */
                        *ret_port = port;
                        return 0;
                }
                if (!IN_SET(r, -EEXIST, -EADDRINUSE))
                        break;
        }

        if (first == last || !IN_SET(r, -EEXIST, -EADDRINUSE))
                return error_bind(reterr, r, protocol, address, first);
        return error_setf(reterr, ERROR_INTERNAL, "all ports are allocated");
}

void portmap_release(Portmap *m, PortProtocol protocol, const NetAddr *address, uint16_t port) {
        PortSlot *slot = slot_find(m, protocol, port);

        if (!slot)
                return;
        LIST_FOREACH(reservations, r, slot->reservations)
                if (net_addr_equal(&r->address, address))
                        slot_remove(slot, r);
        if (!slot->reservations) {
                hashmap_remove(m->slots, slot->key);
                free(slot);
        }
}
