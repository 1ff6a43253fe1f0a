/* SPDX-License-Identifier: Apache-2.0 */
/* resolv.conf: bounded parser of the host's file, and the text of a container's. */
#include "network/resolv-conf.h"

#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/strv.h"

#define ETC_RESOLV_CONF "/etc/resolv.conf"
#define RESOLVED_RESOLV_CONF "/run/systemd/resolve/resolv.conf"
#define RESOLVED_STUB "127.0.0.53"
#define EMBEDDED_SERVER "127.0.0.11"
#define EMBEDDED_OPTION "ndots:0"
#define WHITESPACE " \t\v\f\r"

static const char *const default_servers_ipv4[] = { "8.8.8.8", "8.8.4.4" };
static const char *const default_servers_ipv6[] = { "2001:4860:4860::8888", "2001:4860:4860::8844" };

void resolv_conf_done(ResolvConf *rc) {
        free(rc->nameservers);
        strv_free(rc->search);
        strv_free(rc->options);
        strv_free(rc->other);
        strv_free(rc->invalid);
        *rc = (ResolvConf) {};
}

/* --- reading --- */

static int add_server(ResolvConf *rc, const NetAddr *a) {
        if (rc->n_nameservers >= RESOLV_CONF_ITEMS_MAX)
                return 0;
        if (!GREEDY_REALLOC0(rc->nameservers, rc->n_nameservers_allocated, rc->n_nameservers + 1))
                return -ENOMEM;
        rc->nameservers[rc->n_nameservers++] = *a;
        return 0;
}

static int extend_bounded(char ***l, const char *s) {
        return strv_length(*l) >= RESOLV_CONF_ITEMS_MAX ? 0 : strv_extend(l, s);
}

static int extend_all(char ***l, char *const *words) {
        int r = 0;

        STRV_FOREACH(w, words)
                if (r >= 0)
                        r = extend_bounded(l, *w);
        return r;
}

static int parse_nameserver(ResolvConf *rc, char *const *arguments) {
        NetAddr a;

        return net_addr_parse(arguments[0], &a) < 0 ? extend_bounded(&rc->invalid, arguments[0]) :
                                                      add_server(rc, &a);
}

/* The last line holds. */
static int parse_search(ResolvConf *rc, char *const *arguments) {
        rc->search = strv_free(rc->search);
        return extend_all(&rc->search, arguments);
}

static int parse_options(ResolvConf *rc, char *const *arguments) {
        return extend_all(&rc->options, arguments);
}

static const struct {
        const char *name;
        int (*parse)(ResolvConf *rc, char *const *arguments);
} directives[] = {
        { "domain",     parse_search     },
        { "nameserver", parse_nameserver },
        { "options",    parse_options    },
        { "search",     parse_search     },
};

static int parse_line(ResolvConf *rc, const char *line) {
        _cleanup_strv_free_ char **words = NULL;
        int r;

        if (strlen(line) > RESOLV_CONF_LINE_MAX)
                return 0;
        r = strv_split(line, WHITESPACE, &words);
        if (r < 0)
                return r;
        if (strv_isempty(words) || IN_SET(words[0][0], '#', ';'))
                return 0;

        FOREACH_ELEMENT(d, directives)
                if (streq(words[0], d->name))
                        return words[1] ? d->parse(rc, words + 1) : 0;
        return extend_bounded(&rc->other, line);
}

int resolv_conf_parse(const char *text, size_t size, ResolvConf *ret) {
        _cleanup_resolv_conf_ ResolvConf rc = {};
        const char *end = text + size;
        int r;

        assert(text);
        assert(ret);

        while (text < end) {
                _cleanup_free_ char *line = NULL;
                const char *newline = memchr(text, '\n', end - text) ?: end;

                line = strndup_safe(text, newline - text);
                if (!line)
                        return -ENOMEM;
                /* A NUL ends a line for strndup_safe()'s readers; what is behind it is not part of a
                 * directive. */
                r = parse_line(&rc, line);
                if (r < 0)
                        return r;
                text = newline + 1;
        }

        *ret = TAKE_STRUCT(rc);
        return 0;
}

static bool is_resolved_stub(const char *path) {
        _cleanup_resolv_conf_ ResolvConf rc = {};
        _cleanup_free_ char *text = NULL;
        char address[NET_ADDR_TEXT_MAX];
        size_t size;

        if (read_file_at(AT_FDCWD, path, RESOLV_CONF_SIZE_MAX, &text, &size) < 0)
                return false;
        if (resolv_conf_parse(text, size, &rc) < 0)
                return false;
        return rc.n_nameservers == 1 && streq(net_addr_format(address, rc.nameservers), RESOLVED_STUB);
}

const char *resolv_conf_host_path(const char *configured) {
        if (!isempty(configured))
                return configured;
        return is_resolved_stub(ETC_RESOLV_CONF) && access(RESOLVED_RESOLV_CONF, R_OK) >= 0 ?
                               RESOLVED_RESOLV_CONF :
                               ETC_RESOLV_CONF;
}

/* --- writing --- */

int dns_server_validate(const char *s, Error *reterr) {
        NetAddr a;

        if (net_addr_parse(s, &a) < 0)
                return error_setf(reterr, ERROR_INVALID,
                                  "bad nameserver address %s: ParseAddr(\"%s\"): unable to parse IP", s, s);
        return 0;
}

/* The name before the colon decides; the last one of a name holds, but presence is all we ask for. */
static bool has_option(char *const *options, const char *name) {
        size_t n = strlen(name);

        STRV_FOREACH(o, options)
                if (strncmp(*o, name, n) == 0 && IN_SET((*o)[n], 0, ':'))
                        return true;
        return false;
}

/* Control characters would make lines of their own. */
static int check_words(char *const *words, const char *what, Error *reterr) {
        STRV_FOREACH(w, words)
                if (isempty(*w) || string_has_control(*w) || strchr(*w, ' '))
                        return error_setf(reterr, ERROR_INVALID, "invalid %s: \"%s\"", what, *w);
        return 0;
}

static int append_server(Buffer *b, const char *address) {
        return buffer_appendf(b, "nameserver %s\n", address);
}

static int append_default_servers(Buffer *b, bool ipv6) {
        int r = 0;

        FOREACH_ELEMENT(s, default_servers_ipv4)
                RET_GATHER(r, append_server(b, *s));
        if (ipv6)
                FOREACH_ELEMENT(s, default_servers_ipv6)
                        RET_GATHER(r, append_server(b, *s));
        return r;
}

/* The host's servers, as far as they can be reached from the container. Returns how many. */
static int append_host_servers(Buffer *b, const ResolvConf *host, const ResolvConfParams *p) {
        char address[NET_ADDR_TEXT_MAX];
        int r, n = 0;

        for (size_t i = 0; i < host->n_nameservers; i++) {
                const NetAddr *a = host->nameservers + i;

                if (p->kind == RESOLV_CONF_BRIDGE &&
                    (net_addr_is_loopback(a) || (a->family == AF_INET6 && !p->ipv6)))
                        continue;
                r = append_server(b, net_addr_format(address, a));
                if (r < 0)
                        return r;
                n++;
        }
        return n;
}

static int append_servers(Buffer *b, const ResolvConf *host, const ResolvConfParams *p, bool *ret_defaults) {
        int r = 0;

        *ret_defaults = false;
        if (p->kind == RESOLV_CONF_EMBEDDED)
                return append_server(b, EMBEDDED_SERVER);
        if (!strv_isempty(p->nameservers)) {
                STRV_FOREACH(s, p->nameservers)
                        RET_GATHER(r, append_server(b, *s));
                return r;
        }

        r = append_host_servers(b, host, p);
        if (r != 0 || p->kind != RESOLV_CONF_BRIDGE)
                return r;
        *ret_defaults = true;
        return append_default_servers(b, p->ipv6);
}

static int append_words(Buffer *b, const char *directive, char *const *words) {
        _cleanup_free_ char *joined = NULL;

        if (strv_isempty(words))
                return 0;
        joined = strv_join(words, " ");
        if (!joined)
                return -ENOMEM;
        return buffer_appendf(b, "%s %s\n", directive, joined);
}

/* "." as the only override empties the list. */
static int append_search(Buffer *b, const ResolvConf *host, const ResolvConfParams *p) {
        _cleanup_strv_free_ char **words = NULL;

        if (strv_isempty(p->search))
                return append_words(b, "search", host->search);

        words = strv_copy(p->search);
        if (!words)
                return -ENOMEM;
        strv_remove(words, ".");
        return append_words(b, "search", words);
}

static int append_options(Buffer *b, const ResolvConf *host, const ResolvConfParams *p) {
        _cleanup_strv_free_ char **words = NULL;
        int r;

        words = strv_copy(strv_isempty(p->options) ? host->options : p->options) ?: strv_new_empty();
        if (!words)
                return -ENOMEM;
        if (p->kind == RESOLV_CONF_EMBEDDED && !has_option(words, "ndots")) {
                r = strv_extend(&words, EMBEDDED_OPTION);
                if (r < 0)
                        return r;
        }
        return append_words(b, "options", words);
}

/* The same trailer as the upstream engine's, which people and tools look at. */
static int append_comment(Buffer *b, const ResolvConf *host, const ResolvConfParams *p, bool defaults) {
        static const char *const transform[] = {
                [RESOLV_CONF_HOST]     = "",
                [RESOLV_CONF_BRIDGE]   = " (legacy)",
                [RESOLV_CONF_EMBEDDED] = " (internal resolver)",
        };
        _cleanup_free_ char *invalid = NULL;
        int r = 0;

        RET_GATHER(r, buffer_appendf(b, "\n# Based on host file: '%s'%s\n", p->source, transform[p->kind]));
        if (defaults)
                RET_GATHER(r, buffer_append_str(b, "# Used default nameservers.\n"));
        if (!strv_isempty(host->invalid)) {
                invalid = strv_join(host->invalid, " ");
                if (!invalid)
                        return -ENOMEM;
                RET_GATHER(r, buffer_appendf(b, "# Invalid nameservers: [%s]\n", invalid));
        }
        RET_GATHER(r, buffer_appendf(b, "# Overrides: [%s%s%s]\n",
                                     strv_isempty(p->nameservers) ? "" : "nameservers",
                                     strv_isempty(p->search)      ? "" :
                                     strv_isempty(p->nameservers) ? "search" :
                                                                    " search",
                                     strv_isempty(p->options)                                ? "" :
                                     strv_isempty(p->nameservers) && strv_isempty(p->search) ? "options" :
                                                                                               " options"));
        return r;
}

static int check_params(const ResolvConfParams *p, Error *reterr) {
        int r;

        STRV_FOREACH(s, p->nameservers) {
                r = dns_server_validate(*s, reterr);
                if (r < 0)
                        return r;
        }
        r = check_words(p->search, "DNS search domain", reterr);
        if (r < 0)
                return r;
        return check_words(p->options, "DNS option", reterr);
}

static const char *ndots_origin(const ResolvConf *host, const ResolvConfParams *p) {
        if (has_option(strv_isempty(p->options) ? host->options : p->options, "ndots"))
                return strv_isempty(p->options) ? "host" : "override";
        return p->kind == RESOLV_CONF_EMBEDDED ? "internal" : NULL;
}

int resolv_conf_build(const ResolvConf *host, const ResolvConfParams *p, char **ret, Error *reterr) {
        _cleanup_buffer_ Buffer b = {};
        const char *ndots;
        bool defaults;
        char *text;
        int r;

        assert(host);
        assert(p && p->source);
        assert(ret);

        r = check_params(p, reterr);
        if (r < 0)
                return r;

        r = buffer_append_str(
                        &b,
                        "# Generated by Docker Engine.\n"
                        "# This file can be edited; Docker Engine will not make further changes once it\n"
                        "# has been modified.\n\n");
        RET_GATHER(r, append_servers(&b, host, p, &defaults));
        RET_GATHER(r, append_search(&b, host, p));
        RET_GATHER(r, append_options(&b, host, p));
        STRV_FOREACH(line, host->other)
                RET_GATHER(r, buffer_appendf(&b, "%s\n", *line));
        RET_GATHER(r, append_comment(&b, host, p, defaults));
        ndots = ndots_origin(host, p);
        if (ndots)
                RET_GATHER(r, buffer_appendf(&b, "# Option ndots from: %s\n", ndots));
        if (r < 0)
                return error_fill(reterr, r);

        text = buffer_steal(&b);
        if (!text)
                return error_fill(reterr, -ENOMEM);
        *ret = text;
        return 0;
}
