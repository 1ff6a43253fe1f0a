/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-volumes.h"

#include "basic/log.h"
#include "basic/path-util.h"
#include "container/container-mounts.h"

static bool is_volume(const MountPoint *m) {
        return streq(m->type, "volume");
}

/* --- assign --- */

/* A volume of --mount says more of itself than its name. */
static int create_volume(Container *c, MountPoint *m, Error *reterr) {
        const MountSpec *spec = container_mount_spec(&c->doc.host_config, m->destination);
        const VolumeOptions *o = spec ? spec->volume_options : NULL;
        VolumeCreateParams p = { .name = m->name };
        Volume *v;
        int r;

        if (o)
                p.labels = o->labels;
        if (o && o->driver_config) {
                p.driver = o->driver_config->name;
                p.driver_opts = o->driver_config->options;
        }
        r = volume_create(c->manager->config.volumes, &p, &v, reterr);
        if (r < 0)
                return r;
        if (free_and_strdup(&m->name, v->record.name) < 0 ||
            free_and_strdup(&m->source, v->mountpoint) < 0 ||
            free_and_strdup(&m->driver, v->record.driver) < 0)
                return error_fill(reterr, -ENOMEM);
        return 0;
}

static bool is_taken(const Container *c, const char *destination) {
        const StringMap *t = &c->doc.host_config.tmpfs;

        for (size_t i = 0; i < c->doc.mounts.n_items; i++)
                if (streq(c->doc.mounts.items[i].destination, destination))
                        return true;
        for (size_t i = 0; i < t->n_items; i++)
                if (streq(t->items[i].key, destination))
                        return true;
        return false;
}

static MountPoint *append(Container *c, Error *reterr) {
        MountPoint *m;

        if (c->doc.mounts.n_items >= CONTAINER_MOUNTS_MAX) {
                (void) error_setf(reterr, ERROR_INVALID, "more than %u mounts", CONTAINER_MOUNTS_MAX);
                return NULL;
        }
        m = container_mount_point_add(&c->doc.mounts);
        if (!m)
                (void) error_fill(reterr, -ENOMEM);
        return m;
}

/* "NAME[:ro|rw]" */
static int find_source(Container *c, const char *spec, Container **ret, bool *ret_rw, Error *reterr) {
        _cleanup_free_ char *name = memdup_suffix0(spec, strcspn(spec, ":"));
        const char *mode = strchr(spec, ':');
        int r;

        if (!name)
                return error_fill(reterr, -ENOMEM);
        if (!spec[0])
                return error_setf(reterr, ERROR_INVALID,
                                  "volumes-from specification cannot be an empty string");
        if (!name[0] || (mode && !streq(mode, ":ro") && !streq(mode, ":rw") && !streq(mode, ":z") &&
                         !streq(mode, ":Z")))
                return error_setf(reterr, ERROR_INVALID, "invalid mode: %s", mode ? mode + 1 : spec);
        *ret_rw = !mode || !streq(mode, ":ro");
        r = container_manager_find(c->manager, name, ret, NULL);
        return r < 0 ? error_setf(reterr, ERROR_INVALID, "No such container: %s", name) : 0;
}

static int take_from(Container *c, const char *spec, Error *reterr) {
        Container *other;
        bool rw = true;
        int r;

        r = find_source(c, spec, &other, &rw, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; r >= 0 && i < other->doc.mounts.n_items; i++) {
                const MountPoint *from = other->doc.mounts.items + i;
                MountPoint *m;

                if (streq(from->type, "tmpfs") || is_taken(c, from->destination))
                        continue;
                m = append(c, reterr);
                if (!m)
                        return -EINVAL;
                r = json_copy(&MountPoint_json, from, m);
                m->rw = m->rw && rw;
                if (r >= 0 && from->name && strv_contains(other->doc.named_volumes, from->name))
                        r = strv_extend(&c->doc.named_volumes, from->name);
        }
        return r < 0 ? error_fill(reterr, r) : 0;
}

static int add_declared(Container *c, const char *path, Error *reterr) {
        _cleanup_free_ char *destination = NULL;
        MountPoint *m;

        if (path[0] != '/')
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid mount path: '%s' mount path must be absolute", path);
        if (path_clean(path, &destination) < 0)
                return error_fill(reterr, -ENOMEM);
        if (streq(destination, "/"))
                return error_setf(reterr, ERROR_INVALID, "invalid specification: destination can't be '/'");
        if (is_taken(c, destination))
                return 0;
        m = append(c, reterr);
        if (!m)
                return -EINVAL;
        m->type = strdup("volume");
        m->mode = strdup("");
        m->rw = true;
        m->destination = TAKE_PTR(destination);
        return m->type && m->mode ? 0 : error_fill(reterr, -ENOMEM);
}

/* Before the volumes that nobody named have their names. */
static int note_named(Container *c) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < c->doc.mounts.n_items; i++)
                if (is_volume(c->doc.mounts.items + i) && c->doc.mounts.items[i].name)
                        r = strv_extend(&c->doc.named_volumes, c->doc.mounts.items[i].name);
        return r;
}

int container_volumes_assign(Container *c, Error *reterr) {
        int r = note_named(c);

        if (r < 0)
                return error_fill(reterr, r);
        STRV_FOREACH(s, c->doc.host_config.volumes_from)
                if (r >= 0)
                        r = take_from(c, *s, reterr);
        STRV_FOREACH(s, c->doc.config.volumes)
                if (r >= 0)
                        r = add_declared(c, *s, reterr);
        for (size_t i = 0; r >= 0 && i < c->doc.mounts.n_items; i++)
                if (is_volume(c->doc.mounts.items + i))
                        r = create_volume(c, c->doc.mounts.items + i, reterr);
        return r;
}

/* --- users --- */

static bool has_volume(const Container *c, const char *name) {
        for (size_t i = 0; i < c->doc.mounts.n_items; i++)
                if (is_volume(c->doc.mounts.items + i) && streq_ptr(c->doc.mounts.items[i].name, name))
                        return true;
        return false;
}

int container_manager_volume_users(ContainerManager *m, const char *name, char ***ret) {
        Container *c;

        HASHMAP_FOREACH(c, m->by_id)
                if (c->state != CONTAINER_REMOVING && has_volume(c, name) &&
                    strv_extend(ret, c->doc.id) < 0)
                        return -ENOMEM;
        return 0;
}

void container_volumes_remove(Container *c) {
        VolumeManager *m = c->manager->config.volumes;

        for (size_t i = 0; i < c->doc.mounts.n_items; i++) {
                const MountPoint *p = c->doc.mounts.items + i;
                Volume *v = is_volume(p) ? volume_get(m, p->name) : NULL;

                if (v && volume_is_anonymous(v) && !strv_contains(c->doc.named_volumes, p->name))
                        (void) volume_remove(m, p->name, /* force= */ true, NULL);
        }
}

static void publish(Container *c, const MountPoint *p, const char *action, const char *message_id) {
        StringMap a = {};

        if (string_map_set(&a, "container", c->doc.id) < 0 ||
            string_map_set(&a, "destination", p->destination) < 0 ||
            string_map_set(&a, "driver", strempty(p->driver)) < 0 ||
            string_map_set(&a, "propagation", strempty(p->propagation)) < 0 ||
            string_map_set(&a, "read/write", p->rw ? "true" : "false") < 0)
                log_oom();
        else
                event_hub_publish(c->manager->config.events, &(EventDraft) {
                        .type = "volume",
                        .action = action,
                        .id = p->name,
                        .message_id = message_id,
                        .attributes = &a,
                });
        string_map_done(&a);
}

void container_volumes_event(Container *c, const char *action, const char *message_id) {
        for (size_t i = 0; i < c->doc.mounts.n_items; i++)
                if (is_volume(c->doc.mounts.items + i))
                        publish(c, c->doc.mounts.items + i, action, message_id);
}
