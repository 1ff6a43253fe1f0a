/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting a container to a network: lease, record, ports, interface, in this order, and back again on
 * failure. */
#include <stdio.h>

#include "basic/crash-point.h"
#include "basic/errno-util.h"
#include "network/network-manager-private.h"
#include "store/store.h"

/* The lowest number that is free. */
static int choose_inside(const Sandbox *s, Endpoint *e) {
        for (unsigned k = 0; k <= s->n_endpoints; k++) {
                bool taken = false;

                (void) snprintf(e->inside, sizeof(e->inside), CONTAINER_INTERFACE "%u", k);
                for (size_t i = 0; i < s->n_endpoints; i++)
                        taken = taken || streq(s->endpoints[i]->inside, e->inside);
                if (!taken)
                        return 0;
        }
        return -ENOSPC;
}

static int endpoint_new(const Network *n, const Sandbox *s, const EndpointParams *params, Endpoint **ret) {
        _cleanup_(endpoint_freep) Endpoint *e = NULL;
        int r;

        e = new0(Endpoint, 1);
        if (!e)
                return -ENOMEM;
        r = id_generate(e->id);
        if (r < 0)
                return r;
        e->network_id = strdup(n->id);
        e->network_name = strdup(n->name);
        if (!e->network_id || !e->network_name || strv_extend_strv(&e->aliases, params->aliases) < 0)
                return -ENOMEM;
        e->gw_priority = params->gw_priority;
        e->default_route = params->default_route;
        r = choose_inside(s, e);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(e);
        return 0;
}

/* The sandbox the network needs: one with a namespace, or the host's, which is made here. */
static int find_sandbox(NetworkManager *m, const Network *n, const char *container_id, Sandbox **ret,
                        Error *reterr) {
        Sandbox *s = sandbox_find(m, container_id);
        int r;

        if (!s && n->driver->sandbox)
                return error_setf(reterr, ERROR_INTERNAL, "container %s has no network namespace",
                                  container_id);
        if (!s) {
                r = sandbox_new_internal(m, container_id, &s);
                if (r < 0)
                        return error_fill(reterr, r);
        } else if (!!s->name != n->driver->sandbox)
                return error_setf(
                                reterr, ERROR_CONFLICT,
                                "container cannot be connected to network %s together with the ones it has",
                                n->name);

        *ret = s;
        return 0;
}

static int attach(Sandbox *s, Endpoint *e) {
        if (!GREEDY_REALLOC0(s->endpoints, s->n_endpoints_allocated, s->n_endpoints + 1))
                return -ENOMEM;
        s->endpoints[s->n_endpoints++] = e;
        return 0;
}

/* --- the way out --- */

bool gateway_is_before(int64_t priority, const char *name, int64_t other_priority, const char *other_name) {
        return priority != other_priority ? priority > other_priority : strcmp(name, other_name) < 0;
}

/* The endpoint with the default route. */
static Endpoint *leading_endpoint(const Sandbox *s) {
        for (size_t i = 0; i < s->n_endpoints; i++)
                if (s->endpoints[i]->default_route)
                        return s->endpoints[i];
        return NULL;
}

/* The one that shall have it; an internal network leads nowhere. */
static Endpoint *elect_endpoint(const Sandbox *s) {
        Endpoint *best = NULL;

        for (size_t i = 0; i < s->n_endpoints; i++) {
                Endpoint *e = s->endpoints[i];

                if (net_addr_is_set(&e->gateway) &&
                    (!best || gateway_is_before(e->gw_priority, e->network_name, best->gw_priority,
                                                best->network_name)))
                        best = e;
        }
        return best;
}

bool sandbox_would_lead(const Sandbox *s, const Network *n, int64_t gw_priority) {
        const Endpoint *best = s ? elect_endpoint(s) : NULL;

        if (network_is_internal(n))
                return false;
        return !best || gateway_is_before(gw_priority, n->name, best->gw_priority, best->network_name);
}

/* Instead of the one there may be. */
static int set_default_route(Sandbox *s, Endpoint *e) {
        NetlinkBatch b;
        LinkInfo link;
        int r;

        r = netlink_link_get(s->netlink, e->inside, &link);
        if (r < 0)
                return r;
        NETLINK_BATCH_INIT(&b);
        netlink_batch_default_route_add(&b, link.index, &e->gateway);
        r = netlink_batch_send(s->netlink, &b, NULL);
        if (r >= 0)
                e->default_route = true;
        return r;
}

/* The ports do not lead to it any more. */
static void depose(Sandbox *s, Endpoint *old) {
        sandbox_withdraw_ports(s);
        old->default_route = false;
}

/* After a new endpoint failed in its place. */
static void reinstate(Sandbox *s, Endpoint *old, Endpoint *failed) {
        failed->default_route = false;
        old->default_route = true;
        if (sandbox_open_netlink(s) >= 0)
                (void) set_default_route(s, old);
        if (sandbox_rebind_ports(s, old, NULL) >= 0)
                (void) sandbox_install_ports(s, NULL);
}

/* Everything from the lease on; undone in reverse. */
static int connect_endpoint(Network *n, Sandbox *s, Endpoint *e, Endpoint *old, const EndpointParams *params,
                            Error *reterr) {
        bool publish = s->n_ports == 0;
        int r;

        r = n->driver->connect ? network_manager_apply_firewall(n->manager, reterr) : 0;
        if (r < 0)
                return r;
        r = n->driver->lease ? n->driver->lease(n, e, params, reterr) : 0;
        if (r < 0)
                return r;
        r = publish ? sandbox_publish(s, e, params, reterr) : 0;
        if (r < 0)
                goto fail_lease;
        if (old) {
                depose(s, old);
                r = sandbox_rebind_ports(s, e, reterr);
                if (r < 0)
                        goto fail_ports;
        }

        /* From here on a restarted daemon knows what there may be. */
        r = sandbox_save(s, reterr);
        if (r < 0)
                goto fail_ports;
        crash_point("endpoint-connect:recorded");

        if (n->driver->connect) {
                r = sandbox_open_netlink(s);
                if (r < 0)
                        error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to open network namespace %s",
                                         s->path);
                else
                        r = n->driver->connect(n, s, e, reterr);
                if (r < 0)
                        goto fail_ports;
        }
        crash_point("endpoint-connect:connected");

        r = e->default_route ? sandbox_install_ports(s, reterr) : 0;
        if (r >= 0 && e->default_route)
                sandbox_catch_flows(s);
        if (r >= 0)
                return 0;

        if (n->driver->disconnect)
                (void) n->driver->disconnect(n, e);
fail_ports:
        if (publish && params->n_ports > 0)
                sandbox_unpublish(s);
        if (old)
                reinstate(s, old, e);
fail_lease:
        if (n->driver->release)
                n->driver->release(n, e);
        return r;
}

/* Leaves the sandbox as it was before the failed endpoint. */
static void detach(Sandbox *s) {
        assert(s->n_endpoints > 0);

        endpoint_free(s->endpoints[--s->n_endpoints]);
        if (s->n_endpoints > 0)
                (void) sandbox_save(s, NULL);
        else if (s->recorded &&
                 store_delete(s->manager->store, STORE_LEASE, s->container_id, STORE_SYNC_LAZY, NULL) >= 0)
                s->recorded = false;
        if (s->n_endpoints == 0 && !s->name)
                sandbox_destroy(s);
}

static int connect_new(NetworkManager *m, const EndpointParams *params, Endpoint **ret, Error *reterr) {
        _cleanup_(endpoint_freep) Endpoint *e = NULL;
        Endpoint *same, *endpoint, *leading;
        Sandbox *s = NULL;
        Network *n;
        int r;

        r = network_manager_find(m, params->network, &n, reterr);
        if (r < 0)
                return r;
        r = find_sandbox(m, n, params->container_id, &s, reterr);
        if (r < 0)
                return r;
        same = sandbox_find_endpoint(s, n->id);
        if (same) {
                *ret = same;
                return 0;
        }
        leading = params->default_route ? leading_endpoint(s) : NULL;

        r = free_and_strdup(&s->container_name, params->container_name);
        if (r >= 0)
                r = endpoint_new(n, s, params, &e);
        if (r >= 0)
                r = attach(s, e);
        if (r < 0)
                return error_fill(reterr, r);
        endpoint = TAKE_PTR(e);

        r = connect_endpoint(n, s, endpoint, leading, params, reterr);
        /* The socket would keep the namespace alive beyond the container. */
        sandbox_close(s);
        if (r < 0) {
                detach(s);
                return r;
        }
        *ret = endpoint;
        return 0;
}

int endpoint_connect(NetworkManager *m, const EndpointParams *params, Endpoint **ret, Error *reterr) {
        Endpoint *e = NULL;
        int r;

        assert(m);
        assert(params && params->container_id && params->network);

        r = connect_new(m, params, &e, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "failed to set up container networking");
        if (ret)
                *ret = e;
        return 0;
}

/* What led through an endpoint that is gone leads to another one from now on; ports that lead nowhere are
 * given up. */
static int hand_over(Sandbox *s) {
        Endpoint *e = elect_endpoint(s);
        int r;

        if (!e) {
                sandbox_release_ports(s);
                return sandbox_save(s, NULL);
        }
        r = sandbox_open_netlink(s);
        if (r >= 0)
                r = set_default_route(s, e);
        sandbox_close(s);
        RET_GATHER(r, sandbox_rebind_ports(s, e, NULL));
        if (r >= 0)
                r = sandbox_install_ports(s, NULL);
        RET_GATHER(r, sandbox_save(s, NULL));
        return r;
}

static void forget_endpoint(Sandbox *s, Endpoint *e) {
        for (size_t i = 0; i < s->n_endpoints; i++)
                if (s->endpoints[i] == e) {
                        memmove(s->endpoints + i, s->endpoints + i + 1,
                                (s->n_endpoints - i - 1) * sizeof(*s->endpoints));
                        s->n_endpoints--;
                        return;
                }
}

int endpoint_disconnect(NetworkManager *m, const char *container_id, Network *n, Error *reterr) {
        Sandbox *s = sandbox_find(m, container_id);
        Endpoint *e = s ? sandbox_find_endpoint(s, n->id) : NULL;
        bool had_route;
        int r;

        if (!e)
                return error_setf(reterr, ERROR_INTERNAL, "container %s is not connected to network %s",
                                  container_id, n->name);
        had_route = e->default_route;
        if (had_route)
                sandbox_withdraw_ports(s);
        sandbox_forget_flows(s, e);
        r = n->driver->cut ? n->driver->cut(n, e) : 0;
        forget_endpoint(s, e);
        RET_GATHER(r, sandbox_save(s, NULL));
        crash_point("endpoint-disconnect:recorded");
        if (n->driver->release)
                n->driver->release(n, e);
        endpoint_free(e);
        if (had_route && s->path)
                RET_GATHER(r, hand_over(s));
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to disconnect container %s",
                                        container_id) :
                       0;
}
