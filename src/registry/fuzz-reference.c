/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: whatever parses must survive the trip to its full and familiar form and back unchanged. */

#include <stddef.h>
#include <stdint.h>

#include "basic/string-util.h"
#include "registry/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const char *text, const Reference *r) {
        _cleanup_reference_ Reference again = {};
        _cleanup_free_ char *full = NULL, *full_again = NULL;

        full = reference_to_string(r);
        assert(full);
        assert(reference_parse(text, &again, NULL) >= 0);
        full_again = reference_to_string(&again);
        assert(full_again);
        assert(streq(full, full_again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_reference_ Reference r = {};
        _cleanup_free_ char *text = NULL, *full = NULL, *familiar = NULL;

        text = memdup_suffix0(data, size);
        if (!text || reference_parse(text, &r, NULL) < 0)
                return 0;

        full = reference_to_string(&r);
        familiar = reference_familiar_string(&r);
        assert(full && familiar);
        check_round_trip(full, &r);
        /* "docker.io/a.b/c" has the familiar form "a.b/c", which names the registry a.b when it is read
         * again: as upstream has it, so clients print it that way. */
        if (strcspn(familiar, ".:") > strcspn(familiar, "/") && !startswith(familiar, "localhost/"))
                check_round_trip(familiar, &r);
        (void) reference_familiar_match(text, &r);
        return 0;
}
