/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-top.h"

#include <ctype.h>
#include <sys/epoll.h>

#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/messages.h"
#include "basic/parse-util.h"
#include "basic/process-util.h"
#include "shared/cgroup-util.h"

#define PS_ARGS_DEFAULT "-ef"
#define PS_OUTPUT_MAX (8U * 1024U * 1024U)
#define PIDS_MAX (1024U * 1024U)

typedef struct Top {
        Container *container;
        ContainerTopDone done;
        void *userdata;
        char **pids;            /* of the container, as text */
        int fd;                 /* ps's output */
        pid_t ps;
        Buffer output;
        sd_event_source *io;
} Top;

static void top_free(Top *t) {
        sd_event_source_disable_unref(t->io);
        safe_close(t->fd);
        strv_free(t->pids);
        buffer_done(&t->output);
        container_unref(t->container);
        free(t);
}

/* The pid column of a title line, or -1. */
static int find_pid_column(char *const *titles) {
        int i = 0;

        STRV_FOREACH(s, titles) {
                if (streq(*s, "PID"))
                        return i;
                i++;
        }
        return -1;
}

/* Splits into at most n fields; the last one keeps its blanks. */
static int split_fields(const char *line, size_t n, char ***ret) {
        _cleanup_strv_free_ char **l = strv_new_empty();

        while (l && strv_length(l) < n) {
                size_t k;

                line += strspn(line, " \t");
                if (!*line)
                        break;
                k = strv_length(l) + 1 == n ? strlen(line) : strcspn(line, " \t");
                if (strv_consume(&l, memdup_suffix0(line, k)) < 0)
                        return -ENOMEM;
                line += k;
        }
        if (!l)
                return -ENOMEM;
        *ret = TAKE_PTR(l);
        return 0;
}

static int add_process(const Top *t, const char *line, int column, ContainerTopReply *ret) {
        _cleanup_strv_free_ char **fields = NULL;
        char ***items;
        int r;

        r = split_fields(line, strv_length(ret->titles), &fields);
        if (r < 0)
                return r;
        if (strv_length(fields) <= (size_t) column || !strv_contains(t->pids, fields[column]))
                return 0;
        items = reallocarray(ret->processes.items, ret->processes.n_items + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        ret->processes.items = items;
        items[ret->processes.n_items++] = TAKE_PTR(fields);
        return 0;
}

static int parse_output(const Top *t, ContainerTopReply *ret, Error *reterr) {
        _cleanup_strv_free_ char **lines = NULL;
        int column, r;

        r = strv_split(strempty(t->output.data), "\n", &lines);
        if (r >= 0)
                r = strv_isempty(lines) ? -ENODATA : split_fields(lines[0], SIZE_MAX, &ret->titles);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot read the output of ps");
        column = find_pid_column(ret->titles);
        if (column < 0)
                return error_setf(reterr, ERROR_INVALID, "Couldn't find PID field in ps output");
        for (char **l = lines + 1; *l && r >= 0; l++)
                r = add_process(t, *l, column, ret);
        return r < 0 ? error_fill(reterr, r) : 0;
}

static void top_finish(Top *t) {
        ContainerTopReply reply = {};
        _cleanup_error_ Error e = ERROR_NULL;
        int status = 0, r;

        (void) process_wait(t->ps, &status);
        if (status != 0)
                r = error_setf(&e, ERROR_INVALID, "ps: %.*s", (int) strcspn(strempty(t->output.data), "\n"),
                               strempty(t->output.data));
        else
                r = parse_output(t, &reply, &e);
        if (r >= 0 && t->container->manager)
                container_event(t->container, "top", MESSAGE_CONTAINER_TOP_STR, NULL);
        t->done(r, &e, &reply, t->userdata);
        json_done(&ContainerTopReply_json, &reply);
        top_free(t);
}

static int on_output(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        Top *t = ASSERT_PTR(userdata);
        char piece[16384];
        ssize_t k = read(fd, piece, sizeof(piece));

        if (k < 0 && errno_is_transient(-errno))
                return 0;
        if (k <= 0 || t->output.size + (size_t) k > PS_OUTPUT_MAX ||
            buffer_append(&t->output, piece, (size_t) k) < 0)
                top_finish(t);
        return 0;
}

/* Only options of ps: words of the request never reach a shell. */
static int spawn_ps(Top *t, const char *ps_args, Error *reterr) {
        _cleanup_close_pair_ int pair[2] = EBADF_PAIR;
        _cleanup_strv_free_ char **argv = NULL, **words = NULL;
        int fds[3], r;

        if (strv_split(isempty(ps_args) ? PS_ARGS_DEFAULT : ps_args, " \t", &words) < 0 ||
            strv_extend(&argv, "ps") < 0 || strv_extend_strv(&argv, words) < 0)
                return error_fill(reterr, -ENOMEM);
        if (pipe2(pair, O_CLOEXEC) < 0)
                return error_fill(reterr, -errno);
        fds[0] = -EBADF;
        fds[1] = pair[1];
        fds[2] = pair[1];               /* its words where it fails */
        r = process_spawn(&(SpawnRequest){ .path = "ps",
                                           .argv = argv,
                                           .fds = fds,
                                           .n_fds = 3,
                                           .death_signal = SIGKILL },
                          &t->ps, NULL);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot run ps on the host");
        t->fd = TAKE_FD(pair[0]);
        (void) fd_nonblock(t->fd, true);
        r = sd_event_add_io(t->container->manager->config.event, &t->io, t->fd, EPOLLIN, on_output, t);
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* All processes of the container's control group, its first process at least. */
static int container_pids(Container *c, char ***ret, Error *reterr) {
        _cleanup_strv_free_ char **l = NULL;
        int r;

        r = cgroup_pids_of((pid_t) c->doc.pid, &l);
        if (r < 0 || strv_isempty(l)) {
                l = strv_free(l);
                r = strv_extendf(&l, "%lld", (long long) c->doc.pid);
        }
        if (r < 0)
                return error_fill(reterr, r);
        *ret = TAKE_PTR(l);
        return 0;
}

int container_top(Container *c, const char *ps_args, ContainerTopDone done, void *userdata, Error *reterr) {
        Top *t;
        int r;

        if (!container_is_running(c))
                return error_setf(reterr, ERROR_CONFLICT, "container %s is not running", c->doc.id);
        t = new(Top, 1);
        if (!t)
                return error_fill(reterr, -ENOMEM);
        *t = (Top) { .container = container_ref(c), .done = done, .userdata = userdata, .fd = -EBADF };
        r = container_pids(c, &t->pids, reterr);
        if (r >= 0)
                r = spawn_ps(t, ps_args, reterr);
        if (r < 0)
                top_free(t);
        return r;
}
