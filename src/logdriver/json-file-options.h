/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the json-file driver, and the names of its rotated files. */
#pragma once

#include "basic/error.h"
#include "basic/strv.h"

typedef struct JsonFileOptions {
        uint64_t max_size;              /* bytes; 0 = no limit */
        unsigned max_files;             /* at least 1 */
} JsonFileOptions;

#define JSON_FILE_MAX_FILES 1000U

/* Docker's names and texts. */
int json_file_options_parse(char *const *options, JsonFileOptions *ret, Error *reterr);

/* "<path>" for 0, "<path>.N" for older ones. */
int json_file_name(const char *path, unsigned n, char **ret);
