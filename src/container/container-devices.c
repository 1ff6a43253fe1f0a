/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-devices.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/parse-util.h"

void container_devices_done(ContainerDevices *d) {
        free(d->items);
        *d = (ContainerDevices) {};
}
DEFINE_CLEANUP_DONE(ContainerDevices, container_devices_done);

static SpecDevice *device_add(ContainerDevices *d) {
        return GREEDY_REALLOC0(d->items, d->n_allocated, d->n_items + 1) ? d->items + d->n_items++ : NULL;
}

/* --- nodes --- */

static int add_node(ContainerDevices *l, const DeviceMapping *m, Error *reterr) {
        const char *path = strempty(m->path_on_host);
        struct stat st;
        const char *problem = NULL;
        SpecDevice *d;

        /* Clients make their exit code of these words. */
        if (stat(path, &st) < 0)
                problem = errno == ENOENT ? "no such file or directory" : strerror(errno);
        else if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
                problem = "not a device node";
        if (problem)
                return error_setf(reterr, ERROR_INTERNAL,
                                  "error gathering device information while adding custom device "
                                  "\"%s\": %s", path, problem);
        d = device_add(l);
        if (!d)
                return error_fill(reterr, -ENOMEM);
        *d = (SpecDevice) {
                .path = isempty(m->path_in_container) ? m->path_on_host : m->path_in_container,
                .type = S_ISCHR(st.st_mode) ? 'c' : 'b',
                .major = major(st.st_rdev),
                .minor = minor(st.st_rdev),
                .mode = st.st_mode & 07777,
                .uid = st.st_uid,
                .gid = st.st_gid,
                .access = isempty(m->cgroup_permissions) ? "rwm" : m->cgroup_permissions,
        };
        return 0;
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
                r = add_node(&l, h->resources.devices.items + i, reterr);
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
