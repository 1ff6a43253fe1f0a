/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold for the merged configuration, and what is refused because its feature is not there yet. */
#include "main/config-validate.h"

#include "basic/net-addr.h"
#include "basic/strv.h"
#include "logdriver/log-driver.h"
#include "main/option.h"

static int validate_strings(const Config *c, Error *reterr) {
        int r;

        FOREACH_OPTION(o) {
                const char *value;

                if (o->kind != &option_kind_string || !o->check)
                        continue;
                value = *(char *const *) option_member_const(o, c);
                if (isempty(value))
                        continue;
                r = o->check(value, reterr);
                if (r < 0)
                        return o->flags & OPTION_WHOLE_TEXT ?
                                               r :
                                               error_prefixf(reterr, r, "invalid %s", option_key(o));
        }
        return 0;
}

static int validate_numbers(const Config *c, Error *reterr) {
        const struct {
                int value, min;
                const char *text;
        } rules[] = {
                { c->engine.network.mtu, 0, "invalid default MTU" },
                { c->engine.network.control_plane_mtu, 0, "invalid network-control-plane-mtu" },
                { c->engine.registry.max_concurrent_downloads, 0, "invalid max concurrent downloads" },
                { c->engine.registry.max_concurrent_uploads, 0, "invalid max concurrent uploads" },
                { c->engine.registry.max_download_attempts, 0, "invalid max download attempts" },
                { c->engine.container.stop_timeout, -1, "invalid default-stop-timeout" },
                { c->engine.container.start_timeout, 0, "invalid start-timeout" },
                { c->engine.shutdown_timeout, -1, "invalid shutdown-timeout" },
        };
        int port = c->later.network_diagnostic_port;

        for (size_t i = 0; i < ELEMENTSOF(rules); i++)
                if (rules[i].value < rules[i].min)
                        return error_setf(reterr, ERROR_INVALID, "%s: %d", rules[i].text, rules[i].value);
        if (c->engine.network.mtu > 65535)
                return error_setf(reterr, ERROR_INVALID, "invalid default MTU: %d", c->engine.network.mtu);
        if (port < 0 || port > 65535)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid network-diagnostic-port (%d): value must be between 0 and 65535",
                                  port);
        return 0;
}

static int validate_network(const DaemonNetworkConfig *n, Error *reterr) {
        bool v4 = false, v6 = false;

        if (n->bridge && n->bip)
                return error_setf(reterr, ERROR_INVALID,
                                  "You specified -b & --bip, mutually exclusive options. "
                                  "Please specify only one");
        if (!n->iptables && !n->icc)
                return error_setf(
                                reterr, ERROR_INVALID,
                                "You specified --iptables=false with --icc=false. "
                                "ICC=false uses iptables to function. "
                                  "Please set --icc or --iptables to true");
        STRV_FOREACH(ip, n->host_gateway_ips) {
                NetAddr a;
                bool *seen;

                if (net_addr_parse(*ip, &a) < 0)
                        return error_setf(reterr, ERROR_INVALID, "invalid host-gateway-ip: %s", *ip);
                seen = a.family == AF_INET ? &v4 : &v6;
                if (*seen)
                        return error_setf(reterr, ERROR_INVALID,
                                          "only one %s host gateway IP address can be specified",
                                          a.family == AF_INET ? "IPv4" : "IPv6");
                *seen = true;
        }
        return 0;
}

static int validate_runtime(const Config *c, Error *reterr) {
        const DaemonRuntimeConfig *rc = &c->engine.runtime;
        const char *parent = c->engine.container.cgroup_parent;

        if (rc->cgroup_driver && streq(rc->cgroup_driver, "systemd") && parent &&
            (strchr(parent, '/') || !endswith(parent, ".slice") || streq(parent, ".slice")))
                return error_setf(
                                reterr, ERROR_INVALID,
                                "cgroup-parent for systemd cgroup should be a valid slice "
                                  "named as \"xxx.slice\"");
        if (!rc->default_runtime || streq(rc->default_runtime, "runc") || streq(rc->default_runtime, "crun"))
                return 0;
        for (size_t i = 0; i < rc->runtimes.n_items; i++)
                if (streq(rc->runtimes.items[i].name, rc->default_runtime))
                        return 0;
        return error_setf(reterr, ERROR_INVALID, "specified default runtime '%s' does not exist",
                          rc->default_runtime);
}

static int validate_files(const Config *c, Error *reterr) {
        const char *profile = c->engine.container.seccomp_profile;

        if (profile && !streq(profile, "builtin") && !streq(profile, "unconfined") &&
            access(profile, R_OK) < 0)
                return error_set_errnof(reterr, ERROR_INVALID, -errno, "opening seccomp profile (%s) failed",
                                        profile);
        if (c->engine.container.init && c->engine.container.init_path &&
            access(c->engine.container.init_path, X_OK) < 0)
                return error_set_errnof(reterr, ERROR_INVALID, -errno, "invalid init-path: %s",
                                        c->engine.container.init_path);
        if (c->engine.tls && (!c->tls_cert_file || !c->tls_key_file))
                return error_setf(reterr, ERROR_INVALID,
                                  "TLS needs a certificate and a key: set tlscert and tlskey");
        if (c->engine.tls_verify && !c->tls_ca_file)
                return error_setf(reterr, ERROR_INVALID,
                                  "tlsverify needs the CA of the clients: set tlscacert");
        return 0;
}

static int validate_log(const Config *c, Error *reterr) {
        int r;

        r = log_options_validate(c->engine.container.log_driver, c->engine.container.log_opts, reterr);
        return r < 0 ? error_prefixf(reterr, r, "failed to set log opts") : 0;
}

int config_validate(const Config *c, Error *reterr) {
        int r;

        assert(c);

        r = validate_strings(c, reterr);
        if (r >= 0)
                r = validate_numbers(c, reterr);
        if (r >= 0)
                r = validate_network(&c->engine.network, reterr);
        if (r >= 0)
                r = validate_runtime(c, reterr);
        if (r >= 0)
                r = validate_log(c, reterr);
        if (r >= 0)
                r = validate_files(c, reterr);
        return r;
}

#define ANY_IPV6 "IPv6"                 /* an address or a network of it */

const RefusedValue refused_values[] = {
        { "default-address-pool", ANY_IPV6 },
        { "default-ipc-mode", "shareable" },
        { "feature", "cdi=true" },
        { "feature", "containerd-snapshotter=true" },
        { "firewall-backend", "iptables" },
        { "ip", ANY_IPV6 },
};
const size_t n_refused_values = ELEMENTSOF(refused_values);

static int refuse_pool(const DaemonAddressPoolList *l, const Option *o, Error *reterr) {
        for (size_t i = 0; i < l->n_items; i++)
                if (strchr(strempty(l->items[i].base), ':'))
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                          "%s \"%s\" (IPv6) is not supported yet", option_key(o),
                                          l->items[i].base);
        return 0;
}

static int refuse_value(const RefusedValue *v, const Option *o, const Config *c, Error *reterr) {
        const void *member = option_member_const(o, c);
        const char *value;

        if (o->kind == &option_kind_pools)
                return refuse_pool(member, o, reterr);
        if (o->kind == &option_kind_bool_map) {
                if (strv_contains(*(char **const *) member, v->value))
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED, "%s \"%.*s\" is not supported yet",
                                          option_key(o), (int) strcspn(v->value, "="), v->value);
                return 0;
        }
        value = strempty(*(char *const *) member);
        if (streq(v->value, ANY_IPV6) ? !!strchr(value, ':') : streq(value, v->value))
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED, "%s \"%s\" is not supported yet",
                                  option_key(o), value);
        return 0;
}

int config_refuse_unsupported(const Config *c, Error *reterr) {
        _cleanup_(config_freep) Config *defaults = NULL;
        int r;

        assert(c);

        r = config_new(&defaults);
        if (r < 0)
                return error_fill(reterr, r);
        FOREACH_OPTION(o)
                if ((o->flags & OPTION_LATER) && !option_equal(o, c, defaults))
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                          "option \"%s\" is not supported yet",
                                          c->source[option_index(o)] == CONFIG_SOURCE_FILE ? option_key(o) :
                                                                                             o->flag);
        FOREACH_ELEMENT(v, refused_values) {
                const Option *o = option_by_flag(v->flag, strlen(v->flag));

                assert(o);
                r = refuse_value(v, o, c, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}
