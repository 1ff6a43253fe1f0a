/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine has made on the host's network, taken away again while no daemon runs: by the marks, so
 * that no record is needed. */
#pragma once

#include <stdio.h>

#include "basic/error.h"

/* Below the exec root: it was us who turned forwarding on. As volatile as the setting. */
#define FORWARDING_MARK "ip-forward"
#define IP_FORWARD "/proc/sys/net/ipv4/ip_forward"

/* A line on output for each thing that was removed. Keeps going after errors and returns the first. */
int network_clean(const char *exec_root, FILE *output, Error *reterr);
