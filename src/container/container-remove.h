/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a container: out of the way in one rename, the rest by a worker. */
#pragma once

#include "container/container-manager.h"

/* Docker's checks and texts. With force a running one is killed first; with volumes its anonymous volumes
 * go, too. 1: removed; 0: *ret completes when it is. */
int container_remove(Container *c, bool force, bool volumes, Operation **ret, Error *reterr);

/* --rm, after the exit: at once, or when the shim is done with its attached clients. Failures are logged. */
void container_auto_remove(Container *c);
/* Ends a removal that was begun before a crash. */
int container_remove_now(Container *c, Error *reterr);

/* The ids of those that do not run and match, owned by the caller. */
int container_prune_candidates(ContainerManager *m, const Filters *filters, char ***ret, Error *reterr);
/* Removes it unless it is in use again. False: it stays; why is in the log. */
bool container_prune(Container *c);
