/* SPDX-License-Identifier: Apache-2.0 */
/* What an implementation of the supervisor provides, and what it keeps of a shim. */
#pragma once

#include "basic/hashmap.h"
#include "runtime/supervisor.h"

/* Below the root of the control groups, of containers that name no parent: where tools look for them. */
#define SUPERVISOR_CGROUP_DEFAULT "docker"

typedef struct SupervisorUnit SupervisorUnit;

typedef struct SupervisorVTable {
        SupervisorKind kind;
        size_t unit_size;               /* of the implementation's own SupervisorUnit */
        /* Each may be NULL but the first three. u is linked; done() is told by supervisor_unit_done(). */
        int (*start)(SupervisorUnit *u, const SupervisorLaunch *launch, Error *reterr);
        int (*find_running)(SupervisorUnit *u, const char *run_dir, Error *reterr);
        int (*cleanup)(Supervisor *s, const char *id, const char *cgroup_parent);
        /* s->bus is another one, or NULL: the calls and matches of the old one are void. */
        int (*set_bus)(Supervisor *s, Error *reterr);
        int (*update)(Supervisor *s, const char *id, const SpecResources *resources);
        int (*rename)(Supervisor *s, const char *id, const char *name);
        void (*unit_done)(SupervisorUnit *u);   /* releases what the implementation holds */
} SupervisorVTable;

struct Supervisor {
        const SupervisorVTable *vtable;
        sd_event *event;
        sd_bus *bus;                    /* systemd only; NULL while it is away */
        char *shim_path;
        SupervisorGone gone;
        void *userdata;
        Hashmap *units;                 /* id -> SupervisorUnit */
        char *own_unit;                 /* systemd only: the daemon's service; NULL = it runs in none */
        sd_bus_slot *job_slot, *removed_slot, *subscribe_slot;
        char **cleanups;                /* ids that wait for the bus */
};

/* The first member of an implementation's own struct. */
struct SupervisorUnit {
        Supervisor *supervisor;         /* back-pointer */
        char *id;
        SupervisorDone done;            /* NULL: told already, or forgotten */
        void *done_userdata;
        sd_event_source *end_source;    /* of a shim that is watched as a process: child or pidfd */
        int pidfd;                      /* end_source's */
        sd_event_source *done_source;
};

/* Tells done() of success, once. The unit stays. */
void supervisor_unit_done(SupervisorUnit *u);
/* The same, from the loop. */
int supervisor_unit_done_later(SupervisorUnit *u);
/* The process that the pid file of the run directory names lives. */
/* Watches it, if it does: its end is gone(). */
int supervisor_unit_watch_shim(SupervisorUnit *u, const char *run_dir);
/* Unlinks and frees the unit, then tells done() of the failure. */
void supervisor_unit_fail(SupervisorUnit *u, const Error *error);
/* The shim ended: unlinks and frees the unit, then tells gone(). */
void supervisor_unit_gone(SupervisorUnit *u);
/* Frees without telling. */
SupervisorUnit *supervisor_unit_free(SupervisorUnit *u);

extern const SupervisorVTable supervisor_systemd_vtable;
extern const SupervisorVTable supervisor_direct_vtable;
