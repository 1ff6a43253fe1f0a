/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two files of option types only. */
#pragma once

#include "main/option.h"

/* "expected a string, got an array" */
int option_json_type_error(const char *expected, const JsonValue *v, Error *reterr);
