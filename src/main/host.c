/* SPDX-License-Identifier: Apache-2.0 */
#include "main/host.h"

#include <ctype.h>
#include <sys/un.h>

#include "basic/parse-util.h"
#include "basic/string-util.h"

void host_done(Host *h) {
        free(h->text);
        free(h->address);
        *h = (Host){};
}

static int parse_fd(const char *value, const char *rest, Host *h, Error *reterr) {
        if (strchr(rest, ':') || strchr(rest, '/'))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid bind address (%s): not a name of file descriptors", value);
        h->kind = HOST_FD;
        h->address = strdup(rest);
        return asprintf_safe(&h->text, "fd://%s", rest);
}

static int parse_unix(const char *value, const char *rest, Host *h, Error *reterr) {
        if (strstr(rest, "://"))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid bind address (%s): invalid unix address: %s", value, rest);
        if (isempty(rest))
                rest = startswith(HOST_UNIX_DEFAULT, "unix://");
        if (rest[0] != '/')
                return error_setf(reterr, ERROR_INVALID, "invalid bind address (%s): not an absolute path",
                                  value);
        if (strlen(rest) >= sizeof(((struct sockaddr_un *) NULL)->sun_path))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid bind address (%s): the path is too long for a socket", value);
        h->kind = HOST_UNIX;
        h->address = strdup(rest);
        return asprintf_safe(&h->text, "unix://%s", rest);
}

/* "host", "host:port", ":port", "[v6]", "[v6]:port" */
static int split_host_port(const char *rest, char **ret_host, const char **ret_port) {
        const char *colon, *end;

        if (rest[0] == '[') {
                end = strchr(rest, ']');
                if (!end || !IN_SET(end[1], 0, ':'))
                        return -EINVAL;
                *ret_port = end[1] ? end + 2 : "";
                *ret_host = strndup_safe(rest + 1, (size_t) (end - rest) - 1);
        } else {
                colon = strchr(rest, ':');
                if (colon && strchr(colon + 1, ':'))
                        return -EINVAL;
                *ret_port = colon ? colon + 1 : "";
                *ret_host = strndup_safe(rest, colon ? (size_t) (colon - rest) : strlen(rest));
        }
        return *ret_host ? 0 : -ENOMEM;
}

static int parse_tcp(const char *value, const char *rest, bool tls, Host *h, Error *reterr) {
        _cleanup_free_ char *host = NULL;
        const char *port = "";
        uint32_t n = tls ? HOST_PORT_TLS_DEFAULT : HOST_PORT_DEFAULT;
        bool v6;
        int r;

        if (strpbrk(rest, "/?#"))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid bind address (%s): should not contain a path element", value);
        r = split_host_port(rest, &host, &port);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || strpbrk(strempty(host), "@ \t"))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid bind address (%s): not of the form host:port", value);
        if (!isempty(port) && (parse_uint32(port, &n) < 0 || n > 65535))
                return error_setf(reterr, ERROR_INVALID, "invalid bind address (%s): invalid port \"%s\"",
                                  value, port);

        h->kind = HOST_TCP;
        h->port = (uint16_t) n;
        h->address = isempty(host) ? strdup("localhost") : TAKE_PTR(host);
        if (!h->address)
                return -ENOMEM;
        v6 = strchr(h->address, ':');
        return asprintf_safe(&h->text, "tcp://%s%s%s:%u", v6 ? "[" : "", h->address, v6 ? "]" : "", n);
}

int host_parse(const char *value, bool tls, Host *ret, Error *reterr) {
        _cleanup_free_ char *copy = NULL;
        _cleanup_host_ Host h = {};
        const char *scheme_end, *rest;
        char *v;
        int r;

        assert(value);
        assert(ret);

        copy = strdup(value);
        if (!copy)
                return error_fill(reterr, -ENOMEM);
        v = strstrip(copy);
        scheme_end = strstr(v, "://");
        rest = scheme_end ? scheme_end + 3 : v;

        if (!scheme_end || startswith(v, "tcp://"))
                r = parse_tcp(v, rest, tls, &h, reterr);
        else if (startswith(v, "unix://"))
                r = parse_unix(v, rest, &h, reterr);
        else if (startswith(v, "fd://"))
                r = parse_fd(v, rest, &h, reterr);
        else
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid bind address (%s): unsupported proto '%.*s'", v,
                                  (int) (scheme_end - v), v);
        if (r >= 0 && (!h.text || !h.address))
                r = -ENOMEM;
        if (r < 0)
                return error_fill(reterr, r);
        *ret = TAKE_STRUCT(h);
        return 0;
}
