/* SPDX-License-Identifier: Apache-2.0 */
/* Names on networks of users: what the resolver of a sandbox finds there, and whom it asks for the rest. */
#include <strings.h>

#include "basic/fileio.h"
#include "basic/log.h"
#include "network/network-manager-private.h"
#include "network/resolv-conf.h"

static bool is_of_user(const NetworkManager *m, const Endpoint *e) {
        const Network *n = network_manager_find_id((NetworkManager *) m, e->network_id);

        return n && n->driver == &network_driver_bridge && !network_is_predefined(n);
}

bool sandbox_has_names(const Sandbox *s) {
        for (size_t i = 0; s && i < s->n_endpoints; i++)
                if (is_of_user(s->manager, s->endpoints[i]))
                        return true;
        return false;
}

/* --- names to addresses --- */

/* The name without ".NETWORK", by its length; 0 = it is of another network. */
static size_t bare_length(const char *name, const char *network) {
        size_t n = strlen(name), k = strlen(network);

        if (!strchr(name, '.'))
                return n;
        if (n > k + 1 && name[n - k - 1] == '.' && strcasecmp(name + n - k, network) == 0)
                return n - k - 1;
        return 0;
}

static bool is_called(const char *own, const char *name, size_t n) {
        return own && strlen(own) == n && strncasecmp(own, name, n) == 0;
}

static bool answers_to(const Sandbox *s, const Endpoint *e, const char *name) {
        /* A name with dots may be an alias as it is. */
        const size_t lengths[] = { strlen(name), bare_length(name, e->network_name) };

        FOREACH_ELEMENT(n, lengths) {
                if (*n == 0)
                        continue;
                if (is_called(s->container_name, name, *n) ||
                    (*n == ID_SHORT_LENGTH && strncasecmp(s->container_id, name, *n) == 0))
                        return true;
                STRV_FOREACH(a, e->aliases)
                        if (is_called(*a, name, *n))
                                return true;
        }
        return false;
}

typedef struct Addresses {
        NetAddr *items;
        size_t n, n_allocated;
} Addresses;

static int add_matches(const Sandbox *s, const char *network_id, const char *name, Addresses *ret) {
        const Endpoint *e = sandbox_find_endpoint(s, network_id);

        if (!e || !net_addr_is_set(&e->address.addr) || !answers_to(s, e, name))
                return 0;
        if (!GREEDY_REALLOC0(ret->items, ret->n_allocated, ret->n + 1))
                return -ENOMEM;
        ret->items[ret->n++] = e->address.addr;
        return 0;
}

/* The first of the asking container's networks on which anybody has the name. */
static int resolve(void *userdata, const char *name, NetAddr **ret, size_t *ret_n) {
        const Sandbox *asking = ASSERT_PTR(userdata);
        Addresses found = {};

        for (size_t i = 0; i < asking->n_endpoints && found.n == 0; i++) {
                Sandbox *s;

                if (!is_of_user(asking->manager, asking->endpoints[i]))
                        continue;
                HASHMAP_FOREACH(s, asking->manager->sandboxes)
                        if (add_matches(s, asking->endpoints[i]->network_id, name, &found) < 0) {
                                free(found.items);
                                return -ENOMEM;
                        }
        }
        if (found.n == 0)
                return 0;
        *ret = found.items;
        *ret_n = found.n;
        return 1;
}

static int reverse(void *userdata, const NetAddr *address, char **ret) {
        const Sandbox *asking = ASSERT_PTR(userdata);
        Sandbox *s;

        HASHMAP_FOREACH(s, asking->manager->sandboxes)
                for (size_t i = 0; i < s->n_endpoints; i++) {
                        const Endpoint *e = s->endpoints[i];

                        if (!net_addr_equal(&e->address.addr, address) ||
                            !sandbox_find_endpoint(asking, e->network_id) || !is_of_user(s->manager, e))
                                continue;
                        return asprintf_safe(ret, "%s.%s", strempty(s->container_name), e->network_name) <
                                                               0 ?
                                               -ENOMEM :
                                               1;
                }
        return 0;
}

static const DnsServerOps names_ops = { .resolve = resolve, .reverse = reverse };

/* --- whom it asks --- */

typedef struct Servers {
        DnsUpstream *items;
        size_t n, n_allocated;
        bool outside;                   /* the container reaches more than its own networks */
} Servers;

/* A container that reaches nobody outside does not do so by way of its resolver either: then only servers
 * that it could ask itself are asked. */
static int add_server(Servers *l, const NetAddr *a, bool inside) {
        if (a->family != AF_INET || (!inside && !l->outside))
                return 0;
        if (!GREEDY_REALLOC0(l->items, l->n_allocated, l->n + 1))
                return -ENOMEM;
        l->items[l->n++] = (DnsUpstream) { *a, inside };
        return 0;
}

static int add_servers_of_host(NetworkManager *m, Servers *l) {
        _cleanup_resolv_conf_ ResolvConf host = {};
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r = 0;

        if (read_file_at(AT_FDCWD, resolv_conf_host_path(m->config.resolv_conf), RESOLV_CONF_SIZE_MAX, &text,
                         &size) < 0)
                return 0;
        r = resolv_conf_parse(text, size, &host);
        for (size_t i = 0; r >= 0 && i < host.n_nameservers; i++)
                r = add_server(l, host.nameservers + i, /* inside= */ false);
        return r;
}

/* The container's, else the daemon's, else the host's. One that was chosen may be on a network of the
 * container's, where the host has no business; a loopback address is the host's. */
static int find_servers(NetworkManager *m, char *const *dns, Servers *ret) {
        char *const *list = strv_isempty(dns) ? m->config.dns : dns;

        if (strv_isempty(list))
                return add_servers_of_host(m, ret);
        STRV_FOREACH(s, list) {
                NetAddr a;

                if (net_addr_parse(*s, &a) >= 0 && add_server(ret, &a, !net_addr_is_loopback(&a)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static bool leads_outside(const Sandbox *s) {
        for (size_t i = 0; i < s->n_endpoints; i++)
                if (net_addr_is_set(&s->endpoints[i]->gateway))
                        return true;
        return false;
}

int sandbox_serve_names(NetworkManager *m, const char *container_id, char *const *dns, Error *reterr) {
        Sandbox *s = sandbox_find(m, container_id);
        Servers servers = {};
        int r;

        if (!s)
                return 0;
        servers.outside = leads_outside(s);
        s->names = dns_server_free(s->names);
        if (!s->path || !sandbox_has_names(s))
                return 0;
        r = find_servers(m, dns, &servers);
        if (r < 0)
                error_fill(reterr, r);
        else
                r = dns_server_new(&(DnsServerConfig) {
                        .event = m->event,
                        .netns_path = s->path,
                        .upstreams = servers.items,
                        .n_upstreams = servers.n,
                        .ops = &names_ops,
                        .userdata = s,
                }, &s->names, reterr);
        free(servers.items);
        return r;
}
