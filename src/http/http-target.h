/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: raw bytes into a decoded path, the API version of its prefix and the query parameters.
 * Pure text; refuses what could be read in two ways (absolute form, NUL). */
#pragma once

#include "basic/error.h"

typedef struct HttpQueryItem {
        const char *key; /* both point into the target's buffer; "flag" and "flag=" have value "" */
        const char *value;
} HttpQueryItem;

typedef struct HttpTarget {
        char *buffer;                   /* owned */
        const char *path;               /* decoded, without the version prefix, begins with '/' */
        const char *version;            /* "1.47"; NULL without a prefix */
        HttpQueryItem *query;           /* owned, in the order of the request */
        size_t n_query;
} HttpTarget;

/* Longest target and most parameters that are taken. */
#define HTTP_TARGET_MAX (64U * 1024U)
#define HTTP_QUERY_ITEMS_MAX 1024U

int http_target_parse(const char *raw, HttpTarget *ret, Error *reterr);
void http_target_done(HttpTarget *t);
DEFINE_CLEANUP_DONE(HttpTarget, http_target_done);

/* The first value of the key, or NULL. */
const char *http_target_query(const HttpTarget *t, const char *key);
/* Whether the path must be answered by a redirect to *ret: "//", "/./" and "/../" are resolved. 1 if so, 0
 * if clean. */
int http_path_clean(const char *path, char **ret);
