/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/runtime-update.h"

#include <sys/mman.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/process-util.h"
#include "basic/strv.h"
#include "json/json-value.h"

#define LOG_MAX (64U * 1024U)
#define LOG_DEPTH_MAX 4U
/* The kernel may take its time to reclaim what is over a new memory limit. */
#define UPDATE_USEC (30 * USEC_PER_SEC)

struct OciUpdate {
        void (*done)(int r, const Error *error, void *userdata);
        void *userdata;
        sd_event_source *child, *timeout;
        int pidfd;
        int log_fd;
};

OciUpdate *oci_update_free(OciUpdate *u) {
        if (!u)
                return NULL;
        sd_event_source_disable_unref(u->child);
        sd_event_source_disable_unref(u->timeout);
        safe_close(u->pidfd);
        safe_close(u->log_fd);
        free(u);
        return NULL;
}

/* --- what it said --- */

static char *message_of(const char *line, size_t size) {
        _cleanup_(json_value_unrefp) JsonValue *v = NULL;
        const JsonValue *message;

        if (json_value_parse(line, size, LOG_DEPTH_MAX, &v, NULL) < 0 ||
            json_value_type(v) != JSON_VALUE_OBJECT)
                return NULL;
        message = json_value_get(v, "msg");
        return message && json_value_string(message) ? strdup(json_value_string(message)) : NULL;
}

int oci_log_message(const char *log, char **ret) {
        _cleanup_free_ char *last = NULL;

        for (const char *line = log; *line;) {
                size_t n = strcspn(line, "\n");
                char *message = message_of(line, n);

                if (message)
                        free_and_replace(last, message);
                line += n + (line[n] == '\n');
        }
        if (!last)
                last = strndup(log, strcspn(log, "\n"));
        if (!last)
                return -ENOMEM;
        *ret = TAKE_PTR(last);
        return 0;
}

static int set_error(const OciUpdate *u, int status, Error *reterr) {
        _cleanup_free_ char *log = new0(char, LOG_MAX + 1), *message = NULL;
        ssize_t n = log ? pread(u->log_fd, log, LOG_MAX, 0) : -1;

        if (n < 0 || oci_log_message(log, &message) < 0)
                return error_fill(reterr, -ENOMEM);
        if (isempty(message))
                return error_setf(reterr, ERROR_INTERNAL, "OCI runtime update failed: exit status %d",
                                  status);
        return error_setf(reterr, ERROR_INTERNAL, "OCI runtime update failed: %s", message);
}

static void finish(OciUpdate *u, int r, const Error *error) {
        void (*done)(int r, const Error *error, void *userdata) = u->done;
        void *userdata = u->userdata;

        oci_update_free(u);
        done(r, error, userdata);
}

static int on_child(sd_event_source *source, const siginfo_t *si, void *userdata) {
        OciUpdate *u = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;
        int status = status_from_siginfo(si);

        finish(u, status == 0 ? 0 : set_error(u, status, &e), &e);
        return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        OciUpdate *u = ASSERT_PTR(userdata);

        (void) pidfd_signal(u->pidfd, SIGKILL);         /* on_child() follows */
        return 0;
}

/* --- start --- */

static int memfd_with(const char *name, const char *text) {
        _cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC);

        if (fd < 0)
                return -errno;
        if (write(fd, text, strlen(text)) != (ssize_t) strlen(text) || lseek(fd, 0, SEEK_SET) < 0)
                return -EIO;
        return TAKE_FD(fd);
}

static int build_command(const ShimConfig *shim, char ***ret) {
        const char *const words[] = {
                "--root", shim->runtime_root, "--log", "/proc/self/fd/3", "--log-format", "json",
                "update", "--resources", "/proc/self/fd/0", shim->id,
        };
        _cleanup_strv_free_ char **argv = NULL;
        int r;

        r = strv_extend(&argv, shim->runtime);
        if (r >= 0)
                r = strv_extend_strv(&argv, shim->runtime_args);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(words); i++)
                r = strv_extend(&argv, words[i]);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(argv);
        return 0;
}

static int spawn(OciUpdate *u, const ShimConfig *shim, const char *resources) {
        _cleanup_close_ int input = memfd_with("oci-resources", resources);
        _cleanup_strv_free_ char **argv = NULL;
        pid_t pid;
        int r;

        u->log_fd = memfd_with("oci-log", "");
        if (input < 0 || u->log_fd < 0)
                return MIN(input, u->log_fd);
        r = build_command(shim, &argv);
        if (r < 0)
                return r;
        return process_spawn(&(SpawnRequest) {
                .path = shim->runtime,
                .argv = argv,
                .envp = process_plain_environment(),
                .fds = (const int[]) { input, -EBADF, -EBADF, u->log_fd },
                .n_fds = 4,
        }, &pid, &u->pidfd);
}

int oci_update_start(sd_event *event, const ShimConfig *shim, const char *resources,
                     void (*done)(int r, const Error *error, void *userdata), void *userdata,
                     OciUpdate **ret, Error *reterr) {
        _cleanup_(oci_update_freep) OciUpdate *u = new(OciUpdate, 1);
        int r;

        if (!u)
                return error_fill(reterr, -ENOMEM);
        *u = (OciUpdate) { .done = done, .userdata = userdata, .pidfd = -EBADF, .log_fd = -EBADF };
        r = spawn(u, shim, resources);
        if (r >= 0)
                r = sd_event_add_child_pidfd(event, &u->child, u->pidfd, WEXITED, on_child, u);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &u->timeout, CLOCK_MONOTONIC, UPDATE_USEC, 0,
                                               on_timeout, u);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot run OCI runtime %s",
                                        shim->runtime);
        *ret = TAKE_PTR(u);
        return 0;
}
