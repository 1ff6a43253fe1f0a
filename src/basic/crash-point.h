/* SPDX-License-Identifier: Apache-2.0 */
/* Deterministic kill -9 between two steps, for the crash-consistency test: DOCKERD_CRASH_AT=N dies at the
 * N-th point reached. Compiled out unless the build has -Dcrash-points=true. */
#pragma once

#include "config.h"

#if CRASH_POINTS
void crash_point(const char *name);
#else
#define crash_point(name) ((void) 0)
#endif
