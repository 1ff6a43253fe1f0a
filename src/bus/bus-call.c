/* SPDX-License-Identifier: Apache-2.0 */
/* One method call in flight: the generic handler of every row, and the bus's CallFace. */
#include <sys/socket.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/log.h"
#include "basic/string-util.h"
#include "bus/bus-internal.h"

static bool answers_with_fd(const BusRow *row) {
        return row->out[0] == 'h';
}

/* The engine has ended the call, so there is nothing to abandon. */
static void drop_call(BusCall *bc) {
        if (!bc->call)
                return;

        bc->call->face_data = NULL;
        bc->call = call_unref(bc->call);
}

static void call_ended(BusCall *bc) {
        drop_call(bc);
        bus_call_free(bc);
}

/* What the engine says in words for people, and clients of the bus know by a name of their own: ask again,
 * and allow a dialogue. */
void bus_reply_refusal(sd_bus_message *call, const Error *error) {
        if (error_is_set(error) && error->kind == ERROR_UNAUTHORIZED)
                (void) sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                                  "%s", error_message(error));
        else
                (void) bus_reply_error(call, error);
}

/* Sends a reply that was built with result r, or says that it could not be. */
static void send_reply(BusCall *bc, sd_bus_message *m, int r) {
        _cleanup_error_ Error error = ERROR_NULL;

        if (r >= 0)
                r = sd_bus_send(/* bus= */ NULL, m, /* ret_cookie= */ NULL);
        if (r >= 0)
                return;

        log_debug_errno(r, "Cannot reply to %s: %m", bc->row->member);
        (void) error_set_errnof(&error, ERROR_INTERNAL, r, "the reply cannot be sent on the bus");
        (void) bus_reply_error(bc->message, &error);
}

static void face_reply(Call *call, const void *reply) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        BusCall *bc = ASSERT_PTR(call->face_data);
        int r;

        r = sd_bus_message_new_method_return(bc->message, &m);
        if (r >= 0)
                r = bus_reply_values(m, bc->row, reply);
        send_reply(bc, m, r);
        call_ended(bc);
}

static void face_fail(Call *call, const Error *error) {
        bus_call_refuse(ASSERT_PTR(call->face_data), error);
}

static void face_promise(Call *call) {
        /* A method has no headers to send ahead. */
}

/* The method is answered; the call, which may have ended already, is an object from now on. NULL if that
 * cannot be: the method has failed and its call with it. */
static BusOperation *go_on_as_operation(BusCall *bc) {
        _cleanup_error_ Error error = ERROR_NULL;
        BusOperation *o = NULL;
        int r;

        r = bus_operation_new_consume(bc, &o, &error);
        if (r < 0)
                bus_reply_refusal(bc->message, &error);
        else {
                (void) sd_bus_reply_method_return(bc->message, "o", o->target.path);
                bus_operation_feed(o, bc->lines.data, bc->lines.size);
        }
        bus_call_free(bc);
        return o;
}

static void face_accepted(Call *call) {
        BusCall *bc = ASSERT_PTR(call->face_data);

        if (bc->row->operation)
                (void) go_on_as_operation(bc);
}

/* The client's end goes out with the answer; from then on the fd, and not the client's name, carries the
 * call. */
static int answer_fd(BusCall *bc, CallStreamKind kind, int *ret) {
        _cleanup_close_pair_ int fds[2] = EBADF_PAIR;
        int r;

        if (!answers_with_fd(bc->row) || !bc->message)
                return error_setf(&bc->call->error, ERROR_NOT_IMPLEMENTED,
                                  "%s gives no stream on the bus", bc->row->member);

        r = RET_NERRNO(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
        if (r < 0)
                return r;

        /* The client gets a blocking fd, as it would expect of any other; the flag belongs to the end. */
        r = fd_nonblock(fds[0], false);
        if (r < 0)
                return r;
        r = sd_bus_reply_method_return(bc->message, "hs", fds[0], bus_stream_format(kind));
        if (r < 0)
                return r;

        bc->message = sd_bus_message_unref(bc->message);
        LIST_REMOVE(calls, bc->client->calls, bc);
        bc->client->n_pending--;
        bc->client = NULL;
        LIST_PREPEND(calls, bc->face->streaming, bc);

        *ret = TAKE_FD(fds[1]);
        return 0;
}

static void on_stream_drained(void *userdata) {
        BusCall *bc = ASSERT_PTR(userdata);

        if (bc->call && bc->call->on_drain)
                bc->call->on_drain(bc->call);
}

static void on_stream_ended(int r, void *userdata) {
        bus_call_free(userdata);
}

static const BusStreamOps stream_ops = {
        .drained = on_stream_drained,
        .ended = on_stream_ended,
};

static int face_stream_open(Call *call, CallStreamKind kind) {
        BusCall *bc = ASSERT_PTR(call->face_data);
        int fd, r;

        if (kind == CALL_STREAM_JSON && (bc->row->operation || streq(bc->row->out, "aa{sv}"))) {
                bc->collecting = true;
                return 0;
        }

        r = answer_fd(bc, kind, &fd);
        if (r < 0)
                return r;

        bc->kind = kind;
        return bus_stream_new_consume(engine_event(bc->face->engine), fd, &stream_ops, bc, &bc->stream);
}

static int face_stream_write(Call *call, const void *data, size_t size) {
        BusCall *bc = ASSERT_PTR(call->face_data);

        if (bc->stream)
                return bus_stream_write(bc->stream, data, size);
        if (!bc->collecting)
                return -ENOTCONN;

        /* Of a long progress only the end matters. */
        while (bc->lines.size > 0 && bc->lines.size + size > BUS_COLLECT_MAX) {
                const char *end = memchr(bc->lines.data, '\n', bc->lines.size);

                buffer_consume(&bc->lines, end ? (size_t) (end - bc->lines.data) + 1 : bc->lines.size);
        }
        return buffer_append(&bc->lines, data, size);
}

/* As the HTTP face ends a stream that broke. */
static void write_error_line(BusStream *stream, const Error *error) {
        _cleanup_free_ char *line = bus_error_line(error);

        if (line)
                (void) bus_stream_write(stream, line, strlen(line));
}

static void reply_lines(BusCall *bc) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_return(bc->message, &m);
        if (r >= 0)
                r = bus_reply_lines(m, bc->lines.data, bc->lines.size);
        send_reply(bc, m, r);
}

static void face_stream_close(Call *call, const Error *error) {
        BusCall *bc = ASSERT_PTR(call->face_data);

        if (bc->row->operation) {
                BusOperation *o = go_on_as_operation(bc);

                if (o)
                        bus_operation_end(o, error);
                return;
        }

        if (bc->stream) {
                if (bc->kind == CALL_STREAM_JSON && error_is_set(error))
                        write_error_line(bc->stream, error);
                drop_call(bc);
                bus_stream_finish(bc->stream);
                return;
        }

        if (error_is_set(error))
                bus_reply_refusal(bc->message, error);
        else
                reply_lines(bc);
        call_ended(bc);
}

static int on_hijack(sd_event_source *s, void *userdata) {
        BusCall *bc = ASSERT_PTR(userdata);
        int fd;

        bc->hijack = sd_event_source_disable_unref(bc->hijack);

        fd = fcntl(bc->hijack_fd, F_DUPFD_CLOEXEC, 3);
        if (bc->call->on_hijack)
                bc->call->on_hijack(bc->call, fd, /* early= */ NULL, /* n_early= */ 0);
        else
                safe_close(fd);
        return 0;
}

static int face_hijack(Call *call, const CallHijackInfo *info) {
        BusCall *bc = ASSERT_PTR(call->face_data);
        int r;

        r = sd_event_add_defer(engine_event(bc->face->engine), &bc->hijack, on_hijack, bc);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(bc->hijack, "bus-hijack");

        r = answer_fd(bc, info->kind, &bc->hijack_fd);
        if (r < 0)
                bc->hijack = sd_event_source_disable_unref(bc->hijack);
        return r;
}

static void face_hijack_end(Call *call) {
        BusCall *bc = ASSERT_PTR(call->face_data);

        /* The connection could not be had. */
        if (bc->message)
                bus_reply_refusal(bc->message, &call->error);
        call_ended(bc);
}

static int face_take_input(Call *call) {
        BusCall *bc = ASSERT_PTR(call->face_data);

        return bc->input_fd >= 0 ? TAKE_FD(bc->input_fd) : -ENODATA;
}

static const CallFace bus_call_face = {
        .name = "bus",
        .reply = face_reply,
        .fail = face_fail,
        .promise = face_promise,
        .accepted = face_accepted,
        .stream_open = face_stream_open,
        .stream_write = face_stream_write,
        .stream_close = face_stream_close,
        .hijack = face_hijack,
        .hijack_end = face_hijack_end,
        .take_input = face_take_input,
};

static int call_prepare(BusCall *bc, const BusTarget *target, Error *reterr) {
        BusArgs args;
        int r;

        /* The user is counted when the call is on its way and he is known. */
        if (bc->row->operation && bc->client->known) {
                r = bus_operation_check_limits(bc->client, reterr);
                if (r < 0)
                        return r;
        }

        bc->call = call_new(bc->face->engine, bc->row->call, &bus_call_face, bc);
        if (!bc->call)
                return error_fill(reterr, -ENOMEM);

        bc->call->version = API_VERSION_MAX;
        r = bus_args_read(bc->message, target, bc->row, bc->call->params, &args, reterr);
        if (r < 0)
                return r;
        bc->input_fd = args.fd;
        bc->cancel_on_disconnect = args.cancel_on_disconnect;
        return 0;
}

static int call_new_for(BusClient *c, const BusRow *row, sd_bus_message *m, BusCall **ret) {
        BusCall *bc;

        bc = new(BusCall, 1);
        if (!bc)
                return -ENOMEM;
        *bc = (BusCall) {
                .face = c->face,
                .client = c,
                .row = row,
                .message = sd_bus_message_ref(m),
                .input_fd = -EBADF,
                .hijack_fd = -EBADF,
        };
        LIST_APPEND(calls, c->calls, bc);
        c->n_pending++;

        *ret = bc;
        return 0;
}

int bus_method_handler(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        _cleanup_(bus_call_freep) BusCall *bc = NULL;
        _cleanup_error_ Error error = ERROR_NULL;
        BusTarget *target = ASSERT_PTR(userdata);
        const BusRow *row;
        BusClient *c = NULL;
        int r;

        row = bus_interface_find(target->interface, sd_bus_message_get_member(m));
        assert(row);

        r = bus_client_get(target->face, m, &c, &error);
        if (r < 0)
                return bus_error_set(ret_error, &error);

        r = call_new_for(c, row, m, &bc);
        if (r < 0)
                return r;
        r = call_prepare(bc, target, &error);
        if (r < 0)
                return bus_error_set(ret_error, &error);

        if (c->known)
                bus_call_start(bc);
        TAKE_PTR(bc);
        return 1;
}

void bus_call_start(BusCall *bc) {
        _cleanup_error_ Error error = ERROR_NULL;
        Call *call = bc->call;
        int r;

        r = bus_client_fill_caller(bc->client, bc->message, &call->caller);
        if (r < 0) {
                (void) error_fill(&error, r);
                bus_call_refuse(bc, &error);
                return;
        }

        bc->started = true;

        /* May answer at once, which frees bc and drops its reference. */
        call_ref(call);
        call_run(call);
        call_unref(call);
}

void bus_call_refuse(BusCall *bc, const Error *error) {
        if (bc->message)
                bus_reply_refusal(bc->message, error);
        call_ended(bc);
}

BusCall *bus_call_free(BusCall *bc) {
        if (!bc)
                return NULL;

        if (bc->client) {
                LIST_REMOVE(calls, bc->client->calls, bc);
                bc->client->n_pending--;
        } else
                LIST_REMOVE(calls, bc->face->streaming, bc);

        if (bc->call && bc->started && !call_is_done(bc->call))
                call_abandon(bc->call);
        drop_call(bc);

        sd_event_source_disable_unref(bc->hijack);
        bus_stream_free(bc->stream);
        buffer_done(&bc->lines);
        safe_close(bc->input_fd);
        safe_close(bc->hijack_fd);
        sd_bus_message_unref(bc->message);
        return mfree(bc);
}

void bus_call_detach(BusCall *bc) {
        if (bc->hijack_fd >= 0)
                drop_call(bc);
}
