/* SPDX-License-Identifier: Apache-2.0 */
/* A container's place on the networks: its sandbox for a start, and what inspect and ps show of it. */
#pragma once

#include "container/container-manager.h"

/* Sandbox, endpoint and the three files. *ret_path: the namespace for the OCI document, NULL = the host's;
 * owned by the caller. */
int container_network_start(Container *c, char **ret_path, Error *reterr);
/* After the process is gone, or when the start fails. */
void container_network_stop(Container *c);

int container_network_settings(Container *c, NetworkSettings *ret);
/* For `docker ps`: networks by name, published ports. */
int container_network_summary(Container *c, ContainerSummary *s);

/* "80", "80/udp", "8000-8010/tcp": for the filters of the list. */
int container_port_range_parse(const char *s, PortProtocol *ret_protocol, uint16_t *ret_first,
                               uint16_t *ret_last, Error *reterr);
