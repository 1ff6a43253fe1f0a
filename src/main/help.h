/* SPDX-License-Identifier: Apache-2.0 */
/* What the option table prints of itself: --help, --version, and the parts of the man pages. */
#pragma once

#include <stdio.h>

#include "basic/error.h"

void help_print(FILE *f);
void version_print(FILE *f);

/* "text": one line an option, for tests; "rst-flags" and "rst-keys": sections of dockerd.8 and docker-
 * daemon.json.5. */
int options_dump(FILE *f, const char *format, Error *reterr);
