/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's own copy of the daemon's network configuration; what is not there yet is refused by name. */
#include "basic/string-util.h"
#include "network/network-manager-private.h"
#include "network/resolv-conf.h"

#define STRING_ROW(member) { offsetof(DaemonNetworkConfig, member), offsetof(NetworkManagerConfig, member) }

typedef struct CopyRow {
        size_t src, dest;
} CopyRow;

static const CopyRow string_rows[] = {
        STRING_ROW(bridge),
        STRING_ROW(bip),
        STRING_ROW(fixed_cidr),
        STRING_ROW(default_gateway),
        STRING_ROW(resolv_conf),
        { offsetof(DaemonNetworkConfig, bridge_accept_fwmark),
          offsetof(NetworkManagerConfig, accept_fwmark) },
};

/* Also taken over by a reload. */
static const CopyRow list_rows[] = {
        STRING_ROW(dns),
        STRING_ROW(dns_opts),
        STRING_ROW(dns_search),
        STRING_ROW(host_gateway_ips),
};

static const struct {
        size_t offset;
        const char *option;
} refused_strings[] = {
        { offsetof(DaemonNetworkConfig, bip6),               "bip6"               },
        { offsetof(DaemonNetworkConfig, fixed_cidr_v6),      "fixed-cidr-v6"      },
        { offsetof(DaemonNetworkConfig, default_gateway_v6), "default-gateway-v6" },
};

static int check_supported(const DaemonNetworkConfig *c, Error *reterr) {
        if (c->ipv6)
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED, "ipv6 is not implemented yet");
        FOREACH_ELEMENT(row, refused_strings)
                if (!isempty(*(char *const *) ((const char *) c + row->offset)))
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED, "%s is not implemented yet",
                                          row->option);
        if (!isempty(c->firewall_backend) && !streq(c->firewall_backend, "nftables"))
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "firewall-backend %s is not implemented, nftables is",
                                  c->firewall_backend);
        return 0;
}

static int copy_pools(const DaemonNetworkConfig *src, NetworkManagerConfig *dest) {
        if (src->address_pools.n_items == 0)
                return 0;
        dest->pools = new0(DaemonAddressPool, src->address_pools.n_items);
        if (!dest->pools)
                return -ENOMEM;
        for (size_t i = 0; i < src->address_pools.n_items; i++) {
                dest->pools[i].size = src->address_pools.items[i].size;
                dest->pools[i].base = strdup(src->address_pools.items[i].base);
                if (!dest->pools[i].base)
                        return -ENOMEM;
                dest->n_pools++;
        }
        return 0;
}

int network_config_update(NetworkManagerConfig *c, const DaemonNetworkConfig *src) {
        int r;

        FOREACH_ELEMENT(row, list_rows) {
                char *const *list = *(char **const *) ((const char *) src + row->src);
                char ***dest = (char ***) ((char *) c + row->dest), **copy = NULL;

                if (list) {
                        copy = strv_copy(list);
                        if (!copy)
                                return -ENOMEM;
                }
                strv_free(*dest);
                *dest = copy;
        }
        r = free_and_strdup(&c->ip, src->ip);
        return r < 0 ? r : 0;
}

static int copy(const DaemonNetworkConfig *src, NetworkManagerConfig *dest) {
        int r;

        FOREACH_ELEMENT(row, string_rows) {
                r = free_and_strdup((char **) ((char *) dest + row->dest),
                                    *(char *const *) ((const char *) src + row->src));
                if (r < 0)
                        return r;
        }
        r = network_config_update(dest, src);
        if (r < 0)
                return r;
        return copy_pools(src, dest);
}

int network_config_copy(const DaemonNetworkConfig *src, NetworkManagerConfig *ret, Error *reterr) {
        NetworkManagerConfig c = {
                .icc = src->icc,
                .ip_forward = src->ip_forward,
                .ip_forward_no_drop = src->ip_forward_no_drop,
                .ip_masq = src->ip_masq,
                .iptables = src->iptables,
                .firewall_insert = !streq_ptr(src->firewall_policy, "host"),
                .allow_direct_routing = src->allow_direct_routing,
                .mtu = src->mtu > 0 ? src->mtu : 1500,
                .mtu_given = src->mtu_given,
        };
        int r;

        r = check_supported(src, reterr);
        if (r < 0)
                return r;
        STRV_FOREACH(s, src->dns) {
                r = dns_server_validate(*s, reterr);
                if (r < 0)
                        return r;
        }

        r = copy(src, &c);
        if (r < 0) {
                network_config_done(&c);
                return error_fill(reterr, r);
        }
        *ret = c;
        return 0;
}

void network_config_done(NetworkManagerConfig *c) {
        FOREACH_ELEMENT(row, string_rows)
                free(*(char **) ((char *) c + row->dest));
        FOREACH_ELEMENT(row, list_rows)
                strv_free(*(char ***) ((char *) c + row->dest));
        free(c->ip);
        for (size_t i = 0; i < c->n_pools; i++)
                free(c->pools[i].base);
        free(c->pools);
        *c = (NetworkManagerConfig) {};
}
