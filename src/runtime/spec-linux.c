/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, sysctls, limits and labels. */
#include <unistd.h>

#include "runtime/spec-internal.h"

static int add_namespace(OciSpec *o, const char *type, const SpecNamespace *n) {
        OciNamespace *x;

        if (n->mode == SPEC_NS_HOST)
                return 0;
        x = OCI_APPEND(o->lnx.namespaces);
        if (!x)
                return -ENOMEM;
        x->type = strdup(type);
        if (n->mode == SPEC_NS_PATH)
                x->path = strdup(n->path);
        return x->type && (n->mode != SPEC_NS_PATH || x->path) ? 0 : -ENOMEM;
}

int spec_step_namespaces(const SpecInput *in, OciSpec *o, Error *reterr) {
        static const SpecNamespace private = { .mode = SPEC_NS_PRIVATE };
        const struct {
                const char *type;
                const SpecNamespace *n;
        } table[] = {
                { "mount",   &private     },
                { "network", &in->network },
                { "uts",     &in->uts     },
                { "pid",     &in->pid     },
                { "ipc",     &in->ipc     },
                { "cgroup",  &in->cgroup  },
        };
        int r;

        FOREACH_ELEMENT(i, table) {
                r = add_namespace(o, i->type, i->n);
                if (r < 0)
                        return r;
        }
        if (in->user.mode == SPEC_NS_PATH) {
                r = add_namespace(o, "user", &in->user);
                if (r < 0)
                        return r;
        }

        if (in->uts.mode != SPEC_NS_HOST && !isempty(in->hostname)) {
                o->hostname = strdup(in->hostname);
                if (!o->hostname)
                        return -ENOMEM;
        }
        return 0;
}

static int add_default_sysctl(const SpecInput *in, StringMap *m, const char *file, const char *key,
                              const char *value) {
        if (in->network.mode == SPEC_NS_HOST || access(file, F_OK) < 0 || string_map_get(m, key))
                return 0;
        return string_map_set(m, key, value);
}

int spec_step_sysctls(const SpecInput *in, OciSpec *o, Error *reterr) {
        StringMap *m = &o->lnx.sysctl;
        int r;

        STRV_FOREACH(s, in->sysctls) {
                _cleanup_free_ char *key = NULL;
                const char *equals = strchr(*s, '=');

                if (!equals)
                        return error_setf(reterr, ERROR_INVALID, "invalid sysctl '%s'", *s);
                key = strndup(*s, (size_t) (equals - *s));
                r = key ? string_map_set(m, key, equals + 1) : -ENOMEM;
                if (r < 0)
                        return r;
        }

        /* The domain name as a sysctl: runtimes of version 1.0 of the specification do not know the member.
         * */
        if (in->uts.mode != SPEC_NS_HOST && !isempty(in->domainname)) {
                r = string_map_set(m, "kernel.domainname", in->domainname);
                if (r < 0)
                        return r;
        }

        /* Low ports and ping need no rights inside a network of one's own. */
        r = add_default_sysctl(in, m, "/proc/sys/net/ipv4/ip_unprivileged_port_start",
                               "net.ipv4.ip_unprivileged_port_start", "0");
        if (r < 0)
                return r;
        return add_default_sysctl(in, m, "/proc/sys/net/ipv4/ping_group_range", "net.ipv4.ping_group_range",
                                  "0 2147483647");
}

/* --- limits --- */

/* 0 is "not set" in SpecResources. */
static OptionalInt optional(int64_t v) {
        return (OptionalInt) { .set = v != 0, .value = v };
}

static int add_memory(const SpecResources *s, OciResources *o) {
        OciMemory m = {
                .limit = optional(s->memory),
                .reservation = optional(s->memory_reservation),
                /* Unlimited swap is what the kernel begins with; setting it would need swap accounting. */
                .swap = optional(s->memory_swap > 0 ? s->memory_swap : 0),
                .swappiness = { .set = s->memory_swappiness >= 0, .value = s->memory_swappiness },
                .disable_oom_killer = s->oom_kill_disable ? TRISTATE_TRUE : TRISTATE_UNSET,
        };

        if (!m.limit.set && !m.reservation.set && !m.swap.set && !m.swappiness.set && !s->oom_kill_disable)
                return 0;
        o->memory = json_new(&OciMemory_json);
        if (!o->memory)
                return -ENOMEM;
        *o->memory = m;
        return 0;
}

static int add_cpu(const SpecResources *s, OciResources *o) {
        int64_t quota, period;
        OciCpu *c;

        spec_resources_cpu_quota(s, &quota, &period);
        if (s->cpu_shares == 0 && quota == 0 && period == 0 && s->cpu_rt_runtime == 0 &&
            s->cpu_rt_period == 0 && isempty(s->cpuset_cpus) && isempty(s->cpuset_mems))
                return 0;

        c = o->cpu = json_new(&OciCpu_json);
        if (!c)
                return -ENOMEM;
        c->shares = optional(s->cpu_shares);
        c->quota = optional(quota);
        c->period = optional(period);
        c->realtime_runtime = optional(s->cpu_rt_runtime);
        c->realtime_period = optional(s->cpu_rt_period);
        if (!isempty(s->cpuset_cpus)) {
                c->cpus = strdup(s->cpuset_cpus);
                if (!c->cpus)
                        return -ENOMEM;
        }
        if (!isempty(s->cpuset_mems)) {
                c->mems = strdup(s->cpuset_mems);
                if (!c->mems)
                        return -ENOMEM;
        }
        return 0;
}

static int add_pids(const SpecResources *s, OciResources *o) {
        if (s->pids_limit == 0)
                return 0;
        o->pids = json_new(&OciPids_json);
        if (!o->pids)
                return -ENOMEM;
        o->pids->limit = s->pids_limit;
        return 0;
}

static int add_block_io(const SpecResources *s, OciResources *o) {
        OciBlockIO *b;

        if (s->blkio_weight == 0 && s->n_weight_devices + s->n_read_bps + s->n_write_bps + s->n_read_iops +
            s->n_write_iops == 0)
                return 0;
        b = o->block_io = json_new(&OciBlockIO_json);
        if (!b)
                return -ENOMEM;
        b->weight = optional(s->blkio_weight);

        for (size_t i = 0; i < s->n_weight_devices; i++) {
                OciWeightDevice *w = OCI_APPEND(b->weight_device);

                if (!w)
                        return -ENOMEM;
                *w = (OciWeightDevice){ .major = s->weight_devices[i].major,
                                        .minor = s->weight_devices[i].minor,
                                        .weight = (int64_t) s->weight_devices[i].rate };
        }

        const struct {
                const SpecThrottle *items;
                size_t n;
                void *list;
        } table[] = {
                { s->read_bps,   s->n_read_bps,   &b->read_bps   },
                { s->write_bps,  s->n_write_bps,  &b->write_bps  },
                { s->read_iops,  s->n_read_iops,  &b->read_iops  },
                { s->write_iops, s->n_write_iops, &b->write_iops },
        };
        FOREACH_ELEMENT(t, table)
                for (size_t i = 0; i < t->n; i++) {
                        OciThrottleDevice *d = oci_list_append(t->list, sizeof(OciThrottleDevice));

                        if (!d)
                                return -ENOMEM;
                        *d = (OciThrottleDevice) { t->items[i].major, t->items[i].minor, t->items[i].rate };
                }
        return 0;
}

static int add_resources(const SpecResources *s, OciResources *o) {
        static int (*const adders[])(const SpecResources *s, OciResources *o) = {
                add_memory, add_cpu, add_pids, add_block_io,
        };

        FOREACH_ELEMENT(a, adders) {
                int r = (*a)(s, o);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* What the kernel begins with, but a container that had a limit does not. */
static int add_unlimited(const SpecResources *s, const HostCapabilities *h, OciResources *o) {
        if (s->pids_limit == 0 && h->pids_limit) {
                o->pids = json_new(&OciPids_json);
                if (!o->pids)
                        return -ENOMEM;
                o->pids->limit = -1;
        }
        if (s->memory > 0 && s->memory_swap == -1 && h->swap_limit)
                o->memory->swap = (OptionalInt) { true, -1 };
        return 0;
}

int spec_resources_build(const SpecResources *s, const HostCapabilities *h, char **ret, Error *reterr) {
        OciResources o = {};
        int r;

        r = add_resources(s, &o);
        if (r >= 0)
                r = add_unlimited(s, h, &o);
        if (r >= 0) {
                *ret = json_encode_text(&OciResources_json, &o, 0);
                r = *ret ? 0 : -ENOMEM;
        }
        json_done(&OciResources_json, &o);
        return r < 0 ? error_fill(reterr, r) : 0;
}

int spec_step_resources(const SpecInput *in, OciSpec *o, Error *reterr) {

        if (!isempty(in->cgroup_path)) {
                o->lnx.cgroups_path = strdup(in->cgroup_path);
                if (!o->lnx.cgroups_path)
                        return -ENOMEM;
        }
        if (!in->resources)
                return 0;
        return add_resources(in->resources, &o->lnx.resources);
}

int spec_step_labels(const SpecInput *in, OciSpec *o, Error *reterr) {
        const struct {
                const char *from;
                char **to;
        } table[] = {
                { in->apparmor_profile,    &o->process.apparmor_profile },
                { in->selinux_label,       &o->process.selinux_label    },
                { in->selinux_mount_label, &o->lnx.mount_label          },
        };

        FOREACH_ELEMENT(i, table)
                if (!isempty(i->from)) {
                        *i->to = strdup(i->from);
                        if (!*i->to)
                                return -ENOMEM;
                }
        return 0;
}

int spec_step_annotations(const SpecInput *in, OciSpec *o, Error *reterr) {
        return in->annotations ? string_map_copy(&o->annotations, in->annotations) : 0;
}
