/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: instructions of `docker commit -c` from a client. What is taken is a config that can be
 * written, and read again. */

#include <stddef.h>
#include <stdint.h>

#include "basic/string-util.h"
#include "basic/strv.h"
#include "image/image-change.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(OciImageConfig_donep) OciImageConfig c = {}, again = {};
        _cleanup_free_ char *text = memdup_suffix0(data, size), *json = NULL;
        char *const changes[] = { text, NULL };

        if (!text || strv_extend(&c.env, "A=one two") < 0 || strv_extend(&c.cmd, "sh") < 0 ||
            image_changes_apply(&c, changes, NULL) < 0)
                return 0;
        json = json_encode_text(&OciImageConfig_json, &c, 0);
        assert(json);
        if (utf8_is_valid(text, strlen(text)))
                assert(json_decode_text(&OciImageConfig_json, json, strlen(json), 0, &again, NULL) >= 0);
        return 0;
}
