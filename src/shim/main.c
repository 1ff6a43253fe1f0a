/* SPDX-License-Identifier: Apache-2.0 */
/* dockerd-shim RUN-DIRECTORY: the main process of a container's unit. Sets the shim up, tells systemd, runs
 * the loop. */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/id.h"
#include "basic/log.h"
#include "basic/process-util.h"
#include "shared/cgroup-util.h"
#include "shim/shim.h"

/* A shim nobody talks to: its daemon died between starting it and connecting. */
#define IDLE_USEC (60 * USEC_PER_SEC)

/* systemd's variables are ours alone; the OCI runtime would act on some of them. */
static void clear_environment(void) {
        static const char *const names[] = {
                "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC",
                "WATCHDOG_PID", "INVOCATION_ID", "JOURNAL_STREAM", "MAINPID", "MANAGERPID",
        };

        FOREACH_ELEMENT(n, names)
                (void) unsetenv(*n);
}

static int notify_ready(void) {
        static const char text[] = "READY=1";
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = getenv("NOTIFY_SOCKET");
        _cleanup_close_ int fd = -EBADF;
        socklen_t size;
        size_t n;

        if (!path)
                return 0;
        n = strlen(path);
        if (n < 2 || n >= sizeof(address.sun_path))
                return -EINVAL;
        memcpy(address.sun_path, path, n);
        size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n + 1);
        if (path[0] == '@') {
                address.sun_path[0] = 0;
                size--;                         /* an abstract name has no terminator */
        }

        fd = socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *) &address, size) < 0)
                return -errno;
        return 0;
}

static void on_signal(LoopSource *source, uint32_t revents) {
        Shim *s = source->userdata;
        struct signalfd_siginfo si;
        int status;
        pid_t pid;

        while (read(s->signal_fd, &si, sizeof(si)) == sizeof(si)) {
                if (si.ssi_signo != SIGCHLD) {
                        shim_stop(s);
                        continue;
                }
                while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                        shim_child_ended(s, pid, status);
        }
}

static int setup_signals(Shim *s) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        (void) signal(SIGPIPE, SIG_IGN);
        (void) signal(SIGHUP, SIG_IGN);

        s->signal_fd = signalfd(-1, &set, SFD_NONBLOCK|SFD_CLOEXEC);
        if (s->signal_fd < 0)
                return -errno;
        s->signal_source = (LoopSource) { .fd = -EBADF, .callback = on_signal, .userdata = s };
        return loop_add(&s->loop, &s->signal_source, s->signal_fd, EPOLLIN);
}

static void on_idle(LoopTimer *t) {
        Shim *s = t->userdata;

        if (s->state == SHIM_STATE_CREATED)
                s->loop.quit = true;
}

static void setup_timers(Shim *s) {
        LoopTimer *const timers[] = {
                &s->idle_timer, &s->stop_timer, &s->drain_timer, &s->linger_timer, &s->freeze_timer,
                &s->start_timer, &s->program_timer,
        };

        FOREACH_ELEMENT(t, timers) {
                (*t)->userdata = s;
                loop_timer_add(&s->loop, *t);
        }
        s->idle_timer.callback = on_idle;
        loop_timer_arm(&s->idle_timer, IDLE_USEC);
}

static int open_log(Shim *s, Error *reterr) {
        const LogDriver *d;
        int r;

        if (isempty(s->config.log_driver))
                return 0;
        r = log_driver_find(s->config.log_driver, &d, reterr);
        if (r < 0)
                return r;
        r = d->writer_open(strempty(s->config.log_path), s->config.log_options, &s->log, reterr);
        if (r < 0) {
                /* A full or broken disk is no reason not to run: output still goes to attached clients. */
                log_error_errno(r, "Failed to open the container's log, output is not logged: %s",
                                error_message(reterr));
                error_done(reterr);
        }
        return 0;
}

static int setup_process(Shim *s) {
        int r;

        (void) umask(0022);
        if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
                return log_error_errno(-errno, "Failed to become a subreaper: %m");
        (void) prctl(PR_SET_NAME, "dockerd-shim");
        /* The shim lives long and idles most of it: memory goes back early. */
        (void) mallopt(M_TRIM_THRESHOLD, 64 * 1024);
        (void) mallopt(M_MMAP_THRESHOLD, 64 * 1024);

        r = setup_signals(s);
        if (r < 0)
                return log_error_errno(r, "Failed to set up signals: %m");
        if (s->config.delegated) {
                r = cgroup_enter_child("supervisor");
                if (r < 0)
                        log_warning_errno(r, "Failed to enter the supervisor cgroup: %m");
        }
        return 0;
}

static int enter_run_dir(Shim *s, const char *run_dir) {
        if (run_dir[0] != '/')
                return log_error_errno(-EINVAL, "The run directory is not absolute: %s", run_dir);
        if (chdir(run_dir) < 0)
                return log_error_errno(-errno, "Failed to enter %s: %m", run_dir);
        s->run_dir = strdup(run_dir);
        if (!s->run_dir)
                return log_oom();
        s->run_dir_fd = open(".", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
        if (s->run_dir_fd < 0)
                return log_error_errno(-errno, "Failed to open %s: %m", run_dir);
        return 0;
}

/* How a daemon finds this process again that has not started it. */
static int write_own_pid(Shim *s) {
        char text[64];
        uint64_t start;
        int r;

        r = process_start_time(getpid(), &start);
        if (r < 0)
                return r;
        snprintf(text, sizeof(text), "%d %llu\n", getpid(), (unsigned long long) start);
        return write_file_atomic_at(s->run_dir_fd, SHIM_SHIM_PID_NAME, text, strlen(text), 0600, 0);
}

/* "systemctl restart" of the unit: the container was stopped, and nobody would ask this shim for a start. */
static int refuse_restart(Shim *s) {
        ExitRecord record;

        if (exit_record_read(s->run_dir_fd, &record) < 0 || !record.stopped)
                return 0;
        log_error("The container was stopped with its unit. It is restarted by the engine (docker restart), not by its unit");
        return -ECANCELED;
}

/* The journal shows these lines beside the daemon's of the same container. */
static void name_log(const Shim *s) {
        static char id[sizeof("CONTAINER_ID=") + ID_LENGTH];
        static const char *const fields[] = { id, NULL };

        snprintf(id, sizeof(id), "CONTAINER_ID=%s", s->config.id);
        log_set_fields(fields);
}

static int setup(Shim *s, const char *run_dir) {
        _cleanup_error_ Error error = ERROR_NULL;
        int r;

        r = enter_run_dir(s, run_dir);
        if (r < 0)
                return r;
        r = shim_config_load(s->run_dir_fd, &s->config, &error);
        if (r < 0)
                return log_error_errno(r, "%s", error_message(&error));
        name_log(s);
        r = refuse_restart(s);
        if (r < 0)
                return r;
        r = loop_init(&s->loop);
        if (r < 0)
                return log_error_errno(r, "Failed to make the event loop: %m");
        r = setup_process(s);
        if (r < 0)
                return r;
        r = write_own_pid(s);
        if (r < 0)
                return log_error_errno(r, "Failed to write %s: %m", SHIM_SHIM_PID_NAME);
        setup_timers(s);
        shim_stdio_init(s);
        r = open_log(s, &error);
        if (r < 0)
                return log_error_errno(r, "%s", error_message(&error));
        return shim_control_open(s);
}

int main(int argc, char *argv[]) {
        /* Static: it lives as long as the process. */
        static Shim shim = {
                .run_dir_fd = -EBADF,
                .control_fd = -EBADF,
                .signal_fd = -EBADF,
                .runtime_stderr_fd = -EBADF,
                .console_listen_fd = -EBADF,
                .container_pidfd = -EBADF,
                .oom_inotify_fd = -EBADF,
                .stdin_fd = -EBADF,
                .tty_fd = -EBADF,
        };
        int r;

        if (argc != 2) {
                fprintf(stderr, "Usage: %s RUN-DIRECTORY\n", program_invocation_short_name);
                return EXIT_FAILURE;
        }
        log_set_target(LOG_TARGET_AUTO);
        if (setup(&shim, argv[1]) < 0)
                return EXIT_FAILURE;
        r = notify_ready();
        if (r < 0)
                log_warning_errno(r, "Failed to notify the service manager: %m");
        clear_environment();

        r = loop_run(&shim.loop);
        if (r < 0) {
                log_error_errno(r, "Failed to run the event loop: %m");
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
