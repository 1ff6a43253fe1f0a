/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets for every --host: systemd's, Unix, TCP. They exist from phase 4 and are served in phase
 * 11. */
#include "main/daemon.h"

#include <grp.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "basic/errno-util.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "basic/parse-util.h"
#include "basic/path-util.h"
#include "main/host.h"

#define SOCKET_MODE 0660
#define BACKLOG 1024
#define DEFAULT_GROUP "docker"

static int add_listener(Daemon *d, Listener l, Error *reterr) {
        if (d->n_listeners >= LISTENERS_MAX || !l.text) {
                safe_close(l.fd);
                return error_setf(reterr, ERROR_INVALID, "more than %u listening sockets", LISTENERS_MAX);
        }
        d->listeners[d->n_listeners++] = l;
        return 0;
}

static void warn_insecure(const Daemon *d, const char *text) {
        if (d->config->engine.tls_verify)
                return;
        log_struct(LOG_WARNING, LOG_FIELDS("MESSAGE_ID=" MESSAGE_INSECURE_LISTENER_STR),
                   "[DEPRECATION NOTICE] Binding to %s, without %s, is insecure and gives root access to the host to everybody "
                   "who reaches the port",
                   text, d->config->engine.tls ? "verifying clients" : "TLS");
}

/* --- fd:// --- */

/* "/run/docker.sock" or "tcp://[::]:2376". */
static char *fd_text(int fd, const char *unknown) {
        struct sockaddr_storage sa = {};
        socklen_t size = sizeof(sa);
        char host[NI_MAXHOST], port[NI_MAXSERV], *s = NULL;
        const char *path = ((const struct sockaddr_un *) &sa)->sun_path;

        if (getsockname(fd, (struct sockaddr *) &sa, &size) < 0)
                return strdup(unknown);
        if (sa.ss_family == AF_UNIX)
                return strdup(path[0] ? path : unknown);
        if (getnameinfo((const struct sockaddr *) &sa, size, host, sizeof(host), port, sizeof(port),
                        NI_NUMERICHOST | NI_NUMERICSERV) != 0)
                return strdup(unknown);
        (void) asprintf_safe(&s, sa.ss_family == AF_INET6 ? "tcp://[%s]:%s" : "tcp://%s:%s", host, port);
        return s;
}

static bool fd_selected(const char *address, int fd, const char *name) {
        int number;

        if (isempty(address) || streq(address, "*"))
                return true;
        if (parse_int(address, &number) >= 0)
                return number == fd;
        return streq_ptr(address, name);
}

static int listen_systemd(Daemon *d, const Host *h, Error *reterr) {
        _cleanup_strv_free_ char **names = NULL;
        int n = sd_listen_fds_with_names(0, &names), r = 0;
        size_t found = 0;

        if (n <= 0)
                return error_setf(reterr, ERROR_INVALID,
                                  "no sockets found via socket activation: make sure the service was "
                                  "started by systemd");
        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;
                Listener l = { .fd = fd, .tls = sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) > 0 };

                if (!fd_selected(h->address, fd, names ? names[i] : NULL))
                        continue;
                l.text = fd_text(fd, h->text);
                if (l.tls && l.text)
                        warn_insecure(d, l.text);
                r = add_listener(d, l, reterr);
                if (r < 0)
                        return r;
                found++;
        }
        if (found == 0)
                return error_setf(reterr, ERROR_INVALID,
                                  "systemd passed no socket that is named or numbered \"%s\"", h->address);
        d->sockets_given = true;
        return 0;
}

/* --- unix:// --- */

static int socket_group(const char *name, gid_t *ret, Error *reterr) {
        const struct group *g;
        uint32_t number;

        if (isempty(name)) {
                *ret = 0;
                return 0;
        }
        if (parse_uint32(name, &number) >= 0) {
                *ret = number;
                return 0;
        }
        g = getgrnam(name);
        if (g) {
                *ret = g->gr_gid;
                return 0;
        }
        if (!streq(name, DEFAULT_GROUP))
                return error_setf(reterr, ERROR_INVALID, "group %s not found", name);
        log_warning("could not change group of the API socket to %s: group %s not found", name, name);
        *ret = 0;
        return 0;
}

/* A socket nobody listens on goes; a live one and anything that is no socket stays. */
static int clear_stale_socket(const char *path, const struct sockaddr_un *sa, Error *reterr) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 :
                                         error_set_errnof(reterr, ERROR_INTERNAL, -errno,
                                                          "cannot look at %s", path);
        if (!S_ISSOCK(st.st_mode))
                return error_setf(reterr, ERROR_CONFLICT, "%s exists and is no socket", path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return error_fill(reterr, -errno);
        if (connect(fd, (const struct sockaddr *) sa, sizeof(*sa)) >= 0 || errno == EAGAIN)
                return error_setf(reterr, ERROR_CONFLICT, "another process listens on %s", path);
        if (unlink(path) < 0 && errno != ENOENT)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot remove the stale socket %s",
                                        path);
        return 0;
}

static int listen_unix(Daemon *d, const Host *h, Error *reterr) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        _cleanup_free_ char *parent = NULL;
        _cleanup_close_ int fd = -EBADF;
        gid_t gid = 0;
        int r;

        if (strlen(h->address) >= sizeof(sa.sun_path))
                return error_setf(reterr, ERROR_INVALID, "the socket path %s is too long", h->address);
        stpcpy(sa.sun_path, h->address);
        r = socket_group(d->config->group, &gid, reterr);
        if (r >= 0)
                r = clear_stale_socket(h->address, &sa, reterr);
        if (r < 0)
                return r;
        if (path_parent(h->address, &parent) >= 0)
                (void) mkdir_p(parent, 0755);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return error_fill(reterr, -errno);
        /* Nobody may connect before mode and group are right. */
        mode_t saved = umask(0777);
        r = RET_NERRNO(bind(fd, (const struct sockaddr *) &sa, sizeof(sa)));
        umask(saved);
        if (r >= 0 &&
            (chown(h->address, 0, gid) < 0 || chmod(h->address, SOCKET_MODE) < 0 || listen(fd, BACKLOG) < 0))
                r = -errno;
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot listen on %s", h->text);
        return add_listener(
                        d,
                        (Listener){ .fd = TAKE_FD(fd), .text = strdup(h->text), .path = strdup(h->address) },
                        reterr);
}

/* --- tcp:// --- */

static int listen_address(Daemon *d, const Host *h, const struct addrinfo *a, Error *reterr) {
        _cleanup_close_ int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int one = 1;

        if (fd < 0)
                return error_fill(reterr, -errno);
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (a->ai_family == AF_INET6)
                (void) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
        if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot listen on %s", h->text);
        return add_listener(d,
                            (Listener){
                                            .fd = TAKE_FD(fd),
                                            .text = strdup(h->text),
                                            .address = strdup(h->address),
                                            .port = h->port,
                                            .tls = true,
                            },
                            reterr);
}

static int listen_tcp(Daemon *d, const Host *h, Error *reterr) {
        struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM }, *list;
        char port[8];
        int r;

        warn_insecure(d, h->text);
        snprintf(port, sizeof(port), "%u", h->port);
        r = getaddrinfo(empty_to_null(h->address), port, &hints, &list);
        if (r != 0)
                return error_setf(reterr, ERROR_INVALID, "cannot find the address of %s: %s", h->text,
                                  gai_strerror(r));
        r = listen_address(d, h, list, reterr);
        freeaddrinfo(list);
        return r;
}

static int (*const openers[])(Daemon *d, const Host *h, Error *reterr) = {
        [HOST_FD] = listen_systemd,
        [HOST_UNIX] = listen_unix,
        [HOST_TCP] = listen_tcp,
};

int config_load_tls(const Config *c, TlsContext **ret, Error *reterr) {
        *ret = NULL;
        if (!c->engine.tls)
                return 0;
        return tls_context_new(&(TlsOptions) {
                .ca_file = c->tls_ca_file,
                .cert_file = c->tls_cert_file,
                .key_file = c->tls_key_file,
                .verify = c->engine.tls_verify,
        }, ret, reterr);
}

int listeners_open(Daemon *d, Error *reterr) {
        int r;

        r = config_load_tls(d->config, &d->tls, reterr);
        STRV_FOREACH(s, d->config->engine.hosts) {
                _cleanup_host_ Host h = {};

                if (r >= 0)
                        r = host_parse(*s, d->config->engine.tls, &h, reterr);
                if (r >= 0)
                        r = openers[h.kind](d, &h, reterr);
        }
        return r;
}

int listeners_reserve_ports(Daemon *d, Error *reterr) {
        int r = 0;

        for (size_t i = 0; i < d->n_listeners && r >= 0; i++) {
                const Listener *l = d->listeners + i;
                bool any = isempty(l->address) || streq(l->address, "::");

                if (l->port != 0)
                        r = engine_reserve_port(d->engine, "tcp",
                                                any                            ? NULL :
                                                streq(l->address, "localhost") ? "127.0.0.1" :
                                                                                 l->address,
                                                l->port, reterr);
        }
        return r;
}

/* Under systemd a socket unit would hold it while the daemon is restarted. */
static bool closes_with_service(const Listener *l) {
        return (l->path || l->port != 0) && getenv("INVOCATION_ID");
}

int listeners_serve(Daemon *d, Error *reterr) {
        int r = 0;

        for (size_t i = 0; i < d->n_listeners && r >= 0; i++) {
                const Listener *l = d->listeners + i;

                r = http_server_add_listener(d->http, l->fd, l->text, l->tls ? d->tls : NULL, reterr);
                if (r >= 0)
                        log_info("API listen on %s%s", l->path ?: l->text,
                                 closes_with_service(l) ? "; it refuses clients while this service restarts, "
                                                          "one of dockerd.socket (fd://) does not" : "");
        }
        return r;
}

void listeners_close(Daemon *d) {
        for (size_t i = 0; i < d->n_listeners; i++) {
                Listener *l = d->listeners + i;

                safe_close(l->fd);
                if (l->path)
                        (void) unlink(l->path);
                free(l->path);
                free(l->text);
                free(l->address);
        }
        d->n_listeners = 0;
        d->tls = tls_context_unref(d->tls);
}
