/* SPDX-License-Identifier: Apache-2.0 */
/* Who starts shims and notices their end: `systemd` makes transient units, `direct` spawns the same shim in
 * a session and cgroup of its own. It says nothing about the container inside; that is the shim client's.
 * Non-logging. */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "basic/error.h"
#include "runtime/resources.h"

typedef struct Supervisor Supervisor;

typedef enum SupervisorKind {
        SUPERVISOR_SYSTEMD,
        SUPERVISOR_DIRECT,
        _SUPERVISOR_KIND_MAX,
        _SUPERVISOR_KIND_INVALID = -EINVAL,
} SupervisorKind;

const char *supervisor_kind_to_string(SupervisorKind kind);
SupervisorKind supervisor_kind_from_string(const char *s);
/* systemd where it is PID 1 (sd_booted) and the host has a bus, even if it is away just now, else direct. */
SupervisorKind supervisor_kind_default(bool has_bus);

typedef struct SupervisorLaunch {
        const char *id;                 /* container id */
        const char *name;               /* for the unit's Description */
        const char *run_dir;            /* <exec root>/containers/<id>; exists and holds shim.json */
        const char *cgroup_parent;      /* NULL = default (system.slice, /docker) */
        int64_t stop_timeout;           /* seconds, -1 = for ever */
        const SpecResources *resources; /* NULL = none; copied where needed */
} SupervisorLaunch;

/* error is NULL on success; the shim's control socket can be connected to then. After a failure there is no
 * gone(). Called once, from the loop, unless the job was forgotten before. */
typedef void (*SupervisorDone)(Supervisor *s, const char *id, const Error *error, void *userdata);

/* The shim of a container ended, whatever the reason. Called for shims started or found by this supervisor.
 * */
typedef void (*SupervisorGone)(Supervisor *s, const char *id, void *userdata);

/* bus may be NULL, for systemd until supervisor_set_bus(); borrowed pointers are referenced. shim_path is
 * the absolute path of dockerd-shim. */
int supervisor_new(SupervisorKind kind, sd_event *event, sd_bus *bus, const char *shim_path,
                   SupervisorGone gone, void *userdata, Supervisor **ret, Error *reterr);
/* Running shims stay. Callbacks that are outstanding are not called any more. */
Supervisor *supervisor_free(Supervisor *s);
DEFINE_TRIVIAL_CLEANUP_FUNC(Supervisor *, supervisor_free);

SupervisorKind supervisor_kind(const Supervisor *s);

/* False while the bus is away: starts fail at once, and gone() is told when it is back. */
bool supervisor_tells(const Supervisor *s);

/* The bus was lost (NULL) or is there again: what happened meanwhile is asked for and told. Nothing for
 * direct. */
int supervisor_set_bus(Supervisor *s, sd_bus *bus, Error *reterr);

/* ERROR_INVALID with Docker's text where systemd has no such slice; NULL is the default. */
int supervisor_check_cgroup_parent(const Supervisor *s, const char *cgroup_parent, Error *reterr);
/* Where the container's processes shall be: the cgroupsPath for config.json and shim.json. Known before the
 * start. */
int supervisor_cgroup_path(Supervisor *s, const char *id, const char *cgroup_parent, char **ret);
/* The shim starts in a delegated cgroup (shim.json "delegated"). */
bool supervisor_delegates(const Supervisor *s);

int supervisor_start(Supervisor *s, const SupervisorLaunch *launch, SupervisorDone done, void *userdata,
                     Error *reterr);
/* done() of this id is not called any more. */
void supervisor_forget(Supervisor *s, const char *id);

/* After a restart of the daemon: takes over watching the shim of this id. done() without an error: it runs,
 * connect to it. ERROR_NOT_FOUND: there is none. */
int supervisor_find_running(Supervisor *s, const char *id, const char *run_dir, SupervisorDone done,
                            void *userdata, Error *reterr);

/* Without a supervisor: whether the shim of a run directory lives. */
bool supervisor_shim_lives(const char *run_dir);

/* After gone(), or for a container that must not run: kills what is left of the shim and the container,
 * resets the failed unit, removes the cgroup. */
int supervisor_cleanup(Supervisor *s, const char *id, const char *cgroup_parent);

/* The container has another name: the running unit's description says so; nothing for direct. */
int supervisor_rename(Supervisor *s, const char *id, const char *name);

/* Changes limits of a running unit (docker update); nothing for direct. */
int supervisor_update(Supervisor *s, const char *id, const SpecResources *resources);
