/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-list.h"

#include <stdio.h>

#include "basic/parse-util.h"
#include "container/container-exec.h"
#include "container/container-health.h"
#include "container/container-network.h"
#include "container/container-ports.h"
#include "image/rootfs.h"

/* --- words --- */

int human_duration(nsec_t d, char **ret) {
        static const struct {
                uint64_t below;         /* of the unit */
                uint64_t seconds;       /* per unit */
                const char *unit;
        } rows[] = {
                { 60,            1,             "seconds" },
                { 60,            60,            "minutes" },
                { 48,            3600,          "hours"   },
                { 14,            86400,         "days"    },
                { 60 / 7,        7 * 86400,     "weeks"   },
                { 24,            30 * 86400,    "months"  },
                { UINT64_MAX,    365 * 86400,   "years"   },
        };
        uint64_t s = d / NSEC_PER_SEC;

        if (s < 1)
                return free_and_strdup(ret, "Less than a second");
        if (s == 1)
                return free_and_strdup(ret, "1 second");
        if (s / 60 == 1)
                return free_and_strdup(ret, "About a minute");
        if ((s + 1800) / 3600 == 1 && s >= 3600)
                return free_and_strdup(ret, "About an hour");
        FOREACH_ELEMENT(r, rows) {
                /* hours are rounded, all else is cut */
                uint64_t n = r->seconds == 3600 ? (s + 1800) / 3600 : s / r->seconds;

                if (n < r->below || r->below == UINT64_MAX)
                        return asprintf_safe(ret, "%llu %s", (unsigned long long) n, r->unit);
        }
        assert_not_reached();
}

static int ago(nsec_t t, char **ret) {
        nsec_t now = now_nsec();

        return human_duration(now > t ? now - t : 0, ret);
}

int container_status_text(const Container *c, char **ret) {
        const char *health = container_health_status(c);
        _cleanup_free_ char *d = NULL;
        int r;

        switch (c->state) {
        case CONTAINER_RUNNING:
        case CONTAINER_PAUSED:
                r = ago(c->doc.started, &d);
                if (r >= 0 && c->state == CONTAINER_PAUSED)
                        return asprintf_safe(ret, "Up %s (Paused)", d);
                if (r >= 0 && c->doc.health)
                        return asprintf_safe(ret, "Up %s (%s%s)", d,
                                             streq(health, HEALTH_STARTING) ? "health: " : "", health);
                return r < 0 ? r : asprintf_safe(ret, "Up %s", d);
        case CONTAINER_RESTARTING:
                r = ago(c->doc.finished, &d);
                return r < 0 ? r :
                               asprintf_safe(ret, "Restarting (%lld) %s ago", (long long) c->doc.exit_code,
                                             d);
        case CONTAINER_REMOVING:
                return free_and_strdup(ret, "Removal In Progress");
        case CONTAINER_DEAD:
                return free_and_strdup(ret, "Dead");
        case CONTAINER_CREATED:
                return free_and_strdup(ret, "Created");
        default:
                r = ago(c->doc.finished, &d);
                return r < 0 ? r :
                               asprintf_safe(ret, "Exited (%lld) %s ago", (long long) c->doc.exit_code, d);
        }
}

/* --- filters --- */

typedef struct ListContext {
        ContainerManager *manager;
        nsec_t before, since;           /* creation times; 0 = open */
        Error *reterr;
} ListContext;

static int filter_id(const ListContext *x, const Container *c, const char *value) {
        return !!startswith(c->doc.id, value);
}

/* Docker takes a pattern; a plain text is a part of the name, "^/name$" the whole one. */
static int filter_name(const ListContext *x, const Container *c, const char *value) {
        _cleanup_free_ char *text = NULL;
        bool begin = value[0] == '^', end;

        value += begin;
        value += value[0] == '/';
        end = endswith(value, "$");
        text = strndup_safe(value, strlen(value) - end);
        if (!text)
                return error_fill(x->reterr, -ENOMEM);
        if (begin && end)
                return streq(c->doc.name, text);
        if (begin)
                return !!startswith(c->doc.name, text);
        return end ? endswith(c->doc.name, text) : !!strstr(c->doc.name, text);
}

static int filter_label(const ListContext *x, const Container *c, const char *value) {
        return filters_match_label(&c->doc.config.labels, value);
}

static int filter_status(const ListContext *x, const Container *c, const char *value) {
        return streq(container_state_to_string(c->state), value);
}

static int filter_ancestor(const ListContext *x, const Container *c, const char *value) {
        Image *image;

        if (streq(c->doc.image, value))
                return 1;
        if (image_manager_find(x->manager->config.images, value, &image, NULL) < 0)
                return 0;
        return streq_ptr(image_id(image), c->doc.image_id);
}

static int filter_exited(const ListContext *x, const Container *c, const char *value) {
        int64_t code;

        return parse_int64(value, &code) >= 0 && IN_SET(c->state, CONTAINER_EXITED, CONTAINER_DEAD) &&
                c->doc.exit_code == code;
}

static int filter_network(const ListContext *x, const Container *c, const char *value) {
        Network *n;

        if (streq(c->doc.host_config.network_mode, value))
                return 1;
        return network_manager_find(x->manager->config.networks, value, &n, NULL) >= 0 &&
                streq(network_name(n), c->doc.host_config.network_mode);
}

static int filter_volume(const ListContext *x, const Container *c, const char *value) {
        for (size_t i = 0; i < c->doc.mounts.n_items; i++)
                if (streq_ptr(c->doc.mounts.items[i].source, value) ||
                    streq_ptr(c->doc.mounts.items[i].name, value) ||
                    streq(c->doc.mounts.items[i].destination, value))
                        return 1;
        return 0;
}

static int filter_health(const ListContext *x, const Container *c, const char *value) {
        return streq(value, c->doc.health ? container_health_status(c) : "none");
}

/* Containers of a swarm's tasks: there are none. */
static int filter_is_task(const ListContext *x, const Container *c, const char *value) {
        return streq(value, "false") || streq(value, "0");
}

static int filter_port(const Container *c, const char *value, bool published) {
        _cleanup_(ContainerSummary_donep) ContainerSummary s = {};
        PortProtocol protocol;
        uint16_t first, last;
        int r;

        r = container_port_range_parse(value, &protocol, &first, &last, NULL);
        if (r >= 0)
                r = container_network_summary((Container *) c, &s);
        if (r < 0)
                return r;
        for (size_t i = 0; i < s.ports.n_items; i++) {
                int port = published ? s.ports.items[i].public_port : s.ports.items[i].private_port;

                if (port >= first && port <= last &&
                    streq(s.ports.items[i].type, port_protocol_to_string(protocol)))
                        return 1;
        }
        return 0;
}

static int filter_expose(const ListContext *x, const Container *c, const char *value) {
        return filter_port(c, value, false);
}

static int filter_publish(const ListContext *x, const Container *c, const char *value) {
        return filter_port(c, value, true);
}

/* A matter of Windows: any value goes here. */
static int filter_isolation(const ListContext *x, const Container *c, const char *value) {
        return 1;
}

static int filter_before(const ListContext *x, const Container *c, const char *value) {
        return c->doc.created < x->before;
}

static int filter_since(const ListContext *x, const Container *c, const char *value) {
        return c->doc.created > x->since;
}

static const struct {
        const char *key;
        bool all;               /* every value must match, not any */
        int (*matches)(const ListContext *x, const Container *c, const char *value);
} list_filters[] = {
        { "ancestor",  false, filter_ancestor  },
        { "before",    true,  filter_before    },
        { "exited",    false, filter_exited    },
        { "expose",    false, filter_expose    },
        { "health",    false, filter_health    },
        { "id",        false, filter_id        },
        { "is-task",   true,  filter_is_task   },
        { "isolation", false, filter_isolation },
        { "label",     true,  filter_label     },
        { "name",      false, filter_name      },
        { "network",   false, filter_network   },
        { "publish",   false, filter_publish   },
        { "since",     true,  filter_since     },
        { "status",    false, filter_status    },
        { "volume",    false, filter_volume    },
};

static int list_matches(const ListContext *x, const Container *c, const Filters *filters) {
        FOREACH_ELEMENT(f, list_filters) {
                char **values = filters_get(filters, f->key);
                bool any = false;

                if (strv_isempty(values))
                        continue;
                STRV_FOREACH(v, values) {
                        int r = f->matches(x, c, *v);

                        if (r < 0)
                                return r;
                        if (r > 0)
                                any = true;
                        else if (f->all)
                                return 0;
                }
                if (!any)
                        return 0;
        }
        return 1;
}

static int check_ports(const Filters *filters, const char *key, Error *reterr) {
        PortProtocol protocol;
        uint16_t first, last;
        int r;

        STRV_FOREACH(v, filters_get(filters, key)) {
                r = container_port_range_parse(*v, &protocol, &first, &last, reterr);
                if (r < 0)
                        return error_prefixf(reterr, r, "error while looking up for %s %s", key, *v);
        }
        return 0;
}

/* Before any container is looked at: what is wrong is wrong for an empty list as well. */
static int check_filters(const Filters *filters, Error *reterr) {
        static const char *const healths[] = { "none", "starting", "healthy", "unhealthy", NULL };
        const char *keys[ELEMENTSOF(list_filters) + 1] = {}, *states[_CONTAINER_STATE_MAX + 1] = {};
        Tristate is_task;
        int64_t code;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(list_filters); i++)
                 keys[i] = list_filters[i].key;
        for (ContainerState i = 0; i < _CONTAINER_STATE_MAX; i++)
                states[i] = container_state_to_string(i);
        r = filters_check_keys(filters, keys, reterr);
        if (r >= 0)
                r = filters_check_values(filters, "status", "state", states, reterr);
        if (r >= 0)
                r = filters_check_values(filters, "health", "health", healths, reterr);
        if (r >= 0)
                r = filters_get_tristate(filters, "is-task", &is_task, reterr);
        STRV_FOREACH(v, filters_get(filters, "exited"))
                if (r >= 0 && parse_int64(*v, &code) < 0)
                        r = error_setf(reterr, ERROR_INVALID, "invalid filter 'exited=%s'", *v);
        if (r >= 0)
                r = check_ports(filters, "publish", reterr);
        if (r >= 0)
                r = check_ports(filters, "expose", reterr);
        return r;
}

static int resolve_times(ListContext *x, const Filters *filters) {
        char **before = filters_get(filters, "before"), **since = filters_get(filters, "since");
        Container *c;
        int r;

        if (!strv_isempty(before)) {
                r = container_manager_find(x->manager, before[0], &c, x->reterr);
                if (r < 0)
                        return r;
                x->before = c->doc.created;
        }
        if (!strv_isempty(since)) {
                r = container_manager_find(x->manager, since[0], &c, x->reterr);
                if (r < 0)
                        return r;
                x->since = c->doc.created;
        }
        return 0;
}

/* --- one row of the list --- */

/* Program and arguments as one text; arguments with blanks are quoted. */
static int command_text(const Container *c, char **ret) {
        _cleanup_buffer_ Buffer b = {};
        char *s;

        if (buffer_append_str(&b, strempty(c->doc.path)) < 0)
                return -ENOMEM;
        STRV_FOREACH(a, c->doc.args)
                if (buffer_appendf(&b, strchr(*a, ' ') ? " '%s'" : " %s", *a) < 0)
                        return -ENOMEM;
        s = buffer_steal(&b);
        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

/* The name the user gave, as long as it still names this image. */
static int image_text(const Container *c, char **ret) {
        Image *image;

        if (image_manager_find(c->manager->config.images, c->doc.image, &image, NULL) >= 0 &&
            streq_ptr(image_id(image), c->doc.image_id))
                return free_and_strdup(ret, c->doc.image);
        return free_and_strdup(ret, c->doc.image_id);
}

static int copy_mounts(const Container *c, MountPointList *ret) {
        ret->items = new0(MountPoint, c->doc.mounts.n_items);
        if (!ret->items)
                return -ENOMEM;
        for (; ret->n_items < c->doc.mounts.n_items; ret->n_items++) {
                int r = json_copy(&MountPoint_json, c->doc.mounts.items + ret->n_items,
                                  ret->items + ret->n_items);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int summary_fill(Container *c, ContainerSummary *s) {
        int r;

        s->id = strdup(c->doc.id);
        s->image_id = strdup(strempty(c->doc.image_id));
        s->created = (int64_t) (c->doc.created / NSEC_PER_SEC);
        s->state = strdup(container_state_to_string(c->state));
        s->host_config.network_mode = strdup(c->doc.host_config.network_mode);
        if (!s->id || !s->image_id || !s->state || !s->host_config.network_mode)
                return -ENOMEM;
        r = strv_extendf(&s->names, "/%s", c->doc.name);
        if (r >= 0)
                r = image_text(c, &s->image);
        if (r >= 0)
                r = command_text(c, &s->command);
        if (r >= 0)
                r = container_status_text(c, &s->status);
        if (r >= 0)
                r = string_map_copy(&s->labels, &c->doc.config.labels);
        if (r >= 0)
                r = string_map_copy(&s->host_config.annotations, &c->doc.host_config.annotations);
        if (r >= 0)
                r = copy_mounts(c, &s->mounts);
        return r < 0 ? r : container_network_summary(c, s);
}

static int compare_created(const void *a, const void *b) {
        const Container *x = *(Container *const *) a, *y = *(Container *const *) b;

        return x->doc.created < y->doc.created ? 1 : x->doc.created > y->doc.created ? -1 : 0;
}

static bool listed(const Container *c, const ContainerListParams *p) {
        return p->all || p->limit > 0 || container_is_running(c) || c->state == CONTAINER_RESTARTING ||
                filters_get(&p->filters, "status") || filters_get(&p->filters, "exited");
}

int container_list(ContainerManager *m, const ContainerListParams *p, ContainerSummaryList *ret,
                   Error *reterr) {
        ListContext x = { .manager = m, .reterr = reterr };
        _cleanup_(container_summary_list_donep) ContainerSummaryList l = {};
        _cleanup_free_ Container **all = NULL;
        size_t n = 0;
        Container *c;
        int r;

        r = check_filters(&p->filters, reterr);
        if (r >= 0)
                r = resolve_times(&x, &p->filters);
        if (r < 0)
                return r;
        all = new0(Container *, hashmap_size(m->by_id));
        if (!all)
                return error_fill(reterr, -ENOMEM);
        HASHMAP_FOREACH(c, m->by_id)
                all[n++] = c;
        if (n > 1)
                qsort(all, n, sizeof(*all), compare_created);
        for (size_t i = 0; i < n; i++) {
                if (p->limit > 0 && l.n_items >= (size_t) p->limit)
                        break;
                if (!listed(all[i], p))
                        continue;
                r = list_matches(&x, all[i], &p->filters);
                if (r == 0)
                        continue;
                if (r > 0 && !GREEDY_REALLOC0(l.items, l.n_allocated, l.n_items + 1))
                        r = -ENOMEM;
                if (r > 0)
                        r = summary_fill(all[i], l.items + l.n_items++);
                if (r < 0)
                        return error_fill(reterr, r);
        }
        *ret = TAKE_STRUCT(l);
        return 0;
}

/* --- inspect --- */

static int inspect_health(const Container *c, Health **ret) {
        if (!c->doc.health)
                return 0;
        *ret = json_new(&Health_json);
        return *ret ? json_copy(&Health_json, c->doc.health, *ret) : -ENOMEM;
}

static int inspect_state(const Container *c, ContainerStateView *s) {
        *s = (ContainerStateView) {
                .status = strdup(container_state_to_string(c->state)),
                .running = container_is_running(c) || c->state == CONTAINER_RESTARTING,
                .paused = c->state == CONTAINER_PAUSED,
                .restarting = c->state == CONTAINER_RESTARTING,
                .oom_killed = c->doc.oom_killed,
                .dead = c->state == CONTAINER_DEAD,
                .pid = c->doc.pid,
                .exit_code = c->doc.exit_code,
                .error = strdup(strempty(c->doc.error)),
                .started_at = c->doc.started,
                .finished_at = c->doc.finished,
        };
        return s->status && s->error ? inspect_health(c, &s->health) : -ENOMEM;
}

static int inspect_graph_driver(Container *c, GraphDriver *g) {
        _cleanup_strv_free_ char **data = NULL;
        int r = 0;

        g->name = strdup(c->doc.storage_driver);
        if (!g->name)
                return -ENOMEM;
        if (c->image)
                r = rootfs_driver_data(c->manager->config.images, c->image, c->rw_dir, &data);
        STRV_FOREACH(s, data) {
                _cleanup_free_ char *key = memdup_suffix0(*s, strcspn(*s, "="));

                if (r < 0)
                        break;
                r = key ? string_map_set(&g->data, key, *s + strlen(key) + 1) : -ENOMEM;
        }
        return r;
}

static int inspect_paths(const Container *c, ContainerInspect *i) {
        bool file = streq(c->doc.host_config.log_config.type, "json-file");

        if (asprintf_safe(&i->resolv_conf_path, "%s/resolv.conf", c->data_dir) < 0 ||
            asprintf_safe(&i->hostname_path, "%s/hostname", c->data_dir) < 0 ||
            asprintf_safe(&i->hosts_path, "%s/hosts", c->data_dir) < 0 ||
            asprintf_safe(&i->name, "/%s", c->doc.name) < 0 ||
            (file && asprintf_safe(&i->log_path, "%s/%s-json.log", c->data_dir, c->doc.id) < 0))
                return -ENOMEM;
        return 0;
}

int container_inspect(Container *c, ContainerInspect *ret, Error *reterr) {
        _cleanup_(ContainerInspect_donep) ContainerInspect i = {
                .id = strdup(c->doc.id),
                .created = c->doc.created,
                .path = strdup(strempty(c->doc.path)),
                .args = strv_copy(c->doc.args),
                .image = strdup(strempty(c->doc.image_id)),
                .restart_count = c->doc.restart_count,
                .driver = strdup(c->doc.storage_driver),
                .platform = strdup(strempty(c->doc.image_os)),
        };
        int r;

        if (!i.id || !i.path || !i.image || !i.driver || !i.platform)
                return error_fill(reterr, -ENOMEM);
        r = inspect_state(c, &i.state);
        if (r >= 0)
                r = inspect_paths(c, &i);
        if (r >= 0)
                r = json_copy(&HostConfig_json, &c->doc.host_config, &i.host_config);
        if (r >= 0)
                r = json_copy(&ContainerConfig_json, &c->doc.config, &i.config);
        if (r >= 0)
                r = inspect_graph_driver(c, &i.graph_driver);
        if (r >= 0)
                r = container_exec_ids(c, &i.exec_ids);
        if (r >= 0)
                r = copy_mounts(c, &i.mounts);
        if (r >= 0)
                r = container_network_settings(c, &i.network_settings);
        if (r < 0)
                return error_fill(reterr, r);
        *ret = TAKE_STRUCT(i);
        return 0;
}
