/* SPDX-License-Identifier: Apache-2.0 */
/* Small verbs on one container: rename, resize. */
#pragma once

#include "container/container-manager.h"

int container_rename(Container *c, const char *name, Error *reterr);
/* h and w as the API sends them; ERROR_INVALID, ERROR_CONFLICT with Docker's texts. */
int container_resize(Container *c, const char *h, const char *w, Error *reterr);
