/* SPDX-License-Identifier: Apache-2.0 */
/* Commands in the container: each gets a shim of its own, a child of this one. It has its own streams,
 * clients and exit record, as a container has, and nothing that goes wrong there is in the container's
 * way. */
#include <unistd.h>

#include "basic/id.h"
#include "basic/log.h"
#include "basic/path-util.h"
#include "basic/process-util.h"
#include "shim/shim.h"

/* This very program, though another one may have been installed under its name since. */
#define OWN_PROGRAM "/proc/self/exe"

static int spawn_exec(const char *run_dir, int control_fd, pid_t *ret) {
        char *argv[] = { program_invocation_short_name, (char *) run_dir, NULL };
        _cleanup_strv_free_ char **env = NULL;
        int r;

        r = strv_extend_strv(&env, environ);
        if (r >= 0)
                r = strv_extend(&env, SHIM_CONTROL_FD_ENV "=3");
        if (r < 0)
                return r;
        return process_spawn(&(SpawnRequest) {
                .path = OWN_PROGRAM,
                .argv = argv,
                .envp = env,
                .fds = (const int[]) { -EBADF, -EBADF, STDERR_FILENO, control_fd },
                .n_fds = 4,
                .new_session = true,
                .death_signal = SIGKILL,
        }, ret, NULL);
}

int shim_exec(Shim *s, const char *id, int control_fd) {
        _cleanup_free_ char *run_dir = NULL, *parent = NULL;
        int r;

        if (!id_is_valid(strempty(id)) || control_fd < 0)
                return -EINVAL;
        if (s->state != SHIM_STATE_RUNNING || s->exited || shim_is_exec(s))
                return -ESRCH;
        if (s->n_execs == SHIM_EXECS_MAX)
                return -EUSERS;

        parent = path_join(s->run_dir, SHIM_EXEC_NAME);
        run_dir = parent ? path_join(parent, id) : NULL;
        if (!run_dir)
                return -ENOMEM;
        r = spawn_exec(run_dir, control_fd, s->execs + s->n_execs);
        if (r < 0)
                return log_error_errno(r, "Failed to start a shim for %s: %m", run_dir);
        s->n_execs++;
        return 0;
}

bool shim_exec_ended(Shim *s, pid_t pid) {
        for (size_t i = 0; i < s->n_execs; i++)
                if (s->execs[i] == pid) {
                        s->execs[i] = s->execs[--s->n_execs];
                        return true;
                }
        return false;
}
