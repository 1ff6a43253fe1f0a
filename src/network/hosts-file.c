/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a container's /etc/hosts. Pure: no files, no manager. */
#include "network/hosts-file.h"

#include <stdio.h>

#include "basic/strv.h"

#define HOST_GATEWAY "host-gateway"

typedef struct HostsLine {
        const char *address;
        const char *names;
        bool ipv6;
} HostsLine;

static const HostsLine default_lines[] = {
        { "127.0.0.1", "localhost",                             false },
        { "::1",       "localhost ip6-localhost ip6-loopback",  true  },
        { "fe00::",    "ip6-localnet",                          true  },
        { "ff00::",    "ip6-mcastprefix",                       true  },
        { "ff02::1",   "ip6-allnodes",                          true  },
        { "ff02::2",   "ip6-allrouters",                        true  },
};

/* Splits at the first colon; an IPv6 address has more of them. */
static int extra_host_split(const char *s, char **ret_name, const char **ret_address, Error *reterr) {
        const char *colon = strchr(s, ':');
        char *name;

        /* A newline, or white space, would smuggle in lines and names of its own. */
        if (!colon || colon == s || string_has_control(s) || memchr(s, ' ', colon - s))
                return error_setf(reterr, ERROR_INVALID, "bad format for add-host: \"%s\"", s);

        name = strndup_safe(s, colon - s);
        if (!name)
                return error_fill(reterr, -ENOMEM);
        *ret_name = name;
        *ret_address = colon + 1;
        return 0;
}

int extra_host_validate(const char *s, Error *reterr) {
        _cleanup_free_ char *name = NULL;
        const char *address;
        NetAddr a;
        int r;

        assert(s);

        r = extra_host_split(s, &name, &address, reterr);
        if (r < 0)
                return r;
        if (!streq(address, HOST_GATEWAY) && net_addr_parse(address, &a) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid IP address in add-host: \"%s\"", address);
        return 0;
}

static int append_line(Buffer *b, const HostsFileParams *p, const NetAddr *address, const char *names) {
        char text[NET_ADDR_TEXT_MAX];

        if (address->family == AF_INET6 && !p->ipv6)
                return 0;
        return buffer_appendf(b, "%s\t%s\n", net_addr_format(text, address), names);
}

static int append_extra_host(Buffer *b, const HostsFileParams *p, const char *s, Error *reterr) {
        _cleanup_free_ char *name = NULL;
        const char *address;
        NetAddr a;
        int r;

        r = extra_host_split(s, &name, &address, reterr);
        if (r < 0)
                return r;

        if (!streq(address, HOST_GATEWAY)) {
                if (net_addr_parse(address, &a) < 0)
                        return error_setf(reterr, ERROR_INVALID, "invalid IP address in add-host: \"%s\"",
                                          address);
                return append_line(b, p, &a, name);
        }

        if (p->n_host_gateways == 0)
                return error_setf(reterr, ERROR_INVALID, "unable to derive the IP value for host-gateway");
        for (size_t i = 0; i < p->n_host_gateways; i++) {
                r = append_line(b, p, p->host_gateways + i, name);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The full name and, where it has a domain, the part before the first dot. */
static int own_names(const HostsFileParams *p, char **ret) {
        _cleanup_free_ char *full = NULL;
        const char *dot;
        char *names;

        full = isempty(p->domainname) ? strdup(p->hostname) : strjoin(p->hostname, ".", p->domainname);
        if (!full)
                return -ENOMEM;

        dot = strchr(full, '.');
        if (!dot) {
                *ret = TAKE_PTR(full);
                return 0;
        }
        if (asprintf(&names, "%s %.*s", full, (int) (dot - full), full) < 0)
                return -ENOMEM;
        *ret = names;
        return 0;
}

static int append_own(Buffer *b, const HostsFileParams *p) {
        _cleanup_free_ char *names = NULL;
        int r;

        if (isempty(p->hostname) || p->n_addresses == 0)
                return 0;
        r = own_names(p, &names);
        for (size_t i = 0; r >= 0 && i < p->n_addresses; i++)
                r = append_line(b, p, p->addresses + i, names);
        return r;
}

int hosts_file_build(const HostsFileParams *p, char **ret, Error *reterr) {
        _cleanup_buffer_ Buffer b = {};
        char *text;
        int r = 0;

        assert(p);
        assert(ret);

        FOREACH_ELEMENT(line, default_lines)
                if (r >= 0 && (!line->ipv6 || p->ipv6))
                        r = buffer_appendf(&b, "%s\t%s\n", line->address, line->names);
        STRV_FOREACH(s, p->extra_hosts)
                if (r >= 0)
                        r = append_extra_host(&b, p, *s, reterr);
        if (r >= 0)
                r = append_own(&b, p);
        if (r < 0)
                return error_fill(reterr, r);

        text = buffer_steal(&b);
        if (!text)
                return error_fill(reterr, -ENOMEM);
        *ret = text;
        return 0;
}
