/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the face, its clients, calls, streams and the rows of its
 * interfaces. */
#pragma once

#include "basic/hashmap.h"
#include "basic/list.h"
#include "bus/bus.h"
#include "engine/authz.h"
#include "engine/calls.h"
#include "json/json-value.h"
#include "shared/bus-object.h"
#include "shared/bus-polkit.h"

/* Limits of what other bus clients can make us hold. */
#define BUS_CLIENTS_MAX 1024U           /* senders we know at a time */
#define BUS_CLIENT_CALLS_MAX 256U       /* pending calls and reads of one sender */
#define BUS_COLLECT_MAX (1024U * 1024U) /* bytes of progress that one reply carries */
/* Operations that exist, ended ones included; each that runs keeps its client known. */
#define BUS_OPERATIONS_MAX 512U
#define BUS_USER_OPERATIONS_MAX 256U    /* of one user */
#define BUS_CLIENT_OPERATIONS_MAX 128U  /* of one sender */
#define BUS_OPERATION_STEPS_MAX 1024U   /* layers that one operation shows */
#define BUS_OPERATION_KEEP_USEC (60U * USEC_PER_SEC)    /* an ended one is shown for this long */
#define BUS_OPERATION_SIGNAL_USEC (100U * USEC_PER_MSEC)        /* between two of its PropertiesChanged */

typedef struct BusCall BusCall;
typedef struct BusClient BusClient;
typedef struct BusContainer BusContainer;
typedef struct BusGuard BusGuard;
typedef struct BusImage BusImage;
typedef struct BusInterface BusInterface;
typedef struct BusOperation BusOperation;
typedef struct BusStream BusStream;
typedef struct BusVtable BusVtable;

/* One method. Names: one word per argument, "name" or "name=Field" where the row of the call's table has
 * another name ("name=Field.Member" for a member of a reply's object).
 *
 *   in   h      the byte stream of a call with CALL_INPUT
 *        a{sv}  options: any other parameter of the call, by the names of its table
 *        s      with the field "*": the same options as JSON text
 *        else   one parameter
 *   out  a{sv}  the whole reply; aa{sv}: a list of replies, or the JSON lines of a stream
 *        hs     a stream or the hijacked connection, and how it is framed
 *        o      the object whose id is in the field; the argument is named after its kind: container, image.
 *               Or, of a row with an operation: the object that the call goes on as
 *        else   one field of the reply */
typedef struct BusRow {
        const char *member;
        const char *in, *in_names;
        const char *out, *out_names;
        const EngineCall *call;
        const char *defaults;           /* JSON object of parameters the client did not give; NULL = none */
        const char *operation; /* "pull": the method answers as soon as the call is on its way; else NULL */
        bool by_name; /* the argument for the id is one of the object's names, and stands for it */
} BusRow;

#define BUS_CALL(_member, _in, _in_names, _out, _out_names, _call, ...)                         \
        {                                                                                       \
                .member = (_member), .in = (_in), .in_names = (_in_names), .out = (_out),       \
                .out_names = (_out_names), .call = &engine_call_##_call, ##__VA_ARGS__          \
        }

struct BusInterface {
        const char *name;
        const BusRow *rows;
        size_t n_rows;
        const sd_bus_vtable *extra;     /* properties and signals, between START and END */
        const char *id_field;           /* parameter that the object's own id goes to; NULL = none */
        const EngineCall *read_call;    /* whose polkit action guards reading properties */
};

extern const BusInterface bus_manager_interface;
extern const BusInterface bus_container_interface;
extern const BusInterface bus_image_interface;
extern const BusInterface bus_operation_interface;

/* What a method is called on; the first member of every object, so that one handler serves all. */
typedef struct BusTarget {
        BusFace *face;                  /* borrowed */
        const BusInterface *interface;
        char *id;                       /* owned; NULL for the manager */
        char *path;                     /* owned; NULL for the manager */
} BusTarget;

/* One bit of what waits for its PropertiesChanged. */
typedef struct BusChange {
        unsigned bit;
        const char *property;
} BusChange;

/* The container as it was last shown on the bus. */
struct BusContainer {
        BusTarget target;
        char *name;
        char *image, *image_id;
        char *state;
        char *health;
        char *unit;
        uint32_t pid;
        int32_t exit_code;
        int oom_killed;                 /* int: the bus's boolean */
        uint64_t created, started, finished;    /* usec since 1970; 0 = never */
        StringMap labels;
        unsigned changed;               /* Changed bits of properties that wait for their signal */
};

/* An image; what cannot change is asked of the engine. */
struct BusImage {
        BusTarget target;               /* its id is HEX, without "sha256:" */
        char *id;                       /* "sha256:HEX" */
        char **tags, **digests;         /* as last shown */
        unsigned changed;               /* bits of properties that wait for their signal */
};

/* A layer as its last line of progress showed it. */
typedef struct BusStep {
        char *id, *status;
        uint64_t current, total;
        bool complete;
} BusStep;

typedef enum BusOperationState {
        BUS_OPERATION_RUNNING,
        BUS_OPERATION_DONE,
        BUS_OPERATION_FAILED,
        BUS_OPERATION_CANCELLED,
} BusOperationState;

/* A call that goes on after its method was answered (bus-operation.c). */
struct BusOperation {
        BusTarget target;
        uint64_t number;
        BusClient *client;              /* borrowed; NULL once it has left the bus */
        uid_t uid;                      /* whose it is */
        const BusRow *row;
        Call *call;                     /* NULL once it has ended */
        bool cancel_on_disconnect;

        BusOperationState state;
        char *reference;
        char *error, *error_name;
        Buffer lines;                   /* begin of a line whose end is still to come */
        BusStep *steps;
        size_t n_steps;
        uint64_t current, total;        /* bytes, sums of the steps */
        double progress;
        char *status, *result;

        unsigned changed;
        usec_t signalled;               /* CLOCK_MONOTONIC */
        sd_event_source *timer;         /* next signal; after the end: goes away */
};

/* One method call in flight (bus-call.c). */
struct BusCall {
        BusFace *face;                  /* borrowed */
        BusClient *client; /* borrowed; NULL once the answer is an fd, which tells when to end */
        const BusRow *row;
        sd_bus_message *message;        /* NULL once answered */
        Call *call;
        bool started;                   /* call_run() has seen it */
        CallStreamKind kind;            /* of stream */
        int input_fd;                   /* argument, until the engine takes it */
        bool cancel_on_disconnect;      /* option of a row with an operation */
        BusStream *stream;
        Buffer lines;                   /* of a stream that is answered as a whole */
        bool collecting;
        int hijack_fd;                  /* our end, until the session is over */
        sd_event_source *hijack;        /* hands the connection over from the loop */
        LIST_FIELDS(BusCall, calls);
};

#define BUS_GUARD_ACTIONS_MAX 2U

/* One message that waits for its authorization (bus-guard.c). */
struct BusGuard {
        BusFace *face;                  /* borrowed */
        BusClient *client;              /* borrowed; NULL once allowed */
        sd_bus_message *message;
        const char *actions[BUS_GUARD_ACTIONS_MAX];     /* all must be allowed */
        size_t next;                    /* action to ask for */
        uid_t owner;                    /* needs no action; (uid_t) -1 = nobody */
        void (*allowed)(BusGuard *guard);       /* frees it; NULL: sd-bus answers the message */
        Caller caller;
        AuthzCheck *check;
        LIST_FIELDS(BusGuard, guards);
};

/* Who sends: known until it leaves the bus. */
struct BusClient {
        BusFace *face;                  /* borrowed */
        char *name;
        sd_bus_slot *match;             /* NameOwnerChanged */
        BusSenderQuery *query;          /* NULL once answered */
        BusSender sender;
        bool known;
        BusCall *calls;                 /* owned */
        BusGuard *guards;               /* owned */
        unsigned n_pending;
        LIST_FIELDS(BusClient, clients);
};

typedef enum BusKind {
        BUS_KIND_MANAGER,
        BUS_KIND_CONTAINER,
        BUS_KIND_IMAGE,
        BUS_KIND_OPERATION,
        _BUS_KIND_MAX,
} BusKind;

struct BusFace {
        Engine *engine;                 /* borrowed */
        BusConnection *connection;
        BusListener *listener;
        sd_bus *bus;                    /* borrowed from the connection; NULL while there is none */
        bool serving;
        bool was_ready;
        BusTarget manager;
        BusVtable *vtables[_BUS_KIND_MAX];

        Hashmap *containers;            /* id -> BusContainer, owned */
        Hashmap *images;                /* "sha256:HEX" -> BusImage, owned */
        Hashmap *tags;                  /* tag -> BusImage that has it as last shown */
        Hashmap *operations;            /* path -> BusOperation, owned */
        uint64_t last_operation;
        usec_t operation_keep;          /* BUS_OPERATION_KEEP_USEC, but for tests */
        EngineCounts counts;            /* as last shown */
        EventSubscriber subscriber;
        bool subscribed;
        sd_event_source *exit;
        sd_event_source *refresh;       /* enabled while something may have changed */
        char **dirty, **dirty_images;   /* ids to look at */

        BusClient *clients;             /* owned */
        unsigned n_clients;
        BusGuard *passed;               /* owned: messages on their second way through the queue */
        BusCall *streaming;             /* owned: answered with an fd that is still in use */
};

/* bus-call.c */
int bus_method_handler(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
void bus_call_start(BusCall *bc);
void bus_call_refuse(BusCall *bc, const Error *error);
/* Abandons the call where it is still running. */
BusCall *bus_call_free(BusCall *bc);
DEFINE_TRIVIAL_CLEANUP_FUNC(BusCall *, bus_call_free);
/* The answer of a refused call. */
void bus_reply_refusal(sd_bus_message *call, const Error *error);
/* At exit: leaves a hijacked connection to its other holder. */
void bus_call_detach(BusCall *bc);

/* bus-args.c */
typedef struct BusArgs {
        int fd;                         /* byte stream, owned by the caller; negative = none */
        bool cancel_on_disconnect;
} BusArgs;
int bus_args_read(sd_bus_message *m, const BusTarget *target, const BusRow *row, void *params,
                  BusArgs *ret, Error *reterr);
/* Splits the next complete type off a signature; false at the end. */
#define BUS_TYPE_MAX 32U
bool bus_signature_next(const char **signature, char ret[static BUS_TYPE_MAX]);
/* The next word of the names: argument name and field, which are the same where no field is given. */
#define BUS_WORD_MAX 64U
void bus_names_next(const char **names, char ret_name[static BUS_WORD_MAX],
                    char ret_field[static BUS_WORD_MAX]);

/* bus-reply.c */
int bus_reply_values(sd_bus_message *m, const BusRow *row, const void *reply);
/* text: JSON lines. */
int bus_reply_lines(sd_bus_message *m, const char *text, size_t size);
/* The last line of a JSON stream that broke; owned by the caller. */
char *bus_error_line(const Error *error);
const char *bus_stream_format(CallStreamKind kind);

/* bus-stream.c: bytes towards a client's fd, with a queue. */
typedef struct BusStreamOps {
        /* The queue fell to the low mark after it was over the high one. */
        void (*drained)(void *userdata);
        /* Once: all is sent after finish (0), or the client is gone (< 0). */
        void (*ended)(int r, void *userdata);
} BusStreamOps;
int bus_stream_new_consume(sd_event *event, int fd, const BusStreamOps *ops, void *userdata,
                           BusStream **ret);
BusStream *bus_stream_free(BusStream *s);
/* As CallFace.stream_write. */
int bus_stream_write(BusStream *s, const void *data, size_t size);
void bus_stream_finish(BusStream *s);

/* bus-client.c */
int bus_client_get(BusFace *f, sd_bus_message *m, BusClient **ret, Error *reterr);
BusClient *bus_client_free(BusClient *c);
int bus_client_fill_caller(const BusClient *c, sd_bus_message *m, Caller *caller);

/* bus-guard.c */
int bus_guard_filter(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
/* As a method's handler: allowed() goes on with the message once its sender may do the action or is the
 * owner. */
int bus_guard_message(BusFace *f, sd_bus_message *m, const char *action, uid_t owner,
                      void (*allowed)(BusGuard *guard), sd_bus_error *ret_error);
void bus_guard_start(BusGuard *guard);
void bus_guard_refuse(BusGuard *guard, const Error *error);
BusGuard *bus_guard_free(BusGuard *guard);
void bus_guard_done_all(BusFace *f);

/* bus-vtable.c: rows as sd-bus wants them. */
int bus_vtable_new(const BusInterface *interface, BusVtable **ret);
BusVtable *bus_vtable_free(BusVtable *v);
const sd_bus_vtable *bus_vtable_get(const BusVtable *v);
const BusRow *bus_interface_find(const BusInterface *interface, const char *member);

/* bus-manager.c */
void bus_manager_emit_event(BusFace *f, const Event *event);
/* Compares the counts with what was shown. */
void bus_manager_refresh(BusFace *f);

/* bus-signal.c: what objects have in common. */
/* NULL while nothing can be sent. */
sd_bus *bus_face_ready(BusFace *f);
void bus_target_done(BusTarget *t);
void bus_target_emit_added(const BusTarget *t);
/* The object is still found; it goes after it. */
void bus_target_emit_removed(const BusTarget *t);
void bus_target_emit_changes(const BusTarget *t, const BusChange *table, size_t n, unsigned changed);
/* Paths of a map of targets, as sd-bus wants them of an enumerator. */
int bus_targets_enumerate(const Hashmap *targets, char ***ret);
int bus_append_string_map(sd_bus_message *m, const StringMap *map);

/* bus-container.c */
int bus_container_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
                       sd_bus_error *ret_error);
int bus_container_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
                            sd_bus_error *ret_error);
BusContainer *bus_container_free(BusContainer *c);
/* Looks at the container, adds or removes its object and sends the signals. */
void bus_container_refresh(BusFace *f, const char *id);
/* The object path of a container id; owned by the caller. */
int bus_container_path(const char *id, char **ret);

/* bus-image.c */
int bus_image_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
                   sd_bus_error *ret_error);
int bus_image_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
                        sd_bus_error *ret_error);
BusImage *bus_image_free(BusImage *i);
/* Looks at the images that are dirty, and at all where one came or went unsaid. */
void bus_images_refresh(BusFace *f);
void bus_image_schedule_refresh(BusFace *f, const char *id);
/* Of "sha256:HEX"; owned by the caller. */
int bus_image_path(const char *id, char **ret);
/* Puts a name of the image in the place of its id. */
int bus_image_set_name(const BusTarget *t, JsonValue *params, Error *reterr);

/* bus-operation.c */
int bus_operation_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
                       sd_bus_error *ret_error);
int bus_operation_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
                            sd_bus_error *ret_error);
/* Whether the client may have one more. */
int bus_operation_check_limits(BusClient *c, Error *reterr);
/* Shows the call, which is on its way, as an object that is its face from now on. Takes the reference. */
int bus_operation_new_consume(BusCall *bc, BusOperation **ret, Error *reterr);
/* Lines of progress. */
void bus_operation_feed(BusOperation *o, const void *data, size_t size);
/* error: NULL = done. */
void bus_operation_end(BusOperation *o, const Error *error);
void bus_operation_cancel(BusOperation *o, const char *reason);
BusOperation *bus_operation_free(BusOperation *o);
void bus_operations_forget_client(BusClient *c);

/* bus.c */
void bus_face_schedule_refresh(BusFace *f, const char *id);
