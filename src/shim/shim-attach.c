/* SPDX-License-Identifier: Apache-2.0 */
/* Attached clients. Each has its connection here, as a duplicate of the daemon's: shutdown() tells the
 * client of the end while the daemon still holds its own. A client that does not read gets a bounded buffer,
 * then stops the container. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "shim/shim.h"
#include "stream/multiplex.h"

/* A command that is being started has so long to start when its last client has gone. */
#define ABANDONED_START_USEC (5 * USEC_PER_SEC)
#define ROUNDS_MAX 16U

static char io_buffer[SHIM_IO_SIZE];
static char filter_buffer[SHIM_IO_SIZE + DETACH_KEYS_MAX];

static size_t out_size(const AttachClient *c) {
        return c->out_end - c->out_begin;
}

/* All there is for it, but for what the container writes from now on. */
static bool all_sent(const AttachClient *c) {
        return out_size(c) == 0 && !c->replay;
}

static bool has_output(const AttachClient *c) {
        return c->flags & (SHIM_ATTACH_STDOUT|SHIM_ATTACH_STDERR);
}

static bool wants_stdin(const AttachClient *c) {
        return FLAGS_SET(c->flags, SHIM_ATTACH_STDIN) && !c->in_eof && !c->ending;
}

/* Who is over the limit, counted anew: there are few clients, and changes are rare. */
static void account(Shim *s) {
        size_t n = 0;
        bool changed;

        LIST_FOREACH(clients, c, s->clients)
                if (!c->ending && out_size(c) > SHIM_CLIENT_BUFFER_MAX)
                        n++;
        changed = (n == 0) != (s->n_slow == 0);
        s->n_slow = n;
        if (changed)
                shim_output_poll(s);
}

static void update_events(AttachClient *c) {
        uint32_t events = 0;

        if (!all_sent(c))
                events |= EPOLLOUT;
        if (wants_stdin(c) && c->in_begin == c->in_end && c->shim->state == SHIM_STATE_RUNNING)
                events |= EPOLLIN;
        (void) loop_set_events(&c->shim->loop, &c->source, events);
}

static void client_free(AttachClient *c) {
        Shim *s = c->shim;

        loop_remove(&s->loop, &c->source);
        LIST_REMOVE(clients, s->clients, c);
        s->n_clients--;
        safe_close(c->fd);
        log_reader_free(c->replay);
        free(c->out);
        free(c->in);
        free(c);
        account(s);
}

/* Input the client has sent and nobody read would turn the end of the stream into a reset. */
static void client_finish(AttachClient *c) {
        Shim *s = c->shim;
        ShimMessage m = { .type = SHIM_ATTACH_ENDED, .id = c->id, .value1 = (int) c->reason };

        /* The daemon that has the other side closes it when it has read the exit code of the command. */
        if (!shim_is_exec(s) || s->n_connections == 0)
                (void) shutdown(c->fd, SHUT_RDWR);
        for (unsigned i = 0; i < ROUNDS_MAX; i++)
                if (recv(c->fd, io_buffer, sizeof(io_buffer), MSG_DONTWAIT) <= 0)
                        break;
        client_free(c);
        shim_event(s, &m);
        if (s->finished)
                shim_check_end(s);
}

static void client_gone(AttachClient *c) {
        Shim *s = c->shim;

        c->reason = SHIM_ATTACH_END_CLIENT;
        client_finish(c);
        /* A command that hangs in the runtime ends with its client. */
        if (shim_is_exec(s) && s->n_clients == 0)
                shim_start_limit_at_most(s, ABANDONED_START_USEC);
}

/* At the latest here the client may be gone afterwards. */
static void client_end(AttachClient *c, ShimAttachEnd reason) {
        if (!c->ending) {
                c->ending = true;
                c->reason = reason;
        }
        if (reason == SHIM_ATTACH_END_DETACHED)
                c->replay = log_reader_free(c->replay);
        if (all_sent(c) || c->source.fd < 0)
                client_finish(c);
        else {
                update_events(c);
                account(c->shim);
        }
}

/* --- output --- */

static int out_append(AttachClient *c, const void *data, size_t size) {
        if (size == 0)
                return 0;
        if (c->out_begin > 0 && c->out_allocated - c->out_end < size) {
                memmove(c->out, c->out + c->out_begin, out_size(c));
                c->out_end -= c->out_begin;
                c->out_begin = 0;
        }
        if (c->out_allocated - c->out_end < size) {
                size_t need = max_size(c->out_end + size, 2 * c->out_allocated);
                char *p = realloc(c->out, need);

                if (!p)
                        return -ENOMEM;
                c->out = p;
                c->out_allocated = need;
        }
        memcpy(c->out + c->out_end, data, size);
        c->out_end += size;
        return 0;
}

static void out_done(AttachClient *c) {
        c->out = mfree(c->out);
        c->out_begin = c->out_end = c->out_allocated = 0;
}

/* It gets nothing more. */
static void out_drop(AttachClient *c) {
        out_done(c);
        c->replay = log_reader_free(c->replay);
}

/* Sends what waits; gives the memory back when it is done. */
static int out_flush(AttachClient *c) {
        while (out_size(c) > 0) {
                ssize_t n = send(c->fd, c->out + c->out_begin, out_size(c), MSG_NOSIGNAL|MSG_DONTWAIT);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                c->out_begin += (size_t) n;
                c->shim->client_progress = true;
        }
        out_done(c);
        return 0;
}

static ssize_t send_two(int fd, void *header, size_t header_size, const void *data, size_t size) {
        struct iovec iov[2] = {
                { .iov_base = header, .iov_len = header_size },
                { .iov_base = (void *) data, .iov_len = size },
        };
        struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };
        ssize_t n;

        do
                n = sendmsg(fd, &mh, MSG_NOSIGNAL|MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        return n;
}

/* The size of the header, where there is one. */
static size_t frame_header(const AttachClient *c, LogStream stream, size_t size,
                           uint8_t header[static MULTIPLEX_HEADER_SIZE]) {
        if (!FLAGS_SET(c->flags, SHIM_ATTACH_MULTIPLEX))
                return 0;
        multiplex_header(header, stream == LOG_STDOUT ? MULTIPLEX_STDOUT : MULTIPLEX_STDERR,
                         (uint32_t) size);
        return MULTIPLEX_HEADER_SIZE;
}

int shim_client_queue(AttachClient *c, LogStream stream, const void *data, size_t size) {
        uint8_t header[MULTIPLEX_HEADER_SIZE];
        int r;

        r = out_append(c, header, frame_header(c, stream, size, header));
        return r < 0 ? r : out_append(c, data, size);
}

static int client_send(AttachClient *c, LogStream stream, const void *data, size_t size) {
        uint8_t header[MULTIPLEX_HEADER_SIZE];
        size_t header_size = frame_header(c, stream, size, header), done = 0;
        ssize_t n;
        int r;

        if (out_size(c) == 0) {
                n = send_two(c->fd, header, header_size, data, size);
                if (n < 0)
                        return (int) n;
                done = (size_t) n;
        }

        if (done < header_size) {
                r = out_append(c, header + done, header_size - done);
                if (r < 0)
                        return r;
                done = header_size;
        }
        return out_append(c, (const char *) data + (done - header_size), size - (done - header_size));
}

void shim_attach_output(Shim *s, LogStream stream, const void *data, size_t size) {
        uint32_t flag = stream == LOG_STDOUT ? SHIM_ATTACH_STDOUT : SHIM_ATTACH_STDERR;

        LIST_FOREACH(clients, c, s->clients) {
                if (!FLAGS_SET(c->flags, flag) || c->ending || c->replay)
                        continue;
                if (client_send(c, stream, data, size) < 0)
                        client_gone(c);
                else
                        update_events(c);
        }
        account(s);
}

/* --- input --- */

/* No more input from this client. Docker: it ends the container's stdin where that is for one client, else
 * the session. */
static void client_stdin_done(AttachClient *c) {
        Shim *s = c->shim;
        bool one_client = s->config.stdin_once && !s->config.tty;

        if (c->in_eof)
                return;
        c->in_eof = true;
        c->in = mfree(c->in);
        c->in_begin = c->in_end = 0;

        /* After the end of the process its last output is still to come, and the end of the session with
         * it. */
        if ((!one_client || !has_output(c)) && !s->exited)
                client_end(c, SHIM_ATTACH_END_CLIENT);
        else
                update_events(c);
        if (one_client)
                shim_stdin_close(s);
}

/* Keeps what the container does not take now. */
static int in_keep(AttachClient *c, const char *data, size_t size) {
        c->in = malloc(size);
        if (!c->in)
                return -ENOMEM;
        memcpy(c->in, data, size);
        c->in_begin = 0;
        c->in_end = size;
        shim_stdin_poll(c->shim);
        return 0;
}

/* 1 = all is written, 0 = the rest waits for room, negative = no more input is taken. */
static int client_write(AttachClient *c, const char *data, size_t size) {
        ssize_t n;

        while (size > 0) {
                n = shim_stdin_write(c->shim, data, size);
                if (n == -EAGAIN)
                        return in_keep(c, data, size);
                if (n < 0)
                        return (int) n;
                data += n;
                size -= (size_t) n;
        }
        return 1;
}

static int client_write_kept(AttachClient *c) {
        _cleanup_free_ char *data = TAKE_PTR(c->in);
        size_t begin = c->in_begin, end = c->in_end;

        c->in_begin = c->in_end = 0;
        return client_write(c, data + begin, end - begin);
}

/* Input of a terminal goes through the detach keys. */
static int client_input(AttachClient *c, const char *data, size_t size, bool *ret_detach) {
        *ret_detach = false;
        if (!c->shim->config.tty)
                return client_write(c, data, size);

        size = detach_keys_filter(&c->detach, data, size, filter_buffer, ret_detach);
        return client_write(c, filter_buffer, size);
}

/* Moves input until the client has none, the container takes none, or it is the turn of others. The client
 * may be gone afterwards. */
static void client_pump(AttachClient *c) {
        bool detach;
        int r = 1;

        if (c->in_begin < c->in_end)
                r = client_write_kept(c);

        for (unsigned i = 0; i < ROUNDS_MAX && r > 0; i++) {
                ssize_t n = recv(c->fd, io_buffer, sizeof(io_buffer), MSG_DONTWAIT);

                if (n < 0 && IN_SET(errno, EAGAIN, EINTR))
                        break;
                if (n <= 0) {
                        r = -EPIPE;
                        break;
                }
                r = client_input(c, io_buffer, (size_t) n, &detach);
                if (detach) {
                        client_end(c, SHIM_ATTACH_END_DETACHED);
                        return;
                }
        }

        if (r < 0)
                client_stdin_done(c);
        else if (r > 0 && c->source.fd < 0)
                /* It is out of the loop, which cannot call again: the next turn is when stdin has room. */
                shim_stdin_poll(c->shim);
        else
                update_events(c);
}

/* The first client for which the condition holds; loops restart from it, since serving one may end others.
 * */
#define FIRST_CLIENT(s, condition)                                      \
        ({                                                              \
                AttachClient *_found = NULL;                            \
                LIST_FOREACH(clients, c, (s)->clients)                  \
                        if (condition) {                                \
                                _found = c;                             \
                                break;                                  \
                        }                                               \
                _found;                                                 \
        })

/* Room again: for what is kept, and for clients that hung up but have sent more than was read. */
void shim_attach_stdin_ready(Shim *s) {
        AttachClient *next;

        while ((next = FIRST_CLIENT(s, wants_stdin(c) && (c->in_begin < c->in_end || c->source.fd < 0)))) {
                client_pump(next);
                if (s->stdin_source.fd >= 0)
                        return;                 /* full again */
        }
}

/* The container takes no input any more. */
void shim_attach_stdin_closed(Shim *s) {
        AttachClient *next;

        while ((next = FIRST_CLIENT(s, wants_stdin(c))))
                client_stdin_done(next);
}

/* The container runs: the input of clients that came before is read now. */
void shim_attach_begin(Shim *s) {
        AttachClient *next;

        while ((next = FIRST_CLIENT(s, !c->begun))) {
                next->begun = true;
                if (wants_stdin(next))
                        client_pump(next);
        }
}

/* What was typed ahead of the upgrade is kept and written before the rest. */
static void take_early_input(AttachClient *c, const void *data, size_t size) {
        _cleanup_free_ char *filtered = NULL;
        bool detach;
        size_t n;

        if (size == 0 || !wants_stdin(c))
                return;
        if (!c->shim->config.tty) {
                (void) in_keep(c, data, size);
                return;
        }

        filtered = malloc(size + DETACH_KEYS_MAX);
        if (!filtered)
                return;
        n = detach_keys_filter(&c->detach, data, size, filtered, &detach);
        if (n > 0)
                (void) in_keep(c, filtered, n);
        if (detach)
                client_end(c, SHIM_ATTACH_END_DETACHED);
}

/* --- the session --- */

/* It reads no more, but what it sent before is still the container's. Out of the loop, which would report
 * this on and on. */
static void client_hung_up(AttachClient *c) {
        Shim *s = c->shim;

        /* Also after a reset (EPOLLERR), which a client causes that leaves output unread. */
        if (!wants_stdin(c) || s->state != SHIM_STATE_RUNNING) {
                client_gone(c);
                return;
        }
        loop_remove(&s->loop, &c->source);
        c->flags &= ~(uint32_t) (SHIM_ATTACH_STDOUT|SHIM_ATTACH_STDERR);
        out_drop(c);
        account(s);
        client_pump(c);
}

/* What waits, then the next of the log. */
static int client_feed(AttachClient *c) {
        int r;

        r = out_flush(c);
        if (r < 0 || out_size(c) > 0 || !c->replay)
                return r;
        r = shim_replay_step(c);
        return r < 0 ? r : out_flush(c);
}

static void on_client(LoopSource *source, uint32_t revents) {
        AttachClient *c = source->userdata;

        if (revents & EPOLLOUT) {
                if (client_feed(c) < 0) {
                        client_gone(c);
                        return;
                }
                if (c->ending && all_sent(c)) {
                        client_finish(c);
                        return;
                }
                update_events(c);
                account(c->shim);
        }

        if (revents & (EPOLLHUP|EPOLLERR))
                client_hung_up(c);
        else if (revents & EPOLLIN)
                client_pump(c);
}

static int client_new(Shim *s, const ShimMessage *m, int fd, AttachClient **ret) {
        AttachClient *c;
        int r;

        c = new0(AttachClient, 1);
        if (!c)
                return -ENOMEM;
        c->shim = s;
        c->fd = fd;
        c->id = m->id;
        c->flags = m->flags;
        if (!s->config.open_stdin)
                c->flags &= ~(uint32_t) SHIM_ATTACH_STDIN;
        c->source = (LoopSource) { .fd = -EBADF, .callback = on_client, .userdata = c };

        r = detach_keys_parse(m->text, &c->detach, NULL);
        if (r >= 0)
                r = loop_add(&s->loop, &c->source, fd, 0);
        if (r >= 0 && FLAGS_SET(c->flags, SHIM_ATTACH_LOGS)) {
                r = shim_replay_begin(c, m->time_nsec);
                if (r < 0)
                        loop_remove(&s->loop, &c->source);
        }
        if (r < 0) {
                free(c);
                return r;
        }
        *ret = c;
        return 0;
}

/* Takes over fd on success. */
int shim_attach(Shim *s, const ShimMessage *m, int fd) {
        AttachClient *c;
        int r;

        if ((s->exited || s->state == SHIM_STATE_EXITED) && !FLAGS_SET(m->flags, SHIM_ATTACH_LOGS))
                return -ESHUTDOWN;
        if (s->n_clients >= SHIM_ATTACH_MAX)
                return -EUSERS;

        r = client_new(s, m, fd, &c);
        if (r < 0)
                return r;
        LIST_APPEND(clients, s->clients, c);
        s->n_clients++;

        if (c->replay)
                update_events(c);
        if (s->finished) {
                client_end(c, SHIM_ATTACH_END_EXITED);
                return 0;
        }
        take_early_input(c, m->data, m->data_size);
        if (s->state == SHIM_STATE_RUNNING)
                shim_attach_begin(s);
        return 0;
}

void shim_attach_detach(Shim *s, uint32_t id, ShimAttachEnd reason) {
        AttachClient *found = FIRST_CLIENT(s, c->id == id);

        if (found)
                client_end(found, reason);
}

/* The streams are at their end. The kernel takes the rest where it can: a closed socket still delivers what
 * is in it, so that nobody has to wait for a client that reads slowly. */
void shim_attach_end_all(Shim *s, ShimAttachEnd reason) {
        LIST_FOREACH(clients, c, s->clients) {
                if (out_size(c) > 0) {
                        int size = (int) out_size(c) * 2 + 65536;

                        (void) setsockopt(c->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
                        if (out_flush(c) < 0)
                                out_drop(c);
                }
                client_end(c, reason);
        }
}

void shim_attach_drop_all(Shim *s) {
        while (s->clients)
                client_finish(s->clients);
}
