/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on paths in a container (docker cp): look at one, read it as an archive, unpack an archive there. */
#include "engine/call-pump.h"
#include "engine/calls.h"
#include "engine/engine-internal.h"

#include "basic/fd-util.h"
#include "container/container-copy.h"

/* While one only writes to a container that does not run, others may read of it: two ends of a pipe. */
static int with_readable_container(Engine *e, Call *call, const char *name, ContainerCallFunction function) {
        Container *c;
        int r;

        r = engine_find_container(e, call, name, &c);
        if (r < 0)
                return r;
        return c->writer ? function(e, call, c) :
                           engine_with_idle_container(e, call, name, false, function);
}

/* --- stat --- */

typedef struct PathLook {
        Call *call;                     /* a reference */
        ContainerCopy *copy;
        ContainerPathStat stat;
} PathLook;

static PathLook *path_look_free(PathLook *l) {
        call_unref(l->call);
        container_copy_free(l->copy);
        json_done(&ContainerPathStat_json, &l->stat);
        return mfree(l);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(PathLook *, path_look_free);

static void on_looked(ContainerCopy *k, const ContainerPathStat *stat, void *userdata) {
        PathLook *l = ASSERT_PTR(userdata);

        json_done(&ContainerPathStat_json, &l->stat);
        l->stat = (ContainerPathStat) {};
        (void) json_copy(&ContainerPathStat_json, stat, &l->stat);
}

static void on_look_done(ContainerCopy *k, int r, const Error *error, void *userdata) {
        _cleanup_(path_look_freep) PathLook *l = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;
        Call *call = l->call;

        l->copy = NULL;
        call->data = NULL;
        call->on_gone = NULL;
        if (r >= 0 && !l->stat.name) {
                error_fill(&e, -ENOMEM);
                r = -ENOMEM;
                error = &e;
        }
        if (r < 0)
                call_fail(call, error);
        else
                call_reply(call, &l->stat);
}

static void on_look_gone(Call *call) {
        path_look_free(TAKE_PTR(call->data));
}

static int look(Engine *e, Call *call, Container *c) {
        const ContainerArchiveParams *p = call->params;
        _cleanup_(path_look_freep) PathLook *l = new(PathLook, 1);
        int r;

        if (!l)
                return error_fill(&call->error, -ENOMEM);
        *l = (PathLook) { .call = call_ref(call) };
        r = container_copy_start(c, &(ContainerCopyParams) {
                .kind = CONTAINER_COPY_STAT,
                .name = p->id,
                .path = p->path,
                .found = on_looked,
                .done = on_look_done,
                .userdata = l,
        }, &l->copy, &call->error);
        if (r < 0)
                return r;
        call->data = TAKE_PTR(l);
        call->on_gone = on_look_gone;
        return 0;
}

static int check_path(Call *call, const char *path) {
        return container_copy_check(&(ContainerCopyParams) { .path = path }, &call->error);
}

static int stat_call(Engine *e, Call *call) {
        const ContainerArchiveParams *p = call->params;
        int r = check_path(call, p->path);

        return r < 0 ? r : with_readable_container(e, call, p->id, look);
}

/* --- read --- */

static void cancel_read(void *copy) {
        container_copy_free(copy);
}

/* Goes ahead of the archive. */
static void on_found(ContainerCopy *k, const ContainerPathStat *stat, void *userdata) {
        CallPump *pump = ASSERT_PTR(userdata);

        call_pump_set_note(pump, json_encode_text(&ContainerPathStat_json, stat, 0));
        call_pump_release(pump);
}

static void on_read(ContainerCopy *k, int r, const Error *error, void *userdata) {
        CallPump *pump = ASSERT_PTR(userdata);

        call_pump_release(pump);
        call_pump_producer_done(pump, r, error);
}

static int read_archive(Engine *e, Call *call, Container *c) {
        const ContainerArchiveParams *p = call->params;
        _cleanup_close_ int fd = -EBADF;
        ContainerCopy *copy;
        CallPump *pump;
        int r;

        r = call_pump_new(call, CALL_STREAM_TAR, cancel_read, &pump, &fd);
        if (r < 0)
                return r;
        call_pump_hold(pump);
        r = container_copy_start(c, &(ContainerCopyParams) {
                .kind = CONTAINER_COPY_READ,
                .name = p->id,
                .path = p->path,
                .fd = fd,
                .found = on_found,
                .done = on_read,
                .userdata = pump,
        }, &copy, &call->error);
        if (r < 0)
                return r;
        call_pump_set_producer(pump, copy);
        return 0;
}

static int archive_call(Engine *e, Call *call) {
        const ContainerArchiveParams *p = call->params;
        int r = check_path(call, p->path);

        return r < 0 ? r : with_readable_container(e, call, p->id, read_archive);
}

/* --- write --- */

static void copy_free(void *copy) {
        container_copy_free(copy);
}

static void on_written(ContainerCopy *k, int r, const Error *error, void *userdata) {
        _cleanup_call_unref_ Call *call = call_work_end(userdata);

        if (r < 0)
                call_fail(call, error);
        else
                call_reply(call, NULL);
}

static int write_archive(Engine *e, Call *call, Container *c) {
        const ContainerExtractParams *p = call->params;
        _cleanup_close_ int input = call_take_input(call);
        ContainerCopy *copy;
        int r;

        if (input < 0)
                return error_set_errnof(&call->error, ERROR_INVALID, input,
                                        "the call needs an archive as its input");
        r = container_copy_start(c, &(ContainerCopyParams) {
                .kind = CONTAINER_COPY_WRITE,
                .name = p->id,
                .path = p->path,
                .fd = input,
                .no_overwrite = p->no_overwrite_dir_non_dir,
                .own = p->copy_uid_gid,
                .done = on_written,
                .userdata = call,
        }, &copy, &call->error);
        if (r < 0)
                return r;
        call_work_begin(call, copy, copy_free);
        return 0;
}

static int extract_call(Engine *e, Call *call) {
        const ContainerExtractParams *p = call->params;
        int r = check_path(call, p->path);

        return r < 0 ? r : engine_with_idle_container(e, call, p->id, true, write_archive);
}

/* --- rows --- */

const EngineCall engine_call_container_stat_path = {
        "ContainerStatPath",
        &ContainerArchiveParams_json,
        &ContainerPathStat_json,
        "container-stat-path",
        0,
        stat_call,
        "Returns what is known of a file in a container.",
};
const EngineCall engine_call_container_archive = {
        "ContainerArchive", &ContainerArchiveParams_json, NULL, "container-archive", CALL_STREAM,
        archive_call, "Writes a file or a directory of a container as a tar archive.",
};
const EngineCall engine_call_container_extract = {
        "ContainerExtract", &ContainerExtractParams_json, NULL, "container-extract",
        CALL_MUTATES | CALL_INPUT, extract_call, "Unpacks a tar archive in a directory of a container.",
};
