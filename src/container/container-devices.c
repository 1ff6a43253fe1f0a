/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-devices.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/parse-util.h"
#include "basic/path-util.h"

#define DEVICES_MAX 4096U       /* below one directory of the host, as for a privileged container */
#define DEPTH_MAX 8U

void container_devices_done(ContainerDevices *d) {
        free(d->items);
        strv_free(d->paths);
        *d = (ContainerDevices) {};
}
DEFINE_CLEANUP_DONE(ContainerDevices, container_devices_done);

static SpecDevice *device_add(ContainerDevices *d) {
        return GREEDY_REALLOC0(d->items, d->n_allocated, d->n_items + 1) ? d->items + d->n_items++ : NULL;
}

/* --- nodes --- */

static int gathering_failed(const DeviceMapping *m, const char *why, Error *reterr) {
        /* Clients make their exit code of these words. */
        return error_setf(reterr, ERROR_INTERNAL,
                          "error gathering device information while adding custom device \"%s\": %s",
                          strempty(m->path_on_host), why);
}

static bool is_node(const struct stat *st) {
        return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

static int add_node(ContainerDevices *l, const DeviceMapping *m, const char *path, const struct stat *st) {
        SpecDevice *d = device_add(l);

        if (!d)
                return -ENOMEM;
        *d = (SpecDevice) {
                .path = path,
                .type = S_ISCHR(st->st_mode) ? 'c' : 'b',
                .major = major(st->st_rdev),
                .minor = minor(st->st_rdev),
                .mode = st->st_mode & 07777,
                .uid = st->st_uid,
                .gid = st->st_gid,
                .access = isempty(m->cgroup_permissions) ? "rwm" : m->cgroup_permissions,
        };
        return 0;
}

static int add_directory(ContainerDevices *l, const DeviceMapping *m, const char *directory,
                         const char *target, unsigned depth);

/* Links are not followed, as with Docker: what they lead to is somewhere else. */
static int add_entry(ContainerDevices *l, const DeviceMapping *m, const char *directory, const char *target,
                     const char *name, unsigned depth) {
        _cleanup_free_ char *path = path_join(directory, name), *inside = path_join(target, name);
        struct stat st;

        if (!path || !inside)
                return -ENOMEM;
        if (lstat(path, &st) < 0)
                return 0;               /* it went away */
        if (S_ISDIR(st.st_mode))
                return depth < DEPTH_MAX ? add_directory(l, m, path, inside, depth + 1) : -ELOOP;
        if (!is_node(&st))
                return 0;
        if (l->n_items >= DEVICES_MAX)
                return -E2BIG;
        if (strv_extend(&l->paths, inside) < 0)
                return -ENOMEM;
        return add_node(l, m, l->paths[strv_length(l->paths) - 1], &st);
}

static int add_directory(ContainerDevices *l, const DeviceMapping *m, const char *directory,
                         const char *target, unsigned depth) {
        DIR *d = opendir(directory);
        int r = 0;

        if (!d)
                return -errno;
        for (struct dirent *e; r >= 0 && (e = readdir(d));)
                if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
                        r = add_entry(l, m, directory, target, e->d_name, depth);
        closedir(d);
        return r;
}

/* A device, or each one below a directory. */
static int add_mapping(ContainerDevices *l, const DeviceMapping *m, Error *reterr) {
        const char *path = strempty(m->path_on_host), *target = empty_to_null(m->path_in_container) ?: path;
        size_t before = l->n_items;
        struct stat st;
        int r;

        if (stat(path, &st) < 0)
                return gathering_failed(m, errno == ENOENT ? "no such file or directory" : strerror(errno),
                                        reterr);
        if (is_node(&st))
                r = add_node(l, m, target, &st);
        else
                r = S_ISDIR(st.st_mode) ? add_directory(l, m, path, target, 0) : 0;
        if (r == -ENOMEM)
                return error_fill(reterr, r);
        if (r < 0)
                return gathering_failed(m, strerror(-r), reterr);
        return l->n_items > before ? 0 : gathering_failed(m, "not a device node", reterr);
}

/* --- rules --- */

/* A number, or "*" for any (-1). */
static bool parse_number(const char *s, int64_t *ret) {
        uint32_t v;

        if (streq(s, "*")) {
                *ret = -1;
                return true;
        }
        if (parse_uint32(s, &v) < 0)
                return false;
        *ret = v;
        return true;
}

/* "TYPE MAJOR:MINOR ACCESS"; access points into the rule. */
static bool parse_rule(const char *rule, SpecDevice *ret) {
        char type, first[12], second[12];
        int at = 0;

        if (sscanf(rule, "%c %11[0-9*]:%11[0-9*] %n", &type, first, second, &at) != 3 || at == 0)
                return false;
        *ret = (SpecDevice) { .type = type, .access = rule + at, .no_node = true };
        return strchr("acb", type) && parse_number(first, &ret->major) &&
               parse_number(second, &ret->minor) && ret->access[0] && strlen(ret->access) <= 3 &&
               ret->access[strspn(ret->access, "rwm")] == 0;
}

int container_device_rules_check(const HostConfig *h, Error *reterr) {
        SpecDevice d;

        STRV_FOREACH(s, h->resources.device_cgroup_rules)
                if (!parse_rule(*s, &d))
                        return error_setf(reterr, ERROR_INVALID, "invalid device cgroup rule format: '%s'",
                                          *s);
        return 0;
}

int container_devices_build(const HostConfig *h, ContainerDevices *ret, Error *reterr) {
        _cleanup_(container_devices_donep) ContainerDevices l = {};
        SpecDevice rule, *d;
        int r = 0;

        for (size_t i = 0; i < h->resources.devices.n_items && r >= 0; i++)
                r = add_mapping(&l, h->resources.devices.items + i, reterr);
        if (r < 0)
                return r;
        STRV_FOREACH(s, h->resources.device_cgroup_rules) {
                if (!parse_rule(*s, &rule))
                        continue;
                d = device_add(&l);
                if (!d)
                        return error_fill(reterr, -ENOMEM);
                *d = rule;
        }
        *ret = TAKE_STRUCT(l);
        return 0;
}

/* --- limits of block devices --- */

static int add_throttle(SpecThrottle *t, const char *path, uint64_t rate, Error *reterr) {
        struct stat st;

        if (stat(strempty(path), &st) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot find the device %s",
                                        strempty(path));
        if (!S_ISBLK(st.st_mode))
                return error_setf(reterr, ERROR_INVALID, "%s is no block device", path);
        *t = (SpecThrottle) { major(st.st_rdev), minor(st.st_rdev), rate };
        return 0;
}

int container_block_limits(const HostConfig *h, SpecResources *s, SpecThrottle **ret_storage,
                           Error *reterr) {
        const ContainerResources *res = &h->resources;
        const struct {
                const ThrottleDeviceList *from;
                const SpecThrottle **to;
                size_t *n;
        } rows[] = {
                { &res->blkio_device_read_bps,   &s->read_bps,   &s->n_read_bps   },
                { &res->blkio_device_write_bps,  &s->write_bps,  &s->n_write_bps  },
                { &res->blkio_device_read_iops,  &s->read_iops,  &s->n_read_iops  },
                { &res->blkio_device_write_iops, &s->write_iops, &s->n_write_iops },
        };
        size_t n = res->blkio_weight_device.n_items, k = 0;
        _cleanup_free_ SpecThrottle *all = NULL;
        int r = 0;

        FOREACH_ELEMENT(row, rows)
                n += row->from->n_items;
        all = new0(SpecThrottle, n + 1);
        if (!all)
                return error_fill(reterr, -ENOMEM);

        s->weight_devices = all;
        s->n_weight_devices = res->blkio_weight_device.n_items;
        for (size_t i = 0; i < s->n_weight_devices && r >= 0; i++) {
                const WeightDevice *w = res->blkio_weight_device.items + i;

                r = add_throttle(all + k++, w->path, (uint64_t) w->weight, reterr);
        }
        FOREACH_ELEMENT(row, rows) {
                *row->to = all + k;
                *row->n = row->from->n_items;
                for (size_t i = 0; i < *row->n && r >= 0; i++)
                        r = add_throttle(all + k++, row->from->items[i].path, row->from->items[i].rate,
                                         reterr);
        }
        if (r < 0)
                return r;
        *ret_storage = TAKE_PTR(all);
        return 0;
}
