/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes through the parser and a round trip of a container's document. */
#include <json-c/json.h>

#include "json/json-scan.h"
#include "json/json-text.h"
#include "json/json-type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_json_ json_object *o = NULL, *again = NULL;
        _cleanup_error_ Error e = ERROR_NULL;
        _cleanup_free_ char *fault = NULL;

        assert(json_scan_fault((const char *) data, size, &fault) >= 0);

        if (json_parse((const char *) data, size, JSON_DEPTH_MAX, &o, &e) < 0) {
                assert(error_is_set(&e));
                return 0;
        }
        /* json-c takes a bare "83." and keeps its text, but not again where the text ends: no document of
         * ours is a bare number. */
        if (!json_object_is_type(o, json_type_object) && !json_object_is_type(o, json_type_array))
                return 0;
        assert(json_parse(json_text(o), strlen(json_text(o)), JSON_DEPTH_MAX, &again, NULL) >= 0);
        return 0;
}
