/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "basic/errno-util.h"
#include "container/container-logs.h"

struct ContainerReplay {
        ContainerLogs *logs;
        int fd;                         /* borrowed */
        sd_event_source *writable;      /* on while the client takes no more */
        Buffer rest;                    /* what its socket did not take of the last piece */
        ContainerReplayDone done;
        void *userdata;
};

ContainerReplay *container_replay_free(ContainerReplay *r) {
        if (!r)
                return NULL;
        container_logs_free(r->logs);
        sd_event_source_disable_unref(r->writable);
        buffer_done(&r->rest);
        free(r);
        return NULL;
}

static void replay_end(ContainerReplay *r, int result) {
        ContainerReplayDone done = r->done;
        void *userdata = r->userdata;

        container_replay_free(r);
        done(result, userdata);
}

static ssize_t send_some(int fd, const void *data, size_t size) {
        ssize_t n;

        do
                n = send(fd, data, size, MSG_NOSIGNAL|MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        return n;
}

static int on_log_piece(const void *data, size_t size, void *userdata) {
        ContainerReplay *r = ASSERT_PTR(userdata);
        ssize_t n = send_some(r->fd, data, size);
        int k;

        if (n < 0)
                return (int) n;
        if ((size_t) n == size)
                return 0;
        k = buffer_append(&r->rest, (const char *) data + n, size - (size_t) n);
        if (k >= 0)
                k = sd_event_source_set_enabled(r->writable, SD_EVENT_ON);
        return k < 0 ? k : 1;
}

static void on_log_end(int result, const Error *error, void *userdata) {
        ContainerReplay *r = ASSERT_PTR(userdata);

        r->logs = NULL;
        if (r->rest.size > 0 && result >= 0)
                return;                 /* on_writable() sends it */
        replay_end(r, result);
}

static int on_writable(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        ContainerReplay *r = ASSERT_PTR(userdata);
        ssize_t n = send_some(fd, r->rest.data, r->rest.size);

        if (n < 0 || (events & (EPOLLHUP|EPOLLERR))) {
                replay_end(r, n < 0 ? (int) n : -EPIPE);
                return 0;
        }
        buffer_consume(&r->rest, (size_t) n);
        if (r->rest.size > 0)
                return 0;
        (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        if (r->logs)
                container_logs_resume(r->logs);
        else
                replay_end(r, 0);
        return 0;
}

int container_replay_open(Container *c, const ContainerAttachParams *p, nsec_t now, int fd,
                          ContainerReplayDone done, void *userdata, ContainerReplay **ret, Error *reterr) {
        static const ContainerLogsOps ops = { .write = on_log_piece, .end = on_log_end };
        ContainerReplay *r;
        char until[48];
        int k;

        r = new(ContainerReplay, 1);
        if (!r)
                return error_fill(reterr, -ENOMEM);
        *r = (ContainerReplay) { .fd = fd, .done = done, .userdata = userdata };

        snprintf(until, sizeof(until), "%" PRIu64 ".%09" PRIu64, now / NSEC_PER_SEC, now % NSEC_PER_SEC);
        k = sd_event_add_io(c->manager->config.event, &r->writable, fd, EPOLLOUT, on_writable, r);
        if (k >= 0)
                k = sd_event_source_set_enabled(r->writable, SD_EVENT_OFF);
        if (k >= 0)
                k = container_logs_open(c, &(ContainerLogsParams) {
                        .until = until,
                        .stdout_wanted = p->stdout_wanted,
                        .stderr_wanted = p->stderr_wanted,
                }, &ops, r, &r->logs, reterr);
        if (k < 0) {
                container_replay_free(r);
                return error_fill(reterr, k);
        }
        *ret = r;
        return 0;
}
