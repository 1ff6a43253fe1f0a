/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the OCI runtime: once to start the container, once to delete what it keeps of it; or once to run a
 * command in a container. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "basic/crash-point.h"
#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/log.h"
#include "basic/parse-util.h"
#include "basic/path-util.h"
#include "basic/process-util.h"
#include "json/json-value.h"
#include "runtime/oci-error.h"
#include "shared/cgroup-util.h"
#include "shim/shim.h"

#define RUNTIME_LOG_NAME "runtime.log"
#define CONSOLE_NAME "console"
#define RUNTIME_LOG_MAX (256U * 1024U)
#define ERROR_TEXT_MAX 4096U

/* --- the root file system --- */

/* The mount lives in a namespace of this process and dies with it, however that dies. It shows nowhere else,
 * since the run directory is on a private mount. The other mounts keep their propagation, for binds that are
 * shared with the host. */
static int mount_rootfs(Shim *s, int mount_fd) {
        if (unshare(CLONE_NEWNS) < 0)
                return -errno;
        s->mounts_unshared = true;

        /* The descriptor of the run directory is of the old namespace: by path it is the new one's. */
        if (mkdir(SHIM_ROOTFS_NAME, 0755) < 0 && errno != EEXIST)
                return -errno;
        return RET_NERRNO((int) syscall(SYS_move_mount, mount_fd, "", AT_FDCWD, SHIM_ROOTFS_NAME,
                                        MOVE_MOUNT_F_EMPTY_PATH));
}

/* --- the console --- */

/* By way of /proc, since run directories of tests are longer than a socket address. */
static int console_path(Shim *s, char **ret) {
        return asprintf_safe(ret, "/proc/%d/cwd/" CONSOLE_NAME, getpid());
}

static int console_listen(Shim *s) {
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = CONSOLE_NAME };
        _cleanup_close_ int fd = -EBADF;
        mode_t saved;
        int r;

        fd = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (unlink(CONSOLE_NAME) < 0 && errno != ENOENT)
                return -errno;
        saved = umask(0077);
        r = RET_NERRNO(bind(fd, (const struct sockaddr *) &address, sizeof(address)));
        (void) umask(saved);
        if (r < 0)
                return r;
        if (listen(fd, 1) < 0)
                return -errno;
        s->console_listen_fd = TAKE_FD(fd);
        return 0;
}

/* The runtime has ended, so what it sent is there: nothing here waits. */
static int console_receive(Shim *s) {
        _cleanup_close_ int connection = -EBADF;
        int master = -EBADF;
        size_t n_fds = 1;
        char name[256];
        ssize_t n;

        connection = accept4(s->console_listen_fd, NULL, NULL, SOCK_CLOEXEC|SOCK_NONBLOCK);
        if (connection < 0)
                return -errno;
        n = receive_with_fds(connection, name, sizeof(name), &master, &n_fds);
        if (n < 0)
                return (int) n;
        if (n_fds != 1)
                return -EBADMSG;
        return shim_tty_received(s, master);
}

static void console_close(Shim *s) {
        if (s->console_listen_fd < 0)
                return;
        s->console_listen_fd = safe_close(s->console_listen_fd);
        (void) unlink(CONSOLE_NAME);
}

/* --- running it --- */

/* Up to the verb. */
static int runtime_command(Shim *s, char ***ret) {
        _cleanup_strv_free_ char **argv = NULL;
        _cleanup_free_ char *log = NULL;
        int r;

        log = path_join(s->run_dir, RUNTIME_LOG_NAME);
        if (!log)
                return -ENOMEM;
        r = strv_extend(&argv, s->config.runtime);
        if (r >= 0)
                r = strv_extend_strv(&argv, s->config.runtime_args);

        const char *const words[] = {
                "--root", s->config.runtime_root, "--log", log, "--log-format", "json",
        };
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(words); i++)
                r = strv_extend(&argv, words[i]);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(argv);
        return 0;
}

static int run_command(Shim *s, char ***ret) {
        _cleanup_strv_free_ char **argv = NULL;
        _cleanup_free_ char *pid_file = NULL, *console = NULL;
        int r;

        r = runtime_command(s, &argv);
        if (r < 0)
                return r;
        pid_file = path_join(s->run_dir, SHIM_PID_NAME);
        if (!pid_file)
                return -ENOMEM;
        if (s->config.tty) {
                r = console_path(s, &console);
                if (r < 0)
                        return r;
        }

        const char *const words[] = {
                shim_is_exec(s) ? "exec" : "run", "--detach",
                shim_is_exec(s) ? "--process" : "--bundle",
                shim_is_exec(s) ? s->config.process : s->run_dir,
                "--pid-file", pid_file, s->config.tty ? "--console-socket" : NULL, console, s->config.id,
        };
        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                r = words[i] ? strv_extend(&argv, words[i]) : 0;
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(argv);
        return 0;
}

static int spawn_runtime(Shim *s, char *const *argv, const int *fds, size_t n_fds) {
        SpawnRequest q = {
                .path = s->config.runtime,
                .argv = argv,
                .fds = fds,
                .n_fds = n_fds,
                .cwd = s->run_dir,
        };

        return process_spawn(&q, &s->runtime_pid, NULL);
}

static void remove_leftovers(void) {
        static const char *const names[] = { SHIM_EXIT_NAME, SHIM_PID_NAME, RUNTIME_LOG_NAME };

        FOREACH_ELEMENT(n, names)
                (void) unlink(*n);
}

/* What is left where a shim was killed: the runtime would refuse the id, and the container may run still. */
static bool is_left_over(Shim *s) {
        _cleanup_free_ char *path = path_join(s->config.runtime_root, s->config.id);

        return !shim_is_exec(s) && path && access(path, F_OK) >= 0;
}

static int spawn_delete(Shim *s) {
        _cleanup_strv_free_ char **argv = NULL;
        int r;

        const char *const words[] = { "delete", "--force", s->config.id };
        r = runtime_command(s, &argv);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(words); i++)
                r = strv_extend(&argv, words[i]);
        return r < 0 ? r : spawn_runtime(s, argv, NULL, 0);
}

static int run_container(Shim *s) {
        _cleanup_strv_free_ char **argv = NULL;
        int fds[3] = { -EBADF, -EBADF, -EBADF }, r;

        r = run_command(s, &argv);
        if (r >= 0)
                r = shim_stdio_prepare(s, fds);
        if (r >= 0)
                r = spawn_runtime(s, argv, fds, ELEMENTSOF(fds));
        FOREACH_ELEMENT(fd, fds)
                safe_close(*fd);
        if (r < 0)
                return log_error_errno(r, "Failed to run %s: %m", s->config.runtime);
        return 0;
}

int shim_start(Shim *s, int rootfs_fd) {
        int r;

        s->state = SHIM_STATE_STARTING;
        shim_start_limit(s);
        remove_leftovers();

        if (rootfs_fd >= 0) {
                r = mount_rootfs(s, rootfs_fd);
                if (r < 0)
                        return log_error_errno(r, "Failed to mount the root file system: %m");
                crash_point("shim-start:mounted");
        }
        if (s->config.tty) {
                r = console_listen(s);
                if (r < 0)
                        return log_error_errno(r, "Failed to open the console socket: %m");
        }

        if (!is_left_over(s))
                return run_container(s);
        /* Goes on in shim_runtime_ended(). */
        r = spawn_delete(s);
        if (r < 0)
                return log_error_errno(r, "Failed to run %s: %m", s->config.runtime);
        s->clearing = true;
        return 0;
}

/* --- what it said --- */

/* The message of a line {"level": "error", "msg": "..."}, or NULL; it belongs to *v. */
static const char *error_message_of(const char *line, JsonValue **v) {
        const JsonValue *level, *message;

        if (json_value_parse(line, strlen(line), 8, v, NULL) < 0 || json_value_type(*v) != JSON_VALUE_OBJECT)
                return NULL;
        level = json_value_get(*v, "level");
        message = json_value_get(*v, "msg");
        if (!level || !message || !streq_ptr(json_value_string(level), "error"))
                return NULL;
        return json_value_string(message);
}

/* The last error of the runtime's log. */
static bool error_from_log(Shim *s, char *ret, size_t size) {
        _cleanup_strv_free_ char **lines = NULL;
        _cleanup_free_ char *text = NULL;
        bool found = false;

        if (read_file_at(AT_FDCWD, RUNTIME_LOG_NAME, RUNTIME_LOG_MAX, &text, NULL) < 0 ||
            strv_split(text, "\n", &lines) < 0)
                return false;

        STRV_FOREACH(l, lines) {
                _cleanup_(json_value_unrefp) JsonValue *v = NULL;
                const char *m = error_message_of(*l, &v);

                if (m) {
                        snprintf(ret, size, "%s", m);
                        found = true;
                }
        }
        return found;
}

static void error_text(Shim *s, int status, char *ret, size_t size) {
        char from_stderr[ERROR_TEXT_MAX];

        shim_stdio_discard(s, from_stderr, sizeof(from_stderr));
        if (error_from_log(s, ret, size))
                return;
        if (from_stderr[0])
                snprintf(ret, size, "%s", strstrip(from_stderr));
        else
                snprintf(ret, size, "%s ended with status %d", s->config.runtime, status);
}

static int read_pid_file(Shim *s, pid_t *ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = read_file_at(AT_FDCWD, SHIM_PID_NAME, 64, &text, NULL);
        if (r < 0)
                return r;
        return parse_int(strstrip(text), ret);
}

/* Our copies of the names of network namespaces (<exec-root>/netns, a mount of its own) would keep those of
 * other containers alive for as long as this one runs. The runtime has opened the one it needed. */
static void drop_namespaces(Shim *s) {
        if (s->mounts_unshared)
                (void) umount2("../../netns", MNT_DETACH|UMOUNT_NOFOLLOW);
}

static int container_begun(Shim *s) {
        int r;

        drop_namespaces(s);

        r = read_pid_file(s, &s->container_pid);
        if (r < 0)
                return log_error_errno(r, "Failed to read the pid file: %m");
        if (s->config.tty) {
                r = console_receive(s);
                if (r < 0)
                        return log_error_errno(r, "Failed to receive the console: %m");
        }
        /* Its child is ours now, so the pid cannot be another process's before we have waited for it. */
        s->container_pidfd = pidfd_open_cloexec(s->container_pid);
        s->runtime_stderr_fd = safe_close(s->runtime_stderr_fd);
        console_close(s);

        shim_await_program(s);
        return 0;
}

/* Whoever waits for the output of a command that did not run gets the reason instead. */
static void tell_clients(Shim *s, const char *text) {
        _cleanup_error_ Error e = ERROR_NULL;
        _cleanup_free_ char *line = NULL;

        (void) oci_error_set_exec(&e, text);
        line = strjoin(error_message(&e), "\r\n");
        if (line)
                shim_attach_output(s, LOG_STDOUT, line, strlen(line));
}

void shim_start_failed(Shim *s, const char *text) {
        int code = oci_error_exit_code(text);
        char nothing[1];

        s->state = SHIM_STATE_EXITED;
        s->exited = true;
        loop_timer_stop(&s->start_timer);
        if (shim_is_exec(s)) {
                code = MIN(code, 127);          /* 128 is of containers */
                tell_clients(s, text);
        }
        s->exit = (ExitRecord) { .code = code, .time_nsec = now_nsec() };

        shim_event(s, &(ShimMessage) { .type = SHIM_START_FAILED, .text = text });
        shim_stdio_discard(s, nothing, sizeof(nothing));
        s->runtime_stderr_fd = safe_close(s->runtime_stderr_fd);
        console_close(s);
        if (s->given_up)
                shim_clear_up(s);       /* the runtime was killed and may know nothing of what is left */
        else
                shim_delete(s);
        shim_check_end(s);
}

void shim_start_failed_errno(Shim *s, int r) {
        char text[256];

        snprintf(text, sizeof(text), "shim: failed to run %s: %s", s->config.runtime, strerror(-r));
        shim_start_failed(s, text);
}

static void cleared(Shim *s) {
        int r;

        s->clearing = false;
        (void) unlink(RUNTIME_LOG_NAME);
        if (s->given_up)
                return;                 /* shim_give_up_step() follows */
        r = run_container(s);
        if (r < 0)
                shim_start_failed_errno(s, r);
}

void shim_runtime_ended(Shim *s, int status) {
        char text[ERROR_TEXT_MAX];

        s->runtime_pid = 0;
        if (s->clearing) {
                cleared(s);
                return;
        }
        if (s->deleting) {
                s->deleting = false;
                s->delete_done = true;
                shim_check_end(s);
                return;
        }
        if (s->given_up)
                return;                 /* shim_give_up_step() follows */
        if (status == 0 && container_begun(s) >= 0)
                return;

        error_text(s, status, text, sizeof(text));
        shim_start_failed(s, text);
}

static int remove_remains(Shim *s) {
        _cleanup_close_ int root = open(s->config.runtime_root, O_PATH|O_DIRECTORY|O_CLOEXEC);
        int r;

        if (root < 0)
                return -errno;
        r = cgroup_kill(s->config.cgroup_path);
        if (r >= 0)
                r = cgroup_remove(s->config.cgroup_path);
        return r < 0 ? r : rm_rf_at(root, s->config.id);
}

void shim_clear_up(Shim *s) {
        if (shim_is_exec(s)) {
                s->delete_done = true;
                return;
        }
        if (!s->deleting && !s->delete_done && shim_runtime_keeps_files_only(s->config.runtime) &&
            !isempty(s->config.cgroup_path) && remove_remains(s) >= 0)
                s->delete_done = true;
        shim_delete(s);
        (void) umount2(SHIM_ROOTFS_NAME, MNT_DETACH|UMOUNT_NOFOLLOW);
}

void shim_delete(Shim *s) {
        int r;

        if (s->deleting || s->delete_done)
                return;
        if (shim_is_exec(s)) {
                s->delete_done = true;          /* the runtime keeps nothing of it */
                return;
        }

        r = spawn_delete(s);
        if (r < 0) {
                log_error_errno(r, "Failed to run %s: %m", s->config.runtime);
                s->delete_done = true;
        } else
                s->deleting = true;
}
