/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of a container's document: what is exposed, what is to be published. */
#pragma once

#include "container/container-manager.h"

/* The limit for one container. */
#define PORT_BINDINGS_MAX 65536U

/* All ports of all protocols, a bit each: a document may name every one of them. */
typedef struct PortSet {
        uint8_t bits[_PORT_PROTOCOL_MAX][(UINT16_MAX + 1U) / 8U];
} PortSet;

void port_set_add(PortSet *s, PortProtocol protocol, uint16_t port);
bool port_set_has(const PortSet *s, PortProtocol protocol, uint16_t port);

/* In the order of the document; the strings are the document's. */
typedef struct PortRequests {
        PortBindingRequest *items;
        size_t n_items, n_allocated;
} PortRequests;

void port_requests_done(PortRequests *l);
DEFINE_CLEANUP_DONE(PortRequests, port_requests_done);

/* What -p and -P ask for. A binding of a port that is not exposed has no effect, as with Docker. */
int port_requests(const ContainerDocument *d, PortRequests *ret, Error *reterr);

/* "80", "80/udp", "8000-8010/tcp" */
int container_port_range_parse(const char *s, PortProtocol *ret_protocol, uint16_t *ret_first,
                               uint16_t *ret_last, Error *reterr);
/* "80/tcp" */
int container_port_parse(const char *s, PortProtocol *ret_protocol, uint16_t *ret_port, Error *reterr);

/* Before API 1.52 a port without a binding in its list is one with any host port. */
#define PORT_EMPTY_LIST_IS_NONE 52U
int port_bindings_complete(HostConfig *h, unsigned version);
/* A warning if a bound port is not exposed. */
int port_bindings_warn(const ContainerDocument *d, char ***warnings);
