/* SPDX-License-Identifier: Apache-2.0 */
/* API versions of request paths: which ones are served, in Docker's words when they are not. */
#pragma once

#include "basic/error.h"
#include "engine/engine.h"

#define HTTP_API_VERSION_TEXT "1.51"            /* API_VERSION_MAX as text */

/* The minor number of the version to serve; without a prefix (NULL) the newest. minimum is the configured
 * one, at least 24. ERROR_INVALID with Docker's text for versions outside the window. */
int http_version_select(const char *version, unsigned minimum, unsigned *ret_minor, Error *reterr);

/* "1.24" and the like into 24; -EINVAL for anything else. */
int http_version_parse_minor(const char *version, unsigned *ret_minor);

/* Whether Docker answers this unacceptable version in plain text: older than any API this engine knows. */
bool http_version_is_ancient(const char *version);
