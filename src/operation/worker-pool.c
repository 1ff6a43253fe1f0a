/* SPDX-License-Identifier: Apache-2.0 */
#include "operation/worker-pool.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/list.h"
#include "basic/log.h"
#include "basic/path-util.h"
#include "basic/process-util.h"
#include "config.h"
#include "json/json-value.h"

#define OUTPUT_CHUNK (64U * 1024U)

typedef enum WorkerState {
        WORKER_QUEUED,
        WORKER_RUNNING,
        WORKER_CANCELLED,       /* killed, to be reaped; nobody hears of it */
} WorkerState;

struct Worker {
        WorkerPool *pool;       /* borrowed; NULL for a worker that is waited for */
        WorkerState state;
        WorkerPace pace;
        char *verb;
        int params_fd;          /* memfd; negative = no parameters */
        int fds[WORKER_FDS_MAX];        /* own duplicates until the process has them */
        size_t n_fds;

        pid_t pid;
        int pidfd;
        int output_fd;
        Buffer output;          /* begin of a line that is not complete yet */
        JsonValue *result;      /* the whole line with "Result" */
        Error error;            /* reported by the worker, or our own complaint about it */
        sd_event_source *output_source, *exit_source;

        void (*progress)(Worker *w, struct json_object *progress, void *userdata);
        void (*done)(Worker *w, int r, struct json_object *result, const Error *error, void *userdata);
        void *userdata;

        LIST_FIELDS(struct Worker, workers);
};

struct WorkerPool {
        sd_event *event;
        char *program;
        Worker *workers;        /* queued, running and cancelled ones, in the order they came */
        size_t n_running[_WORKER_PACE_MAX], n_queued;
};

static const size_t running_max[_WORKER_PACE_MAX] = {
        [WORKER_PACE_LOCAL]   = WORKERS_LOCAL_MAX,
        [WORKER_PACE_CLIENT]  = WORKERS_CLIENT_MAX,
        [WORKER_PACE_NETWORK] = WORKERS_NETWORK_MAX,
};

/* As a worker writes it; see worker-protocol.h. */
typedef struct WorkerError {
        int kind;
        char *message;
} WorkerError;

static const JsonField worker_error_fields[] = {
        JSON_INT(WorkerError, kind, "Kind", 0),
        JSON_STRING(WorkerError, message, "Message", 0),
};
static const JsonType worker_error_type = {
        .name = "WorkerError", .size = sizeof(WorkerError), .fields = worker_error_fields,
        .n_fields = ELEMENTSOF(worker_error_fields),
};

static Worker *worker_free(Worker *w) {
        if (!w)
                return NULL;
        if (w->pool) {
                LIST_REMOVE(workers, w->pool->workers, w);
                if (w->state == WORKER_QUEUED)
                        w->pool->n_queued--;
                else
                        w->pool->n_running[w->pace]--;
        }
        sd_event_source_disable_unref(w->output_source);
        sd_event_source_disable_unref(w->exit_source);
        safe_close(w->params_fd);
        safe_close(w->pidfd);
        safe_close(w->output_fd);
        for (size_t i = 0; i < w->n_fds; i++)
                safe_close(w->fds[i]);
        buffer_done(&w->output);
        json_value_unref(w->result);
        error_done(&w->error);
        free(w->verb);
        return mfree(w);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(Worker *, worker_free);

/* --- what it says
 * ----------------------------------------------------------------------------------------------- */

static int take_error(Worker *w, struct json_object *o) {
        WorkerError e = {};
        ErrorKind kind;
        int r;

        r = json_decode(&worker_error_type, o, 0, &e, NULL);
        if (r >= 0) {
                kind = e.kind >= 0 && e.kind < _ERROR_KIND_MAX ? (ErrorKind) e.kind : ERROR_INTERNAL;
                r = error_setf(&w->error, kind, "%s", isempty(e.message) ? "unknown error" : e.message);
        }
        json_done(&worker_error_type, &e);
        return r;
}

/* Returns < 0 when the worker is not to be believed any more. */
static int take_line(Worker *w, const char *line, size_t size) {
        _cleanup_(json_value_unrefp) JsonValue *v = NULL;
        const JsonValue *member;
        int r;

        if (size == 0)
                return 0;
        r = json_value_parse(line, size, JSON_DEPTH_MAX, &v, NULL);
        if (r < 0)
                return r;

        member = json_value_get(v, "Progress");
        if (member) {
                if (w->progress && w->state == WORKER_RUNNING)
                        w->progress(w, (struct json_object *) member, w->userdata);
                return 0;
        }
        member = json_value_get(v, "Error");
        if (member) {
                take_error(w, (struct json_object *) member);
                return 0;
        }
        if (!json_value_get(v, "Result"))
                return -EBADMSG;
        json_value_unref(w->result);
        w->result = TAKE_PTR(v);
        return 0;
}

static int take_output(Worker *w, const char *data, size_t size) {
        const char *newline;
        size_t consumed = 0;
        int r;

        if (w->output.size + size > WORKER_LINE_MAX)
                return -E2BIG;
        r = buffer_append(&w->output, data, size);
        if (r < 0)
                return r;

        while ((newline = memchr(w->output.data + consumed, '\n', w->output.size - consumed))) {
                r = take_line(w, w->output.data + consumed, newline - (w->output.data + consumed));
                if (r < 0)
                        return r;
                consumed = newline - w->output.data + 1;
                /* A progress handler may have cancelled us. */
                if (w->state == WORKER_CANCELLED)
                        return 0;
        }
        buffer_consume(&w->output, consumed);
        return 0;
}

/* 1: there may be more, 0: end of file, -EAGAIN: nothing now. */
static int read_output(Worker *w) {
        char chunk[OUTPUT_CHUNK];
        ssize_t n;
        int r;

        n = read(w->output_fd, chunk, sizeof(chunk));
        if (n < 0)
                return -errno;
        if (n == 0)
                return 0;
        r = take_output(w, chunk, n);
        return r < 0 ? r : 1;
}

static void distrust(Worker *w, int r) {
        if (!error_is_set(&w->error))
                error_set_errnof(&w->error, ERROR_INTERNAL, r, "dockerd-worker %s answers nonsense",
                                 w->verb);
        if (w->pidfd >= 0)
                (void) pidfd_signal(w->pidfd, SIGKILL);
}

/* --- end
 * --------------------------------------------------------------------------------------------------------
 * */

static int judge_exit(Worker *w, const siginfo_t *si) {
        if (error_is_set(&w->error))
                return w->error.err;
        if (si->si_code != CLD_EXITED)
                return error_setf(&w->error, ERROR_INTERNAL, "dockerd-worker %s was killed by signal %s",
                                  w->verb, signal_to_string(si->si_status) ?: "?");
        if (si->si_status != 0 || !w->result)
                return error_setf(&w->error, ERROR_INTERNAL,
                                  "dockerd-worker %s exited with status %d and no result", w->verb,
                                  si->si_status);
        return 0;
}

static struct json_object *worker_result(Worker *w) {
        return (struct json_object *) json_value_get(w->result, "Result");
}

static void pool_run_queue(WorkerPool *p);

static void worker_finish(Worker *w, const siginfo_t *si) {
        WorkerPool *p = w->pool;
        int r;

        if (w->state == WORKER_RUNNING) {
                r = judge_exit(w, si);
                w->done(w, r < 0 ? r : 0, r < 0 ? NULL : worker_result(w), r < 0 ? &w->error : NULL,
                        w->userdata);
        }
        worker_free(w);
        pool_run_queue(p);
}

static int on_exit_event(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Worker *w = ASSERT_PTR(userdata);
        siginfo_t si = {};
        int r;

        if (waitid(P_PID, w->pid, &si, WEXITED | WNOHANG) < 0) {
                /* One by one: si_pid and si_status are members of one union in a union. */
                si.si_code = CLD_KILLED;
                si.si_status = SIGKILL;
                si.si_pid = w->pid;
        }
        if (si.si_pid == 0)
                return 0;

        while (w->state == WORKER_RUNNING) {
                r = read_output(w);
                if (r == 0 || r == -EAGAIN)
                        break;
                if (r < 0 && r != -EINTR) {
                        distrust(w, r);
                        break;
                }
        }
        worker_finish(w, &si);
        return 0;
}

static int on_output_event(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Worker *w = ASSERT_PTR(userdata);
        int r;

        r = read_output(w);
        if (r > 0 || r == -EAGAIN || r == -EINTR)
                return 0;
        if (r < 0)
                distrust(w, r);
        /* The exit event does the rest. */
        w->output_source = sd_event_source_disable_unref(w->output_source);
        return 0;
}

/* --- start
 * ------------------------------------------------------------------------------------------------------ */

static int params_memfd(const WorkerRequest *q) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        text = json_encode_raw_text(q->params_type, q->params);
        if (!text)
                return -ENOMEM;
        fd = memfd_create("worker-params", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = write_full(fd, text, strlen(text));
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int worker_new(const WorkerRequest *q, Worker **ret) {
        _cleanup_(worker_freep) Worker *w = NULL;

        assert(q->n_fds <= WORKER_FDS_MAX);

        w = new(Worker, 1);
        if (!w)
                return -ENOMEM;
        *w = (Worker) {
                .state = WORKER_QUEUED,
                .params_fd = -EBADF, .pidfd = -EBADF, .output_fd = -EBADF,
                .progress = q->progress, .done = q->done, .userdata = q->userdata,
        };
        w->verb = strdup(q->verb);
        if (!w->verb)
                return -ENOMEM;
        if (q->params_type) {
                w->params_fd = params_memfd(q);
                if (w->params_fd < 0)
                        return w->params_fd;
        }
        for (; w->n_fds < q->n_fds; w->n_fds++) {
                w->fds[w->n_fds] = -EBADF;
                if (q->fds[w->n_fds] < 0)
                        continue;
                w->fds[w->n_fds] = fcntl(q->fds[w->n_fds], F_DUPFD_CLOEXEC, 3);
                if (w->fds[w->n_fds] < 0)
                        return -errno;
        }
        *ret = TAKE_PTR(w);
        return 0;
}

static int worker_spawn(Worker *w, const char *program) {
        const char *const argv[] = { "dockerd-worker", w->verb, NULL };
        static const char *const envp[] = { "LC_CTYPE=C.UTF-8", NULL };
        int fds[WORKER_FD_FIRST + WORKER_FDS_MAX] = { -EBADF, -EBADF, STDERR_FILENO, w->params_fd };
        _cleanup_close_pair_ int output[2] = EBADF_PAIR;
        int r;

        if (pipe2(output, O_CLOEXEC) < 0)
                return -errno;
        fds[WORKER_FD_OUTPUT] = output[1];
        for (size_t i = 0; i < w->n_fds; i++)
                fds[WORKER_FD_FIRST + i] = w->fds[i];

        const SpawnRequest request = {
                .path = program,
                .argv = (char *const *) argv,
                .envp = (char *const *) envp,
                .fds = fds,
                .n_fds = WORKER_FD_FIRST + w->n_fds,
                .new_session = true,
                /* Half-made things are cleaned up by whoever starts next; nobody may still be writing
                 * them. */
                .death_signal = SIGKILL,
        };
        r = process_spawn(&request, &w->pid, &w->pidfd);
        if (r < 0)
                return r;

        w->output_fd = TAKE_FD(output[0]);
        w->params_fd = safe_close(w->params_fd);
        for (size_t i = 0; i < w->n_fds; i++)
                w->fds[i] = safe_close(w->fds[i]);
        w->n_fds = 0;
        return 0;
}

static void kill_and_reap(Worker *w) {
        siginfo_t si;

        (void) pidfd_signal(w->pidfd, SIGKILL);
        (void) waitid(P_PID, w->pid, &si, WEXITED);
}

static int worker_launch(Worker *w) {
        WorkerPool *p = w->pool;
        int r;

        r = worker_spawn(w, p->program);
        if (r < 0)
                return r;
        w->state = WORKER_RUNNING;
        p->n_queued--;
        p->n_running[w->pace]++;

        r = fd_nonblock(w->output_fd, true);
        if (r >= 0)
                r = sd_event_add_io(p->event, &w->output_source, w->output_fd, EPOLLIN, on_output_event, w);
        if (r >= 0)
                r = sd_event_add_io(p->event, &w->exit_source, w->pidfd, EPOLLIN, on_exit_event, w);
        if (r < 0) {
                kill_and_reap(w);
                return r;
        }
        (void) sd_event_source_set_description(w->output_source, "worker-output");
        (void) sd_event_source_set_description(w->exit_source, "worker-exit");
        /* Lines before the exit, so that progress comes in pieces and not all at the end. */
        (void) sd_event_source_set_priority(w->output_source, SD_EVENT_PRIORITY_NORMAL - 1);
        return 0;
}

/* A queued worker that cannot be started any more fails as if it had run. */
static void pool_run_queue(WorkerPool *p) {
        LIST_FOREACH(workers, w, p->workers) {
                int r;

                if (w->state != WORKER_QUEUED || p->n_running[w->pace] >= running_max[w->pace])
                        continue;
                r = worker_launch(w);
                if (r >= 0)
                        continue;
                error_set_errnof(&w->error, ERROR_INTERNAL, r, "Failed to start dockerd-worker %s", w->verb);
                w->done(w, r, NULL, &w->error, w->userdata);
                worker_free(w);
                /* The handler may have changed the list. */
                pool_run_queue(p);
                return;
        }
}

int worker_start(WorkerPool *p, const WorkerRequest *request, Worker **ret, Error *reterr) {
        _cleanup_(worker_freep) Worker *w = NULL;
        int r;

        assert(p);
        assert(request);
        assert(request->done);

        if (p->n_queued >= WORKERS_QUEUED_MAX)
                return error_setf(reterr, ERROR_UNAVAILABLE, "too many jobs are waiting");
        r = worker_new(request, &w);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to prepare dockerd-worker %s",
                                        request->verb);
        w->pool = p;
        w->pace = request->pace;
        p->n_queued++;
        LIST_APPEND(workers, p->workers, w);

        if (p->n_running[w->pace] < running_max[w->pace]) {
                r = worker_launch(w);
                if (r < 0)
                        return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                                "Failed to start dockerd-worker %s", request->verb);
        }
        if (ret)
                *ret = w;
        TAKE_PTR(w);
        return 0;
}

Worker *worker_cancel(Worker *w) {
        if (!w)
                return NULL;
        if (w->state == WORKER_QUEUED)
                return worker_free(w);
        w->state = WORKER_CANCELLED;
        w->output_source = sd_event_source_disable_unref(w->output_source);
        (void) pidfd_signal(w->pidfd, SIGKILL);
        return NULL;
}

static int wait_sync(Worker *w, const JsonType *result_type, void *ret_result, Error *reterr) {
        siginfo_t si = {};
        int r;

        for (;;) {
                r = read_output(w);
                if (r == 0)
                        break;
                if (r < 0 && r != -EINTR) {
                        distrust(w, r);
                        break;
                }
        }
        while (waitid(P_PID, w->pid, &si, WEXITED) < 0)
                if (errno != EINTR)
                        return error_set_errnof(reterr, ERROR_INTERNAL, -errno,
                                                "Failed to wait for dockerd-worker");

        r = judge_exit(w, &si);
        if (r < 0)
                return reterr ? error_copy(reterr, &w->error) : r;
        return result_type ? json_decode(result_type, worker_result(w), 0, ret_result, reterr) : 0;
}

int worker_run(WorkerPool *p, const WorkerRequest *request, const JsonType *result_type, void *ret_result,
               Error *reterr) {
        _cleanup_(worker_freep) Worker *w = NULL;
        int r;

        r = worker_new(request, &w);
        if (r >= 0) {
                w->state = WORKER_RUNNING;
                r = worker_spawn(w, p->program);
        }
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to start dockerd-worker %s",
                                        request->verb);
        return wait_sync(w, result_type, ret_result, reterr);
}

/* --- pool
 * ------------------------------------------------------------------------------------------------------- */

int worker_pool_new(sd_event *event, const char *program, WorkerPool **ret) {
        _cleanup_(worker_pool_freep) WorkerPool *p = NULL;

        assert(program);
        assert(ret);

        p = new(WorkerPool, 1);
        if (!p)
                return -ENOMEM;
        *p = (WorkerPool) { .event = sd_event_ref(event), .program = strdup(program) };
        if (!p->program)
                return -ENOMEM;
        *ret = TAKE_PTR(p);
        return 0;
}

WorkerPool *worker_pool_free(WorkerPool *p) {
        if (!p)
                return NULL;
        while (p->workers) {
                Worker *w = p->workers;

                if (w->state != WORKER_QUEUED)
                        kill_and_reap(w);
                worker_free(w);
        }
        sd_event_unref(p->event);
        free(p->program);
        return mfree(p);
}

int worker_find_program(const char *name, char **ret) {
        _cleanup_free_ char *directory = NULL, *candidate = NULL;
        char self[PATH_MAX];
        ssize_t n;
        int r;

        n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        if (n < 0)
                return -errno;
        self[n] = 0;
        r = path_parent(self, &directory);
        if (r < 0)
                return r;

        candidate = path_join(directory, name);
        if (!candidate)
                return -ENOMEM;
        if (access(candidate, X_OK) < 0) {
                free(candidate);
                candidate = path_join(LIBEXECDIR, name);
                if (!candidate)
                        return -ENOMEM;
                if (access(candidate, X_OK) < 0)
                        return -errno;
        }
        *ret = TAKE_PTR(candidate);
        return 0;
}
