/* SPDX-License-Identifier: Apache-2.0 */
/* From a container's record to the OCI document of one run. */
#pragma once

#include "api/exec.h"
#include "container/container-manager.h"

/* Writes config.json into the run directory. root_fd: the container's root file system, for users and the
 * working directory. netns_path: NULL = the host's. */
int container_spec_write(Container *c, int root_fd, const char *netns_path, const char *cgroup_path,
                         Error *reterr);
/* shim.json beside it. */
int container_shim_config_write(Container *c, const char *cgroup_path, Error *reterr);

/* The same two for a command in the running container: process.json and shim.json in a run directory of its
 * own. root_fd: the root directory that the container sees. */
int container_exec_spec_write(Container *c, const ExecConfig *x, int root_fd, const char *run_dir,
                              Error *reterr);
int container_exec_shim_config_write(Container *c, const ExecConfig *x, bool open_stdin, const char *run_dir,
                                     Error *reterr);
