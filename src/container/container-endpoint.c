/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints as clients ask for them: what is wrong is told before anything is made, in Docker's words. */
#include "container/container-config.h"
#include "container/container-network.h"
#include "container/container-ports.h"

/* Before API 1.44 a container is created on one network, and its MAC address is the container's. */
#define API_SEVERAL_ENDPOINTS 44U

static bool is_special(const char *mode) {
        return streq(mode, NETWORK_HOST) || streq(mode, NETWORK_NONE) || namespace_of_container(mode);
}

static bool is_of_user(const Network *n, const char *name) {
        if (n)
                return !network_is_predefined(n);
        return !is_special(name) && !streq(name, NETWORK_BRIDGE) && !streq(name, "default");
}

/* --- one endpoint --- */

/* Features that are not there yet are refused by name. */
static int check_supported(const EndpointSettings *s, Error *reterr) {
        const EndpointIpamConfig *ipam = s->ipam_config;

        if (!strv_isempty(s->links))
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "links (--link) are not supported by this engine yet");
        if (ipam && (!isempty(ipam->ipv6_address) || !strv_isempty(ipam->link_local_ips)))
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "IPv6 and link-local addresses of a container are not supported by this "
                                  "engine yet");
        for (size_t i = 0; i < s->driver_opts.n_items; i++)
                if (startswith(s->driver_opts.items[i].key, "com.docker.network."))
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                          "the endpoint option %s is not supported by this engine yet",
                                          s->driver_opts.items[i].key);
        return 0;
}

/* An address that no interface can have is refused here as well: all zeros, or one of a group. */
static int check_mac(const char *mac, Error *reterr) {
        MacAddr a;

        if (isempty(mac))
                return 0;
        if (mac_addr_parse(mac, &a) < 0 || !mac_addr_is_set(&a) || (a.bytes[0] & 1U))
                return error_setf(reterr, ERROR_INVALID, "invalid MAC address %s", mac);
        return 0;
}

/* The address is one that the network may give. */
static int check_address(const Network *n, const char *name, const char *address, char ***problems) {
        _cleanup_error_ Error error = ERROR_NULL;
        NetAddr a;
        int r = 0;

        if (isempty(address))
                return 0;
        if (!is_of_user(n, name))
                r = strv_extend(problems,
                                "user specified IP address is supported on user defined networks only");
        if (r >= 0 && (net_addr_parse(address, &a) < 0 || a.family != AF_INET || net_addr_is_any(&a)))
                r = strv_extendf(problems, "invalid IPv4 address: %s", address);
        if (r >= 0 && n && network_check_address(n, address, &error) < 0)
                r = strv_extend(problems, error_message(&error));
        return r;
}

static int find_problems(const Network *n, const char *name, const EndpointSettings *s, char ***ret) {
        int r;

        r = check_address(n, name, s->ipam_config ? s->ipam_config->ipv4_address : NULL, ret);
        if (r >= 0 && !strv_isempty(s->aliases) && !is_of_user(n, name))
                r = strv_extend(ret, "network-scoped alias is supported only for containers in user defined "
                                     "networks");
        return r;
}

/* One problem stands alone, several are a list. */
static int tell_problems(char *const *problems, Error *reterr) {
        _cleanup_free_ char *list = NULL;

        if (strv_isempty(problems))
                return 0;
        list = strv_join(problems, "\n* ");
        if (!list)
                return error_fill(reterr, -ENOMEM);
        return error_setf(reterr, ERROR_INVALID, "invalid endpoint settings:\n%s%s", problems[1] ? "* " : "",
                          list);
}

int container_endpoint_check(NetworkManager *networks, const char *network, const EndpointSettings *s,
                             Error *reterr) {
        _cleanup_strv_free_ char **problems = NULL;
        Network *n = NULL;
        int r;

        if (!s)
                return 0;
        r = check_supported(s, reterr);
        if (r >= 0)
                r = check_mac(s->mac_address, reterr);
        if (r < 0)
                return r;
        (void) network_manager_find(networks, network, &n, NULL);
        if (find_problems(n, network, s, &problems) < 0)
                return error_fill(reterr, -ENOMEM);
        return tell_problems(problems, reterr);
}

/* --- the endpoints of a request --- */

EndpointSettingsEntry *container_endpoint_add(ContainerDocument *d, const char *network,
                                              const EndpointSettings *settings) {
        typeof(d->networking.endpoints_config) *l = &d->networking.endpoints_config;
        EndpointSettingsEntry *items = reallocarray(l->items, l->n_items + 1, sizeof(*items)), *e;

        if (!items)
                return NULL;
        l->items = items;
        e = items + l->n_items;
        *e = (EndpointSettingsEntry) { strdup(network), json_new(&EndpointSettings_json) };
        if (e->key && e->value &&
            (!settings || json_copy(&EndpointSettings_json, settings, e->value) >= 0)) {
                l->n_items++;
                return e;
        }
        free(e->key);
        json_free(&EndpointSettings_json, e->value);
        return NULL;
}

static EndpointSettingsEntry *entry_of_mode(ContainerDocument *d) {
        for (size_t i = 0; i < d->networking.endpoints_config.n_items; i++)
                if (streq(d->networking.endpoints_config.items[i].key, d->host_config.network_mode))
                        return d->networking.endpoints_config.items + i;
        return NULL;
}

/* The list is what the container is connected to; an empty one is the network of its mode. */
static int complete_endpoints(const NetworkManager *networks, ContainerDocument *d) {
        if (namespace_of_container(d->host_config.network_mode))
                return 0;
        for (size_t i = 0; i < d->networking.endpoints_config.n_items; i++) {
                EndpointSettingsEntry *e = d->networking.endpoints_config.items + i;

                if (streq(e->key, "default") &&
                    free_and_strdup(&e->key, network_manager_default(networks)) < 0)
                        return -ENOMEM;
        }
        if (d->networking.endpoints_config.n_items > 0)
                return 0;
        return container_endpoint_add(d, d->host_config.network_mode, NULL) ? 0 : -ENOMEM;
}

static int check_number(const ContainerDocument *d, unsigned version, Error *reterr) {
        _cleanup_strv_free_ char **names = NULL;
        _cleanup_free_ char *list = NULL;

        if (version >= API_SEVERAL_ENDPOINTS || d->networking.endpoints_config.n_items < 2)
                return 0;
        for (size_t i = 0; i < d->networking.endpoints_config.n_items; i++)
                if (strv_extend(&names, d->networking.endpoints_config.items[i].key) < 0)
                        return error_fill(reterr, -ENOMEM);
        strv_sort(names);
        list = strv_join(names, ", ");
        if (!list)
                return error_fill(reterr, -ENOMEM);
        return error_setf(reterr, ERROR_INVALID,
                          "Container cannot be created with multiple network endpoints: %s", list);
}

static int mac_conflict(Error *reterr) {
        return error_setf(reterr, ERROR_INVALID, "conflicting options: mac-address and the network mode");
}

static int check_endpoints(NetworkManager *networks, const ContainerDocument *d, Error *reterr) {
        const char *mode = d->host_config.network_mode;

        for (size_t i = 0; i < d->networking.endpoints_config.n_items; i++) {
                const EndpointSettingsEntry *e = d->networking.endpoints_config.items + i;
                int r;

                if (!streq(e->key, mode) && (is_special(mode) || is_special(e->key)))
                        return error_setf(reterr, ERROR_INVALID,
                                          "conflicting options: cannot attach both user-defined and "
                                          "non-user-defined network-modes");
                if (is_special(e->key) && e->value && !isempty(e->value->mac_address))
                        return mac_conflict(reterr);
                r = container_endpoint_check(networks, e->key, e->value, reterr);
                if (r < 0)
                        return error_prefixf(reterr, r, "invalid config for network %s", e->key);
        }
        return 0;
}

/* --- the container's MAC address: that of its first network --- */

static int take_over_mac(ContainerDocument *d, Error *reterr) {
        EndpointSettingsEntry *e = entry_of_mode(d);
        EndpointSettings *s;

        if (!e)
                return error_setf(reterr, ERROR_INVALID,
                                  "unable to migrate container-wide MAC address to a specific network: if a "
                                  "container-wide MAC address is supplied, HostConfig.NetworkMode must match "
                                  "the identity of a network in NetworkSettings.Networks");
        s = e->value;
        if (!isempty(s->mac_address) && !streq(s->mac_address, d->config.mac_address))
                return error_setf(reterr, ERROR_INVALID,
                                  "the container-wide MAC address must match the endpoint-specific MAC "
                                  "address for the main network, or be left empty");
        return free_and_strdup(&s->mac_address, d->config.mac_address) < 0 ? error_fill(reterr, -ENOMEM) : 0;
}

/* Inspect shows for the container what was asked for its main network. */
static int record_mac(ContainerDocument *d, Error *reterr) {
        const EndpointSettingsEntry *e = entry_of_mode(d);

        if (!e || !e->value || isempty(e->value->mac_address))
                return 0;
        return free_and_strdup(&d->config.mac_address, e->value->mac_address) < 0 ?
                error_fill(reterr, -ENOMEM) : 0;
}

static int set_mac(ContainerDocument *d, unsigned version, char ***warnings, Error *reterr) {
        bool endpoints_have_one = version >= API_SEVERAL_ENDPOINTS;
        EndpointSettingsEntry *e;

        for (size_t i = 0; i < d->networking.endpoints_config.n_items; i++) {
                e = d->networking.endpoints_config.items + i;
                if (!e->value && !(e->value = json_new(&EndpointSettings_json)))
                        return error_fill(reterr, -ENOMEM);
                /* A member that such clients did not know. */
                if (!endpoints_have_one)
                        e->value->mac_address = mfree(e->value->mac_address);
        }
        if (isempty(d->config.mac_address))
                return record_mac(d, reterr);
        if (is_special(d->host_config.network_mode))
                return mac_conflict(reterr);
        if (endpoints_have_one &&
            strv_extend(warnings, "The container-wide MacAddress field is now deprecated. It should be "
                                  "specified in EndpointsConfig instead.") < 0)
                return error_fill(reterr, -ENOMEM);
        return take_over_mac(d, reterr);
}

/* --- ports --- */

static int check_host_ip(const char *text, Error *reterr) {
        NetAddr a;

        if (isempty(text))
                return 0;
        if (net_addr_parse(text, &a) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid IP address: %s", text);
        if (a.family != AF_INET)
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "publishing ports on IPv6 addresses is not supported by this engine yet");
        return 0;
}

static int check_ports(const NetworkManager *networks, const ContainerDocument *d, Error *reterr) {
        _cleanup_(port_requests_donep) PortRequests ports = {};
        int r;

        r = port_requests(d, &ports, reterr);
        for (size_t i = 0; r >= 0 && i < ports.n_items; i++)
                r = check_host_ip(ports.items[i].host_ip, reterr);
        if (r < 0 || ports.n_items == 0 || is_special(d->host_config.network_mode))
                return r;
        if (!network_manager_publishes(networks))
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "publishing ports with iptables=false is not supported by this engine yet");
        return 0;
}

/* --- create --- */

int container_networking_check_request(const ContainerCreateParams *p, Error *reterr) {
        const char *mode = p->host_config ? strempty(p->host_config->network_mode) : "";
        const char *peer = namespace_of_container(mode);

        if (!peer)
                return 0;
        if (!*peer)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid network mode: invalid container format container:<name|id>");
        /* Ports that the image exposes are not the request's. */
        if (!strv_isempty(p->config.exposed_ports))
                return error_setf(reterr, ERROR_INVALID,
                                  "conflicting options: port exposing and the container type network mode");
        return 0;
}

/* Whether the network exists is seen at the start, as with Docker: clients take a 404 of create for a
 * missing image. */
int container_networking_check(NetworkManager *networks, ContainerDocument *d, unsigned version,
                               char ***warnings, Error *reterr) {
        int r;

        r = check_number(d, version, reterr);
        if (r < 0)
                return r;
        r = port_bindings_complete(&d->host_config, version);
        if (r >= 0)
                r = complete_endpoints(networks, d);
        if (r < 0)
                return error_fill(reterr, r);
        r = check_ports(networks, d, reterr);
        if (r >= 0)
                r = set_mac(d, version, warnings, reterr);
        if (r >= 0)
                r = check_endpoints(networks, d, reterr);
        if (r < 0)
                return r;
        return port_bindings_warn(d, warnings) < 0 ? error_fill(reterr, -ENOMEM) : 0;
}
