/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-ports.h"

#include "basic/alloc-util.h"
#include "basic/parse-util.h"

void port_requests_done(PortRequests *l) {
        free(l->items);
}

/* --- parsing --- */

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

int container_port_parse(const char *s, PortProtocol *ret_protocol, uint16_t *ret_port, Error *reterr) {
        uint16_t last;
        int r;

        r = container_port_range_parse(s, ret_protocol, ret_port, &last, reterr);
        if (r >= 0 && last != *ret_port)
                r = error_setf(reterr, ERROR_INVALID, "invalid port specification: \"%s\"", s);
        return r;
}

/* --- sets of ports --- */

void port_set_add(PortSet *s, PortProtocol protocol, uint16_t port) {
        s->bits[protocol][port / 8U] |= (uint8_t) (1U << (port % 8U));
}

bool port_set_has(const PortSet *s, PortProtocol protocol, uint16_t port) {
        return s->bits[protocol][port / 8U] & (1U << (port % 8U));
}

static int exposed_ports(const ContainerDocument *d, PortSet **ret, Error *reterr) {
        _cleanup_free_ PortSet *s = new0(PortSet, 1);
        PortProtocol protocol;
        uint16_t port;
        int r;

        if (!s)
                return error_fill(reterr, -ENOMEM);
        STRV_FOREACH(p, d->config.exposed_ports) {
                r = container_port_parse(*p, &protocol, &port, reterr);
                if (r < 0)
                        return r;
                port_set_add(s, protocol, port);
        }
        *ret = TAKE_PTR(s);
        return 0;
}

/* --- what is to be published --- */

static int add_port(PortRequests *l, PortProtocol protocol, uint16_t port, const PortBinding *b,
                    Error *reterr) {
        PortBindingRequest q = { .protocol = protocol, .container_port = port };

        if (b) {
                q.host_ip = b->host_ip;
                if (parse_port_range(strempty(b->host_port), &q.host_port_first, &q.host_port_last) < 0)
                        return error_setf(reterr, ERROR_INVALID, "invalid port specification: \"%s\"",
                                          b->host_port);
        }
        if (l->n_items >= PORT_BINDINGS_MAX)
                return error_setf(reterr, ERROR_INVALID, "more than %u ports published", PORT_BINDINGS_MAX);
        if (!GREEDY_REALLOC0(l->items, l->n_allocated, l->n_items + 1))
                return error_fill(reterr, -ENOMEM);
        l->items[l->n_items++] = q;
        return 0;
}

/* Every binding is checked, also those that have no effect. */
static int add_bindings(const PortMapEntry *e, const PortSet *exposed, PortSet *bound, PortRequests *ret,
                        Error *reterr) {
        _cleanup_(port_requests_donep) PortRequests ignored = {};
        PortProtocol protocol;
        uint16_t port;
        int r;

        r = container_port_parse(e->key, &protocol, &port, reterr);
        if (r < 0)
                return r;
        if (e->value.n_items > 0)
                port_set_add(bound, protocol, port);
        for (size_t i = 0; i < e->value.n_items && r >= 0; i++)
                r = add_port(port_set_has(exposed, protocol, port) ? ret : &ignored, protocol, port,
                             e->value.items + i, reterr);
        return r;
}

int port_requests(const ContainerDocument *d, PortRequests *ret, Error *reterr) {
        _cleanup_free_ PortSet *exposed = NULL, *bound = new0(PortSet, 1);
        const HostConfig *h = &d->host_config;
        PortProtocol protocol;
        uint16_t port;
        int r;

        if (!bound)
                return error_fill(reterr, -ENOMEM);
        r = exposed_ports(d, &exposed, reterr);
        for (size_t i = 0; i < h->port_bindings.n_items && r >= 0; i++)
                r = add_bindings(h->port_bindings.items + i, exposed, bound, ret, reterr);
        if (!h->publish_all_ports)
                return r;
        STRV_FOREACH(p, d->config.exposed_ports) {
                if (r >= 0)
                        r = container_port_parse(*p, &protocol, &port, reterr);
                if (r < 0)
                        break;
                if (!port_set_has(bound, protocol, port))
                        r = add_port(ret, protocol, port, NULL, reterr);
                /* "80" and "80/tcp" are one port. */
                port_set_add(bound, protocol, port);
        }
        return r;
}

/* --- create --- */

int port_bindings_complete(HostConfig *h, unsigned version) {
        if (version >= PORT_EMPTY_LIST_IS_NONE)
                return 0;
        for (size_t i = 0; i < h->port_bindings.n_items; i++) {
                PortMapEntry *e = h->port_bindings.items + i;

                if (e->value.n_items > 0)
                        continue;
                free(e->value.items);
                e->value.items = new0(PortBinding, 1);
                if (!e->value.items)
                        return -ENOMEM;
                e->value.n_items = 1;
        }
        return 0;
}

int port_bindings_warn(const ContainerDocument *d, char ***warnings) {
        _cleanup_free_ PortSet *exposed = NULL;
        const PortMapEntry *e = d->host_config.port_bindings.items;
        const char *first = NULL;
        PortProtocol protocol;
        size_t n = 0;
        uint16_t port;

        if (streq(d->host_config.network_mode, NETWORK_HOST))
                return 0;               /* has a warning of its own */
        if (exposed_ports(d, &exposed, NULL) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < d->host_config.port_bindings.n_items; i++) {
                if (container_port_parse(e[i].key, &protocol, &port, NULL) < 0 ||
                    port_set_has(exposed, protocol, port))
                        continue;
                first = first ?: e[i].key;
                n++;
        }
        if (n == 0)
                return 0;
        return strv_extendf(warnings, "Not published, because not exposed: %s%s", first,
                            n > 1 ? " and other ports" : "");
}
