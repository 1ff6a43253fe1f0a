/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/runtime-probe.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/process-util.h"
#include "basic/string-util.h"

/* More does not fit a pipe, and nobody reads before the end. */
#define OUTPUT_MAX (64U * 1024U)

typedef enum Question {
        QUESTION_VERSION,
        QUESTION_FEATURES,      /* older ones do not have the verb */
        _QUESTION_MAX,
} Question;

static const char *const question_arguments[_QUESTION_MAX] = {
        [QUESTION_VERSION]  = "--version",
        [QUESTION_FEATURES] = "features",
};

typedef struct Asked {
        RuntimeProbe *probe;
        pid_t pid;
        int pidfd;              /* negative: it has ended */
        int output_fd;
        sd_event_source *source;
        int result;             /* negative errno */
        char *text;
} Asked;

struct RuntimeProbe {
        Asked asked[_QUESTION_MAX];
        RuntimeProbeDone done;
        void *userdata;
};

bool runtime_probe_is_done(const RuntimeProbe *p) {
        FOREACH_ELEMENT(a, p->asked)
                if (a->pidfd >= 0)
                        return false;
        return true;
}

/* The process has ended, or is about to. */
static void collect(Asked *a) {
        int status;

        a->source = sd_event_source_disable_unref(a->source);
        a->result = process_wait(a->pid, &status);
        if (a->result >= 0 && status != 0)
                a->result = -EPROTO;
        if (a->result >= 0)
                a->result = read_to_end(a->output_fd, OUTPUT_MAX, &a->text, NULL);
        a->output_fd = safe_close(a->output_fd);
        a->pidfd = safe_close(a->pidfd);
}

static int on_ended(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Asked *a = ASSERT_PTR(userdata);

        collect(a);
        if (runtime_probe_is_done(a->probe))
                a->probe->done(a->probe->userdata);
        return 0;
}

static int spawn(Asked *a, const char *path, const char *argument) {
        char *argv[] = { (char *) path, (char *) argument, NULL };
        _cleanup_close_pair_ int p[2] = EBADF_PAIR;
        int r;

        if (pipe2(p, O_CLOEXEC) < 0)
                return -errno;
        r = fd_nonblock(p[0], true);
        if (r < 0)
                return r;
        r = process_spawn(&(SpawnRequest) {
                .path = path,
                .argv = argv,
                .envp = process_plain_environment(),
                .fds = (const int[]) { -EBADF, p[1], -EBADF },
                .n_fds = 3,
                .death_signal = SIGKILL,
        }, &a->pid, &a->pidfd);
        if (r < 0)
                return r;
        a->output_fd = TAKE_FD(p[0]);
        return 0;
}

int runtime_probe_new(sd_event *event, const char *path, RuntimeProbeDone done, void *userdata,
                      RuntimeProbe **ret) {
        _cleanup_(runtime_probe_freep) RuntimeProbe *p = new(RuntimeProbe, 1);
        int r;

        if (!p)
                return -ENOMEM;
        *p = (RuntimeProbe) { .done = done, .userdata = userdata };
        FOREACH_ELEMENT(a, p->asked)
                *a = (Asked) { .probe = p, .pidfd = -EBADF, .output_fd = -EBADF };
        for (size_t i = 0; i < _QUESTION_MAX; i++) {
                Asked *a = p->asked + i;

                r = spawn(a, path, question_arguments[i]);
                if (r >= 0)
                        r = sd_event_add_io(event, &a->source, a->pidfd, EPOLLIN, on_ended, a);
                if (r < 0)
                        return r;
                (void) sd_event_source_set_description(a->source, "runtime-probe");
        }
        *ret = TAKE_PTR(p);
        return 0;
}

static void wait_for(Asked *a, usec_t deadline) {
        while (a->pidfd >= 0) {
                usec_t now = now_usec(CLOCK_MONOTONIC);
                int timeout = now < deadline ? (int) ((deadline - now) / USEC_PER_MSEC) + 1 : 0;
                int n = poll(&(struct pollfd) { .fd = a->pidfd, .events = POLLIN }, 1, timeout);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        (void) pidfd_signal(a->pidfd, SIGKILL);
                collect(a);
        }
}

void runtime_probe_wait(RuntimeProbe *p, usec_t deadline) {
        FOREACH_ELEMENT(a, p->asked)
                wait_for(a, deadline);
}

RuntimeProbe *runtime_probe_free(RuntimeProbe *p) {
        if (!p)
                return NULL;
        runtime_probe_wait(p, 0);
        FOREACH_ELEMENT(a, p->asked)
                free(a->text);
        free(p);
        return NULL;
}

static int take(Asked *a, char **ret) {
        if (a->result < 0)
                return a->result;
        *ret = TAKE_PTR(a->text);
        return 0;
}

int runtime_probe_take_version(RuntimeProbe *p, char **ret) {
        return take(p->asked + QUESTION_VERSION, ret);
}

int runtime_probe_take_features(RuntimeProbe *p, char **ret) {
        return take(p->asked + QUESTION_FEATURES, ret);
}
