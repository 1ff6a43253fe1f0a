/* SPDX-License-Identifier: Apache-2.0 */
/* One engine call from a face's request to exactly one answer. Knows what may follow what, no face and no
 * object. */
#include "engine/call.h"

#include "basic/log.h"
#include "engine/authz.h"
#include "json/json-text.h"

/* Of all engines of the process, which is one. */
static unsigned n_calls;

unsigned calls_in_flight(void) {
        return n_calls;
}

Call *call_new(Engine *e, const EngineCall *row, const CallFace *face, void *face_data) {
        Call *call;

        assert(row);
        assert(face);

        call = new(Call, 1);
        if (!call)
                return NULL;
        *call = (Call) {
                .n_ref = 1,
                .engine = e,
                .row = row,
                .face = face,
                .face_data = face_data,
                .params = row->params ? json_new(row->params) : NULL,
        };
        if (row->params && !call->params)
                return mfree(call);

        n_calls++;
        return call;
}

static void call_free(Call *call) {
        n_calls--;
        authz_check_free(call->authz);
        if (call->data && call->data_free)
                call->data_free(call->data);
        if (call->row->params)
                json_free(call->row->params, call->params);
        caller_done(&call->caller);
        free(call->path_stat);
        error_done(&call->error);
        free(call);
}

DEFINE_REF_UNREF(Call, call, call_free);

/* The end: true if the face is still to be told. */
static bool call_finish(Call *call) {
        if (call->state == CALL_DONE)
                return false;
        call->state = CALL_DONE;
        log_debug("%s ended after %" PRIu64 " us%s", call->row->name,
                  now_usec(CLOCK_MONOTONIC) - call->started, call->abandoned ? ", its client was gone" : "");
        return !call->abandoned;
}

void call_reply(Call *call, const void *reply) {
        assert(call->state <= CALL_RUNNING);
        assert(!reply || call->row->reply);

        call_ref(call);
        if (call_finish(call))
                call->face->reply(call, reply);
        call_unref(call);
}

/* An answer that began cannot be taken back: it ends with the error. */
void call_fail(Call *call, const Error *error) {
        bool streaming = call->state == CALL_STREAMING, hijacked = call->state == CALL_HIJACKED;

        assert(error_is_set(error));

        call_ref(call);
        if (call_finish(call)) {
                if (streaming)
                        call->face->stream_close(call, error);
                else if (hijacked)
                        call->face->hijack_end(call);
                else
                        call->face->fail(call, error);
        }
        call_unref(call);
}

void call_fail_own(Call *call, int r) {
        assert(r < 0);

        error_fill(&call->error, r);
        call_fail(call, &call->error);
}

void call_promise(Call *call) {
        assert(call->state <= CALL_RUNNING);

        if (!call->abandoned)
                call->face->promise(call);
}

int call_stream_open(Call *call, CallStreamKind kind) {
        assert(call->state == CALL_RUNNING);
        assert(FLAGS_SET(call->row->flags, CALL_STREAM));

        if (call->abandoned)
                return -ECANCELED;
        call->state = CALL_STREAMING;
        return call->face->stream_open(call, kind);
}

int call_stream_write(Call *call, const void *data, size_t size) {
        if (call_is_done(call))
                return -ECANCELED;
        assert(call->state == CALL_STREAMING);
        return call->face->stream_write(call, data, size);
}

int call_stream_json(Call *call, struct json_object *o) {
        _cleanup_json_ struct json_object *owned = o;
        _cleanup_free_ char *line = NULL;
        const char *text = o ? json_text(o) : NULL;

        line = text ? strjoin(text, "\r\n") : NULL;
        if (!line)
                return -ENOMEM;
        return call_stream_write(call, line, strlen(line));
}

void call_stream_close(Call *call, const Error *error) {
        assert(call->state == CALL_STREAMING || call_is_done(call));

        call_ref(call);
        if (call_finish(call))
                call->face->stream_close(call, error);
        call_unref(call);
}

int call_hijack(Call *call, CallStreamKind kind, CallHijackFunction on_hijack, void (*on_gone)(Call *call),
                Error *reterr) {
        int r = -ECANCELED;

        assert(call->state == CALL_RUNNING);
        assert(FLAGS_SET(call->row->flags, CALL_HIJACK));

        call->on_hijack = on_hijack;
        call->on_gone = on_gone;
        call_ref(call);
        if (!call->abandoned) {
                call->state = CALL_HIJACKED;
                r = call->face->hijack(call, &(CallHijackInfo) { kind });
        }
        if (r >= 0)
                return 0;
        call->on_gone = NULL;
        call_unref(call);
        return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot take over the connection");
}

void call_hijack_end(Call *call) {
        assert(call->state == CALL_HIJACKED || call_is_done(call));

        call_ref(call);
        if (call_finish(call))
                call->face->hijack_end(call);
        call_unref(call);
}

static void on_work_gone(Call *call) {
        call->data_free(TAKE_PTR(call->data));
        call_unref(call);
}

void call_work_begin(Call *call, void *work, void (*work_free)(void *work)) {
        call_ref(call);
        call->data = work;
        call->data_free = work_free;
        call->on_gone = on_work_gone;
}

Call *call_work_end(Call *call) {
        call->data = NULL;
        call->on_gone = NULL;
        return call;
}

int call_take_input(Call *call) {
        assert(FLAGS_SET(call->row->flags, CALL_INPUT));
        assert(!call->input_taken);

        if (call->abandoned)
                return -ECANCELED;
        call->input_taken = true;
        return call->face->take_input(call);
}

static void call_run_function(Call *call) {
        int r;

        r = call->row->function(call->engine, call);
        if (r < 0 && call->state != CALL_DONE)
                call_fail_own(call, r);
        else if (!call_is_done(call) && call->face->accepted)
                call->face->accepted(call);
}

static void on_authorized(Call *call, int r) {
        call_ref(call);
        call->authz = authz_check_free(call->authz);
        if (r < 0)
                call_fail_own(call, r);
        else
                call_run_function(call);
        call_unref(call);
}

void call_run(Call *call) {
        int r;

        assert(call->state == CALL_NEW);

        call_ref(call);
        call->state = CALL_RUNNING;
        call->started = now_usec(CLOCK_MONOTONIC);

        if (n_calls > CALLS_MAX)
                r = error_setf(&call->error, ERROR_UNAVAILABLE, "more than %u calls in progress", CALLS_MAX);
        else
                r = authz_check(call, on_authorized, &call->authz);
        if (r < 0)
                call_fail_own(call, r);
        else if (r > 0)
                call_run_function(call);
        call_unref(call);
}

void call_abandon(Call *call) {
        if (call_is_done(call))
                return;

        call_ref(call);
        call->abandoned = true;
        call->authz = authz_check_free(call->authz);
        if (call->on_gone)
                call->on_gone(call);
        call_unref(call);
}
