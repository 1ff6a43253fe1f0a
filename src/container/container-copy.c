/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-copy.h"

#include <sys/stat.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/messages.h"
#include "basic/path-util.h"
#include "container/container-ask-root.h"
#include "container/container-commit.h"
#include "container/container-mounts.h"
#include "container/container-restart-policy.h"
#include "image/rootfs.h"
#include "image/worker-verbs.h"
#include "runtime/user-resolve.h"

/* Of a place to mount on that is missing, as the runtimes make them. */
#define PLACE_MODE 0755

struct ContainerCopy {
        Container *container;           /* referenced */
        ContainerCopyKind kind;
        char *name;
        PathParams params;
        int fd;
        bool own;
        void (*found)(ContainerCopy *k, const ContainerPathStat *stat, void *userdata);
        void (*done)(ContainerCopy *k, int r, const Error *error, void *userdata);
        void *userdata;

        /* One after the other */
        RootQuestion *question;
        ImageJob *prepare;
        Worker *worker;
        bool busy;                      /* the container is, because of us */
};

static const struct {
        const char *verb, *what;
} kinds[] = {
        [CONTAINER_COPY_STAT] = { "path-stat", "look into" },
        [CONTAINER_COPY_READ] = { "path-pack", "copy from" },
        [CONTAINER_COPY_WRITE] = { "path-unpack", "copy to" },
};

static void set_idle(ContainerCopy *k) {
        Container *c = k->container;

        if (!k->busy)
                return;
        k->busy = false;
        if (c->writer == k)
                c->writer = NULL;
        container_clear_busy(c, 0, NULL);
        if (c->manager && !c->manager->stopping)
                container_restart_policy_gone(c);
}

static int set_busy(ContainerCopy *k, Error *reterr) {
        int r = k->busy ? 0 : container_set_busy(k->container, NULL);

        if (r < 0)
                return error_fill(reterr, r);
        k->busy = true;
        return 0;
}

ContainerCopy *container_copy_free(ContainerCopy *k) {
        if (!k)
                return NULL;
        root_question_free(k->question);
        image_job_cancel(k->prepare);
        worker_cancel(k->worker);
        set_idle(k);
        safe_close(k->fd);
        json_done(&PathParams_json, &k->params);
        free(k->name);
        container_unref(k->container);
        return mfree(k);
}

static void finish(ContainerCopy *k, int r, const Error *error) {
        void (*done)(ContainerCopy *k, int r, const Error *error, void *userdata) = k->done;
        void *userdata = k->userdata;

        container_copy_free(k);
        done(k, r, error, userdata);
}

/* Others that waited may begin at once, and end here as well. */
void container_copy_end_writer(Container *c) {
        _cleanup_(container_unrefp) Container *hold = container_ref(c);

        while (c->writer) {
                _cleanup_error_ Error e = ERROR_NULL;
                int r;

                r = error_setf(&e, ERROR_CONFLICT, "container %s is being removed", c->doc.id);
                finish(c->writer, r, &e);
        }
}

/* --- the worker --- */

/* Docker's words. */
static int translate(const ContainerCopy *k, int r, const Error *error, Error *reterr) {
        if (error->kind != ERROR_NOT_FOUND)
                return error_copy(reterr, error);
        return error_setf(reterr, ERROR_NOT_FOUND, "Could not find the file %s in container %s",
                          k->params.path, k->name);
}

static void tell_found(ContainerCopy *k, struct json_object *o) {
        _cleanup_(ContainerPathStat_donep) ContainerPathStat stat = {};

        if (json_decode(&ContainerPathStat_json, o, 0, &stat, NULL) < 0)
                return;
        if (k->kind == CONTAINER_COPY_READ && k->container->manager)
                container_event(k->container, "archive-path", MESSAGE_CONTAINER_ARCHIVE_PATH_STR, NULL);
        k->found(k, &stat, k->userdata);
}

static void on_progress(Worker *w, struct json_object *progress, void *userdata) {
        tell_found(ASSERT_PTR((ContainerCopy *) userdata), progress);
}

static void on_done(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        ContainerCopy *k = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;

        k->worker = NULL;
        if (r < 0)
                r = translate(k, r, error, &e);
        else if (k->kind == CONTAINER_COPY_STAT)
                tell_found(k, result);
        else
                r = container_check_still_there(k->container, &e);
        if (r >= 0 && k->kind == CONTAINER_COPY_READ)
                tree_pack_log(result, k->container->doc.name);
        if (r >= 0 && k->kind == CONTAINER_COPY_WRITE)
                container_event(k->container, "extract-to-dir", MESSAGE_CONTAINER_EXTRACT_TO_DIR_STR, NULL);
        finish(k, r, &e);
}

/* The user of the container, by its own files. */
static int set_owner(ContainerCopy *k, int root_fd, Error *reterr) {
        _cleanup_(resolved_user_donep) ResolvedUser u = {};
        int r;

        if (!k->own || isempty(k->container->doc.config.user))
                return 0;
        r = user_resolve(root_fd, k->container->doc.config.user, NULL, &u, reterr);
        if (r < 0)
                return r;
        k->params.own = true;
        k->params.uid = u.uid;
        k->params.gid = u.gid;
        return 0;
}

static int start_worker(ContainerCopy *k, int root_fd, Error *reterr) {
        _cleanup_close_ int scratch = -EBADF;
        Container *c = k->container;
        int r;

        r = set_owner(k, root_fd, reterr);
        if (r < 0)
                return r;
        if (k->kind == CONTAINER_COPY_WRITE) {
                scratch = open(c->data_dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
                if (scratch < 0)
                        return error_set_errnof(reterr, ERROR_INTERNAL, -errno,
                                                "cannot make a temporary file in %s", c->data_dir);
        }
        r = worker_start(c->manager->config.workers, &(WorkerRequest) {
                .verb = kinds[k->kind].verb,
                .pace = WORKER_PACE_CLIENT,
                .params_type = &PathParams_json,
                .params = &k->params,
                .fds = (const int[]) { root_fd, k->fd, scratch },
                .n_fds = k->kind == CONTAINER_COPY_STAT ? 1 : k->kind == CONTAINER_COPY_READ ? 2 : 3,
                .progress = k->kind == CONTAINER_COPY_READ ? on_progress : NULL,
                .done = on_done,
                .userdata = k,
        }, &k->worker, reterr);
        k->fd = safe_close(k->fd);
        return r;
}

/* --- of one that does not run --- */

static int add_mount(PathParams *p, const SpecMount *m) {
        PathMount *items = reallocarray(p->mounts.items, p->mounts.n_items + 1, sizeof(*items)), *new;

        if (!items)
                return -ENOMEM;
        p->mounts.items = items;
        new = items + p->mounts.n_items++;
        *new = (PathMount) {
                .source = strdup(m->source),
                .destination = strdup(m->destination),
                .recursive = strv_contains(m->options, "rbind"),
                .read_only_recursive = strv_contains(m->options, "rro"),
        };
        new->read_only = new->read_only_recursive || strv_contains(m->options, "ro");
        return new->source && new->destination ? 0 : -ENOMEM;
}

/* As Docker: what is in a tmpfs is there while it runs and not before or after. */
static int list_mounts(ContainerCopy *k, Error *reterr) {
        _cleanup_(spec_mount_list_donep) SpecMountList l = {};
        int r;

        r = container_mounts_build(k->container, &l, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < l.n_items && r >= 0; i++)
                if (streq(l.items[i].type, "bind"))
                        r = add_mount(&k->params, l.items + i);
        return r < 0 ? error_fill(reterr, r) : 0;
}

static int make_place(int root_fd, const PathMount *m) {
        _cleanup_free_ char *parent = NULL;
        _cleanup_close_ int fd = -EBADF, file = -EBADF;
        struct stat st;
        int r;

        if (stat(m->source, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (S_ISDIR(st.st_mode))
                return mkdir_p_in_root(root_fd, m->destination, PLACE_MODE, &fd);
        r = path_parent(m->destination, &parent);
        if (r >= 0)
                r = mkdir_p_in_root(root_fd, parent, PLACE_MODE, &fd);
        if (r < 0)
                return r;
        file = openat(fd, path_basename(m->destination),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, PLACE_MODE);
        return file < 0 ? -errno : 0;
}

static bool place_is_missing(int root_fd, const PathMount *m) {
        _cleanup_close_ int fd = open_in_root(root_fd, m->destination, O_PATH, 0);

        return fd == -ENOENT;
}

static bool any_is_missing(const PathParams *p, int root_fd) {
        for (size_t i = 0; i < p->mounts.n_items; i++)
                if (place_is_missing(root_fd, p->mounts.items + i))
                        return true;
        return false;
}

static int make_places(const PathParams *p, int root_fd, Error *reterr) {
        for (size_t i = 0; i < p->mounts.n_items; i++) {
                const PathMount *m = p->mounts.items + i;
                int r = place_is_missing(root_fd, m) ? make_place(root_fd, m) : 0;

                if (r < 0)
                        return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot make mount point %s",
                                                m->destination);
        }
        return 0;
}

static int mount_root(ContainerCopy *k, bool writable, int *ret, Error *reterr) {
        Container *c = k->container;
        ImageManager *images = c->manager->config.images;

        return writable ? rootfs_mount(images, c->image, c->rw_dir, ret, reterr) :
                          rootfs_mount_read_only(images, c->image, c->rw_dir, ret, reterr);
}

/* What is read is a mount of its own that no start has to wait for. While somebody writes, the places are
 * there already. */
static int mount_for_reading(ContainerCopy *k, int *ret, Error *reterr) {
        _cleanup_close_ int root = -EBADF, writable = -EBADF;
        int r;

        r = mount_root(k, false, &root, reterr);
        if (r < 0)
                return r;
        if (any_is_missing(&k->params, root) && !k->container->writer) {
                root = safe_close(root);
                r = mount_root(k, true, &writable, reterr);
                if (r >= 0)
                        r = make_places(&k->params, writable, reterr);
                if (r >= 0)
                        r = mount_root(k, false, &root, reterr);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_FD(root);
        return 0;
}

static int mount_for_writing(ContainerCopy *k, int *ret, Error *reterr) {
        _cleanup_close_ int root = -EBADF;
        int r;

        r = set_busy(k, reterr);
        if (r >= 0)
                r = mount_root(k, true, &root, reterr);
        if (r < 0)
                return r;
        k->container->writer = k;
        k->params.read_only_root = k->container->doc.host_config.readonly_rootfs;
        *ret = TAKE_FD(root);
        return 0;
}

static int start_stopped(ContainerCopy *k, Error *reterr) {
        _cleanup_close_ int root = -EBADF;
        int r;

        r = list_mounts(k, reterr);
        if (r >= 0)
                r = k->kind == CONTAINER_COPY_WRITE ? mount_for_writing(k, &root, reterr) :
                                                      mount_for_reading(k, &root, reterr);
        if (r >= 0)
                r = start_worker(k, root, reterr);
        /* Last: who waited for this may remove the container at once. */
        if (r >= 0 && k->kind != CONTAINER_COPY_WRITE)
                set_idle(k);
        return r;
}

static void on_prepared(ImageJob *job, int r, const Error *error, void *userdata) {
        ContainerCopy *k = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;

        k->prepare = NULL;
        r = r < 0 ? error_copy(&e, error) : start_stopped(k, &e);
        if (r < 0)
                finish(k, r, &e);
}

/* At once, or when the storage driver has made its copy of the image. */
static int prepare_stopped(ContainerCopy *k, Error *reterr) {
        const ImageJobHandlers handlers = { .done = on_prepared, .userdata = k };
        Container *c = k->container;
        int r;

        r = container_check_readable(c, kinds[k->kind].what, reterr);
        if (r < 0)
                return r;
        r = c->writer ? 0 : rootfs_prepare(c->manager->config.images, c->image, c->rw_dir, &handlers,
                                           &k->prepare, reterr);
        if (r == 0)
                return start_stopped(k, reterr);
        return r < 0 ? r : set_busy(k, reterr);
}

/* --- of one that runs --- */

static void on_root(int r, int fd, void *userdata) {
        ContainerCopy *k = ASSERT_PTR(userdata);
        _cleanup_error_ Error e = ERROR_NULL;
        _cleanup_close_ int root = fd;

        k->question = NULL;
        k->params.pid = (uint64_t) k->container->doc.pid;
        if (r < 0)
                r = error_setf(&e, ERROR_CONFLICT, "container %s ended meanwhile", k->name);
        else
                r = start_worker(k, root, &e);
        if (r < 0)
                finish(k, r, &e);
}

/* --- start --- */

/* Docker's words, the missing space too. */
int container_copy_check(const ContainerCopyParams *p, Error *reterr) {
        if (isempty(p->path))
                return error_setf(reterr, ERROR_INVALID, "bad parameter: pathcannot be empty");
        if (strlen(p->path) >= PATH_MAX)
                return error_setf(reterr, ERROR_INVALID, "path of %zu bytes, at most %u", strlen(p->path),
                                  PATH_MAX - 1U);
        return 0;
}

static int copy_new(Container *c, const ContainerCopyParams *p, ContainerCopy **ret) {
        _cleanup_(container_copy_freep) ContainerCopy *k = new(ContainerCopy, 1);

        if (!k)
                return -ENOMEM;
        *k = (ContainerCopy) {
                .container = container_ref(c),
                .kind = p->kind,
                .name = strdup(strempty(p->name)),
                .params = { .path = strdup(p->path), .no_overwrite = p->no_overwrite },
                .fd = -EBADF,
                .own = p->own,
                .found = p->found,
                .done = p->done,
                .userdata = p->userdata,
        };
        if (!k->name || !k->params.path)
                return -ENOMEM;
        if (p->kind != CONTAINER_COPY_STAT) {
                k->fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 3);
                if (k->fd < 0)
                        return -errno;
        }
        *ret = TAKE_PTR(k);
        return 0;
}

int container_copy_start(Container *c, const ContainerCopyParams *p, ContainerCopy **ret, Error *reterr) {
        _cleanup_(container_copy_freep) ContainerCopy *k = NULL;
        int r;

        r = container_copy_check(p, reterr);
        if (r < 0)
                return r;
        r = copy_new(c, p, &k);
        if (r < 0)
                return error_fill(reterr, r);
        r = container_is_running(c) ? container_ask_root(c, on_root, k, &k->question, reterr) :
                                      prepare_stopped(k, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(k);
        return 0;
}
