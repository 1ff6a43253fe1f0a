/* SPDX-License-Identifier: Apache-2.0 */
/* The host's resolv.conf comes from DHCP servers: any bytes must give a well-formed file, and one that
 * reads back. */
#include "network/resolv-conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void build(const ResolvConf *rc, ResolvConfKind kind) {
        _cleanup_resolv_conf_ ResolvConf again = {};
        _cleanup_free_ char *text = NULL;

        assert(resolv_conf_build(rc, &(ResolvConfParams) { .kind = kind, .source = "f" }, &text, NULL) >= 0);
        assert(resolv_conf_parse(text, strlen(text), &again) >= 0);
        assert(kind != RESOLV_CONF_BRIDGE || again.n_nameservers > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_resolv_conf_ ResolvConf rc = {};

        if (size == 0 || size > RESOLV_CONF_SIZE_MAX)
                return 0;
        assert(resolv_conf_parse((const char *) data, size, &rc) >= 0);
        assert(rc.n_nameservers <= RESOLV_CONF_ITEMS_MAX);
        build(&rc, RESOLV_CONF_HOST);
        build(&rc, RESOLV_CONF_BRIDGE);
        build(&rc, RESOLV_CONF_EMBEDDED);
        return 0;
}
