/* SPDX-License-Identifier: Apache-2.0 */
/* The writing side of an fd that a client holds the other end of: a bounded queue, sent as the client
 * reads. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "basic/fd-util.h"
#include "basic/string-util.h"
#include "bus/bus-internal.h"

struct BusStream {
        int fd;
        sd_event_source *io;
        Buffer queue;
        bool full;              /* over the high mark, the producer waits */
        bool finished;          /* nothing more comes */
        const BusStreamOps *ops;
        void *userdata;
};

/* As much as the client takes now. */
static int stream_send(BusStream *s, const char *data, size_t size, size_t *ret_sent) {
        size_t sent = 0;

        while (sent < size) {
                ssize_t n = send(s->fd, data + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        break;
                if (n < 0)
                        return -errno;
                sent += (size_t) n;
        }

        *ret_sent = sent;
        return 0;
}

static int stream_watch(BusStream *s) {
        /* HUP and ERR are always told. */
        return sd_event_source_set_io_events(s->io, s->queue.size > 0 ? EPOLLOUT : 0);
}

static void stream_end(BusStream *s, int r) {
        s->io = sd_event_source_disable_unref(s->io);
        s->fd = safe_close(s->fd);
        s->ops->ended(r, s->userdata);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        BusStream *s = ASSERT_PTR(userdata);
        size_t sent = 0;
        int r;

        r = stream_send(s, s->queue.data, s->queue.size, &sent);
        if (r >= 0 && (revents & (EPOLLHUP | EPOLLERR)))
                r = -EPIPE;
        if (r < 0) {
                stream_end(s, r);
                return 0;
        }

        if (sent > 0)
                buffer_consume(&s->queue, sent);
        if (s->finished && s->queue.size == 0) {
                stream_end(s, 0);
                return 0;
        }

        (void) stream_watch(s);
        if (s->full && s->queue.size <= CALL_STREAM_LOW_MARK) {
                s->full = false;
                s->ops->drained(s->userdata);   /* may write, finish and free */
        }
        return 0;
}

int bus_stream_new_consume(sd_event *event, int fd, const BusStreamOps *ops, void *userdata,
                           BusStream **ret) {
        BusStream *s;
        int r;

        s = new(BusStream, 1);
        if (!s) {
                safe_close(fd);
                return -ENOMEM;
        }
        *s = (BusStream) {
                .fd = fd,
                .ops = ops,
                .userdata = userdata,
        };

        r = sd_event_add_io(event, &s->io, fd, 0, on_io, s);
        if (r < 0) {
                bus_stream_free(s);
                return r;
        }

        (void) sd_event_source_set_description(s->io, "bus-stream");
        *ret = s;
        return 0;
}

BusStream *bus_stream_free(BusStream *s) {
        if (!s)
                return NULL;

        sd_event_source_disable_unref(s->io);
        safe_close(s->fd);
        buffer_done(&s->queue);
        return mfree(s);
}

int bus_stream_write(BusStream *s, const void *data, size_t size) {
        size_t sent = 0;
        int r;

        if (s->fd < 0)
                return -EPIPE;

        if (s->queue.size == 0) {
                /* That the client is gone is told by the loop, not from inside a write. */
                r = stream_send(s, data, size, &sent);
                if (r < 0)
                        return r;
        }

        if (sent < size) {
                r = buffer_append(&s->queue, (const char *) data + sent, size - sent);
                if (r < 0)
                        return r;
                r = stream_watch(s);
                if (r < 0)
                        return r;
        }

        if (s->queue.size > CALL_STREAM_HIGH_MARK)
                s->full = true;
        return s->full;
}

void bus_stream_finish(BusStream *s) {
        s->finished = true;

        /* The end is told from the loop in any case. */
        if (s->io)
                (void) sd_event_source_set_io_events(s->io, EPOLLOUT);
}
