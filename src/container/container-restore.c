/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-restore.h"

#include <dirent.h>

#include "basic/id.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "basic/path-util.h"
#include "container/container-exec.h"
#include "container/container-network.h"
#include "container/container-remove.h"
#include "container/container-restart-policy.h"
#include "container/container-shim.h"
#include "container/container-start.h"
#include "image/rootfs.h"
#include "runtime/shim-config.h"

#define EXIT_CODE_LOST 255      /* ended with the machine: nobody saw how */

static void restored(Container *c) {
        c->restoring = false;
        container_clear_busy(c, 0, NULL);
        if (c->doc.host_config.auto_remove && !container_is_running(c))
                container_auto_remove(c);
}

/* It had been started, but we died before that was recorded. */
static void count_restart(Container *c) {
        if (c->state == CONTAINER_RESTARTING)
                c->doc.restart_count++;
}

/* It ended while we were away: the same transition as at run time. */
static void exited_meanwhile(Container *c, const ExitRecord *record) {
        if (c->state == CONTAINER_CREATED || c->state == CONTAINER_EXITED ||
            c->state == CONTAINER_RESTARTING) {
                if (record->time_nsec == c->doc.finished)
                        return;         /* that end is recorded; we died before its traces were cleared */
                count_restart(c);
                c->doc.started = c->doc.started ?: record->time_nsec;
                (void) container_set_state(c, CONTAINER_RUNNING, STORE_SYNC_LAZY, NULL);
        }
        container_handle_exit(c, record);
}

void container_restore_hello(Container *c, ShimState state, pid_t pid, const ExitRecord *exit) {
        _cleanup_(container_unrefp) Container *hold = container_ref(c);

        if (state == SHIM_STATE_RUNNING) {
                bool known = container_is_running(c);

                count_restart(c);
                c->doc.pid = pid;
                c->doc.started = known ? c->doc.started : now_nsec();
                c->started_monotonic = now_usec(CLOCK_MONOTONIC);
                if (!known)
                        (void) container_set_state(c, CONTAINER_RUNNING, STORE_SYNC_LAZY, NULL);
                (void) container_set_state(c, c->shim && shim_client_is_paused(c->shim) ? CONTAINER_PAUSED :
                                                                                          CONTAINER_RUNNING,
                                           STORE_SYNC_LAZY, NULL);
                container_network_restore(c);
                restored(c);
        } else if (state == SHIM_STATE_EXITED) {
                exited_meanwhile(c, exit);
                restored(c);
        } else if (state != SHIM_STATE_STARTING) {
                (void) shim_client_quit(c->shim);
                restored(c);
        }
        /* One that starts tells when it has, or ends. */
}

/* No shim is there: its exit file tells, or the machine went down with it. */
static void without_shim(Container *c) {
        _cleanup_close_ int fd = open(c->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ExitRecord record;

        if (fd >= 0 && exit_record_read(fd, &record) >= 0)
                exited_meanwhile(c, &record);
        else if (container_is_running(c)) {
                record = (ExitRecord) { .code = EXIT_CODE_LOST, .time_nsec = now_nsec() };
                c->booted = true;
                container_handle_exit(c, &record);
        }
        (void) supervisor_cleanup(c->manager->supervisor, c->doc.id,
                                  empty_to_null(c->doc.host_config.resources.cgroup_parent));
        c->supervised = false;
        container_network_stop(c);
        container_forget_run(c);
        restored(c);
}

void container_restore_lost(Container *c) {
        without_shim(c);
}

static void on_found(Supervisor *s, const char *id, const Error *error, void *userdata) {
        _cleanup_(container_unrefp) Container *c = container_ref(ASSERT_PTR((Container *) userdata));

        if (!error) {
                c->supervised = true;
                if (container_shim_connect(c, NULL) >= 0)
                        return;
        }
        without_shim(c);
}

static int restore_container(Container *c) {
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        if (c->state == CONTAINER_REMOVING || c->state == CONTAINER_DEAD)
                return container_remove_now(c, NULL);
        r = container_set_busy(c, NULL);
        if (r < 0)
                return r;
        c->restoring = true;
        /* The machine was booted anew: known at once, so that nobody sees it running. */
        if (access(c->run_dir, F_OK) < 0 && errno == ENOENT) {
                without_shim(c);
                return 0;
        }
        container_exec_restore(c);
        r = supervisor_find_running(c->manager->supervisor, c->doc.id, c->run_dir, on_found, c, &e);
        if (r < 0)
                without_shim(c);
        return 0;
}

static bool needs_restore(const Container *c) {
        return container_is_running(c) || IN_SET(c->state, CONTAINER_REMOVING, CONTAINER_DEAD) ||
                access(c->run_dir, F_OK) >= 0;
}

/* Between two runs, or with a policy that brings it back at boot. */
static bool wants_start(const Container *c) {
        const char *policy = strempty(c->doc.host_config.restart_policy.name);

        if (c->state == CONTAINER_RESTARTING)
                return true;
        return c->state == CONTAINER_EXITED && !c->busy &&
                (streq(policy, "always") || (streq(policy, "unless-stopped") && !c->doc.stopped_by_user));
}

/* Directories without a record: a creation that was cut off. */
static void remove_orphans(ContainerManager *m) {
        _cleanup_free_ char *path = path_join(m->config.data_root, "containers");
        DIR *d = path ? opendir(path) : NULL;
        struct dirent *e;

        if (!d)
                return;
        while ((e = readdir(d))) {
                _cleanup_free_ char *orphan = NULL;

                if (!id_is_valid(e->d_name) || hashmap_get(m->by_id, e->d_name))
                        continue;
                orphan = path_join(path, e->d_name);
                if (orphan)
                        (void) rootfs_remove(m->config.images, orphan, NULL);
        }
        closedir(d);
}

/* Run directories of containers that were removed while their shim still ended. */
static void remove_stale_run_dirs(ContainerManager *m) {
        _cleanup_free_ char *path = path_join(m->config.exec_root, "containers");
        DIR *d = path ? opendir(path) : NULL;
        struct dirent *e;

        if (!d)
                return;
        while ((e = readdir(d)))
                if (id_is_valid(e->d_name) && !hashmap_get(m->by_id, e->d_name)) {
                        (void) supervisor_cleanup(m->supervisor, e->d_name, NULL);
                        (void) rm_rf_at(dirfd(d), e->d_name);
                }
        closedir(d);
}

/* The same of containers whose shim was killed, and that were removed by a daemon that died then. */
static void remove_stale_runtimes(ContainerManager *m) {
        _cleanup_free_ char *path = path_join(m->config.exec_root, SHIM_RUNTIME_DIRECTORY);
        DIR *d = path ? opendir(path) : NULL;
        struct dirent *e;

        if (!d)
                return;
        while ((e = readdir(d)))
                if (id_is_valid(e->d_name) && !hashmap_get(m->by_id, e->d_name))
                        container_clear_runtime(m, e->d_name);
        closedir(d);
}

/* Before any container is touched: sandboxes of those that may still run are kept, all others go. */
static int reconcile_networks(ContainerManager *m, Error *reterr) {
        _cleanup_strv_free_ char **live = strv_new_empty();
        Container *c;
        int r = live ? 0 : -ENOMEM;

        HASHMAP_FOREACH(c, m->by_id)
                if (r >= 0 && needs_restore(c))
                        r = strv_extend(&live, c->doc.id);
        if (r < 0)
                return error_fill(reterr, r);
        return network_manager_reconcile(m->config.networks, live, reterr);
}

int container_manager_reconcile(ContainerManager *m, Error *reterr) {
        _cleanup_strv_free_ char **ids = NULL;
        Container *c;
        int r;

        r = reconcile_networks(m, reterr);
        HASHMAP_FOREACH(c, m->by_id)
                if (r >= 0)
                        r = strv_extend(&ids, c->doc.id);
        if (r < 0)
                return error_fill(reterr, r);
        remove_orphans(m);
        remove_stale_run_dirs(m);
        remove_stale_runtimes(m);
        STRV_FOREACH(id, ids) {
                c = hashmap_get(m->by_id, *id);
                if (!c)
                        continue;
                if (needs_restore(c))
                        (void) restore_container(c);
                else if (wants_start(c)) {
                        if (c->state == CONTAINER_EXITED)
                                (void) container_set_state(c, CONTAINER_RESTARTING, STORE_SYNC_LAZY, NULL);
                        container_restart_policy_schedule(c);
                }
        }
        return 0;
}
