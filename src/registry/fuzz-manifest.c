/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what a registry calls a manifest. What is believed has only digests that may become file
 * names. */
#include <stddef.h>
#include <stdint.h>

#include "basic/string-util.h"
#include "registry/manifest.h"
#include "registry/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const OciDescriptorList *l) {
        for (size_t i = 0; i < l->n_items; i++) {
                assert(reference_digest_is_valid(l->items[i].digest));
                assert(l->items[i].size >= 0);
        }
}

/* The first line is the Content-Type, the rest the document. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(manifest_donep) Manifest m = {};
        _cleanup_free_ char *text = memdup_suffix0(data, size);
        static const Platform wanted = { "linux", "amd64", "" };
        char *body;

        if (!text)
                return 0;
        body = strchr(text, '\n');
        if (!body)
                return 0;
        *body++ = 0;
        if (manifest_parse(body, size - (size_t) (body - text), text, "x", &m, NULL) < 0)
                return 0;
        check_list(&m.document.layers);
        check_list(&m.document.manifests);
        if (m.kind == MANIFEST_IMAGE)
                (void) manifest_check_image(&m, NULL);
        else
                (void) manifest_select(&m, &wanted);
        return 0;
}
