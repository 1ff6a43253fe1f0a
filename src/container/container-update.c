/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-update.h"

#include "basic/crash-point.h"
#include "basic/fd-util.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "container/container-config.h"
#include "container/container-devices.h"
#include "container/container-remove.h"
#include "container/container-restart-policy.h"
#include "runtime/runtime-update.h"
#include "runtime/spec.h"

/* What the container has when the runtime has done it. */
struct ContainerUpdate {
        Container *container;           /* back-pointer */
        HostConfig host_config;         /* of it resources and restart policy only */
        OciUpdate *runtime;
};

#define RESOURCE(member) offsetof(ContainerResources, member)

/* Numbers that can be changed; 0 leaves one as it is. */
static const size_t numbers[] = {
        RESOURCE(blkio_weight), RESOURCE(cpu_shares), RESOURCE(nano_cpus), RESOURCE(cpu_period),
        RESOURCE(cpu_quota), RESOURCE(cpu_realtime_period), RESOURCE(cpu_realtime_runtime),
        RESOURCE(memory), RESOURCE(memory_swap), RESOURCE(memory_reservation),
};

/* Strings; "" leaves one as it is. */
static const size_t strings[] = { RESOURCE(cpuset_cpus), RESOURCE(cpuset_mems) };

#define NUMBER(r, offset) (*(int64_t *) ((char *) (r) + (offset)))
#define STRING(r, offset) (*(char **) ((char *) (r) + (offset)))

ContainerUpdate *container_update_free(ContainerUpdate *u) {
        if (!u)
                return NULL;
        oci_update_free(u->runtime);
        json_done(&HostConfig_json, &u->host_config);
        free(u);
        return NULL;
}

/* What of from is to be changed, in to. */
static int merge(ContainerResources *to, const ContainerResources *from, bool with_pids) {
        FOREACH_ELEMENT(n, numbers)
                if (NUMBER(from, *n) != 0)
                        NUMBER(to, *n) = NUMBER(from, *n);
        FOREACH_ELEMENT(s, strings)
                if (!isempty(STRING(from, *s)) && free_and_strdup(&STRING(to, *s), STRING(from, *s)) < 0)
                        return -ENOMEM;
        /* 0 and -1 are no limit. */
        if (with_pids && from->pids_limit.set)
                to->pids_limit = (OptionalInt) { .set = true, .value = MAX(from->pids_limit.value, 0) };
        return 0;
}

/* --- checks --- */

/* Fields that create takes and update does not: refused by name. Docker takes them without effect. */
static int check_changeable(const ContainerResources *r, Error *reterr) {
        const struct {
                const char *name;
                bool given;
        } table[] = {
                { "CgroupParent",         !isempty(r->cgroup_parent)             },
                { "BlkioWeightDevice",    r->blkio_weight_device.n_items > 0     },
                { "BlkioDeviceReadBps",   r->blkio_device_read_bps.n_items > 0   },
                { "BlkioDeviceWriteBps",  r->blkio_device_write_bps.n_items > 0  },
                { "BlkioDeviceReadIOps",  r->blkio_device_read_iops.n_items > 0  },
                { "BlkioDeviceWriteIOps", r->blkio_device_write_iops.n_items > 0 },
                { "Devices",              r->devices.n_items > 0                 },
                { "DeviceCgroupRules",    !strv_isempty(r->device_cgroup_rules)  },
                { "DeviceRequests",       r->device_requests.n_items > 0         },
                { "MemorySwappiness",     r->memory_swappiness.set && r->memory_swappiness.value != -1 },
                { "OomKillDisable",       r->oom_kill_disable == TRISTATE_TRUE   },
                { "Ulimits",              r->ulimits.n_items > 0                 },
        };

        FOREACH_ELEMENT(i, table)
                if (i->given)
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                          "changing %s by an update: not supported by this engine yet",
                                          i->name);
        return 0;
}

/* The request by itself, as if it were one to create; ret: of it what can be changed. */
static int check_request(Container *c, ContainerUpdateParams *p, bool with_pids, HostConfig *ret,
                         char ***warnings, Error *reterr) {
        ContainerResources *q = &ret->resources;
        bool swap_only;
        int r;

        r = merge(q, &p->resources, with_pids);
        if (r < 0)
                return error_fill(reterr, r);
        r = check_changeable(&p->resources, reterr);
        if (r >= 0)
                r = host_config_drop_foreign_limits(&p->resources, warnings, reterr);
        if (r < 0)
                return r;
        /* Swap is a limit together with memory: with that which there is already. */
        swap_only = q->memory == 0 && q->memory_swap > 0;
        if (swap_only)
                q->memory = c->doc.host_config.resources.memory;
        r = host_config_check_resources(c->manager, ret, warnings, reterr);
        if (swap_only)
                q->memory = 0;
        return r < 0 ? r : restart_policy_check(&p->restart_policy, reterr);
}

static const char *find_conflict(const Container *c, const ContainerResources *q,
                                 const RestartPolicy *policy) {
        const HostConfig *h = &c->doc.host_config;
        const ContainerResources *now = &h->resources;
        const struct {
                bool is;
                const char *text;
        } table[] = {
                { c->state == CONTAINER_REMOVING || c->state == CONTAINER_DEAD,
                  "container is marked for removal and cannot be \"update\"" },
                { q->nano_cpus > 0 && now->cpu_period > 0,
                  "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set" },
                { q->nano_cpus > 0 && now->cpu_quota > 0,
                  "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set" },
                { q->cpu_period > 0 && now->nano_cpus > 0,
                  "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set" },
                { q->cpu_quota > 0 && now->nano_cpus > 0,
                  "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set" },
                { q->memory != 0 && q->memory > now->memory_swap && q->memory_swap == 0,
                  "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at "
                  "the same time" },
                { h->auto_remove && !isempty(policy->name) && !streq(policy->name, "no"),
                  "Restart policy cannot be updated because AutoRemove is enabled for the container" },
        };

        FOREACH_ELEMENT(i, table)
                if (i->is)
                        return i->text;
        return NULL;
}

/* What the container is to have then; ret is the caller's in any case. */
static int build_new(Container *c, ContainerUpdateParams *p, unsigned version, HostConfig *ret,
                     char ***warnings, Error *reterr) {
        _cleanup_strv_free_ char **repeated = NULL;
        _cleanup_(HostConfig_donep) HostConfig request = {};
        const HostConfig *now = &c->doc.host_config;
        bool with_pids = version >= 40;
        const char *conflict;
        int r;

        r = check_request(c, p, with_pids, &request, warnings, reterr);
        if (r < 0)
                return r;
        conflict = find_conflict(c, &request.resources, &p->restart_policy);
        if (conflict)
                return error_setf(reterr, ERROR_CONFLICT, "Cannot update container %s: %s", c->doc.id,
                                  conflict);
        r = json_copy(&ContainerResources_json, &now->resources, &ret->resources);
        if (r >= 0)
                r = merge(&ret->resources, &request.resources, false);
        if (r >= 0 && with_pids && p->resources.pids_limit.set)
                ret->resources.pids_limit = request.resources.pids_limit;
        if (r >= 0)
                r = json_copy(&RestartPolicy_json,
                              isempty(p->restart_policy.name) ? &now->restart_policy : &p->restart_policy,
                              &ret->restart_policy);
        if (r < 0)
                return error_fill(reterr, r);
        r = host_config_check_resources(c->manager, ret, &repeated, reterr);
        return r < 0 ? error_prefixf(reterr, r, "Cannot update container %s", c->doc.id) : 0;
}

/* --- doing it --- */

static int unit_update(Container *c) {
        _cleanup_free_ SpecThrottle *throttles = NULL;
        SpecResources s;
        int r;

        resources_from_host_config(&c->doc.host_config, &s);
        r = container_block_limits(&c->doc.host_config, &s, &throttles, NULL);
        return r < 0 ? r : supervisor_update(c->manager->supervisor, c->doc.id, &s);
}

/* Takes what is new over from h. */
static int record(Container *c, HostConfig *h, Error *reterr) {
        HostConfig *now = &c->doc.host_config, old = {
                .resources = now->resources, .restart_policy = now->restart_policy,
        };
        int r;

        now->resources = h->resources;
        now->restart_policy = h->restart_policy;
        r = container_save(c, container_sync(c), reterr);
        if (r < 0) {
                now->resources = old.resources;
                now->restart_policy = old.restart_policy;
                return error_prefixf(reterr, r, "Cannot update container %s", c->doc.id);
        }
        crash_point("container-update:recorded");
        h->resources = old.resources;
        h->restart_policy = old.restart_policy;
        container_event(c, "update", MESSAGE_CONTAINER_UPDATE_STR, NULL);
        return 0;
}

/* What did not happen since the container was busy. */
static void catch_up(Container *c) {
        if (!c->manager || c->busy)
                return;
        if (c->state == CONTAINER_EXITED && c->doc.host_config.auto_remove)
                container_auto_remove(c);
        else
                container_restart_policy_gone(c);
}

static void on_updated(int r, const Error *error, void *userdata) {
        ContainerUpdate *u = ASSERT_PTR(userdata);
        _cleanup_(container_unrefp) Container *c = container_ref(u->container);
        _cleanup_error_ Error e = ERROR_NULL;

        u->runtime = NULL;
        crash_point("container-update:applied");
        /* It has ended meanwhile: its next run has the new limits. */
        if (r < 0 && container_is_running(c)) {
                (void) error_copy(&e, error);
                r = error_prefixf(&e, r, "Cannot update container %s", c->doc.id);
        } else
                r = record(c, &u->host_config, &e);
        if (r >= 0 && container_is_running(c) && unit_update(c) < 0)
                log_warning("The unit of container %s could not be told its new limits", c->doc.name);
        c->update = container_update_free(u);
        container_clear_busy(c, r, &e);
        catch_up(c);
}

static int start_runtime(Container *c, ContainerUpdate *u, Error *reterr) {
        _cleanup_close_ int fd = open(c->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(ShimConfig_donep) ShimConfig shim = {};
        _cleanup_free_ SpecThrottle *throttles = NULL;
        _cleanup_free_ char *text = NULL;
        SpecResources s;
        int r;

        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot open %s", c->run_dir);
        resources_from_host_config(&u->host_config, &s);
        r = container_block_limits(&u->host_config, &s, &throttles, reterr);
        if (r >= 0)
                r = spec_resources_build(&s, c->manager->config.capabilities, &text, reterr);
        if (r >= 0)
                r = shim_config_load(fd, &shim, reterr);
        if (r >= 0)
                r = oci_update_start(c->manager->config.event, &shim, text, on_updated, u, &u->runtime,
                                     reterr);
        return r;
}

int container_update(Container *c, ContainerUpdateParams *p, unsigned version, char ***warnings,
                     Operation **ret, Error *reterr) {
        _cleanup_(container_update_freep) ContainerUpdate *u = new(ContainerUpdate, 1);
        int r;

        if (!u)
                return error_fill(reterr, -ENOMEM);
        *u = (ContainerUpdate) { .container = c };
        r = build_new(c, p, version, &u->host_config, warnings, reterr);
        if (r < 0)
                return r;
        if (!container_is_running(c)) {
                r = record(c, &u->host_config, reterr);
                return r < 0 ? r : 1;
        }
        r = start_runtime(c, u, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "Cannot update container %s", c->doc.id);
        r = container_set_busy(c, ret);
        if (r < 0)
                return error_fill(reterr, r);
        c->update = TAKE_PTR(u);
        return 0;
}
