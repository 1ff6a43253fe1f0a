/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/runtime-oci.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/log.h"
#include "basic/process-util.h"
#include "shared/cgroup-util.h"

/* What a runtime may take when it is asked for its version. */
/* How Docker calls its default, a shim of containerd's; clients that copy a HostConfig send it. */
#define DOCKER_DEFAULT_RUNTIME "io.containerd.runc.v2"
#define PROBE_USEC (5 * USEC_PER_SEC)

static const char *const well_known[] = { "crun", "runc" };

static void oci_runtime_done(OciRuntime *r) {
        runtime_probe_free(r->probe);
        free(r->name);
        free(r->path);
        strv_free(r->args);
        free(r->version);
        free(r->commit);
        free(r->features);
        free(r->why_not);
}

void oci_runtimes_done(OciRuntimes *r) {
        sd_event_source_disable_unref(r->begin_source);
        sd_event_source_disable_unref(r->timeout_source);
        for (size_t i = 0; i < r->n; i++)
                oci_runtime_done(r->runtimes + i);
        free(r->runtimes);
        free(r->default_name);
        sd_event_unref(r->event);
        *r = (OciRuntimes) {};
}

/* --- asking it --- */

/* "runc version 1.1.5+ds1\ncommit: 1.1.5...\n", "crun version 1.8.1\ncommit: f8a0...\n" */
static int parse_version(OciRuntime *rt, const char *text) {
        _cleanup_strv_free_ char **lines = NULL;
        int r;

        r = strv_split(text, "\n", &lines);
        if (r < 0)
                return r;
        STRV_FOREACH(l, lines) {
                const char *v = strstr(*l, " version "), *c = startswith(*l, "commit: ");

                if (v && !rt->version)
                        rt->version = strdup(v + strlen(" version "));
                if (c && !rt->commit)
                        rt->commit = strdup(c);
        }
        if (!rt->version)
                rt->version = strdup("");
        if (!rt->commit)
                rt->commit = strdup("");
        return rt->version && rt->commit ? 0 : -ENOMEM;
}

/* --- judging it --- */

static int not_usable(OciRuntime *rt, const char *format, ...) _printf_(2, 3);
static int not_usable(OciRuntime *rt, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&rt->why_not, format, ap);
        va_end(ap);
        rt->usable = false;
        return r < 0 ? -ENOMEM : 0;
}

/* The device program of cgroup2 needs locked memory; versions before 1.21 insist on raising the limit
 * themselves, which takes CAP_SYS_RESOURCE. Raising it a little, where it is unlimited already, shows
 * whether that would work. */
static bool may_raise_memlock(void) {
        struct rlimit l;

        if (getrlimit(RLIMIT_MEMLOCK, &l) < 0)
                return false;
        if (l.rlim_max == RLIM_INFINITY)
                return true;
        struct rlimit more = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };
        if (setrlimit(RLIMIT_MEMLOCK, &more) < 0)
                return false;
        (void) setrlimit(RLIMIT_MEMLOCK, &l);
        return true;
}

static int judge_crun(OciRuntime *rt) {
        unsigned major = 0, minor = 0;

        (void) sscanf(strempty(rt->version), "%u.%u", &major, &minor);
        if (cgroup_version() != 2)
                return not_usable(rt, "crun %s works with cgroup v2 only, and this host has v1",
                                  rt->version);
        if (major == 1 && minor < 21 && !may_raise_memlock())
                return not_usable(rt, "crun %s needs CAP_SYS_RESOURCE, which this host does not grant",
                                  rt->version);
        return 0;
}

static bool is_crun(const OciRuntime *rt) {
        const char *base = strrchr(rt->path, '/');

        return streq(base ? base + 1 : rt->path, "crun");
}

/* The probe has its answers. */
static int judge(OciRuntime *rt) {
        _cleanup_(runtime_probe_freep) RuntimeProbe *p = TAKE_PTR(rt->probe);
        _cleanup_free_ char *text = NULL;
        int r;

        if (!p)
                return 0;
        r = runtime_probe_take_version(p, &text);
        if (r < 0)
                return not_usable(rt, "%s --version failed: %s", rt->path, strerror(-r));
        (void) runtime_probe_take_features(p, &rt->features);
        r = parse_version(rt, text);
        if (r < 0)
                return r;
        rt->usable = true;
        return is_crun(rt) ? judge_crun(rt) : 0;
}

/* --- the list --- */

static OciRuntime *list_append(OciRuntimes *l) {
        OciRuntime *p = reallocarray(l->runtimes, l->n + 1, sizeof(OciRuntime));

        if (!p)
                return NULL;
        l->runtimes = p;
        p += l->n++;
        *p = (OciRuntime) {};
        return p;
}

static OciRuntime *list_find(const OciRuntimes *l, const char *name) {
        for (size_t i = 0; i < l->n; i++)
                if (streq(l->runtimes[i].name, name))
                        return l->runtimes + i;
        return NULL;
}

/* A well-known one that is not installed is left out; a configured one is kept with the reason. */
static int add_runtime(OciRuntimes *l, const OciRuntimeConfig *c, bool configured) {
        _cleanup_free_ char *path = NULL;
        OciRuntime *rt;
        int r = 0;

        if (!isempty(c->path) || isempty(c->type))
                r = find_executable(isempty(c->path) ? c->name : c->path, &path);
        if (r < 0 && !configured)
                return r == -ENOMEM ? r : 0;

        rt = list_append(l);
        if (!rt)
                return -ENOMEM;
        rt->name = strdup(c->name);
        rt->path = path ? TAKE_PTR(path) : strdup(strempty(c->path));
        if (!rt->name || !rt->path)
                return -ENOMEM;
        if (c->args) {
                rt->args = strv_copy(c->args);
                if (!rt->args)
                        return -ENOMEM;
        }
        if (!isempty(c->type) && isempty(c->path))
                return not_usable(rt, "containerd shims are not implemented: %s", c->type);
        if (r < 0)
                return not_usable(rt, "%s: %s", isempty(c->path) ? c->name : c->path, strerror(-r));
        if (access(rt->path, X_OK) < 0) {
                r = -errno;
                return not_usable(rt, "%s: %s", rt->path, strerror(-r));
        }
        /* Always in this mode: the unit's cgroup is delegated to us, systemd shall not make another one. */
        return is_crun(rt) ? strv_extend(&rt->args, "--cgroup-manager=cgroupfs") : 0;
}

/* "runc" is Docker's built-in name of the default: with nothing configured it stands for whatever works
 * here. */
static OciRuntime *choose_default(const OciRuntimes *l, const char *name) {
        OciRuntime *rt;

        if (!isempty(name))
                return list_find(l, name);
        FOREACH_ELEMENT(w, well_known) {
                rt = list_find(l, *w);
                if (rt && rt->usable)
                        return rt;
        }
        for (size_t i = 0; i < l->n; i++)
                if (l->runtimes[i].usable)
                        return l->runtimes + i;
        return NULL;
}

/* --- the answers --- */

static int settled(OciRuntimes *l) {
        int r = 0;

        l->settled = true;
        l->begin_source = sd_event_source_disable_unref(l->begin_source);
        l->timeout_source = sd_event_source_disable_unref(l->timeout_source);
        for (size_t i = 0; i < l->n; i++)
                RET_GATHER(r, judge(l->runtimes + i));
        l->default_runtime = choose_default(l, l->default_name);
        return r;
}

static void on_answer(void *userdata) {
        OciRuntimes *l = ASSERT_PTR(userdata);

        for (size_t i = 0; i < l->n; i++)
                if (l->runtimes[i].probe && !runtime_probe_is_done(l->runtimes[i].probe))
                        return;
        if (settled(l) < 0)
                log_oom();
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        if (oci_runtimes_settle(ASSERT_PTR((OciRuntimes *) userdata)) < 0)
                log_oom();
        return 0;
}

/* All at once: they take much longer to start than to answer. */
static int begin(OciRuntimes *l) {
        int r;

        if (l->deadline > 0)
                return 0;
        l->deadline = now_usec(CLOCK_MONOTONIC) + PROBE_USEC;
        for (size_t i = 0; i < l->n; i++) {
                OciRuntime *rt = l->runtimes + i;

                if (rt->why_not)
                        continue;
                r = runtime_probe_new(l->event, rt->path, on_answer, l, &rt->probe);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        (void) not_usable(rt, "%s --version failed: %s", rt->path, strerror(-r));
        }
        return sd_event_add_time(l->event, &l->timeout_source, CLOCK_MONOTONIC, l->deadline, 0, on_timeout,
                                 l);
}

static int on_begin(sd_event_source *s, void *userdata) {
        OciRuntimes *l = ASSERT_PTR(userdata);
        int r;

        l->begin_source = sd_event_source_disable_unref(l->begin_source);
        r = begin(l);
        if (r < 0)
                log_error_errno(r, "Failed to probe the OCI runtimes: %m");
        return 0;
}

int oci_runtimes_settle(OciRuntimes *l) {
        int r;

        if (l->settled)
                return 0;
        r = begin(l);
        for (size_t i = 0; i < l->n; i++)
                if (l->runtimes[i].probe)
                        runtime_probe_wait(l->runtimes[i].probe, l->deadline);
        RET_GATHER(r, settled(l));
        return r;
}

/* When the loop has nothing better to do: start-up does not wait for it. */
static int begin_later(OciRuntimes *l, sd_event *event) {
        int r;

        l->event = sd_event_ref(event);
        r = sd_event_add_defer(event, &l->begin_source, on_begin, l);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(l->begin_source, "runtime-probe");
        return sd_event_source_set_priority(l->begin_source, SD_EVENT_PRIORITY_IDLE);
}

static int fill_list(OciRuntimes *l, const OciRuntimeConfig *configured, size_t n_configured) {
        int r;

        for (size_t i = 0; i < n_configured; i++) {
                r = add_runtime(l, configured + i, true);
                if (r < 0)
                        return r;
        }
        FOREACH_ELEMENT(w, well_known)
                if (!list_find(l, *w)) {
                        r = add_runtime(l, &(OciRuntimeConfig) { .name = *w }, false);
                        if (r < 0)
                                return r;
                }
        return 0;
}

/* Names and paths only: nothing is asked yet. */
static int configure(OciRuntimes *l, const OciRuntimeConfig *configured, size_t n_configured,
                     const char *default_name, Error *reterr) {
        int r;

        r = fill_list(l, configured, n_configured);
        if (r >= 0)
                r = free_and_strdup(&l->default_name, strempty(default_name));
        if (r < 0)
                return error_fill(reterr, r);
        if (!isempty(default_name) && !list_find(l, default_name))
                return error_setf(reterr, ERROR_INVALID, "specified default runtime '%s' does not exist",
                                  default_name);
        return 0;
}

int oci_runtimes_init(OciRuntimes *l, sd_event *event, const OciRuntimeConfig *configured,
                      size_t n_configured, const char *default_name, Error *reterr) {
        int r;

        *l = (OciRuntimes) {};
        r = configure(l, configured, n_configured, default_name, reterr);
        if (r >= 0) {
                r = begin_later(l, event);
                if (r < 0)
                        error_fill(reterr, r);
        }
        if (r < 0)
                oci_runtimes_done(l);
        return r;
}

int oci_runtimes_reload(OciRuntimes *l, const OciRuntimeConfig *configured, size_t n_configured,
                        const char *default_name, Error *reterr) {
        _cleanup_(oci_runtimes_donep) OciRuntimes fresh = {};
        sd_event *event;
        int r;

        r = configure(&fresh, configured, n_configured, default_name, reterr);
        if (r < 0)
                return r;
        event = sd_event_ref(l->event);
        oci_runtimes_done(l);
        *l = TAKE_STRUCT(fresh);
        /* Where this fails the first that needs a runtime asks. */
        if (begin_later(l, event) < 0)
                log_oom();
        sd_event_unref(event);
        return 0;
}

const OciRuntime *oci_runtimes_default(OciRuntimes *l) {
        (void) oci_runtimes_settle(l);
        return l->default_runtime;
}

int oci_runtimes_find(OciRuntimes *l, const char *name, const OciRuntime **ret, Error *reterr) {
        const OciRuntime *rt;
        int r;

        r = oci_runtimes_settle(l);
        if (r < 0)
                return error_fill(reterr, r);
        rt = isempty(name) ? l->default_runtime : list_find(l, name);
        if (!rt && streq(name, DOCKER_DEFAULT_RUNTIME))
                rt = l->default_runtime;
        if (!rt && isempty(name))
                return error_setf(reterr, ERROR_UNAVAILABLE,
                                  "no OCI runtime was found: install crun or runc");
        if (!rt)
                return error_setf(reterr, ERROR_INVALID, "unknown or invalid runtime name: %s", name);
        if (!rt->usable)
                return error_setf(reterr, ERROR_UNAVAILABLE, "OCI runtime %s cannot be used: %s", rt->name,
                                  strempty(rt->why_not));
        *ret = rt;
        return 0;
}

/* --- cleaning up --- */

static int on_deleted(sd_event_source *s, const siginfo_t *si, void *userdata) {
        /* Takes the loop's reference away, the only one. */
        return sd_event_source_set_floating(s, false);
}

int oci_runtime_delete(sd_event *event, const char *path, char *const *args, const char *root,
                       const char *id) {
        _cleanup_strv_free_ char **argv = NULL;
        _cleanup_close_ int pidfd = -EBADF;
        sd_event_source *source = NULL;
        pid_t pid;
        int r;

        r = strv_extend(&argv, path);
        if (r >= 0)
                r = strv_extend_strv(&argv, args);
        const char *const words[] = { "--root", root, "delete", "--force", id };
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(words); i++)
                r = strv_extend(&argv, words[i]);
        if (r < 0)
                return r;

        r = process_spawn(&(SpawnRequest) {
                .path = path,
                .argv = argv,
                .envp = process_plain_environment(),
        }, &pid, &pidfd);
        if (r < 0)
                return r;
        r = sd_event_add_child_pidfd(event, &source, pidfd, WEXITED, on_deleted, NULL);
        if (r < 0)
                return r;
        (void) sd_event_source_set_child_pidfd_own(source, true);
        (void) TAKE_FD(pidfd);
        (void) sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        return 0;
}
