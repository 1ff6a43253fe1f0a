/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the OCI runtime's `update`: it knows what the limits of the specification are to the control group of
 * its container. Without waiting. */
#pragma once

#include <systemd/sd-event.h>

#include "basic/error.h"
#include "runtime/shim-config.h"

typedef struct OciUpdate OciUpdate;

/* shim: of the container, for the runtime it runs under. resources: spec_resources_build(). done comes once,
 * from the loop, with the runtime's words in error, and the update is gone after it. */
int oci_update_start(sd_event *event, const ShimConfig *shim, const char *resources,
                     void (*done)(int r, const Error *error, void *userdata), void *userdata,
                     OciUpdate **ret, Error *reterr);
/* Without done(); the runtime goes on. */
OciUpdate *oci_update_free(OciUpdate *u);
DEFINE_TRIVIAL_CLEANUP_FUNC(OciUpdate *, oci_update_free);

/* The last message of a log of JSON lines, or the log as it is; for tests. */
int oci_log_message(const char *log, char **ret);
