/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of the calls that only ask a registry something (v1.51). No logic. */
#pragma once

#include "json/json-type.h"

/* GET /distribution/{name}/json */
typedef struct DistributionParams {
        char *name;
        char *registry_auth;
} DistributionParams;
JSON_TYPE_DECLARE(DistributionParams);

/* GET /images/search */
typedef struct ImageSearchParams {
        char *term;
        int limit;                      /* 0 = 25 */
        Filters filters;                /* is-automated, is-official, stars */
        char *registry_auth;
} ImageSearchParams;
JSON_TYPE_DECLARE(ImageSearchParams);
