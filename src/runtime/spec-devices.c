/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes and what the container may do with devices: Docker's rules, --device, and everything for a
 * privileged container. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/path-util.h"
#include "runtime/spec-internal.h"

#define DEVICES_MAX 4096U
#define DEPTH_MAX 8U

/* null, zero, full, random, urandom, tty, console, ptmx and pts are the runtime's own defaults besides. */
static const struct {
        bool allow;
        int64_t major, minor;
} default_rules[] = {
        { true,  1,  5   },             /* zero */
        { true,  1,  3   },             /* null */
        { true,  1,  9   },             /* urandom */
        { true,  1,  8   },             /* random */
        { true,  5,  0   },             /* tty */
        { true,  5,  1   },             /* console */
        { false, 10, 229 },             /* fuse */
};

static int add_rule(OciSpec *o, bool allow, const char *type, OptionalInt major, OptionalInt minor,
                    const char *access) {
        OciDeviceRule *r = OCI_APPEND(o->lnx.resources.devices);

        if (!r)
                return -ENOMEM;
        r->allow = allow;
        r->major = major;
        r->minor = minor;
        r->access = strdup(access);
        if (type)
                r->type = strdup(type);
        return r->access && (!type || r->type) ? 0 : -ENOMEM;
}

static int add_node(OciSpec *o, const char *path, char type, int64_t major, int64_t minor, unsigned mode,
                    uint32_t uid, uint32_t gid) {
        OciDevice *d = OCI_APPEND(o->lnx.devices);

        if (!d)
                return -ENOMEM;
        d->path = strdup(path);
        d->major = major;
        d->minor = minor;
        d->file_mode = (OptionalInt) { .set = true, .value = mode };
        d->uid = (OptionalInt) { .set = true, .value = uid };
        d->gid = (OptionalInt) { .set = true, .value = gid };
        d->type = strndup(&type, 1);
        return d->path && d->type ? 0 : -ENOMEM;
}

/* --- privileged: the host's /dev --- */

/* The container's own, or none of devices. */
static bool is_skipped(const char *name) {
        static const char *const names[] = {
                "pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console", "ptmx",
        };

        FOREACH_ELEMENT(n, names)
                if (streq(*n, name))
                        return true;
        return name[0] == '.';
}

static int add_host_devices(OciSpec *o, const char *directory, unsigned depth);

static int add_host_entry(OciSpec *o, const char *directory, const char *name, unsigned depth) {
        _cleanup_free_ char *path = path_join(directory, name);
        struct stat st;

        if (!path)
                return -ENOMEM;
        if (lstat(path, &st) < 0)
                return 0;                       /* it went away */
        if (S_ISDIR(st.st_mode))
                return depth < DEPTH_MAX ? add_host_devices(o, path, depth + 1) : 0;
        if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
                return 0;
        if (o->lnx.devices.n_items >= DEVICES_MAX)
                return 0;
        return add_node(o, path, S_ISCHR(st.st_mode) ? 'c' : 'b', major(st.st_rdev), minor(st.st_rdev),
                        st.st_mode & 07777, st.st_uid, st.st_gid);
}

static int add_host_devices(OciSpec *o, const char *directory, unsigned depth) {
        int r = 0;
        DIR *d;

        d = opendir(directory);
        if (!d)
                return depth == 0 ? -errno : 0;
        for (struct dirent *e; r >= 0 && (e = readdir(d));)
                if (!is_skipped(e->d_name))
                        r = add_host_entry(o, directory, e->d_name, depth);
        closedir(d);
        return r;
}

/* --- */

static int add_given_device(OciSpec *o, const SpecDevice *d) {
        char type[2] = { d->type };
        int r;

        if (!d->no_node) {
                r = add_node(o, d->path, d->type, d->major, d->minor, d->mode, d->uid, d->gid);
                if (r < 0)
                        return r;
        }
        if (!d->access)
                return 0;
        return add_rule(o, true, type, (OptionalInt) { .set = d->major >= 0, .value = d->major },
                        (OptionalInt) { .set = d->minor >= 0, .value = d->minor }, d->access);
}

int spec_step_devices(const SpecInput *in, OciSpec *o, Error *reterr) {
        static const OptionalInt any = {};
        int r;

        if (in->privileged) {
                r = add_host_devices(o, "/dev", 0);
                if (r < 0)
                        return r;
                r = add_rule(o, true, NULL, any, any, "rwm");
        } else
                r = add_rule(o, false, NULL, any, any, "rwm");
        if (r < 0)
                return r;

        if (!in->privileged)
                FOREACH_ELEMENT(d, default_rules) {
                        r = add_rule(o, d->allow, "c", (OptionalInt) { .set = true, .value = d->major },
                                     (OptionalInt) { .set = true, .value = d->minor }, "rwm");
                        if (r < 0)
                                return r;
                }

        for (size_t i = 0; i < in->n_devices; i++) {
                r = add_given_device(o, in->devices + i);
                if (r < 0)
                        return r;
        }
        return 0;
}
