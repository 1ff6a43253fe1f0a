/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-start.h"

#include <sys/stat.h>

#include "basic/crash-point.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "basic/path-util.h"
#include "container/container-attach.h"
#include "container/container-config.h"
#include "container/container-devices.h"
#include "container/container-manager.h"
#include "container/container-network.h"
#include "container/container-remove.h"
#include "container/container-restart-policy.h"
#include "container/container-restore.h"
#include "container/container-root.h"
#include "container/container-shim.h"
#include "container/container-spec.h"
#include "container/container-volumes.h"
#include "container/container-wait.h"
#include "image/rootfs.h"
#include "runtime/oci-error.h"

#define RUN_DIR_MODE 0700

struct ContainerStart {
        ContainerFill *fill;    /* of its volumes, where the creation did not get so far */
        ImageJob *copy;         /* what the storage driver does first */
        int mount_fd;           /* detached root file system */
        bool prepared;          /* network, OCI document */
        bool connected;         /* to the shim */
        bool sent;              /* it was told to start */
};

ContainerStart *container_start_free(ContainerStart *s) {
        if (s) {
                container_fill_free(s->fill);
                image_job_cancel(s->copy);
                safe_close(s->mount_fd);
        }
        free(s);
        return NULL;
}

static int check_startable(Container *c, Error *reterr) {
        if (c->state == CONTAINER_PAUSED)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "cannot start a paused container, try unpause instead");
        if (c->state == CONTAINER_RUNNING)
                return error_setf(reterr, ERROR_NOT_MODIFIED, "container %s is running already",
                                  c->doc.name);
        if (c->state == CONTAINER_REMOVING || c->state == CONTAINER_DEAD)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "container is marked for removal and cannot be started");
        if (c->manager->stopping)
                return error_setf(reterr, ERROR_UNAVAILABLE, "the engine is stopping");
        if (!c->image)                  /* it was lost, and may have been pulled again */
                c->image = image_ref(image_manager_get(c->manager->config.images,
                                                       strempty(c->doc.image_id)));
        if (!c->image)
                return error_setf(reterr, ERROR_NOT_FOUND, "the image of container %s (%s) is gone",
                                  c->doc.name, strempty(c->doc.image_id));
        return 0;
}

/* Takes down what a failed start has made. The container is as before. */
static void undo_start(Container *c) {
        ContainerManager *m = c->manager;

        supervisor_forget(m->supervisor, c->doc.id);
        if (c->shim) {
                (void) shim_client_quit(c->shim);
                c->shim = shim_client_free(c->shim);
        }
        if (c->supervised) {
                (void) supervisor_cleanup(m->supervisor, c->doc.id,
                                          empty_to_null(c->doc.host_config.resources.cgroup_parent));
                c->supervised = false;
        }
        container_clear_runtime(m, c->doc.id);
        container_network_stop(c);
        if (c->start && c->start->prepared)
                container_volumes_event(c, "unmount", MESSAGE_VOLUME_UNMOUNT_STR);
        c->start = container_start_free(c->start);
        container_clear_run_dir(c);
}

void container_start_abort(Container *c, int r, const Error *error) {
        _cleanup_(container_unrefp) Container *hold = container_ref(c);
        _cleanup_error_ Error save = ERROR_NULL;

        undo_start(c);
        (void) free_and_strdup(&c->doc.error, error_message(error));
        if (c->state == CONTAINER_RESTARTING)
                (void) container_set_state(c, CONTAINER_EXITED, STORE_SYNC_LAZY, &save);
        else
                (void) container_save(c, STORE_SYNC_LAZY, &save);
        log_struct(LOG_ERR, LOG_FIELDS("MESSAGE_ID=" MESSAGE_CONTAINER_FAILED_STR),
                   "Cannot start container %s (%s): %s", c->doc.name, c->doc.id, error_message(error));
        container_attach_end_all(c);
        container_clear_busy(c, r, error);
        container_wait_notify(c, false, error_message(error));
        if (c->doc.host_config.auto_remove && !c->busy)
                container_auto_remove(c);
}

void container_start_failed(Container *c, const char *text) {
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        if (!c->start)
                return;
        c->doc.exit_code = oci_error_exit_code(text);
        r = oci_error_set(&e, text);
        container_start_abort(c, r, &e);
}

/* Both sides are ready: the sessions that wait, then the start itself. */
static void start_if_ready(Container *c) {
        ContainerStart *s = c->start;
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        if (!s->prepared || !s->connected || s->sent)
                return;
        r = container_attach_send_pending(c);
        if (r >= 0)
                r = shim_client_start(c->shim, s->mount_fd);
        crash_point("container-start:sent");
        if (r < 0) {
                error_set_errnof(&e, ERROR_INTERNAL, r, "cannot talk to the shim of container %s",
                                 c->doc.name);
                container_start_abort(c, r, &e);
                return;
        }
        s->sent = true;
        s->mount_fd = safe_close(s->mount_fd);
}

/* The shim may be on its way up still: what is sent waits in its socket. */
static void on_supervised(Supervisor *s, const char *id, const Error *error, void *userdata) {
        Container *c = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        if (!c->start)
                return;
        crash_point("container-start:supervised");
        if (error)
                r = error_copy(&e, error);
        else
                r = container_shim_connect(c, &e);
        if (r < 0) {
                container_start_abort(c, r, &e);
                return;
        }
        c->start->connected = true;
        start_if_ready(c);
}

void container_start_done(Container *c, pid_t pid, nsec_t time) {
        _cleanup_(container_unrefp) Container *hold = container_ref(c);
        _cleanup_error_ Error e = ERROR_NULL;

        if (!c->start)
                return;
        crash_point("container-start:started");
        c->start = container_start_free(c->start);
        c->doc.pid = pid;
        c->doc.started = time;
        c->doc.exit_code = 0;
        c->doc.oom_killed = false;
        c->doc.error = mfree(c->doc.error);
        c->started_monotonic = now_usec(CLOCK_MONOTONIC);
        if (container_set_state(c, CONTAINER_RUNNING, container_restart_policy_sync(c), &e) < 0)
                log_error("Cannot record the start of container %s: %s", c->doc.name, error_message(&e));
        crash_point("container-start:recorded");
        container_event(c, "start", MESSAGE_CONTAINER_START_STR, NULL);
        /* Those that had the log replayed to them meanwhile. */
        (void) container_attach_send_pending(c);
        container_clear_busy(c, 0, NULL);
}

/* --- cancelled by a request to end the container --- */

#define SHIM_ANSWER_USEC (10 * USEC_PER_SEC)    /* for a shim that was told to give up */

static int on_cancel_start(sd_event_source *source, uint64_t usec, void *userdata);

static int arm_cancel(Container *c, usec_t delay, sd_event_time_handler_t handler) {
        c->start_cancel = sd_event_source_disable_unref(c->start_cancel);
        return sd_event_add_time_relative(c->manager->config.event, &c->start_cancel, CLOCK_MONOTONIC, delay,
                                          0, handler, c);
}

/* The shim itself hangs, for instance since somebody has frozen its unit. */
static int on_shim_silent(sd_event_source *source, uint64_t usec, void *userdata) {
        Container *c = ASSERT_PTR(userdata);
        _cleanup_(container_unrefp) Container *hold = container_ref(c);
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        c->start_cancel = sd_event_source_disable_unref(c->start_cancel);
        if (c->start) {
                r = error_setf(&e, ERROR_INTERNAL, "the start of container %s was cancelled", c->doc.name);
                container_start_abort(c, r, &e);
        } else if (c->restoring) {
                c->shim = shim_client_free(c->shim);
                container_restore_lost(c);
        }
        return 0;
}

static int on_cancel_start(sd_event_source *source, uint64_t usec, void *userdata) {
        Container *c = ASSERT_PTR(userdata);

        log_warning("The start of container %s is cancelled.", c->doc.name);
        if (!c->shim || (c->start && !c->start->sent) || shim_client_signal(c->shim, SIGKILL, true) < 0 ||
            arm_cancel(c, SHIM_ANSWER_USEC, on_shim_silent) < 0)
                return on_shim_silent(source, usec, userdata);
        return 0;
}

void container_cancel_start_after(Container *c, usec_t patience) {
        uint64_t at;
        int r;

        if ((!c->start && !c->restoring) || patience == USEC_INFINITY)
                return;
        if (c->start_cancel && sd_event_source_get_time(c->start_cancel, &at) >= 0 &&
            at <= now_usec(CLOCK_MONOTONIC) + patience)
                return;
        r = arm_cancel(c, patience, on_cancel_start);
        if (r < 0)
                log_warning_errno(r, "Cannot limit the start of container %s: %m", c->doc.name);
}

static int make_run_dir(Container *c, Error *reterr) {
        _cleanup_free_ char *rootfs = path_join(c->run_dir, SHIM_ROOTFS_NAME);

        if (!rootfs)
                return error_fill(reterr, -ENOMEM);
        container_clear_run_dir(c);
        if (mkdir(c->run_dir, RUN_DIR_MODE) < 0 || mkdir(rootfs, RUN_DIR_MODE) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", c->run_dir);
        return 0;
}

static int get_cgroup_path(Container *c, char **ret, Error *reterr) {
        const char *parent = empty_to_null(c->doc.host_config.resources.cgroup_parent);
        int r;

        /* Created by a daemon without systemd, it may have one that is no slice. */
        r = supervisor_check_cgroup_parent(c->manager->supervisor, parent, reterr);
        if (r < 0)
                return r;
        r = supervisor_cgroup_path(c->manager->supervisor, c->doc.id, parent, ret);
        return r < 0 ? error_fill(reterr, r) : 0;
}

static int launch_shim(Container *c, Error *reterr) {
        ContainerManager *m = c->manager;
        _cleanup_free_ SpecThrottle *throttles = NULL;
        _cleanup_free_ char *cgroup_path = NULL;
        SpecResources resources;
        int r;

        r = get_cgroup_path(c, &cgroup_path, reterr);
        if (r >= 0)
                r = container_shim_config_write(c, cgroup_path, reterr);
        if (r < 0)
                return r;
        crash_point("container-start:configured");
        resources_from_host_config(&c->doc.host_config, &resources);
        r = container_block_limits(&c->doc.host_config, &resources, &throttles, reterr);
        if (r < 0)
                return r;
        r = supervisor_start(m->supervisor, &(SupervisorLaunch) {
                .id = c->doc.id,
                .name = c->doc.name,
                .run_dir = c->run_dir,
                .cgroup_parent = empty_to_null(c->doc.host_config.resources.cgroup_parent),
                .stop_timeout = container_stop_timeout(c),
                .resources = &resources,
        }, on_supervised, c, reterr);
        if (r >= 0)
                c->supervised = true;
        crash_point("container-start:launched");
        return r;
}

/* Beside the start of the shim: root file system, network, OCI document. */
static int prepare(Container *c, Error *reterr) {
        _cleanup_free_ char *netns = NULL, *cgroup_path = NULL;
        int r;

        r = get_cgroup_path(c, &cgroup_path, reterr);
        if (r >= 0)
                r = rootfs_mount(c->manager->config.images, c->image, c->rw_dir, &c->start->mount_fd,
                                 reterr);
        if (r >= 0)
                r = container_root_prepare(c->start->mount_fd, reterr);
        crash_point("container-start:mounted");
        if (r >= 0)
                r = container_network_start(c, &netns, reterr);
        crash_point("container-start:network");
        if (r >= 0)
                r = container_spec_write(c, c->start->mount_fd, netns, cgroup_path, reterr);
        if (r < 0)
                return r;
        container_volumes_event(c, "mount", MESSAGE_VOLUME_MOUNT_STR);
        c->start->prepared = true;
        return 0;
}

static void on_copied(ImageJob *job, int r, const Error *error, void *userdata) {
        Container *c = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;

        c->start->copy = NULL;
        r = r < 0 ? error_copy(&e, error) : prepare(c, &e);
        if (r < 0)
                container_start_abort(c, r, &e);
        else
                start_if_ready(c);
}

/* At once, or when the storage driver has made its copy of the image. */
static int prepare_root(Container *c, Error *reterr) {
        const ImageJobHandlers handlers = { .done = on_copied, .userdata = c };
        int r;

        r = rootfs_prepare(c->manager->config.images, c->image, c->rw_dir, &handlers, &c->start->copy,
                           reterr);
        return r == 0 ? prepare(c, reterr) : MIN(r, 0);
}

static void on_filled(int r, const Error *error, void *userdata) {
        Container *c = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;

        c->start->fill = NULL;
        r = r < 0 ? error_copy(&e, error) : prepare_root(c, &e);
        if (r < 0)
                container_start_abort(c, r, &e);
        else
                start_if_ready(c);
}

static int begin_prepare(Container *c, Error *reterr) {
        int r;

        r = container_fill_start(c, on_filled, c, &c->start->fill, reterr);
        return r == 0 ? prepare_root(c, reterr) : MIN(r, 0);
}

int container_start(Container *c, Operation **ret, Error *reterr) {
        _cleanup_(operation_unrefp) Operation *o = NULL;
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        r = check_startable(c, reterr);
        if (r < 0)
                return r;
        if (c->supervised && c->shim)
                (void) shim_client_quit(c->shim);

        c->start = new(ContainerStart, 1);
        if (!c->start)
                return error_fill(reterr, -ENOMEM);
        *c->start = (ContainerStart) { .mount_fd = -EBADF };
        c->doc.stopped_by_user = false;
        if (c->state != CONTAINER_RESTARTING)   /* somebody asked for it: the policy begins anew */
                c->doc.restart_count = 0;
        r = container_set_busy(c, &o);
        if (r < 0)
                error_fill(&e, r);
        if (r >= 0)
                r = make_run_dir(c, &e);
        if (r >= 0)
                r = launch_shim(c, &e);
        if (r >= 0)
                r = begin_prepare(c, &e);
        if (r < 0) {
                (void) error_copy(reterr, &e);
                container_start_abort(c, r, &e);
                return r;
        }
        start_if_ready(c);
        *ret = TAKE_PTR(o);
        return 0;
}
