/* SPDX-License-Identifier: Apache-2.0 */
/* Flags, daemon.json, merge, checks, and that the option table documents itself completely. */
#include <sys/stat.h>

#include "basic/fileio.h"
#include "basic/path-util.h"
#include "basic/strv.h"
#include "basic/tests.h"
#include "logdriver/log-driver.h"
#include "main/config-reload.h"
#include "main/config-validate.h"
#include "main/flags.h"
#include "main/help.h"
#include "main/host.h"
#include "main/option.h"

static char *test_directory;

/* Runs config_load() with a daemon.json (NULL = none) and up to six arguments; the message of a failure or
 * NULL. */
static char *load(Config **ret, const char *json, const char *a, const char *b, const char *c,
                  const char *d) {
        _cleanup_error_ Error e = ERROR_NULL;
        _cleanup_free_ char *path = NULL, *flag = NULL;
        const char *const extra[] = { a, b, c, d };
        char *argv[8] = { (char *) "dockerd" };
        int argc = 1;
        Config *config = NULL;

        if (json) {
                path = ASSERT_NOT_NULL(strjoin(test_directory, "/daemon.json"));
                ASSERT_OK(write_file_atomic_at(AT_FDCWD, path, json, strlen(json), 0644, 0));
                flag = ASSERT_NOT_NULL(strjoin("--config-file=", path));
                argv[argc++] = flag;
        } else
                argv[argc++] = (char *) "--config-file=";
        for (size_t i = 0; i < ELEMENTSOF(extra); i++)
                if (extra[i])
                        argv[argc++] = (char *) extra[i];

        if (config_load(argc, argv, &config, &e) < 0)
                return ASSERT_NOT_NULL(strdup(error_message(&e)));
        if (ret)
                *ret = config;
        else
                config_free(config);
        return NULL;
}

#define ASSERT_LOADS(ret, json, ...)                                        \
        ({                                                                  \
                _cleanup_free_ char *_m = load((ret), (json), __VA_ARGS__); \
                if (_m)                                                     \
                        test_fail("refused: %s", _m);                       \
        })
#define ASSERT_REFUSED(text, json, ...)                                            \
        ({                                                                         \
                _cleanup_free_ char *_m = load(NULL, (json), __VA_ARGS__);         \
                if (!_m || !strstr(_m, (text)))                                    \
                        test_fail("\"%s\" is not in \"%s\"", (text), strnull(_m)); \
        })

TEST(defaults) {
        _cleanup_(config_freep) Config *c = NULL;

        ASSERT_LOADS(&c, NULL, NULL, NULL, NULL, NULL);
        ASSERT_STREQ(c->engine.data_root, "/var/lib/dockerd");
        ASSERT_STREQ(c->engine.exec_root, "/run/dockerd");
        ASSERT_STREQ(c->engine.hosts[0], "unix:///var/run/docker.sock");
        ASSERT_STREQ(c->engine.container.log_driver, "json-file");
        ASSERT_EQ(c->engine.container.shm_size, 64U * 1024 * 1024);
        ASSERT_EQ(c->engine.network.mtu, 1500);
        ASSERT_FALSE(c->engine.network.mtu_given);
        ASSERT_TRUE(c->engine.network.icc && c->engine.network.ip_masq && c->engine.network.iptables);
        ASSERT_STREQ(c->engine.min_api_version, "1.24");
        ASSERT_NULL(c->engine.runtime.default_runtime);
}

TEST(flag_syntax) {
        _cleanup_(config_freep) Config *c = NULL, *d = NULL;

        ASSERT_LOADS(&c, NULL, "-D", "-Htcp://127.0.0.1:1", "--host", "unix:///a");
        ASSERT_TRUE(c->engine.debug);
        ASSERT_EQ(strv_length(c->engine.hosts), 2);
        ASSERT_STREQ(c->engine.hosts[0], "tcp://127.0.0.1:1");

        ASSERT_LOADS(&d, NULL, "-Dl", "warn", "--icc=false", "-p=/x.pid");
        ASSERT_TRUE(d->engine.debug);
        ASSERT_STREQ(d->log_level, "warn");
        ASSERT_FALSE(d->engine.network.icc);
        ASSERT_STREQ(d->pidfile, "/x.pid");
}

TEST(flag_errors) {
        ASSERT_REFUSED("Status: unknown flag: --nosuch\nSee 'dockerd --help'., Code: 125", NULL, "--nosuch",
                       NULL, NULL, NULL);
        ASSERT_REFUSED("unknown shorthand flag: 'x' in -x", NULL, "-x", NULL, NULL, NULL);
        ASSERT_REFUSED("flag needs an argument: --mtu", NULL, "--mtu", NULL, NULL, NULL);
        ASSERT_REFUSED("flag needs an argument: 'H' in -H", NULL, "-H", NULL, NULL, NULL);
        ASSERT_REFUSED("invalid argument \"abc\" for \"--mtu\" flag", NULL, "--mtu", "abc", NULL, NULL);
        ASSERT_REFUSED("invalid argument \"foo://x\" for \"-H, --host\" flag: "
                       "invalid bind address (foo://x): unsupported proto 'foo'",
                       NULL, "-H", "foo://x", NULL, NULL);
        ASSERT_REFUSED("bad flag syntax: ---x", NULL, "---x", NULL, NULL, NULL);
        ASSERT_REFUSED("\"dockerd\" accepts no argument(s).", NULL, "stray", NULL, NULL, NULL);
        ASSERT_REFUSED("\"dockerd\" accepts no argument(s).", NULL, "--", "-D", NULL, NULL);
}

TEST(file_values) {
        _cleanup_(config_freep) Config *c = NULL;

        ASSERT_LOADS(&c,
                     "{\"debug\": true, \"hosts\": [\"fd://\", \" \"], \"labels\": [\"a=b\", \"a=b\"], \"icc\": false,"
                     " \"log-opts\": {\"max-size\": \"10m\"}, \"default-ulimits\": {\"nofile\": {\"Name\": \"nofile\","
                     " \"Soft\": 10, \"Hard\": 20}}, \"runtimes\": {\"x\": {\"path\": \"/x\", \"runtimeArgs\": [\"-v\"]}},"
                     " \"default-shm-size\": \"1G\", \"dns\": [\"1.1.1.1\", \"::1\"], \"mtu\": 1400, \"init\": true,"
                     " \"proxies\": {\"http-proxy\": \"http://u:p@h:1\"}, \"registry-mirrors\": [\"https://m\"],"
                     " \"userland-proxy\": false, \"deprecated-key-path\": \"x\"}",
                     "--add-runtime", "y=/y", NULL, NULL);
        ASSERT_TRUE(c->engine.debug);
        ASSERT_EQ(strv_length(c->engine.hosts), 1);
        ASSERT_STREQ(c->engine.hosts[0], "fd://");
        ASSERT_EQ(strv_length(c->engine.labels), 1);
        ASSERT_FALSE(c->engine.network.icc);
        ASSERT_STREQ(strv_env_get(c->engine.container.log_opts, "max-size"), "10m");
        ASSERT_EQ(c->engine.container.ulimits.n_items, 1);
        ASSERT_EQ(c->engine.container.ulimits.items[0].hard, 20);
        ASSERT_EQ(c->engine.runtime.runtimes.n_items, 2);
        ASSERT_STREQ(c->engine.runtime.runtimes.items[0].args[0], "-v");
        ASSERT_STREQ(c->engine.runtime.runtimes.items[1].path, "/y");
        ASSERT_EQ(c->engine.container.shm_size, 1024LL * 1024 * 1024);
        ASSERT_EQ(c->engine.network.mtu, 1400);
        ASSERT_TRUE(c->engine.network.mtu_given);
        ASSERT_STREQ(c->engine.registry.mirrors[0], "https://m/");
        ASSERT_EQ(strv_length(c->warnings), 1);
        FOREACH_OPTION(o)
                if (o->flags & OPTION_SECRET && streq(o->flag, "http-proxy")) {
                        _cleanup_free_ char *s = option_format(o, c);

                        ASSERT_STREQ(s, "http://xxxxx:xxxxx@h:1");
                }
}

TEST(file_errors) {
        ASSERT_REFUSED("the following directives don't match any configuration option: foo, bar",
                       "{\"foo\": 1, \"mtu\": 1, \"bar\": 2}", NULL, NULL, NULL, NULL);
        ASSERT_REFUSED("the following directives don't match any configuration option: http-proxy",
                       "{\"http-proxy\": \"x\"}", NULL, NULL, NULL, NULL);
        ASSERT_REFUSED("the following directives are specified both as a flag and in the configuration file: "
                       "hosts: (from flag: [unix:///a], from file: [fd:// unix:///b]), debug: (from flag: true, "
                       "from file: false)",
                       "{\"hosts\": [\"fd://\", \"unix:///b\"], \"debug\": false}", "-H", "unix:///a", "-D",
                       NULL);
        ASSERT_REFUSED("from flag: http://xxxxx:xxxxx@h, from file: http://xxxxx:xxxxx@g",
                       "{\"proxies\": {\"http-proxy\": \"http://c:d@g\"}}", "--http-proxy=http://a:b@h",
                       NULL, NULL, NULL);
        ASSERT_REFUSED("line 2, column 3", "{\n  oops", NULL, NULL, NULL, NULL);
        ASSERT_REFUSED("unexpected end of input", "{\"debug\": true", NULL, NULL, NULL, NULL);
        ASSERT_REFUSED("not a JSON object but an array", "[]", NULL, NULL, NULL, NULL);
        ASSERT_REFUSED("invalid value of \"mtu\": expected an integer, got a string", "{\"mtu\": \"1400\"}",
                       NULL, NULL, NULL, NULL);
        ASSERT_REFUSED("invalid value of \"hosts\": expected an array of strings, got a string",
                       "{\"hosts\": \"fd://\"}", NULL, NULL, NULL, NULL);
        ASSERT_REFUSED("is out of range", "{\"mtu\": 99999999999}", NULL, NULL, NULL, NULL);
        ASSERT_REFUSED("failed to decode", "{\"debug\": \"\xff\"}", NULL, NULL, NULL, NULL);
        ASSERT_REFUSED("open /nonexistent/x: No such file", NULL, "--config-file=/nonexistent/x", NULL, NULL,
                       NULL);
        ASSERT_LOADS(NULL, "", NULL, NULL, NULL, NULL);
        ASSERT_LOADS(NULL, " \n", NULL, NULL, NULL, NULL);
        ASSERT_LOADS(NULL, "\xef\xbb\xbf{\"debug\": true}\n", NULL, NULL, NULL, NULL);
}

TEST(utf16) {
        static const char le[] = "\xff\xfe{\0}\0", odd[] = "\xff\xfe{", lone[] = "\xfe\xff\xd8\x00\x00{";
        static const char pair[] = "\xfe\xff\xd8\x3d\xde\x00";
        _cleanup_free_ char *text = NULL, *smile = NULL;
        size_t n;

        ASSERT_OK(config_decode_text(le, sizeof(le) - 1, &text, &n, NULL));
        ASSERT_STREQ(text, "{}");
        ASSERT_FAIL(config_decode_text(odd, sizeof(odd) - 1, &text, &n, NULL));
        ASSERT_FAIL(config_decode_text(lone, sizeof(lone) - 1, &text, &n, NULL));
        ASSERT_OK(config_decode_text(pair, sizeof(pair) - 1, &smile, &n, NULL));
        ASSERT_STREQ(smile, "\xf0\x9f\x98\x80");
}

TEST(checks) {
        static const struct {
                const char *flag, *text;
        } refused[] = {
                { "--log-level=loud", "invalid logging level: loud" },
                { "--log-format=xml", "invalid log format: xml" },
                { "--label=one", "bad attribute format: one" },
                { "--label=com.docker.x=y", "reserved for internal use" },
                { "--dns=1.1.1.1o", "IP address is not correctly formatted: 1.1.1.1o" },
                { "--dns-search=123456", "123456 is not a valid domain" },
                { "--dns-search=-a.b", "is not a valid domain" },
                { "--mtu=-10", "invalid default MTU: -10" },
                { "--max-concurrent-downloads=-1", "invalid max concurrent downloads: -1" },
                { "--bip=1.2.3", "invalid bip: invalid CIDR address: 1.2.3" },
                { "--bip=172.18.0.0/16", "is the address of the network" },
                { "--fixed-cidr=zzz", "invalid fixed-cidr: invalid CIDR address: zzz" },
                { "--default-ipc-mode=host", "IPC mode \"host\" is not supported as default value" },
                { "--default-cgroupns-mode=x", "invalid default cgroup namespace (x)" },
                { "--default-ulimit=nofile", "invalid ulimit argument: nofile" },
                { "--default-ulimit=foo=1", "invalid ulimit type: foo" },
                { "--default-ulimit=nofile=3:2",
                  "soft limit must be less than or equal to hard limit: 3 > 2" },
                { "--default-shm-size=x", "invalid size: 'x'" },
                { "--exec-opt=foo", "must be formatted 'opt=value'" },
                { "--exec-opt=foo=bar", "unknown option: 'foo'" },
                { "--exec-opt=native.cgroupdriver=x", "native.cgroupdriver option x is not supported" },
                { "--exec-opt=native.supervisor=x", "use \"systemd\", \"direct\" or \"auto\"" },
                { "--add-runtime=x", "invalid runtime argument: x" },
                { "--add-runtime=runc=/x", "runtime name 'runc' is reserved" },
                { "--default-runtime=nosuch", "specified default runtime 'nosuch' does not exist" },
                { "--storage-driver=btrfs", "storage driver btrfs is not supported" },
                { "--storage-opt=size=1", "storage option size is not supported" },
                { "--insecure-registry=http://x", "should not contain '://'" },
                { "--insecure-registry=x:99999", "invalid port" },
                { "--registry-mirror=ftp://x", "unsupported scheme \"ftp\"" },
                { "--registry-mirror=https://x/y", "path, query, or fragment" },
                { "--data-root=relative", "invalid data-root: must be an absolute path" },
                { "--firewall-backend=pf", "allowed values are" },
                { "--firewall-backend=iptables", "firewall-backend \"iptables\" is not supported yet" },
                { "--default-ipc-mode=shareable", "default-ipc-mode \"shareable\" is not supported yet" },
                { "--ip=::1", "ip \"::1\" is not supported yet" },
                { "--default-address-pool=base=fd00::/48,size=64",
                  "default-address-pools \"fd00::/48\" (IPv6) is not supported yet" },
                { "--feature=cdi", "features \"cdi\" is not supported yet" },
                { "--feature=containerd-snapshotter=true",
                  "features \"containerd-snapshotter\" is not supported yet" },
                { "--seccomp-profile=/nonexistent", "opening seccomp profile (/nonexistent) failed" },
                { "--log-driver=nosuch", "no log driver named 'nosuch' is registered" },
                { "--log-opt=nosuch=1", "nosuch" },
                { "--userns-remap=default", "option \"userns-remap\" is not supported yet" },
                { "--tls", "TLS needs a certificate and a key" },
                { "--cpu-rt-period=1000", "option \"cpu-rt-period\" is not supported yet" },
                { "--host=tcp://h:70000", "invalid port" },
                { "--host=tcp://h:1/x", "should not contain a path element" },
                { "--host=unix://rel", "not an absolute path" },
        };
        static const char *const accepted[] = {
                "--containerd=/run/x",
                "--containerd-namespace=x",
                "--containerd-plugins-namespace=x",
                "--userland-proxy=false",
                "--live-restore",
                "--storage-driver=vfs",
                "--storage-driver=overlay2",
                "--storage-opt=overlay2.override_kernel_check=true",
                "--exec-opt=native.cgroupdriver=cgroupfs",
                "--feature=containerd-snapshotter=false",
                "--feature=buildkit",
                "--nri-opts=enable=false",
                "--firewall-backend=nftables",
                "--cgroup-parent=/x",
                "--bridge=none",
                "--dns-search=.",
                "--restart",
                "--raw-logs",
                "--rootless=false",
        };

        setenv("DOCKER_CERT_PATH", "/nonexistent", 1);
        for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                ASSERT_REFUSED(refused[i].text, NULL, refused[i].flag, NULL, NULL, NULL);
        for (size_t i = 0; i < ELEMENTSOF(accepted); i++)
                ASSERT_LOADS(NULL, NULL, accepted[i], NULL, NULL, NULL);
        ASSERT_LOADS(NULL, "{\"features\":{\"buildkit\":true,\"other\":false}}", NULL, NULL, NULL, NULL);
        ASSERT_REFUSED("features \"cdi\" is not supported yet", "{\"features\":{\"cdi\":true}}", NULL, NULL,
                       NULL, NULL);
        ASSERT_REFUSED("conflict labels for a=2 and a=1", NULL, "--label=a=1", "--label=a=2", NULL, NULL);
        ASSERT_REFUSED("mutually exclusive", NULL, "--bip=10.0.0.1/24", "--bridge=br0", NULL, NULL);
        ASSERT_REFUSED("cgroup-parent for systemd cgroup", NULL, "--cgroup-parent=/x",
                       "--exec-opt=native.cgroupdriver=systemd", NULL, NULL);
        ASSERT_REFUSED("merged configuration validation from file and command line flags failed: invalid logging level",
                       "{}", "-l", "x", NULL, NULL);
}

TEST(hosts) {
        static const struct {
                const char *in, *out;
                bool tls;
        } rows[] = {
                { "tcp://", "tcp://localhost:2375", false },
                { "tcp://", "tcp://localhost:2376", true },
                { ":7", "tcp://localhost:7", false },
                { "0.0.0.0", "tcp://0.0.0.0:2375", false },
                { "tcp://[::1]:5", "tcp://[::1]:5", false },
                { "tcp://[::]", "tcp://[::]:2376", true },
                { "unix://", "unix:///var/run/docker.sock", false },
                { " unix:///x ", "unix:///x", false },
                { "fd://", "fd://", false },
                { "fd://*", "fd://*", false },
                { "fd://dockerd.socket", "fd://dockerd.socket", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_host_ Host h = {};

                ASSERT_OK(host_parse(rows[i].in, rows[i].tls, &h, NULL));
                ASSERT_STREQ(h.text, rows[i].out);
        }
        ASSERT_FAIL(host_parse("tcp://::1:2375", false, &(Host){}, NULL));
        ASSERT_FAIL(host_parse("tcp://[::1", false, &(Host){}, NULL));
}

/* What is refused although it is an option of Docker's may only become less:
 * src/main/refused-options.txt. */
TEST(refused_options) {
        _cleanup_free_ char *text = NULL, *expected = NULL;
        _cleanup_strv_free_ char **l = NULL;
        static const char *const drivers[] = {
                "awslogs", "fluentd", "gcplogs", "gelf", "journald", "local", "splunk", "syslog",
        };

        FOREACH_OPTION(o)
                if (o->flags & OPTION_LATER)
                        ASSERT_OK(strv_extend(&l, o->flag));
        for (size_t i = 0; i < n_refused_values; i++)
                ASSERT_OK(strv_extendf(&l, "%s %s", refused_values[i].flag, refused_values[i].value));
        for (size_t i = 0; i < ELEMENTSOF(drivers); i++) {
                const LogDriver *d;

                if (log_driver_find(drivers[i], &d, NULL) < 0)
                        ASSERT_OK(strv_extendf(&l, "log-driver %s", drivers[i]));
        }
        strv_sort(l);
        text = ASSERT_NOT_NULL(strv_join(l, "\n"));
        ASSERT_OK(read_file_at(AT_FDCWD, REFUSED_OPTIONS_FILE, 65536, &expected, NULL));
        ASSERT_STREQ(strstrip(expected), text);
}

TEST(table) {
        const char *last = "";

        FOREACH_OPTION(o) {
                ASSERT_TRUE(o->help && o->help[0] && !endswith(o->help, "."));
                if (o->flags & OPTION_NO_FLAG)
                        continue;
                if (strcmp(last, o->flag) >= 0)
                        test_fail("%s is not sorted", o->flag);
                last = o->flag;
                ASSERT_TRUE(option_by_flag(o->flag, strlen(o->flag)) == o);
                ASSERT_TRUE(!o->shorthand || option_by_shorthand(o->shorthand) == o);
        }
}

/* Every flag of --help is in the man page's section and the other way round. */
TEST(documents) {
        _cleanup_free_ char *help = NULL, *rst = NULL, *keys = NULL;
        size_t n;
        FILE *f;

        f = ASSERT_NOT_NULL(open_memstream(&help, &n));
        help_print(f);
        fclose(f);
        f = ASSERT_NOT_NULL(open_memstream(&rst, &n));
        ASSERT_OK(options_dump(f, "rst-flags", NULL));
        fclose(f);
        f = ASSERT_NOT_NULL(open_memstream(&keys, &n));
        ASSERT_OK(options_dump(f, "rst-keys", NULL));
        fclose(f);
        FOREACH_OPTION(o) {
                _cleanup_free_ char *in_help = NULL, *in_rst = NULL, *in_keys = NULL;
                bool shown = !(o->flags & (OPTION_HIDDEN | OPTION_NO_FLAG));

                ASSERT_OK(asprintf_safe(&in_help, " --%s", o->flag));
                ASSERT_OK(asprintf_safe(&in_rst, "``--%s``", o->flag));
                ASSERT_OK(asprintf_safe(&in_keys, "%s``", option_key(o)));
                if (shown) {
                        ASSERT_NOT_NULL(strstr(help, in_help));
                        ASSERT_NOT_NULL(strstr(rst, in_rst));
                }
                if (!(o->flags & (OPTION_NO_FILE | OPTION_HIDDEN)))
                        ASSERT_NOT_NULL(strstr(keys, in_keys));
        }
        for (const char *line = help; *line; line += strcspn(line, "\n") + 1)
                ASSERT_TRUE(strcspn(line, "\n") < 80);
}

TEST(reload) {
        _cleanup_(config_freep) Config *current = NULL, *fresh = NULL;
        _cleanup_(config_change_donep) ConfigChange change = {};
        StringMap attributes = {};
        const char *root;

        ASSERT_LOADS(&current, "{\"labels\":[\"a=1\"],\"data-root\":\"/one\"}", NULL, NULL, NULL, NULL);
        ASSERT_LOADS(&fresh, "{\"labels\":[\"a=2\"],\"data-root\":\"/two\",\"debug\":true}", NULL, NULL, NULL, NULL);
        root = current->engine.data_root;

        ASSERT_OK(config_compare(current, fresh, &change));
        ASSERT_TRUE(strv_contains(change.changed, "labels"));
        ASSERT_TRUE(strv_contains(change.changed, "debug"));
        ASSERT_EQ(strv_length(change.pending), 1U);
        ASSERT_STREQ(change.pending[0], "data-root");

        config_swap_reloadable(current, fresh);
        ASSERT_STREQ(current->engine.labels[0], "a=2");
        ASSERT_TRUE(current->engine.debug);
        ASSERT_TRUE(current->engine.data_root == root);         /* borrowers' pointers stay */
        ASSERT_STREQ(root, "/one");

        ASSERT_OK(config_reload_attributes(current, &attributes));
        ASSERT_STREQ(string_map_get(&attributes, "debug"), "true");
        ASSERT_NULL(string_map_get(&attributes, "data-root"));
        string_map_done(&attributes);

        config_swap_reloadable(current, fresh);
        ASSERT_STREQ(current->engine.labels[0], "a=1");
}

int main(int argc, char *argv[]) {
        char template[] = "/tmp/test-config-XXXXXX";

        test_directory = mkdtemp(template);
        if (!test_directory)
                return TEST_SKIP;
        unsetenv("DOCKER_TLS_VERIFY");
        unsetenv("DOCKERD_SUPERVISOR");
        unsetenv("DOCKER_MIN_API_VERSION");
        int r = test_run_all(argc, argv);
        (void) rm_rf_at(AT_FDCWD, test_directory);
        return r;
}
