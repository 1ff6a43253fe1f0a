/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-network.h"

#include <stdio.h>

#include "basic/id.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "basic/path-util.h"
#include "container/container-config.h"
#include "container/container-ports.h"

/* A container that shares the network of another shares its host name. */
static int take_hostname(Container *c, const Container *other) {
        ContainerConfig *to = &c->doc.config;
        const ContainerConfig *from = &other->doc.config;

        if (free_and_strdup(&to->hostname, strempty(from->hostname)) < 0 ||
            free_and_strdup(&to->domainname, strempty(from->domainname)) < 0)
                return -ENOMEM;
        return 0;
}

static int join_container(Container *c, const char *peer, char **ret_path, Error *reterr) {
        Container *other;
        Sandbox *s;
        int r;

        r = container_manager_find(c->manager, peer, &other, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "joining network namespace of container");
        if (other == c || !container_is_running(other))
                return error_setf(reterr, ERROR_CONFLICT,
                                  "cannot join network namespace of a non running container: %s",
                                  other->doc.id);
        if (take_hostname(c, other) < 0)
                return error_fill(reterr, -ENOMEM);
        if (streq(other->doc.host_config.network_mode, NETWORK_HOST))
                return 0;
        s = sandbox_find(c->manager->config.networks, other->doc.id);
        if (!s || !s->path)
                return error_setf(reterr, ERROR_CONFLICT, "container %s has no network namespace",
                                  other->doc.id);
        *ret_path = strdup(s->path);
        return *ret_path ? 0 : error_fill(reterr, -ENOMEM);
}

int container_endpoint_names(const Container *c, const EndpointSettings *s, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;
        int r = 0;

        if (s)
                r = strv_extend_strv(&l, s->aliases);
        if (r >= 0 && !isempty(c->doc.config.hostname) && !strv_contains(l, c->doc.config.hostname))
                r = strv_extend(&l, c->doc.config.hostname);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

/* --- what a container joins --- */

/* One network of a start; everything is borrowed. */
typedef struct Join {
        Network *network;
        const EndpointSettings *settings;
        bool is_mode;                   /* the network of HostConfig.NetworkMode */
        bool default_route;
} Join;

typedef struct JoinList {
        Join *items;
        size_t n_items, n_allocated;
} JoinList;

static void join_list_done(JoinList *l) {
        free(l->items);
}
DEFINE_CLEANUP_DONE(JoinList, join_list_done);

static int64_t priority(const Join *j) {
        return j->settings ? j->settings->gw_priority : 0;
}

static bool is_before(const Join *a, const Join *b) {
        return gateway_is_before(priority(a), network_name(a->network), priority(b),
                                 network_name(b->network));
}

/* Its own network is eth0; the others follow by their names. */
static int compare_joins(const void *a, const void *b) {
        const Join *x = a, *y = b;

        if (x->is_mode != y->is_mode)
                return x->is_mode ? -1 : 1;
        return strcmp(network_name(x->network), network_name(y->network));
}

/* An internal one leads nowhere. */
static void choose_default_route(JoinList *l) {
        Join *best = NULL;

        for (size_t i = 0; i < l->n_items; i++) {
                Join *j = l->items + i;

                if (!network_is_internal(j->network) && (!best || is_before(j, best)))
                        best = j;
        }
        if (best)
                best->default_route = true;
}

static int add_join(Container *c, JoinList *l, const char *name, const EndpointSettings *settings,
                    Error *reterr) {
        const char *mode = c->doc.host_config.network_mode;
        Network *n;
        int r;

        r = network_manager_find(c->manager->config.networks, name, &n, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "failed to set up container networking");
        for (size_t i = 0; i < l->n_items; i++)
                if (l->items[i].network == n)
                        return 0;
        if (!GREEDY_REALLOC0(l->items, l->n_allocated, l->n_items + 1))
                return error_fill(reterr, -ENOMEM);
        l->items[l->n_items++] = (Join) { n, settings, streq(name, mode) || streq(network_name(n), mode) ||
                                          streq(network_id(n), mode), false };
        return 0;
}

static int collect_joins(Container *c, JoinList *ret, Error *reterr) {
        _cleanup_(join_list_donep) JoinList l = {};
        int r = 0;

        if (c->doc.config.network_disabled)
                r = add_join(c, &l, NETWORK_NONE, NULL, reterr);
        for (size_t i = 0; r >= 0 && !c->doc.config.network_disabled &&
             i < c->doc.networking.endpoints_config.n_items; i++) {
                const EndpointSettingsEntry *e = c->doc.networking.endpoints_config.items + i;

                r = add_join(c, &l, e->key, e->value, reterr);
        }
        if (r < 0)
                return r;
        if (l.n_items > 0)
                qsort(l.items, l.n_items, sizeof(*l.items), compare_joins);
        choose_default_route(&l);
        *ret = TAKE_STRUCT(l);
        return 0;
}

static int connect_join(Container *c, const Join *j, const PortRequests *ports, Error *reterr) {
        const EndpointSettings *s = j->settings;
        const char *mac = s ? empty_to_null(s->mac_address) : NULL;
        _cleanup_strv_free_ char **names = NULL;

        if (!mac && j->is_mode)
                mac = empty_to_null(c->doc.config.mac_address);
        if (container_endpoint_names(c, s, &names) < 0)
                return error_fill(reterr, -ENOMEM);
        return endpoint_connect(c->manager->config.networks, &(EndpointParams) {
                .container_id = c->doc.id,
                .container_name = c->doc.name,
                .network = network_id(j->network),
                .ipv4_address = s && s->ipam_config ? empty_to_null(s->ipam_config->ipv4_address) : NULL,
                .mac_address = mac,
                .aliases = names,
                .gw_priority = priority(j),
                .default_route = j->default_route,
                .ports = j->default_route ? ports->items : NULL,
                .n_ports = j->default_route ? ports->n_items : 0,
        }, NULL, reterr);
}

static int connect_endpoints(Container *c, char **ret_path, Error *reterr) {
        _cleanup_(port_requests_donep) PortRequests ports = {};
        _cleanup_(join_list_donep) JoinList joins = {};
        NetworkManager *networks = c->manager->config.networks;
        Sandbox *sandbox = NULL;
        int r;

        r = port_requests(&c->doc, &ports, reterr);
        if (r >= 0)
                r = collect_joins(c, &joins, reterr);
        if (r >= 0 && !streq(c->doc.host_config.network_mode, NETWORK_HOST))
                r = sandbox_new(networks, c->doc.id, &sandbox, reterr);
        for (size_t i = 0; r >= 0 && i < joins.n_items; i++)
                r = connect_join(c, joins.items + i, &ports, reterr);
        /* Disconnected from everything, which a restart does not undo. */
        if (r >= 0 && sandbox && joins.n_items == 0)
                r = sandbox_save(sandbox, reterr);
        if (r < 0)
                return r;
        container_network_event(c, NULL, "connect", MESSAGE_NETWORK_CONNECT_STR);
        if (!sandbox || !sandbox->path)
                return 0;
        *ret_path = strdup(sandbox->path);
        return *ret_path ? 0 : error_fill(reterr, -ENOMEM);
}

/* Whose sandbox it is in: its own, or its peer's. */
static const char *sandbox_owner(Container *c) {
        const char *peer = namespace_of_container(c->doc.host_config.network_mode);
        Container *other;

        if (!peer || container_manager_find(c->manager, peer, &other, NULL) < 0)
                return c->doc.id;
        return other->doc.id;
}

static int write_files(Container *c, Error *reterr) {
        const HostConfig *h = &c->doc.host_config;
        _cleanup_close_ int fd = open(c->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno,
                                        "cannot open the directory of container %s", c->doc.name);
        return network_files_write(c->manager->config.networks, fd, &(NetworkFilesParams) {
                .container_id = sandbox_owner(c),
                .network_mode = h->network_mode,
                .hostname = c->doc.config.hostname,
                .domainname = c->doc.config.domainname,
                .extra_hosts = h->extra_hosts,
                .dns = h->dns,
                .dns_search = h->dns_search,
                .dns_options = h->dns_options,
        }, reterr);
}

static int serve_names(Container *c, Error *reterr) {
        return sandbox_serve_names(c->manager->config.networks, c->doc.id, c->doc.host_config.dns, reterr);
}

int container_network_refresh(Container *c, Error *reterr) {
        int r;

        r = write_files(c, reterr);
        return r < 0 ? r : serve_names(c, reterr);
}

void container_network_restore(Container *c) {
        _cleanup_error_ Error e = ERROR_NULL;

        if (serve_names(c, &e) < 0)
                log_warning("Names are not resolved for container %s: %s", c->doc.name, error_message(&e));
}

int container_network_start(Container *c, char **ret_path, Error *reterr) {
        const char *peer = namespace_of_container(c->doc.host_config.network_mode);
        int r;

        r = peer ? join_container(c, peer, ret_path, reterr) : connect_endpoints(c, ret_path, reterr);
        if (r >= 0)
                r = write_files(c, reterr);
        return r < 0 || peer ? r : serve_names(c, reterr);
}

void container_network_stop(Container *c) {
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        if (!c->manager)
                return;
        container_network_event(c, NULL, "disconnect", MESSAGE_NETWORK_DISCONNECT_STR);
        r = sandbox_free(c->manager->config.networks, c->doc.id, &e);
        if (r < 0)
                log_warning("cannot release the network of container %s: %s", c->doc.name,
                            error_message(&e));
}

/* --- events --- */

static void publish(Container *c, const Endpoint *e, const char *action, const char *message_id) {
        Network *n = NULL;
        StringMap a = {};

        (void) network_manager_find(c->manager->config.networks, e->network_id, &n, NULL);
        if (string_map_set(&a, "container", c->doc.id) < 0 ||
            string_map_set(&a, "name", e->network_name) < 0 ||
            string_map_set(&a, "type", n ? network_driver(n) : "bridge") < 0)
                log_oom();
        else
                event_hub_publish(c->manager->config.events, &(EventDraft) {
                        .type = "network",
                        .action = action,
                        .id = e->network_id,
                        .message_id = message_id,
                        .attributes = &a,
                });
        string_map_done(&a);
}

void container_network_event(Container *c, const Endpoint *only, const char *action,
                             const char *message_id) {
        const Sandbox *s = sandbox_find(c->manager->config.networks, c->doc.id);

        for (size_t i = 0; s && i < s->n_endpoints; i++)
                if (!only || s->endpoints[i] == only)
                        publish(c, s->endpoints[i], action, message_id);
}

/* --- views --- */

static const EndpointSettings *settings_of(const Container *c, const char *name, const char *id) {
        for (size_t i = 0; i < c->doc.networking.endpoints_config.n_items; i++) {
                const EndpointSettingsEntry *e = c->doc.networking.endpoints_config.items + i;

                if (streq(e->key, name) || streq_ptr(e->key, id))
                        return e->value;
        }
        return NULL;
}

/* Under which it is found by others on a network of users. */
static int add_dns_names(const Container *c, const char *network, EndpointSettings *s) {
        char id[ID_SHORT_LENGTH + 1];
        Network *n;
        int r;

        if (!c->manager || network_manager_find(c->manager->config.networks, network, &n, NULL) < 0 ||
            network_is_predefined(n))
                return 0;
        r = strv_extend(&s->dns_names, c->doc.name);
        STRV_FOREACH(a, s->aliases)
                if (r >= 0 && !strv_contains(s->dns_names, *a))
                        r = strv_extend(&s->dns_names, *a);
        if (r >= 0)
                r = strv_extend(&s->dns_names, container_short_id(c, id));
        if (r >= 0 && !isempty(c->doc.config.hostname) &&
            !strv_contains(s->dns_names, c->doc.config.hostname))
                r = strv_extend(&s->dns_names, c->doc.config.hostname);
        return r;
}

static int fill_live(const Endpoint *e, EndpointSettings *s) {
        char text[NET_ADDR_TEXT_MAX], mac[MAC_ADDR_TEXT_MAX];

        s->ip_prefix_len = net_addr_is_set(&e->address.addr) ? e->address.length : 0;
        if (free_and_strdup(&s->network_id, strempty(e->network_id)) < 0 ||
            free_and_strdup(&s->endpoint_id, e->id) < 0 ||
            free_and_strdup(&s->gateway, net_addr_format(text, &e->gateway)) < 0 ||
            free_and_strdup(&s->ip_address, net_addr_format(text, &e->address.addr)) < 0 ||
            free_and_strdup(&s->mac_address,
                            mac_addr_is_set(&e->mac) ? mac_addr_format(mac, &e->mac) : "") < 0)
                return -ENOMEM;
        return 0;
}

/* e: NULL while the container does not run. */
static int endpoint_view(const Container *c, const char *name, const char *id, const Endpoint *e,
                         EndpointSettingsEntry *ret) {
        const EndpointSettings *settings = settings_of(c, name, id);
        int r;

        ret->key = strdup(name);
        ret->value = json_new(&EndpointSettings_json);
        if (!ret->key || !ret->value)
                return -ENOMEM;
        r = settings ? json_copy(&EndpointSettings_json, settings, ret->value) : 0;
        if (r >= 0 && id)
                r = free_and_strdup(&ret->value->network_id, id);
        if (r >= 0 && e)
                r = fill_live(e, ret->value);
        return r < 0 ? r : add_dns_names(c, name, ret->value);
}

static int live_view(const Container *c, const Sandbox *s, EndpointSettingsEntry *items, size_t *n) {
        for (size_t i = 0; i < s->n_endpoints; i++) {
                const Endpoint *e = s->endpoints[i];
                int r = endpoint_view(c, strempty(e->network_name), e->network_id, e, items + (*n)++);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* Not running: the networks are named, without an address. */
static int idle_view(const Container *c, const char *key, EndpointSettingsEntry *ret) {
        Network *n = NULL;

        if (c->manager)
                (void) network_manager_find(c->manager->config.networks, key, &n, NULL);
        return endpoint_view(c, n ? network_name(n) : key, n ? network_id(n) : NULL, NULL, ret);
}

static int networks_view(Container *c, EndpointSettingsEntry **ret, size_t *ret_n) {
        Sandbox *s = c->manager ? sandbox_find(c->manager->config.networks, c->doc.id) : NULL;
        bool live = s && s->n_endpoints > 0;
        size_t n = live ? s->n_endpoints : c->doc.networking.endpoints_config.n_items;
        EndpointSettingsEntry *items;
        int r = 0;

        if (namespace_of_container(c->doc.host_config.network_mode))
                return 0;
        items = new0(EndpointSettingsEntry, max_size(n, 1));
        if (!items)
                return -ENOMEM;
        *ret = items;
        if (live)
                return live_view(c, s, items, ret_n);
        for (size_t i = 0; r >= 0 && i < c->doc.networking.endpoints_config.n_items; i++)
                r = idle_view(c, c->doc.networking.endpoints_config.items[i].key, items + (*ret_n)++);
        return r;
}

/* A container may expose and publish all ports there are: its entries are found by their keys. */
typedef struct PortView {
        NetworkSettings *settings;
        size_t n_allocated;
        Hashmap *entries;               /* key -> position in the list + 1 */
} PortView;

static PortMapEntry *port_entry(PortView *v, const char *key) {
        typeof(v->settings->ports) *l = &v->settings->ports;
        size_t position = (size_t) (uintptr_t) hashmap_get(v->entries, key);
        PortMapEntry *e;

        if (position > 0)
                return l->items + position - 1;
        if (!GREEDY_REALLOC0(l->items, v->n_allocated, l->n_items + 1))
                return NULL;
        e = l->items + l->n_items;
        *e = (PortMapEntry) { .key = strdup(key) };
        if (!e->key)
                return NULL;
        l->n_items++;
        return hashmap_put(v->entries, e->key, (void *) (uintptr_t) l->n_items) < 0 ? NULL : e;
}

static int add_port_view(PortView *v, const PortBindingActual *p) {
        char text[NET_ADDR_TEXT_MAX], key[sizeof("65535/sctp")];
        PortBinding *items;
        PortMapEntry *e;

        (void) snprintf(key, sizeof(key), "%u/%s", p->container_port, port_protocol_to_string(p->protocol));
        e = port_entry(v, key);
        if (!e)
                return -ENOMEM;
        items = reallocarray(e->value.items, e->value.n_items + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        e->value.items = items;
        items[e->value.n_items] = (PortBinding){ .host_ip = strdup(
                                                                 net_addr_format(text, &p->host_address)) };
        return asprintf_safe(&items[e->value.n_items++].host_port, "%u", p->host_port);
}

/* Ports are shown where there is an endpoint that they could be reached by. */
static bool leads_out(const Sandbox *s) {
        for (size_t i = 0; s && i < s->n_endpoints; i++)
                if (net_addr_is_set(&s->endpoints[i]->gateway))
                        return true;
        return false;
}

static int ports_view(Container *c, const Sandbox *s, NetworkSettings *ret) {
        _cleanup_hashmap_free_ Hashmap *entries = NULL;
        PortView v = { .settings = ret };
        int r = 0;

        if (!leads_out(s))
                return 0;
        v.entries = entries = hashmap_new();
        if (!entries)
                return -ENOMEM;
        STRV_FOREACH(p, c->doc.config.exposed_ports)
                if (!port_entry(&v, *p))
                        return -ENOMEM;
        for (size_t i = 0; i < s->n_ports && r >= 0; i++)
                r = add_port_view(&v, s->ports + i);
        return r;
}

/* The old members of NetworkSettings show the default bridge. */
static int copy_default_bridge(NetworkSettings *ret) {
        for (size_t i = 0; i < ret->networks.n_items; i++) {
                const EndpointSettings *e = ret->networks.items[i].value;

                if (!streq(ret->networks.items[i].key, NETWORK_BRIDGE) || !e)
                        continue;
                ret->ip_prefix_len = e->ip_prefix_len;
                if (free_and_strdup(&ret->endpoint_id, e->endpoint_id) < 0 ||
                    free_and_strdup(&ret->gateway, e->gateway) < 0 ||
                    free_and_strdup(&ret->ip_address, e->ip_address) < 0 ||
                    free_and_strdup(&ret->mac_address, e->mac_address) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int container_network_settings(Container *c, NetworkSettings *ret) {
        Sandbox *s = c->manager ? sandbox_find(c->manager->config.networks, c->doc.id) : NULL;
        int r;

        if (s && s->name) {
                ret->sandbox_id = strdup(s->name);
                ret->sandbox_key = strdup(strempty(s->path));
                if (!ret->sandbox_id || !ret->sandbox_key)
                        return -ENOMEM;
        }
        r = ports_view(c, s, ret);
        if (r >= 0)
                r = networks_view(c, &ret->networks.items, &ret->networks.n_items);
        return r < 0 ? r : copy_default_bridge(ret);
}

static int add_summary_port(ContainerSummary *sum, const char *ip, unsigned private_port,
                            unsigned public_port, const char *type) {
        PortSummary *items = reallocarray(sum->ports.items, sum->ports.n_items + 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        sum->ports.items = items;
        items[sum->ports.n_items++] = (PortSummary) {
                .ip = ip ? strdup(ip) : NULL,
                .private_port = (int) private_port,
                .public_port = (int) public_port,
                .type = strdup(type),
        };
        return 0;
}

static int add_published(ContainerSummary *sum, const PortBindingActual *p, PortSet *published) {
        char text[NET_ADDR_TEXT_MAX];

        port_set_add(published, p->protocol, p->container_port);
        return add_summary_port(sum, net_addr_format(text, &p->host_address), p->container_port,
                                p->host_port, port_protocol_to_string(p->protocol));
}

static int summarize_ports(const Container *c, const Sandbox *s, ContainerSummary *sum) {
        _cleanup_free_ PortSet *published = new0(PortSet, 1);
        PortProtocol protocol;
        uint16_t port;
        int r = 0;

        if (!published)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_ports && r >= 0; i++)
                r = add_published(sum, s->ports + i, published);
        STRV_FOREACH(p, c->doc.config.exposed_ports)
                if (r >= 0 && container_port_parse(*p, &protocol, &port, NULL) >= 0 &&
                    !port_set_has(published, protocol, port))
                        r = add_summary_port(sum, NULL, port, 0, port_protocol_to_string(protocol));
        return r;
}

int container_network_summary(Container *c, ContainerSummary *sum) {
        Sandbox *s = c->manager ? sandbox_find(c->manager->config.networks, c->doc.id) : NULL;
        int r;

        r = leads_out(s) ? summarize_ports(c, s, sum) : 0;
        return r < 0 ? r :
                       networks_view(c, &sum->network_settings.networks.items,
                                     &sum->network_settings.networks.n_items);
}
