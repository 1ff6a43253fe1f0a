/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: daemons connect to it, one after another as they are restarted, say what to do and
 * hear what happens. Losing all of them never disturbs a running container. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/log.h"
#include "basic/parse-util.h"
#include "shim/shim.h"

#define CONTROL_NEW_NAME SHIM_CONTROL_NAME ".new"

/* Commands get the message's fd borrowed. */
typedef int (*Command)(Shim *s, Connection *c, const ShimMessage *m, int fd);

static void connection_close(Connection *c) {
        Shim *s = c->shim;

        shim_freeze_connection_lost(s, c);
        loop_remove(&s->loop, &c->source);
        LIST_REMOVE(connections, s->connections, c);
        s->n_connections--;
        safe_close(c->fd);
        for (size_t i = 0; i < c->n_queue; i++)
                free(c->queue[i]);
        free(c);

        /* The daemon died before it said what to do: the next one begins anew, with another shim. */
        if (s->n_connections == 0 && s->state == SHIM_STATE_CREATED)
                s->loop.quit = true;
}

static int connection_enqueue(Connection *c, const ShimMessage *m) {
        int r;

        if (c->n_queue == SHIM_EVENTS_MAX)
                return -ENOBUFS;
        r = shim_message_encode(m, &c->queue[c->n_queue], &c->queue_size[c->n_queue]);
        if (r < 0)
                return r;
        c->n_queue++;
        return loop_set_events(&c->shim->loop, &c->source, EPOLLIN|EPOLLOUT);
}

/* Keeps the order: behind a message that waits, everything waits. fds are not queued. */
int shim_reply(Connection *c, const ShimMessage *m, int fd) {
        int r;

        if (c->n_queue > 0)
                return connection_enqueue(c, m);
        r = shim_message_send(c->fd, m, fd);
        if (r == -EAGAIN)
                return connection_enqueue(c, m);
        return r;
}

static int connection_flush(Connection *c) {
        size_t n = 0;
        int r = 0;

        while (n < c->n_queue) {
                r = send_with_fds(c->fd, c->queue[n], c->queue_size[n], NULL, 0);
                if (r < 0)
                        break;
                free(c->queue[n++]);
        }
        c->n_queue -= n;
        memmove(c->queue, c->queue + n, c->n_queue * sizeof(c->queue[0]));
        memmove(c->queue_size, c->queue_size + n, c->n_queue * sizeof(c->queue_size[0]));
        if (c->n_queue == 0)
                return loop_set_events(&c->shim->loop, &c->source, EPOLLIN);
        return r == -EAGAIN ? 0 : r;
}

void shim_event(Shim *s, const ShimMessage *m) {
        LIST_FOREACH(connections, c, s->connections)
                if (shim_reply(c, m, -EBADF) < 0)
                        connection_close(c);
}

bool shim_control_flushed(const Shim *s) {
        LIST_FOREACH(connections, c, s->connections)
                if (c->n_queue > 0)
                        return false;
        return true;
}

/* --- commands --- */

static int command_hello(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        bool exited = s->state == SHIM_STATE_EXITED;

        return shim_reply(c, &(ShimMessage) {
                .type = SHIM_HELLO,
                .version = MIN(m->version, SHIM_PROTOCOL_VERSION),
                .value1 = s->state,
                .pid = s->container_pid,
                .value2 = exited ? s->exit.code : 0,
                .flags = exited ? shim_exit_flags(s) : shim_is_paused(s) ? SHIM_RUN_PAUSED : 0,
                .time_nsec = exited ? s->exit.time_nsec : s->started_nsec,
        }, -EBADF);
}

static int command_start(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        int r;

        if (s->state != SHIM_STATE_CREATED)
                return 0;

        r = shim_start(s, fd);
        if (r < 0)
                shim_start_failed_errno(s, r);
        return 0;
}

static int attach_refused(Connection *c, uint32_t id, ShimAttachEnd reason) {
        return shim_reply(c, &(ShimMessage) {
                .type = SHIM_ATTACH_ENDED, .id = id, .value1 = (int) reason }, -EBADF);
}

static int command_attach(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        int copy, r;

        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
                return attach_refused(c, m->id, SHIM_ATTACH_END_ERROR);
        r = shim_attach(s, m, copy);
        if (r < 0) {
                (void) shutdown(copy, SHUT_RDWR);
                safe_close(copy);
                return attach_refused(c, m->id,
                                      r == -ESHUTDOWN ? SHIM_ATTACH_END_EXITED : SHIM_ATTACH_END_ERROR);
        }
        return 0;
}

static int command_resize(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        (void) shim_resize(s, (unsigned) m->value1, (unsigned) m->value2);
        return 0;
}

static int command_signal(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        if (s->state == SHIM_STATE_STARTING && m->value1 == SIGKILL)
                shim_give_up(s, "the start was cancelled");
        else
                (void) shim_kill(s, m->value1, m->flags & SHIM_SIGNAL_UNPAUSE);
        return 0;
}

static int command_close_stdin(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        shim_stdin_close(s);
        return 0;
}

static int command_detach(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        shim_attach_detach(s, m->id, SHIM_ATTACH_END_DETACHED);
        return 0;
}

static int command_root_fd(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        _cleanup_close_ int root = -ESRCH;              /* or another errno */
        char path[64];

        if (s->state == SHIM_STATE_RUNNING && !s->exited) {
                snprintf(path, sizeof(path), "/proc/%d/root", s->container_pid);
                root = RET_NERRNO(open(path, O_PATH|O_DIRECTORY|O_CLOEXEC));
        }
        return shim_reply(c, &(ShimMessage) {
                .type = SHIM_ROOT_FD, .id = m->id, .value1 = MIN(root, 0) }, root);
}

static int command_quit(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        if (s->state == SHIM_STATE_CREATED)
                s->loop.quit = true;
        else if (s->finished) {
                shim_attach_drop_all(s);
                shim_check_end(s);
        }
        return 0;
}

static int command_freeze(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        if (m->value1)
                return shim_freeze(s, FREEZE_READ, c, m->id);
        if (s->freezes[FREEZE_READ].asker == c)
                shim_thaw(s, FREEZE_READ);
        return 0;
}

static int command_pause(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        return m->value1 ? shim_freeze(s, FREEZE_PAUSE, c, m->id) : shim_unpause(s, c, m->id);
}

/* What goes wrong shows at the other end of the socket, which is closed here. */
static int command_exec(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        (void) shim_exec(s, m->text, fd);
        return 0;
}

static const struct {
        ShimMessageType type;
        Command run;
        bool needs_fd;
} command_table[] = {
        { SHIM_HELLO,       command_hello        },
        { SHIM_START,       command_start        },
        { SHIM_ATTACH,      command_attach, true },
        { SHIM_RESIZE,      command_resize       },
        { SHIM_SIGNAL,      command_signal       },
        { SHIM_CLOSE_STDIN, command_close_stdin  },
        { SHIM_ROOT_FD,     command_root_fd      },
        { SHIM_DETACH,      command_detach       },
        { SHIM_QUIT,        command_quit         },
        { SHIM_FREEZE,      command_freeze       },
        { SHIM_EXEC,        command_exec, true   },
        { SHIM_PAUSE,       command_pause        },
};

static int dispatch(Shim *s, Connection *c, const ShimMessage *m, int fd) {
        FOREACH_ELEMENT(i, command_table)
                if (i->type == m->type)
                        return i->needs_fd && fd < 0 ? 0 : i->run(s, c, m, fd);
        return 0;                               /* of a newer daemon */
}

static bool connection_alive(const Shim *s, const Connection *c) {
        LIST_FOREACH(connections, i, s->connections)
                if (i == c)
                        return true;
        return false;
}

/* One message; 0 = none is there now. */
static int connection_receive(Connection *c) {
        _cleanup_close_ int fd = -EBADF;
        Shim *s = c->shim;
        ShimMessage m;
        int r;

        r = shim_message_receive(c->fd, &s->receive_buffer, &s->receive_size, &m, &fd);
        if (IN_SET(r, -EAGAIN, -EINTR))
                return 0;
        if (r == -EBADMSG)
                return 1;
        if (r == 0)
                return -ECONNRESET;
        if (r < 0)
                return r;
        r = dispatch(s, c, &m, fd);
        return r < 0 ? r : 1;
}

static void on_connection(LoopSource *source, uint32_t revents) {
        Connection *c = source->userdata;
        Shim *s = c->shim;
        int r = 1;

        if (revents & EPOLLOUT) {
                r = connection_flush(c);
                if (r >= 0) {
                        shim_check_end(s);
                        r = 1;
                }
        }
        while (r > 0) {
                r = connection_receive(c);
                /* A command may have sent an event that closed this very connection. */
                if (!connection_alive(s, c))
                        return;
        }
        if (r < 0)
                connection_close(c);
}

static int connection_new(Shim *s, int fd) {
        Connection *c;
        int r;

        c = new0(Connection, 1);
        if (!c)
                return -ENOMEM;
        c->shim = s;
        c->fd = fd;
        c->source = (LoopSource) { .fd = -EBADF, .callback = on_connection, .userdata = c };
        r = loop_add(&s->loop, &c->source, fd, EPOLLIN);
        if (r < 0) {
                free(c);
                return r;
        }
        LIST_PREPEND(connections, s->connections, c);
        s->n_connections++;
        loop_timer_stop(&s->idle_timer);
        return 0;
}

static void on_accept(LoopSource *source, uint32_t revents) {
        Shim *s = source->userdata;
        uid_t uid = (uid_t) -1;
        gid_t gid;
        pid_t pid;
        int fd;

        fd = accept4(s->control_fd, NULL, NULL, SOCK_NONBLOCK|SOCK_CLOEXEC);
        if (fd < 0)
                return;

        /* The directory is root's alone; this holds should it ever be opened up. */
        if (socket_peer_credentials(fd, &pid, &uid, &gid) < 0 || uid != geteuid() ||
            s->n_connections >= SHIM_CONNECTIONS_MAX || connection_new(s, fd) < 0)
                safe_close(fd);
}

/* In direct mode the daemon has made the socket, so that it can connect at once. */
static int inherited_socket(void) {
        const char *e = getenv(SHIM_CONTROL_FD_ENV);
        int fd, r;

        if (!e)
                return -ENOENT;
        r = parse_int(e, &fd);
        if (r < 0)
                return r;
        (void) unsetenv(SHIM_CONTROL_FD_ENV);
        r = fd_cloexec(fd, true);
        if (r < 0)
                return r;
        r = fd_nonblock(fd, true);
        return r < 0 ? r : fd;
}

/* The path is relative: run directories of tests are longer than a socket address. Under its name it can be
 * connected to, which the daemon waits for. */
static int bind_socket(void) {
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = CONTROL_NEW_NAME };
        _cleanup_close_ int fd = -EBADF;
        mode_t saved;
        int r;

        fd = socket(AF_UNIX, SOCK_SEQPACKET|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (unlink(CONTROL_NEW_NAME) < 0 && errno != ENOENT)
                return -errno;
        saved = umask(0077);
        r = RET_NERRNO(bind(fd, (const struct sockaddr *) &address, sizeof(address)));
        (void) umask(saved);
        if (r < 0)
                return r;
        if (listen(fd, 16) < 0 || rename(CONTROL_NEW_NAME, SHIM_CONTROL_NAME) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int shim_control_open(Shim *s) {
        int fd;

        fd = inherited_socket();
        if (fd == -ENOENT)
                fd = bind_socket();
        if (fd < 0)
                return log_error_errno(fd, "Failed to open the control socket: %m");

        s->control_fd = fd;
        s->control_source = (LoopSource) { .fd = -EBADF, .callback = on_accept, .userdata = s };
        return loop_add(&s->loop, &s->control_source, fd, EPOLLIN);
}
