/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on commands that are run in containers (docker exec). */
#include "basic/fd-util.h"
#include "container/container-exec.h"
#include "container/container-rename.h"
#include "engine/calls.h"
#include "engine/engine-internal.h"

static int find_exec(Engine *e, Call *call, const char *id, ContainerExec **ret) {
        return container_exec_find(e->containers, id, ret, &call->error);
}

static int create_exec(Engine *e, Call *call, Container *c) {
        const ExecCreateParams *p = call->params;
        ContainerExec *x;
        int r;

        r = container_exec_create(c, &p->config, &x, &call->error);
        if (r < 0)
                return r;
        call_reply(call, &(ExecCreateReply) { x->id });
        return 1;
}

static int create_call(Engine *e, Call *call) {
        const ExecCreateParams *p = call->params;

        return engine_with_idle_container(e, call, p->id, false, create_exec);
}

static int inspect_call(Engine *e, Call *call) {
        const ExecInspectParams *p = call->params;
        _cleanup_(ExecInspect_donep) ExecInspect i = {};
        ContainerExec *x;
        int r;

        r = find_exec(e, call, p->id, &x);
        if (r >= 0)
                r = container_exec_inspect(x, &i, &call->error);
        if (r < 0)
                return r;
        call_reply(call, &i);
        return 1;
}

static int resize_call(Engine *e, Call *call) {
        const ContainerResizeParams *p = call->params;
        uint32_t rows, columns;
        ContainerExec *x;
        int r;

        r = container_parse_size(p->h, p->w, &rows, &columns, &call->error);
        if (r >= 0)
                r = find_exec(e, call, p->id, &x);
        if (r >= 0)
                r = container_exec_resize(x, p->h, p->w, &call->error);
        if (r < 0)
                return r;
        call_reply(call, NULL);
        return 1;
}

/* --- start --- */

static void on_started(int r, const Error *error, void *userdata) {
        _cleanup_call_unref_ Call *call = userdata;

        call->on_gone = NULL;
        if (r < 0)
                call_fail(call, error);
        else
                call_reply(call, NULL);
}

static void on_ended(void *userdata) {
        _cleanup_call_unref_ Call *call = userdata;

        call->on_gone = NULL;
        call_hijack_end(call);
}

/* The command goes on. */
static void on_gone(Call *call) {
        const ExecStartParams *p = call->params;
        ContainerExec *x = hashmap_get(call->engine->containers->execs, p->id);

        if (x && x->session.userdata == call)
                container_exec_forget(x);
        call_unref(call);
}

static void on_connection(Call *call, int fd, const void *early, size_t n_early) {
        const ExecStartParams *p = call->params;
        ContainerExecSession session = {
                .fd = fd,
                .multiplex = !p->tty,
                .console_size = p->console_size,
                .ended = on_ended,
                .userdata = call,
        };
        ContainerExec *x = hashmap_get(call->engine->containers->execs, p->id);

        if (fd >= 0 && x)
                session.early = memdup_suffix0(early, n_early);
        if (!session.early) {
                safe_close(fd);
                on_ended(call);
                return;
        }
        session.n_early = n_early;
        container_exec_start(x, &session);
}

static int start_attached(Call *call) {
        const ExecStartParams *p = call->params;

        return call_hijack(call, p->tty ? CALL_STREAM_RAW : CALL_STREAM_MULTIPLEXED, on_connection, on_gone,
                           &call->error);
}

static int start_detached(Call *call, ContainerExec *x) {
        ContainerExecSession session = { .fd = -EBADF, .started = on_started, .userdata = call_ref(call) };

        call->on_gone = on_gone;
        container_exec_start(x, &session);
        return 0;
}

static int start_call(Engine *e, Call *call) {
        const ExecStartParams *p = call->params;
        ContainerExec *x;
        int r;

        r = find_exec(e, call, p->id, &x);
        if (r >= 0)
                r = container_exec_check_start(x, &call->error);
        if (r < 0)
                return r;
        return p->detach ? start_detached(call, x) : start_attached(call);
}

/* --- rows --- */

const EngineCall engine_call_exec_create = {
        "ExecCreate",
        &ExecCreateParams_json,
        &ExecCreateReply_json,
        "exec-create",
        CALL_MUTATES,
        create_call,
        "Prepares a command that is to be run in a running container.",
};
const EngineCall engine_call_exec_start = {
        "ExecStart", &ExecStartParams_json, NULL, "exec-start", CALL_MUTATES | CALL_HIJACK, start_call,
        "Runs a prepared command, and connects the client to its streams.",
};
const EngineCall engine_call_exec_resize = {
        "ExecResize", &ContainerResizeParams_json, NULL, "exec-resize", CALL_MUTATES, resize_call,
        "Sets the size of a command's terminal.",
};
const EngineCall engine_call_exec_inspect = {
        "ExecInspect", &ExecInspectParams_json, &ExecInspect_json, "exec-inspect", 0, inspect_call,
        "Returns what is known of a command: whether it runs, and its exit code.",
};
