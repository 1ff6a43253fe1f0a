/* SPDX-License-Identifier: Apache-2.0 */
/* Life of the manager: records, start on the host, lookup of networks, teardown. */
#include <stdio.h>

#include "basic/crash-point.h"
#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/log.h"
#include "basic/path-util.h"
#include "network/network-clean.h"
#include "network/network-manager-private.h"
#include "store/store.h"

#define BRIDGE_NONE "none"

/* --- records --- */

int network_manager_add(NetworkManager *m, Network *n) {
        if (!GREEDY_REALLOC0(m->networks, m->n_networks_allocated, m->n_networks + 1))
                return -ENOMEM;
        m->networks[m->n_networks++] = n;
        return 0;
}

static int on_network_record(const char *key, const char *json, void *userdata) {
        _cleanup_(NetworkRecord_donep) NetworkRecord record = {};
        _cleanup_(network_freep) Network *n = NULL;
        NetworkManager *m = ASSERT_PTR(userdata);
        int r;

        r = json_decode_text(&NetworkRecord_json, json, strlen(json), 0, &record, NULL);
        if (r >= 0)
                r = network_from_record(m, &record, &n);
        if (r >= 0)
                r = network_manager_add(m, n);
        if (r < 0)
                return log_warning_errno(r, "Record of network %s is damaged, set aside: %m", key);
        TAKE_PTR(n);
        return 0;
}

static int on_sandbox_record(const char *key, const char *json, void *userdata) {
        _cleanup_(SandboxRecord_donep) SandboxRecord record = {};
        NetworkManager *m = ASSERT_PTR(userdata);
        int r;

        r = json_decode_text(&SandboxRecord_json, json, strlen(json), 0, &record, NULL);
        if (r >= 0)
                r = sandbox_from_record(m, &record);
        if (r < 0)
                return log_warning_errno(r, "Network record of container %s is damaged, set aside: %m", key);
        return 0;
}

static Network *find_name(NetworkManager *m, const char *name) {
        for (size_t i = 0; i < m->n_networks; i++)
                if (streq(m->networks[i]->name, name))
                        return m->networks[i];
        return NULL;
}

static void configure_default_bridge(NetworkManager *m, Network *n) {
        const NetworkManagerConfig *c = &m->config;
        BridgeOptions b = {
                .own = isempty(c->bridge) || streq(c->bridge, DEFAULT_BRIDGE),
                .masquerade = c->ip_masq,
                .icc = c->icc,
                .mtu = c->mtu,
                .set_mtu = c->mtu_given,
        };
        const char *interface = empty_to_null(c->bridge) ?: m->instance.bridge;

        (void) snprintf(b.interface, sizeof(b.interface), "%s", interface);
        /* Another bridge than last time has other addresses. */
        if (!streq(n->bridge.interface, b.interface))
                n->address = (NetPrefix) {};
        n->bridge = b;
}

static int make_default(NetworkManager *m, const char *name, const NetworkDriver *driver, Error *reterr) {
        _cleanup_(network_freep) Network *n = NULL;
        char id[ID_LENGTH + 1];
        int r;

        r = id_generate(id);
        if (r >= 0)
                r = network_new(m, id, name, driver, &n);
        if (r < 0)
                return error_fill(reterr, r);
        n->created = now_nsec();
        if (driver == &network_driver_bridge)
                configure_default_bridge(m, n);
        r = network_save(n, reterr);
        if (r < 0)
                return r;
        r = network_manager_add(m, n);
        if (r < 0)
                return error_fill(reterr, r);
        TAKE_PTR(n);
        return 0;
}

static bool bridge_is_disabled(const NetworkManager *m) {
        return streq_ptr(m->config.bridge, BRIDGE_NONE);
}

void network_manager_drop(NetworkManager *m, const Network *n) {
        for (size_t i = 0; i < m->n_networks; i++)
                if (m->networks[i] == n) {
                        memmove(m->networks + i, m->networks + i + 1,
                                (m->n_networks - i - 1) * sizeof(Network *));
                        m->n_networks--;
                        return;
                }
}

static int make_defaults(NetworkManager *m, Error *reterr) {
        static const struct {
                const char *name;
                const NetworkDriver *driver;
        } defaults[] = {
                { NETWORK_BRIDGE, &network_driver_bridge },
                { NETWORK_HOST,   &network_driver_host   },
                { NETWORK_NONE,   &network_driver_null   },
        };
        int r;

        FOREACH_ELEMENT(d, defaults) {
                Network *n = find_name(m, d->name);

                if (d->driver == &network_driver_bridge && bridge_is_disabled(m)) {
                        /* Its record stays for the day it is enabled again. */
                        if (n) {
                                network_manager_drop(m, n);
                                network_free(n);
                        }
                        continue;
                }
                if (n) {
                        if (d->driver == &network_driver_bridge)
                                configure_default_bridge(m, n);
                        continue;
                }
                r = make_default(m, d->name, d->driver, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Bitmaps of networks whose subnet is known, before the leases are read. */
static int make_bitmaps(NetworkManager *m, Error *reterr) {
        for (size_t i = 0; i < m->n_networks; i++) {
                Network *n = m->networks[i];
                NetPrefix address = n->address;
                int r;

                if (!net_addr_is_set(&address.addr))
                        continue;
                r = network_set_subnet(n, &address, NULL);
                if (r < 0)
                        /* It does not go with the configuration any more: start() chooses another. */
                        n->address = (NetPrefix) {};
        }
        return 0;
}

static int load(NetworkManager *m, Error *reterr) {
        int r;

        r = store_foreach(m->store, STORE_NETWORK, on_network_record, m, reterr);
        if (r < 0)
                return r;
        r = make_defaults(m, reterr);
        if (r < 0)
                return r;
        r = make_bitmaps(m, reterr);
        if (r < 0)
                return r;
        r = store_foreach(m->store, STORE_LEASE, on_sandbox_record, m, reterr);
        return r < 0 ? r : 0;
}

/* --- life --- */

static int make_parts(NetworkManager *m) {
        int r;

        m->sandboxes = hashmap_new();
        m->netns_directory = path_join(m->exec_root, "netns");
        if (!m->sandboxes || !m->netns_directory)
                return -ENOMEM;
        r = netlink_open(&m->netlink);
        if (r < 0)
                return r;
        r = portmap_new(&m->portmap);
        if (r < 0)
                return r;
        return netns_pool_new(m->event, m->netns_directory, NETNS_READY, &m->pool);
}

int network_manager_new(
                const DaemonNetworkConfig *config,
                const char *exec_root,
                Store *store,
                sd_event *event,
                NetworkManager **ret,
                Error *reterr) {

        _cleanup_(network_manager_freep) NetworkManager *m = NULL;
        int r;

        assert(config);
        assert(exec_root);
        assert(store);
        assert(event);
        assert(ret);

        m = new(NetworkManager, 1);
        if (!m)
                return error_fill(reterr, -ENOMEM);
        *m = (NetworkManager) { .store = store, .event = sd_event_ref(event) };
        r = network_config_copy(config, &m->config, reterr);
        if (r < 0)
                return r;
        m->exec_root = strdup(exec_root);
        r = m->exec_root ? make_parts(m) : -ENOMEM;
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to set up networking");
        r = network_instance_choose(&m->instance, m->exec_root, m->netlink, m->config.iptables, reterr);
        if (r < 0)
                return r;
        r = load(m, reterr);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

NetworkManager *network_manager_free(NetworkManager *m) {
        Sandbox *s;

        if (!m)
                return NULL;
        if (m->sandboxes)
                HASHMAP_FOREACH(s, m->sandboxes)
                        sandbox_destroy(s);
        hashmap_free(m->sandboxes);
        sd_event_source_disable_unref(m->firewall_source);
        /* Before the networks, whose names it borrows. */
        firewall_free(m->firewall);
        host_firewall_free(m->host_firewall);
        for (size_t i = 0; i < m->n_networks; i++)
                network_free(m->networks[i]);
        free(m->networks);
        netns_pool_free(m->pool);
        portmap_free(m->portmap);
        netlink_free(m->netlink);
        netlink_free(m->conntrack);
        sd_event_source_disable_unref(m->stale_source);
        strv_free(m->stale_links);
        network_config_done(&m->config);
        free(m->netns_directory);
        free(m->exec_root);
        sd_event_unref(m->event);
        return mfree(m);
}

/* --- start --- */

static bool forwarding_is_on(void) {
        _cleanup_free_ char *line = NULL;

        return read_line_file(IP_FORWARD, &line) >= 0 && streq(line, "1");
}

/* Returns whether it is on by our doing. The mark comes first: a daemon killed in between must not take an
 * open router for the administrator's wish. */
static bool enable_forwarding(NetworkManager *m) {
        _cleanup_free_ char *mark = path_join(m->exec_root, FORWARDING_MARK);
        int r;

        if (!m->config.ip_forward || !mark)
                return false;
        if (forwarding_is_on())
                return access(mark, F_OK) >= 0;

        r = write_file_atomic_at(AT_FDCWD, mark, "", 0, 0644, 0);
        crash_point("network-start:forwarding");
        if (r >= 0)
                r = write_string_file(IP_FORWARD, "1");
        if (r < 0)
                (void) log_warning_errno(
                                r,
                                "Cannot enable IPv4 forwarding, containers will not reach other hosts: %m");
        return r >= 0;
}

static int make_firewall(NetworkManager *m, Error *reterr) {
        bool ours = enable_forwarding(m);
        FirewallConfig c = {
                .table = m->instance.table,
                .comment = m->instance.mark,
                .drop_foreign = ours && !m->config.ip_forward_no_drop,
                .allow_direct_routing = m->config.allow_direct_routing,
                .accept_fwmark = m->config.accept_fwmark,
        };
        int r;

        if (!m->config.iptables || m->firewall)
                return 0;
        r = firewall_new(&c, &m->firewall);
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* The one thing our own table cannot do; see host-firewall.h. */
static void pass_host_firewall(NetworkManager *m) {
        _cleanup_strv_free_ char **bridges = NULL;
        int r = 0;

        if (!m->firewall)
                return;
        if (!m->host_firewall) {
                r = host_firewall_new(m->event, m->instance.table, m->config.firewall_insert,
                                      &m->host_firewall);
                if (r >= 0)
                        r = host_firewall_set_bus(m->host_firewall, m->bus);
        }
        if (r >= 0)
                r = firewall_list_bridges(m->firewall, &bridges);
        if (r < 0)
                log_warning_errno(r, "Cannot look after the host's firewall: %m");
        else
                host_firewall_set_bridges(m->host_firewall, TAKE_PTR(bridges));
}

void network_manager_set_bus(NetworkManager *m, sd_bus *bus) {
        m->bus = bus;
        if (m->host_firewall && host_firewall_set_bus(m->host_firewall, bus) < 0)
                log_warning("Cannot follow firewalld on the bus");
}

int network_manager_apply_firewall(NetworkManager *m, Error *reterr) {
        int r;

        if (!m->firewall_source)
                return 0;
        r = firewall_apply(m->firewall, m->event, reterr);
        if (r < 0)
                return r;
        m->firewall_source = sd_event_source_disable_unref(m->firewall_source);
        crash_point("network-start:firewall");
        pass_host_firewall(m);
        return 0;
}

int network_manager_renew_firewall(NetworkManager *m, Error *reterr) {
        if (!m->firewall)
                return 0;
        if (m->firewall_source)         /* it was not made yet, and will be with this */
                return network_manager_apply_firewall(m, reterr);
        pass_host_firewall(m);
        return firewall_apply(m->firewall, m->event, reterr);
}

static int on_firewall(sd_event_source *s, void *userdata) {
        _cleanup_error_ Error error = ERROR_NULL;

        /* Stays armed for the next container, which fails with the same words. */
        if (network_manager_apply_firewall(ASSERT_PTR(userdata), &error) < 0)
                log_error("Cannot set up the firewall: %s", error_message(&error));
        return 0;
}

/* The table takes 10 to 20 ms, most of it the library's first steps: the daemon need not be late for it. A
 * table of an earlier daemon is in force meanwhile, and a container does not start before the new one is. */
static int put_off_firewall(NetworkManager *m) {
        int r;

        if (!m->firewall || m->firewall_source)
                return 0;
        r = sd_event_add_defer(m->event, &m->firewall_source, on_firewall, m);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(m->firewall_source, "firewall");
        return 0;
}

int network_manager_start(NetworkManager *m, Error *reterr) {
        Sandbox *s;
        int r;

        assert(m);

        r = make_firewall(m, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < m->n_networks; i++) {
                Network *n = m->networks[i];

                r = n->driver->start ? n->driver->start(n, reterr) : 0;
                if (r >= 0)
                        continue;
                if (network_is_predefined(n))
                        return error_prefixf(reterr, r, "error creating default \"%s\" network", n->name);
                /* One network of a user is no reason not to start: its containers fail with these words. */
                log_error("Cannot set up network %s: %s", n->name, error_message(reterr));
                error_done(reterr);
        }

        /* Ports of running containers are in the table from its first moment. */
        HASHMAP_FOREACH(s, m->sandboxes) {
                r = sandbox_install_ports(s, reterr);
                if (r < 0)
                        return r;
        }
        r = put_off_firewall(m);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to set up networking");

        r = netns_pool_start(m->pool);
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to create %s",
                                        m->netns_directory) :
                       0;
}

int network_manager_teardown(NetworkManager *m, Error *reterr) {
        int r;

        assert(m);

        r = network_manager_reconcile(m, NULL, reterr);
        for (size_t i = 0; i < m->n_networks; i++) {
                Network *n = m->networks[i];

                if (n->driver->stop)
                        RET_GATHER(r, n->driver->stop(n, r < 0 ? NULL : reterr));
        }
        RET_GATHER(r, netns_pool_stop(m->pool));
        if (m->config.iptables) {
                m->firewall_source = sd_event_source_disable_unref(m->firewall_source);
                m->firewall = firewall_free(m->firewall);
                RET_GATHER(r, firewall_delete_table(m->instance.table, r < 0 ? NULL : reterr));
        }
        return r;
}

int network_manager_reload(NetworkManager *m, const DaemonNetworkConfig *config, Error *reterr) {
        int r;

        r = network_config_update(&m->config, config);
        return r < 0 ? error_fill(reterr, r) : 0;
}

int network_manager_reserve_port(NetworkManager *m, const char *address, uint16_t port, Error *reterr) {
        NetAddr a;

        if (net_addr_parse(isempty(address) ? "0.0.0.0" : address, &a) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid IP address: %s", address);
        return portmap_reserve(m->portmap, PORT_TCP, &a, port, reterr);
}

int network_manager_warnings(NetworkManager *m, char ***warnings) {
        int r = 0;

        if (!forwarding_is_on())
                r = strv_extend(warnings, "WARNING: IPv4 forwarding is disabled");
        if (r >= 0 && m->host_firewall)
                r = host_firewall_warnings(m->host_firewall, warnings);
        return r;
}

/* --- networks --- */

Network *network_manager_find_id(NetworkManager *m, const char *id) {
        for (size_t i = 0; i < m->n_networks; i++)
                if (streq(m->networks[i]->id, id))
                        return m->networks[i];
        return NULL;
}

bool network_manager_publishes(const NetworkManager *m) {
        return m->config.iptables;
}

const char *network_manager_default(const NetworkManager *m) {
        return bridge_is_disabled(m) ? NETWORK_NONE : NETWORK_BRIDGE;
}

int network_manager_find(NetworkManager *m, const char *name, Network **ret, Error *reterr) {
        Network *n, *found = NULL;

        assert(m);
        assert(name);
        assert(ret);

        if (streq(name, "default"))
                name = network_manager_default(m);
        n = network_manager_find_id(m, name) ?: find_name(m, name);
        for (size_t i = 0; !n && i < m->n_networks && id_is_prefix(name); i++)
                if (startswith(m->networks[i]->id, name)) {
                        if (found)
                                return error_setf(reterr, ERROR_INVALID,
                                                  "network %s is ambiguous (2 matches found on ID prefix)",
                                                  name);
                        found = m->networks[i];
                }
        n = n ?: found;
        if (!n)
                return error_setf(reterr, ERROR_NOT_FOUND, "network %s not found", name);

        *ret = n;
        return 0;
}

int network_foreach(NetworkManager *m, NetworkFunction function, void *userdata) {
        for (size_t i = 0; i < m->n_networks; i++) {
                int r = function(m->networks[i], userdata);

                if (r < 0)
                        return r;
        }
        return 0;
}

bool network_is_internal(const Network *n) {
        return n->driver != &network_driver_bridge || n->bridge.internal;
}
