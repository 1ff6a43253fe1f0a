/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on the engine itself: ping, version, info, events. */
#include "engine/calls.h"
#include "engine/engine-internal.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "api/system.h"
#include "basic/fileio.h"
#include "config.h"
#include "json/json-text.h"
#include "logdriver/log-driver.h"
#include "registry/registry-config.h"

#define OS_RELEASE_MAX 65536U
#define INDEX_SERVER "https://index.docker.io/v1/"

static const struct {
        const char *machine, *arch;
} architectures[] = {
        { "x86_64",  "amd64"   }, { "aarch64", "arm64" }, { "armv7l", "arm" },
        { "i686",    "386"     }, { "ppc64le", "ppc64le" }, { "s390x", "s390x" }, { "riscv64", "riscv64" },
};

static const char *go_arch(const char *machine) {
        FOREACH_ELEMENT(a, architectures)
                if (streq(a->machine, machine))
                        return a->arch;
        return machine;
}

static char *api_version_text(unsigned minor) {
        char *s = NULL;

        return asprintf_safe(&s, "1.%u", minor) < 0 ? NULL : s;
}

/* --- ping, version --- */

static int ping_call(Engine *e, Call *call) {
        _cleanup_free_ char *version = api_version_text(API_VERSION_MAX);
        SystemPing reply = {
                .api_version = version,
                .os_type = (char *) "linux",
                .experimental = e->config->experimental,
                .builder_version = (char *) "",
        };

        call_reply(call, &reply);
        return 1;
}

static int add_component(SystemVersion *v, const char *name, const char *version) {
        ComponentVersion *items = reallocarray(v->components.items, v->components.n_items + 1,
                                               sizeof(*items));

        if (!items)
                return -ENOMEM;
        v->components.items = items;
        items[v->components.n_items] = (ComponentVersion){ .name = strdup(name),
                                                           .version = strdup(strempty(version)) };
        return string_map_set(&items[v->components.n_items++].details, "GitCommit", "");
}

static int fill_components(Engine *e, SystemVersion *v) {
        StringMap *d;
        int r;

        r = add_component(v, "Engine", PROJECT_VERSION);
        if (r < 0)
                return r;
        d = &v->components.items[0].details;
        if (string_map_set(d, "GitCommit", PROJECT_COMMIT) < 0 ||
            string_map_set(d, "ApiVersion", v->api_version) < 0 ||
            string_map_set(d, "MinAPIVersion", v->min_api_version) < 0 ||
            string_map_set(d, "Arch", v->arch) < 0 || string_map_set(d, "Os", v->os) < 0 ||
            string_map_set(d, "KernelVersion", v->kernel_version) < 0 ||
            string_map_set(d, "GoVersion", "none") < 0 || string_map_set(d, "BuildTime", "") < 0 ||
            string_map_set(d, "Experimental", e->config->experimental ? "true" : "false") < 0)
                return -ENOMEM;
        r = oci_runtimes_settle(&e->runtimes);
        for (size_t i = 0; i < e->runtimes.n && r >= 0; i++)
                if (e->runtimes.runtimes[i].usable)
                        r = add_component(v, e->runtimes.runtimes[i].name, e->runtimes.runtimes[i].version);
        return r;
}

static int version_call(Engine *e, Call *call) {
        _cleanup_(SystemVersion_donep) SystemVersion v = {};
        struct utsname u;
        int r;

        assert(uname(&u) >= 0);
        v = (SystemVersion) {
                .platform.name = strdup("dockerd for systemd"),
                .version = strdup(PROJECT_VERSION),
                .api_version = api_version_text(API_VERSION_MAX),
                .min_api_version = strdup(e->config->min_api_version ?: "1.24"),
                .git_commit = strdup(PROJECT_COMMIT),
                .go_version = strdup("none"),
                .os = strdup("linux"),
                .arch = strdup(go_arch(u.machine)),
                .kernel_version = strdup(u.release),
                .experimental = e->config->experimental,
        };
        r = fill_components(e, &v);
        if (r < 0)
                return error_fill(&call->error, r);
        call_reply(call, &v);
        return 1;
}

/* --- info --- */

static char *os_release_field(const char *text, const char *key) {
        _cleanup_strv_free_ char **lines = NULL;
        size_t n = strlen(key);

        if (strv_split(text, "\n", &lines) < 0)
                return NULL;
        STRV_FOREACH(l, lines)
                if (strncmp(*l, key, n) == 0 && (*l)[n] == '=') {
                        char *v = *l + n + 1;
                        size_t k = strlen(v);

                        if (k >= 2 && v[0] == '"' && v[k - 1] == '"')
                                return memdup_suffix0(v + 1, k - 2);
                        return strdup(v);
                }
        return NULL;
}

static int info_host(SystemInfo *i) {
        _cleanup_free_ char *release = NULL;
        struct sysinfo si;
        struct utsname u;

        assert(uname(&u) >= 0);
        if (sysinfo(&si) < 0)
                return -errno;
        i->kernel_version = strdup(u.release);
        i->architecture = strdup(u.machine);
        i->name = strdup(u.nodename);
        i->os_type = strdup("linux");
        i->n_cpu = sysconf(_SC_NPROCESSORS_ONLN);
        i->mem_total = (int64_t) si.totalram * si.mem_unit;
        if (read_file_at(AT_FDCWD, "/etc/os-release", OS_RELEASE_MAX, &release, NULL) >= 0) {
                i->operating_system = os_release_field(release, "PRETTY_NAME");
                i->os_version = os_release_field(release, "VERSION_ID");
        }
        return i->kernel_version && i->architecture && i->name && i->os_type ? 0 : -ENOMEM;
}

static int64_t count_fds(void) {
        DIR *d = opendir("/proc/self/fd");
        int64_t n = -3;         /* ".", ".." and the directory itself */

        if (!d)
                return 0;
        while (readdir(d))
                n++;
        closedir(d);
        return n;
}

static int info_storage(Engine *e, SystemInfo *i) {
        _cleanup_strv_free_ char **status = NULL;
        int r;

        i->driver = strdup(image_manager_storage_driver(e->images));
        r = i->driver ? image_manager_driver_status(e->images, &status) : -ENOMEM;
        if (r < 0)
                return r;
        i->driver_status.items = new0(char **, strv_length(status));
        if (!i->driver_status.items)
                return -ENOMEM;
        STRV_FOREACH(s, status) {
                char ***row = i->driver_status.items + i->driver_status.n_items++;
                _cleanup_free_ char *key = memdup_suffix0(*s, strcspn(*s, "="));

                if (!key || strv_extend(row, key) < 0 || strv_extend(row, *s + strlen(key) + 1) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int info_runtimes(Engine *e, SystemInfo *i) {
        const OciRuntime *default_runtime = oci_runtimes_default(&e->runtimes);

        i->runtimes.items = new0(RuntimeInfoEntry, e->runtimes.n);
        if (!i->runtimes.items)
                return -ENOMEM;
        for (size_t k = 0; k < e->runtimes.n; k++) {
                const OciRuntime *r = e->runtimes.runtimes + k;

                if (!r->usable)
                        continue;
                i->runtimes.items[i->runtimes.n_items++] = (RuntimeInfoEntry) {
                        .key = strdup(r->name),
                        .value = { .path = strdup(r->path), .runtime_args = strv_copy(r->args) },
                };
        }
        i->default_runtime = strdup(default_runtime ? default_runtime->name : "");
        i->runc_commit.id = strdup(default_runtime ? strempty(default_runtime->version) : "");
        i->containerd_commit.id = strdup("");
        i->init_commit.id = strdup("");
        i->runc_commit.expected = strdup(strempty(i->runc_commit.id));
        i->init_binary = strdup(strempty(e->containers->init_path));
        return i->default_runtime && i->runc_commit.id && i->init_binary ? 0 : -ENOMEM;
}

static int info_plugins(SystemInfo *i) {
        if (strv_split("bridge host null", " ", &i->plugins.network) < 0 ||
            !(i->plugins.log = strv_copy((char *const *) log_driver_names)) ||
            !(i->plugins.volume = strv_new_empty()))
                return -ENOMEM;
        return 0;
}

/* A client of such a socket can become root. */
static int warn_of_hosts(const EngineConfig *c, char ***warnings) {
        const char *lack = !c->tls ? "encryption" : "TLS client verification";
        int r = 0;

        if (c->tls && c->tls_verify)
                return 0;
        STRV_FOREACH(h, c->hosts)
                if (r >= 0 && startswith(*h, "tcp://"))
                        r = strv_extendf(warnings, "WARNING: API is accessible on %s://%s without %s; access "
                                         "to it is the same as root access on this host",
                                         c->tls ? "https" : "http", *h + strlen("tcp://"), lack);
        return r;
}

static int info_warnings(Engine *e, SystemInfo *i) {
        int r;

        r = host_capabilities_warnings(&e->capabilities, &i->warnings);
        if (r >= 0)
                r = warn_of_hosts(e->config, &i->warnings);
        return r < 0 ? r : network_manager_warnings(e->networks, &i->warnings);
}

static int info_security(Engine *e, SystemInfo *i) {
        int r = 0;

        if (e->capabilities.seccomp)
                r = strv_extendf(&i->security_options, "name=seccomp,profile=%s",
                                 e->config->container.seccomp_profile ?: "builtin");
        if (r >= 0 && e->capabilities.cgroup_namespace)
                r = strv_extend(&i->security_options, "name=cgroupns");
        return r;
}

static void info_capabilities(const HostCapabilities *h, SystemInfo *i) {
        i->memory_limit = h->memory_limit;
        i->swap_limit = h->swap_limit;
        i->cpu_cfs_period = i->cpu_cfs_quota = h->cpu_cfs;
        i->cpu_shares = h->cpu_shares;
        i->cpu_set = h->cpuset;
        i->pids_limit = h->pids_limit;
        i->oom_kill_disable = h->oom_kill_disable;
        i->ipv4_forwarding = h->ipv4_forwarding;
}

/* "http://user:password@host" -> "http://xxxxx:xxxxx@host", as upstream shows it. */
static char *mask_credentials(const char *url) {
        const char *scheme = strstr(url, "://"), *host = scheme ? scheme + 3 : url;
        const char *at = memrchr(host, '@', strcspn(host, "/?#"));
        _cleanup_free_ char *before = NULL;

        if (!scheme || !at)
                return strdup(url);
        before = memdup_suffix0(url, (size_t) (host - url));
        return before ? strjoin(before, "xxxxx:xxxxx", at) : NULL;
}

static int info_registry(const DaemonRegistryConfig *c, SystemInfo *i) {
        RegistryProxies p = {};
        int r;

        r = registry_service_config(c, &i->registry_config);
        if (r >= 0)
                r = registry_proxies(c, &p);
        if (r >= 0) {
                i->http_proxy = mask_credentials(p.http);
                i->https_proxy = mask_credentials(p.https);
                i->no_proxy = strdup(p.no_proxy);
                r = i->http_proxy && i->https_proxy && i->no_proxy ? 0 : -ENOMEM;
        }
        json_done(&RegistryProxies_json, &p);
        return r;
}

static int info_config(Engine *e, SystemInfo *i) {
        const EngineConfig *c = e->config;
        char stamp[TIME_RFC3339_MAX];

        i->id = strdup(e->id);
        i->debug = c->debug;
        i->experimental_build = c->experimental;
        i->live_restore_enabled = true;
        i->docker_root_dir = strdup(c->data_root);
        i->logging_driver = strdup(c->container.log_driver);
        i->cgroup_driver = strdup(e->supervisor && supervisor_kind(e->supervisor) == SUPERVISOR_SYSTEMD ?
                                                  "systemd" :
                                                  "cgroupfs");
        i->cgroup_version = strdup(e->capabilities.cgroup_version == 2 ? "2" : "1");
        i->server_version = strdup(PROJECT_VERSION);
        i->system_time = strdup(format_rfc3339(stamp, now_nsec()));
        i->index_server_address = strdup(INDEX_SERVER);
        i->swarm.local_node_state = strdup("inactive");
        i->firewall_backend.driver = strdup("nftables");
        i->labels = strv_copy(c->labels);
        i->n_fd = count_fds();
        i->n_goroutines = 1;
        i->n_events_listener = (int64_t) event_hub_n_subscribers(e->events);
        return i->id && i->docker_root_dir && i->logging_driver && i->server_version && i->system_time ?
                               0 :
                               -ENOMEM;
}

static int info_call(Engine *e, Call *call) {
        _cleanup_(SystemInfo_donep) SystemInfo i = {};
        EngineCounts n;
        int r;

        engine_counts(e, &n);
        i.containers = n.containers;
        i.containers_running = n.running;
        i.containers_paused = n.paused;
        i.containers_stopped = n.stopped;
        i.images = n.images;
        info_capabilities(&e->capabilities, &i);
        r = info_config(e, &i);
        if (r >= 0)
                r = info_registry(&e->config->registry, &i);
        if (r >= 0)
                r = info_host(&i);
        if (r >= 0)
                r = info_storage(e, &i);
        if (r >= 0)
                r = info_runtimes(e, &i);
        if (r >= 0)
                r = info_plugins(&i);
        if (r >= 0)
                r = info_security(e, &i);
        if (r >= 0)
                r = info_warnings(e, &i);
        if (r < 0)
                return error_fill(&call->error, r);
        call_reply(call, &i);
        return 1;
}

/* --- events --- */

typedef struct EventsStream {
        Call *call;             /* back-pointer */
        EventSubscriber subscriber;
        bool subscribed;
        nsec_t until;
        bool has_until;
        sd_event_source *timer;
} EventsStream;

static void events_stream_free(void *p) {
        EventsStream *s = p;

        if (s->subscribed)
                event_hub_unsubscribe(engine_events(s->call->engine), &s->subscriber);
        sd_event_source_disable_unref(s->timer);
        free(s);
}

static void send_event(const Event *event, void *userdata) {
        EventsStream *s = userdata;
        const SystemEventsParams *p = s->call->params;
        struct json_object *o;

        if (!event_matches(event, &p->filters) || (s->until != 0 && event->time > s->until))
                return;
        o = event_to_json(event, s->call->version);
        if (o)
                (void) call_stream_json(s->call, o);
}

static void on_events_gone(Call *call) {
        EventsStream *s = call->data;

        call->data = NULL;
        events_stream_free(s);
}

static int on_until(sd_event_source *source, uint64_t usec, void *userdata) {
        EventsStream *s = userdata;
        Call *call = s->call;

        call->data = NULL;
        events_stream_free(s);
        call_stream_close(call, NULL);
        return 0;
}

static int follow_events(Engine *e, EventsStream *s) {
        int r;

        r = event_hub_subscribe(e->events, &s->subscriber);
        if (r < 0)
                return error_setf(&s->call->error, ERROR_UNAVAILABLE, "too many listeners of events");
        s->subscribed = true;
        if (!s->has_until)
                return 0;
        return sd_event_add_time(e->event, &s->timer, CLOCK_REALTIME, s->until / NSEC_PER_USEC, 0, on_until,
                                 s);
}

/* 0: before every event. */
static int parse_event_time(const char *text, nsec_t *ret, Error *reterr) {
        nsec_t ago, now = now_nsec();

        *ret = 0;
        if (isempty(text) || parse_timestamp(text, ret) >= 0 ||
            (text[0] == '-' && parse_timestamp(text + 1, &ago) >= 0))
                return 0;
        if (parse_go_duration(text, &ago) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid timestamp: %s", text);
        *ret = now - min_u64(ago, now);
        return 0;
}

static int events_call(Engine *e, Call *call) {
        const SystemEventsParams *p = call->params;
        bool has_until = !isempty(p->until);
        nsec_t since, until;
        EventsStream *s;
        int r;

        r = parse_event_time(p->since, &since, &call->error);
        if (r >= 0)
                r = parse_event_time(p->until, &until, &call->error);
        if (r < 0)
                return r;
        if (until != 0 && since > until)
                return error_setf(&call->error, ERROR_INVALID,
                                  "`since` time (%s) cannot be after `until` time (%s)", p->since, p->until);
        s = new0(EventsStream, 1);
        if (!s)
                return error_fill(&call->error, -ENOMEM);
        *s = (EventsStream) {
                .call = call, .until = until, .has_until = has_until, .subscriber = { send_event, s },
        };
        call->data = s;
        call->data_free = events_stream_free;
        call->on_gone = on_events_gone;
        r = call_stream_open(call, CALL_STREAM_JSON);
        if (r < 0)
                return error_fill(&call->error, r);
        /* Either of them asks for what has been; without both only what comes is told. */
        if (has_until || !isempty(p->since))
                event_hub_replay(e->events, since, until, send_event, s);
        return follow_events(e, s);
}

/* --- rows --- */

const EngineCall engine_call_system_ping = {
        "SystemPing", NULL, &SystemPing_json, NULL, CALL_PUBLIC, ping_call, "Tells that the engine answers.",
};
const EngineCall engine_call_system_version = {
        "SystemVersion", NULL, &SystemVersion_json, "system-version", 0, version_call, "Returns versions.",
};
const EngineCall engine_call_system_info = {
        "SystemInfo",
        NULL,
        &SystemInfo_json,
        "system-info",
        0,
        info_call,
        "Describes the engine and its host.",
};
const EngineCall engine_call_system_events = {
        "SystemEvents", &SystemEventsParams_json, NULL, "system-events", CALL_STREAM,
        events_call,    "Streams what happens.",
};
