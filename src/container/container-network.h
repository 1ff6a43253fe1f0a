/* SPDX-License-Identifier: Apache-2.0 */
/* A container's place on the networks: its sandbox for a start, and what inspect and ps show of it. */
#pragma once

#include "container/container-manager.h"

/* --- container-endpoint.c --- */

/* Checks a create request, before it is merged with its image. */
int container_networking_check_request(const ContainerCreateParams *p, Error *reterr);
/* Ports and endpoints of a create request are well-formed, by the rules of the client's minor API version;
 * without an endpoint it gets one on the network of its mode. */
int container_networking_check(NetworkManager *networks, ContainerDocument *d, unsigned version,
                               char ***warnings, Error *reterr);
/* Whether an endpoint may be on the network, which need not be there yet. */
int container_endpoint_check(NetworkManager *networks, const char *network, const EndpointSettings *s,
                             Error *reterr);
/* One more network in the record, with a copy of the settings (may be NULL). NULL when memory is out. */
EndpointSettingsEntry *container_endpoint_add(ContainerDocument *d, const char *network,
                                              const EndpointSettings *settings);

/* --- container-network.c --- */

/* Beside its own name: aliases and host name; owned by the caller. */
int container_endpoint_names(const Container *c, const EndpointSettings *s, char ***ret);
/* The event of each endpoint, or of one. */
void container_network_event(Container *c, const Endpoint *only, const char *action, const char *message_id);

/* Sandbox, endpoints and the three files. *ret_path: the namespace for the OCI document, NULL = the host's;
 * owned by the caller. */
int container_network_start(Container *c, char **ret_path, Error *reterr);
/* The three files again, after an endpoint came or went. */
int container_network_refresh(Container *c, Error *reterr);

/* The resolver of a container that ran on while there was no daemon. */
void container_network_restore(Container *c);

/* container-connect.c: at once if it runs; recorded for the next start. Docker's texts. */
int container_network_connect(Container *c, Network *n, const EndpointSettings *settings, Error *reterr);
int container_network_disconnect(Container *c, Network *n, Error *reterr);
/* From a network that is gone, by the name in the container's list. Only if it does not run. */
int container_network_disconnect_removed(Container *c, const char *network, Error *reterr);

/* After the process is gone, or when the start fails. */
void container_network_stop(Container *c);

int container_network_settings(Container *c, NetworkSettings *ret);
/* For `docker ps`: networks by name, published ports. */
int container_network_summary(Container *c, ContainerSummary *s);
