/* SPDX-License-Identifier: Apache-2.0 */
#include "main/option-check.h"

#include <ctype.h>
#include <net/if.h>
#include <stdio.h>

#include "basic/net-addr.h"
#include "basic/parse-util.h"
#include "basic/string-util.h"
#include "main/host.h"

#define API_VERSION_MIN 24U /* of 1.x: what the engine serves at all */
#define API_VERSION_MAX 51U

static bool in_list(const char *value, const char *const *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (streq(value, list[i]))
                        return true;
        return false;
}

#define ONE_OF(value, ...)                                          \
        ({                                                          \
                static const char *const _list[] = { __VA_ARGS__ }; \
                in_list((value), _list, ELEMENTSOF(_list));         \
        })

int check_absolute_path(const char *value, Error *reterr) {
        if (value[0] != '/')
                return error_setf(reterr, ERROR_INVALID, "must be an absolute path: %s", value);
        return 0;
}

/* family AF_UNSPEC: either. */
static int check_address(const char *value, int family, Error *reterr) {
        NetAddr a;

        if (net_addr_parse(value, &a) < 0 || (family != AF_UNSPEC && a.family != family))
                return error_setf(reterr, ERROR_INVALID, "IP address is not correctly formatted: %s", value);
        return 0;
}

int check_ip(const char *value, Error *reterr) {
        return check_address(value, AF_UNSPEC, reterr);
}

int check_ipv4(const char *value, Error *reterr) {
        return check_address(value, AF_INET, reterr);
}

int check_ipv6(const char *value, Error *reterr) {
        return check_address(value, AF_INET6, reterr);
}

static int check_prefix(const char *value, int family, NetPrefix *ret, Error *reterr) {
        if (net_prefix_parse(value, ret) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid CIDR address: %s", value);
        if (ret->addr.family != family)
                return error_setf(reterr, ERROR_INVALID, "%s is no %s network", value,
                                  family == AF_INET ? "IPv4" : "IPv6");
        return 0;
}

int check_cidr4(const char *value, Error *reterr) {
        NetPrefix p;

        return check_prefix(value, AF_INET, &p, reterr);
}

int check_cidr6(const char *value, Error *reterr) {
        NetPrefix p;

        return check_prefix(value, AF_INET6, &p, reterr);
}

/* The bridge's own address: not the network's, and room for at least one container. */
static int check_bridge_address(const char *value, int family, Error *reterr) {
        NetPrefix p, network;
        int r;

        r = check_prefix(value, family, &p, reterr);
        if (r < 0)
                return r;
        network = net_prefix_mask(&p);
        if (net_addr_equal(&p.addr, &network.addr))
                return error_setf(reterr, ERROR_INVALID,
                                  "%s is the address of the network, not of the bridge", value);
        if (p.length > (family == AF_INET ? 30 : 126))
                return error_setf(reterr, ERROR_INVALID, "%s has no room for containers", value);
        return 0;
}

int check_bip(const char *value, Error *reterr) {
        return check_bridge_address(value, AF_INET, reterr);
}

int check_bip6(const char *value, Error *reterr) {
        return check_bridge_address(value, AF_INET6, reterr);
}

int check_bridge(const char *value, Error *reterr) {
        if (strlen(value) >= IFNAMSIZ || strpbrk(value, "/: \t"))
                return error_setf(reterr, ERROR_INVALID, "\"%s\" is no name of a network interface", value);
        return 0;
}

int check_cgroup_parent(const char *value, Error *reterr) {
        if (strstr(value, ".."))
                return error_setf(reterr, ERROR_INVALID, "\"%s\" leads out of the cgroup tree", value);
        return 0;
}

int check_cgroupns_mode(const char *value, Error *reterr) {
        if (!ONE_OF(value, "host", "private"))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid default cgroup namespace (%s): use \"host\" or \"private\"",
                                  value);
        return 0;
}

int check_ipc_mode(const char *value, Error *reterr) {
        if (ONE_OF(value, "shareable", "private"))
                return 0;
        if (ONE_OF(value, "none", "host") || startswith(value, "container:"))
                return error_setf(reterr, ERROR_INVALID,
                                  "IPC mode \"%s\" is not supported as default value; "
                                  "use \"shareable\" or \"private\"",
                                  value);
        return error_setf(reterr, ERROR_INVALID,
                          "default IPC mode setting (%s) is invalid; use \"shareable\" or \"private\"",
                          value);
}

/* Letters, digits, hyphens inside, dots between; at least one letter. */
int check_dns_search(const char *value, Error *reterr) {
        bool letter = false, edge = true;
        size_t n = strlen(value);

        if (streq(value, "."))
                return 0;
        if (n > 0 && value[n - 1] == '.')
                n--;
        for (size_t i = 0; i < n; i++) {
                char c = value[i], next = i + 1 < n ? value[i + 1] : '.';

                letter = letter || isalpha((unsigned char) c);
                if (c == '.' ? edge : !(isalnum((unsigned char) c) || (c == '-' && !edge && next != '.')))
                        goto bad;
                edge = c == '.';
        }
        if (letter && n < 255)
                return 0;
bad:
        return error_setf(reterr, ERROR_INVALID, "%s is not a valid domain", value);
}

int check_exec_opt(const char *value, Error *reterr) {
        const char *eq = strchr(value, '='), *v = eq ? eq + 1 : "";
        size_t n = eq ? (size_t) (eq - value) : 0;

        if (n == 0 || isempty(v))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid exec-opt (%s): must be formatted 'opt=value'", value);
        if (strncmp(value, "native.cgroupdriver", n) == 0 && n == strlen("native.cgroupdriver")) {
                if (!ONE_OF(v, "systemd", "cgroupfs"))
                        return error_setf(reterr, ERROR_INVALID,
                                          "invalid exec-opt (%s): "
                                          "native.cgroupdriver option %s is not supported; "
                                          "use \"systemd\" or \"cgroupfs\"",
                                          value, v);
                return 0;
        }
        if (strncmp(value, "native.supervisor", n) == 0 && n == strlen("native.supervisor")) {
                if (!ONE_OF(v, "systemd", "direct", "auto"))
                        return error_setf(reterr, ERROR_INVALID,
                                          "invalid exec-opt (%s): "
                                          "use \"systemd\", \"direct\" or \"auto\"",
                                          value);
                return 0;
        }
        return error_setf(reterr, ERROR_INVALID, "invalid exec-opt (%s): unknown option: '%.*s'", value,
                          (int) n, value);
}

int check_firewall_backend(const char *value, Error *reterr) {
        if (!ONE_OF(value, "nftables", "iptables"))
                return error_setf(reterr, ERROR_INVALID, "allowed values are \"iptables\" and \"nftables\"");
        return 0;
}

int check_firewall_policy(const char *value, Error *reterr) {
        if (!ONE_OF(value, "docker", "host"))
                return error_setf(reterr, ERROR_INVALID, "allowed values are \"docker\" and \"host\"");
        return 0;
}

/* strconv.ParseUint(s, 0, 32): decimal, 0x, 0o or 0. */
static bool is_uint32(const char *s, size_t n) {
        char buf[16], *end;
        unsigned long v;

        if (n == 0 || n >= sizeof(buf) || !isdigit((unsigned char) s[0]))
                return false;
        memcpy(buf, s, n);
        buf[n] = 0;
        errno = 0;
        v = strtoul(buf, &end, 0);
        return errno == 0 && *end == 0 && v <= UINT32_MAX;
}

int check_fwmark(const char *value, Error *reterr) {
        size_t n = strcspn(value, "/");

        if (!is_uint32(value, n))
                return error_setf(reterr, ERROR_INVALID, "invalid firewall mark \"%s\"", value);
        if (value[n] && !is_uint32(value + n + 1, strlen(value + n + 1)))
                return error_setf(reterr, ERROR_INVALID, "invalid firewall mask \"%s\"", value);
        return 0;
}

int check_host(const char *value, Error *reterr) {
        _cleanup_host_ Host h = {};

        return host_parse(value, /* tls= */ false, &h, reterr);
}

int check_label(const char *value, Error *reterr) {
        static const char *const reserved[] = { "com.docker.", "io.docker.", "org.dockerproject." };

        if (!strchr(value, '='))
                return error_setf(reterr, ERROR_INVALID, "bad attribute format: %s", value);
        for (size_t i = 0; i < ELEMENTSOF(reserved); i++)
                if (strncasecmp(value, reserved[i], strlen(reserved[i])) == 0)
                        return error_setf(
                                        reterr, ERROR_INVALID,
                                        "label %s is not allowed: the namespaces com.docker.*, "
                                        "io.docker.*, and org.dockerproject.* are reserved for internal use",
                                        value);
        return 0;
}

int check_log_format(const char *value, Error *reterr) {
        if (!ONE_OF(value, "text", "json"))
                return error_setf(reterr, ERROR_INVALID, "invalid log format: %s", value);
        return 0;
}

int check_log_level(const char *value, Error *reterr) {
        if (!ONE_OF(value, "panic", "fatal", "error", "warn", "info", "debug", "trace"))
                return error_setf(reterr, ERROR_INVALID, "invalid logging level: %s", value);
        return 0;
}

int check_min_api_version(const char *value, Error *reterr) {
        const char *minor = startswith(value, "1.");
        uint32_t m;

        if (IN_SET(value[0], 'v', 'V'))
                return error_setf(
                                reterr, ERROR_INVALID,
                                "invalid min-api-version: "
                                  "API version must be provided without \"v\" prefix");
        if (!minor || parse_uint32(minor, &m) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid min-api-version: %s is no API version",
                                  value);
        if (m < API_VERSION_MIN)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid min-api-version: minimum supported API version is 1.%u: %s",
                                  API_VERSION_MIN, value);
        if (m > API_VERSION_MAX)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid min-api-version: maximum supported API version is 1.%u: %s",
                                  API_VERSION_MAX, value);
        return 0;
}

static bool is_port(const char *s) {
        uint32_t port;

        return parse_uint32(s, &port) >= 0 && port >= 1 && port <= 65535;
}

/* host, host:port, [IPv6]:port or a CIDR. */
int check_insecure_registry(const char *value, Error *reterr) {
        const char *port;
        NetPrefix p;

        if (net_prefix_parse(value, &p) >= 0)
                return 0;
        if (strstr(value, "://"))
                return error_setf(reterr, ERROR_INVALID, "insecure registry %s should not contain '://'",
                                  value);
        if (isempty(value) || value[0] == '-' || endswith(value, "-"))
                return error_setf(reterr, ERROR_INVALID,
                                  "insecure registry %s is not valid: invalid index name (%s). "
                                  "Cannot begin or end with a hyphen",
                                  value, value);
        if (value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")])
                return error_setf(reterr, ERROR_INVALID,
                                  "insecure registry %s is not valid: invalid host \"%s\"", value, value);
        port = strrchr(value, ':');
        if (port && !strchr(port, ']') && !is_port(port + 1))
                return error_setf(reterr, ERROR_INVALID,
                                  "insecure registry %s is not valid: invalid port \"%s\"", value, port + 1);
        return 0;
}

/* "HOST=URL": a mirror of another registry than Docker's; what is before the URL. */
static size_t mirror_host_length(const char *value) {
        const char *scheme = strstr(value, "://"), *equals = strchr(value, '=');

        return scheme && equals && equals < scheme ? (size_t) (equals - value) : 0;
}

int check_mirror(const char *value, Error *reterr) {
        size_t n = mirror_host_length(value);
        _cleanup_free_ char *host = memdup_suffix0(value, n);
        const char *url = n > 0 ? value + n + 1 : value, *rest = strstr(url, "://"), *path;

        if (!host)
                return error_fill(reterr, -ENOMEM);
        if (n > 0 && check_insecure_registry(host, NULL) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid mirror: \"%s\" is not a registry", host);
        if (!rest || rest == url || !rest[3])
                return error_setf(reterr, ERROR_INVALID, "invalid mirror: \"%s\" is not a valid URI", value);
        if (!startswith(url, "http://") && !startswith(url, "https://"))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid mirror: unsupported scheme \"%.*s\" in \"%s\"",
                                  (int) (rest - url), url, value);
        rest += 3;
        if (memchr(rest, '@', strcspn(rest, "/")))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid mirror: username/password not allowed in URI");
        path = rest + strcspn(rest, "/?#");
        if (path == rest || strpbrk(path, "?#") || path[strspn(path, "/")])
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid mirror: path, query, or fragment at end of the URI \"%s\"",
                                  value);
        return 0;
}

int check_nri_opts(const char *value, Error *reterr) {
        if (!startswith(value, "enable=") || parse_go_bool(value + strlen("enable=")) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid nri-opts: %s", value);
        return 0;
}

int check_storage_driver(const char *value, Error *reterr) {
        if (!ONE_OF(value, "overlay2", "vfs"))
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "storage driver %s is not supported: use \"overlay2\" or \"vfs\"", value);
        return 0;
}

/* Accepted because scripts pass it; it switches a check off that we do not make. */
int check_storage_opt(const char *value, Error *reterr) {
        if (!strchr(value, '='))
                return error_setf(reterr, ERROR_INVALID,
                                  "storage option \"%s\" is not of the form key=value", value);
        if (startswith(value, "overlay2.override_kernel_check=") ||
            startswith(value, "overlay.override_kernel_check="))
                return 0;
        return error_setf(reterr, ERROR_NOT_IMPLEMENTED, "storage option %.*s is not supported",
                          (int) strcspn(value, "="), value);
}
