/* SPDX-License-Identifier: Apache-2.0 */
/* Asks one OCI runtime for its version and features: both questions at once, without waiting for the
 * answers. What they mean is runtime-oci's. */
#pragma once

#include <systemd/sd-event.h>

#include "basic/alloc-util.h"
#include "basic/time-util.h"

typedef struct RuntimeProbe RuntimeProbe;

/* Called from the loop, once, when both answers are there. */
typedef void (*RuntimeProbeDone)(void *userdata);

int runtime_probe_new(sd_event *event, const char *path, RuntimeProbeDone done, void *userdata,
                      RuntimeProbe **ret);
/* Processes that still run are killed. */
RuntimeProbe *runtime_probe_free(RuntimeProbe *p);
DEFINE_TRIVIAL_CLEANUP_FUNC(RuntimeProbe *, runtime_probe_free);

/* Waits for the answers, kills what has not answered by then (CLOCK_MONOTONIC); done() is not called any
 * more. */
void runtime_probe_wait(RuntimeProbe *p, usec_t deadline);
bool runtime_probe_is_done(const RuntimeProbe *p);

/* After the end: what was printed, or a negative errno. The caller frees. */
int runtime_probe_take_version(RuntimeProbe *p, char **ret);
int runtime_probe_take_features(RuntimeProbe *p, char **ret);
