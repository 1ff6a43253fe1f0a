/* SPDX-License-Identifier: Apache-2.0 */
/* The root object: owns every manager, knows no face. Made in phase "daemon", loaded before the faces exist,
 * reconciled after they serve. */
#pragma once

#include <systemd/sd-event.h>

#include "engine/call.h"
#include "engine/engine-config.h"
#include "event/event-hub.h"

typedef struct sd_bus sd_bus;

#define API_VERSION_MAX 51U             /* 1.51 */
#define API_VERSION_MIN 24U             /* 1.24 */

/* One row of the D-Bus property StartupPhases. */
typedef struct StartupPhase {
        const char *name;
        char *result;                   /* "done", "no cluster configured", ... */
        usec_t duration;
} StartupPhase;

/* config is borrowed for the engine's life; bus may be NULL (no bus; engine_set_bus() later). Opens the
 * store, takes no action on the host yet. */
int engine_new(const EngineConfig *config, sd_event *event, Engine **ret, Error *reterr);
Engine *engine_free(Engine *e);
DEFINE_TRIVIAL_CLEANUP_FUNC(Engine *, engine_free);

/* Restores exactly what is recorded: images, networks, containers. */
int engine_load(Engine *e, Error *reterr);
/* Finds out what happened while we were away; goes on in the loop, per container. */
int engine_reconcile(Engine *e, Error *reterr);
/* Before exit: answers or drops what is pending, detaches from shims, writes nothing new. Containers go
 * on. */
void engine_stop(Engine *e);
/* The options of the configuration that may change while the daemon runs have changed, in the struct that
 * the engine was born with. attributes: all of them as text, for the event. */
int engine_reload(Engine *e, const StringMap *attributes, Error *reterr);

/* The system bus comes and goes; NULL = none. Borrowed. */
void engine_set_bus(Engine *e, sd_bus *bus);
/* What was set; NULL = calls cannot be made on it now. */
sd_bus *engine_bus(Engine *e);

sd_event *engine_event(Engine *e);
const EngineConfig *engine_config(Engine *e);
EventHub *engine_events(Engine *e);
/* Copies of the phases for the bus property; results are owned by the engine. */
int engine_set_phases(Engine *e, const StartupPhase *phases, size_t n_phases);
const StartupPhase *engine_phases(Engine *e, size_t *ret_n);

/* Kept from containers: ports of our own listeners. protocol "tcp"; ip NULL = any. */
int engine_reserve_port(Engine *e, const char *protocol, const char *ip, uint16_t port, Error *reterr);

/* Counts for /info, the bus properties and the state dump. */
typedef struct EngineCounts {
        unsigned containers, running, paused, stopped, images, calls, event_subscribers;
} EngineCounts;
void engine_counts(Engine *e, EngineCounts *ret);

/* What the bus shows of a container; strings are borrowed until the loop goes on. False if there is none. */
typedef struct EngineContainerView {
        const char *id;
        const char *name;               /* without the slash */
        const char *image;              /* as the user named it */
        const char *image_id;
        const char *state;              /* "created", "running", "exited", ... */
        const char *health;             /* "", "starting", "healthy", "unhealthy" */
        const char *unit;               /* "docker-<id>.service"; NULL with the direct supervisor */
        pid_t pid;                      /* 0 = not running */
        int exit_code;
        bool oom_killed;
        nsec_t created, started, finished;
        const StringMap *labels;
} EngineContainerView;
bool engine_container_view(Engine *e, const char *id, EngineContainerView *ret);
/* Ids of all containers; owned by the caller. */
int engine_container_ids(Engine *e, char ***ret);

/* The same of an image. */
typedef struct EngineImageView {
        const char *id;                 /* "sha256:HEX" */
        const char *architecture, *os;
        int64_t size;                   /* bytes of all its layers */
        nsec_t created;
        const StringMap *labels;
} EngineImageView;
bool engine_image_view(Engine *e, const char *id, EngineImageView *ret);
/* Its familiar names, sorted; owned by the caller. */
int engine_image_names(Engine *e, const char *id, char ***ret_tags, char ***ret_digests);
int engine_image_ids(Engine *e, char ***ret);
