/* SPDX-License-Identifier: Apache-2.0 */
/* All containers and what their verbs work with. */
#pragma once

#include <systemd/sd-event.h>

#include "api/daemon-config.h"
#include "basic/hashmap.h"
#include "basic/time-util.h"
#include "container/container.h"
#include "event/event-hub.h"
#include "image/image-manager.h"
#include "network/network-manager.h"
#include "operation/worker-pool.h"
#include "runtime/runtime-oci.h"
#include "runtime/supervisor.h"
#include "store/store.h"
#include "volume/volume.h"

#define CONTAINERS_MAX 10000U

/* Everything is borrowed and outlives the manager. */
typedef struct ContainerManagerConfig {
        const char *data_root, *exec_root;
        const DaemonContainerConfig *defaults;
        sd_event *event;
        Store *store;
        EventHub *events;
        WorkerPool *workers;
        ImageManager *images;
        NetworkManager *networks;
        VolumeManager *volumes;
        OciRuntimes *runtimes;
        const HostCapabilities *capabilities;
} ContainerManagerConfig;

/* Ends of containers that removed themselves: a client that asks for the exit code only after the end of the
 * output would always be too late for them. */
#define DEPARTED_MAX 128U
#define DEPARTED_USEC (10U * USEC_PER_SEC)
typedef struct DepartedContainer {
        char *id;
        int64_t exit_code;
        uint64_t usec;                  /* CLOCK_MONOTONIC, when it was removed */
} DepartedContainer;

struct ContainerManager {
        ContainerManagerConfig config;
        Supervisor *supervisor;         /* borrowed; set before anything starts */
        Hashmap *by_id, *by_name;
        Hashmap *execs;                 /* ContainerExec by id; their containers own them */
        Hashmap *leaving;               /* removed ones (id -> reference) whose shim still clears up */
        DepartedContainer departed[DEPARTED_MAX];
        size_t next_departed;           /* the slot that is used next */
        char *init_path;                /* tini, NULL = none found */
        unsigned n_running, n_paused;
        unsigned n_checks_starting;     /* health checks, of all containers */
        ContainerHealth *checks_queued; /* those that wait until there are fewer */
        bool stopping;                  /* the daemon exits: start nothing new */
};

int container_manager_new(const ContainerManagerConfig *config, ContainerManager **ret, Error *reterr);
ContainerManager *container_manager_free(ContainerManager *m);
DEFINE_TRIVIAL_CLEANUP_FUNC(ContainerManager *, container_manager_free);

/* Exactly what is recorded; no side effects but that damaged records are set aside. */
int container_manager_load(ContainerManager *m, Error *reterr);
/* Finds out what happened while we were away, per container, in the loop. Restart policies follow. */
int container_manager_reconcile(ContainerManager *m, Error *reterr);
/* Leaves the shims: closes connections, answers nobody. */
void container_manager_stop(ContainerManager *m);

/* Id, name (with or without "/") or unique id prefix. Docker's texts. */
int container_manager_find(ContainerManager *m, const char *name, Container **ret, Error *reterr);

/* The supervisor's callback: the shim of this id is gone. */
void container_manager_shim_gone(Supervisor *s, const char *id, void *userdata);
