/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-remove.h"

#include "basic/crash-point.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "container/container-attach.h"
#include "container/container-list.h"
#include "container/container-network.h"
#include "container/container-restart-policy.h"
#include "container/container-shim.h"
#include "container/container-stop.h"
#include "container/container-volumes.h"
#include "container/container-wait.h"
#include "image/rootfs.h"

int container_remove_now(Container *c, Error *reterr) {
        _cleanup_(container_unrefp) Container *hold = container_ref(c);
        ContainerManager *m = c->manager;
        int r;

        r = container_set_state(c, CONTAINER_REMOVING, STORE_SYNC_LAZY, reterr);
        crash_point("container-remove:marked");
        if (r >= 0 && (c->doc.remove_volumes || c->doc.host_config.auto_remove))
                container_volumes_remove(c);
        crash_point("container-remove:volumes");
        if (r >= 0)
                r = rootfs_remove(m->config.images, c->data_dir, reterr);
        crash_point("container-remove:directory");
        if (r >= 0)
                r = store_delete(m->config.store, STORE_CONTAINER, c->doc.id, container_sync(c), reterr);
        crash_point("container-remove:record");
        if (r < 0) {
                (void) container_set_state(c, CONTAINER_DEAD, STORE_SYNC_LAZY, NULL);
                container_wait_notify(c, true, error_message(reterr));
                return r;
        }
        container_network_stop(c);
        container_leave_shim(c);
        container_attach_end_all(c);
        container_event(c, "destroy", MESSAGE_CONTAINER_DESTROY_STR, NULL);
        container_unlink(c);
        container_wait_notify(c, true, NULL);
        return 0;
}

static void remove_logged(Container *c) {
        _cleanup_error_ Error e = ERROR_NULL;

        container_wait_remember(c);
        if (container_remove_now(c, &e) < 0)
                log_error("Cannot remove container %s: %s", c->doc.name, error_message(&e));
}

void container_auto_remove(Container *c) {
        if (!c->manager || c->manager->stopping || container_is_running(c) || c->state == CONTAINER_REMOVING)
                return;
        if (c->n_restarts > 0)
                return;         /* the end is no end; the last of them comes back here */
        if (c->shim && c->attaches) {
                c->remove_when_lost = true;
                return;
        }
        remove_logged(c);
}

/* A forced removal that waits for the end of the process. */
typedef struct Removal {
        Container *container;
        Operation *operation;
} Removal;

static void removal_finish(Removal *d, int r, const Error *error) {
        _cleanup_(container_unrefp) Container *c = d->container;
        _cleanup_(operation_unrefp) Operation *o = d->operation;

        free(d);
        if (c->busy == o)
                container_clear_busy(c, r, error);
        else
                operation_complete(o, r, error);
}

static void removal_exited(Container *c, int64_t exit_code, const char *error, void *userdata) {
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        r = c->manager ? container_remove_now(c, &e) : 0;
        removal_finish(ASSERT_PTR((Removal *) userdata), r, &e);
}

static int remove_running(Container *c, Operation **ret, Error *reterr) {
        Removal *d;
        int64_t code;
        int r;

        d = new0(Removal, 1);
        if (!d)
                return error_fill(reterr, -ENOMEM);
        r = container_set_busy(c, &d->operation);
        if (r < 0) {
                free(d);
                return error_fill(reterr, r);
        }
        d->container = container_ref(c);
        c->doc.stopped_by_user = true;
        r = container_wait(c, WAIT_NEXT_EXIT, removal_exited, d, &code);
        if (r >= 0)
                r = container_send_signal(c, SIGKILL, true);
        if (r < 0) {
                container_wait_forget(c, d);
                error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot kill container %s", c->doc.name);
                removal_finish(d, r, reterr);
                return r;
        }
        container_publish_kill(c, SIGKILL);
        *ret = operation_ref(d->operation);
        return 0;
}

int container_remove(Container *c, bool force, bool volumes, Operation **ret, Error *reterr) {
        int r;

        if (c->state == CONTAINER_REMOVING)
                return error_setf(reterr, ERROR_CONFLICT, "removal of container %s is already in progress",
                                  c->doc.name);
        if (!force && (container_is_running(c) || c->state == CONTAINER_RESTARTING))
                return error_setf(reterr, ERROR_CONFLICT,
                                  "cannot remove container \"%s\": container is %s: stop the container "
                                  "before removing or force remove",
                                  c->doc.name, container_state_to_string(c->state));
        container_restart_policy_cancel(c);
        c->doc.remove_volumes = c->doc.remove_volumes || volumes;
        if (container_is_running(c))
                return remove_running(c, ret, reterr);
        r = container_remove_now(c, reterr);
        return r < 0 ? r : 1;
}

static bool is_prunable(const Container *c) {
        return !c->busy && IN_SET(c->state, CONTAINER_CREATED, CONTAINER_EXITED, CONTAINER_DEAD);
}

int container_prune_candidates(ContainerManager *m, const Filters *filters, char ***ret, Error *reterr) {
        static const char *const keys[] = { "label", "label!", "until", NULL };
        _cleanup_strv_free_ char **ids = strv_new_empty();
        nsec_t until;
        Container *c;
        int r;

        if (!ids)
                return error_fill(reterr, -ENOMEM);
        r = filters_check_keys(filters, keys, reterr);
        if (r >= 0)
                r = filters_get_prune_until(filters, &until, reterr);
        if (r < 0)
                return r;
        HASHMAP_FOREACH(c, m->by_id)
                if (is_prunable(c) && c->doc.created < until &&
                    filters_match_labels(filters, &c->doc.config.labels) && strv_extend(&ids, c->doc.id) < 0)
                        return error_fill(reterr, -ENOMEM);
        *ret = TAKE_PTR(ids);
        return 0;
}

bool container_prune(Container *c) {
        _cleanup_free_ char *id = strdup(c->doc.id);
        _cleanup_error_ Error e = ERROR_NULL;

        if (!is_prunable(c))
                return false;
        if (container_remove_now(c, &e) >= 0)
                return true;
        log_warning("Container %s is not pruned: %s", strnull(id), error_message(&e));
        return false;
}
