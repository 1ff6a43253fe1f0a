/* SPDX-License-Identifier: Apache-2.0 */
/* The log to an attached client that asked for it, before its live output. This process is the one that
 * writes the log, so where the reader finds no more there is the place to go on from, without a gap and
 * without a byte twice. Meanwhile nothing is queued for the client, however slow it is. */
#include "shim/shim.h"

#define PIECE_MAX (64U * 1024U)         /* queued at once */

int shim_replay_begin(AttachClient *c, uint64_t since_nsec) {
        const ShimConfig *config = &c->shim->config;
        const LogDriver *driver;
        int r;

        if (!c->shim->log || !(c->flags & (SHIM_ATTACH_STDOUT|SHIM_ATTACH_STDERR)))
                return 0;
        r = log_driver_find(config->log_driver, &driver, NULL);
        if (r < 0 || !driver->reader_open)
                return r;
        return driver->reader_open(config->log_path, &(LogReadOptions) {
                .since_nsec = since_nsec,
                .tail = -1,
                .follow = true,
                .no_stdout = !FLAGS_SET(c->flags, SHIM_ATTACH_STDOUT),
                .no_stderr = !FLAGS_SET(c->flags, SHIM_ATTACH_STDERR),
        }, &c->replay, NULL);
}

/* Unfinished lines are not in the log yet. */
static int queue_unfinished(AttachClient *c) {
        static const uint32_t flags[_LOG_STREAM_MAX] = {
                [LOG_STDOUT] = SHIM_ATTACH_STDOUT,
                [LOG_STDERR] = SHIM_ATTACH_STDERR,
        };

        for (LogStream i = 0; i < _LOG_STREAM_MAX; i++) {
                const char *data;
                size_t size = log_writer_unfinished(c->shim->log, i, &data);
                int r;

                if (size == 0 || !FLAGS_SET(c->flags, flags[i]))
                        continue;
                r = shim_client_queue(c, i, data, size);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Queues the next piece; after the last one the client is live. */
int shim_replay_step(AttachClient *c) {
        LogEntry e;
        int r;

        while (c->out_end < PIECE_MAX) {
                r = log_reader_step(c->replay, &e);
                if (r == -EINPROGRESS)
                        return 0;
                if (r == -EAGAIN) {
                        c->replay = log_reader_free(c->replay);
                        return queue_unfinished(c);
                }
                if (r < 0)
                        return r;
                r = shim_client_queue(c, e.stream, e.line, e.size);
                if (r < 0)
                        return r;
        }
        return 0;
}
