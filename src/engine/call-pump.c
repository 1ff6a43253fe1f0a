/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/call-pump.h"

#include <unistd.h>

#include "basic/fd-util.h"
#include "engine/engine.h"

#define CHUNK (64U * 1024U)

struct CallPump {
        Call *call;                     /* a reference */
        CallStreamKind kind;
        int fd;                         /* read end */
        sd_event_source *source;
        void *producer;
        void (*cancel)(void *producer);
        bool held, at_end, producer_is_done;
        int result;
        Error error;
};

/* As data_free of the call. */
static void pump_free(void *data) {
        CallPump *p = data;

        sd_event_source_disable_unref(p->source);
        safe_close(p->fd);
        if (p->producer)
                p->cancel(p->producer);
        error_done(&p->error);
        free(p);
}

static void pump_stop(CallPump *p) {
        p->source = sd_event_source_disable_unref(p->source);
        p->fd = safe_close(p->fd);
        p->at_end = true;
}

static void finish_if_complete(CallPump *p) {
        _cleanup_call_unref_ Call *call = p->call;

        if (!p->at_end || !p->producer_is_done) {
                TAKE_PTR(call);
                return;
        }
        call->on_gone = NULL;
        call->on_drain = NULL;
        if (p->result < 0 && call->state != CALL_STREAMING) {
                call_fail(call, &p->error);
                return;
        }
        if (call->state != CALL_STREAMING)
                (void) call_stream_open(call, p->kind);
        call_stream_close(call, p->result < 0 ? &p->error : NULL);
}

static void on_gone(Call *call) {
        CallPump *p = call->data;

        pump_stop(p);
        if (p->producer) {
                p->cancel(p->producer);
                p->producer = NULL;
        }
        call_unref(call);
}

static void on_drain(Call *call) {
        CallPump *p = call->data;

        if (p->source)
                (void) sd_event_source_set_enabled(p->source, SD_EVENT_ON);
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        CallPump *p = ASSERT_PTR(userdata);
        char buffer[CHUNK];
        ssize_t n;
        int r = 0;

        n = read(fd, buffer, sizeof(buffer));
        if (n < 0 && IN_SET(errno, EAGAIN, EINTR))
                return 0;
        if (n > 0 && p->call->state != CALL_STREAMING)
                r = call_stream_open(p->call, p->kind);
        if (n > 0 && r >= 0)
                r = call_stream_write(p->call, buffer, (size_t) n);
        if (r > 0)
                (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        if (n <= 0 || r < 0) {
                pump_stop(p);
                finish_if_complete(p);
        }
        return 0;
}

int call_pump_new(Call *call, CallStreamKind kind, void (*cancel)(void *producer), CallPump **ret,
                  int *ret_fd) {
        _cleanup_close_pair_ int pipe_fds[2] = { -EBADF, -EBADF };
        CallPump *p;
        int r;

        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return error_fill(&call->error, -errno);
        r = fd_nonblock(pipe_fds[0], true);
        if (r < 0)
                return error_fill(&call->error, r);
        p = new(CallPump, 1);
        if (!p)
                return error_fill(&call->error, -ENOMEM);
        *p = (CallPump) { .call = call, .kind = kind, .cancel = cancel, .fd = TAKE_FD(pipe_fds[0]),
                          .error = ERROR_NULL };
        call->data = p;
        call->data_free = pump_free;
        r = sd_event_add_io(engine_event(call->engine), &p->source, p->fd, EPOLLIN, on_readable, p);
        if (r < 0)
                return error_fill(&call->error, r);
        *ret = p;
        *ret_fd = TAKE_FD(pipe_fds[1]);
        return 0;
}

void call_pump_set_producer(CallPump *p, void *producer) {
        p->producer = producer;
        call_ref(p->call);
        p->call->on_gone = on_gone;
        p->call->on_drain = on_drain;
}

void call_pump_hold(CallPump *p) {
        p->held = true;
        (void) sd_event_source_set_enabled(p->source, SD_EVENT_OFF);
}

void call_pump_release(CallPump *p) {
        if (p->held && p->source)
                (void) sd_event_source_set_enabled(p->source, SD_EVENT_ON);
        p->held = false;
}

void call_pump_set_note(CallPump *p, char *text) {
        free_and_replace(p->call->path_stat, text);
}

void call_pump_producer_done(CallPump *p, int r, const Error *error) {
        p->producer = NULL;
        p->producer_is_done = true;
        p->result = r;
        if (r < 0)
                (void) error_copy(&p->error, error);
        finish_if_complete(p);
}
