/* SPDX-License-Identifier: Apache-2.0 */
/* Names of containers: rules, and ones made up for containers that were given none. */
#pragma once

#include "basic/error.h"

#define CONTAINER_NAME_MAX 255U

/* Without the leading slash. ERROR_INVALID with Docker's text. */
int container_name_validate(const char *name, Error *reterr);

/* "adjective_noun"; retry > 0 appends a digit. Owned by the caller. */
int container_name_generate(unsigned retry, char **ret);
