/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups as the kernel shows them: which version, which controllers, where they are mounted; a few
 * files of one group. It sets no limits; the OCI runtime and systemd do. */
#pragma once

#include <sys/types.h>

#include "basic/strv.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

/* 2 where /sys/fs/cgroup is a cgroup2 mount, else 1 (also "hybrid"). */
int cgroup_version(void);

/* Controllers that can be used: of cgroup2's root, or those mounted as v1 hierarchies. */
int cgroup_controllers(char ***ret);

/* Directory of a group: path is absolute, as in cgroupsPath. v2: below the cgroup2 mount; v1: below the
 * controller's. */
int cgroup_directory(const char *controller, const char *path, char **ret);

/* Our own group of cgroup2 ("0::" of /proc/self/cgroup). */
int cgroup_own_path(char **ret);

/* Makes a child group of our own, and moves this process there, so that siblings may get controllers.
 * cgroup2. */
int cgroup_enter_child(const char *name);

/* The file that counts OOM kills of a group: memory.events or memory.oom_control. */
int cgroup_oom_file(const char *path, char **ret);
/* Its "oom_kill" number. */
int cgroup_read_oom_kills(const char *oom_file, uint64_t *ret);

/* Whether the processes of a group stand still. Asking for it takes effect in a while, and on v1 may have to
 * be repeated. -EBUSY: we are in it ourselves. */
int cgroup_freeze(const char *path, bool frozen);
int cgroup_is_frozen(const char *path);

/* cgroup2: makes a group with its parents, and passes the root's controllers on to it where possible. */
int cgroup_create(const char *path);
/* Opens the directory of a group of cgroup2, for starting a process in it. */
int cgroup_open(const char *path);
/* Kills everything in it (cgroup.kill, else signals); removes it with its children. -ENOENT is success. In
 * all hierarchies on v1. */
int cgroup_kill(const char *path);
int cgroup_remove(const char *path);

/* Pids, as text, of all processes in the group that a process is in. */
int cgroup_pids_of(pid_t pid, char ***ret);
