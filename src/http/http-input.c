/* SPDX-License-Identifier: Apache-2.0 */
/* Upload pump: the body of a request into a pipe whose read end the engine takes. Room in the pipe is the
 * only buffer besides one piece of the parser's: a slow reader slows the client down. */
#include "http/http-request.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include "basic/fd-util.h"
#include "http/http-server-internal.h"

/* Asked for, not needed: more room means fewer switches between client, us and the reader. */
#define INPUT_PIPE_SIZE (256 * 1024)

int http_input_open(HttpInput *i) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        i->read_fd = fds[0];
        i->write_fd = fds[1];
        (void) fcntl(i->write_fd, F_SETPIPE_SZ, INPUT_PIPE_SIZE);
        /* The reader is a worker or the engine with its own poll: blocking suits the former, and the latter
         * sets it. */
        return fd_nonblock(i->read_fd, false);
}

int http_input_take(HttpInput *i) {
        return TAKE_FD(i->read_fd);
}

/* The bytes so far stay readable, then the reader sees the end. */
void http_input_finish(HttpInput *i) {
        i->writable = sd_event_source_disable_unref(i->writable);
        i->write_fd = safe_close(i->write_fd);
        buffer_done(&i->rest);
}

void http_input_done(HttpInput *i) {
        http_input_finish(i);
        i->read_fd = safe_close(i->read_fd);
}

/* The reader left: the rest of the body goes nowhere. */
static void input_break(HttpInput *i) {
        i->broken = true;
        http_input_finish(i);
}

static size_t write_some(HttpInput *i, const char *data, size_t size) {
        size_t done = 0;

        while (done < size && !i->broken) {
                ssize_t n = write(i->write_fd, data + done, size - done);

                if (n >= 0)
                        done += n;
                else if (errno == EAGAIN)
                        break;
                else if (errno != EINTR)
                        input_break(i);
        }
        return i->broken ? size : done;
}

static int on_writable(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        HttpRequest *q = ASSERT_PTR(userdata);
        HttpInput *i = &q->input;
        size_t n;

        n = write_some(i, i->rest.data, i->rest.size);
        if (i->broken)
                http_request_wake(q);
        else {
                buffer_consume(&i->rest, n);
                if (i->rest.size > 0)
                        return 0;
                (void) sd_event_source_set_enabled(i->writable, SD_EVENT_OFF);
                http_request_wake(q);
        }
        return 0;
}

static int wait_for_room(HttpRequest *q) {
        HttpInput *i = &q->input;
        int r;

        if (i->writable)
                return sd_event_source_set_enabled(i->writable, SD_EVENT_ON);
        r = sd_event_add_io(q->server->event, &i->writable, i->write_fd, EPOLLOUT, on_writable, q);
        if (r >= 0)
                (void) sd_event_source_set_description(i->writable, "http-input");
        return r;
}

int http_input_write(HttpRequest *q, const void *data, size_t size) {
        HttpInput *i = &q->input;
        size_t n;
        int r;

        if (i->broken)
                return 0;

        /* With a chunked body the parser goes on with the chunks it has read, suspended or not. */
        n = i->rest.size > 0 ? 0 : write_some(i, data, size);
        if (n == size)
                return 0;

        r = buffer_append(&i->rest, (const char *) data + n, size - n);
        if (r < 0)
                return r;
        r = wait_for_room(q);
        return r < 0 ? r : 1;
}
