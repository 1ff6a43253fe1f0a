/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-create.h"

#include <sys/stat.h>
#include <sys/utsname.h>

#include "basic/crash-point.h"
#include "basic/fd-util.h"
#include "basic/id.h"
#include "basic/messages.h"
#include "basic/path-util.h"
#include "container/container-config.h"
#include "container/container-mounts.h"
#include "container/container-network.h"
#include "container/container-root.h"
#include "container/container-volumes.h"
#include "container/health-state.h"
#include "container/names.h"
#include "image/image-platform.h"
#include "image/rootfs.h"

#define GENERATED_NAME_TRIES 6U
#define CONTAINER_DIR_MODE 0710

static int check_name_free(ContainerManager *m, const char *name, Error *reterr) {
        Container *other = hashmap_get(m->by_name, name);

        if (!other)
                return 0;
        return error_setf(
                        reterr, ERROR_CONFLICT,
                        "Conflict. The container name \"/%s\" is already in use by container \"%s\". You have to remove "
                        "(or rename) that container to be able to reuse that name.",
                        name, other->doc.id);
}

static int choose_name(ContainerManager *m, const char *wanted, char **ret, Error *reterr) {
        _cleanup_free_ char *name = NULL;
        int r;

        if (!isempty(wanted)) {
                wanted += wanted[0] == '/';
                r = container_name_validate(wanted, reterr);
                if (r >= 0)
                        r = check_name_free(m, wanted, reterr);
                if (r < 0)
                        return r;
                return free_and_strdup(ret, wanted) < 0 ? error_fill(reterr, -ENOMEM) : 0;
        }
        for (unsigned i = 0; i < GENERATED_NAME_TRIES; i++) {
                name = mfree(name);
                r = container_name_generate(i, &name);
                if (r < 0)
                        return error_fill(reterr, r);
                if (!hashmap_get(m->by_name, name)) {
                        *ret = TAKE_PTR(name);
                        return 0;
                }
        }
        return error_setf(reterr, ERROR_CONFLICT, "cannot make up a container name that is free");
}

static int check_platform(const ContainerCreateParams *p, const Image *image, char ***warnings,
                          Error *reterr) {
        _cleanup_free_ char *warning = NULL;
        int r;

        if (!isempty(p->platform))
                return image_check_platform(image, p->config.image, p->platform, reterr);
        r = image_host_warning(image, &warning);
        if (r >= 0 && warning)
                r = strv_consume(warnings, TAKE_PTR(warning));
        return r < 0 ? error_fill(reterr, r) : 0;
}

static int default_hostname(ContainerDocument *d) {
        struct utsname host;

        if (!isempty(d->config.hostname) || namespace_of_container(d->host_config.network_mode))
                return 0;
        if (streq(d->host_config.network_mode, NETWORK_HOST) ||
            streq(strempty(d->host_config.uts_mode), "host")) {
                assert(uname(&host) >= 0);
                return free_and_strdup(&d->config.hostname, host.nodename);
        }
        d->config.hostname = mfree(d->config.hostname);
        d->config.hostname = strndup_safe(d->id, ID_SHORT_LENGTH);
        return d->config.hostname ? 0 : -ENOMEM;
}

/* Program and arguments: entrypoint, then command. */
static int fill_command(ContainerDocument *d) {
        _cleanup_strv_free_ char **all = strv_new_empty();

        if (!all || strv_extend_strv(&all, d->config.entrypoint) < 0 ||
            strv_extend_strv(&all, d->config.cmd) < 0)
                return -ENOMEM;
        d->path = strdup(all[0]);
        d->args = strv_copy(all + 1);
        return d->path && d->args ? 0 : -ENOMEM;
}

static int warn(const ContainerDocument *d, char ***warnings) {
        const HostConfig *h = &d->host_config;
        int r = 0;

        if (streq(h->network_mode, NETWORK_HOST) && h->port_bindings.n_items > 0)
                r = strv_extend(warnings, "Published ports are discarded when using host network mode");
        if (r >= 0 && health_config_is_foreign(d->config.healthcheck))
                r = strv_extend(warnings,
                                "The health check is of an unknown type (known are NONE, CMD and CMD-SHELL): "
                                "the container's health is not checked.");
        return r;
}

/* Fills the document from request, image and defaults. */
static int fill_document(ContainerManager *m, ContainerCreateParams *p, Image *image, ContainerDocument *d,
                         char ***warnings, Error *reterr) {
        char id[ID_LENGTH + 1];
        int r;

        r = id_generate(id);
        if (r < 0)
                return error_fill(reterr, r);
        d->id = strdup(id);
        d->created = now_nsec();
        d->image = strdup(strempty(p->config.image));
        d->image_id = strdup(image_id(image));
        d->image_os = strdup(image_document(image)->os ?: "linux");
        d->storage_driver = strdup(image_manager_storage_driver(m->config.images));
        d->state = strdup(container_state_to_string(CONTAINER_CREATED));
        if (!d->id || !d->image || !d->image_id || !d->image_os || !d->storage_driver || !d->state)
                return error_fill(reterr, -ENOMEM);

        /* The request's own: an image's is taken as it is. */
        r = health_config_check(p->config.healthcheck, reterr);
        if (r >= 0)
                r = container_networking_check_request(p, reterr);
        if (r >= 0)
                r = choose_name(m, p->name, &d->name, reterr);
        if (r >= 0)
                r = container_config_merge(&p->config, image_config(image), reterr);
        if (r >= 0)
                r = container_config_check(&p->config, reterr);
        if (r < 0)
                return r;

        d->config = TAKE_STRUCT(p->config);
        if (p->host_config)
                d->host_config = TAKE_STRUCT(*p->host_config);
        if (p->networking_config)
                d->networking = TAKE_STRUCT(*p->networking_config);

        r = host_config_complete(m, &d->host_config, warnings, reterr);
        if (r >= 0)
                r = host_config_check(m, &d->config, &d->host_config, reterr);
        if (r >= 0)
                r = container_networking_check(m->config.networks, d, p->version, warnings, reterr);
        if (r >= 0)
                r = container_mounts_parse(d, m->config.data_root, reterr);
        if (r < 0)
                return r;
        r = default_hostname(d);
        if (r >= 0)
                r = fill_command(d);
        if (r >= 0)
                r = warn(d, warnings);
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* Before the first start, so that docker cp finds it. Where the root is a copy of the image, which is made
 * at the first start, it is made then. */
static int make_working_directory(ContainerManager *m, Container *c, Error *reterr) {
        const char *name = strempty(c->doc.config.working_dir);
        _cleanup_close_ int fd = -EBADF;
        nsec_t copied;
        int r;

        if (!name[0] || streq(name, "/") || rootfs_is_copy(c->rw_dir, &copied) != 0)
                return 0;
        r = rootfs_mount(m->config.images, c->image, c->rw_dir, &fd, reterr);
        return r < 0 ? r : container_root_make_directory(fd, name, reterr);
}

static int make_directories(ContainerManager *m, Container *c, Error *reterr) {
        int r;

        if (mkdir(c->data_dir, CONTAINER_DIR_MODE) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno,
                                        "cannot make the directory of container %s", c->doc.name);
        crash_point("container-create:directory");
        r = rootfs_create(m->config.images, c->rw_dir, reterr);
        return r < 0 ? r : make_working_directory(m, c, reterr);
}

/* Docker's words. */
static int no_image(const ContainerConfig *c, Error *reterr) {
        _cleanup_free_ char *text = json_encode_text(&ContainerConfig_json, c, 0),
                            *empty = json_encode_text(&ContainerConfig_json, &(ContainerConfig) {}, 0);

        if (!text || !empty)
                return error_fill(reterr, -ENOMEM);
        if (streq(text, empty))
                return error_setf(reterr, ERROR_INVALID,
                                  "config cannot be empty in order to create a container");
        if (strv_isempty(c->cmd) && strv_isempty(c->entrypoint))
                return error_setf(reterr, ERROR_INVALID, "no command specified");
        return error_setf(reterr, ERROR_INVALID, "no image specified");
}

int container_create(ContainerManager *m, ContainerCreateParams *p, Container **ret, char ***ret_warnings,
                     Error *reterr) {
        _cleanup_(container_unrefp) Container *c = NULL;
        _cleanup_strv_free_ char **warnings = strv_new_empty();
        ContainerDocument d = {};
        Image *image;
        int r;

        if (hashmap_size(m->by_id) >= CONTAINERS_MAX)
                return error_setf(reterr, ERROR_UNAVAILABLE, "there are %u containers, which is the limit",
                                  CONTAINERS_MAX);
        if (isempty(p->config.image))
                return no_image(&p->config, reterr);
        r = image_manager_find(m->config.images, p->config.image, &image, reterr);
        if (r >= 0)
                r = image_check_runnable(image, p->config.image, reterr);
        if (r >= 0)
                r = check_platform(p, image, &warnings, reterr);
        if (r >= 0)
                r = fill_document(m, p, image, &d, &warnings, reterr);
        if (r >= 0)
                r = container_new(m, &d, &c) < 0 ? error_fill(reterr, -ENOMEM) : 0;
        json_done(&ContainerDocument_json, &d);
        if (r < 0)
                return r;

        r = container_volumes_assign(c, reterr);
        crash_point("container-create:volumes");
        if (r >= 0)
                r = make_directories(m, c, reterr);
        crash_point("container-create:prepared");
        if (r >= 0)
                r = container_save(c, container_sync(c), reterr);
        crash_point("container-create:recorded");
        if (r >= 0)
                r = container_link(c) < 0 ? error_fill(reterr, -ENOMEM) : 0;
        if (r < 0) {
                (void) store_delete(m->config.store, STORE_CONTAINER, c->doc.id, STORE_SYNC_LAZY, NULL);
                (void) rootfs_remove(m->config.images, c->data_dir, NULL);
                container_volumes_remove(c);
                return r;
        }
        container_event(c, "create", MESSAGE_CONTAINER_CREATE_STR, NULL);
        *ret = c;
        *ret_warnings = TAKE_PTR(warnings);
        return 0;
}
