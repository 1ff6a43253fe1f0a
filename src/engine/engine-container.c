/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on containers: find the object, ask the container folder, answer. */
#include "engine/calls.h"
#include "engine/engine-internal.h"

#include "basic/fd-util.h"
#include "basic/process-util.h"
#include "container/container-attach.h"
#include "container/container-copy.h"
#include "container/container-create.h"
#include "container/container-list.h"
#include "container/container-logs.h"
#include "container/container-pause.h"
#include "container/container-remove.h"
#include "container/container-rename.h"
#include "container/container-start.h"
#include "container/container-stop.h"
#include "container/container-top.h"
#include "container/container-wait.h"
#include "image/rootfs.h"

/* --- waiting --- */

int engine_find_container(Engine *e, Call *call, const char *name, Container **ret) {
        return container_manager_find(e->containers, strempty(name), ret, &call->error);
}

static void on_operation(Operation *o, int r, const Error *error, void *userdata) {
        _cleanup_call_unref_ Call *call = userdata;

        if (r < 0)
                call_fail(call, error);
        else
                call_reply(call, NULL);
}

int engine_wait_operation(Call *call, Operation *o) {
        _cleanup_(operation_unrefp) Operation *hold = o;
        const Error *error;
        int r;

        if (operation_is_complete(o)) {
                r = operation_result(o, &error);
                if (r < 0)
                        return error_copy(&call->error, error);
                call_reply(call, NULL);
                return 1;
        }
        r = operation_wait(o, on_operation, call_ref(call));
        if (r < 0) {
                call_unref(call);
                return error_fill(&call->error, r);
        }
        return 0;
}

/* A call that waits for its container to be idle. */
typedef struct IdleWait {
        Call *call;
        char *id;               /* the container may be gone by then */
        bool shim_gone;
        ContainerCallFunction function;
} IdleWait;

static int run_when_idle(IdleWait *w);

static void idle_wait_free(IdleWait *w) {
        call_unref(w->call);
        free(w->id);
        free(w);
}

static void on_idle(Operation *o, int r, const Error *error, void *userdata) {
        IdleWait *w = userdata;
        Call *call = call_ref(w->call);

        if (call_is_done(call)) {
                idle_wait_free(w);
                r = 0;
        } else
                r = run_when_idle(w);
        if (r < 0)
                call_fail_own(call, r);
        call_unref(call);
}

/* Owns w. Returns as an engine function. */
static int run_when_idle(IdleWait *w) {
        Engine *e = w->call->engine;
        Container *c;
        int r;

        r = engine_find_container(e, w->call, w->id, &c);
        if (r >= 0) {
                r = container_when_idle(c, w->shim_gone, on_idle, w);
                if (r == 0)
                        return 0;
                r = r < 0 ? error_fill(&w->call->error, r) : w->function(e, w->call, c);
        }
        idle_wait_free(w);
        return r;
}

int engine_with_idle_container(Engine *e, Call *call, const char *name, bool shim_gone,
                               ContainerCallFunction function) {
        IdleWait *w;
        Container *c;
        int r;

        r = engine_find_container(e, call, name, &c);
        if (r < 0)
                return r;
        w = new(IdleWait, 1);
        if (!w)
                return error_fill(&call->error, -ENOMEM);
        *w = (IdleWait) { call_ref(call), strdup(c->doc.id), shim_gone, function };
        if (!w->id) {
                idle_wait_free(w);
                return error_fill(&call->error, -ENOMEM);
        }
        return run_when_idle(w);
}

/* --- create, list, inspect --- */

/* A created container whose volumes are being filled. */
typedef struct CreateJob {
        Call *call;
        ContainerCreateReply reply;
} CreateJob;

static void create_job_free(CreateJob *j) {
        json_done(&ContainerCreateReply_json, &j->reply);
        call_unref(j->call);
        free(j);
}

/* As if it had not been created. */
static void discard_created(Container *c) {
        Operation *o = NULL;

        (void) container_remove(c, /* force= */ true, /* volumes= */ true, &o, NULL);
        operation_unref(o);
}

static void on_populated(Operation *o, int r, const Error *error, void *userdata) {
        CreateJob *j = userdata;
        Container *c = hashmap_get(j->call->engine->containers->by_id, j->reply.id);

        if (r < 0) {
                if (c)
                        discard_created(c);
                call_fail(j->call, error);
        } else
                call_reply(j->call, &j->reply);
        create_job_free(j);
}

static int populate(Call *call, Container *c, char ***warnings) {
        _cleanup_(operation_unrefp) Operation *o = NULL;
        CreateJob *j;
        int r;

        r = container_populate(c, &o, &call->error);
        if (r <= 0)
                return r;
        j = new(CreateJob, 1);
        if (!j)
                return error_fill(&call->error, -ENOMEM);
        *j = (CreateJob) { call_ref(call), { strdup(c->doc.id), TAKE_PTR(*warnings) } };
        r = j->reply.id ? operation_wait(o, on_populated, j) : -ENOMEM;
        if (r < 0) {
                create_job_free(j);
                return error_fill(&call->error, r);
        }
        return 1;
}

static int create_call(Engine *e, Call *call) {
        _cleanup_strv_free_ char **warnings = NULL;
        ContainerCreateParams *p = call->params;
        Container *c;
        int r;

        p->version = call->version;
        r = container_create(e->containers, p, &c, &warnings, &call->error);
        if (r < 0)
                return r;
        r = populate(call, c, &warnings);
        if (r < 0)
                discard_created(c);
        if (r != 0)
                return MIN(r, 0);
        call_reply(call, &(ContainerCreateReply) { c->doc.id, warnings });
        return 1;
}

/* Sizes take a worker for each container: one after another, then the answer. */
typedef struct SizeJob {
        Call *call;
        ContainerSummaryList list;      /* list call */
        ContainerSizesDone done;
        ContainerInspect inspect;       /* inspect call */
        size_t next;                    /* item of the list whose size is asked for */
        ImageJob *job;
} SizeJob;

static void size_job_free(void *p) {
        SizeJob *j = p;

        image_job_cancel(j->job);
        container_summary_list_done(&j->list);
        json_done(&ContainerInspect_json, &j->inspect);
        free(j);
}

static int64_t image_bytes(const Container *c) {
        return c->image ? image_size(c->image) : 0;
}

static void list_sizes_next(SizeJob *j);

static void on_list_size(ImageJob *job, int r, int64_t size, void *userdata) {
        SizeJob *j = userdata;
        Container *c = hashmap_get(j->call->engine->containers->by_id, j->list.items[j->next].id);

        j->job = NULL;
        if (r >= 0 && c) {
                j->list.items[j->next].size_rw = (OptionalInt) { true, size };
                j->list.items[j->next].size_root_fs = (OptionalInt) { true, size + image_bytes(c) };
        }
        j->next++;
        list_sizes_next(j);
}

static void list_sizes_next(SizeJob *j) {
        Engine *e = j->call->engine;

        for (; j->next < j->list.n_items; j->next++) {
                Container *c = hashmap_get(e->containers->by_id, j->list.items[j->next].id);

                if (c && rootfs_usage_start(e->images, c->rw_dir, on_list_size, j, &j->job, NULL) >= 0)
                        return;
        }
        j->done(j->call, &j->list);
}

int engine_container_sizes(Call *call, ContainerSummaryList *list, ContainerSizesDone done) {
        SizeJob *j = new0(SizeJob, 1);

        if (!j)
                return error_fill(&call->error, -ENOMEM);
        j->call = call;
        j->done = done;
        j->list = TAKE_STRUCT(*list);
        call->data = j;
        call->data_free = size_job_free;
        call_ref(call);         /* until the sizes are there */
        list_sizes_next(j);
        call_unref(call);
        return 0;
}

static void reply_list(Call *call, ContainerSummaryList *list) {
        call_reply(call, &(CallList) { list->items, list->n_items });
}

static int list_call(Engine *e, Call *call) {
        const ContainerListParams *p = call->params;
        _cleanup_(container_summary_list_donep) ContainerSummaryList l = {};
        int r;

        r = container_list(e->containers, p, &l, &call->error);
        if (r < 0)
                return r;
        if (p->size)
                return engine_container_sizes(call, &l, reply_list);
        reply_list(call, &l);
        return 1;
}

static void on_inspect_size(ImageJob *job, int r, int64_t size, void *userdata) {
        SizeJob *j = userdata;
        Container *c = hashmap_get(j->call->engine->containers->by_id, j->inspect.id);

        j->job = NULL;
        if (r >= 0 && c) {
                j->inspect.size_rw = (OptionalInt) { true, size };
                j->inspect.size_root_fs = (OptionalInt) { true, size + image_bytes(c) };
        }
        call_reply(j->call, &j->inspect);
}

static int inspect_call(Engine *e, Call *call) {
        const ContainerInspectParams *p = call->params;
        _cleanup_(ContainerInspect_donep) ContainerInspect i = {};
        Container *c;
        SizeJob *j;
        int r;

        r = engine_find_container(e, call, p->id, &c);
        if (r >= 0)
                r = container_inspect(c, &i, &call->error);
        if (r < 0)
                return r;
        if (!p->size) {
                call_reply(call, &i);
                return 1;
        }
        j = new0(SizeJob, 1);
        if (!j)
                return error_fill(&call->error, -ENOMEM);
        j->call = call;
        j->inspect = TAKE_STRUCT(i);
        call->data = j;
        call->data_free = size_job_free;
        return rootfs_usage_start(e->images, c->rw_dir, on_inspect_size, j, &j->job, &call->error);
}

/* --- life --- */

static int start_container(Engine *e, Call *call, Container *c) {
        Operation *o;
        int r;

        r = container_start(c, &o, &call->error);
        return r < 0 ? r : engine_wait_operation(call, o);
}

static int start_call(Engine *e, Call *call) {
        const ContainerStartParams *p = call->params;

        if (!isempty(p->checkpoint))
                return error_setf(&call->error, ERROR_NOT_IMPLEMENTED,
                                  "checkpoints are not supported by this engine yet");
        return engine_with_idle_container(e, call, p->id, true, start_container);
}

/* Requests to end a container do not wait for ever for a start that hangs. */
#define START_PATIENCE_USEC (10 * USEC_PER_SEC)

static usec_t stop_patience(const Container *c, const ContainerStopParams *p) {
        int64_t seconds = p->t.set ? p->t.value : container_stop_timeout(c);

        return seconds < 0 ? USEC_INFINITY : MAX((usec_t) seconds * USEC_PER_SEC, START_PATIENCE_USEC);
}

static int stop_container(Engine *e, Call *call, Container *c) {
        Operation *o;
        int r;

        r = container_stop(c, call->params, &o, &call->error);
        return r < 0 ? r : engine_wait_operation(call, o);
}

static int stop_call(Engine *e, Call *call) {
        const ContainerStopParams *p = call->params;
        Container *c;
        int r;

        r = engine_find_container(e, call, p->id, &c);
        if (r < 0)
                return r;
        container_cancel_start_after(c, stop_patience(c, p));
        return engine_with_idle_container(e, call, p->id, false, stop_container);
}

static int restart_container(Engine *e, Call *call, Container *c) {
        Operation *o;
        int r;

        r = container_restart(c, call->params, &o, &call->error);
        return r < 0 ? r : engine_wait_operation(call, o);
}

static int restart_call(Engine *e, Call *call) {
        const ContainerStopParams *p = call->params;

        return engine_with_idle_container(e, call, p->id, true, restart_container);
}

static int kill_container(Engine *e, Call *call, Container *c) {
        const ContainerKillParams *p = call->params;
        Operation *o;
        int r;

        r = container_kill(c, p->signal, &o, &call->error);
        if (r < 0)
                return r;
        if (o)
                return engine_wait_operation(call, o);
        call_reply(call, NULL);
        return 1;
}

/* It came during a start, which has ended since: with it, or as it was to be. */
static int kill_started(Engine *e, Call *call, Container *c) {
        if (container_is_running(c))
                return kill_container(e, call, c);
        call_reply(call, NULL);
        return 1;
}

static int kill_call(Engine *e, Call *call) {
        const ContainerKillParams *p = call->params;
        Container *c;
        int r;

        r = engine_find_container(e, call, p->id, &c);
        if (r < 0)
                return error_prefixf(&call->error, r, "cannot kill container: %s", p->id);
        if (isempty(p->signal) || signal_from_string(p->signal) == SIGKILL)
                container_cancel_start_after(c, START_PATIENCE_USEC);
        return engine_with_idle_container(e, call, p->id, false, c->start ? kill_started : kill_container);
}

static int pause_container(Engine *e, Call *call, Container *c) {
        Operation *o;
        int r;

        r = container_pause(c, &o, &call->error);
        return r < 0 ? r : engine_wait_operation(call, o);
}

static int pause_call(Engine *e, Call *call) {
        const ContainerPauseParams *p = call->params;

        return engine_with_idle_container(e, call, p->id, false, pause_container);
}

static int unpause_container(Engine *e, Call *call, Container *c) {
        Operation *o;
        int r;

        r = container_unpause(c, &o, &call->error);
        return r < 0 ? r : engine_wait_operation(call, o);
}

static int unpause_call(Engine *e, Call *call) {
        const ContainerPauseParams *p = call->params;

        return engine_with_idle_container(e, call, p->id, false, unpause_container);
}

static int remove_container(Engine *e, Call *call, Container *c) {
        const ContainerRemoveParams *p = call->params;
        Operation *o;
        int r;

        if (p->link)
                return error_setf(&call->error, ERROR_NOT_IMPLEMENTED,
                                  "links are not supported by this engine yet");
        r = container_remove(c, p->force, p->v, &o, &call->error);
        if (r == 0)
                return engine_wait_operation(call, o);
        if (r > 0)
                call_reply(call, NULL);
        return r;
}

/* A client that sends no more would keep it for ever. */
static int remove_call(Engine *e, Call *call) {
        const ContainerRemoveParams *p = call->params;
        Container *c;
        int r;

        r = engine_find_container(e, call, p->id, &c);
        if (r < 0)
                return r;
        if (p->force) {
                container_copy_end_writer(c);
                container_cancel_start_after(c, START_PATIENCE_USEC);
        }
        return engine_with_idle_container(e, call, p->id, false, remove_container);
}

static int rename_container(Engine *e, Call *call, Container *c) {
        const ContainerRenameParams *p = call->params;
        int r;

        r = container_rename(c, p->name, &call->error);
        if (r < 0)
                return r;
        call_reply(call, NULL);
        return 1;
}

static int rename_call(Engine *e, Call *call) {
        const ContainerRenameParams *p = call->params;

        return engine_with_idle_container(e, call, p->id, false, rename_container);
}

static int resize_container(Engine *e, Call *call, Container *c) {
        const ContainerResizeParams *p = call->params;
        int r;

        r = container_resize(c, p->h, p->w, &call->error);
        if (r < 0)
                return r;
        call_reply(call, NULL);
        return 1;
}

static int resize_call(Engine *e, Call *call) {
        const ContainerResizeParams *p = call->params;
        uint32_t rows, columns;
        int r;

        r = container_parse_size(p->h, p->w, &rows, &columns, &call->error);
        return r < 0 ? r : engine_with_idle_container(e, call, p->id, false, resize_container);
}

/* One that somebody has begun to use meanwhile stays. */
static void prune_sized(Call *call, ContainerSummaryList *list) {
        _cleanup_(ContainerPruneReply_donep) ContainerPruneReply reply = {};
        Engine *e = call->engine;
        int r = (reply.containers_deleted = strv_new_empty()) ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < list->n_items; i++) {
                const ContainerSummary *s = list->items + i;
                Container *c = hashmap_get(e->containers->by_id, s->id);

                if (!c || !container_prune(c))
                        continue;
                reply.space_reclaimed += s->size_rw.value;
                r = strv_extend(&reply.containers_deleted, s->id);
        }
        event_hub_publish_prune(e->events, "container", reply.space_reclaimed);
        if (r < 0)
                call_fail_own(call, error_fill(&call->error, r));
        else
                call_reply(call, &reply);
}

static int prune_call(Engine *e, Call *call) {
        const ContainerPruneParams *p = call->params;
        _cleanup_(container_summary_list_donep) ContainerSummaryList l = {};
        _cleanup_strv_free_ char **ids = NULL;
        int r;

        r = container_prune_candidates(e->containers, &p->filters, &ids, &call->error);
        if (r < 0)
                return r;
        l.items = new0(ContainerSummary, strv_length(ids) + 1);
        if (!l.items)
                return error_fill(&call->error, -ENOMEM);
        STRV_FOREACH(id, ids)
                if (!(l.items[l.n_items++].id = strdup(*id)))
                        return error_fill(&call->error, -ENOMEM);
        return engine_container_sizes(call, &l, prune_sized);
}

/* --- wait --- */

/* call->data is the container, referenced. */
static void release_container(void *p) {
        container_unref(p);
}

static void hold_container(Call *call, Container *c) {
        call->data = container_ref(c);
        call->data_free = release_container;
}

static void reply_wait(Call *call, int64_t exit_code, const char *error) {
        ContainerWaitError e = { (char *) error };

        call_reply(call, &(ContainerWaitReply) { exit_code, error ? &e : NULL });
}

static void on_waited(Container *c, int64_t exit_code, const char *error, void *userdata) {
        _cleanup_call_unref_ Call *call = userdata;

        call->on_gone = NULL;
        reply_wait(call, exit_code, error);
}

static void on_waiter_gone(Call *call) {
        container_wait_forget(call->data, call);
        call_unref(call);
}

static int wait_call(Engine *e, Call *call) {
        const ContainerWaitParams *p = call->params;
        WaitCondition condition;
        int64_t exit_code;
        Container *c;
        int r;

        r = wait_condition_parse(p->condition, &condition, &call->error);
        if (r < 0)
                return r;
        if (container_wait_departed(e->containers, p->id, &exit_code)) {
                reply_wait(call, exit_code, NULL);
                return 1;
        }
        r = engine_find_container(e, call, p->id, &c);
        if (r < 0)
                return r;
        r = container_wait(c, condition, on_waited, call_ref(call), &exit_code);
        if (r != 0)
                call_unref(call);
        if (r < 0)
                return error_fill(&call->error, r);
        if (r > 0) {
                reply_wait(call, exit_code, NULL);
                return 1;
        }
        hold_container(call, c);
        call->on_gone = on_waiter_gone;
        call_promise(call);
        return 0;
}

/* --- attach --- */

static void on_attach_ended(void *userdata) {
        _cleanup_call_unref_ Call *call = userdata;

        call_hijack_end(call);
}

static void on_attach_gone(Call *call) {
        container_attach_forget(call->data, call);
        call_unref(call);
}

static void on_attach_fd(Call *call, int fd, const void *early, size_t n_early) {
        _cleanup_error_ Error e = ERROR_NULL;
        Container *c = call->data;

        if (fd < 0 || !c->manager ||
            container_attach_add(c, call->params, fd, early, n_early, on_attach_ended, call, &e) < 0) {
                if (fd >= 0 && !c->manager)
                        safe_close(fd);
                call->on_gone = NULL;
                on_attach_ended(call);
        }
}

static int attach_container(Engine *e, Call *call, Container *c) {
        int r;

        r = container_attach_check(c, call->params, &call->error);
        if (r < 0)
                return r;
        hold_container(call, c);
        return call_hijack(call, c->doc.config.tty ? CALL_STREAM_RAW : CALL_STREAM_MULTIPLEXED, on_attach_fd,
                           on_attach_gone, &call->error);
}

static int attach_call(Engine *e, Call *call) {
        const ContainerAttachParams *p = call->params;

        return engine_with_idle_container(e, call, p->id, false, attach_container);
}

/* --- logs --- */

static int write_log(const void *data, size_t size, void *userdata) {
        return call_stream_write(userdata, data, size);
}

static void end_log(int r, const Error *error, void *userdata) {
        Call *call = userdata;

        call->data = NULL;
        call_stream_close(call, r < 0 ? error : NULL);
}

static const ContainerLogsOps logs_ops = { write_log, end_log };

static void free_logs(void *p) {
        container_logs_free(p);
}

static void on_logs_gone(Call *call) {
        call->data = container_logs_free(call->data);
}

static void on_logs_drain(Call *call) {
        if (call->data)
                container_logs_resume(call->data);
}

static int logs_call(Engine *e, Call *call) {
        const ContainerLogsParams *p = call->params;
        ContainerLogs *logs;
        Container *c;
        int r;

        r = engine_find_container(e, call, p->id, &c);
        if (r >= 0)
                r = container_logs_open(c, p, &logs_ops, call, &logs, &call->error);
        if (r < 0)
                return r;
        call->data = logs;
        call->data_free = free_logs;
        call->on_gone = on_logs_gone;
        call->on_drain = on_logs_drain;
        r = call_stream_open(call, c->doc.config.tty ? CALL_STREAM_RAW : CALL_STREAM_MULTIPLEXED);
        return r < 0 ? error_fill(&call->error, r) : 0;
}

/* --- top --- */

static void on_top(int r, const Error *error, const ContainerTopReply *reply, void *userdata) {
        _cleanup_call_unref_ Call *call = userdata;

        if (r < 0)
                call_fail(call, error);
        else
                call_reply(call, reply);
}

static int top_container(Engine *e, Call *call, Container *c) {
        const ContainerTopParams *p = call->params;
        int r;

        r = container_top(c, p->ps_args, on_top, call_ref(call), &call->error);
        if (r < 0)
                call_unref(call);
        return r;
}

static int top_call(Engine *e, Call *call) {
        const ContainerTopParams *p = call->params;

        return engine_with_idle_container(e, call, p->id, false, top_container);
}

/* --- rows --- */

const EngineCall engine_call_container_list = {
        "ContainerList", &ContainerListParams_json, &ContainerSummary_json, "container-list", 0, list_call,
        "Lists containers: running ones, or all.", .reply_is_list = true,
};
const EngineCall engine_call_container_create = {
        "ContainerCreate",
        &ContainerCreateParams_json,
        &ContainerCreateReply_json,
        "container-create",
        CALL_MUTATES,
        create_call,
        "Creates a container from an image without starting it.",
};
const EngineCall engine_call_container_inspect = {
        "ContainerInspect",
        &ContainerInspectParams_json,
        &ContainerInspect_json,
        "container-inspect",
        0,
        inspect_call,
        "Returns everything recorded of a container.",
};
const EngineCall engine_call_container_top = {
        "ContainerTop", &ContainerTopParams_json, &ContainerTopReply_json, "container-top", 0, top_call,
        "Lists the processes of a running container.",
};
const EngineCall engine_call_container_logs = {
        "ContainerLogs", &ContainerLogsParams_json, NULL, "container-logs", CALL_STREAM, logs_call,
        "Streams what a container has written.",
};
const EngineCall engine_call_container_resize = {
        "ContainerResize", &ContainerResizeParams_json, NULL, "container-resize", CALL_MUTATES, resize_call,
        "Sets the size of a container's terminal.",
};
const EngineCall engine_call_container_start = {
        "ContainerStart", &ContainerStartParams_json, NULL, "container-start", CALL_MUTATES, start_call,
        "Starts a container.",
};
const EngineCall engine_call_container_stop = {
        "ContainerStop", &ContainerStopParams_json, NULL, "container-stop", CALL_MUTATES, stop_call,
        "Stops a container: its stop signal, and after the timeout SIGKILL.",
};
const EngineCall engine_call_container_restart = {
        "ContainerRestart", &ContainerStopParams_json, NULL, "container-restart", CALL_MUTATES, restart_call,
        "Stops a container if it runs, and starts it.",
};
const EngineCall engine_call_container_kill = {
        "ContainerKill", &ContainerKillParams_json, NULL, "container-kill", CALL_MUTATES, kill_call,
        "Sends a signal to a container's first process.",
};
const EngineCall engine_call_container_pause = {
        "ContainerPause", &ContainerPauseParams_json, NULL, "container-pause", CALL_MUTATES, pause_call,
        "Lets the processes of a container stand still.",
};
const EngineCall engine_call_container_unpause = {
        "ContainerUnpause", &ContainerPauseParams_json, NULL, "container-pause", CALL_MUTATES, unpause_call,
        "Lets the processes of a paused container go on.",
};
const EngineCall engine_call_container_rename = {
        "ContainerRename", &ContainerRenameParams_json, NULL, "container-rename", CALL_MUTATES, rename_call,
        "Gives a container another name.",
};
const EngineCall engine_call_container_attach = {
        "ContainerAttach", &ContainerAttachParams_json, NULL, "container-attach", CALL_HIJACK, attach_call,
        "Connects the client to a container's streams.",
};
const EngineCall engine_call_container_wait = {
        "ContainerWait", &ContainerWaitParams_json, &ContainerWaitReply_json, "container-wait", 0, wait_call,
        "Waits for the end or the removal of a container.",
};
const EngineCall engine_call_container_remove = {
        "ContainerRemove", &ContainerRemoveParams_json, NULL, "container-remove", CALL_MUTATES, remove_call,
        "Removes a container.",
};
const EngineCall engine_call_container_prune = {
        "ContainerPrune",
        &ContainerPruneParams_json,
        &ContainerPruneReply_json,
        "container-prune",
        CALL_MUTATES,
        prune_call,
        "Removes all stopped containers.",
};
