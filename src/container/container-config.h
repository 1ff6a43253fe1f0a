/* SPDX-License-Identifier: Apache-2.0 */
/* What a create request says: checked, completed by the image's and the daemon's defaults. Changes nothing
 * outside the structs it is given. */
#pragma once

#include "container/container-manager.h"

/* Fills what the user left open from the image. */
int container_config_merge(ContainerConfig *c, const OciImageConfig *image, Error *reterr);
/* Docker's checks and texts. */
int container_config_check(const ContainerConfig *c, Error *reterr);

/* Defaults of the daemon, normal forms; warnings for what is dropped. */
int host_config_complete(ContainerManager *m, HostConfig *h, char ***warnings, Error *reterr);
/* What contradicts itself is ERROR_INVALID, what this engine has not got yet ERROR_NOT_IMPLEMENTED by
 * name. */
int host_config_check(ContainerManager *m, const ContainerConfig *c, const HostConfig *h, Error *reterr);

/* Docker's checks and texts of parts: limits that this host does not have are dropped, with a warning
 * each. */
int host_config_check_resources(ContainerManager *m, HostConfig *h, char ***warnings, Error *reterr);
/* Limits that no Linux has: dropped with a warning, or refused, as with Docker. */
int host_config_drop_foreign_limits(ContainerResources *res, char ***warnings, Error *reterr);
int restart_policy_check(const RestartPolicy *p, Error *reterr);

/* The numbers for the OCI document; strings are borrowed from h. */
void resources_from_host_config(const HostConfig *h, SpecResources *ret);

/* "container:NAME" -> NAME, else NULL. */
const char *namespace_of_container(const char *mode);
static inline bool network_mode_is_private(const char *mode) {
        return !streq(mode, NETWORK_HOST) && !namespace_of_container(mode);
}
