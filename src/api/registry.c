/* SPDX-License-Identifier: Apache-2.0 */
#include "api/registry.h"

static const JsonField distribution_params_fields[] = {
        JSON_STRING(DistributionParams, name, "name", JSON_IN_PATH | JSON_REQUIRED),
        JSON_STRING(DistributionParams, registry_auth, "X-Registry-Auth", JSON_IN_HEADER | JSON_SECRET),
};
JSON_TYPE(DistributionParams, distribution_params_fields);

static const JsonField image_search_params_fields[] = {
        JSON_STRING(ImageSearchParams, term, "term", JSON_IN_QUERY | JSON_REQUIRED),
        JSON_INT(ImageSearchParams, limit, "limit", JSON_IN_QUERY),
        JSON_FILTERS(ImageSearchParams, filters, "filters", JSON_IN_QUERY),
        JSON_STRING(ImageSearchParams, registry_auth, "X-Registry-Auth", JSON_IN_HEADER | JSON_SECRET),
};
JSON_TYPE(ImageSearchParams, image_search_params_fields);
