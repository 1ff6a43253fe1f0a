/* SPDX-License-Identifier: Apache-2.0 */
/* Supervisor, shim, client and OCI document together, with a real runtime: what the daemon does for a
 * container. Skipped where that cannot be. */
#include "runtime/shim-client.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "basic/fileio.h"
#include "basic/path-util.h"
#include "basic/process-util.h"
#include "basic/tests.h"
#include "runtime/runtime-oci.h"
#include "runtime/shim-config.h"
#include "runtime/spec.h"
#include "runtime/supervisor.h"

typedef struct Fixture {
        sd_event *event;
        sd_bus *bus;
        Supervisor *supervisor;
        ShimClient *client;
        OciRuntimes runtimes;
        char directory[64];
        char *run_dir, *root;
        char id[64];
        bool hello, started, failed, exited, lost, gone, root_fd, done;
        ShimState state;
        ExitRecord exit;
        char *text;
        pid_t pid;
} Fixture;

static const char *shim_path;
static SupervisorKind kind;             /* DOCKERD_TEST_SUPERVISOR=systemd on a host that has it */
static const char *cgroup_parent = "shim-test";

static void on_hello(ShimClient *c, ShimState state, pid_t pid, const ExitRecord *exit, void *userdata) {
        Fixture *f = userdata;

        f->hello = true;
        f->state = state;
        f->pid = pid;
}

static void on_started(ShimClient *c, pid_t pid, uint64_t time_nsec, void *userdata) {
        Fixture *f = userdata;

        f->started = true;
        f->pid = pid;
}

static void on_start_failed(ShimClient *c, const char *text, void *userdata) {
        Fixture *f = userdata;

        f->failed = true;
        ASSERT_OK(free_and_strdup(&f->text, text));
}

static void on_exited(ShimClient *c, const ExitRecord *exit, void *userdata) {
        Fixture *f = userdata;

        f->exited = true;
        f->exit = *exit;
}

static void on_root_fd(ShimClient *c, uint32_t id, int r, int fd, void *userdata) {
        Fixture *f = userdata;

        ASSERT_OK(r);
        ASSERT_OK(faccessat(fd, "bin/busybox", X_OK, 0));
        safe_close(fd);
        f->root_fd = true;
}

/* Frees the client from inside its own callback, which must be legal. */
static void on_lost(ShimClient *c, void *userdata) {
        Fixture *f = userdata;

        f->lost = true;
        f->client = shim_client_free(c);
}

static const ShimClientOps ops = {
        .hello = on_hello,
        .started = on_started,
        .start_failed = on_start_failed,
        .exited = on_exited,
        .root_fd = on_root_fd,
        .lost = on_lost,
};

static void on_done(Supervisor *s, const char *id, const Error *error, void *userdata) {
        Fixture *f = userdata;

        ASSERT_NULL(error);
        ASSERT_STREQ(id, f->id);
        f->done = true;
}

static void on_gone(Supervisor *s, const char *id, void *userdata) {
        ((Fixture *) userdata)->gone = true;
}

#define WAIT_FOR(f, condition)                                                          \
        ({                                                                              \
                for (unsigned _i = 0; !(condition); _i++) {                             \
                        if (_i > 2000)                                                  \
                                test_fail("did not happen: %s", #condition);            \
                        ASSERT_OK(sd_event_run((f)->event, 10 * 1000));                 \
                }                                                                       \
        })

static void copy_file(const char *from, const char *to) {
        _cleanup_free_ char *data = NULL;
        size_t n;

        ASSERT_OK(read_file_at(AT_FDCWD, from, 64U * 1024U * 1024U, &data, &n));
        ASSERT_OK(write_file_atomic_at(AT_FDCWD, to, data, n, 0755, 0));
}

static void make_root(Fixture *f) {
        static const char *const dirs[] = {
                "", "/rootfs", "/rootfs/bin", "/rootfs/proc", "/rootfs/dev", "/rootfs/sys"
        };
        _cleanup_free_ char *busybox = NULL, *target = NULL;

        FOREACH_ELEMENT(d, dirs) {
                _cleanup_free_ char *path = strjoin(f->run_dir, *d);

                ASSERT_OK(mkdir_p(path, 0755));
        }
        ASSERT_OK(find_executable("busybox", &busybox));
        target = strjoin(f->run_dir, "/rootfs/bin/busybox");
        copy_file(busybox, target);
}

static void fixture_new(Fixture *f, const char *name) {
        _cleanup_error_ Error error = ERROR_NULL;
        sigset_t set;

        *f = (Fixture) { .directory = "/tmp/test-shim-XXXXXX" };
        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        ASSERT_OK(sigprocmask(SIG_BLOCK, &set, NULL));
        ASSERT_NOT_NULL(mkdtemp(f->directory));
        snprintf(f->id, sizeof(f->id), "testshim%d%s", getpid(), name);
        ASSERT_OK(asprintf_safe(&f->run_dir, "%s/run", f->directory));
        ASSERT_OK(asprintf_safe(&f->root, "%s/runtime", f->directory));
        ASSERT_OK(sd_event_new(&f->event));
        if (kind == SUPERVISOR_SYSTEMD) {
                ASSERT_OK(sd_bus_open_system(&f->bus));
                ASSERT_OK(sd_bus_attach_event(f->bus, f->event, SD_EVENT_PRIORITY_NORMAL));
        }
        ASSERT_OK(oci_runtimes_init(&f->runtimes, f->event, NULL, 0, NULL, &error));
        ASSERT_OK(supervisor_new(kind, f->event, f->bus, shim_path, on_gone, f, &f->supervisor,
                                 &error));
        make_root(f);
}

static void fixture_done(Fixture *f) {
        shim_client_free(f->client);
        ASSERT_OK(supervisor_cleanup(f->supervisor, f->id, cgroup_parent));
        supervisor_free(f->supervisor);
        sd_bus_flush_close_unref(f->bus);
        oci_runtimes_done(&f->runtimes);
        sd_event_unref(f->event);
        ASSERT_OK(rm_rf_at(AT_FDCWD, f->directory));
        free(f->run_dir);
        free(f->root);
        free(f->text);
}

static void launch(Fixture *f, char **args) {
        _cleanup_free_ char *cgroup = NULL, *log = NULL;
        _cleanup_error_ Error error = ERROR_NULL;
        const OciRuntime *rt;
        int r;

        ASSERT_OK(oci_runtimes_find(&f->runtimes, NULL, &rt, &error));
        ASSERT_OK(supervisor_cgroup_path(f->supervisor, f->id, cgroup_parent, &cgroup));
        ASSERT_OK(asprintf_safe(&log, "%s/log", f->directory));
        ShimConfig config = {
                .id = f->id,
                .runtime = rt->path,
                .runtime_args = rt->args,
                .runtime_root = f->root,
                .cgroup_path = cgroup,
                .stop_timeout = 10,
                .log_driver = (char *) "json-file",
                .log_path = log,
        };
        ASSERT_OK(shim_config_save(&config, f->run_dir, &error));

        SpecInput in = {
                .id = f->id, .args = args, .rootfs = "rootfs", .hostname = "h", .cgroup_path = cgroup,
        };
        r = spec_write(&in, f->run_dir, &error);
        if (r < 0)
                test_fail("%s", error_message(&error));

        SupervisorLaunch l = { .id = f->id,
                               .run_dir = f->run_dir,
                               .cgroup_parent = cgroup_parent,
                               .stop_timeout = 10,
                               .name = "test" };
        ASSERT_OK(supervisor_start(f->supervisor, &l, on_done, f, &error));
        /* The direct supervisor's shims can be connected to at once. */
        if (kind == SUPERVISOR_SYSTEMD)
                WAIT_FOR(f, f->done);
        ASSERT_OK(shim_client_connect(f->event, f->run_dir, &ops, f, &f->client));
        WAIT_FOR(f, f->done && f->hello);
        ASSERT_EQ(f->state, SHIM_STATE_CREATED);
        ASSERT_OK(shim_client_start(f->client, -EBADF));
}

static char *const true_args[] = { (char *) "/bin/busybox", (char *) "true", NULL };
static char *const sleep_args[] = { (char *) "/bin/busybox", (char *) "sleep", (char *) "100", NULL };
static char *const bad_args[] = { (char *) "/nosuch", NULL };

TEST(run_to_the_end) {
        Fixture f;

        fixture_new(&f, "a");
        launch(&f, (char **) true_args);
        WAIT_FOR(&f, f.exited && f.lost && f.gone);
        ASSERT_EQ(f.exit.code, 0);
        ASSERT_TRUE(f.started);
        fixture_done(&f);
}

/* Again while the older shim is still at its last moments: nothing of it is in the way. */
TEST(run_twice) {
        Fixture f;

        fixture_new(&f, "e");
        for (unsigned i = 0; i < 3; i++) {
                launch(&f, (char **) true_args);
                WAIT_FOR(&f, f.exited && f.lost);
                f.client = shim_client_free(f.client);
                WAIT_FOR(&f, f.gone);
                if (i == 1)
                        ASSERT_OK(supervisor_cleanup(f.supervisor, f.id, cgroup_parent));
                f.exited = f.lost = f.done = f.hello = f.gone = false;
        }
        fixture_done(&f);
}

TEST(failed_start) {
        Fixture f;

        fixture_new(&f, "b");
        launch(&f, (char **) bad_args);
        WAIT_FOR(&f, f.failed && f.lost && f.gone);
        ASSERT_NOT_NULL(strstr(f.text, "no such file or directory"));
        ASSERT_FALSE(f.exited);
        fixture_done(&f);
}

/* The daemon is started anew: other supervisor, other connection, same shim. */
TEST(found_again) {
        _cleanup_error_ Error error = ERROR_NULL;
        uint32_t id;
        Fixture f;

        fixture_new(&f, "c");
        launch(&f, (char **) sleep_args);
        WAIT_FOR(&f, f.started);
        f.client = shim_client_free(f.client);
        f.supervisor = supervisor_free(f.supervisor);
        f.done = f.hello = false;

        ASSERT_OK(supervisor_new(kind, f.event, f.bus, shim_path, on_gone, &f, &f.supervisor,
                                 &error));
        if (kind == SUPERVISOR_DIRECT)
                ASSERT_EQ(supervisor_find_running(f.supervisor, "nosuch", "/nosuch", on_done, &f, &error),
                          -ENOENT);
        ASSERT_OK(supervisor_find_running(f.supervisor, f.id, f.run_dir, on_done, &f, NULL));
        ASSERT_OK(shim_client_connect(f.event, f.run_dir, &ops, &f, &f.client));
        WAIT_FOR(&f, f.done && f.hello);
        ASSERT_EQ(f.state, SHIM_STATE_RUNNING);
        ASSERT_OK(shim_client_root_fd(f.client, &id));
        WAIT_FOR(&f, f.root_fd);
        ASSERT_OK(shim_client_signal(f.client, SIGKILL, false));
        WAIT_FOR(&f, f.exited && f.lost && f.gone);
        ASSERT_EQ(f.exit.code, 137);
        fixture_done(&f);
}

/* A killed shim leaves no exit record, and nothing of the container after the clean-up. */
TEST(killed_shim) {
        _cleanup_close_ int dir = -EBADF;
        _cleanup_free_ char *text = NULL, *path = NULL;
        ExitRecord record;
        Fixture f;
        int pid;

        fixture_new(&f, "d");
        launch(&f, (char **) sleep_args);
        WAIT_FOR(&f, f.started);
        path = strjoin(f.run_dir, "/", SHIM_SHIM_PID_NAME);
        ASSERT_OK(read_file_at(AT_FDCWD, path, 100, &text, NULL));
        ASSERT_EQ(sscanf(text, "%d", &pid), 1);
        ASSERT_OK(kill(pid, SIGKILL));
        WAIT_FOR(&f, f.lost && f.gone);
        dir = ASSERT_OK(open(f.run_dir, O_RDONLY|O_DIRECTORY|O_CLOEXEC));
        ASSERT_EQ(exit_record_read(dir, &record), -ENOENT);

        ASSERT_OK(oci_runtime_delete(f.event, f.runtimes.default_runtime->path,
                                     f.runtimes.default_runtime->args, f.root, f.id));
        for (unsigned i = 0; i < 300 && kill(f.pid, 0) >= 0; i++) {
                ASSERT_OK(sd_event_run(f.event, 10 * 1000));
                /* The container is an orphan of ours here. */
                (void) waitpid(f.pid, NULL, WNOHANG);
        }
        ASSERT_TRUE(kill(f.pid, 0) < 0);
        fixture_done(&f);
}

int main(int argc, char *argv[]) {
        _cleanup_free_ char *busybox = NULL;
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(oci_runtimes_donep) OciRuntimes l = {};

        ASSERT_OK(sd_event_new(&event));
        shim_path = getenv("DOCKERD_SHIM");
        kind = supervisor_kind_from_string(getenv("DOCKERD_TEST_SUPERVISOR") ?: "direct");
        if (kind == SUPERVISOR_SYSTEMD)
                cgroup_parent = NULL;
        if (geteuid() != 0 || !shim_path || access(shim_path, X_OK) < 0 ||
            find_executable("busybox", &busybox) < 0 ||
            oci_runtimes_init(&l, event, NULL, 0, NULL, NULL) < 0 || !oci_runtimes_default(&l)) {
                fprintf(stderr, "skipped: needs root, busybox, an OCI runtime and DOCKERD_SHIM\n");
                return TEST_SKIP;
        }
        (void) prctl(PR_SET_CHILD_SUBREAPER, 1);
        return test_run_all(argc, argv);
}
