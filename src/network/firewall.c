/* SPDX-License-Identifier: Apache-2.0 */
/* The nft table of this engine, `inet dockerd`: masquerade, isolation, published ports. */
#include "network/firewall.h"

#include <linux/netfilter.h>

#include "basic/errno-util.h"
#include "basic/log.h"
#include "basic/string-util.h"
#include "basic/strv.h"
#include "shared/nft.h"

#define TEXT_OF_TOKEN(x) #x
#define TEXT_OF(x) TEXT_OF_TOKEN(x)

struct Firewall {
        FirewallConfig config;
        char *accept_fwmark, *table, *comment;  /* owned copies of the config's */
        FirewallBridge *bridges;
        size_t n_bridges, n_bridges_allocated;
        FirewallPort *ports;
        size_t n_ports, n_ports_allocated;
        NftWatch *watch;
        bool applied;
};

/* Priorities: raw comes before connection tracking, dstnat (-100) before routing, srcnat after it.
 *
 * raw_prerouting: with route_localnet on a bridge (published ports at 127.0.0.1 need it) nothing else would
 * keep a container from the host's loopback services.
 * prerouting: a packet from outside to 127.0.0.0/8 is never translated, so that ports published at
 * 127.0.0.1 stay with the host itself.
 * postrouting: hairpin (a container reaches a port published by one on the same bridge) needs the bridge's
 * address as source, or the answer would go past the translation. */
static const char rules_begin[] =
        "        set bridges { type ifname; }\n"
        "        set internal { type ifname; }\n"
        "        set icc { type ifname . ifname; }\n"
        "        set local_subnets { type ifname . ipv4_addr; flags interval; }\n"
        "        set masq_subnets { type ipv4_addr; flags interval; }\n"
        "        map ports { type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; }\n"
        "        map ports_any { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
        "        chain raw_prerouting {\n"
        "                type filter hook prerouting priority raw; policy accept;\n"
        "                iifname @bridges ip daddr 127.0.0.0/8 drop\n"
        "        }\n"
        "        chain publish {\n"
        "                dnat ip to meta l4proto . ip daddr . th dport map @ports\n"
        "                dnat ip to meta l4proto . th dport map @ports_any\n"
        "        }\n"
        "        chain prerouting {\n"
        "                type nat hook prerouting priority dstnat; policy accept;\n"
        "                ip daddr 127.0.0.0/8 return\n"
        "                fib daddr type local jump publish\n"
        "        }\n"
        "        chain output {\n"
        "                type nat hook output priority -100; policy accept;\n"
        "                fib daddr type local jump publish\n"
        "        }\n"
        "        chain postrouting {\n"
        "                type nat hook postrouting priority srcnat; policy accept;\n"
        "                oifname @bridges ip saddr 127.0.0.0/8 masquerade\n"
        "                oifname . ip saddr @local_subnets ct status dnat masquerade\n"
        "                oifname . ip saddr @local_subnets return\n"
        "                ip saddr @masq_subnets masquerade\n"
        "        }\n"
        "        chain forward {\n"
        "                type filter hook forward priority filter; policy accept;\n";

/* Another engine's bridges are no business of ours. */
static const char rule_drop_foreign[] =
        "                meta nfproto ipv4 iifname != @bridges oifname != @bridges "
        "iifgroup != " TEXT_OF(FIREWALL_BRIDGE_GROUP) " oifgroup != " TEXT_OF(FIREWALL_BRIDGE_GROUP)
        " drop\n";

static const char rules_forward[] =
        "                ct state established,related accept\n"
        "                iifname . oifname @icc accept\n"
        "                iifname @internal drop\n"
        "                oifname @internal drop\n"
        "                oifname != @bridges accept\n"
        "                ct status dnat accept\n";

static const char rule_direct_routing[] =
        "                iifname != @bridges accept\n";

static const char rules_end[] =
        "                drop\n"
        "        }\n"
        "}\n";

int firewall_new(const FirewallConfig *config, Firewall **ret) {
        _cleanup_(firewall_freep) Firewall *f = NULL;
        int r;

        assert(config);
        assert(ret);

        f = new(Firewall, 1);
        if (!f)
                return -ENOMEM;
        *f = (Firewall) { .config = *config };
        f->config.accept_fwmark = f->config.table = f->config.comment = NULL;
        r = free_and_strdup(&f->accept_fwmark, config->accept_fwmark);
        RET_GATHER(r, free_and_strdup(&f->table, config->table ?: FIREWALL_TABLE));
        RET_GATHER(r, free_and_strdup(&f->comment, config->comment));
        if (r >= 0)
                r = nft_keep_descriptor();
        if (r < 0)
                return r;

        *ret = TAKE_PTR(f);
        return 0;
}

Firewall *firewall_free(Firewall *f) {
        if (!f)
                return NULL;
        nft_watch_free(f->watch);
        free(f->bridges);
        free(f->ports);
        free(f->accept_fwmark);
        free(f->table);
        free(f->comment);
        return mfree(f);
}

/* --- text --- */

static int append_accept_fwmark(Buffer *b, const char *fwmark) {
        const char *slash;

        if (isempty(fwmark))
                return 0;
        /* It comes from the configuration as text and must stay a number here. */
        if (fwmark[strspn(fwmark, "0123456789abcdefABCDEFx/")] != 0)
                return -EINVAL;
        slash = strchr(fwmark, '/');
        if (!slash)
                return buffer_appendf(b, "                meta mark %s accept\n", fwmark);
        return buffer_appendf(b, "                meta mark and %s == %.*s accept\n",
                              slash + 1, (int) (slash - fwmark), fwmark);
}

static int append_bridge(Buffer *b, const char *table, const FirewallBridge *bridge) {
        NetPrefix subnet = net_prefix_mask(&bridge->subnet);
        char text[NET_PREFIX_TEXT_MAX];
        int r;

        net_prefix_format(text, &subnet);
        r = buffer_appendf(b, "add element inet %s bridges { \"%s\" }\n"
                              "add element inet %s local_subnets { \"%s\" . %s }\n",
                           table, bridge->interface, table, bridge->interface, text);
        if (bridge->icc)
                RET_GATHER(r, buffer_appendf(b, "add element inet %s icc { \"%s\" . \"%s\" }\n", table,
                                             bridge->interface, bridge->interface));
        if (bridge->masquerade)
                RET_GATHER(r, buffer_appendf(b, "add element inet %s masq_subnets { %s }\n", table, text));
        if (bridge->internal)
                RET_GATHER(r, buffer_appendf(b, "add element inet %s internal { \"%s\" }\n", table,
                                             bridge->interface));
        return r;
}

static int append_port(Buffer *b, const char *verb, const char *table, const FirewallPort *p) {
        char host[NET_ADDR_TEXT_MAX], container[NET_ADDR_TEXT_MAX];
        const char *protocol = port_protocol_to_string(p->protocol);

        net_addr_format(container, &p->container_address);
        if (net_addr_is_any(&p->host_address))
                return buffer_appendf(b, "%s element inet %s ports_any { %s . %u : %s . %u }\n", verb,
                                      table, protocol, p->host_port, container, p->container_port);
        return buffer_appendf(b, "%s element inet %s ports { %s . %s . %u : %s . %u }\n", verb, table,
                              protocol, net_addr_format(host, &p->host_address), p->host_port,
                              container, p->container_port);
}

static int append_ports(Buffer *b, const char *verb, const char *table, const FirewallPort *ports,
                        size_t n) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_port(b, verb, table, ports + i);
        return r;
}

int firewall_render(const Firewall *f, char **ret) {
        _cleanup_buffer_ Buffer b = {};
        char *text;
        int r;

        r = buffer_appendf(&b, "table inet %s {}\ndelete table inet %s\ntable inet %s {\n", f->table,
                           f->table, f->table);
        if (f->comment)
                RET_GATHER(r, buffer_appendf(&b, "        comment \"%s\"\n", f->comment));
        RET_GATHER(r, buffer_append_str(&b, rules_begin));
        if (f->config.drop_foreign)
                RET_GATHER(r, buffer_append_str(&b, rule_drop_foreign));
        RET_GATHER(r, buffer_append_str(&b, rules_forward));
        RET_GATHER(r, append_accept_fwmark(&b, f->accept_fwmark));
        if (f->config.allow_direct_routing)
                RET_GATHER(r, buffer_append_str(&b, rule_direct_routing));
        RET_GATHER(r, buffer_append_str(&b, rules_end));
        for (size_t i = 0; i < f->n_bridges; i++)
                RET_GATHER(r, append_bridge(&b, f->table, f->bridges + i));
        RET_GATHER(r, append_ports(&b, "add", f->table, f->ports, f->n_ports));
        if (r < 0)
                return r;

        text = buffer_steal(&b);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

/* --- the table in the kernel --- */

static int apply(Firewall *f, Error *reterr) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = firewall_render(f, &text);
        if (r < 0)
                return error_fill(reterr, r);
        r = nft_watch_transaction(f->watch, text, NFT_REPLACES_TABLE, reterr);
        if (r < 0)
                return r;
        f->applied = true;
        return 0;
}

static void on_damage(void *userdata) {
        _cleanup_error_ Error error = ERROR_NULL;
        Firewall *f = ASSERT_PTR(userdata);

        if (apply(f, &error) < 0)
                log_warning("The nft table %s was changed and cannot be made anew: %s", f->table,
                            error_message(&error));
        else
                log_notice("The nft table %s was changed by somebody else; made it anew.", f->table);
}

int firewall_apply(Firewall *f, sd_event *event, Error *reterr) {
        int r;

        assert(f);

        /* Before the transaction, or a change right behind it would be missed. */
        if (event && !f->watch) {
                r = nft_watch_new(event, NFPROTO_INET, f->table, on_damage, f, &f->watch);
                if (r < 0)
                        return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to watch nftables");
        }
        return apply(f, reterr);
}

int firewall_add_bridge(Firewall *f, const FirewallBridge *bridge) {
        firewall_remove_bridge(f, bridge->interface);
        if (!GREEDY_REALLOC0(f->bridges, f->n_bridges_allocated, f->n_bridges + 1))
                return -ENOMEM;
        f->bridges[f->n_bridges++] = *bridge;
        return 0;
}

void firewall_remove_bridge(Firewall *f, const char *interface) {
        for (size_t i = 0; i < f->n_bridges; i++)
                if (streq(f->bridges[i].interface, interface)) {
                        f->bridges[i] = f->bridges[--f->n_bridges];
                        return;
                }
}

int firewall_list_bridges(const Firewall *f, char ***names) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < f->n_bridges; i++)
                r = strv_extend(names, f->bridges[i].interface);
        return r;
}

static bool port_equal(const FirewallPort *a, const FirewallPort *b) {
        return a->protocol == b->protocol && a->host_port == b->host_port &&
               net_addr_equal(&a->host_address, &b->host_address);
}

static void forget_ports(Firewall *f, const FirewallPort *ports, size_t n) {
        for (size_t k = 0; k < n; k++)
                for (size_t i = 0; i < f->n_ports; i++)
                        if (port_equal(f->ports + i, ports + k)) {
                                f->ports[i] = f->ports[--f->n_ports];
                                break;
                        }
}

/* One transaction for the elements; where the table is not as we think, the whole of it. */
static int change_ports(Firewall *f, const char *verb, const FirewallPort *ports, size_t n, Error *reterr) {
        _cleanup_buffer_ Buffer b = {};
        int r;

        if (!f->applied || n == 0)
                return 0;
        r = append_ports(&b, verb, f->table, ports, n);
        if (r < 0)
                return error_fill(reterr, r);
        r = nft_watch_transaction(f->watch, b.data, 0, NULL);
        if (r >= 0)
                return 0;
        return apply(f, reterr);
}

int firewall_add_ports(Firewall *f, const FirewallPort *ports, size_t n, Error *reterr) {
        int r;

        assert(f);

        forget_ports(f, ports, n);
        if (!GREEDY_REALLOC0(f->ports, f->n_ports_allocated, f->n_ports + n))
                return error_fill(reterr, -ENOMEM);
        if (n > 0)
                memcpy(f->ports + f->n_ports, ports, n * sizeof(*ports));
        f->n_ports += n;

        r = change_ports(f, "add", ports, n, reterr);
        if (r < 0)
                forget_ports(f, ports, n);
        return r;
}

int firewall_remove_ports(Firewall *f, const FirewallPort *ports, size_t n, Error *reterr) {
        assert(f);

        forget_ports(f, ports, n);
        return change_ports(f, "delete", ports, n, reterr);
}

int firewall_delete_table(const char *table, Error *reterr) {
        _cleanup_free_ char *text = NULL;

        if (asprintf_safe(&text, "table inet %s {}\ndelete table inet %s\n", table, table) < 0)
                return error_fill(reterr, -ENOMEM);
        return nft_transaction(text, reterr);
}
