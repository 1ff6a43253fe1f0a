/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of a container: nodes, rules of the device cgroup, limits of block devices. */
#pragma once

#include "container/container-manager.h"
#include "runtime/spec.h"

typedef struct ContainerDevices {
        SpecDevice *items;              /* strings are borrowed: the HostConfig, paths */
        size_t n_items, n_allocated;
        char **paths;                   /* of what is below directories of the host */
} ContainerDevices;

void container_devices_done(ContainerDevices *d);

/* As they are on the host now. */
int container_devices_build(const HostConfig *h, ContainerDevices *ret, Error *reterr);
/* "c 1:3 rwm"; for the checks of a create request. */
int container_device_rules_check(const HostConfig *h, Error *reterr);

/* Adds the limits of block devices; *ret_storage holds them. */
int container_block_limits(const HostConfig *h, SpecResources *r, SpecThrottle **ret_storage, Error *reterr);
