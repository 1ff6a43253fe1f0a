/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-config.h"

#include "basic/path-util.h"
#include "basic/process-util.h"
#include "container/container-devices.h"
#include "container/container-security.h"
#include "container/health-state.h"
#include "logdriver/log-driver.h"
#include "network/hosts-file.h"
#include "network/resolv-conf.h"
#include "runtime/spec.h"

#define SHM_SIZE_DEFAULT (64LL * 1024 * 1024)
#define CPU_SHARES_MIN 2
#define CPU_SHARES_MAX 262144

const char *namespace_of_container(const char *mode) {
        return startswith(strempty(mode), "container:");
}

/* --- merging with the image --- */

static int default_string(char **p, const char *image) {
        return isempty(*p) && !isempty(image) ? free_and_strdup(p, image) : 0;
}

static int default_strv(char ***l, char *const *image) {
        if (*l || !image)
                return 0;
        *l = strv_copy(image);
        return *l ? 0 : -ENOMEM;
}

static int unite(char ***l, char *const *image) {
        STRV_FOREACH(s, image)
                if (!strv_contains(*l, *s)) {
                        int r = strv_extend(l, *s);

                        if (r < 0)
                                return r;
                }
        return 0;
}

/* "NAME=value" or "NAME", which takes the variable away. */
static bool env_has_name(char *const *env, const char *assignment) {
        size_t n = strcspn(assignment, "=");

        STRV_FOREACH(s, env)
                if (strcspn(*s, "=") == n && strncmp(*s, assignment, n) == 0)
                        return true;
        return false;
}

/* The image's variables follow the user's. */
static int merge_env(char ***env, char *const *image) {
        STRV_FOREACH(s, image)
                if (!env_has_name(*env, *s)) {
                        int r = strv_extend(env, *s);

                        if (r < 0)
                                return r;
                }
        return 0;
}

static int merge_labels(StringMap *labels, const StringMap *image) {
        StringMap all = {};
        int r;

        r = string_map_copy(&all, image);
        if (r >= 0)
                r = string_map_copy(&all, labels);
        if (r < 0) {
                string_map_done(&all);
                return r;
        }
        string_map_done(labels);
        *labels = all;
        return 0;
}

/* An entrypoint of the user's own does not take the image's command; [""] means none at all. */
static int merge_command(ContainerConfig *c, const OciImageConfig *image) {
        int r = 0;

        if (strv_isempty(c->entrypoint)) {
                if (strv_isempty(c->cmd)) {
                        c->cmd = strv_free(c->cmd);
                        r = default_strv(&c->cmd, image->cmd);
                }
                if (r >= 0)
                        r = default_strv(&c->entrypoint, image->entrypoint);
        }
        if (strv_length(c->entrypoint) == 1 && c->entrypoint[0][0] == 0)
                c->entrypoint = strv_free(c->entrypoint);
        return r;
}

/* One that is not absolute is refused as it was written. */
static int clean_working_dir(char **p) {
        _cleanup_free_ char *clean = NULL;
        int r;

        if (isempty(*p) || (*p)[0] != '/')
                return 0;
        r = path_clean(*p, &clean);
        return r < 0 ? r : free_and_strdup(p, clean);
}

int container_config_merge(ContainerConfig *c, const OciImageConfig *image, Error *reterr) {
        int r;

        r = default_string(&c->user, image->user);
        if (r >= 0)
                r = unite(&c->exposed_ports, image->exposed_ports);
        if (r >= 0)
                r = merge_env(&c->env, image->env);
        if (r >= 0)
                r = merge_labels(&c->labels, &image->labels);
        if (r >= 0)
                r = merge_command(c, image);
        if (r >= 0)
                r = default_string(&c->working_dir, image->working_dir);
        if (r >= 0)
                r = clean_working_dir(&c->working_dir);
        if (r >= 0)
                r = unite(&c->volumes, image->volumes);
        if (r >= 0)
                r = default_string(&c->stop_signal, image->stop_signal);
        if (r >= 0)
                r = health_config_merge(&c->healthcheck, image->healthcheck);
        if (strv_isempty(c->volumes))
                c->volumes = strv_free(c->volumes);     /* null, as with Docker */
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* --- checks of the portable part --- */

int container_config_check(const ContainerConfig *c, Error *reterr) {
        if (strv_isempty(c->entrypoint) && strv_isempty(c->cmd))
                return error_setf(reterr, ERROR_INVALID, "no command specified");
        if (!isempty(c->working_dir) && c->working_dir[0] != '/')
                return error_setf(reterr, ERROR_INVALID,
                                  "the working directory '%s' is invalid, it needs to be an absolute path",
                                  c->working_dir);
        if (!isempty(c->stop_signal) && signal_from_string(c->stop_signal) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid signal: %s", c->stop_signal);
        STRV_FOREACH(s, c->env)
                if ((*s)[0] == '=' || (*s)[0] == 0)
                        return error_setf(reterr, ERROR_INVALID, "invalid environment variable: %s", *s);
        if (strlen(strempty(c->hostname)) > 63 || string_has_control(strempty(c->hostname)))
                return error_setf(reterr, ERROR_INVALID, "invalid hostname format: %s", c->hostname);
        return 0;
}

/* --- the host part: defaults --- */

static int complete_log_config(ContainerManager *m, LogConfig *l) {
        const DaemonContainerConfig *d = m->config.defaults;
        int r;

        if (!isempty(l->type) && !streq(l->type, d->log_driver))
                return 0;
        r = default_string(&l->type, d->log_driver);
        STRV_FOREACH(o, d->log_opts) {
                _cleanup_free_ char *key = memdup_suffix0(*o, strcspn(*o, "="));

                if (r < 0)
                        break;
                if (!key)
                        return -ENOMEM;
                if (!string_map_get(&l->config, key))
                        r = string_map_set(&l->config, key, *o + strlen(key) + 1);
        }
        return r;
}

static int complete_ulimits(ContainerManager *m, HostConfig *h) {
        const DaemonUlimitList *d = &m->config.defaults->ulimits;

        for (size_t i = 0; i < d->n_items; i++) {
                size_t n = h->resources.ulimits.n_items;
                bool given = false;
                Ulimit *items;

                for (size_t k = 0; k < n; k++)
                        given = given || streq_ptr(h->resources.ulimits.items[k].name, d->items[i].name);
                if (given)
                        continue;
                items = reallocarray(h->resources.ulimits.items, n + 1, sizeof(*items));
                if (!items)
                        return -ENOMEM;
                h->resources.ulimits.items = items;
                items[n] = (Ulimit) { strdup(d->items[i].name), d->items[i].hard, d->items[i].soft };
                if (!items[n].name)
                        return -ENOMEM;
                h->resources.ulimits.n_items++;
        }
        return 0;
}

static int complete_console_size(HostConfig *h) {
        if (h->console_size.n_items == 2)
                return 0;
        free(h->console_size.items);
        h->console_size.items = new0(int64_t, 2);
        h->console_size.n_items = h->console_size.items ? 2 : 0;
        return h->console_size.items ? 0 : -ENOMEM;
}

static int complete_modes(ContainerManager *m, HostConfig *h) {
        const DaemonContainerConfig *d = m->config.defaults;
        const OciRuntime *runtime;
        int r;

        /* "default" is what clients send that choose none */
        if (isempty(h->network_mode) || streq(h->network_mode, "default")) {
                r = free_and_strdup(&h->network_mode, network_manager_default(m->config.networks));
                if (r < 0)
                        return r;
        }
        r = default_string(&h->ipc_mode, d->ipc_mode ?: "private");
        if (r >= 0)
                r = default_string(&h->cgroupns_mode,
                                   d->cgroupns_mode ?:
                                                      (m->config.capabilities->cgroup_version == 2 &&
                                                                                    !h->privileged ?
                                                                       "private" :
                                                                       "host"));
        if (r >= 0)
                r = default_string(&h->restart_policy.name, "no");
        if (r >= 0 && isempty(h->runtime) && (runtime = oci_runtimes_default(m->config.runtimes)))
                r = default_string(&h->runtime, runtime->name);
        if (r >= 0)
                r = default_string(&h->resources.cgroup_parent, d->cgroup_parent);
        return r;
}

/* Limits in their normal form, before resources_check() sees them. */
static void normalize_resources(ContainerResources *res) {
        if (res->memory > 0 && res->memory_swap == 0)
                res->memory_swap = res->memory > INT64_MAX / 2 ? INT64_MAX : res->memory * 2;
        if (res->pids_limit.set && res->pids_limit.value <= 0)
                res->pids_limit = (OptionalInt) {};
        if (res->memory_swappiness.set && res->memory_swappiness.value == -1)
                res->memory_swappiness = (OptionalInt) {};
}

static void clamp_shares(ContainerResources *res) {
        if (res->cpu_shares > 0 && res->cpu_shares < CPU_SHARES_MIN)
                res->cpu_shares = CPU_SHARES_MIN;
        if (res->cpu_shares > CPU_SHARES_MAX)
                res->cpu_shares = CPU_SHARES_MAX;
}

static void clear_throttles(ThrottleDeviceList *l) {
        for (size_t i = 0; i < l->n_items; i++)
                free(l->items[i].path);
        l->items = mfree(l->items);
        l->n_items = 0;
}

/* Each list of block devices whose limit was dropped. */
static void take_back_devices(ContainerResources *res, const SpecResources *s) {
        if (s->n_read_bps == 0 && res->blkio_device_read_bps.n_items > 0)
                clear_throttles(&res->blkio_device_read_bps);
        if (s->n_write_bps == 0 && res->blkio_device_write_bps.n_items > 0)
                clear_throttles(&res->blkio_device_write_bps);
        if (s->n_read_iops == 0 && res->blkio_device_read_iops.n_items > 0)
                clear_throttles(&res->blkio_device_read_iops);
        if (s->n_write_iops == 0 && res->blkio_device_write_iops.n_items > 0)
                clear_throttles(&res->blkio_device_write_iops);
        for (size_t i = 0; s->n_weight_devices == 0 && i < res->blkio_weight_device.n_items; i++)
                free(res->blkio_weight_device.items[i].path);
        if (s->n_weight_devices == 0 && res->blkio_weight_device.n_items > 0) {
                res->blkio_weight_device.items = mfree(res->blkio_weight_device.items);
                res->blkio_weight_device.n_items = 0;
        }
}

/* What resources_check() dropped is dropped from the record too, so that inspect tells the truth. */
static void take_back_resources(ContainerResources *res, const SpecResources *s) {
        res->memory = s->memory;
        res->memory_swap = s->memory_swap;
        res->memory_reservation = s->memory_reservation;
        if (s->memory_swappiness < 0)
                res->memory_swappiness = (OptionalInt) {};
        if (!s->oom_kill_disable && res->oom_kill_disable == TRISTATE_TRUE)
                res->oom_kill_disable = TRISTATE_UNSET;
        res->cpu_shares = s->cpu_shares;
        res->nano_cpus = s->nano_cpus;
        res->cpu_period = s->cpu_period;
        res->cpu_quota = s->cpu_quota;
        if (!s->cpuset_cpus)
                res->cpuset_cpus = mfree(res->cpuset_cpus);
        if (!s->cpuset_mems)
                res->cpuset_mems = mfree(res->cpuset_mems);
        if (s->pids_limit == 0 && res->pids_limit.value > 0)
                res->pids_limit = (OptionalInt) {};
        res->blkio_weight = s->blkio_weight;
        take_back_devices(res, s);
}

void resources_from_host_config(const HostConfig *h, SpecResources *ret) {
        const ContainerResources *res = &h->resources;

        *ret = (SpecResources) {
                .memory = res->memory,
                .memory_swap = res->memory_swap,
                .memory_reservation = res->memory_reservation,
                .memory_swappiness = res->memory_swappiness.set ? res->memory_swappiness.value : -1,
                .oom_kill_disable = res->oom_kill_disable == TRISTATE_TRUE,
                .cpu_shares = res->cpu_shares,
                .nano_cpus = res->nano_cpus,
                .cpu_period = res->cpu_period,
                .cpu_quota = res->cpu_quota,
                .cpu_rt_period = res->cpu_realtime_period,
                .cpu_rt_runtime = res->cpu_realtime_runtime,
                .cpuset_cpus = empty_to_null(res->cpuset_cpus),
                .cpuset_mems = empty_to_null(res->cpuset_mems),
                .pids_limit = res->pids_limit.set ? res->pids_limit.value : 0,
                .blkio_weight = res->blkio_weight,
        };
}

int host_config_check_resources(ContainerManager *m, HostConfig *h, char ***warnings, Error *reterr) {
        _cleanup_free_ SpecThrottle *throttles = NULL;
        SpecResources s;
        int r;

        if (h->resources.cpu_shares < 0)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid CPU shares (%lld): value must be a positive integer",
                                  (long long) h->resources.cpu_shares);
        clamp_shares(&h->resources);
        resources_from_host_config(h, &s);
        r = container_block_limits(h, &s, &throttles, reterr);
        if (r >= 0)
                r = resources_check(&s, m->config.capabilities, warnings, reterr);
        if (r < 0)
                return r;
        take_back_resources(&h->resources, &s);
        return 0;
}

/* Privileged hides nothing; the list of a request, an empty one too, is taken as it is. */
static int complete_paths(HostConfig *h) {
        _cleanup_strv_free_ char **masked = NULL, **readonly = NULL;

        if (h->privileged)
                return 0;
        if (spec_default_paths(&masked, &readonly) < 0)
                return -ENOMEM;
        if (!h->masked_paths)
                h->masked_paths = TAKE_PTR(masked);
        if (!h->readonly_paths)
                h->readonly_paths = TAKE_PTR(readonly);
        return 0;
}

/* The record keeps the spelling of the request. */
static int check_capabilities(const char *field, char *const *l, Error *reterr) {
        _cleanup_strv_free_ char **normal = NULL;
        int r;

        r = capability_normalize_list(l, &normal, reterr);
        return r < 0 ? error_prefixf(reterr, r, "invalid %s", field) : 0;
}

int host_config_drop_foreign_limits(ContainerResources *res, char ***warnings, Error *reterr) {
        const struct {
                int64_t *value;
                const char *warning;
        } table[] = {
                { &res->cpu_count,   "linux does not support CPU count. Count discarded."     },
                { &res->cpu_percent, "linux does not support CPU percent. Percent discarded." },
                { &res->kernel_memory,
                  "Your kernel does not support kernel memory limit capabilities or the cgroup is not "
                  "mounted. Limitation discarded." },
                { &res->kernel_memory_tcp,
                  "Your kernel does not support kernel memory TCP limit capabilities or the cgroup is not "
                  "mounted. Limitation discarded." },
        };

        if (res->io_maximum_bandwidth != 0)
                return error_setf(reterr, ERROR_INVALID, "invalid option: QoS maximum bandwidth configuration "
                                                         "is not supported on linux");
        if (res->io_maximum_iops != 0)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid option: QoS maximum IOPs configuration is not supported on linux");
        FOREACH_ELEMENT(t, table) {
                if (*t->value != 0 && strv_extend(warnings, t->warning) < 0)
                        return error_fill(reterr, -ENOMEM);
                *t->value = 0;
        }
        return 0;
}

int host_config_complete(ContainerManager *m, HostConfig *h, char ***warnings, Error *reterr) {
        int r;

        r = complete_modes(m, h);
        if (r >= 0)
                r = complete_log_config(m, &h->log_config);
        if (r >= 0)
                r = complete_ulimits(m, h);
        if (r >= 0)
                r = complete_console_size(h);
        if (r >= 0)
                r = complete_paths(h);
        if (r < 0)
                return error_fill(reterr, r);
        if (h->shm_size == 0)
                h->shm_size = m->config.defaults->shm_size > 0 ? (int64_t) m->config.defaults->shm_size :
                                                                 SHM_SIZE_DEFAULT;
        r = check_capabilities("CapAdd", h->cap_add, reterr);
        if (r >= 0)
                r = check_capabilities("CapDrop", h->cap_drop, reterr);
        if (r >= 0)
                r = host_config_drop_foreign_limits(&h->resources, warnings, reterr);
        if (r < 0)
                return r;
        normalize_resources(&h->resources);
        return host_config_check_resources(m, h, warnings, reterr);
}

/* --- the host part: checks --- */

int restart_policy_check(const RestartPolicy *p, Error *reterr) {
        static const char *const names[] = { "no", "always", "unless-stopped", "on-failure", NULL };
        const char *name = isempty(p->name) ? "no" : p->name;

        if (!strv_contains((char *const *) names, name))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid restart policy: unknown policy '%s'; use one of 'no', "
                                  "'always', 'on-failure', or 'unless-stopped'",
                                  name);
        if (p->maximum_retry_count != 0 && !streq(name, "on-failure"))
                return error_setf(
                                reterr, ERROR_INVALID,
                                "invalid restart policy: maximum retry count can only be used with 'on-failure'%s",
                                p->maximum_retry_count < 0 ? " and cannot be negative" : "");
        if (p->maximum_retry_count < 0)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid restart policy: maximum retry count cannot be negative");
        return 0;
}

static int check_restart_policy(const HostConfig *h, Error *reterr) {
        int r;

        r = restart_policy_check(&h->restart_policy, reterr);
        if (r < 0)
                return r;
        if (h->auto_remove && !streq(h->restart_policy.name, "no"))
                return error_setf(reterr, ERROR_INVALID,
                                  "can't create 'AutoRemove' container with restart policy");
        return 0;
}

static int check_names(const HostConfig *h, Error *reterr) {
        int r = 0;

        STRV_FOREACH(s, h->extra_hosts)
                if (r >= 0)
                        r = extra_host_validate(*s, reterr);
        STRV_FOREACH(s, h->dns)
                if (r >= 0)
                        r = dns_server_validate(*s, reterr);
        return r;
}

static int check_log_config(const HostConfig *h, Error *reterr) {
        _cleanup_strv_free_ char **options = NULL;

        for (size_t i = 0; i < h->log_config.config.n_items; i++)
                if (strv_extendf(&options, "%s=%s", h->log_config.config.items[i].key,
                                 strempty(h->log_config.config.items[i].value)) < 0)
                        return error_fill(reterr, -ENOMEM);
        return log_options_validate(h->log_config.type, options, reterr);
}

static int check_network_mode(const ContainerConfig *c, const HostConfig *h, Error *reterr) {
        if (streq(strempty(h->uts_mode), "host") && !isempty(c->hostname))
                return error_setf(reterr, ERROR_INVALID, "conflicting options: hostname and the UTS mode");
        if (!namespace_of_container(h->network_mode))
                return 0;
        if (!isempty(c->hostname))
                return error_setf(reterr, ERROR_INVALID,
                                  "conflicting options: hostname and the network mode");
        if (!strv_isempty(h->dns))
                return error_setf(reterr, ERROR_INVALID, "conflicting options: dns and the network mode");
        if (!strv_isempty(h->extra_hosts))
                return error_setf(reterr, ERROR_INVALID,
                                  "conflicting options: custom host-to-IP mapping and the network mode");
        if (h->port_bindings.n_items > 0 || h->publish_all_ports)
                return error_setf(
                                reterr, ERROR_INVALID,
                                "conflicting options: port publishing and the container type network mode");
        return 0;
}

static bool mode_is(const char *mode, const char *a, const char *b, const char *c) {
        return isempty(mode) || streq(mode, a) || (b && streq(mode, b)) || (c && streq(mode, c));
}

static int check_namespace_modes(const HostConfig *h, Error *reterr) {
        if (!mode_is(h->pid_mode, "host", "private", NULL) &&
            isempty(namespace_of_container(h->pid_mode)))
                return error_setf(reterr, ERROR_INVALID, "invalid PID mode: %s", h->pid_mode);
        if (!mode_is(h->uts_mode, "host", NULL, NULL))
                return error_setf(reterr, ERROR_INVALID, "invalid UTS mode: %s", h->uts_mode);
        if (!mode_is(h->cgroupns_mode, "host", "private", NULL))
                return error_setf(reterr, ERROR_INVALID, "invalid cgroup namespace mode: %s",
                                  h->cgroupns_mode);
        if (!mode_is(h->ipc_mode, "host", "private", "none") && !streq(h->ipc_mode, "shareable") &&
            !namespace_of_container(h->ipc_mode))
                return error_setf(reterr, ERROR_INVALID, "invalid IPC mode: %s", h->ipc_mode);
        if (!mode_is(h->userns_mode, "host", NULL, NULL))
                return error_setf(reterr, ERROR_INVALID, "invalid user namespace mode: %s", h->userns_mode);
        return 0;
}

/* Whose namespaces are to be joined is known by now. */
static int check_peers(ContainerManager *m, const HostConfig *h, Error *reterr) {
        const char *const modes[] = { h->pid_mode, h->ipc_mode };
        Container *other;

        FOREACH_ELEMENT(i, modes) {
                const char *peer = namespace_of_container(*i);

                if (peer && container_manager_find(m, peer, &other, NULL) < 0)
                        return error_setf(reterr, ERROR_INVALID, "No such container: %s", peer);
        }
        return 0;
}

static int check_annotations(const HostConfig *h, Error *reterr) {
        if (string_map_get(&h->annotations, ""))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid Annotations: the empty string is not permitted as an annotation "
                                  "key");
        return 0;
}

/* What is not there yet, one row each. */
static bool has_cgroup(const HostConfig *h) {
        return !isempty(h->cgroup);
}
static bool has_shareable_ipc(const HostConfig *h) {
        return streq_ptr(h->ipc_mode, "shareable") || namespace_of_container(h->ipc_mode);
}
static bool has_links(const HostConfig *h) {
        return !strv_isempty(h->links);
}
static bool has_device_requests(const HostConfig *h) {
        return h->resources.device_requests.n_items > 0;
}
static bool has_storage_opt(const HostConfig *h) {
        return h->storage_opt.n_items > 0;
}
static bool has_volume_driver(const HostConfig *h) {
        return !isempty(h->volume_driver) && !streq(h->volume_driver, "local");
}
static const struct {
        const char *feature;
        bool (*wanted)(const HostConfig *h);
} unsupported[] = {
        { "sharing IPC namespaces between containers (--ipc shareable, container:)", has_shareable_ipc },
        { "links (--link)",                                                           has_links           },
        { "device requests (--gpus)",                                                 has_device_requests },
        { "storage options (--storage-opt)",                                          has_storage_opt     },
        { "volume drivers (--volume-driver)",                                         has_volume_driver   },
        { "the cgroup of another container (Cgroup)",                                 has_cgroup          },
};

static int check_supported(const HostConfig *h, Error *reterr) {
        FOREACH_ELEMENT(u, unsupported)
                if (u->wanted(h))
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                          "%s: not supported by this engine yet", u->feature);
        return 0;
}

int host_config_check(ContainerManager *m, const ContainerConfig *c, const HostConfig *h, Error *reterr) {
        SecurityOptions security;
        const OciRuntime *runtime;
        int r;

        r = check_restart_policy(h, reterr);
        if (r >= 0)
                r = check_names(h, reterr);
        if (r >= 0)
                r = check_log_config(h, reterr);
        if (r >= 0)
                r = container_device_rules_check(h, reterr);
        if (r >= 0)
                r = check_network_mode(c, h, reterr);
        if (r >= 0)
                r = check_namespace_modes(h, reterr);
        if (r >= 0)
                r = check_peers(m, h, reterr);
        if (r >= 0)
                r = container_security_parse(h->security_opt, m->config.capabilities, &security, reterr);
        if (r >= 0)
                r = check_annotations(h, reterr);
        if (r >= 0)
                r = check_supported(h, reterr);
        if (r >= 0)
                r = supervisor_check_cgroup_parent(m->supervisor, h->resources.cgroup_parent, reterr);
        if (r >= 0)
                r = oci_runtimes_find(m->config.runtimes, h->runtime, &runtime, reterr);
        if (r < 0)
                return r;
        if (!isempty(h->isolation) && !streq(h->isolation, "default"))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid isolation (%s): linux only supports 'default'", h->isolation);
        if (h->shm_size < 0)
                return error_setf(reterr, ERROR_INVALID, "SHM size can not be less than 0");
        if (h->oom_score_adj < -1000 || h->oom_score_adj > 1000)
                return error_setf(reterr, ERROR_INVALID,
                                  "Invalid value %lld, range for oom score adj is [-1000, 1000]",
                                  (long long) h->oom_score_adj);
        return 0;
}
