/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the root file system of a container: commit, export, changes. */
#pragma once

#include "container/container-manager.h"

typedef struct ContainerCommit ContainerCommit;

/* What is wrong with the request whatever the container is. */
int container_commit_check(const ContainerCommitParams *p, Error *reterr);
/* done: once, from the loop, unless freed before; the commit is gone when it returns. */
int container_commit_start(Container *c, const ContainerCommitParams *p,
                           void (*done)(ContainerCommit *k, int r, const char *image_id, const Error *error,
                                        void *userdata),
                           void *userdata, ContainerCommit **ret, Error *reterr);
/* Undoes what is not done. Accepts NULL. */
ContainerCommit *container_commit_free(ContainerCommit *k);
DEFINE_TRIVIAL_CLEANUP_FUNC(ContainerCommit *, container_commit_free);

/* verb: for the text of the refusal. */
int container_check_readable(const Container *c, const char *verb, Error *reterr);
/* Once something was read: whether it was there all the time. */
int container_check_still_there(const Container *c, Error *reterr);
