/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-manager.h"

#include "basic/id.h"
#include "basic/log.h"
#include "basic/path-util.h"
#include "basic/process-util.h"
#include "container/container-attach.h"
#include "container/container-exec.h"
#include "container/container-volumes.h"
#include "container/container-health.h"
#include "container/container-wait.h"

#define CONTAINERS_DIR_MODE 0710

static int make_directory(const char *root, Error *reterr) {
        _cleanup_free_ char *path = path_join(root, "containers");

        if (!path)
                return error_fill(reterr, -ENOMEM);
        if (mkdir(path, CONTAINERS_DIR_MODE) < 0 && errno != EEXIST)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", path);
        return 0;
}

/* The distribution's init for --init, by Docker's and by its own names. */
static char *find_init(const char *configured) {
        static const char *const names[] = { "docker-init", "tini-static", "tini" };
        char *path = NULL;

        if (!isempty(configured))
                return find_executable(configured, &path) >= 0 ? path :
                        access(configured, X_OK) >= 0 ? strdup(configured) : NULL;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (find_executable(names[i], &path) >= 0)
                        return path;
        return NULL;
}

int container_manager_new(const ContainerManagerConfig *config, ContainerManager **ret, Error *reterr) {
        _cleanup_(container_manager_freep) ContainerManager *m = new0(ContainerManager, 1);
        int r;

        if (!m)
                return error_fill(reterr, -ENOMEM);
        m->config = *config;
        m->by_id = hashmap_new();
        m->by_name = hashmap_new();
        m->execs = hashmap_new();
        m->leaving = hashmap_new();
        m->init_path = find_init(config->defaults->init_path);
        if (!m->by_id || !m->by_name || !m->execs || !m->leaving)
                return error_fill(reterr, -ENOMEM);
        r = make_directory(config->data_root, reterr);
        if (r >= 0)
                r = make_directory(config->exec_root, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

ContainerManager *container_manager_free(ContainerManager *m) {
        Container *c;

        if (!m)
                return NULL;
        HASHMAP_FOREACH(c, m->by_id)
                container_unlink(c);
        HASHMAP_FOREACH(c, m->leaving)
                container_unref(c);
        hashmap_free(m->leaving);
        hashmap_free(m->execs);
        hashmap_free(m->by_id);
        hashmap_free(m->by_name);
        FOREACH_ELEMENT(d, m->departed)
                free(d->id);
        free(m->init_path);
        free(m);
        return NULL;
}

static int load_record(const char *key, const char *json, void *userdata) {
        ContainerManager *m = ASSERT_PTR(userdata);
        _cleanup_(container_unrefp) Container *c = NULL;
        _cleanup_error_ Error e = ERROR_NULL;
        ContainerDocument d = {};
        int r;

        r = json_decode_text(&ContainerDocument_json, json, strlen(json), 0, &d, &e);
        if (r >= 0)
                r = container_new(m, &d, &c);
        if (r >= 0)
                r = container_link(c);
        json_done(&ContainerDocument_json, &d);
        if (r < 0)
                log_error("The record of container %s cannot be read and is set aside: %s", key,
                          error_is_set(&e) ? error_message(&e) : strerror(-r));
        return r;
}

int container_manager_load(ContainerManager *m, Error *reterr) {
        return store_foreach(m->config.store, STORE_CONTAINER, load_record, m, reterr);
}

void container_manager_stop(ContainerManager *m) {
        Container *c;

        m->stopping = true;
        HASHMAP_FOREACH(c, m->by_id) {
                c->shim = shim_client_free(c->shim);
                c->fill = container_fill_free(c->fill);
                container_health_leave(c);
                container_exec_drop_all(c);
                container_attach_drop_all(c);
                container_wait_drop_all(c);
        }
}

static int no_such_container(const char *name, Error *reterr) {
        return error_setf(reterr, ERROR_NOT_FOUND, "No such container: %s", name);
}

int container_manager_find(ContainerManager *m, const char *name, Container **ret, Error *reterr) {
        const char *bare = name[0] == '/' ? name + 1 : name;
        Container *c;
        int r;

        if (isempty(bare))
                return error_setf(reterr, ERROR_INVALID, "No container name or ID supplied");
        c = hashmap_get(m->by_id, bare) ?: hashmap_get(m->by_name, bare);
        if (!c && id_is_prefix(bare)) {
                r = hashmap_find_prefix(m->by_id, bare, (void **) &c);
                if (r == -ENOTUNIQ)
                        return error_setf(reterr, ERROR_INVALID,
                                          "Multiple IDs found with provided prefix: %s", bare);
        }
        if (!c)
                return no_such_container(name, reterr);
        *ret = c;
        return 0;
}
