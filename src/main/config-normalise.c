/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from the values as they were given: defaults that depend on others or on the environment,
 * canonical forms. */
#include <pwd.h>

#include "basic/path-util.h"
#include "basic/string-table.h"
#include "basic/strv.h"
#include "main/host.h"
#include "main/option.h"

static const char *const supervisor_table[_DAEMON_SUPERVISOR_MAX] = {
        [DAEMON_SUPERVISOR_AUTO] = "auto",
        [DAEMON_SUPERVISOR_SYSTEMD] = "systemd",
        [DAEMON_SUPERVISOR_DIRECT] = "direct",
};

static bool is_default(const Config *c, const char *flag) {
        const Option *o = option_by_flag(flag, strlen(flag));

        assert(o);
        return c->source[option_index(o)] == CONFIG_SOURCE_DEFAULT;
}

static int normalise_paths(Config *c) {
        char **paths[] = { &c->engine.data_root, &c->engine.exec_root, &c->pidfile };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                char *clean;

                if (!*paths[i])
                        continue;
                r = path_clean(*paths[i], &clean);
                if (r < 0)
                        return r;
                free_and_replace(*paths[i], clean);
        }
        return 0;
}

/* The directory of the default TLS files. */
static int tls_directory(char **ret) {
        const char *dir, *home;

        dir = getenv("DOCKER_CERT_PATH");
        if (isempty(dir))
                dir = getenv("DOCKER_CONFIG");
        if (!isempty(dir))
                return free_and_strdup(ret, dir);
        home = getenv("HOME");
        *ret = path_join(isempty(home) ? "/root" : home, ".docker");
        return *ret ? 0 : -ENOMEM;
}

/* A default file that does not exist is not given. */
static int tls_default_file(char **file, const char *dir, const char *name) {
        _cleanup_free_ char *path = NULL;

        if (*file)
                return 0;
        path = path_join(dir, name);
        if (!path)
                return -ENOMEM;
        if (access(path, F_OK) >= 0)
                *file = TAKE_PTR(path);
        return 0;
}

static int normalise_tls(Config *c) {
        _cleanup_free_ char *dir = NULL;
        int r;

        if (is_default(c, "tlsverify")) {
                if (!isempty(getenv("DOCKER_TLS_VERIFY")))
                        c->engine.tls = c->engine.tls_verify = true;
        } else
                c->engine.tls = true; /* --tlsverify=false means TLS without client certificates */
        if (!c->engine.tls)
                return 0;

        r = tls_directory(&dir);
        if (r >= 0)
                r = tls_default_file(&c->tls_ca_file, dir, "ca.pem");
        if (r >= 0)
                r = tls_default_file(&c->tls_cert_file, dir, "cert.pem");
        if (r >= 0)
                r = tls_default_file(&c->tls_key_file, dir, "key.pem");
        return r;
}

static int normalise_hosts(Config *c, Error *reterr) {
        _cleanup_strv_free_ char **hosts = NULL;
        int r;

        STRV_FOREACH(h, c->engine.hosts) {
                _cleanup_host_ Host host = {};

                if ((*h)[strspn(*h, " \t")] == 0)
                        continue;
                r = host_parse(*h, c->engine.tls, &host, reterr);
                if (r < 0)
                        return r;
                if (!strv_contains(hosts, host.text) && strv_extend(&hosts, host.text) < 0)
                        return -ENOMEM;
        }
        if (strv_isempty(hosts) &&
            strv_extend(&hosts, c->engine.tls ? "tcp://localhost:2376" : HOST_UNIX_DEFAULT) < 0)
                return -ENOMEM;
        strv_sort(hosts);
        strv_free(c->engine.hosts);
        c->engine.hosts = TAKE_PTR(hosts);
        return 0;
}

/* The same label twice is one; two values of one key are an error. */
static int normalise_labels(Config *c, Error *reterr) {
        _cleanup_strv_free_ char **labels = NULL;

        STRV_FOREACH(l, c->engine.labels) {
                size_t n = strcspn(*l, "=");
                _cleanup_free_ char *key = strndup_safe(*l, n);
                const char *other;

                if (!key)
                        return -ENOMEM;
                other = strv_env_get(labels, key);
                if (other && !streq(other, *l + n + 1))
                        return error_setf(reterr, ERROR_INVALID, "conflict labels for %s=%s and %s=%s", key,
                                          *l + n + 1, key, other);
                if (!other && strv_extend(&labels, *l) < 0)
                        return -ENOMEM;
        }
        strv_free(c->engine.labels);
        c->engine.labels = TAKE_PTR(labels);
        return 0;
}

static int normalise_mirrors(Config *c) {
        _cleanup_strv_free_ char **mirrors = NULL;

        STRV_FOREACH(m, c->engine.registry.mirrors) {
                size_t n = strlen(*m);

                while (n > 0 && (*m)[n - 1] == '/')
                        n--;
                if (strv_extendf(&mirrors, "%.*s/", (int) n, *m) < 0)
                        return -ENOMEM;
        }
        strv_free(c->engine.registry.mirrors);
        c->engine.registry.mirrors = TAKE_PTR(mirrors);
        return 0;
}

static int normalise_runtime(Config *c, Error *reterr) {
        DaemonRuntimeConfig *rc = &c->engine.runtime;
        const char *supervisor;

        supervisor = strv_env_get(rc->exec_opts, "native.supervisor") ?:
                                     empty_to_null(getenv("DOCKERD_SUPERVISOR"));
        rc->supervisor = DAEMON_SUPERVISOR_AUTO;
        if (supervisor) {
                rc->supervisor = _DAEMON_SUPERVISOR_INVALID;
                for (int i = 0; i < _DAEMON_SUPERVISOR_MAX; i++)
                        if (streq(supervisor_table[i], supervisor))
                                rc->supervisor = i;
                if (rc->supervisor == _DAEMON_SUPERVISOR_INVALID)
                        return error_setf(reterr, ERROR_INVALID,
                                          "invalid DOCKERD_SUPERVISOR: "
                                          "use \"systemd\", \"direct\" or \"auto\"");
        }
        return free_and_strdup(&rc->cgroup_driver, strv_env_get(rc->exec_opts, "native.cgroupdriver"));
}

/* host-gateway-ip is the older name with room for one address. */
static int normalise_host_gateway(Config *c, Error *reterr) {
        char ***ips = &c->engine.network.host_gateway_ips;

        if (!c->host_gateway_ip)
                return 0;
        if (!strv_isempty(*ips))
                return error_setf(reterr, ERROR_INVALID,
                                  "host-gateway-ip and host-gateway-ips must not both be specified");
        return strv_consume(ips, TAKE_PTR(c->host_gateway_ip));
}

static void default_if_zero(int *v, int otherwise) {
        if (*v == 0)
                *v = otherwise;
}

static int normalise_small(Config *c) {
        const char *version = getenv("DOCKER_MIN_API_VERSION");

        /* 0 is "as usual", as upstream has it. */
        c->engine.network.mtu_given = !is_default(c, "mtu") && c->engine.network.mtu != 0;
        default_if_zero(&c->engine.network.mtu, 1500);
        default_if_zero(&c->engine.registry.max_concurrent_downloads, 3);
        default_if_zero(&c->engine.registry.max_concurrent_uploads, 5);
        default_if_zero(&c->engine.registry.max_download_attempts, 5);

        if (!c->engine.container.init_path && c->default_init &&
            free_and_strdup(&c->engine.container.init_path, c->default_init) < 0)
                return -ENOMEM;
        if (!c->engine.min_api_version && !isempty(version) &&
            free_and_strdup(&c->engine.min_api_version, version) < 0)
                return -ENOMEM;
        if (!c->engine.min_api_version && free_and_strdup(&c->engine.min_api_version, "1.24") < 0)
                return -ENOMEM;
        return 0;
}

int config_normalise(Config *c, Error *reterr) {
        int r;

        assert(c);

        r = normalise_paths(c);
        if (r >= 0)
                r = normalise_tls(c);
        if (r >= 0)
                r = normalise_hosts(c, reterr);
        if (r >= 0)
                r = normalise_labels(c, reterr);
        if (r >= 0)
                r = normalise_mirrors(c);
        if (r >= 0)
                r = normalise_runtime(c, reterr);
        if (r >= 0)
                r = normalise_host_gateway(c, reterr);
        if (r >= 0)
                r = normalise_small(c);
        return r < 0 ? error_fill(reterr, r) : 0;
}
