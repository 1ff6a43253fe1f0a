/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/proxy.h"

#include <strings.h>

#include "basic/net-addr.h"
#include "basic/parse-util.h"
#include "basic/strv.h"

/* "example.com" stands for itself and what is below, ".example.com" and "*.example.com" for the latter. */
static bool domain_matches(const char *rule, const char *host) {
        size_t nr, nh = strlen(host);
        bool itself = true;

        if (startswith(rule, "*."))
                rule++;
        if (rule[0] == '.') {
                rule++;
                itself = false;
        }
        nr = strlen(rule);
        if (nr == 0 || nh < nr || strcasecmp(host + nh - nr, rule) != 0)
                return false;
        return nh == nr ? itself : host[nh - nr - 1] == '.';
}

/* Cuts ":PORT" off; false if it is another port than ours. */
static bool port_matches(char *rule, uint16_t port) {
        char *colon = strrchr(rule, ':');
        uint32_t n;

        if (!colon || (strchr(rule, ':') != colon && rule[0] != '['))
                return true;                    /* none, or a bare IPv6 address */
        if (rule[0] == '[' && colon[-1] != ']')
                return true;
        if (parse_uint32(colon + 1, &n) < 0 || n != port)
                return false;
        *colon = 0;
        return true;
}

static char *unbracket(char *s) {
        size_t n = strlen(s);

        if (n < 2 || s[0] != '[' || s[n - 1] != ']')
                return s;
        s[n - 1] = 0;
        return s + 1;
}

static bool rule_matches(char *rule, const char *host, const NetAddr *address, uint16_t port) {
        NetPrefix prefix;
        NetAddr addr;

        if (streq(rule, "*"))
                return true;
        if (strchr(rule, '/'))
                return net_prefix_parse(rule, &prefix) >= 0 && net_addr_is_set(address) &&
                       net_prefix_contains(&prefix, address);
        if (!port_matches(rule, port))
                return false;
        rule = unbracket(rule);
        if (net_addr_parse(rule, &addr) >= 0)
                return net_addr_equal(&addr, address);
        return domain_matches(rule, host);
}

static bool goes_direct(const char *no_proxy, const char *host, uint16_t port) {
        _cleanup_strv_free_ char **rules = NULL;
        NetAddr address = {};

        if (net_addr_parse(host, &address) >= 0 && net_addr_is_loopback(&address))
                return true;
        if (streq(host, "localhost"))
                return true;
        if (isempty(no_proxy) || strv_split(no_proxy, ", \t", &rules) < 0)
                return false;
        STRV_FOREACH(rule, rules)
                if (rule_matches(*rule, host, &address, port))
                        return true;
        return false;
}

const char *proxy_for(const ProxyRules *p, const char *scheme, const char *host, uint16_t port) {
        const char *proxy = empty_to_null(streq(scheme, "https") ? p->https : p->http);

        return proxy && !goes_direct(p->no_proxy, host, port) ? proxy : NULL;
}
