/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-spec.h"

#include <sys/stat.h>

#include "basic/fileio.h"
#include "basic/path-util.h"
#include "basic/process-util.h"
#include "container/container-config.h"
#include "container/container-devices.h"
#include "container/container-mounts.h"
#include "container/container-root.h"
#include "container/container-security.h"
#include "runtime/shim-config.h"
#include "runtime/shim-protocol.h"
#include "runtime/user-resolve.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SECCOMP_PROFILE_MAX (1024U * 1024U)

/* What a spec points to and nobody else owns. */
typedef struct SpecParts {
        char **args, **env, **sysctls;
        SpecMountList mounts;
        SpecUlimit *ulimits;
        size_t n_ulimits;
        ContainerDevices devices;
        SpecThrottle *throttles;
        ResolvedUser user;
        SpecResources resources;
        char *rootfs, *ipc_path, *pid_path, *seccomp;
} SpecParts;

static void spec_parts_done(SpecParts *p) {
        strv_free(p->args);
        strv_free(p->env);
        strv_free(p->sysctls);
        spec_mount_list_done(&p->mounts);
        free(p->ulimits);
        container_devices_done(&p->devices);
        free(p->throttles);
        resolved_user_done(&p->user);
        free(p->rootfs);
        free(p->ipc_path);
        free(p->pid_path);
        free(p->seccomp);
}
DEFINE_CLEANUP_DONE(SpecParts, spec_parts_done);

/* "NAME" without a value takes the variable away. */
static void env_remove(char **env, const char *name) {
        const char *value = strv_env_get(env, name);
        _cleanup_free_ char *assignment = value ? strjoin(name, "=", value) : NULL;

        if (assignment)
                strv_remove(env, assignment);
}

static int env_apply(char ***l, char *const *changes) {
        STRV_FOREACH(s, changes) {
                int r = 0;

                if (strchr(*s, '='))
                        r = strv_env_set(l, *s);
                else
                        env_remove(*l, *s);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* more: NULL, or what a command of its own adds. */
static int build_env(const Container *c, bool tty, char *const *more, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;
        int r;

        r = strv_extend(&l, DEFAULT_PATH);
        if (r >= 0)
                r = strv_extendf(&l, "HOSTNAME=%s", strempty(c->doc.config.hostname));
        if (r >= 0 && tty)
                r = strv_extend(&l, "TERM=xterm");
        if (r >= 0)
                r = env_apply(&l, c->doc.config.env);
        if (r >= 0)
                r = env_apply(&l, more);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

static int build_command(Container *c, SpecParts *p) {
        int r;

        r = strv_extend(&p->args, c->doc.path);
        if (r >= 0)
                r = strv_extend_strv(&p->args, c->doc.args);
        if (r >= 0)
                r = build_env(c, c->doc.config.tty, NULL, &p->env);
        for (size_t i = 0; r >= 0 && i < c->doc.host_config.sysctls.n_items; i++)
                r = strv_extendf(&p->sysctls, "%s=%s", c->doc.host_config.sysctls.items[i].key,
                                 strempty(c->doc.host_config.sysctls.items[i].value));
        return r;
}

static int build_ulimits(Container *c, SpecParts *p) {
        size_t n = c->doc.host_config.resources.ulimits.n_items;

        p->ulimits = new0(SpecUlimit, n);
        if (!p->ulimits)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const Ulimit *u = c->doc.host_config.resources.ulimits.items + i;

                p->ulimits[i] = (SpecUlimit) { u->name, u->soft, u->hard };
        }
        p->n_ulimits = n;
        return 0;
}

static int set_seccomp(SpecInput *in, SpecParts *p, const char *profile, Error *reterr) {
        int r;

        if (!profile || streq(profile, "builtin")) {
                in->seccomp = SPEC_SECCOMP_DEFAULT;
                return 0;
        }
        if (streq(profile, "unconfined")) {
                in->seccomp = SPEC_SECCOMP_UNCONFINED;
                return 0;
        }
        free(p->seccomp);
        p->seccomp = NULL;
        /* The CLI sends the profile's text; daemon.json names a file. */
        if (profile[0] == '/') {
                r = read_file_at(AT_FDCWD, profile, SECCOMP_PROFILE_MAX, &p->seccomp, NULL);
                if (r < 0)
                        return error_set_errnof(reterr, ERROR_INVALID, r, "cannot read seccomp profile %s",
                                                profile);
        } else
                p->seccomp = strdup(profile);
        if (!p->seccomp)
                return error_fill(reterr, -ENOMEM);
        in->seccomp = SPEC_SECCOMP_JSON;
        in->seccomp_json = p->seccomp;
        return 0;
}

static int set_security(Container *c, SpecInput *in, SpecParts *p, Error *reterr) {
        const DaemonContainerConfig *d = c->manager->config.defaults;
        const HostConfig *h = &c->doc.host_config;
        SecurityOptions s;
        int r;

        in->privileged = h->privileged;
        in->cap_add = h->cap_add;
        in->cap_drop = h->cap_drop;
        in->masked_paths = h->masked_paths;
        in->readonly_paths = h->readonly_paths;
        r = container_security_parse(h->security_opt, c->manager->config.capabilities, &s, reterr);
        if (r < 0)
                return r;
        in->apparmor_profile = s.apparmor;
        in->no_new_privileges = s.no_new_privileges < 0 ? d->no_new_privileges : s.no_new_privileges > 0;
        return set_seccomp(in, p, s.seccomp ?: d->seccomp_profile, reterr);
}

static int peer_namespace(Container *c, const char *mode, const char *kind, SpecNamespace *ret,
                          char **ret_path, Error *reterr) {
        const char *peer = namespace_of_container(mode);
        Container *other;
        int r;

        if (streq(strempty(mode), "host")) {
                ret->mode = SPEC_NS_HOST;
                return 0;
        }
        if (!peer)
                return 0;
        r = container_manager_find(c->manager, peer, &other, reterr);
        if (r < 0)
                return r;
        if (!container_is_running(other) || other->doc.pid <= 0)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "failed to join %s namespace: container %s is not running",
                                  streq(kind, "pid") ? "PID" : "IPC", other->doc.id);
        if (asprintf_safe(ret_path, "/proc/%lld/ns/%s", (long long) other->doc.pid, kind) < 0)
                return error_fill(reterr, -ENOMEM);
        *ret = (SpecNamespace) { SPEC_NS_PATH, *ret_path };
        return 0;
}

static int set_namespaces(Container *c, SpecInput *in, SpecParts *p, const char *netns_path, Error *reterr) {
        const HostConfig *h = &c->doc.host_config;
        int r;

        in->network = netns_path ? (SpecNamespace){ SPEC_NS_PATH, netns_path } :
                                   (SpecNamespace){ SPEC_NS_HOST, NULL };
        in->uts.mode = streq(strempty(h->uts_mode), "host") ? SPEC_NS_HOST : SPEC_NS_PRIVATE;
        in->cgroup.mode = streq(strempty(h->cgroupns_mode), "host") ? SPEC_NS_HOST : SPEC_NS_PRIVATE;
        in->user.mode = SPEC_NS_HOST;
        r = peer_namespace(c, h->pid_mode, "pid", &in->pid, &p->pid_path, reterr);
        if (r >= 0)
                r = peer_namespace(c, h->ipc_mode, "ipc", &in->ipc, &p->ipc_path, reterr);
        return r;
}

/* Where something is mounted, the runtime makes what is missing: it may be a file. */
static bool is_mounted(const Container *c, const char *path) {
        for (size_t i = 0; i < c->doc.mounts.n_items; i++)
                if (streq(c->doc.mounts.items[i].destination, path))
                        return true;
        return false;
}

static int make_volume_directories(const Container *c, int root_fd, Error *reterr) {
        STRV_FOREACH(v, c->doc.config.volumes) {
                int r = is_mounted(c, *v) ? 0 : container_root_make_directory(root_fd, *v, reterr);

                if (r < 0)
                        return r;
        }
        return 0;
}

static bool wants_init(const Container *c) {
        Tristate t = c->doc.host_config.init;

        return t == TRISTATE_TRUE || (t == TRISTATE_UNSET && c->manager->config.defaults->init);
}

static int resolve_user(const Container *c, const char *user, int root_fd, SpecInput *in, SpecParts *p,
                        Error *reterr) {
        int r;

        r = user_resolve(root_fd, strempty(user), c->doc.host_config.group_add, &p->user,
                         reterr);
        if (r < 0)
                return r;
        in->uid = p->user.uid;
        in->gid = p->user.gid;
        in->groups = p->user.groups;
        in->n_groups = p->user.n_groups;
        return 0;
}

static int fill_input(Container *c, int root_fd, const char *netns_path, const char *cgroup_path,
                      SpecInput *in, SpecParts *p, Error *reterr) {
        const HostConfig *h = &c->doc.host_config;
        const char *cwd = isempty(c->doc.config.working_dir) ? "/" : c->doc.config.working_dir;
        int r;

        if (asprintf_safe(&p->rootfs, "%s/rootfs", c->run_dir) < 0 || build_command(c, p) < 0 ||
            build_ulimits(c, p) < 0)
                return error_fill(reterr, -ENOMEM);
        if (wants_init(c) && !c->manager->init_path)
                return error_setf(reterr, ERROR_INVALID,
                                  "an init process was asked for (--init), but no docker-init or tini "
                                  "was found on the host");
        resources_from_host_config(h, &p->resources);
        *in = (SpecInput) {
                .id = c->doc.id,
                .args = p->args,
                .env = p->env,
                .cwd = cwd,
                .tty = c->doc.config.tty,
                .tty_rows = h->console_size.n_items == 2 ? (unsigned) h->console_size.items[0] : 0,
                .tty_columns = h->console_size.n_items == 2 ? (unsigned) h->console_size.items[1] : 0,
                .oom_score_adj = (int) h->oom_score_adj,
                .ulimits = p->ulimits,
                .n_ulimits = p->n_ulimits,
                .rootfs = p->rootfs,
                .readonly_rootfs = h->readonly_rootfs,
                .rootfs_propagation = container_mounts_propagation(c),
                .hostname = c->doc.config.hostname,
                .domainname = c->doc.config.domainname,
                .shm_size = h->shm_size,
                .no_shm = streq(strempty(h->ipc_mode), "none"),
                .init_path = wants_init(c) ? c->manager->init_path : NULL,
                .sysctls = p->sysctls,
                .resources = &p->resources,
                .cgroup_path = cgroup_path,
                .annotations = &h->annotations,
        };
        r = container_mounts_build(c, &p->mounts, reterr);
        if (r >= 0)
                r = container_devices_build(h, &p->devices, reterr);
        if (r >= 0)
                r = container_block_limits(h, &p->resources, &p->throttles, reterr);
        if (r >= 0)
                r = set_security(c, in, p, reterr);
        if (r >= 0)
                r = set_namespaces(c, in, p, netns_path, reterr);
        if (r >= 0)
                r = resolve_user(c, c->doc.config.user, root_fd, in, p, reterr);
        if (r >= 0)
                r = container_root_make_directory(root_fd, cwd, reterr);
        if (r >= 0)
                r = make_volume_directories(c, root_fd, reterr);
        in->mounts = p->mounts.items;
        in->n_mounts = p->mounts.n_items;
        in->devices = p->devices.items;
        in->n_devices = p->devices.n_items;
        return r;
}

int container_spec_write(Container *c, int root_fd, const char *netns_path, const char *cgroup_path,
                         Error *reterr) {
        _cleanup_(spec_parts_donep) SpecParts p = {};
        SpecInput in = {};
        int r;

        r = fill_input(c, root_fd, netns_path, cgroup_path, &in, &p, reterr);
        return r < 0 ? r : spec_write(&in, c->run_dir, reterr);
}

static unsigned console_side(const ConsoleSize *size, size_t i) {
        return size->n_items == 2 && size->items[i] > 0 ? (unsigned) MIN(size->items[i], UINT16_MAX) : 0;
}

int container_exec_spec_write(Container *c, const ExecConfig *x, int root_fd, const char *run_dir,
                              Error *reterr) {
        _cleanup_(spec_parts_donep) SpecParts p = {};
        SpecInput in = {};
        int r;

        if (build_env(c, x->tty, x->env, &p.env) < 0 || build_ulimits(c, &p) < 0)
                return error_fill(reterr, -ENOMEM);
        in = (SpecInput) {
                .id = c->doc.id,
                .args = x->cmd,
                .env = p.env,
                .cwd = empty_to_null(x->working_dir) ?: empty_to_null(c->doc.config.working_dir),
                .tty = x->tty,
                .tty_rows = console_side(&x->console_size, 0),
                .tty_columns = console_side(&x->console_size, 1),
                .oom_score_adj = (int) c->doc.host_config.oom_score_adj,
                .ulimits = p.ulimits,
                .n_ulimits = p.n_ulimits,
        };
        r = set_security(c, &in, &p, reterr);
        in.privileged = in.privileged || x->privileged;
        if (in.privileged)
                in.apparmor_profile = NULL;
        if (r >= 0)
                r = resolve_user(c, empty_to_null(x->user) ?: c->doc.config.user, root_fd, &in, &p, reterr);
        return r < 0 ? r : spec_process_write(&in, run_dir, reterr);
}

int container_shim_config_write(Container *c, const char *cgroup_path, Error *reterr) {
        _cleanup_(ShimConfig_donep) ShimConfig s = {};
        const HostConfig *h = &c->doc.host_config;
        const OciRuntime *runtime;
        int sig, r;

        r = oci_runtimes_find(c->manager->config.runtimes, h->runtime, &runtime, reterr);
        if (r >= 0)
                r = container_stop_signal(c, NULL, &sig, reterr);
        if (r < 0)
                return r;
        s = (ShimConfig) {
                .id = strdup(c->doc.id),
                .runtime = strdup(runtime->path),
                .runtime_args = strv_copy(runtime->args),
                .cgroup_path = strdup(strempty(cgroup_path)),
                .tty = c->doc.config.tty,
                .open_stdin = c->doc.config.open_stdin,
                .stdin_once = c->doc.config.stdin_once,
                .stop_signal = sig,
                .stop_timeout = container_stop_timeout(c),
                .start_timeout = c->manager->config.defaults->start_timeout,
                .delegated = supervisor_delegates(c->manager->supervisor),
                .log_driver = strdup(h->log_config.type),
        };
        if (asprintf_safe(&s.runtime_root, "%s/" SHIM_RUNTIME_DIRECTORY, c->manager->config.exec_root) < 0 ||
            asprintf_safe(&s.log_path, "%s/%s-json.log", c->data_dir, c->doc.id) < 0)
                return error_fill(reterr, -ENOMEM);
        for (size_t i = 0; i < h->log_config.config.n_items; i++)
                if (strv_extendf(&s.log_options, "%s=%s", h->log_config.config.items[i].key,
                                 strempty(h->log_config.config.items[i].value)) < 0)
                        return error_fill(reterr, -ENOMEM);
        if (!s.id || !s.runtime || !s.cgroup_path || !s.log_driver)
                return error_fill(reterr, -ENOMEM);
        return shim_config_save(&s, c->run_dir, reterr);
}

/* What the container runs under, whatever the configuration says by now. */
int container_exec_shim_config_write(Container *c, const ExecConfig *x, bool open_stdin, const char *run_dir,
                                     Error *reterr) {
        _cleanup_(ShimConfig_donep) ShimConfig s = {};
        _cleanup_close_ int fd = open(c->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot open %s", c->run_dir);
        r = shim_config_load(fd, &s, reterr);
        if (r < 0)
                return r;
        if (free_and_strdup(&s.process, SHIM_PROCESS_NAME) < 0)
                return error_fill(reterr, -ENOMEM);
        s.cgroup_path = mfree(s.cgroup_path);
        s.log_driver = mfree(s.log_driver);
        s.log_path = mfree(s.log_path);
        s.log_options = strv_free(s.log_options);
        s.tty = x->tty;
        s.open_stdin = open_stdin;
        s.stdin_once = true;
        s.delegated = false;
        return shim_config_save(&s, run_dir, reterr);
}
