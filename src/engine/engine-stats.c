/* SPDX-License-Identifier: Apache-2.0 */
/* What a container uses. */
#include "engine/calls.h"
#include "engine/engine-internal.h"

#include "container/container-stats.h"

static int write_stats(const void *data, size_t size, void *userdata) {
        return call_stream_write(userdata, data, size);
}

static void end_stats(void *userdata) {
        Call *call = userdata;

        call->data = NULL;
        call_stream_close(call, NULL);
}

static const ContainerStatsOps stats_ops = { write_stats, end_stats };

static void free_stats(void *p) {
        container_stats_free(p);
}

static void on_stats_gone(Call *call) {
        call->data = container_stats_free(call->data);
}

static void on_stats_drain(Call *call) {
        if (call->data)
                container_stats_resume(call->data);
}

static int reply_at_once(Call *call, Container *c) {
        _cleanup_free_ char *line = NULL;
        int r;

        r = container_stats_once(c, call->version, &line);
        if (r >= 0)
                r = call_stream_open(call, CALL_STREAM_JSON);
        if (r < 0)
                return error_fill(&call->error, r);
        (void) call_stream_write(call, line, strlen(line));
        call_stream_close(call, NULL);
        return 1;
}

static int stats_call(Engine *e, Call *call) {
        const ContainerStatsParams *p = call->params;
        bool stream = p->stream != TRISTATE_FALSE;
        ContainerStatsStream *s;
        Container *c;
        int r;

        r = engine_find_container(e, call, p->id, &c);
        if (r < 0)
                return r;
        if (stream && p->one_shot)
                return error_setf(&call->error, ERROR_INVALID, "cannot have stream=true and one-shot=true");
        if (!stream && (p->one_shot || !container_is_running(c)))
                return reply_at_once(call, c);
        r = container_stats_open(c, !stream, call->version, &stats_ops, call, &s, &call->error);
        if (r < 0)
                return r;
        call->data = s;
        call->data_free = free_stats;
        call->on_gone = on_stats_gone;
        call->on_drain = on_stats_drain;
        r = call_stream_open(call, CALL_STREAM_JSON);
        return r < 0 ? error_fill(&call->error, r) : 0;
}

const EngineCall engine_call_container_stats = {
        "ContainerStats", &ContainerStatsParams_json, NULL, "container-stats", CALL_STREAM, stats_call,
        "Streams what a container uses, once a second.",
};
