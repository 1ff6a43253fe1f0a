/* SPDX-License-Identifier: Apache-2.0 */
/* Shims started by the daemon itself, where there is no systemd to ask: a session and, on cgroup2, a control
 * group of their own, so that they outlive the daemon. */
#include <stdio.h>
#include <sys/stat.h>

#include "basic/errno-util.h"
#include "basic/path-util.h"
#include "basic/process-util.h"
#include "runtime/shim-client.h"
#include "runtime/supervisor-internal.h"
#include "shared/cgroup-util.h"

static int on_child(sd_event_source *s, const siginfo_t *si, void *userdata) {
        supervisor_unit_gone(userdata);
        return 0;
}

/* The group the shim begins in; -EBADF where there is none to be had, and it stays in the daemon's. */
static int open_cgroup(const SupervisorLaunch *l) {
        _cleanup_free_ char *path = NULL;
        int r;

        if (cgroup_version() != 2)
                return -EBADF;
        if (asprintf_safe(&path, "/%s/%s/supervisor",
                          isempty(l->cgroup_parent) ? SUPERVISOR_CGROUP_DEFAULT : l->cgroup_parent,
                          l->id) < 0)
                return -ENOMEM;
        r = cgroup_create(path);
        if (r >= 0)
                r = cgroup_open(path);
        return r < 0 ? -EBADF : r;
}

static int open_shim_log(const char *run_dir) {
        _cleanup_free_ char *path = path_join(run_dir, "shim.log");

        if (!path)
                return -ENOMEM;
        return RET_NERRNO(open(path, O_WRONLY|O_CREAT|O_APPEND|O_CLOEXEC|O_NOFOLLOW, 0600));
}

static int spawn_shim(Supervisor *s, const SupervisorLaunch *l, int control_fd, pid_t *ret_pid,
                      int *ret_pidfd) {
        _cleanup_close_ int cgroup = open_cgroup(l), log = open_shim_log(l->run_dir);
        char *argv[] = { s->shim_path, (char *) l->run_dir, NULL };
        _cleanup_strv_free_ char **env = NULL;
        int r;

        /* Not the daemon's environment: what was set for it is not for the runtime and its hooks. */
        r = strv_extend_strv(&env, process_plain_environment());
        if (r >= 0)
                r = strv_extend(&env, SHIM_CONTROL_FD_ENV "=3");
        if (r < 0)
                return r;

        return process_spawn(&(SpawnRequest) {
                .path = s->shim_path,
                .argv = argv,
                .envp = env,
                .fds = (const int[]) { -EBADF, -EBADF, log, control_fd },
                .n_fds = 4,
                .new_session = true,
                .cgroup_fd = cgroup,
        }, ret_pid, ret_pidfd);
}

static int direct_start(SupervisorUnit *unit, const SupervisorLaunch *l, Error *reterr) {
        Supervisor *s = unit->supervisor;
        _cleanup_close_ int control = -EBADF, pidfd = -EBADF;
        pid_t pid;
        int r;

        control = shim_control_listen(l->run_dir);
        if (control < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, control, "failed to listen in %s",
                                        l->run_dir);
        r = spawn_shim(s, l, control, &pid, &pidfd);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to start %s", s->shim_path);

        r = sd_event_add_child_pidfd(s->event, &unit->end_source, pidfd, WEXITED, on_child, unit);
        if (r < 0)
                return error_fill(reterr, r);
        (void) sd_event_source_set_child_pidfd_own(unit->end_source, true);
        unit->pidfd = TAKE_FD(pidfd);
        (void) sd_event_source_set_description(unit->end_source, "shim-end");
        return supervisor_unit_done_later(unit);
}

static int direct_find_running(SupervisorUnit *unit, const char *run_dir, Error *reterr) {
        if (supervisor_unit_watch_shim(unit, run_dir) < 0)
                return error_setf(reterr, ERROR_NOT_FOUND, "no shim runs for container %s", unit->id);
        return supervisor_unit_done_later(unit);
}

static int direct_cleanup(Supervisor *s, const char *id, const char *cgroup_parent) {
        SupervisorUnit *u = hashmap_get(s->units, id);
        _cleanup_free_ char *path = NULL;
        int r;

        /* Where it is in no cgroup of its own. */
        if (u && u->end_source)
                (void) pidfd_signal(u->pidfd, SIGKILL);

        r = asprintf_safe(&path, "/%s/%s",
                          isempty(cgroup_parent) ? SUPERVISOR_CGROUP_DEFAULT : cgroup_parent, id);
        if (r < 0)
                return r;
        r = cgroup_kill(path);
        RET_GATHER(r, cgroup_remove(path));
        return r;
}

const SupervisorVTable supervisor_direct_vtable = {
        .kind = SUPERVISOR_DIRECT,
        .unit_size = sizeof(SupervisorUnit),
        .start = direct_start,
        .find_running = direct_find_running,
        .cleanup = direct_cleanup,
};
