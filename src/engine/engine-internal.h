/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's own struct, for the files of this folder. */
#pragma once

#include "api/disk-usage.h"
#include "container/container-manager.h"
#include "container/container-volumes.h"
#include "engine/engine.h"
#include "operation/worker-pool.h"

struct Engine {
        const EngineConfig *config;     /* borrowed from main */
        sd_event *event;
        sd_bus *bus;                    /* borrowed from the bus face; NULL = none */
        char *id;                       /* of this engine, kept in the store */

        Store *store;
        EventHub *events;
        WorkerPool *workers;
        ImageManager *images;
        NetworkManager *networks;
        VolumeManager *volumes;
        OciRuntimes runtimes;
        HostCapabilities capabilities;
        Supervisor *supervisor;
        ContainerManager *containers;

        StartupPhase *phases;
        size_t n_phases;
        bool loaded;
};

/* Runs `function` with the container the call's first parameter names. */
int engine_find_container(Engine *e, Call *call, const char *name, Container **ret);

/* The same once nothing is in progress on it; a call that must wait is answered later. shim_gone: see
 * container_when_idle(). Returns as an EngineFunction. */
typedef int (*ContainerCallFunction)(Engine *e, Call *call, Container *c);
int engine_with_idle_container(Engine *e, Call *call, const char *name, bool shim_gone,
                               ContainerCallFunction function);

/* Answers the call without a reply when the operation is complete. Takes the reference. */
int engine_wait_operation(Call *call, Operation *o);

/* Finds out how much each container of the list has written, one worker after the other; then done() answers
 * the call. Takes the list. Returns as an EngineFunction. */
typedef void (*ContainerSizesDone)(Call *call, ContainerSummaryList *list);
int engine_container_sizes(Call *call, ContainerSummaryList *list, ContainerSizesDone done);

/* The same for volumes: usage_data of each, then done(). Takes the list, and userdata until the call ends.
 * Returns as an EngineFunction. */
typedef void (*VolumeSizesDone)(Call *call, VolumeInfoList *volumes, void *userdata);
int engine_volume_sizes(Call *call, VolumeInfoList *volumes, VolumeSizesDone done, void *userdata,
                        void (*userdata_free)(void *userdata));
