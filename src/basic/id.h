/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's 64-digit object ids. */
#pragma once

#include "basic/alloc-util.h"

#define ID_LENGTH 64U
#define ID_SHORT_LENGTH 12U

/* Random and never all digits in the first twelve, which tools would take for a number. */
int id_generate(char ret[static ID_LENGTH + 1]);
bool id_is_valid(const char *s);
/* 1 to 64 lower-case hexadecimal digits. */
bool id_is_prefix(const char *s);
