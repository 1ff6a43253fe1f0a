/* SPDX-License-Identifier: Apache-2.0 */
/* The root, the mounts, and the paths that are hidden or read-only: Docker's defaults and the container's
 * own. */
#include <glob.h>
#include <stdio.h>

#include "basic/errno-util.h"
#include "runtime/spec-internal.h"

#define SHM_SIZE_DEFAULT (64 * 1024 * 1024)

/* Options are separated by commas. */
static const struct {
        const char *destination, *type, *source, *options;
} default_mounts[] = {
        { "/proc",          "proc",   "proc",   "nosuid,noexec,nodev" },
        { "/dev",           "tmpfs",  "tmpfs",  "nosuid,strictatime,mode=755,size=65536k" },
        { "/dev/pts",       "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5" },
        { "/sys",           "sysfs",  "sysfs",  "nosuid,noexec,nodev,ro" },
        { "/sys/fs/cgroup", "cgroup", "cgroup", "ro,nosuid,noexec,nodev" },
        { "/dev/mqueue",    "mqueue", "mqueue", "nosuid,noexec,nodev" },
        { "/dev/shm",       "tmpfs",  "shm",    "nosuid,noexec,nodev,mode=1777" },
};

/* Not made read-only with the root. */
static const char *const writable_mounts[] = { "/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue" };

static const char *const masked_paths[] = {
        "/proc/asound",
        "/proc/acpi",
        "/proc/interrupts",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/proc/sched_debug",
        "/proc/scsi",
        "/sys/firmware",
        "/sys/devices/virtual/powercap",
};

/* One for each CPU; those that are there. */
#define THERMAL_GLOB "/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle"

static const char *const readonly_paths[] = {
        "/proc/bus",
        "/proc/fs",
        "/proc/irq",
        "/proc/sys",
        "/proc/sysrq-trigger",
};

int spec_step_root(const SpecInput *in, OciSpec *o, Error *reterr) {
        o->root.path = strdup(in->rootfs);
        o->root.readonly = in->readonly_rootfs;
        if (!o->root.path)
                return -ENOMEM;
        if (!isempty(in->rootfs_propagation)) {
                o->lnx.rootfs_propagation = strdup(in->rootfs_propagation);
                if (!o->lnx.rootfs_propagation)
                        return -ENOMEM;
        }
        return 0;
}

static bool given(const SpecInput *in, const char *destination) {
        for (size_t i = 0; i < in->n_mounts; i++)
                if (streq(in->mounts[i].destination, destination))
                        return true;
        return false;
}

static bool is_writable(const char *destination) {
        FOREACH_ELEMENT(w, writable_mounts)
                if (streq(*w, destination))
                        return true;
        return false;
}

static int add_mount(OciSpec *o, const char *destination, const char *type, const char *source,
                     char *const *options) {
        OciMount *m = OCI_APPEND(o->mounts);

        if (!m)
                return -ENOMEM;
        m->destination = strdup(destination);
        m->type = strdup(type);
        m->source = strdup(source);
        m->options = options ? strv_copy(options) : strv_new_empty();
        return m->destination && m->type && m->source && m->options ? 0 : -ENOMEM;
}

/* The host's own memory goes with its ipc namespace; its queues need no path. */
static bool is_host_shm(const SpecInput *in, const char *destination) {
        return in->ipc.mode == SPEC_NS_HOST && streq(destination, "/dev/shm");
}

static int default_options(const SpecInput *in, size_t i, char ***ret) {
        _cleanup_strv_free_ char **options = NULL;
        const char *destination = default_mounts[i].destination;
        int r;

        r = strv_split(default_mounts[i].options, ",", &options);
        if (r < 0)
                return r;
        if (streq(destination, "/dev/shm")) {
                r = strv_extendf(&options, "size=%lld",
                                 (long long) (in->shm_size > 0 ? in->shm_size : SHM_SIZE_DEFAULT));
                if (r < 0)
                        return r;
        }
        if (in->privileged)
                strv_remove(options, "ro");
        else if (in->readonly_rootfs && !is_writable(destination) && !strv_contains(options, "ro")) {
                r = strv_extend(&options, "ro");
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(options);
        return 0;
}

static int add_default_mount(const SpecInput *in, OciSpec *o, size_t i) {
        static const char *const host_options[] = { "rbind", "nosuid", "noexec", "nodev", NULL };
        _cleanup_strv_free_ char **options = NULL;
        const char *destination = default_mounts[i].destination;
        int r;

        if (given(in, destination) || (in->no_shm && streq(destination, "/dev/shm")))
                return 0;
        if (is_host_shm(in, destination))
                return add_mount(o, destination, "bind", destination, (char *const *) host_options);

        r = default_options(in, i, &options);
        if (r < 0)
                return r;
        return add_mount(o, destination, default_mounts[i].type, default_mounts[i].source, options);
}

int spec_step_mounts(const SpecInput *in, OciSpec *o, Error *reterr) {
        static const char *const init_options[] = { "bind", "ro", NULL };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(default_mounts); i++) {
                r = add_default_mount(in, o, i);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < in->n_mounts; i++) {
                const SpecMount *m = in->mounts + i;

                r = add_mount(o, m->destination, m->type, m->source, m->options);
                if (r < 0)
                        return r;
        }
        if (in->init_path)
                return add_mount(o, "/sbin/docker-init", "bind", in->init_path,
                                 (char *const *) init_options);
        return 0;
}

static int add_thermal_paths(char ***l) {
        glob_t g = {};
        int r = 0;

        if (glob(THERMAL_GLOB, 0, NULL, &g) == 0)
                for (size_t i = 0; i < g.gl_pathc && r >= 0; i++)
                        r = strv_extend(l, g.gl_pathv[i]);
        globfree(&g);
        return r;
}

int spec_default_paths(char ***ret_masked, char ***ret_readonly) {
        _cleanup_strv_free_ char **masked = NULL, **readonly = NULL;
        int r = 0;

        FOREACH_ELEMENT(p, masked_paths)
                RET_GATHER(r, strv_extend(&masked, *p));
        RET_GATHER(r, add_thermal_paths(&masked));
        FOREACH_ELEMENT(p, readonly_paths)
                RET_GATHER(r, strv_extend(&readonly, *p));
        if (r < 0)
                return r;
        *ret_masked = TAKE_PTR(masked);
        *ret_readonly = TAKE_PTR(readonly);
        return 0;
}

int spec_step_paths(const SpecInput *in, OciSpec *o, Error *reterr) {
        int r;

        r = strv_extend_strv(&o->lnx.masked_paths, in->masked_paths);
        return r < 0 ? r : strv_extend_strv(&o->lnx.readonly_paths, in->readonly_paths);
}
