/* SPDX-License-Identifier: Apache-2.0 */
/* --security-opt: one reading of the list, for the check at create and for the OCI document at a start. */
#pragma once

#include "basic/error.h"
#include "runtime/resources.h"

typedef struct SecurityOptions {
        const char *seccomp;            /* NULL: not given; else the profile's text or name */
        const char *apparmor;           /* NULL: none is to be applied */
        int no_new_privileges;          /* -1: not given */
} SecurityOptions;

/* Strings of ret point into options. */
int container_security_parse(char *const *options, const HostCapabilities *host, SecurityOptions *ret,
                             Error *reterr);
