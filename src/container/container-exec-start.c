/* SPDX-License-Identifier: Apache-2.0 */
/* The start of a command in a container, what its shim says of it, and what the daemon finds of it after its
 * own start. The container's shim opens the root directory and starts the shim; all else goes to that
 * directly. */
#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "basic/crash-point.h"
#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/id.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "basic/parse-util.h"
#include "basic/path-util.h"
#include "container/container-ask-root.h"
#include "container/container-exec.h"
#include "container/container-rename.h"
#include "container/container-spec.h"
#include "runtime/oci-error.h"
#include "stream/multiplex.h"

/* ExecConfig, for the next daemon, which ends what was a probe. */
#define RECORD_NAME "exec.json"
#define PROBE_RECORD_NAME "probe.json"
#define RECORD_MAX (1024U * 1024U)
#define RUN_DIR_MODE 0700
#define EXIT_CODE_KILLED 137

/* --- what is told --- */

/* An empty socket buffer takes the few bytes at once. */
static void write_reason(const ContainerExecSession *s, const Error *error) {
        _cleanup_free_ char *line = strjoin(error_message(error), "\r\n");
        uint8_t header[MULTIPLEX_HEADER_SIZE];

        if (!line)
                return;
        multiplex_header(header, MULTIPLEX_STDOUT, (uint32_t) strlen(line));
        if (s->multiplex)
                (void) send(s->fd, header, sizeof(header), MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE);
        (void) send(s->fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Whoever is told may start something new. */
static void session_end(ContainerExecSession *session, int r, const Error *error) {
        ContainerExecSession s = *session;

        *session = (ContainerExecSession) { .fd = -EBADF };
        if (s.fd >= 0 && r < 0)
                write_reason(&s, error);
        safe_close(s.fd);
        free(s.early);
        if (s.started)
                s.started(r, error, s.userdata);
        if (s.ended)
                s.ended(s.userdata);
}

static void exec_end_session(ContainerExec *x) {
        x->attached = false;
        session_end(&x->session, 0, NULL);
}

/* It never ran. Where its shim has the connection, that writes the reason and ends the session. */
static void exec_failed(ContainerExec *x, int exit_code, int r, const Error *error) {
        container_exec_set_ended(x, exit_code);
        log_debug("exec %s in container %s: %s", x->id, x->container->doc.id, error_message(error));
        if (x->session.failed)
                x->session.failed(error, x->session.userdata);
        if (!x->attached)
                session_end(&x->session, r, error);
}

void container_exec_forget(ContainerExec *x) {
        x->session.ended = NULL;
        x->session.started = NULL;
        x->session.running = NULL;
        x->session.failed = NULL;
}

/* --- what its shim says --- */

static void on_hello(ShimClient *s, ShimState state, pid_t pid, const ExitRecord *exit, void *userdata) {
        ContainerExec *x = ASSERT_PTR(userdata);

        /* One that only a daemon before us would have started. */
        if (state == SHIM_STATE_CREATED && (x->killed || x->state == EXEC_RUNNING))
                (void) shim_client_quit(s);
        else if (x->killed)
                (void) shim_client_signal(s, SIGKILL, true);
        /* Of a daemon before us; a shim of ours says each thing when it happens. */
        if (state == SHIM_STATE_RUNNING && x->state == EXEC_RUNNING)
                x->pid = pid;
        else if (state == SHIM_STATE_EXITED && x->state == EXEC_RUNNING)
                container_exec_set_ended(x, exit->code);
}

static void on_started(ShimClient *s, pid_t pid, uint64_t time, void *userdata) {
        ContainerExec *x = ASSERT_PTR(userdata);

        crash_point("exec-start:started");
        x->state = EXEC_RUNNING;
        x->pid = pid;
        container_exec_event(x, "exec_start", MESSAGE_CONTAINER_EXEC_START_STR, true);
        if (x->rows > 0 && x->columns > 0)
                (void) shim_client_resize(s, x->rows, x->columns);
        if (x->killed)
                (void) shim_client_signal(s, SIGKILL, true);
        if (x->session.running)
                x->session.running(x->session.userdata);
        if (!x->attached)
                session_end(&x->session, 0, NULL);
}

static void on_start_failed(ShimClient *s, const char *text, void *userdata) {
        ContainerExec *x = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        /* Clients know the event as "it was tried". */
        container_exec_event(x, "exec_start", MESSAGE_CONTAINER_EXEC_START_STR, true);
        r = oci_error_set_exec(&e, text);
        exec_failed(x, MIN(oci_error_exit_code(text), 127), r, &e);
}

static void on_attach_ended(ShimClient *s, uint32_t id, ShimAttachEnd reason, void *userdata) {
        ContainerExec *x = ASSERT_PTR(userdata);

        if (!x->attached || id != x->attach_id)
                return;
        if (reason == SHIM_ATTACH_END_DETACHED)
                container_exec_event(x, "exec_detach", MESSAGE_CONTAINER_EXEC_DETACH_STR, false);
        exec_end_session(x);
}

static void exec_died(ContainerExec *x, int exit_code) {
        crash_point("exec-exit:seen");
        container_exec_set_ended(x, exit_code);
        container_exec_event(x, "exec_die", MESSAGE_CONTAINER_EXEC_DIE_STR, false);
}

static void on_exited(ShimClient *s, const ExitRecord *exit, void *userdata) {
        ContainerExec *x = ASSERT_PTR(userdata);

        if (x->state != EXEC_ENDED)
                exec_died(x, exit->code);
}

static int read_exit_code(const ContainerExec *x) {
        _cleanup_close_ int fd = open(x->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ExitRecord record;

        return fd >= 0 && exit_record_read(fd, &record) >= 0 ? record.code : EXIT_CODE_KILLED;
}

/* But for what the next daemon needs of it. */
static void clear_run_dir(const ContainerExec *x) {
        static const char *const names[] = {
                SHIM_PROCESS_NAME, SHIM_CONFIG_NAME,   SHIM_CONTROL_NAME,
                SHIM_PID_NAME,     SHIM_SHIM_PID_NAME, "runtime.log",
        };
        _cleanup_close_ int fd = open(x->run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

        FOREACH_ELEMENT(n, names)
                if (fd >= 0)
                        (void) unlinkat(fd, *n, 0);
}

/* Its shim has ended, or was killed with the container. */
static void on_lost(ShimClient *s, void *userdata) {
        ContainerExec *x = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;

        x->shim = shim_client_free(x->shim);
        if (x->state == EXEC_STARTING)
                exec_failed(x, EXIT_CODE_KILLED,
                            error_setf(&e, ERROR_CONFLICT, "container %s is not running",
                                       x->container->doc.id), &e);
        else if (x->state == EXEC_RUNNING)
                exec_died(x, read_exit_code(x));
        clear_run_dir(x);
        exec_end_session(x);
        container_exec_discard_ended(x);
}

static const ShimClientOps exec_ops = {
        .hello = on_hello,
        .started = on_started,
        .start_failed = on_start_failed,
        .attach_ended = on_attach_ended,
        .exited = on_exited,
        .lost = on_lost,
};

int container_exec_connect(ContainerExec *x) {
        return shim_client_connect(x->container->manager->config.event, x->run_dir, &exec_ops, x, &x->shim);
}

/* --- start --- */

static int make_run_dir(ContainerExec *x, Error *reterr) {
        _cleanup_free_ char *parent = path_join(x->container->run_dir, SHIM_EXEC_NAME);

        if (!parent)
                return error_fill(reterr, -ENOMEM);
        if (mkdir(parent, RUN_DIR_MODE) < 0 && errno != EEXIST)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", parent);
        if (mkdir(x->run_dir, RUN_DIR_MODE) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", x->run_dir);
        x->recorded = true;
        return 0;
}

static int write_record(ContainerExec *x, Error *reterr) {
        _cleanup_free_ char *text = json_encode_text(&ExecConfig_json, &x->config, 0), *path = NULL;
        int r;

        path = path_join(x->run_dir, x->probe ? PROBE_RECORD_NAME : RECORD_NAME);
        if (!text || !path)
                return error_fill(reterr, -ENOMEM);
        if (strlen(text) > RECORD_MAX)
                return error_setf(reterr, ERROR_INVALID, "exec %s: command and environment are larger than %u bytes",
                                  x->id, RECORD_MAX);
        r = write_file_atomic_at(AT_FDCWD, path, text, strlen(text), 0600, 0);
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot write %s", path) : 0;
}

static int write_run_dir(ContainerExec *x, int root_fd, Error *reterr) {
        Container *c = x->container;
        bool open_stdin = x->config.attach_stdin && x->session.fd >= 0;
        int r;

        r = make_run_dir(x, reterr);
        if (r >= 0)
                r = container_exec_spec_write(c, &x->config, root_fd, x->run_dir, reterr);
        if (r >= 0)
                r = container_exec_shim_config_write(c, &x->config, open_stdin, x->run_dir, reterr);
        if (r >= 0)
                r = write_record(x, reterr);
        return r;
}

static ShimAttachFlags attach_flags(const ContainerExec *x) {
        return (x->config.attach_stdin ? SHIM_ATTACH_STDIN : 0) |
                (x->config.attach_stdout ? SHIM_ATTACH_STDOUT : 0) |
                (x->config.attach_stderr ? SHIM_ATTACH_STDERR : 0) |
                (x->session.multiplex ? SHIM_ATTACH_MULTIPLEX : 0);
}

static int hand_over(ContainerExec *x) {
        int r;

        r = shim_client_attach(x->shim, &(ShimAttach) {
                .flags = attach_flags(x),
                .detach_keys = x->config.detach_keys,
                .data = x->session.early,
                .data_size = x->session.n_early,
                .fd = x->session.fd,
        }, &x->attach_id);
        if (r < 0)
                return r;
        x->attached = true;
        x->session.fd = safe_close(x->session.fd);
        x->session.early = mfree(x->session.early);
        return 0;
}

/* What is sent to the new shim waits in its socket until it has come up. */
static int launch(ContainerExec *x, Error *reterr) {
        _cleanup_close_ int control = shim_control_listen(x->run_dir);
        Container *c = x->container;
        int r;

        if (control < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, control, "cannot listen in %s", x->run_dir);
        crash_point("exec-start:written");
        r = c->shim ? shim_client_exec(c->shim, x->id, control) : -ENOTCONN;
        crash_point("exec-start:launched");
        if (r == -EOPNOTSUPP)
                return error_setf(
                                reterr, ERROR_CONFLICT,
                                "container %s was started by an older version of this engine, restart it to "
                                "run commands in it",
                                c->doc.name);
        if (r >= 0)
                r = container_exec_connect(x);
        if (r >= 0 && x->session.fd >= 0)
                r = hand_over(x);
        crash_point("exec-start:connected");
        if (r >= 0)
                r = shim_client_start(x->shim, -EBADF);
        crash_point("exec-start:sent");
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot talk to the shim of container %s",
                                        c->doc.name);
        return 0;
}

static void on_root(int r, int fd, void *userdata) {
        ContainerExec *x = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;
        _cleanup_close_ int root = fd;

        x->question = NULL;
        if (r < 0)
                r = error_setf(&e, ERROR_CONFLICT, "container %s is not running", x->container->doc.id);
        else
                r = write_run_dir(x, root, &e);
        if (r >= 0)
                r = launch(x, &e);
        if (r >= 0)
                return;
        x->shim = shim_client_free(x->shim);
        x->attached = false;
        exec_failed(x, 126, r, &e);
        container_exec_discard_ended(x);
}

void container_exec_start(ContainerExec *x, const ContainerExecSession *session) {
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        r = container_exec_check_start(x, &e);
        if (r < 0) {
                ContainerExecSession refused = *session;

                session_end(&refused, r, &e);
                return;
        }
        x->session = *session;
        if (session->console_size.n_items == 2) {
                x->rows = (unsigned) MIN(MAX(session->console_size.items[0], 0), UINT16_MAX);
                x->columns = (unsigned) MIN(MAX(session->console_size.items[1], 0), UINT16_MAX);
        }
        x->session.console_size = (ConsoleSize) {};
        x->state = EXEC_STARTING;
        r = container_ask_root(x->container, on_root, x, &x->question, &e);
        if (r < 0) {
                exec_failed(x, 126, r, &e);
                container_exec_discard_ended(x);
        }
}

int container_exec_resize(ContainerExec *x, const char *h, const char *w, Error *reterr) {
        uint32_t rows, columns;
        int r;

        r = container_parse_size(h, w, &rows, &columns, reterr);
        if (r < 0)
                return r;
        if (x->state == EXEC_STARTING) {
                x->rows = rows;
                x->columns = columns;
                return 0;
        }
        if (x->state != EXEC_RUNNING)
                return error_setf(reterr, ERROR_CONFLICT, "exec command %s is not running", x->id);
        r = x->shim ? shim_client_resize(x->shim, rows, columns) : -ENOTCONN;
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot resize the terminal of exec %s",
                                        x->id);
        return 0;
}

/* --- after a start of the daemon --- */

static int load_record(int dir_fd, const char *id, const char *record, ExecConfig *ret) {
        _cleanup_free_ char *name = path_join(id, record), *text = NULL;
        size_t size;
        int r;

        if (!name)
                return -ENOMEM;
        r = read_file_at(dir_fd, name, RECORD_MAX, &text, &size);
        return r < 0 ? r : json_decode_text(&ExecConfig_json, text, size, 0, ret, NULL);
}

static void restore_one(Container *c, int dir_fd, const char *id) {
        _cleanup_(ExecConfig_donep) ExecConfig config = {};
        bool probe = false;
        ContainerExec *x;
        int r;

        r = load_record(dir_fd, id, RECORD_NAME, &config);
        if (r == -ENOENT) {
                r = load_record(dir_fd, id, PROBE_RECORD_NAME, &config);
                probe = true;
        }
        if (r < 0 || strv_isempty(config.cmd) || container_exec_add(c, id, &config, &x) < 0) {
                (void) rm_rf_at(dir_fd, id);
                return;
        }
        x->recorded = true;
        x->state = EXEC_RUNNING;
        x->probe = x->killed = probe;
        if (container_exec_connect(x) >= 0)
                return;
        container_exec_set_ended(x, read_exit_code(x));
        container_exec_discard_ended(x);
}

void container_exec_restore(Container *c) {
        _cleanup_free_ char *path = path_join(c->run_dir, SHIM_EXEC_NAME);
        DIR *d = path ? opendir(path) : NULL;
        struct dirent *e;

        if (!d)
                return;
        while ((e = readdir(d)))
                if (id_is_valid(e->d_name) && !hashmap_get(c->manager->execs, e->d_name))
                        restore_one(c, dirfd(d), e->d_name);
        closedir(d);
}
