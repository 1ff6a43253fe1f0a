/* SPDX-License-Identifier: Apache-2.0 */
/* The container's side of its streams: pipes or a pty. Every byte read goes to the log first, then to the
 * attached clients. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/log.h"
#include "shim/shim.h"

#define ROUNDS_MAX 16U                  /* reads in a row before others get their turn */

static char io_buffer[SHIM_IO_SIZE];

static void on_output(LoopSource *source, uint32_t revents);
static void on_stdin(LoopSource *source, uint32_t revents);

static int make_pipe(int *ret_ours, int *ret_theirs, bool we_write) {
        int p[2], r;

        if (pipe2(p, O_CLOEXEC) < 0)
                return -errno;
        *ret_ours = p[we_write ? 1 : 0];
        *ret_theirs = p[we_write ? 0 : 1];
        r = fd_nonblock(*ret_ours, true);
        if (r < 0) {
                safe_close(p[0]);
                safe_close(p[1]);
        }
        return r;
}

/* The three descriptors the runtime is started with, which become the container's where there is no tty. The
 * caller closes them when the runtime is running. */
int shim_stdio_prepare(Shim *s, int ret_fds[3]) {
        int r;

        if (s->config.tty) {
                /* The pty comes over the console socket later. */
                r = make_pipe(&s->runtime_stderr_fd, ret_fds + 2, false);
                if (r < 0)
                        return r;
                ret_fds[1] = fcntl(ret_fds[2], F_DUPFD_CLOEXEC, 3);
                return ret_fds[1] < 0 ? -errno : 0;
        }

        if (s->config.open_stdin) {
                r = make_pipe(&s->stdin_fd, ret_fds + 0, true);
                if (r < 0)
                        return r;
        }
        r = make_pipe(&s->outputs[LOG_STDOUT].fd, ret_fds + 1, false);
        if (r < 0)
                return r;
        return make_pipe(&s->outputs[LOG_STDERR].fd, ret_fds + 2, false);
}

int shim_tty_received(Shim *s, int master_fd) {
        int r;

        s->tty_fd = master_fd;
        s->outputs[LOG_STDOUT].fd = master_fd;
        r = fd_nonblock(master_fd, true);
        if (r < 0)
                return r;

        if (!s->config.open_stdin)
                return 0;
        /* A descriptor of its own, since the loop waits for reading and for writing apart. */
        s->stdin_fd = fcntl(master_fd, F_DUPFD_CLOEXEC, 3);
        return s->stdin_fd < 0 ? -errno : 0;
}

void shim_stdio_init(Shim *s) {
        for (LogStream i = 0; i < _LOG_STREAM_MAX; i++) {
                Output *o = s->outputs + i;

                o->shim = s;
                o->stream = i;
                o->fd = -EBADF;
                o->source = (LoopSource) { .fd = -EBADF, .callback = on_output, .userdata = o };
        }
        s->stdin_source = (LoopSource) { .fd = -EBADF, .callback = on_stdin, .userdata = s };
}

/* --- output --- */

bool shim_output_ended(const Shim *s) {
        return s->outputs[LOG_STDOUT].fd < 0 && s->outputs[LOG_STDERR].fd < 0;
}

/* A slow client stops the container, not the log: what was read is logged already. After the end of the
 * container all there is gets read, since that is little. A waiting output leaves the loop, which would
 * report its end on and on. */
void shim_output_poll(Shim *s) {
        bool wait = s->n_slow > 0 && !s->exited;

        FOREACH_ELEMENT(o, s->outputs) {
                if (o->fd < 0)
                        continue;
                if (wait)
                        loop_remove(&s->loop, &o->source);
                else if (o->source.fd < 0)
                        (void) loop_add(&s->loop, &o->source, o->fd, EPOLLIN);
        }
}

/* Once for a series of failures; the next success ends it. */
static void log_result(Shim *s, int r) {
        if (r >= 0) {
                s->log_failing = false;
                return;
        }
        if (s->log_failing)
                return;
        s->log_failing = true;
        log_error_errno(r, "Failed to write the container's log, output is dropped from it: %m");
        shim_event(s, &(ShimMessage) { .type = SHIM_LOG_FAILED, .value1 = r });
}

static void output_end(Output *o) {
        Shim *s = o->shim;

        if (o->fd < 0)
                return;
        loop_remove(&s->loop, &o->source);
        if (s->log)
                log_result(s, log_writer_flush(s->log, o->stream, now_nsec()));
        safe_close(o->fd);
        if (o->fd == s->tty_fd)
                s->tty_fd = -EBADF;
        o->fd = -EBADF;
}

void shim_output_end(Shim *s) {
        FOREACH_ELEMENT(o, s->outputs)
                output_end(o);
}

/* 1 = there may be more, 0 = not now, negative = the end. A pty whose other side is closed gives EIO. */
static int output_read(Output *o) {
        Shim *s = o->shim;
        ssize_t n;

        n = read(o->fd, io_buffer, sizeof(io_buffer));
        if (n < 0)
                return IN_SET(errno, EAGAIN, EINTR) ? 0 : -errno;
        if (n == 0)
                return -EPIPE;

        if (s->log)
                log_result(s, log_writer_write(s->log, o->stream, io_buffer, (size_t) n, now_nsec()));
        shim_attach_output(s, o->stream, io_buffer, (size_t) n);
        return 1;
}

static void on_output(LoopSource *source, uint32_t revents) {
        Output *o = source->userdata;
        Shim *s = o->shim;
        int r = 1;

        for (unsigned i = 0; i < ROUNDS_MAX && r > 0 && (s->n_slow == 0 || s->exited); i++)
                r = output_read(o);
        if (r < 0)
                output_end(o);
        shim_output_poll(s);
        if (s->exited)
                shim_check_end(s);
}

/* The words of a runtime that failed, from the stream that would have been the container's. */
void shim_stdio_discard(Shim *s, char *ret_text, size_t size) {
        int fd = s->config.tty ? s->runtime_stderr_fd : s->outputs[LOG_STDERR].fd;
        ssize_t n = -1;

        if (fd >= 0)
                n = read(fd, ret_text, size - 1);
        ret_text[n > 0 ? n : 0] = 0;

        FOREACH_ELEMENT(o, s->outputs) {
                loop_remove(&s->loop, &o->source);
                o->fd = safe_close(o->fd);
        }
        s->tty_fd = -EBADF;
}

/* --- input --- */

ssize_t shim_stdin_write(Shim *s, const void *data, size_t size) {
        ssize_t n;

        if (s->stdin_fd < 0)
                return -EPIPE;
        do
                n = write(s->stdin_fd, data, size);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

static void on_stdin(LoopSource *source, uint32_t revents) {
        Shim *s = source->userdata;

        /* An error event (the container closed its end) shows in the next write. */
        loop_remove(&s->loop, source);
        shim_attach_stdin_ready(s);
}

/* Only while input waits: a pipe without a reader would report its error on and on. */
void shim_stdin_poll(Shim *s) {
        if (s->stdin_fd >= 0 && s->stdin_source.fd < 0)
                (void) loop_add(&s->loop, &s->stdin_source, s->stdin_fd, EPOLLOUT);
}

void shim_stdin_close(Shim *s) {
        if (s->stdin_fd < 0)
                return;
        loop_remove(&s->loop, &s->stdin_source);
        s->stdin_fd = safe_close(s->stdin_fd);
        shim_attach_stdin_closed(s);
}

int shim_resize(Shim *s, unsigned rows, unsigned columns) {
        struct winsize w = {
                .ws_row = (unsigned short) MIN(rows, (unsigned) UINT16_MAX),
                .ws_col = (unsigned short) MIN(columns, (unsigned) UINT16_MAX),
        };

        if (s->tty_fd < 0)
                return -ENOTTY;
        return RET_NERRNO(ioctl(s->tty_fd, TIOCSWINSZ, &w));
}
