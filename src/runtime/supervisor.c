/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/supervisor.h"

#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>

#include "basic/fileio.h"
#include "basic/path-util.h"
#include "basic/process-util.h"
#include "basic/string-table.h"
#include "basic/strv.h"
#include "runtime/shim-protocol.h"
#include "runtime/supervisor-internal.h"
#include "shared/cgroup-util.h"

static const char *const supervisor_kind_table[_SUPERVISOR_KIND_MAX] = {
        [SUPERVISOR_SYSTEMD] = "systemd",
        [SUPERVISOR_DIRECT]  = "direct",
};
DEFINE_STRING_TABLE(supervisor_kind, SupervisorKind)

static const SupervisorVTable *const vtables[_SUPERVISOR_KIND_MAX] = {
        [SUPERVISOR_SYSTEMD] = &supervisor_systemd_vtable,
        [SUPERVISOR_DIRECT]  = &supervisor_direct_vtable,
};

SupervisorKind supervisor_kind_default(bool has_bus) {
        return sd_booted() > 0 && has_bus ? SUPERVISOR_SYSTEMD : SUPERVISOR_DIRECT;
}

SupervisorKind supervisor_kind(const Supervisor *s) {
        return s->vtable->kind;
}

Supervisor *supervisor_free(Supervisor *s) {
        SupervisorUnit *u;

        if (!s)
                return NULL;
        HASHMAP_FOREACH(u, s->units)
                supervisor_unit_free(u);
        hashmap_free(s->units);
        sd_bus_slot_unref(s->job_slot);
        sd_bus_slot_unref(s->removed_slot);
        sd_bus_slot_unref(s->subscribe_slot);
        strv_free(s->cleanups);
        sd_bus_unref(s->bus);
        sd_event_unref(s->event);
        free(s->shim_path);
        free(s->own_unit);
        free(s);
        return NULL;
}

static int find_own_unit(Supervisor *s) {
        _cleanup_free_ char *unit = NULL;
        int r;

        r = sd_pid_get_unit(0, &unit);
        if (r == -ENOMEM)
                return r;
        if (r >= 0 && endswith(unit, ".service"))
                s->own_unit = TAKE_PTR(unit);
        return 0;
}

int supervisor_new(SupervisorKind kind, sd_event *event, sd_bus *bus, const char *shim_path,
                   SupervisorGone gone, void *userdata, Supervisor **ret, Error *reterr) {
        _cleanup_(supervisor_freep) Supervisor *s = NULL;
        int r;

        s = new(Supervisor, 1);
        if (!s)
                return error_fill(reterr, -ENOMEM);
        *s = (Supervisor) {
                .vtable = vtables[kind],
                .event = sd_event_ref(event),
                .gone = gone,
                .userdata = userdata,
                .shim_path = strdup(shim_path),
                .units = hashmap_new(),
        };
        if (!s->shim_path || !s->units || (kind == SUPERVISOR_SYSTEMD && find_own_unit(s) < 0))
                return error_fill(reterr, -ENOMEM);
        r = supervisor_set_bus(s, bus, reterr);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        return 0;
}

bool supervisor_tells(const Supervisor *s) {
        return !s->vtable->set_bus || s->bus;
}

int supervisor_set_bus(Supervisor *s, sd_bus *bus, Error *reterr) {
        if (!s->vtable->set_bus)
                return 0;
        sd_bus_unref(s->bus);
        s->bus = sd_bus_ref(bus);
        return s->vtable->set_bus(s, reterr);
}

/* --- units --- */

SupervisorUnit *supervisor_unit_free(SupervisorUnit *u) {
        if (!u)
                return NULL;
        if (u->supervisor->vtable->unit_done)
                u->supervisor->vtable->unit_done(u);
        sd_event_source_disable_unref(u->end_source);
        sd_event_source_disable_unref(u->done_source);
        if (u->id && hashmap_get(u->supervisor->units, u->id) == u)
                hashmap_remove(u->supervisor->units, u->id);
        free(u->id);
        free(u);
        return NULL;
}
DEFINE_TRIVIAL_CLEANUP_FUNC(SupervisorUnit *, supervisor_unit_free);

void supervisor_unit_done(SupervisorUnit *u) {
        SupervisorDone done = u->done;

        u->done = NULL;
        if (done)
                done(u->supervisor, u->id, NULL, u->done_userdata);
}

/* In this order: the callback may start the same container anew. */
void supervisor_unit_fail(SupervisorUnit *u, const Error *error) {
        Supervisor *s = u->supervisor;
        SupervisorDone done = u->done;
        void *userdata = u->done_userdata;
        _cleanup_free_ char *id = TAKE_PTR(u->id);

        if (id && hashmap_get(s->units, id) == u)
                hashmap_remove(s->units, id);
        supervisor_unit_free(u);
        if (done && id)
                done(s, id, error, userdata);
}

void supervisor_unit_gone(SupervisorUnit *u) {
        Supervisor *s = u->supervisor;
        _cleanup_free_ char *id = TAKE_PTR(u->id);

        if (id)
                hashmap_remove(s->units, id);
        supervisor_unit_free(u);
        if (id && s->gone)
                s->gone(s, id, s->userdata);
}

static int on_done(sd_event_source *s, void *userdata) {
        supervisor_unit_done(userdata);
        return 0;
}

/* done() never is called from within supervisor_start(). */
int supervisor_unit_done_later(SupervisorUnit *u) {
        return sd_event_add_defer(u->supervisor->event, &u->done_source, on_done, u);
}

/* "PID START-TIME", written by the shim: together they name a process. */
static int read_shim_pid(const char *run_dir, pid_t *ret_pid, uint64_t *ret_start) {
        _cleanup_free_ char *path = path_join(run_dir, SHIM_SHIM_PID_NAME), *text = NULL;
        unsigned long long start;
        int pid, r;

        if (!path)
                return -ENOMEM;
        r = read_file_at(AT_FDCWD, path, 128, &text, NULL);
        if (r < 0)
                return r;
        if (sscanf(text, "%d %llu", &pid, &start) != 2 || pid <= 1)
                return -EBADMSG;
        *ret_pid = pid;
        *ret_start = start;
        return 0;
}

static int find_shim(const char *run_dir, int *ret_pidfd) {
        _cleanup_close_ int pidfd = -EBADF;
        uint64_t start, now;
        pid_t pid;
        int r;

        r = read_shim_pid(run_dir, &pid, &start);
        if (r < 0)
                return r;
        pidfd = pidfd_open_cloexec(pid);
        if (pidfd < 0)
                return pidfd;
        r = process_start_time(pid, &now);
        if (r < 0)
                return r;
        if (now != start)
                return -ESRCH;
        *ret_pidfd = TAKE_FD(pidfd);
        return 0;
}

bool supervisor_shim_lives(const char *run_dir) {
        _cleanup_close_ int pidfd = -EBADF;

        return find_shim(run_dir, &pidfd) >= 0;
}

static int on_pidfd(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        supervisor_unit_gone(userdata);
        return 0;
}

int supervisor_unit_watch_shim(SupervisorUnit *u, const char *run_dir) {
        _cleanup_close_ int pidfd = -EBADF;
        int r;

        r = find_shim(run_dir, &pidfd);
        if (r < 0)
                return r;
        r = sd_event_add_io(u->supervisor->event, &u->end_source, pidfd, EPOLLIN, on_pidfd, u);
        if (r < 0)
                return r;
        (void) sd_event_source_set_io_fd_own(u->end_source, true);
        u->pidfd = TAKE_FD(pidfd);
        return 0;
}

/* An older shim of the same container may be at its last moments: it is replaced, and its end is not told.
 * */
static int unit_new(Supervisor *s, const char *id, SupervisorDone done, void *userdata,
                    SupervisorUnit **ret) {
        _cleanup_(supervisor_unit_freep) SupervisorUnit *u = NULL;
        void *old;
        int r;

        u = calloc(1, s->vtable->unit_size);
        if (!u)
                return -ENOMEM;
        u->supervisor = s;
        u->done = done;
        u->done_userdata = userdata;
        u->id = strdup(id);
        if (!u->id)
                return -ENOMEM;

        old = hashmap_remove(s->units, id);
        r = hashmap_put(s->units, u->id, u);
        if (r < 0)
                return r;
        supervisor_unit_free(old);
        *ret = TAKE_PTR(u);
        return 0;
}

int supervisor_start(Supervisor *s, const SupervisorLaunch *launch, SupervisorDone done, void *userdata,
                     Error *reterr) {
        SupervisorUnit *u;
        int r;

        r = unit_new(s, launch->id, done, userdata, &u);
        if (r < 0)
                return error_fill(reterr, r);
        r = s->vtable->start(u, launch, reterr);
        if (r < 0) {
                supervisor_unit_free(u);
                return error_fill(reterr, r);
        }
        return 0;
}

int supervisor_find_running(Supervisor *s, const char *id, const char *run_dir, SupervisorDone done,
                            void *userdata, Error *reterr) {
        SupervisorUnit *u;
        int r;

        r = unit_new(s, id, done, userdata, &u);
        if (r < 0)
                return error_fill(reterr, r);
        r = s->vtable->find_running(u, run_dir, reterr);
        if (r < 0) {
                supervisor_unit_free(u);
                return error_fill(reterr, r);
        }
        return 0;
}

void supervisor_forget(Supervisor *s, const char *id) {
        SupervisorUnit *u = hashmap_get(s->units, id);

        if (u)
                u->done = NULL;
}

int supervisor_cleanup(Supervisor *s, const char *id, const char *cgroup_parent) {
        return s->vtable->cleanup(s, id, cgroup_parent);
}

int supervisor_rename(Supervisor *s, const char *id, const char *name) {
        return s->vtable->rename ? s->vtable->rename(s, id, name) : 0;
}

int supervisor_update(Supervisor *s, const char *id, const SpecResources *resources) {
        return s->vtable->update ? s->vtable->update(s, id, resources) : 0;
}

/* --- control groups --- */

/* cgroup2 does not take processes and controllers in one group: shim and container get one each. */
bool supervisor_delegates(const Supervisor *s) {
        return s->vtable->kind == SUPERVISOR_SYSTEMD && cgroup_version() == 2;
}

int supervisor_check_cgroup_parent(const Supervisor *s, const char *cgroup_parent, Error *reterr) {
        if (s->vtable->kind != SUPERVISOR_SYSTEMD || isempty(cgroup_parent))
                return 0;
        if (strchr(cgroup_parent, '/') || !endswith(cgroup_parent, ".slice") ||
            streq(cgroup_parent, ".slice"))
                return error_setf(reterr, ERROR_INVALID, "cgroup-parent for systemd cgroup should be a "
                                  "valid slice named as \"xxx.slice\"");
        return 0;
}

/* "a-b.slice" is "/a.slice/a-b.slice", systemd.slice(5). */
static int slice_path(const char *slice, char **ret) {
        _cleanup_buffer_ Buffer b = {};
        size_t n = strlen(slice) - strlen(".slice");

        if (streq(slice, "-.slice"))
                return asprintf_safe(ret, "%s", "");
        for (size_t i = 0; i <= n; i++) {
                if (i != n && slice[i] != '-')
                        continue;
                if (buffer_appendf(&b, "/%.*s.slice", (int) i, slice) < 0)
                        return -ENOMEM;
        }
        *ret = buffer_steal(&b);
        return *ret ? 0 : -ENOMEM;
}

int supervisor_cgroup_path(Supervisor *s, const char *id, const char *cgroup_parent, char **ret) {
        _cleanup_free_ char *parent = NULL;
        int r;

        if (s->vtable->kind == SUPERVISOR_SYSTEMD) {
                const char *slice = isempty(cgroup_parent) ? "system.slice" : cgroup_parent;

                if (!endswith(slice, ".slice"))
                        return -EINVAL;
                r = slice_path(slice, &parent);
                if (r < 0)
                        return r;
                return asprintf_safe(ret, "%s/docker-%s.service/container", parent, id);
        }

        return asprintf_safe(ret, "%s%s/%s%s", cgroup_parent && cgroup_parent[0] == '/' ? "" : "/",
                             isempty(cgroup_parent) ? SUPERVISOR_CGROUP_DEFAULT : cgroup_parent, id,
                             cgroup_version() == 2 ? "/container" : "");
}
