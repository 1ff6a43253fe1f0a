/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-attach.h"

#include <sys/epoll.h>
#include <systemd/sd-event.h>

#include "basic/fd-util.h"
#include "basic/messages.h"
#include "container/container-manager.h"
#include "container/container-replay.h"
#include "logdriver/log-driver.h"
#include "runtime/detach-keys.h"

struct ContainerAttach {
        Container *container;           /* back-pointer */
        int fd;                         /* until the shim has it; then -EBADF */
        void *early;
        size_t n_early;
        char *detach_keys;
        ShimAttachFlags flags;
        bool stream;                    /* stays attached; else the log is all */
        ContainerReplay *replay;        /* the log goes to the client; the session waits for its end */
        nsec_t logs_since;              /* the shim sends the log from here on; 0 = all of it */
        uint32_t id;                    /* of the shim's protocol, once sent */
        bool sent;
        sd_event_source *watch;         /* while we hold the connection: the client going away */
        ContainerAttachEnded ended;
        void *userdata;
        LIST_FIELDS(ContainerAttach, attaches);
};

static void attach_free(ContainerAttach *a) {
        LIST_REMOVE(attaches, a->container->attaches, a);
        container_replay_free(a->replay);
        sd_event_source_disable_unref(a->watch);
        safe_close(a->fd);
        free(a->early);
        free(a->detach_keys);
        free(a);
}

static void attach_end(ContainerAttach *a) {
        ContainerAttachEnded ended = a->ended;
        void *userdata = a->userdata;

        attach_free(a);
        if (ended)
                ended(userdata);
}

static int check_log(Container *c, Error *reterr) {
        const LogDriver *driver;
        int r;

        r = log_driver_find(c->doc.host_config.log_config.type, &driver, reterr);
        if (r >= 0 && !driver->reader_open)
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "configured logging driver does not support reading");
        return r;
}

int container_attach_check(Container *c, const ContainerAttachParams *p, Error *reterr) {
        DetachKeys keys;
        size_t n = 0;
        int r;

        r = detach_keys_parse(p->detach_keys, &keys, reterr);
        if (r < 0)
                return r;
        if (c->state == CONTAINER_PAUSED)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "Container %s is paused, unpause the container before attach.", c->doc.id);
        if (c->state == CONTAINER_RESTARTING)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "Container %s is restarting, wait until the container is running",
                                  c->doc.id);
        if (c->state == CONTAINER_REMOVING || c->state == CONTAINER_DEAD)
                return error_setf(reterr, ERROR_CONFLICT, "container %s is marked for removal", c->doc.id);
        if (p->logs) {
                r = check_log(c, reterr);
                if (r < 0)
                        return r;
        }
        LIST_FOREACH(attaches, a, c->attaches)
                n++;
        if (n >= CONTAINER_ATTACHES_MAX)
                return error_setf(reterr, ERROR_UNAVAILABLE,
                                  "container %s has %u attached sessions, which is the limit", c->doc.name,
                                  CONTAINER_ATTACHES_MAX);
        return 0;
}

static ShimAttachFlags attach_flags(Container *c, const ContainerAttachParams *p) {
        ShimAttachFlags f = 0;

        if (p->stdin_wanted && c->doc.config.open_stdin)
                f |= SHIM_ATTACH_STDIN;
        if (p->stdout_wanted)
                f |= SHIM_ATTACH_STDOUT;
        if (p->stderr_wanted)
                f |= SHIM_ATTACH_STDERR;
        if (!c->doc.config.tty)
                f |= SHIM_ATTACH_MULTIPLEX;
        if (p->logs)
                f |= SHIM_ATTACH_LOGS;
        return f;
}

/* Both directions closed: the client is gone. A half-close (end of its stdin) is no such thing. */
static int on_client_hangup(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        attach_end(ASSERT_PTR((ContainerAttach *) userdata));
        return 0;
}

static int attach_send(ContainerAttach *a) {
        ShimAttach message = {
                .flags = a->flags,
                .detach_keys = a->detach_keys,
                .logs_since_nsec = a->logs_since,
                .data = a->early,
                .data_size = a->n_early,
                .fd = a->fd,
        };
        int r;

        r = shim_client_attach(a->container->shim, &message, &a->id);
        if (r < 0)
                return r;
        a->sent = true;
        a->watch = sd_event_source_disable_unref(a->watch);
        a->fd = safe_close(a->fd);
        a->early = mfree(a->early);
        return 0;
}

static bool can_send(const Container *c) {
        return container_is_running(c) && c->shim;
}

/* To the shim where there is one, else it waits for the start of the container. */
static int attach_join(ContainerAttach *a) {
        Container *c = a->container;

        if (can_send(c))
                return attach_send(a);
        return sd_event_add_io(c->manager->config.event, &a->watch, a->fd, EPOLLHUP, on_client_hangup, a);
}

static void on_replayed(int r, void *userdata) {
        ContainerAttach *a = ASSERT_PTR(userdata);

        a->replay = NULL;
        if (r < 0 || !a->stream || attach_join(a) < 0)
                attach_end(a);
}

static int on_nothing_to_do(sd_event_source *s, void *userdata) {
        attach_end(ASSERT_PTR((ContainerAttach *) userdata));
        return 0;
}

/* Where old output meets new is known to the shim alone, which sends both. What was logged before the
 * container runs, and a log without a stream, are ours. */
static int attach_begin(ContainerAttach *a, const ContainerAttachParams *p, Error *reterr) {
        Container *c = a->container;
        bool output = p->stdout_wanted || p->stderr_wanted;
        nsec_t now = now_nsec();

        if (p->logs && output && !(p->stream && can_send(c))) {
                a->logs_since = now + 1;
                return container_replay_open(c, p, now, a->fd, on_replayed, a, &a->replay, reterr);
        }
        if (!p->stream)
                return sd_event_add_defer(c->manager->config.event, &a->watch, on_nothing_to_do, a);
        return attach_join(a);
}

int container_attach_add(Container *c, const ContainerAttachParams *p, int fd, const void *early,
                         size_t n_early, ContainerAttachEnded ended, void *userdata, Error *reterr) {
        ContainerAttach *a;
        int r;

        a = new0(ContainerAttach, 1);
        if (!a) {
                safe_close(fd);
                return error_fill(reterr, -ENOMEM);
        }
        *a = (ContainerAttach) {
                .container = c,
                .fd = fd,
                .early = memdup_suffix0(early, n_early),
                .n_early = n_early,
                .flags = attach_flags(c, p),
                .stream = p->stream,
                .detach_keys = p->detach_keys ? strdup(p->detach_keys) : NULL,
                .ended = ended,
                .userdata = userdata,
        };
        LIST_APPEND(attaches, c->attaches, a);
        if (!a->early || (p->detach_keys && !a->detach_keys)) {
                attach_free(a);
                return error_fill(reterr, -ENOMEM);
        }

        r = attach_begin(a, p, reterr);
        if (r < 0) {
                attach_free(a);
                return error_prefixf(reterr, r, "cannot attach to container %s", c->doc.name);
        }
        container_event(c, "attach", MESSAGE_CONTAINER_ATTACH_STR, NULL);
        return 0;
}

void container_attach_forget(Container *c, void *userdata) {
        LIST_FOREACH(attaches, a, c->attaches)
                if (a->userdata == userdata) {
                        a->ended = NULL;
                        a->userdata = NULL;
                }
}

int container_attach_send_pending(Container *c) {
        LIST_FOREACH(attaches, a, c->attaches)
                if (!a->sent && !a->replay && a->stream) {
                        int r = attach_send(a);

                        if (r < 0)
                                return r;
                }
        return 0;
}

void container_attach_handle_ended(Container *c, uint32_t id, ShimAttachEnd reason) {
        LIST_FOREACH(attaches, a, c->attaches)
                if (a->sent && a->id == id) {
                        if (reason == SHIM_ATTACH_END_DETACHED)
                                container_event(c, "detach", MESSAGE_CONTAINER_DETACH_STR, NULL);
                        attach_end(a);
                        return;
                }
}

void container_attach_end_sent(Container *c) {
        LIST_FOREACH(attaches, a, c->attaches)
                if (a->sent)
                        attach_end(a);
}

void container_attach_end_all(Container *c) {
        while (c->attaches)
                attach_end(c->attaches);
}

void container_attach_drop_all(Container *c) {
        while (c->attaches)
                attach_free(c->attaches);
}
