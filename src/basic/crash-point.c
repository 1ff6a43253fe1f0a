/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/crash-point.h"

#if CRASH_POINTS

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "basic/parse-util.h"
#include "basic/string-util.h"

void crash_point(const char *name) {
        static uint64_t at = UINT64_MAX, reached = 0;

        if (at == UINT64_MAX) {
                const char *e = getenv("DOCKERD_CRASH_AT");

                if (!e || parse_uint64(e, &at) < 0)
                        at = 0;
        }
        if (at == 0 || ++reached != at)
                return;
        dprintf(STDERR_FILENO, "crash point %" PRIu64 ": %s\n", reached, name);
        (void) kill(getpid(), SIGKILL);
}

#endif
