/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-shim.h"

#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-event.h>

#include "basic/crash-point.h"
#include "basic/errno-util.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "basic/path-util.h"
#include "container/container-ask-root.h"
#include "container/container-attach.h"
#include "container/container-exec.h"
#include "container/container-freeze.h"
#include "container/container-manager.h"
#include "container/container-network.h"
#include "container/container-pause.h"
#include "container/container-remove.h"
#include "container/container-restore.h"
#include "container/container-restart-policy.h"
#include "container/container-start.h"
#include "container/container-volumes.h"
#include "container/container-wait.h"
#include "runtime/shim-config.h"

#define EXIT_CODE_KILLED 137
#define EXIT_CODE_UNKNOWN 255

static void on_hello(ShimClient *s, ShimState state, pid_t pid, const ExitRecord *exit, void *userdata) {
        Container *c = ASSERT_PTR(userdata);

        if (c->restoring)
                container_restore_hello(c, state, pid, exit);
}

static void on_started(ShimClient *s, pid_t pid, uint64_t time, void *userdata) {
        Container *c = ASSERT_PTR(userdata);

        if (c->restoring)
                container_restore_hello(c, SHIM_STATE_RUNNING, pid, NULL);
        else
                container_start_done(c, pid, time);
}

static void on_start_failed(ShimClient *s, const char *text, void *userdata) {
        container_start_failed(ASSERT_PTR((Container *) userdata), text);
}

static void on_attach_ended(ShimClient *s, uint32_t id, ShimAttachEnd reason, void *userdata) {
        container_attach_handle_ended(ASSERT_PTR((Container *) userdata), id, reason);
}

static void on_oom(ShimClient *s, uint64_t time, void *userdata) {
        Container *c = ASSERT_PTR(userdata);

        container_event(c, "oom", MESSAGE_CONTAINER_OOM_STR, NULL);
}

static void on_log_failed(ShimClient *s, int error, void *userdata) {
        Container *c = ASSERT_PTR(userdata);

        log_struct_errno(LOG_WARNING, error,
                         LOG_FIELDS("MESSAGE_ID=" MESSAGE_CONTAINER_LOG_FULL_STR),
                         "The log of container %s (%s) cannot be written: %m", c->doc.name, c->doc.id);
}

static void on_root_fd(ShimClient *s, uint32_t id, int r, int fd, void *userdata) {
        container_root_answer(ASSERT_PTR((Container *) userdata), id, r, fd);
}

static void on_frozen(ShimClient *s, uint32_t id, int r, void *userdata) {
        container_freeze_answer(ASSERT_PTR((Container *) userdata), id, r);
}

static void on_paused(ShimClient *s, uint32_t id, int r, void *userdata) {
        Container *c = ASSERT_PTR(userdata);

        if (!c->restoring)
                container_pause_answer(c, id, r);
}

static void on_exited(ShimClient *s, const ExitRecord *exit, void *userdata) {
        Container *c = ASSERT_PTR(userdata);

        /* Its hello, which is on the way, says the same. */
        if (!c->restoring)
                container_handle_exit(c, exit);
}

/* What the shim left behind, or that it was killed and its container with it. */
static void read_exit(Container *c, ExitRecord *ret) {
        _cleanup_close_ int fd = open(c->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0 && exit_record_read(fd, ret) >= 0)
                return;
        *ret = (ExitRecord) { .code = EXIT_CODE_KILLED, .time_nsec = now_nsec() };
}

/* The store did not take the end, mostly on a full disk: the next daemon learns of it from the exit file,
 * which a shim that was killed has not written. */
static void keep_exit(Container *c, const ExitRecord *record) {
        _cleanup_close_ int fd = open(c->run_dir, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
        int r = fd < 0 ? -errno : exit_record_write(fd, record);

        c->end_unrecorded = true;
        if (r < 0)
                log_warning_errno(r, "Cannot keep the end of container %s: %m", c->doc.name);
}

void container_forget_run(Container *c) {
        if (!c->end_unrecorded || !c->manager)
                container_clear_run_dir(c);
}

void container_clear_run_dir(Container *c) {
        int r = rm_rf_at(AT_FDCWD, c->run_dir);

        if (r < 0)
                log_warning_errno(r, "Cannot remove %s: %m", c->run_dir);
}

/* The shim has ended. What runs of the container ends with it. */
static void shim_lost(Container *c) {
        ExitRecord record;

        c->shim = shim_client_free(c->shim);
        container_freeze_lost(c);
        container_pause_lost(c);
        container_root_lost(c);
        if (c->start)
                container_start_failed(c, "the container's shim ended before the container was started");
        else if (c->restoring)
                container_restore_lost(c);
        else if (container_is_running(c)) {
                read_exit(c, &record);
                container_handle_exit(c, &record);
        }
        container_attach_end_sent(c);
        if (c->remove_when_lost && !c->busy)
                container_auto_remove(c);
}

static void on_lost(ShimClient *s, void *userdata) {
        _cleanup_(container_unrefp) Container *c = container_ref(ASSERT_PTR((Container *) userdata));

        shim_lost(c);
}

static const ShimClientOps shim_ops = {
        .hello = on_hello,
        .started = on_started,
        .start_failed = on_start_failed,
        .attach_ended = on_attach_ended,
        .oom = on_oom,
        .log_failed = on_log_failed,
        .root_fd = on_root_fd,
        .frozen = on_frozen,
        .paused = on_paused,
        .exited = on_exited,
        .lost = on_lost,
};

int container_shim_connect(Container *c, Error *reterr) {
        int r;

        r = shim_client_connect(c->manager->config.event, c->run_dir, &shim_ops, c, &c->shim);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "cannot connect to the shim of container %s", c->doc.name);
        return 0;
}

void container_clear_runtime(ContainerManager *m, const char *id) {
        _cleanup_free_ char *path = path_join(m->config.exec_root, SHIM_RUNTIME_DIRECTORY);
        _cleanup_free_ char *own = path ? path_join(path, id) : NULL;
        int r = own ? rm_rf_at(AT_FDCWD, own) : -ENOMEM;

        if (r < 0)
                log_warning_errno(r, "Cannot remove what the OCI runtime keeps of container %s: %m", id);
}

void container_leave_shim(Container *c) {
        ContainerManager *m = c->manager;

        if (c->shim) {
                (void) shim_client_quit(c->shim);
                c->shim = shim_client_free(c->shim);
        }
        container_root_lost(c);
        if (c->supervised && hashmap_put(m->leaving, c->doc.id, c) >= 0)
                container_ref(c);
        else {
                container_clear_run_dir(c);
                container_clear_runtime(m, c->doc.id);
        }
}

void container_manager_shim_gone(Supervisor *s, const char *id, void *userdata) {
        ContainerManager *m = ASSERT_PTR(userdata);
        _cleanup_(container_unrefp) Container *left = hashmap_remove(m->leaving, id);
        _cleanup_(container_unrefp) Container *c = container_ref(left ?: hashmap_get(m->by_id, id));
        _cleanup_(operation_unrefp) Operation *gone = NULL;
        ExitRecord record;

        if (m->stopping)
                return;
        (void) supervisor_cleanup(m->supervisor, id,
                                  c ? empty_to_null(c->doc.host_config.resources.cgroup_parent) : NULL);
        if (!c)
                return;
        c->supervised = false;
        /* Its socket did not say so yet, and must not say it of the next shim. */
        if (c->shim && !c->start)
                shim_lost(c);
        if (!c->shim && !c->start && container_is_running(c)) {
                read_exit(c, &record);
                container_handle_exit(c, &record);
        }
        if (!c->start && !c->restoring && !container_is_running(c))
                container_forget_run(c);
        if (left)
                container_clear_runtime(m, id);
        else
                container_restart_policy_gone(c);
        gone = TAKE_PTR(c->gone);
        if (gone)
                operation_complete(gone, 0, NULL);
}

void container_handle_exit(Container *c, const ExitRecord *record) {
        _cleanup_(container_unrefp) Container *hold = container_ref(c);
        _cleanup_error_ Error e = ERROR_NULL;
        char code[16], duration[24];
        bool again;
        int r;

        if (!container_is_running(c))
                return;

        crash_point("container-exit:seen");
        c->doc.exit_code = record->code;
        c->doc.oom_killed = record->oom;
        c->doc.finished = record->time_nsec;
        c->doc.pid = 0;
        /* `systemctl stop`, or the machine goes down: it is not brought back before the next boot. */
        again = !record->stopped && container_restart_policy_wants(c);
        r = container_set_state(c, again ? CONTAINER_RESTARTING : CONTAINER_EXITED, STORE_SYNC_LAZY, &e);
        if (r < 0) {
                log_error("Cannot record the end of container %s: %s", c->doc.name, error_message(&e));
                keep_exit(c, record);
        }
        crash_point("container-exit:recorded");
        container_network_stop(c);
        crash_point("container-exit:network");
        container_volumes_event(c, "unmount", MESSAGE_VOLUME_UNMOUNT_STR);

        snprintf(code, sizeof(code), "%d", record->code);
        snprintf(duration, sizeof(duration), "%" PRIu64,
                 c->doc.finished > c->doc.started ? (c->doc.finished - c->doc.started) / NSEC_PER_SEC : 0);
        container_event(c, "die", MESSAGE_CONTAINER_DIE_STR, "execDuration", duration, "exitCode", code,
                        NULL);

        if (again)
                container_restart_policy_schedule(c);
        container_wait_notify(c, false, NULL);
        if (c->doc.host_config.auto_remove && !again && !c->busy)
                container_auto_remove(c);
}
