/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <systemd/sd-bus.h>

#include "basic/id.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "container/container-health.h"
#include "engine/calls.h"
#include "engine/engine-internal.h"
#include "image/rootfs.h"
#include "shared/bus-util.h"

#define META_ENGINE_ID "engine-id"

/* --- who uses an image --- */

typedef struct UserWalk {
        int (*func)(const ImageUser *user, void *arg);
        void *arg;
} UserWalk;

static int foreach_image_user(void *userdata, const char *image_id,
                              int (*func)(const ImageUser *user, void *arg), void *arg) {
        Engine *e = ASSERT_PTR(userdata);
        Container *c;

        if (!e->containers)
                return 0;
        HASHMAP_FOREACH(c, e->containers->by_id) {
                ImageUser user = { c->doc.id, c->doc.config.image, container_is_running(c) };
                int r;

                if (!streq_ptr(c->doc.image_id, image_id))
                        continue;
                r = func(&user, arg);
                if (r != 0)
                        return r;
        }
        return 0;
}

static const ImageManagerOps image_ops = {
        .foreach_user = foreach_image_user,
};

/* --- birth --- */

static int load_engine_id(Engine *e, Error *reterr) {
        char id[ID_LENGTH + 1];
        int r;

        r = store_get(e->store, STORE_META, META_ENGINE_ID, &e->id, reterr);
        if (r != 0)
                return r;
        r = id_generate(id);
        if (r < 0)
                return error_fill(reterr, r);
        e->id = strdup(id);
        if (!e->id)
                return error_fill(reterr, -ENOMEM);
        return store_put(e->store, STORE_META, META_ENGINE_ID, e->id, STORE_SYNC_FULL, reterr);
}

static int open_state(Engine *e, Error *reterr) {
        bool damaged;
        int r;

        r = store_open(e->config->data_root, &e->store, &damaged, reterr);
        if (r < 0)
                return r;
        if (damaged)
                log_error("The state database below %s was damaged and was set aside; what it recorded is not known any more",
                          e->config->data_root);
        return load_engine_id(e, reterr);
}

/* At the start, and again when the configuration was reloaded. */
static int find_runtimes(Engine *e, bool again, Error *reterr) {
        const DaemonRuntimeConfig *d = &e->config->runtime;
        _cleanup_free_ OciRuntimeConfig *configured = new0(OciRuntimeConfig, d->runtimes.n_items);

        if (!configured)
                return error_fill(reterr, -ENOMEM);
        for (size_t i = 0; i < d->runtimes.n_items; i++)
                configured[i] = (OciRuntimeConfig) {
                        .name = d->runtimes.items[i].name,
                        .path = d->runtimes.items[i].path,
                        .args = d->runtimes.items[i].args,
                        .type = d->runtimes.items[i].type,
                };
        if (again)
                return oci_runtimes_reload(&e->runtimes, configured, d->runtimes.n_items, d->default_runtime,
                                           reterr);
        return oci_runtimes_init(&e->runtimes, e->event, configured, d->runtimes.n_items, d->default_runtime,
                                 reterr);
}

int engine_new(const EngineConfig *config, sd_event *event, Engine **ret, Error *reterr) {
        _cleanup_(engine_freep) Engine *e = new0(Engine, 1);
        int r;

        if (!e)
                return error_fill(reterr, -ENOMEM);
        e->config = config;
        e->event = sd_event_ref(event);
        e->events = event_hub_new();
        if (!e->events)
                return error_fill(reterr, -ENOMEM);
        r = host_capabilities_probe(&e->capabilities);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "cannot find out what the host's control groups can do");
        r = find_runtimes(e, false, reterr);
        if (r >= 0)
                r = open_state(e, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(e);
        return 0;
}

static void free_phases(Engine *e) {
        for (size_t i = 0; i < e->n_phases; i++)
                free(e->phases[i].result);
        e->phases = mfree(e->phases);
        e->n_phases = 0;
}

Engine *engine_free(Engine *e) {
        if (!e)
                return NULL;
        container_manager_free(e->containers);
        volume_manager_free(e->volumes);
        supervisor_free(e->supervisor);
        network_manager_free(e->networks);
        image_manager_free(e->images);
        worker_pool_free(e->workers);
        oci_runtimes_done(&e->runtimes);
        event_hub_free(e->events);
        store_close(e->store);
        free_phases(e);
        sd_event_unref(e->event);
        free(e->id);
        free(e);
        return NULL;
}

/* --- loading --- */

static int load_images(Engine *e, Error *reterr) {
        _cleanup_free_ char *program = NULL;
        int r;

        r = worker_find_program("dockerd-worker", &program);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot find dockerd-worker");
        r = worker_pool_new(e->event, program, &e->workers);
        if (r < 0)
                return error_fill(reterr, r);
        return image_manager_new(&(ImageManagerConfig) {
                .data_root = e->config->data_root,
                .storage_driver = e->config->storage.driver,
                .store = e->store,
                .events = e->events,
                .event = e->event,
                .workers = e->workers,
                .ops = &image_ops,
                .userdata = e,
        }, &e->images, reterr);
}

static int volume_users(void *userdata, const char *name, char ***ret_ids) {
        Engine *e = ASSERT_PTR(userdata);

        return e->containers ? container_manager_volume_users(e->containers, name, ret_ids) : 0;
}

static int volume_discard(void *userdata, const char *directory, Error *reterr) {
        Engine *e = ASSERT_PTR(userdata);

        return rootfs_remove(e->images, directory, reterr);
}

static const VolumeManagerOps volume_ops = { .users = volume_users, .discard = volume_discard };

static int load_volumes(Engine *e, Error *reterr) {
        return volume_manager_new(&(VolumeManagerConfig) {
                .data_root = e->config->data_root,
                .store = e->store,
                .events = e->events,
                .ops = &volume_ops,
                .userdata = e,
        }, &e->volumes, reterr);
}

static int load_containers(Engine *e, Error *reterr) {
        int r;

        r = container_manager_new(&(ContainerManagerConfig) {
                .data_root = e->config->data_root,
                .exec_root = e->config->exec_root,
                .defaults = &e->config->container,
                .event = e->event,
                .store = e->store,
                .events = e->events,
                .workers = e->workers,
                .images = e->images,
                .networks = e->networks,
                .volumes = e->volumes,
                .runtimes = &e->runtimes,
                .capabilities = &e->capabilities,
        }, &e->containers, reterr);
        return r < 0 ? r : container_manager_load(e->containers, reterr);
}

int engine_load(Engine *e, Error *reterr) {
        int r;

        r = load_images(e, reterr);
        if (r >= 0)
                r = network_manager_new(&e->config->network, e->config->exec_root, e->store, e->event,
                                        &e->networks, reterr);
        if (r >= 0)
                r = load_volumes(e, reterr);
        if (r >= 0)
                r = load_containers(e, reterr);
        if (r < 0)
                return r;
        e->loaded = true;
        return 0;
}

static SupervisorKind choose_supervisor(Engine *e) {
        switch (e->config->runtime.supervisor) {
        case DAEMON_SUPERVISOR_SYSTEMD:
                return SUPERVISOR_SYSTEMD;
        case DAEMON_SUPERVISOR_DIRECT:
                return SUPERVISOR_DIRECT;
        default:
                return supervisor_kind_default(bus_address_exists(bus_default_address()));
        }
}

/* The supervisor of the shims decides which driver makes the control groups. */
static int check_cgroup_driver(const char *driver, SupervisorKind kind, Error *reterr) {
        if (streq_ptr(driver, "systemd") && kind != SUPERVISOR_SYSTEMD)
                return error_setf(reterr, ERROR_INVALID,
                                  "native.cgroupdriver=systemd: systemd does not run the containers on this host");
        if (streq_ptr(driver, "cgroupfs") && kind == SUPERVISOR_SYSTEMD)
                log_warning("native.cgroupdriver=cgroupfs has no effect where containers are units of systemd; "
                            "native.supervisor=direct makes it so");
        return 0;
}

static int make_supervisor(Engine *e, Error *reterr) {
        _cleanup_free_ char *shim = NULL;
        SupervisorKind kind = choose_supervisor(e);
        int r;

        if (kind == SUPERVISOR_SYSTEMD && !bus_address_exists(bus_default_address()))
                return error_setf(reterr, ERROR_UNAVAILABLE,
                                  "the systemd supervisor was asked for, but there is no system bus");
        r = check_cgroup_driver(e->config->runtime.cgroup_driver, kind, reterr);
        if (r < 0)
                return r;
        if (kind == SUPERVISOR_SYSTEMD && !e->bus)
                log_warning("The system bus does not answer: containers can be started once it does");
        r = worker_find_program("dockerd-shim", &shim);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot find dockerd-shim");
        r = supervisor_new(kind, e->event, e->bus, shim, container_manager_shim_gone, e->containers,
                           &e->supervisor, reterr);
        if (r >= 0)
                e->containers->supervisor = e->supervisor;
        return r;
}

int engine_reconcile(Engine *e, Error *reterr) {
        int r;

        r = make_supervisor(e, reterr);
        if (r >= 0)
                r = network_manager_start(e->networks, reterr);
        return r < 0 ? r : container_manager_reconcile(e->containers, reterr);
}

void engine_stop(Engine *e) {
        if (e->containers)
                container_manager_stop(e->containers);
}

static char *host_name(void) {
        struct utsname u;

        return uname(&u) < 0 ? NULL : strdup(u.nodename);
}

int engine_reload(Engine *e, const StringMap *attributes, Error *reterr) {
        _cleanup_free_ char *name = host_name();
        StringMap all = {};
        int r;

        r = network_manager_reload(e->networks, &e->config->network, reterr);
        if (r >= 0)
                r = find_runtimes(e, true, reterr);
        if (r < 0)
                return r;
        if (string_map_copy(&all, attributes) >= 0 && string_map_set(&all, "name", strempty(name)) >= 0)
                event_hub_publish(e->events, &(EventDraft) { "daemon", "reload", e->id, NULL, &all });
        string_map_done(&all);
        return 0;
}

/* --- small accessors --- */

void engine_set_bus(Engine *e, sd_bus *bus) {
        _cleanup_error_ Error error = ERROR_NULL;

        e->bus = bus;
        if (e->networks)
                network_manager_set_bus(e->networks, bus);
        if (e->supervisor && supervisor_set_bus(e->supervisor, bus, &error) < 0)
                log_warning("Containers cannot be started through systemd: %s", error_message(&error));
}

sd_bus *engine_bus(Engine *e) {
        return e->bus;
}

sd_event *engine_event(Engine *e) {
        return e->event;
}

const EngineConfig *engine_config(Engine *e) {
        return e->config;
}

EventHub *engine_events(Engine *e) {
        return e->events;
}

int engine_set_phases(Engine *e, const StartupPhase *phases, size_t n_phases) {
        free_phases(e);
        e->phases = new0(StartupPhase, n_phases);
        if (!e->phases)
                return -ENOMEM;
        for (; e->n_phases < n_phases; e->n_phases++) {
                e->phases[e->n_phases] = phases[e->n_phases];
                e->phases[e->n_phases].result = strdup(strempty(phases[e->n_phases].result));
        }
        return 0;
}

const StartupPhase *engine_phases(Engine *e, size_t *ret_n) {
        *ret_n = e->n_phases;
        return e->phases;
}

int engine_reserve_port(Engine *e, const char *protocol, const char *ip, uint16_t port, Error *reterr) {
        return network_manager_reserve_port(e->networks, ip, port, reterr);
}

void engine_counts(Engine *e, EngineCounts *ret) {
        *ret = (EngineCounts) {
                .calls = calls_in_flight(),
                .event_subscribers = (unsigned) event_hub_n_subscribers(e->events),
        };
        if (!e->loaded)
                return;
        ret->containers = (unsigned) hashmap_size(e->containers->by_id);
        ret->running = e->containers->n_running;
        ret->paused = e->containers->n_paused;
        ret->stopped = ret->containers - ret->running - ret->paused;
        ret->images = (unsigned) image_manager_count(e->images);
}

bool engine_container_view(Engine *e, const char *id, EngineContainerView *ret) {
        static char unit[sizeof("docker-.service") + ID_LENGTH];
        Container *c = e->containers ? hashmap_get(e->containers->by_id, id) : NULL;

        if (!c)
                return false;
        snprintf(unit, sizeof(unit), "docker-%s.service", c->doc.id);
        *ret = (EngineContainerView) {
                .id = c->doc.id,
                .name = c->doc.name,
                .image = c->doc.image,
                .image_id = c->doc.image_id,
                .state = container_state_to_string(c->state),
                .health = container_health_status(c),
                .unit = e->supervisor && supervisor_kind(e->supervisor) == SUPERVISOR_SYSTEMD ? unit : NULL,
                .pid = (pid_t) c->doc.pid,
                .exit_code = (int) c->doc.exit_code,
                .oom_killed = c->doc.oom_killed,
                .created = c->doc.created,
                .started = c->doc.started,
                .finished = c->doc.finished,
                .labels = &c->doc.config.labels,
        };
        return true;
}

int engine_container_ids(Engine *e, char ***ret) {
        _cleanup_strv_free_ char **l = strv_new_empty();
        Container *c;

        if (!l)
                return -ENOMEM;
        HASHMAP_FOREACH(c, e->containers ? e->containers->by_id : NULL) {
                int r = strv_extend(&l, c->doc.id);

                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(l);
        return 0;
}

bool engine_image_view(Engine *e, const char *id, EngineImageView *ret) {
        const Image *i = e->images ? image_manager_get(e->images, id) : NULL;
        const OciImage *d;

        if (!i)
                return false;
        d = image_document(i);
        *ret = (EngineImageView) {
                .id = image_id(i),
                .architecture = d->architecture,
                .os = d->os,
                .size = image_size(i),
                .created = d->created,
                .labels = &image_config(i)->labels,
        };
        return true;
}

int engine_image_names(Engine *e, const char *id, char ***ret_tags, char ***ret_digests) {
        const Image *i = e->images ? image_manager_get(e->images, id) : NULL;

        return i ? image_familiar_names(e->images, i, ret_tags, ret_digests) : -ENOENT;
}

int engine_image_ids(Engine *e, char ***ret) {
        if (!e->images) {
                *ret = strv_new_empty();
                return *ret ? 0 : -ENOMEM;
        }
        return image_manager_ids(e->images, ret);
}

const EngineCall *const engine_calls[] = {
        &engine_call_system_ping,       &engine_call_system_version,    &engine_call_system_info,
        &engine_call_system_disk_usage, &engine_call_system_events,     &engine_call_container_list,
        &engine_call_container_create,  &engine_call_container_inspect, &engine_call_container_top,
        &engine_call_container_logs,    &engine_call_container_resize,  &engine_call_container_start,
        &engine_call_container_stop,    &engine_call_container_restart, &engine_call_container_kill,
        &engine_call_container_rename,  &engine_call_container_attach,  &engine_call_container_wait,
        &engine_call_container_remove,  &engine_call_container_prune,   &engine_call_image_list,
        &engine_call_image_inspect,     &engine_call_image_history,     &engine_call_image_create,
        &engine_call_image_load,        &engine_call_image_save,        &engine_call_image_tag,
        &engine_call_image_remove,      &engine_call_image_prune,       &engine_call_image_push,
        &engine_call_container_export,  &engine_call_container_changes, &engine_call_container_commit,
        &engine_call_network_list,      &engine_call_network_inspect,   &engine_call_volume_list,
        &engine_call_registry_login,    &engine_call_registry_inspect,  &engine_call_registry_search,
        &engine_call_exec_create,       &engine_call_exec_start,        &engine_call_exec_resize,
        &engine_call_exec_inspect,      &engine_call_volume_create,     &engine_call_volume_inspect,
        &engine_call_volume_remove,     &engine_call_volume_prune,      &engine_call_network_create,
        &engine_call_network_remove,    &engine_call_network_connect,   &engine_call_network_disconnect,
        &engine_call_network_prune,     &engine_call_build_prune,
        &engine_call_container_pause,   &engine_call_container_unpause, &engine_call_container_stats,
        &engine_call_container_update,
        &engine_call_container_stat_path, &engine_call_container_archive, &engine_call_container_extract,
        NULL,
};
