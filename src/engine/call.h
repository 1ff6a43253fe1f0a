/* SPDX-License-Identifier: Apache-2.0 */
/* One engine call: the const row that declares it, and one invocation in flight. Both faces (HTTP, D-Bus)
 * create a Call from a row, hand it to call_run() and implement CallFace; engine functions know neither
 * face.
 *
 * Life: face: call_new() -> fill call->params, call->caller -> call_run() (authorise, then row->function) ->
 * exactly one of: call_reply(), call_fail(), call_stream_close(), call_hijack_end() -> the face drops its
 * reference. The engine may hold references longer; after the client is gone (call_abandon()) answers go
 * nowhere. */
#pragma once

#include <systemd/sd-event.h>

#include "engine/caller.h"
#include "json/json-type.h"

typedef struct Engine Engine;
typedef struct Call Call;
typedef struct CallFace CallFace;

#define CALL_STREAM_HIGH_MARK (256U * 1024U)    /* bytes queued in a face before a producer has to wait */
#define CALL_STREAM_LOW_MARK (64U * 1024U)      /* on_drain is called when the queue falls to this */
#define CALLS_MAX 4096U                         /* in flight at once, all faces */

typedef enum CallFlags {
        CALL_MUTATES = 1 << 0,          /* changes something: logged, never answered to a read-only caller */
        CALL_INPUT = 1 << 1,            /* takes a byte stream: call_take_input() */
        CALL_STREAM = 1 << 2,           /* may answer by call_stream_open() */
        CALL_HIJACK = 1 << 3,           /* may take over the connection: call_hijack() */
        CALL_PUBLIC = 1 << 4,           /* needs no authorisation (ping) */
} CallFlags;

/* Returns < 0: failed, call->error is set, the dispatcher answers; 0: pending, the function has arranged for
 * an answer; 1: answered already. */
typedef int (*EngineFunction)(Engine *e, Call *call);

typedef struct EngineCall {
        const char *name;               /* "ContainerStart" */
        const JsonType *params;         /* call->params, allocated zeroed by call_new(); NULL = none */
        const JsonType *reply;          /* what call_reply() is given; NULL = nothing */
        const char *action;             /* polkit action without prefix: "container-start"; NULL with
                                         * CALL_PUBLIC only */
        unsigned flags;
        EngineFunction function;
        const char *doc;                /* one sentence for the reference pages */
        bool reply_is_list;             /* the reply is a CallList of `reply` structs */
} EngineCall;

/* A reply that is a JSON array at the top: borrowed items, each of row->reply's type. */
typedef struct CallList {
        const void *items;
        size_t n_items;
} CallList;

typedef enum CallStreamKind {
        CALL_STREAM_JSON,               /* JSON lines: progress, events. HTTP: application/json */
        CALL_STREAM_RAW,                /* bytes of a terminal */
        CALL_STREAM_MULTIPLEXED,        /* stdcopy frames */
        CALL_STREAM_TAR,                /* application/x-tar */
        CALL_STREAM_BYTES,              /* application/octet-stream: a tar archive that Docker does not call
                                         * so */
} CallStreamKind;

typedef struct CallHijackInfo {
        CallStreamKind kind;            /* RAW or MULTIPLEXED */
} CallHijackInfo;

/* Implemented by each face. None of these is called after the answer or after call_abandon(). They may call
 * back into hooks (on_drain, on_hijack) only from the event loop, never from inside. */
struct CallFace {
        const char *name;
        void (*reply)(Call *call, const void *reply);
        void (*fail)(Call *call, const Error *error);
        /* The answer is certain to come but not yet: send what can be sent (HTTP: status and headers of a
         * 200). */
        void (*promise)(Call *call);
        /* The caller is authorised, and the engine function has begun and not ended the call. NULL = not
         * interested. May abandon the call. */
        void (*accepted)(Call *call);

        int (*stream_open)(Call *call, CallStreamKind kind);
        /* Queues all of it. 0: go on; 1: over the high mark, write no more until on_drain. */
        int (*stream_write)(Call *call, const void *data, size_t size);
        /* error: NULL or what went wrong after the start (JSON streams carry it as a last line). */
        void (*stream_close)(Call *call, const Error *error);

        /* Asks for the client's connection; on_hijack comes later with it. */
        int (*hijack)(Call *call, const CallHijackInfo *info);
        /* The session is over (the other holder of the socket said so): close the connection. */
        void (*hijack_end)(Call *call);

        /* The read end of the client's byte stream, owned by the caller; EOF = end of the stream. */
        int (*take_input)(Call *call);
};

/* fd: a socket to the client, owned by the callee (a duplicate: the face keeps its own until hijack_end).
 * early: bytes the client sent already, borrowed. fd < 0: the connection could not be had. */
typedef void (*CallHijackFunction)(Call *call, int fd, const void *early, size_t n_early);

struct Call {
        unsigned n_ref;
        Engine *engine;                 /* borrowed */
        const EngineCall *row;
        void *params;                   /* owned, row->params */
        Error error;                    /* where engine functions put the reason: `&call->error` */

        /* set by the face before call_run() */
        Caller caller;
        unsigned version;               /* minor API version, 51 for 1.51; the bus uses API_VERSION_MAX */
        const CallFace *face;
        void *face_data;                /* borrowed by the call, owned by the face */

        /* set by the engine function where it stays pending; all called from the event loop, NULL = not
         * interested */
        void (*on_gone)(Call *call);    /* the client went away; the call is abandoned already */
        void (*on_drain)(Call *call);
        CallHijackFunction on_hijack;
        void *data;                     /* the engine function's own state; NULL once it is released */
        void (*data_free)(void *data);

        enum {
                CALL_NEW,
                CALL_RUNNING,
                CALL_STREAMING,
                CALL_HIJACKED,
                CALL_DONE,
        } state;
        struct AuthzCheck *authz;       /* owned: the decision that call_run() waits for; freed by an
                                         * abandon */
        char *path_stat;                /* owned: of what the stream is an archive, as JSON; NULL = nobody
                                         * asks. The HTTP face sends it as a header. */
        bool abandoned;
        bool input_taken;
        usec_t started;                 /* CLOCK_MONOTONIC */
};

/* NULL when memory is out. Params are allocated. */
Call *call_new(Engine *e, const EngineCall *row, const CallFace *face, void *face_data);
Call *call_ref(Call *call);
Call *call_unref(Call *call);
DEFINE_TRIVIAL_CLEANUP_FUNC(Call *, call_unref);
#define _cleanup_call_unref_ _cleanup_(call_unrefp)

/* Authorises and runs. Answers always come through the face, possibly before this returns. */
void call_run(Call *call);

/* The call waits for work that ends with its client: `work` becomes call->data and is freed with work_free
 * when the client goes away. The work holds a reference of the call, which call_work_end() gives back to
 * its callback. */
void call_work_begin(Call *call, void *work, void (*work_free)(void *work));
Call *call_work_end(Call *call);

/* Exactly one of these four ends a call. After an abandon they only end it. */
void call_reply(Call *call, const void *reply);         /* row->reply struct or CallList; NULL if row->reply
                                                         * is NULL */
void call_fail(Call *call, const Error *error);
void call_stream_close(Call *call, const Error *error);
void call_hijack_end(Call *call);
/* The same with the error that is in call->error. */
void call_fail_own(Call *call, int r);

void call_promise(Call *call);
int call_stream_open(Call *call, CallStreamKind kind);
int call_stream_write(Call *call, const void *data, size_t size);
/* One JSON line (CRLF as Docker's progress streams); takes the reference of o. */
int call_stream_json(Call *call, struct json_object *o);
/* Asks for the client's connection, on behalf of a session that holds a reference of the call until
 * on_gone, or until it has called call_hijack_end(). */
int call_hijack(Call *call, CallStreamKind kind, CallHijackFunction on_hijack, void (*on_gone)(Call *call),
                Error *reterr);
int call_take_input(Call *call);

/* By the face: the client went away. Calls on_gone once. */
void call_abandon(Call *call);

/* Calls that exist, whatever their state; CALLS_MAX is checked against it. */
unsigned calls_in_flight(void);

static inline bool call_is_done(const Call *call) {
        return call->state == CALL_DONE || call->abandoned;
}
