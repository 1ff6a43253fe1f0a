/* SPDX-License-Identifier: Apache-2.0 */
/* shim.json: what a shim must know of its container, or of the command it runs in one. Written by the
 * daemon, read once by the shim; unknown keys are ignored, so that daemon and shim may be of different
 * versions. */
#pragma once

#include "json/json-type.h"

/* Below the exec root: what the OCI runtimes keep, a directory for each container. */
#define SHIM_RUNTIME_DIRECTORY "runtime"

typedef struct ShimConfig {
        char *id;                       /* of the container */
        char *process;                  /* file of the OCI process to run in the container; "" = the shim is
                                         * the container's own */
        char *runtime;                  /* absolute path of the OCI runtime */
        char **runtime_args;            /* global arguments, before the verb */
        char *runtime_root;             /* --root of the runtime's own state */
        char *cgroup_path;              /* absolute, as in config.json's cgroupsPath; "" = not known */
        bool tty;
        bool open_stdin;
        bool stdin_once;
        int64_t stop_signal;            /* number; 0 = SIGTERM */
        int64_t stop_timeout;           /* seconds, -1 = for ever; used by `systemctl stop` */
        int64_t start_timeout;          /* seconds the runtime has to start it; 0 = no limit */
        bool delegated;                 /* the shim stands in a delegated cgroup: it moves itself to
                                         * supervisor/ */
        char *log_driver;               /* "json-file", "none" */
        char *log_path;
        char **log_options;             /* "max-size=10m", "max-file=3", ... */
} ShimConfig;

JSON_TYPE_DECLARE(ShimConfig);
DEFINE_JSON_CLEANUP(ShimConfig)

/* True for runc and crun: what they keep of a container that has ended is its control group and a directory
 * below a root that is ours. To remove them takes less than to start the runtime. Any other one is asked. */
bool shim_runtime_keeps_files_only(const char *runtime);

/* Writes <run_dir>/shim.json atomically, mode 0600. */
int shim_config_save(const ShimConfig *c, const char *run_dir, Error *reterr);
int shim_config_load(int run_dir_fd, ShimConfig *ret, Error *reterr);
