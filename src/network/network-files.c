/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/hosts, /etc/hostname and /etc/resolv.conf of a container. */
#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "network/hosts-file.h"
#include "network/network-manager-private.h"
#include "network/resolv-conf.h"

#define HOSTS_SIZE_MAX (1024U * 1024U)  /* of the host's file */

/* In place: the file may be mounted into a running container, which a rename would leave with
 * the old one. */
static int write_in_place(int dir_fd, const char *name, const char *text) {
        _cleanup_close_ int fd = -EBADF;

        fd = openat(dir_fd, name, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC|O_NOFOLLOW, 0644);
        if (fd < 0)
                return -errno;
        if (fchmod(fd, 0644) < 0)
                return -errno;
        return write_full(fd, text, strlen(text));
}

static int write_file(int dir_fd, const char *name, const char *text, Error *reterr) {
        int r;

        r = write_in_place(dir_fd, name, text);
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to write %s", name) : 0;
}

static bool is_host_mode(const NetworkFilesParams *p) {
        return streq_ptr(p->network_mode, NETWORK_HOST);
}

/* --- hosts --- */

static int own_addresses(NetworkManager *m, const char *container_id, NetAddr **ret, size_t *ret_n) {
        const Sandbox *s = container_id ? sandbox_find(m, container_id) : NULL;
        NetAddr *list;
        size_t n = 0;

        list = new(NetAddr, s ? s->n_endpoints : 0);
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; s && i < s->n_endpoints; i++)
                if (net_addr_is_set(&s->endpoints[i]->address.addr))
                        list[n++] = s->endpoints[i]->address.addr;
        *ret = list;
        *ret_n = n;
        return 0;
}

/* --host-gateway-ip, else the address of the default bridge. */
static size_t host_gateways(NetworkManager *m, NetAddr ret[static 2]) {
        size_t n = 0;

        STRV_FOREACH(s, m->config.host_gateway_ips)
                if (n < 2 && net_addr_parse(*s, ret + n) >= 0)
                        n++;
        for (size_t i = 0; n == 0 && i < m->n_networks; i++)
                if (streq(m->networks[i]->name, NETWORK_BRIDGE) &&
                    net_addr_is_set(&m->networks[i]->address.addr))
                        ret[n++] = m->networks[i]->address.addr;
        return n;
}

static int write_hosts(NetworkManager *m, int dir_fd, const NetworkFilesParams *p, Error *reterr) {
        _cleanup_free_ NetAddr *addresses = NULL;
        _cleanup_free_ char *text = NULL;
        NetAddr gateways[2];
        HostsFileParams h = {
                .hostname = is_host_mode(p) ? NULL : p->hostname,
                .domainname = p->domainname,
                .extra_hosts = p->extra_hosts,
                .ipv6 = access("/proc/sys/net/ipv6", F_OK) >= 0,
        };
        size_t size;
        int r;

        if (is_host_mode(p) && strv_isempty(p->extra_hosts) &&
            read_file_at(AT_FDCWD, "/etc/hosts", HOSTS_SIZE_MAX, &text, &size) >= 0)
                return write_file(dir_fd, "hosts", text, reterr);

        r = own_addresses(m, p->container_id, &addresses, &h.n_addresses);
        if (r < 0)
                return error_fill(reterr, r);
        h.addresses = addresses;
        h.host_gateways = gateways;
        h.n_host_gateways = host_gateways(m, gateways);
        r = hosts_file_build(&h, &text, reterr);
        return r < 0 ? r : write_file(dir_fd, "hosts", text, reterr);
}

/* --- resolv.conf --- */

static char *const *either(char *const *container, char *const *daemon) {
        return strv_isempty(container) ? daemon : container;
}

static int write_resolv_conf(NetworkManager *m, int dir_fd, const NetworkFilesParams *p, Error *reterr) {
        _cleanup_resolv_conf_ ResolvConf host = {};
        _cleanup_free_ char *host_text = NULL, *text = NULL;
        ResolvConfParams rc = {
                .kind = is_host_mode(p) ? RESOLV_CONF_HOST :
                        p->container_id && sandbox_has_names(sandbox_find(m, p->container_id)) ?
                                          RESOLV_CONF_EMBEDDED :
                                          RESOLV_CONF_BRIDGE,
                .nameservers = either(p->dns, m->config.dns),
                .search = either(p->dns_search, m->config.dns_search),
                .options = either(p->dns_options, m->config.dns_opts),
        };
        size_t size;
        int r;

        rc.source = is_host_mode(p) && !m->config.resolv_conf ? "/etc/resolv.conf" :
                                                                resolv_conf_host_path(m->config.resolv_conf);
        r = read_file_at(AT_FDCWD, rc.source, RESOLV_CONF_SIZE_MAX, &host_text, &size);
        if (r >= 0)
                r = resolv_conf_parse(host_text, size, &host);
        /* A host without the file has no servers. */
        if (r < 0 && r != -ENOENT)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to read %s", rc.source);

        r = resolv_conf_build(&host, &rc, &text, reterr);
        return r < 0 ? r : write_file(dir_fd, "resolv.conf", text, reterr);
}

int network_files_write(NetworkManager *m, int dir_fd, const NetworkFilesParams *params, Error *reterr) {
        _cleanup_free_ char *hostname = NULL;
        int r;

        assert(m);
        assert(dir_fd >= 0);
        assert(params);

        hostname = strjoin(strempty(params->hostname), "\n");
        if (!hostname)
                return error_fill(reterr, -ENOMEM);
        r = write_file(dir_fd, "hostname", hostname, reterr);
        if (r < 0)
                return r;
        r = write_hosts(m, dir_fd, params, reterr);
        if (r < 0)
                return r;
        return write_resolv_conf(m, dir_fd, params, reterr);
}
