/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-stats.h"

#include <systemd/sd-event.h>

#include "basic/log.h"
#include "runtime/stats.h"

#define INTERVAL_USEC USEC_PER_SEC
#define ACCURACY_USEC (10 * USEC_PER_MSEC)

struct ContainerStatsStream {
        ContainerStatsWatch *watch;
        const ContainerStatsOps *ops;
        void *userdata;
        unsigned version;
        bool prime;                     /* the first sample is only what the next one is compared with */
        bool once;
        bool blocked;                   /* the client does not read */
        ContainerStats previous;        /* of it time and CPU only */
        LIST_FIELDS(ContainerStatsStream, streams);
};

/* One container that is looked at; there while somebody wants it. */
struct ContainerStatsWatch {
        Container *container;           /* a reference */
        ContainerStatsStream *streams;
        sd_event_source *timer;
        usec_t next;
        bool telling;                   /* a stream that ends does not free the watch */
};

/* --- one sample --- */

static bool has_own_networks(const Container *c) {
        return !streq(strempty(c->doc.host_config.network_mode), "host");
}

/* Of one that does not run it is empty, as Docker's. */
static void sample(Container *c, ContainerStats *ret) {
        _cleanup_free_ char *path = NULL;
        int r;

        *ret = (ContainerStats) {};
        if (!container_is_running(c) || c->doc.pid <= 0)
                return;
        r = supervisor_cgroup_path(c->manager->supervisor, c->doc.id,
                                   empty_to_null(c->doc.host_config.resources.cgroup_parent), &path);
        if (r >= 0)
                r = stats_sample(path, has_own_networks(c) ? (pid_t) c->doc.pid : 0, ret);
        if (r < 0)
                log_debug_errno(r, "Cannot tell what container %s uses: %m", c->doc.name);
}

/* previous: NULL = there is none. Both are lent. */
static char *encode(const Container *c, const ContainerStats *now, const ContainerStats *previous,
                    unsigned version) {
        _cleanup_free_ char *name = strjoin("/", c->doc.name), *text = NULL;
        ContainerStats t = *now;

        if (!name)
                return NULL;
        t.name = name;
        t.id = c->doc.id;
        if (previous) {
                t.preread = previous->read;
                t.precpu = previous->cpu;
        }
        text = json_encode_text(&ContainerStats_json, &t, version);
        return text ? strjoin(text, "\n") : NULL;
}

int container_stats_once(Container *c, unsigned version, char **ret) {
        _cleanup_(ContainerStats_donep) ContainerStats t = {};

        sample(c, &t);
        *ret = encode(c, &t, NULL, version);
        return *ret ? 0 : -ENOMEM;
}

static void remember(ContainerStatsStream *s, const ContainerStats *t) {
        json_done(&CpuStats_json, &s->previous.cpu);
        s->previous.cpu = (CpuStats) {};
        if (json_copy(&CpuStats_json, &t->cpu, &s->previous.cpu) < 0)
                log_oom();
        s->previous.read = t->read;
}

/* --- streams --- */

static void watch_free_if_unused(ContainerStatsWatch *w) {
        if (w->streams || w->telling)
                return;
        w->container->stats = NULL;
        sd_event_source_disable_unref(w->timer);
        container_unref(w->container);
        free(w);
}

ContainerStatsStream *container_stats_free(ContainerStatsStream *s) {
        ContainerStatsWatch *w;

        if (!s)
                return NULL;
        w = s->watch;
        LIST_REMOVE(streams, w->streams, s);
        json_done(&ContainerStats_json, &s->previous);
        free(s);
        watch_free_if_unused(w);
        return NULL;
}

static void end(ContainerStatsStream *s) {
        const ContainerStatsOps *ops = s->ops;
        void *userdata = s->userdata;

        container_stats_free(s);
        ops->end(userdata);
}

/* May free the stream. */
static void tell(ContainerStatsStream *s, const ContainerStats *t) {
        _cleanup_free_ char *line = NULL;

        if (s->prime) {
                s->prime = false;
                remember(s, t);
                return;
        }
        if (s->blocked)
                return;
        line = encode(s->watch->container, t, &s->previous, s->version);
        if (line)
                s->blocked = s->ops->write(line, strlen(line), s->userdata) > 0;
        else
                log_oom();
        remember(s, t);
        if (s->once)
                end(s);
}

void container_stats_resume(ContainerStatsStream *s) {
        s->blocked = false;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        ContainerStatsWatch *w = ASSERT_PTR(userdata);
        _cleanup_(ContainerStats_donep) ContainerStats t = {};
        int r;

        w->next = MAX(w->next + INTERVAL_USEC, now_usec(CLOCK_MONOTONIC));
        r = sd_event_source_set_time(w->timer, w->next);
        if (r >= 0)
                r = sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
        if (r < 0)
                log_error_errno(r, "Cannot go on to tell what container %s uses: %m",
                                w->container->doc.name);
        sample(w->container, &t);
        w->telling = true;
        LIST_FOREACH(streams, s, w->streams)
                tell(s, &t);
        w->telling = false;
        watch_free_if_unused(w);
        return 0;
}

static int watch_new(Container *c, ContainerStatsWatch **ret) {
        ContainerStatsWatch *w = new(ContainerStatsWatch, 1);
        int r;

        if (!w)
                return -ENOMEM;
        *w = (ContainerStatsWatch) { .container = container_ref(c), .next = now_usec(CLOCK_MONOTONIC) };
        r = sd_event_add_time(c->manager->config.event, &w->timer, CLOCK_MONOTONIC, w->next, ACCURACY_USEC,
                              on_timer, w);
        if (r < 0) {
                watch_free_if_unused(w);
                return r;
        }
        *ret = c->stats = w;
        return 0;
}

int container_stats_open(Container *c, bool once, unsigned version,
                         const ContainerStatsOps *ops, void *userdata, ContainerStatsStream **ret,
                         Error *reterr) {
        ContainerStatsStream *s;
        int r;

        s = new(ContainerStatsStream, 1);
        if (!s)
                return error_fill(reterr, -ENOMEM);
        *s = (ContainerStatsStream) {
                .ops = ops,
                .userdata = userdata,
                .version = version,
                .once = once,
                .prime = once,
                .watch = c->stats,
        };
        r = s->watch ? 0 : watch_new(c, &s->watch);
        if (r < 0) {
                free(s);
                return error_fill(reterr, r);
        }
        LIST_PREPEND(streams, s->watch->streams, s);
        *ret = s;
        return 0;
}

void container_stats_end_all(Container *c) {
        while (c->stats && c->stats->streams)
                end(c->stats->streams);
}
