/* SPDX-License-Identifier: Apache-2.0 */
/* Small verbs on one container: rename, resize. */
#pragma once

#include "container/container-manager.h"

int container_rename(Container *c, const char *name, Error *reterr);
/* Rows and columns of a terminal as the API sends them; ERROR_INVALID with Docker's texts. */
int container_parse_size(const char *h, const char *w, uint32_t *ret_rows, uint32_t *ret_columns,
                         Error *reterr);
/* h and w as the API sends them; ERROR_INVALID, ERROR_CONFLICT with Docker's texts. */
int container_resize(Container *c, const char *h, const char *w, Error *reterr);
