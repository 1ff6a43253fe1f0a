/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-network.h"

#include "basic/log.h"
#include "basic/parse-util.h"
#include "basic/path-util.h"
#include "container/container-config.h"
#include "container/container-mounts.h"

#define PORT_BINDINGS_MAX 65536U

typedef struct PortRequests {
        PortBindingRequest *items;
        size_t n_items, n_allocated;
} PortRequests;

static void port_requests_done(PortRequests *l) {
        free(l->items);
}
DEFINE_CLEANUP_DONE(PortRequests, port_requests_done);

/* "80", "8000-8010"; "" = any */
static int parse_port_range(const char *s, uint16_t *ret_first, uint16_t *ret_last) {
        _cleanup_free_ char *first = memdup_suffix0(s, strcspn(s, "-"));
        const char *last = strchr(s, '-');
        uint32_t a = 0, b;

        if (!first)
                return -ENOMEM;
        if (*first && (parse_uint32(first, &a) < 0 || a > UINT16_MAX))
                return -EINVAL;
        b = a;
        if (last && (parse_uint32(last + 1, &b) < 0 || b > UINT16_MAX || b < a))
                return -EINVAL;
        *ret_first = a;
        *ret_last = b;
        return 0;
}

int container_port_range_parse(const char *s, PortProtocol *ret_protocol, uint16_t *ret_first,
                               uint16_t *ret_last, Error *reterr) {
        _cleanup_free_ char *number = memdup_suffix0(s, strcspn(s, "/"));
        const char *protocol = strchr(s, '/');

        if (!number)
                return error_fill(reterr, -ENOMEM);
        *ret_protocol = port_protocol_from_string(protocol ? protocol + 1 : "tcp");
        if (*ret_protocol < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid proto: %s", protocol + 1);
        if (parse_port_range(number, ret_first, ret_last) < 0 || *ret_first == 0)
                return error_setf(reterr, ERROR_INVALID, "invalid port specification: \"%s\"", s);
        return 0;
}

/* "80/tcp" */
static int parse_container_port(const char *s, PortProtocol *ret_protocol, uint16_t *ret_port,
                                Error *reterr) {
        uint16_t last;
        int r;

        r = container_port_range_parse(s, ret_protocol, ret_port, &last, reterr);
        if (r >= 0 && last != *ret_port)
                r = error_setf(reterr, ERROR_INVALID, "invalid port specification: \"%s\"", s);
        return r;
}

static int add_port(PortRequests *l, PortProtocol protocol, uint16_t port, const PortBinding *b,
                    Error *reterr) {
        PortBindingRequest q = { .protocol = protocol, .container_port = port };

        if (b) {
                q.host_ip = b->host_ip;
                if (parse_port_range(strempty(b->host_port), &q.host_port_first, &q.host_port_last) < 0)
                        return error_setf(reterr, ERROR_INVALID, "invalid port specification: \"%s\"",
                                          b->host_port);
        }
        if (l->n_items >= PORT_BINDINGS_MAX || !GREEDY_REALLOC0(l->items, l->n_allocated, l->n_items + 1))
                return error_fill(reterr, -ENOMEM);
        l->items[l->n_items++] = q;
        return 0;
}

/* -p and -P; strings are borrowed from the document. */
static int port_requests(const ContainerDocument *d, PortRequests *ret, Error *reterr) {
        const HostConfig *h = &d->host_config;
        PortProtocol protocol;
        uint16_t port;
        int r = 0;

        for (size_t i = 0; i < h->port_bindings.n_items && r >= 0; i++) {
                const PortMapEntry *e = h->port_bindings.items + i;

                r = parse_container_port(e->key, &protocol, &port, reterr);
                for (size_t k = 0; k < e->value.n_items && r >= 0; k++)
                        r = add_port(ret, protocol, port, e->value.items + k, reterr);
        }
        STRV_FOREACH(s, d->config.exposed_ports) {
                bool bound = false;

                if (r < 0)
                        break;
                for (size_t i = 0; i < h->port_bindings.n_items; i++)
                        bound = bound || (streq(h->port_bindings.items[i].key, *s) &&
                                          h->port_bindings.items[i].value.n_items > 0);
                r = parse_container_port(*s, &protocol, &port, reterr);
                if (r >= 0 && h->publish_all_ports && !bound)
                        r = add_port(ret, protocol, port, NULL, reterr);
        }
        return r;
}

static int check_endpoints(const ContainerDocument *d, Error *reterr) {
        const char *mode = d->host_config.network_mode;

        for (size_t i = 0; i < d->networking.endpoints_config.n_items; i++) {
                const char *name = d->networking.endpoints_config.items[i].key;

                if (!streq(name, mode) && !(streq(name, "default") && streq(mode, NETWORK_BRIDGE)))
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                          "connecting a container to several networks (%s) is "
                                          "not supported by this engine yet",
                                          name);
        }
        return 0;
}

/* Whether the network exists is seen at the start, as with Docker: clients take a 404 of create for a
 * missing image. */
int container_networking_check(const ContainerDocument *d, Error *reterr) {
        _cleanup_(port_requests_donep) PortRequests ports = {};
        int r;

        r = port_requests(d, &ports, reterr);
        return r < 0 ? r : check_endpoints(d, reterr);
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
        if (streq(other->doc.host_config.network_mode, NETWORK_HOST))
                return 0;
        s = sandbox_find(c->manager->config.networks, other->doc.id);
        if (!s || !s->path)
                return error_setf(reterr, ERROR_CONFLICT, "container %s has no network namespace",
                                  other->doc.id);
        *ret_path = strdup(s->path);
        return *ret_path ? 0 : error_fill(reterr, -ENOMEM);
}

static const EndpointSettings *wanted_endpoint(const ContainerDocument *d) {
        for (size_t i = 0; i < d->networking.endpoints_config.n_items; i++)
                if (d->networking.endpoints_config.items[i].value)
                        return d->networking.endpoints_config.items[i].value;
        return NULL;
}

static const char *wanted_address(const EndpointSettings *wanted) {
        return wanted && wanted->ipam_config ? empty_to_null(wanted->ipam_config->ipv4_address) : NULL;
}

static int connect_endpoint(Container *c, char **ret_path, Error *reterr) {
        _cleanup_(port_requests_donep) PortRequests ports = {};
        const EndpointSettings *wanted = wanted_endpoint(&c->doc);
        const char *mac = wanted ? empty_to_null(wanted->mac_address) : NULL;
        NetworkManager *networks = c->manager->config.networks;
        bool host = streq(c->doc.host_config.network_mode, NETWORK_HOST);
        Endpoint *endpoint;
        Sandbox *sandbox = NULL;
        int r;

        r = port_requests(&c->doc, &ports, reterr);
        if (r >= 0 && !host)
                r = sandbox_new(networks, c->doc.id, &sandbox, reterr);
        if (r < 0)
                return r;
        r = endpoint_connect(
                        networks,
                        &(EndpointParams){
                                        .container_id = c->doc.id,
                                        .container_name = c->doc.name,
                                        .network = c->doc.config.network_disabled ?
                                                                NETWORK_NONE :
                                                                c->doc.host_config.network_mode,
                                        .ipv4_address = wanted_address(wanted),
                                        .mac_address = mac ?: empty_to_null(c->doc.config.mac_address),
                                        .ports = ports.items,
                                        .n_ports = ports.n_items,
                        },
                        &endpoint, reterr);
        if (r < 0)
                return r;
        if (!sandbox || !sandbox->path)
                return 0;
        *ret_path = strdup(sandbox->path);
        return *ret_path ? 0 : error_fill(reterr, -ENOMEM);
}

static int write_files(Container *c, Error *reterr) {
        const HostConfig *h = &c->doc.host_config;
        _cleanup_close_ int fd = open(c->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno,
                                        "cannot open the directory of container %s", c->doc.name);
        return network_files_write(c->manager->config.networks, fd, &(NetworkFilesParams) {
                .container_id = c->doc.id,
                .network_mode = h->network_mode,
                .hostname = c->doc.config.hostname,
                .domainname = c->doc.config.domainname,
                .extra_hosts = h->extra_hosts,
                .dns = h->dns,
                .dns_search = h->dns_search,
                .dns_options = h->dns_options,
        }, reterr);
}

int container_network_start(Container *c, char **ret_path, Error *reterr) {
        const char *peer = namespace_of_container(c->doc.host_config.network_mode);
        int r;

        r = peer ? join_container(c, peer, ret_path, reterr) : connect_endpoint(c, ret_path, reterr);
        return r < 0 ? r : write_files(c, reterr);
}

void container_network_stop(Container *c) {
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        if (!c->manager)
                return;
        r = sandbox_free(c->manager->config.networks, c->doc.id, &e);
        if (r < 0)
                log_warning("cannot release the network of container %s: %s", c->doc.name,
                            error_message(&e));
}

/* --- views --- */

static int endpoint_view(const Endpoint *e, EndpointSettings **ret) {
        _cleanup_(EndpointSettings_freep) EndpointSettings *s = json_new(&EndpointSettings_json);
        char text[NET_ADDR_TEXT_MAX], mac[MAC_ADDR_TEXT_MAX];

        if (!s)
                return -ENOMEM;
        s->network_id = strdup(strempty(e->network_id));
        s->endpoint_id = strdup(e->id);
        s->gateway = strdup(net_addr_format(text, &e->gateway));
        s->ip_address = strdup(net_addr_format(text, &e->address.addr));
        s->ip_prefix_len = net_addr_is_set(&e->address.addr) ? e->address.length : 0;
        s->mac_address = strdup(mac_addr_is_set(&e->mac) ? mac_addr_format(mac, &e->mac) : "");
        if (!s->network_id || !s->endpoint_id || !s->gateway || !s->ip_address || !s->mac_address)
                return -ENOMEM;
        *ret = TAKE_PTR(s);
        return 0;
}

static int networks_view(Container *c, EndpointSettingsEntry **ret, size_t *ret_n) {
        Sandbox *s = c->manager ? sandbox_find(c->manager->config.networks, c->doc.id) : NULL;
        const char *mode = c->doc.host_config.network_mode;
        size_t n = s ? s->n_endpoints : 0;
        EndpointSettingsEntry *items;
        Network *network;
        int r = 0;

        if (namespace_of_container(mode))
                return 0;
        items = new0(EndpointSettingsEntry, max_size(n, 1));
        if (!items)
                return -ENOMEM;
        *ret = items;
        for (; *ret_n < n && r >= 0; (*ret_n)++) {
                items[*ret_n].key = strdup(strempty(s->endpoints[*ret_n]->network_name));
                r = endpoint_view(s->endpoints[*ret_n], &items[*ret_n].value);
        }
        if (n > 0 || r < 0)
                return r;

        /* Not running: the network is named, without an address. */
        items[0].key = strdup(mode);
        items[0].value = json_new(&EndpointSettings_json);
        *ret_n = 1;
        if (!items[0].key || !items[0].value)
                return -ENOMEM;
        if (c->manager && network_manager_find(c->manager->config.networks, mode, &network, NULL) >= 0)
                return free_and_strdup(&items[0].value->network_id, network_id(network));
        return 0;
}

static PortMapEntry *port_entry(NetworkSettings *ret, const char *key) {
        PortMapEntry *items;

        for (size_t i = 0; i < ret->ports.n_items; i++)
                if (streq(ret->ports.items[i].key, key))
                        return ret->ports.items + i;
        items = reallocarray(ret->ports.items, ret->ports.n_items + 1, sizeof(*items));
        if (!items)
                return NULL;
        ret->ports.items = items;
        items[ret->ports.n_items] = (PortMapEntry) { .key = strdup(key) };
        if (!items[ret->ports.n_items].key)
                return NULL;
        return items + ret->ports.n_items++;
}

static int add_port_view(NetworkSettings *ret, const PortBindingActual *p) {
        char text[NET_ADDR_TEXT_MAX];
        _cleanup_free_ char *key = NULL;
        PortBinding *items;
        PortMapEntry *e;

        if (asprintf_safe(&key, "%u/%s", p->container_port, port_protocol_to_string(p->protocol)) < 0)
                return -ENOMEM;
        e = port_entry(ret, key);
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

static int ports_view(Container *c, const Sandbox *s, NetworkSettings *ret) {
        int r = 0;

        STRV_FOREACH(p, c->doc.config.exposed_ports)
                if (s && !port_entry(ret, *p))
                        return -ENOMEM;
        for (size_t i = 0; s && i < s->n_ports && r >= 0; i++)
                r = add_port_view(ret, s->ports + i);
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

static bool is_published(const Sandbox *s, PortProtocol protocol, uint16_t port) {
        for (size_t i = 0; i < s->n_ports; i++)
                if (s->ports[i].container_port == port && s->ports[i].protocol == protocol)
                        return true;
        return false;
}

int container_network_summary(Container *c, ContainerSummary *sum) {
        Sandbox *s = c->manager ? sandbox_find(c->manager->config.networks, c->doc.id) : NULL;
        char text[NET_ADDR_TEXT_MAX];
        PortProtocol protocol;
        uint16_t port;
        int r = 0;

        for (size_t i = 0; s && i < s->n_ports && r >= 0; i++)
                r = add_summary_port(sum, net_addr_format(text, &s->ports[i].host_address),
                                     s->ports[i].container_port, s->ports[i].host_port,
                                     port_protocol_to_string(s->ports[i].protocol));
        STRV_FOREACH(p, c->doc.config.exposed_ports)
                if (r >= 0 && s && parse_container_port(*p, &protocol, &port, NULL) >= 0 &&
                    !is_published(s, protocol, port))
                        r = add_summary_port(sum, NULL, port, 0, port_protocol_to_string(protocol));
        return r < 0 ? r :
                       networks_view(c, &sum->network_settings.networks.items,
                                     &sum->network_settings.networks.n_items);
}
