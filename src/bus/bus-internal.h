/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the face, its clients, calls, streams and the rows of its
 * interfaces. */
#pragma once

#include "basic/hashmap.h"
#include "basic/list.h"
#include "bus/bus.h"
#include "engine/authz.h"
#include "engine/calls.h"
#include "shared/bus-object.h"
#include "shared/bus-polkit.h"

/* Limits of what other bus clients can make us hold. */
#define BUS_CLIENTS_MAX 1024U           /* senders we know at a time */
#define BUS_CLIENT_CALLS_MAX 256U       /* pending calls and reads of one sender */
#define BUS_COLLECT_MAX (1024U * 1024U) /* bytes of progress that one reply carries */

typedef struct BusCall BusCall;
typedef struct BusClient BusClient;
typedef struct BusContainer BusContainer;
typedef struct BusInterface BusInterface;
typedef struct BusRead BusRead;
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
 *        o      the object of the container whose id is in the field
 *        else   one field of the reply */
typedef struct BusRow {
        const char *member;
        const char *in, *in_names;
        const char *out, *out_names;
        const EngineCall *call;
        const char *defaults;           /* JSON object of parameters the client did not give; NULL = none */
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

/* What a method is called on; the first member of every object, so that one handler serves all. */
typedef struct BusTarget {
        BusFace *face;                  /* borrowed */
        const BusInterface *interface;
        const char *id;                 /* container id; NULL for the manager */
} BusTarget;

/* The container as it was last shown on the bus. */
struct BusContainer {
        BusTarget target;
        char *id;
        char *path;
        char *name;
        char *image, *image_id;
        char *state;
        char *unit;
        uint32_t pid;
        int32_t exit_code;
        int oom_killed;                 /* int: the bus's boolean */
        uint64_t created, started, finished;    /* usec since 1970; 0 = never */
        StringMap labels;
        unsigned changed;               /* Changed bits of properties that wait for their signal */
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
        BusStream *stream;
        Buffer lines;                   /* of a stream that is answered as a whole */
        bool collecting;
        int hijack_fd;                  /* our end, until the session is over */
        sd_event_source *hijack;        /* hands the connection over from the loop */
        LIST_FIELDS(BusCall, calls);
};

/* One read that waits for its authorization (bus-read.c). */
struct BusRead {
        BusFace *face;                  /* borrowed */
        BusClient *client;              /* borrowed; NULL once allowed */
        sd_bus_message *message;
        const char *action;
        Caller caller;
        AuthzCheck *check;
        LIST_FIELDS(BusRead, reads);
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
        BusRead *reads;                 /* owned */
        unsigned n_pending;
        LIST_FIELDS(BusClient, clients);
};

struct BusFace {
        Engine *engine;                 /* borrowed */
        BusConnection *connection;
        BusListener *listener;
        sd_bus *bus;                    /* borrowed from the connection; NULL while there is none */
        bool serving;
        bool was_ready;
        BusTarget manager;
        BusVtable *manager_vtable, *container_vtable;

        Hashmap *containers;            /* id -> BusContainer, owned */
        EngineCounts counts;            /* as last shown */
        EventSubscriber subscriber;
        bool subscribed;
        sd_event_source *refresh;       /* enabled while something may have changed */
        char **dirty;                   /* ids to look at */

        BusClient *clients;             /* owned */
        unsigned n_clients;
        BusRead *passed;                /* owned: reads on their second way through the queue */
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
int bus_args_read(sd_bus_message *m, const BusTarget *target, const BusRow *row, void *params, int *ret_fd,
                  Error *reterr);
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

/* bus-read.c */
int bus_read_filter(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
void bus_read_start(BusRead *read);
void bus_read_refuse(BusRead *read, const Error *error);
BusRead *bus_read_free(BusRead *read);
void bus_read_done_all(BusFace *f);

/* bus-vtable.c: rows as sd-bus wants them. */
int bus_vtable_new(const BusInterface *interface, BusVtable **ret);
BusVtable *bus_vtable_free(BusVtable *v);
const sd_bus_vtable *bus_vtable_get(const BusVtable *v);
const BusRow *bus_interface_find(const BusInterface *interface, const char *member);

/* bus-manager.c */
void bus_manager_emit_event(BusFace *f, const Event *event);
/* Compares the counts with what was shown. */
void bus_manager_refresh(BusFace *f);

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

/* bus.c */
void bus_face_schedule_refresh(BusFace *f, const char *id);
