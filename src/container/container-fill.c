/* SPDX-License-Identifier: Apache-2.0 */
/* An image's files at the mount points of empty volumes become the volumes' first content: one volume after
 * the other, each by a worker. Two containers that want to fill the same volume wait for each other. */
#include "basic/crash-point.h"
#include "container/container-mounts.h"
#include "container/container-volumes.h"
#include "image/rootfs.h"

struct ContainerFill {
        Container *container;           /* back-pointer, the owner */
        size_t next;                    /* mount point that is looked at next */
        ImageJob *job;
        Operation *awaited;             /* of another container that fills the volume */
        Operation *own;                 /* what others wait for while we fill one */
        char *volume;                   /* that one's name */
        ContainerFillDone done;
        void *userdata;
};

static void release_volume(ContainerFill *f) {
        _cleanup_(operation_unrefp) Operation *own = TAKE_PTR(f->own);
        Volume *v = f->volume ? volume_get(f->container->manager->config.volumes, f->volume) : NULL;

        f->volume = mfree(f->volume);
        if (v && v->filling == own)
                v->filling = operation_unref(v->filling);
        if (own)
                operation_complete(own, 0, NULL);
}

ContainerFill *container_fill_free(ContainerFill *f) {
        if (!f)
                return NULL;
        image_job_cancel(f->job);
        if (f->awaited)
                operation_forget(f->awaited, f);
        operation_unref(f->awaited);
        if (f->container->manager)
                release_volume(f);
        operation_unref(f->own);
        free(f->volume);
        free(f);
        return NULL;
}

static bool wants_copy(Container *c, const MountPoint *m) {
        const MountSpec *spec;
        Volume *v;

        if (!streq(m->type, "volume") || strstr(strempty(m->mode), "nocopy"))
                return false;
        spec = container_mount_spec(&c->doc.host_config, m->destination);
        if (spec && spec->volume_options && spec->volume_options->no_copy)
                return false;
        v = volume_get(c->manager->config.volumes, m->name);
        return v && volume_kind(v) != VOLUME_TMPFS;
}

/* From f->next on. */
static const MountPoint *next_wanted(ContainerFill *f) {
        MountPointList *l = &f->container->doc.mounts;

        for (; f->next < l->n_items; f->next++)
                if (wants_copy(f->container, l->items + f->next))
                        return l->items + f->next;
        return NULL;
}

static void fill_end(ContainerFill *f, int r, const Error *error) {
        Container *c = f->container;
        ContainerFillDone done = f->done;
        void *userdata = f->userdata;
        _cleanup_error_ Error e = ERROR_NULL;

        if (r >= 0) {
                c->doc.volumes_filled = true;
                r = container_save(c, STORE_SYNC_LAZY, &e);
                error = &e;
        }
        crash_point("container-fill:recorded");
        container_fill_free(f);
        done(r, r < 0 ? error : NULL, userdata);
}

static void fill_next(ContainerFill *f);

static void on_copied(ImageJob *job, int r, const Error *error, void *userdata) {
        ContainerFill *f = ASSERT_PTR(userdata);

        f->job = NULL;
        release_volume(f);
        crash_point("container-fill:copied");
        if (r < 0)
                fill_end(f, r, error);
        else {
                f->next++;
                fill_next(f);
        }
}

static void on_other_filled(Operation *o, int r, const Error *error, void *userdata) {
        ContainerFill *f = ASSERT_PTR(userdata);

        f->awaited = operation_unref(f->awaited);
        fill_next(f);
}

static int wait_for_other(ContainerFill *f, const Volume *v, Error *reterr) {
        int r = operation_wait(v->filling, on_other_filled, f);

        if (r < 0)
                return error_fill(reterr, r);
        f->awaited = operation_ref(v->filling);
        return 0;
}

static int copy_one(ContainerFill *f, const MountPoint *m, Error *reterr) {
        const ImageJobHandlers handlers = { .done = on_copied, .userdata = f };
        Container *c = f->container;
        Volume *v = volume_get(c->manager->config.volumes, m->name);
        int r;

        if (v->filling)
                return wait_for_other(f, v, reterr);
        r = volume_make_directories(v, reterr);
        if (r < 0)
                return r;
        f->own = operation_new();
        f->volume = strdup(v->record.name);
        if (!f->own || !f->volume)
                return error_fill(reterr, -ENOMEM);
        v->filling = operation_ref(f->own);
        return rootfs_copy_start(c->manager->config.images, c->image, c->rw_dir, m->destination,
                                 volume_source(v), &handlers, &f->job, reterr);
}

static int fill_step(ContainerFill *f, const MountPoint *m, Error *reterr) {
        int r = copy_one(f, m, reterr);

        return r < 0 ? error_prefixf(reterr, r, "failed to populate volume %s", m->name) : 0;
}

static void fill_next(ContainerFill *f) {
        const MountPoint *m = next_wanted(f);
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        r = m ? fill_step(f, m, &e) : 0;
        if (r < 0 || !m)
                fill_end(f, r, &e);
}

static void on_prepared(ImageJob *job, int r, const Error *error, void *userdata) {
        ContainerFill *f = ASSERT_PTR(userdata);

        f->job = NULL;
        if (r < 0)
                fill_end(f, r, error);
        else
                fill_next(f);
}

int container_fill_start(Container *c, ContainerFillDone done, void *userdata, ContainerFill **ret,
                         Error *reterr) {
        ImageJobHandlers handlers = { .done = on_prepared };
        const MountPoint *first;
        ContainerFill *f;
        int r;

        if (c->doc.volumes_filled)
                return 0;
        handlers.userdata = f = new(ContainerFill, 1);
        if (!f)
                return error_fill(reterr, -ENOMEM);
        *f = (ContainerFill) { .container = c, .done = done, .userdata = userdata };
        first = next_wanted(f);
        if (!first) {
                container_fill_free(f);
                return 0;
        }
        r = rootfs_prepare(c->manager->config.images, c->image, c->rw_dir, &handlers, &f->job, reterr);
        if (r == 0)
                r = fill_step(f, first, reterr);
        if (r < 0) {
                container_fill_free(f);
                return r;
        }
        *ret = f;
        return 1;
}

static void on_populated(int r, const Error *error, void *userdata) {
        Container *c = ASSERT_PTR(userdata);

        c->fill = NULL;
        container_clear_busy(c, r, error);
}

int container_populate(Container *c, Operation **ret, Error *reterr) {
        int r;

        r = container_fill_start(c, on_populated, c, &c->fill, reterr);
        if (r <= 0)
                return r;
        r = container_set_busy(c, ret);
        if (r < 0) {
                c->fill = container_fill_free(c->fill);
                return error_fill(reterr, r);
        }
        return 1;
}
