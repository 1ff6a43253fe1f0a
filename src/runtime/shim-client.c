/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/shim-client.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/string-util.h"

/* Commands a shim does not read now wait here. A shim that is stopped or stuck must not make the daemon hold
 * more. */
#define QUEUE_MAX 64U

typedef struct QueuedCommand {
        void *data;
        size_t size;
        int fd;                         /* owned duplicate; -EBADF = none */
} QueuedCommand;

struct ShimClient {
        const ShimClientOps *ops;
        void *userdata;
        int fd;
        sd_event_source *source;
        uint32_t next_id;
        unsigned version;               /* of the protocol; 0 before its hello */
        QueuedCommand *queue;
        size_t n_queue, queue_allocated;
        bool paused;
        bool dispatching;               /* freed in a callback: the memory goes when that returns */
        bool freed;
};

static void *receive_buffer;            /* shared by all clients: events are handled before the next is read
                                         * */
static size_t receive_size;

static void queue_drop(ShimClient *c, size_t n) {
        for (size_t i = 0; i < n; i++) {
                free(c->queue[i].data);
                safe_close(c->queue[i].fd);
        }
        if (n == 0)
                return;                 /* there may be no queue at all */
        c->n_queue -= n;
        memmove(c->queue, c->queue + n, c->n_queue * sizeof(c->queue[0]));
}

ShimClient *shim_client_free(ShimClient *c) {
        if (!c)
                return NULL;

        c->source = sd_event_source_disable_unref(c->source);
        c->fd = safe_close(c->fd);
        queue_drop(c, c->n_queue);
        if (c->dispatching) {
                c->freed = true;
                return NULL;
        }
        free(c->queue);
        free(c);
        return NULL;
}

/* --- events --- */

static ExitRecord exit_of(int code, const ShimMessage *m) {
        return (ExitRecord) {
                .code = code,
                .oom = FLAGS_SET(m->flags, SHIM_EXIT_OOM),
                .stopped = FLAGS_SET(m->flags, SHIM_EXIT_STOPPED),
                .time_nsec = m->time_nsec,
        };
}

static void on_hello(ShimClient *c, const ShimMessage *m, int *fd) {
        ExitRecord exit = exit_of(m->value2, m);
        ShimState state = m->value1;

        c->version = m->version;
        c->paused = state == SHIM_STATE_RUNNING && FLAGS_SET(m->flags, SHIM_RUN_PAUSED);
        if (state < 0 || state >= _SHIM_STATE_MAX || !c->ops->hello)
                return;
        c->ops->hello(c, state, m->pid, state == SHIM_STATE_EXITED ? &exit : NULL, c->userdata);
}

static void on_started(ShimClient *c, const ShimMessage *m, int *fd) {
        if (c->ops->started)
                c->ops->started(c, m->pid, m->time_nsec, c->userdata);
}

static void on_start_failed(ShimClient *c, const ShimMessage *m, int *fd) {
        if (c->ops->start_failed)
                c->ops->start_failed(c, m->text ?: "", c->userdata);
}

static void on_attach_ended(ShimClient *c, const ShimMessage *m, int *fd) {
        if (c->ops->attach_ended)
                c->ops->attach_ended(c, m->id, m->value1, c->userdata);
}

static void on_oom(ShimClient *c, const ShimMessage *m, int *fd) {
        if (c->ops->oom)
                c->ops->oom(c, m->time_nsec, c->userdata);
}

static void on_log_failed(ShimClient *c, const ShimMessage *m, int *fd) {
        if (c->ops->log_failed)
                c->ops->log_failed(c, m->value1, c->userdata);
}

static void on_exited(ShimClient *c, const ShimMessage *m, int *fd) {
        ExitRecord exit = exit_of(m->value1, m);

        if (c->ops->exited)
                c->ops->exited(c, &exit, c->userdata);
}

static void on_root_fd(ShimClient *c, const ShimMessage *m, int *fd) {
        int r = *fd >= 0 ? 0 : m->value1 < 0 ? m->value1 : -EIO;

        if (c->ops->root_fd)
                c->ops->root_fd(c, m->id, r, TAKE_FD(*fd), c->userdata);
}

static void on_frozen(ShimClient *c, const ShimMessage *m, int *fd) {
        if (c->ops->frozen)
                c->ops->frozen(c, m->id, m->value1, c->userdata);
}

static void on_paused(ShimClient *c, const ShimMessage *m, int *fd) {
        c->paused = m->value2;
        if (c->ops->paused)
                c->ops->paused(c, m->id, m->value1, c->userdata);
}

static const struct {
        ShimMessageType type;
        void (*handle)(ShimClient *c, const ShimMessage *m, int *fd);
} event_table[] = {
        { SHIM_HELLO,        on_hello        },
        { SHIM_STARTED,      on_started      },
        { SHIM_START_FAILED, on_start_failed },
        { SHIM_ATTACH_ENDED, on_attach_ended },
        { SHIM_OOM,          on_oom          },
        { SHIM_LOG_FAILED,   on_log_failed   },
        { SHIM_EXITED,       on_exited       },
        { SHIM_ROOT_FD,      on_root_fd      },
        { SHIM_FROZEN,       on_frozen       },
        { SHIM_PAUSED,       on_paused       },
};

static void dispatch(ShimClient *c, const ShimMessage *m, int *fd) {
        FOREACH_ELEMENT(i, event_table)
                if (i->type == m->type) {
                        i->handle(c, m, fd);
                        return;
                }
}

static void connection_lost(ShimClient *c) {
        c->source = sd_event_source_disable_unref(c->source);
        c->fd = safe_close(c->fd);
        queue_drop(c, c->n_queue);
        if (c->ops->lost)
                c->ops->lost(c, c->userdata);
}

static int queue_flush(ShimClient *c) {
        size_t n = 0;
        int r = 0;

        while (n < c->n_queue) {
                QueuedCommand *q = c->queue + n;

                r = send_with_fds(c->fd, q->data, q->size, q->fd >= 0 ? &q->fd : NULL, q->fd >= 0 ? 1 : 0);
                if (r < 0)
                        break;
                n++;
        }
        queue_drop(c, n);
        if (c->n_queue == 0)
                r = sd_event_source_set_io_events(c->source, EPOLLIN);
        return r == -EAGAIN ? 0 : r;
}

/* 1 = handled one, 0 = none is there, negative = the connection is at its end. */
static int receive_one(ShimClient *c) {
        _cleanup_close_ int fd = -EBADF;
        ShimMessage m;
        int r;

        r = shim_message_receive(c->fd, &receive_buffer, &receive_size, &m, &fd);
        if (IN_SET(r, -EAGAIN, -EINTR))
                return 0;
        if (r == -EBADMSG)
                return 1;
        if (r <= 0)
                return r < 0 ? r : -ECONNRESET;

        dispatch(c, &m, &fd);
        return c->freed || c->fd < 0 ? 0 : 1;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        ShimClient *c = ASSERT_PTR(userdata);
        int r = 1;

        c->dispatching = true;
        if (revents & EPOLLOUT)
                r = queue_flush(c) < 0 ? -EPIPE : 1;
        while (r > 0)
                r = receive_one(c);
        if (r < 0 && !c->freed)
                connection_lost(c);
        c->dispatching = false;
        if (c->freed)
                shim_client_free(c);
        return 0;
}

/* --- commands --- */

static int enqueue(ShimClient *c, const ShimMessage *m, int fd) {
        QueuedCommand q = { .fd = -EBADF };
        int r;

        if (c->n_queue >= QUEUE_MAX)
                return -ENOBUFS;
        if (!GREEDY_REALLOC0(c->queue, c->queue_allocated, c->n_queue + 1))
                return -ENOMEM;
        r = shim_message_encode(m, &q.data, &q.size);
        if (r < 0)
                return r;
        if (fd >= 0) {
                q.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
                if (q.fd < 0) {
                        r = -errno;
                        free(q.data);
                        return r;
                }
        }
        c->queue[c->n_queue++] = q;
        return sd_event_source_set_io_events(c->source, EPOLLIN|EPOLLOUT);
}

/* A broken connection is reported by lost(), from the loop. */
static int command(ShimClient *c, const ShimMessage *m, int fd) {
        int r;

        if (c->fd < 0)
                return -ENOTCONN;
        if (c->n_queue > 0)
                return enqueue(c, m, fd);

        r = shim_message_send(c->fd, m, fd);
        if (r == -EAGAIN)
                return enqueue(c, m, fd);
        if (errno_is_disconnect(r))
                return -ENOTCONN;
        return r;
}

/* By way of /proc: the path of a private exec root may be longer than a socket address. */
static void control_address(int run_dir_fd, struct sockaddr_un *ret) {
        *ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
        snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/" SHIM_CONTROL_NAME, run_dir_fd);
}

int shim_control_listen(const char *run_dir) {
        _cleanup_close_ int fd = -EBADF, dir = -EBADF;
        struct sockaddr_un address;

        dir = open(run_dir, O_PATH|O_DIRECTORY|O_CLOEXEC);
        if (dir < 0)
                return -errno;
        fd = socket(AF_UNIX, SOCK_SEQPACKET|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (unlinkat(dir, SHIM_CONTROL_NAME, 0) < 0 && errno != ENOENT)
                return -errno;
        control_address(dir, &address);
        if (bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 ||
            fchmodat(dir, SHIM_CONTROL_NAME, 0600, 0) < 0 || listen(fd, 16) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int connect_socket(int fd, const char *run_dir) {
        _cleanup_close_ int dir = -EBADF;
        struct sockaddr_un address;

        dir = open(run_dir, O_PATH|O_DIRECTORY|O_CLOEXEC);
        if (dir < 0)
                return -errno;
        control_address(dir, &address);
        return RET_NERRNO(connect(fd, (const struct sockaddr *) &address, sizeof(address)));
}

int shim_client_connect(sd_event *event, const char *run_dir, const ShimClientOps *ops, void *userdata,
                        ShimClient **ret) {
        _cleanup_(shim_client_freep) ShimClient *c = NULL;
        int r, size = SHIM_MESSAGE_MAX * 2;

        c = new(ShimClient, 1);
        if (!c)
                return -ENOMEM;
        *c = (ShimClient) { .ops = ops, .userdata = userdata, .fd = -EBADF, .next_id = 1 };

        c->fd = socket(AF_UNIX, SOCK_SEQPACKET|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);
        if (c->fd < 0)
                return -errno;
        (void) setsockopt(c->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
        r = connect_socket(c->fd, run_dir);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &c->source, c->fd, EPOLLIN, on_io, c);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(c->source, "shim");
        /* Before the requests of clients that have read the end of the container's output. */
        r = sd_event_source_set_priority(c->source, SD_EVENT_PRIORITY_NORMAL - 1);
        if (r < 0)
                return r;

        r = command(c, &(ShimMessage) { .type = SHIM_HELLO, .version = SHIM_PROTOCOL_VERSION }, -EBADF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

int shim_client_start(ShimClient *c, int rootfs_mount_fd) {
        return command(c, &(ShimMessage) { .type = SHIM_START }, rootfs_mount_fd);
}

int shim_client_attach(ShimClient *c, const ShimAttach *attach, uint32_t *ret_id) {
        uint32_t id = c->next_id;
        int r;

        r = command(c, &(ShimMessage) {
                .type = SHIM_ATTACH,
                .id = id,
                .flags = attach->flags,
                .time_nsec = attach->logs_since_nsec,
                .text = empty_to_null(attach->detach_keys),
                .data = attach->data,
                .data_size = attach->data_size,
        }, attach->fd);
        if (r < 0)
                return r;

        c->next_id++;
        if (ret_id)
                *ret_id = id;
        return 0;
}

int shim_client_detach(ShimClient *c, uint32_t id) {
        return command(c, &(ShimMessage) { .type = SHIM_DETACH, .id = id }, -EBADF);
}

int shim_client_resize(ShimClient *c, unsigned rows, unsigned columns) {
        return command(c, &(ShimMessage) {
                .type = SHIM_RESIZE, .value1 = (int32_t) rows, .value2 = (int32_t) columns }, -EBADF);
}

int shim_client_signal(ShimClient *c, int sig, bool unpause) {
        return command(c, &(ShimMessage) {
                .type = SHIM_SIGNAL,
                .value1 = sig,
                .flags = unpause ? SHIM_SIGNAL_UNPAUSE : 0,
        }, -EBADF);
}

int shim_client_close_stdin(ShimClient *c) {
        return command(c, &(ShimMessage) { .type = SHIM_CLOSE_STDIN }, -EBADF);
}

int shim_client_root_fd(ShimClient *c, uint32_t *ret_id) {
        uint32_t id = c->next_id;
        int r;

        r = command(c, &(ShimMessage) { .type = SHIM_ROOT_FD, .id = id }, -EBADF);
        if (r < 0)
                return r;
        c->next_id++;
        *ret_id = id;
        return 0;
}

int shim_client_freeze(ShimClient *c, uint32_t *ret_id) {
        uint32_t id = c->next_id;
        int r;

        if (c->version < SHIM_PROTOCOL_FREEZE)
                return -EOPNOTSUPP;
        r = command(c, &(ShimMessage) { .type = SHIM_FREEZE, .id = id, .value1 = 1 }, -EBADF);
        if (r < 0)
                return r;
        c->next_id++;
        *ret_id = id;
        return 0;
}

int shim_client_thaw(ShimClient *c) {
        return command(c, &(ShimMessage) { .type = SHIM_FREEZE }, -EBADF);
}

int shim_client_pause(ShimClient *c, bool pause, uint32_t *ret_id) {
        uint32_t id = c->next_id;
        int r;

        if (c->version < SHIM_PROTOCOL_PAUSE)
                return -EOPNOTSUPP;
        r = command(c, &(ShimMessage) { .type = SHIM_PAUSE, .id = id, .value1 = pause }, -EBADF);
        if (r < 0)
                return r;
        c->next_id++;
        *ret_id = id;
        return 0;
}

bool shim_client_is_paused(const ShimClient *c) {
        return c->paused;
}

int shim_client_exec(ShimClient *c, const char *id, int control_fd) {
        if (c->version < SHIM_PROTOCOL_EXEC)
                return -EOPNOTSUPP;
        return command(c, &(ShimMessage) { .type = SHIM_EXEC, .text = id }, control_fd);
}

int shim_client_quit(ShimClient *c) {
        return command(c, &(ShimMessage) { .type = SHIM_QUIT }, -EBADF);
}
