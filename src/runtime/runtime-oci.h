/* SPDX-License-Identifier: Apache-2.0 */
/* Finds and judges the OCI runtimes of this host (crun, runc, those of daemon.json) and translates their
 * error texts. It does not run containers; the shim does. */
#pragma once

#include <systemd/sd-event.h>

#include "basic/error.h"
#include "basic/strv.h"
#include "runtime/runtime-probe.h"

typedef struct OciRuntime {
        char *name;                     /* "crun", "runc", or the key in `runtimes` */
        char *path;                     /* absolute */
        char **args;                    /* runtimeArgs, and what we add (crun: --cgroup-manager=cgroupfs) */
        char *version;                  /* "1.1.5+ds1" */
        char *commit;                   /* may be "" */
        char *features;                 /* JSON text of `RUNTIME features`, NULL where it has none */
        bool usable;
        char *why_not;                  /* set where not usable */
        RuntimeProbe *probe;            /* while its answers are awaited */
} OciRuntime;

/* What a runtime is and whether it is usable is known once the list is settled. */
typedef struct OciRuntimes {
        OciRuntime *runtimes;
        size_t n;
        bool settled;
        usec_t deadline;                /* of the probes; 0: not begun */
        char *default_name;             /* "" = whatever works */
        OciRuntime *default_runtime;    /* into runtimes */
        sd_event *event;
        sd_event_source *begin_source, *timeout_source;
} OciRuntimes;

typedef struct OciRuntimeConfig {
        const char *name, *path;        /* path: absolute or a name looked for in PATH */
        char **args;
        const char *type;               /* runtimeType: a containerd shim is not usable here */
} OciRuntimeConfig;

/* Fills the list and returns; `RUNTIME --version` of each is asked when the loop is idle. The struct must
 * not move. default_name NULL or "": crun where it works on this host, else runc; "runc" is also what Docker
 * calls the default, see .c. */
int oci_runtimes_init(OciRuntimes *r, sd_event *event, const OciRuntimeConfig *configured,
                      size_t n_configured, const char *default_name, Error *reterr);
/* The same for another configuration; where that is wrong the list stays as it is. */
int oci_runtimes_reload(OciRuntimes *r, const OciRuntimeConfig *configured, size_t n_configured,
                        const char *default_name, Error *reterr);
void oci_runtimes_done(OciRuntimes *r);
DEFINE_CLEANUP_DONE(OciRuntimes, oci_runtimes_done);

/* Waits for answers that are not there yet: within the first moments after start-up only. */
int oci_runtimes_settle(OciRuntimes *r);
/* These two settle the list. NULL: none works here. */
const OciRuntime *oci_runtimes_default(OciRuntimes *r);
/* By name; "" or NULL = the default. ERROR_INVALID with Docker's text. */
int oci_runtimes_find(OciRuntimes *r, const char *name, const OciRuntime **ret, Error *reterr);

/* Runs `RUNTIME [ARGS] --root ROOT delete --force ID` without waiting for it; the loop reaps it. For what a
 * killed shim left behind. */
int oci_runtime_delete(sd_event *event, const char *path, char *const *args, const char *root,
                       const char *id);
