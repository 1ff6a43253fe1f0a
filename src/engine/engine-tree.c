/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that read the root file system of a container: export, changes, commit. */
#include "engine/call-pump.h"
#include "engine/calls.h"
#include "engine/engine-internal.h"

#include "basic/fd-util.h"
#include "basic/messages.h"
#include "container/container-commit.h"
#include "image/rootfs.h"

/* --- export, changes: what a worker writes is the answer --- */

typedef struct TreeRead {
        CallPump *pump;
        Container *container;           /* referenced */
        ImageJob *job;
        bool exported;
} TreeRead;

static void tree_read_free(TreeRead *t) {
        container_unref(t->container);
        free(t);
}

static void cancel_read(void *producer) {
        TreeRead *t = producer;

        image_job_cancel(t->job);
        tree_read_free(t);
}

static void on_read(ImageJob *job, int r, const Error *error, void *userdata) {
        TreeRead *t = userdata;
        _cleanup_error_ Error e = ERROR_NULL;
        CallPump *pump = t->pump;

        if (r >= 0) {
                r = container_check_still_there(t->container, &e);
                error = &e;
        }
        if (r >= 0 && t->exported)
                container_event(t->container, "export", MESSAGE_CONTAINER_EXPORT_STR, NULL);
        tree_read_free(t);
        call_pump_producer_done(pump, r, error);
}

static int start_read(Engine *e, Call *call, TreeRead *t, CallStreamKind kind) {
        const ImageJobHandlers handlers = { .done = on_read, .userdata = t };
        Container *c = t->container;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = call_pump_new(call, kind, cancel_read, &t->pump, &fd);
        if (r < 0)
                return r;
        return rootfs_read_start(e->images, &(RootfsReadParams) {
                .name = c->doc.name,
                .image = c->image,
                .rw_dir = c->rw_dir,
                .changes = !t->exported,
        }, fd, &handlers, &t->job, &call->error);
}

static int read_call(Engine *e, Call *call, const char *verb, CallStreamKind kind) {
        const ContainerTreeParams *p = call->params;
        Container *c;
        TreeRead *t;
        int r;

        r = engine_find_container(e, call, p->id, &c);
        if (r >= 0)
                r = container_check_readable(c, verb, &call->error);
        if (r < 0)
                return r;
        t = new(TreeRead, 1);
        if (!t)
                return error_fill(&call->error, -ENOMEM);
        *t = (TreeRead) { .container = container_ref(c), .exported = kind != CALL_STREAM_JSON };
        r = start_read(e, call, t, kind);
        if (r < 0) {
                tree_read_free(t);
                return r;
        }
        call_pump_set_producer(t->pump, t);
        return 0;
}

static int export_call(Engine *e, Call *call) {
        return read_call(e, call, "export", CALL_STREAM_BYTES);
}

static int changes_call(Engine *e, Call *call) {
        return read_call(e, call, "list the changes of", CALL_STREAM_JSON);
}

/* --- commit --- */

static void commit_free(void *p) {
        container_commit_free(p);
}

static void on_committed(ContainerCommit *k, int r, const char *image_id, const Error *error,
                         void *userdata) {
        _cleanup_call_unref_ Call *call = call_work_end(userdata);

        if (r < 0)
                call_fail(call, error);
        else
                call_reply(call, &(ContainerCommitReply) { (char *) image_id });
}

static int commit_call(Engine *e, Call *call) {
        const ContainerCommitParams *p = call->params;
        ContainerCommit *k;
        Container *c;
        int r;

        r = container_commit_check(p, &call->error);
        if (r >= 0)
                r = engine_find_container(e, call, p->container, &c);
        if (r >= 0)
                r = container_commit_start(c, p, on_committed, call, &k, &call->error);
        if (r < 0)
                return r;
        call_work_begin(call, k, commit_free);
        return 0;
}

/* --- rows --- */

const EngineCall engine_call_container_export = {
        "ContainerExport", &ContainerTreeParams_json, NULL, "container-export", CALL_STREAM, export_call,
        "Writes the root file system of a container as a tar archive.",
};
const EngineCall engine_call_container_changes = {
        "ContainerChanges", &ContainerTreeParams_json, NULL, "container-changes", CALL_STREAM, changes_call,
        "Lists what is other in the root file system of a container than in its image.",
};
const EngineCall engine_call_container_commit = {
        "ContainerCommit",
        &ContainerCommitParams_json,
        &ContainerCommitReply_json,
        "container-commit",
        CALL_MUTATES,
        commit_call,
        "Makes an image of a container.",
};
