/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, in the syntax of Docker's commands: --flag=value, --flag value, -x value, -xvalue,
 * -x=value, boolean shorthands joined (-Dl info), "--" ends the flags. */
#pragma once

#include "main/config.h"

/* Sets what argv[1..] gives in c, with source CONFIG_SOURCE_FLAG. */
int flags_parse(int argc, char *const *argv, Config *c, Error *reterr);
