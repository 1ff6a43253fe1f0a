/* SPDX-License-Identifier: Apache-2.0 */
/* One container: what is recorded of it, and what is in flight. The object; its verbs are in files of their
 * own. */
#pragma once

#include "api/container.h"
#include "basic/list.h"
#include "operation/operation.h"
#include "runtime/shim-client.h"

typedef struct Container Container;
typedef struct ContainerManager ContainerManager;
typedef struct ContainerStart ContainerStart;
typedef struct ContainerAttach ContainerAttach;
typedef struct ContainerExec ContainerExec;
typedef struct ContainerFill ContainerFill;
typedef struct ContainerHealth ContainerHealth;
typedef struct ContainerCopy ContainerCopy;
typedef struct RootQuestion RootQuestion;
typedef struct ContainerWaiter ContainerWaiter;
typedef struct ContainerStatsWatch ContainerStatsWatch;
typedef struct ContainerUpdate ContainerUpdate;
typedef struct Image Image;
typedef struct sd_event_source sd_event_source;

/* Docker's names of these are what `docker ps` shows. */
typedef enum ContainerState {
        CONTAINER_CREATED,
        CONTAINER_RUNNING,
        CONTAINER_PAUSED,
        CONTAINER_RESTARTING,   /* ended, and the restart policy starts it again after a delay */
        CONTAINER_REMOVING,
        CONTAINER_EXITED,
        CONTAINER_DEAD,         /* removal failed half-way */
        _CONTAINER_STATE_MAX,
        _CONTAINER_STATE_INVALID = -EINVAL,
} ContainerState;

const char *container_state_to_string(ContainerState s);
ContainerState container_state_from_string(const char *s);

/* What is on disk: table "containers" of the store. */
typedef struct ContainerDocument {
        char *id;
        char *name;                     /* without the slash */
        nsec_t created;
        char *image;                    /* as the user named it */
        char *image_id;                 /* "sha256:..." */
        char *image_os;
        ContainerConfig config;         /* merged with the image's */
        HostConfig host_config;         /* with the daemon's defaults */
        NetworkingConfig networking;    /* as asked for */
        char *path;                     /* program and arguments: entrypoint + command */
        char **args;
        char *storage_driver;
        MountPointList mounts;
        char **named_volumes;           /* by the user, be they anonymous: never removed with it */

        char *state;
        int64_t pid;
        int64_t exit_code;
        char *error;                    /* why the last start failed */
        bool oom_killed;
        nsec_t started, finished;
        int64_t restart_count;
        bool stopped_by_user;           /* the restart policy leaves it alone */
        bool volumes_filled;            /* with what the image has at their mount points */
        bool remove_volumes;            /* the anonymous ones go with it: the removal was begun so */
        Health *health;                 /* NULL: its health was never checked */
} ContainerDocument;
JSON_TYPE_DECLARE(ContainerDocument);

struct Container {
        unsigned n_ref;
        ContainerManager *manager;      /* back-pointer; NULL once it is unlinked */
        ContainerDocument doc;
        ContainerState state;           /* changed by container_set_state() alone */

        char *run_dir;                  /* <exec root>/containers/<id> */
        char *data_dir;                 /* <data root>/containers/<id> */
        char *rw_dir;                   /* <data root>/containers/<id>/rw */
        Image *image;                   /* referenced; NULL if it is gone */

        Operation *busy;                /* start, restore or removal in progress: others wait for it */
        bool restoring;                 /* busy is the restore */
        bool end_unrecorded;            /* the store did not take its end: the exit file has it */
        bool booted;                    /* it ended with the machine: its next start is no restart */
        ContainerStart *start;          /* the start in progress */
        sd_event_source *start_cancel;  /* a request to end it waits for the start, but not for ever */
        ContainerFill *fill;            /* of its volumes, after the creation */
        ShimClient *shim;               /* connection while the shim lives */
        bool supervised;                /* the supervisor has not said yet that the shim is gone */
        Operation *gone;                /* completes when it says so; made by the first who waits */
        unsigned n_restarts;            /* that end it and start it again: AutoRemove leaves it alone */
        bool remove_when_lost;          /* AutoRemove: as soon as the shim has served its attached clients */

        struct ContainerFreeze *freezes;        /* who wants it to stand still */
        enum { FREEZE_NONE, FREEZE_ASKED, FREEZE_DONE } freezing;
        uint32_t freeze_id;             /* of the question to the shim */
        unsigned n_freezings;           /* since it was loaded */

        Operation *pausing;             /* busy is a pause, or its end */
        uint32_t pause_id;              /* of the question to the shim */
        ContainerUpdate *update;        /* busy is this one */

        RootQuestion *root_questions;   /* to the shim; owned by who asks */
        ContainerCopy *writer;          /* busy is its copy into the root file system, borrowed */
        ContainerAttach *attaches;
        ContainerExec *execs;           /* owned, in the order they were made */
        ContainerHealth *health;        /* what checks its health while it runs */
        ContainerWaiter *waiters;
        ContainerStatsWatch *stats;     /* NULL: nobody wants to know what it uses */
        sd_event_source *restart_timer; /* CONTAINER_RESTARTING */
        usec_t restart_delay;
        usec_t started_monotonic;       /* this run, for the restart back-off */
};

/* Unconnected object around a document, which is taken over. */
int container_new(ContainerManager *m, ContainerDocument *doc, Container **ret);
Container *container_ref(Container *c);
Container *container_unref(Container *c);
DEFINE_TRIVIAL_CLEANUP_FUNC(Container *, container_unref);

/* Into and out of the manager's tables. */
int container_link(Container *c);
void container_unlink(Container *c);

/* True while a process of it exists (running or paused). */
static inline bool container_is_running(const Container *c) {
        return c->state == CONTAINER_RUNNING || c->state == CONTAINER_PAUSED;
}

/* Checks the transition, records, tells waiters of the state. sync: see store.h. Returns the error of the
 * record; the state has changed in any case. */
int container_set_state(Container *c, ContainerState state, int sync, Error *reterr);
int container_save(Container *c, int sync, Error *reterr);
/* Of its creation and removal. One with AutoRemove does not outlive the run of the machine in any case. */
int container_sync(const Container *c);

/* Publishes an event with Docker's attributes (image, name, labels) and the extra pairs up to NULL. */
void container_event(Container *c, const char *action, const char *message_id, ...) _sentinel_;

/* "b7f3..." of 12 digits, for messages. */
const char *container_short_id(const Container *c, char buf[static 13]);

/* Calls back when nothing is in progress on the container and, with shim_gone, no shim of an earlier run is
 * left. 1: so it is now, done is not called; 0: done comes later, from the loop. The container may be
 * removed by then. */
int container_when_idle(Container *c, bool shim_gone, OperationDone done, void *userdata);

/* Takes c->busy, which must be free. */
int container_set_busy(Container *c, Operation **ret);
/* Ends c->busy with the result. */
void container_clear_busy(Container *c, int r, const Error *error);

/* Stop settings: the request's, the container's, the daemon's. */
int container_stop_signal(const Container *c, const char *override, int *ret, Error *reterr);
int64_t container_stop_timeout(const Container *c);
