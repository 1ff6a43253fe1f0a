/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: directories below the data root that outlive containers, or what the options of one stand for.
 * The manager asks its owner (VolumeManagerOps) who uses a volume, and knows nothing of containers
 * itself. */
#pragma once

#include "api/volume.h"
#include "basic/error.h"
#include "event/event-hub.h"
#include "operation/operation.h"
#include "store/store.h"

#define VOLUMES_MAX 10000U
#define VOLUME_DRIVER_LOCAL "local"
/* The mark of volumes that nobody gave a name; Docker's own. */
#define VOLUME_ANONYMOUS_LABEL "com.docker.volume.anonymous"

typedef struct Volume Volume;
typedef struct VolumeManager VolumeManager;

typedef struct VolumeManagerOps {
        /* Ids of the containers that have the volume, running or not, are appended. */
        int (*users)(void *userdata, const char *name, char ***ret_ids);
        /* Takes the directory away; what is in it may go later. A missing one is fine. */
        int (*discard)(void *userdata, const char *directory, Error *reterr);
} VolumeManagerOps;

/* All borrowed; outlives the manager. */
typedef struct VolumeManagerConfig {
        const char *data_root;
        Store *store;
        EventHub *events;
        const VolumeManagerOps *ops;
        void *userdata;
} VolumeManagerConfig;

/* On disk: table "volumes" of the store. */
typedef struct VolumeRecord {
        char *name;
        char *driver;
        nsec_t created;                 /* whole seconds */
        StringMap labels, options;
        bool removing;                  /* its end was begun */
} VolumeRecord;
JSON_TYPE_DECLARE(VolumeRecord);

struct Volume {
        VolumeRecord record;
        char *directory;                /* <data root>/volumes/NAME */
        char *mountpoint;               /* <directory>/_data */
        Operation *filling;             /* an image's content is copied into it; NULL = not now */
};

/* Makes <data root>/volumes, loads what is recorded. */
int volume_manager_new(const VolumeManagerConfig *config, VolumeManager **ret, Error *reterr);
VolumeManager *volume_manager_free(VolumeManager *m);
DEFINE_TRIVIAL_CLEANUP_FUNC(VolumeManager *, volume_manager_free);

/* NULL if there is none. Volumes are borrowed from the manager and may go whenever nobody uses them. */
Volume *volume_get(VolumeManager *m, const char *name);
/* ERROR_NOT_FOUND: "get NAME: no such volume". */
int volume_find(VolumeManager *m, const char *name, Volume **ret, Error *reterr);

/* Docker's rules: letters, digits, "_", ".", "-"; two of them at least. */
int volume_name_check(const char *name, Error *reterr);

/* One of that name is taken as it is, if it is of the same driver. Without a name one is made up, and the
 * volume is anonymous. */
int volume_create(VolumeManager *m, const VolumeCreateParams *p, Volume **ret, Error *reterr);
/* Before it is used. */
int volume_make_directories(const Volume *v, Error *reterr);
/* ERROR_CONFLICT while a container has it. force: a missing one is no error. */
int volume_remove(VolumeManager *m, const char *name, bool force, Error *reterr);

bool volume_is_anonymous(const Volume *v);
/* 1: a container has it; 0: none. */
int volume_is_used(VolumeManager *m, const Volume *v);

int volume_info(const Volume *v, VolumeInfo *ret);
/* Checks keys and values of the filters of GET /volumes. */
int volume_filters_check(const Filters *filters, Error *reterr);
int volume_list(VolumeManager *m, const Filters *filters, VolumeInfoList *ret, Error *reterr);
/* Names of those without a user that the filters of a prune let go. all: not the anonymous ones alone. */
int volume_prune_candidates(VolumeManager *m, const Filters *filters, bool all, char ***ret, Error *reterr);

/* What a container mounts for it. source: borrowed. */
typedef enum VolumeKind {
        VOLUME_DIRECTORY,               /* its own, below the data root */
        VOLUME_BIND,                    /* of the host: options o=bind, device=/PATH */
        VOLUME_TMPFS,                   /* options type=tmpfs */
} VolumeKind;
VolumeKind volume_kind(const Volume *v);
const char *volume_source(const Volume *v);
/* Options "o" as words; of VOLUME_BIND without "bind" itself. */
int volume_mount_words(const Volume *v, char ***ret);
