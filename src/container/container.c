/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container.h"

#include <stdarg.h>
#include <systemd/sd-event.h>

#include "basic/id.h"
#include "basic/log.h"
#include "basic/path-util.h"
#include "basic/process-util.h"
#include "basic/string-table.h"
#include "container/container-attach.h"
#include "container/container-exec.h"
#include "container/container-health.h"
#include "container/container-manager.h"
#include "container/container-start.h"
#include "container/container-volumes.h"
#include "container/container-stats.h"
#include "container/container-update.h"
#include "container/container-wait.h"

static const JsonField container_document_fields[] = {
        JSON_STRING(ContainerDocument, id, "Id", JSON_REQUIRED),
        JSON_STRING(ContainerDocument, name, "Name", JSON_REQUIRED),
        JSON_TIME(ContainerDocument, created, "Created", 0),
        JSON_STRING(ContainerDocument, image, "Image", 0),
        JSON_STRING(ContainerDocument, image_id, "ImageId", 0),
        JSON_STRING(ContainerDocument, image_os, "ImageOs", 0),
        JSON_STRUCT(ContainerDocument, config, ContainerConfig, "Config", JSON_REQUIRED),
        JSON_STRUCT(ContainerDocument, host_config, HostConfig, "HostConfig", JSON_REQUIRED),
        JSON_STRUCT(ContainerDocument, networking, NetworkingConfig, "NetworkingConfig", 0),
        JSON_STRING(ContainerDocument, path, "Path", 0),
        JSON_STRV(ContainerDocument, args, "Args", JSON_NONNULL),
        JSON_STRING(ContainerDocument, storage_driver, "Driver", 0),
        JSON_ARRAY(ContainerDocument, mounts, MountPoint, "Mounts", JSON_NONNULL),
        JSON_STRV(ContainerDocument, named_volumes, "NamedVolumes", JSON_OMITEMPTY),
        JSON_STRING(ContainerDocument, state, "State", JSON_REQUIRED),
        JSON_INT64(ContainerDocument, pid, "Pid", 0),
        JSON_INT64(ContainerDocument, exit_code, "ExitCode", 0),
        JSON_STRING(ContainerDocument, error, "Error", 0),
        JSON_BOOL(ContainerDocument, oom_killed, "OOMKilled", 0),
        JSON_TIME(ContainerDocument, started, "StartedAt", 0),
        JSON_TIME(ContainerDocument, finished, "FinishedAt", 0),
        JSON_INT64(ContainerDocument, restart_count, "RestartCount", 0),
        JSON_BOOL(ContainerDocument, stopped_by_user, "StoppedByUser", 0),
        JSON_BOOL(ContainerDocument, volumes_filled, "VolumesFilled", JSON_OMITEMPTY),
        JSON_BOOL(ContainerDocument, remove_volumes, "RemoveVolumes", JSON_OMITEMPTY),
        JSON_OBJECT(ContainerDocument, health, Health, "Health", JSON_OMITEMPTY),
};
JSON_TYPE(ContainerDocument, container_document_fields);

static const char *const container_state_table[_CONTAINER_STATE_MAX] = {
        [CONTAINER_CREATED]    = "created",
        [CONTAINER_RUNNING]    = "running",
        [CONTAINER_PAUSED]     = "paused",
        [CONTAINER_RESTARTING] = "restarting",
        [CONTAINER_REMOVING]   = "removing",
        [CONTAINER_EXITED]     = "exited",
        [CONTAINER_DEAD]       = "dead",
};
DEFINE_STRING_TABLE(container_state, ContainerState);

#define TO(s) (1U << (s))

/* Legal transitions; a state may always be "entered" again to record other fields. */
static const unsigned container_transitions[_CONTAINER_STATE_MAX] = {
        [CONTAINER_CREATED]    = TO(CONTAINER_RUNNING) | TO(CONTAINER_REMOVING) | TO(CONTAINER_EXITED),
        [CONTAINER_RUNNING]    = TO(CONTAINER_PAUSED) | TO(CONTAINER_EXITED) | TO(CONTAINER_RESTARTING),
        [CONTAINER_PAUSED]     = TO(CONTAINER_RUNNING) | TO(CONTAINER_EXITED) | TO(CONTAINER_RESTARTING),
        [CONTAINER_RESTARTING] = TO(CONTAINER_RUNNING) | TO(CONTAINER_EXITED) | TO(CONTAINER_REMOVING),
        [CONTAINER_REMOVING]   = TO(CONTAINER_DEAD),
        [CONTAINER_EXITED]     = TO(CONTAINER_RUNNING) | TO(CONTAINER_RESTARTING) | TO(CONTAINER_REMOVING),
        [CONTAINER_DEAD]       = TO(CONTAINER_REMOVING),
};

int container_new(ContainerManager *m, ContainerDocument *doc, Container **ret) {
        _cleanup_(container_unrefp) Container *c = NULL;
        ContainerState state = container_state_from_string(doc->state);

        if (state < 0 || !id_is_valid(doc->id) || isempty(doc->name))
                return -EBADMSG;
        c = new0(Container, 1);
        if (!c)
                return -ENOMEM;
        c->n_ref = 1;
        c->manager = m;
        c->state = state;
        if (asprintf_safe(&c->run_dir, "%s/containers/%s", m->config.exec_root, doc->id) < 0 ||
            asprintf_safe(&c->data_dir, "%s/containers/%s", m->config.data_root, doc->id) < 0 ||
            asprintf_safe(&c->rw_dir, "%s/rw", c->data_dir) < 0)
                return -ENOMEM;
        c->image = image_ref(image_manager_get(m->config.images, strempty(doc->image_id)));
        c->doc = TAKE_STRUCT(*doc);
        *ret = TAKE_PTR(c);
        return 0;
}

static void container_free(Container *c) {
        container_start_free(c->start);
        container_fill_free(c->fill);
        container_update_free(c->update);
        container_attach_drop_all(c);
        container_wait_drop_all(c);
        shim_client_free(c->shim);
        sd_event_source_disable_unref(c->restart_timer);
        operation_unref(c->busy);
        operation_unref(c->gone);
        operation_unref(c->pausing);
        image_unref(c->image);
        json_done(&ContainerDocument_json, &c->doc);
        free(c->run_dir);
        free(c->data_dir);
        free(c->rw_dir);
        free(c);
}

DEFINE_REF_UNREF(Container, container, container_free);

int container_link(Container *c) {
        ContainerManager *m = c->manager;
        int r;

        r = hashmap_put(m->by_id, c->doc.id, c);
        if (r < 0)
                return r;
        r = hashmap_put(m->by_name, c->doc.name, c);
        if (r < 0) {
                hashmap_remove(m->by_id, c->doc.id);
                return r;
        }
        m->n_running += c->state == CONTAINER_RUNNING;
        m->n_paused += c->state == CONTAINER_PAUSED;
        container_ref(c);
        return 0;
}

void container_unlink(Container *c) {
        ContainerManager *m = c->manager;

        if (!m || hashmap_get(m->by_id, c->doc.id) != c)
                return;
        container_health_stop(c);
        container_exec_end_all(c);
        container_stats_end_all(c);
        hashmap_remove(m->by_id, c->doc.id);
        hashmap_remove(m->by_name, c->doc.name);
        m->n_running -= c->state == CONTAINER_RUNNING;
        m->n_paused -= c->state == CONTAINER_PAUSED;
        c->manager = NULL;
        container_unref(c);
}

int container_sync(const Container *c) {
        return c->doc.host_config.auto_remove ? STORE_SYNC_LAZY : STORE_SYNC_FULL;
}

int container_save(Container *c, int sync, Error *reterr) {
        _cleanup_free_ char *text = json_encode_text(&ContainerDocument_json, &c->doc, 0);
        int r;

        if (!text)
                return error_fill(reterr, -ENOMEM);
        r = store_put(c->manager->config.store, STORE_CONTAINER, c->doc.id, text, sync, reterr);
        if (r >= 0)
                c->end_unrecorded = false;
        return r;
}

int container_set_state(Container *c, ContainerState state, int sync, Error *reterr) {
        ContainerManager *m = c->manager;
        ContainerState before = c->state;
        int r;

        assert(state == c->state || FLAGS_SET(container_transitions[c->state], TO(state)));

        if (state != c->state) {
                log_debug("container %s: %s -> %s", c->doc.id, container_state_to_string(c->state),
                          container_state_to_string(state));
                m->n_running += (state == CONTAINER_RUNNING) - (c->state == CONTAINER_RUNNING);
                m->n_paused += (state == CONTAINER_PAUSED) - (c->state == CONTAINER_PAUSED);
                c->state = state;
        }
        container_health_follow(c, before);
        r = free_and_strdup(&c->doc.state, container_state_to_string(state));
        if (r < 0)
                return error_fill(reterr, r);
        return container_save(c, sync, reterr);
}

static int event_attributes(Container *c, StringMap *a, va_list ap) {
        const char *key;
        int r;

        /* Docker's order of precedence: labels first, so that they cannot replace image and name. */
        r = string_map_copy(a, &c->doc.config.labels);
        while (r >= 0 && (key = va_arg(ap, const char *)))
                r = string_map_set(a, key, va_arg(ap, const char *));
        if (r >= 0)
                r = string_map_set(a, "image", strempty(c->doc.image));
        if (r >= 0)
                r = string_map_set(a, "name", c->doc.name);
        return r;
}

void container_event(Container *c, const char *action, const char *message_id, ...) {
        StringMap attributes = {};
        va_list ap;
        int r;

        va_start(ap, message_id);
        r = event_attributes(c, &attributes, ap);
        va_end(ap);
        if (r < 0)
                log_oom();
        else
                event_hub_publish(c->manager->config.events, &(EventDraft) {
                        .type = "container",
                        .action = action,
                        .id = c->doc.id,
                        .message_id = message_id,
                        .attributes = &attributes,
                });
        string_map_done(&attributes);
}

const char *container_short_id(const Container *c, char buf[static 13]) {
        memcpy(buf, c->doc.id, ID_SHORT_LENGTH);
        buf[ID_SHORT_LENGTH] = 0;
        return buf;
}

int container_when_idle(Container *c, bool shim_gone, OperationDone done, void *userdata) {
        Operation *o = c->busy;
        int r;

        if (!o && shim_gone && c->supervised && !container_is_running(c) &&
            supervisor_tells(c->manager->supervisor)) {
                if (c->shim)
                        (void) shim_client_quit(c->shim);
                if (!c->gone)
                        c->gone = operation_new();
                if (!c->gone)
                        return -ENOMEM;
                o = c->gone;
        }
        if (!o)
                return 1;
        r = operation_wait(o, done, userdata);
        return r < 0 ? r : 0;
}

int container_set_busy(Container *c, Operation **ret) {
        assert(!c->busy);

        c->busy = operation_new();
        if (!c->busy)
                return -ENOMEM;
        if (ret)
                *ret = operation_ref(c->busy);
        return 0;
}

void container_clear_busy(Container *c, int r, const Error *error) {
        _cleanup_(operation_unrefp) Operation *o = TAKE_PTR(c->busy);

        c->start_cancel = sd_event_source_disable_unref(c->start_cancel);
        if (o)
                operation_complete(o, r, error);
}

int container_stop_signal(const Container *c, const char *override, int *ret, Error *reterr) {
        const char *s = empty_to_null(override) ?: empty_to_null(c->doc.config.stop_signal);
        int sig = s ? signal_from_string(s) : SIGTERM;

        if (sig < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid signal: %s", s);
        *ret = sig;
        return 0;
}

int64_t container_stop_timeout(const Container *c) {
        if (c->doc.config.stop_timeout.set)
                return c->doc.config.stop_timeout.value;
        return c->manager->config.defaults->stop_timeout;
}
