/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the json-file driver. Apart from reader and writer, which the shim and the daemon need one
 * each. */
#include "logdriver/json-file.h"

static int json_file_validate(char *const *options, Error *reterr) {
        JsonFileOptions o;

        return json_file_options_parse(options, &o, reterr);
}

const LogDriver log_driver_json_file = {
        .name = "json-file",
        .validate = json_file_validate,
        .writer_open = json_file_writer_open,
        .reader_open = json_file_reader_open,
};
