/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/stat.h>

#include "basic/fileio.h"
#include "basic/hexdecoct.h"
#include "basic/path-util.h"
#include "basic/strv.h"
#include "basic/tests.h"
#include "registry/registry-config.h"

static const DaemonRegistryConfig config = {
        .mirrors = (char *[]) { (char *) "https://mirror.local/", (char *) "http://plain.local:81/",
                                (char *) "quay.io=https://quay.mirror/", NULL },
        .insecure = (char *[]) { (char *) "reg.local:5000", (char *) "10.1.0.0/16", NULL },
        .max_download_attempts = 7,
};

static void access_of(const char *name, RegistryPurpose purpose, RegistryAccess *ret) {
        _cleanup_reference_ Reference ref = {};

        ASSERT_OK(reference_parse(name, &ref, NULL));
        ASSERT_OK(registry_access_for(&config, &ref, purpose, &(RegistryAuth){ .username = (char *) "u" },
                                      ret, NULL));
}

static void assert_endpoints(const RegistryAccess *a, const char *expected) {
        _cleanup_buffer_ Buffer b = {};

        for (size_t i = 0; i < a->endpoints.n_items; i++) {
                const RegistryEndpoint *e = a->endpoints.items + i;

                ASSERT_OK(buffer_appendf(&b, "%s%s%s%s%s", i > 0 ? " " : "", e->url,
                                         e->mirror ? ",mirror" : "", e->insecure ? ",insecure" : "",
                                         e->by_address ? ",by-address" : ""));
        }
        ASSERT_STREQ(b.data, expected);
}

TEST(endpoints) {
        static const struct {
                const char *name;
                RegistryPurpose purpose;
                const char *endpoints, *repository, *familiar;
        } cases[] = {
                { "busybox", REGISTRY_PULL,
                  "https://mirror.local,mirror,by-address http://plain.local:81,mirror https://registry-1.docker.io",
                  "library/busybox", "busybox" },
                { "user/app:1", REGISTRY_PUSH, "https://registry-1.docker.io", "user/app", "user/app" },
                { "quay.io/a/b", REGISTRY_PULL,
                  "https://quay.mirror,mirror,by-address https://quay.io,by-address http://quay.io,by-address",
                  "a/b", "quay.io/a/b" },
                { "quay.io/a/b", REGISTRY_PUSH, "https://quay.io,by-address http://quay.io,by-address",
                  "a/b", "quay.io/a/b" },
                { "reg.local:5000/a", REGISTRY_PULL,
                  "https://reg.local:5000,insecure http://reg.local:5000,insecure", "a",
                  "reg.local:5000/a" },
                { "10.1.2.3:5000/a", REGISTRY_PULL,
                  "https://10.1.2.3:5000,insecure http://10.1.2.3:5000,insecure", "a", "10.1.2.3:5000/a" },
                { "10.2.2.3/a", REGISTRY_PULL, "https://10.2.2.3", "a", "10.2.2.3/a" },
                { "127.0.0.1:5000/a", REGISTRY_PULL,
                  "https://127.0.0.1:5000,insecure http://127.0.0.1:5000,insecure", "a",
                  "127.0.0.1:5000/a" },
                { "[::1]:5000/a", REGISTRY_PULL, "https://[::1]:5000,insecure http://[::1]:5000,insecure",
                  "a", "[::1]:5000/a" },
                { "localhost:5000/a", REGISTRY_PULL,
                  "https://localhost:5000,by-address http://localhost:5000,by-address", "a",
                  "localhost:5000/a" },
        };

        FOREACH_ELEMENT(c, cases) {
                _cleanup_(RegistryAccess_donep) RegistryAccess a = {};

                access_of(c->name, c->purpose, &a);
                assert_endpoints(&a, c->endpoints);
                ASSERT_STREQ(a.repository, c->repository);
                ASSERT_STREQ(a.familiar, c->familiar);
                ASSERT_STREQ(a.auth.username, "u");
                ASSERT_EQ(a.attempts, 7);
                ASSERT_TRUE(strv_contains(a.insecure_prefixes, "127.0.0.0/8"));
                ASSERT_TRUE(strv_contains(a.insecure_prefixes, "10.1.0.0/16"));
        }
}

TEST(login) {
        static const struct {
                const char *server, *endpoints;
        } cases[] = {
                { "", "https://registry-1.docker.io" },
                { "https://index.docker.io/v1/", "https://registry-1.docker.io" },
                { "docker.io", "https://registry-1.docker.io" },
                { "127.0.0.1:5000", "https://127.0.0.1:5000,insecure http://127.0.0.1:5000,insecure" },
                { "http://10.2.0.1/v2/", "https://10.2.0.1" },
                { "ftp://x", NULL },
                { "https://u@x", NULL },
                { "https:///", NULL },
        };

        FOREACH_ELEMENT(c, cases) {
                _cleanup_(RegistryAccess_donep) RegistryAccess a = {};
                int r = registry_access_for_login(
                                &config, &(RegistryAuth){ .server_address = (char *) c->server }, &a, NULL);

                ASSERT_EQ(r < 0, c->endpoints == NULL);
                if (c->endpoints)
                        assert_endpoints(&a, c->endpoints);
        }
}

TEST(search) {
        static const struct {
                const char *term, *endpoints, *rest;
        } cases[] = {
                { "busybox", "https://index.docker.io", "busybox" },
                { "library/busybox", "https://index.docker.io", "busybox" },
                { "docker.io/user/app", "https://index.docker.io", "user/app" },
                { "10.2.0.1/x/y", "https://10.2.0.1", "x/y" },
                { "http://x", NULL, NULL },
        };

        FOREACH_ELEMENT(c, cases) {
                _cleanup_(RegistryAccess_donep) RegistryAccess a = {};
                _cleanup_free_ char *rest = NULL;
                int r = registry_access_for_search(&config, c->term, NULL, &a, &rest, NULL);

                ASSERT_EQ(r < 0, c->endpoints == NULL);
                ASSERT_STREQ(rest, c->rest);
                if (c->endpoints)
                        assert_endpoints(&a, c->endpoints);
        }
}

/* --- credentials --- */

static int decode(const char *json, RegistryAuth *ret) {
        _cleanup_free_ char *header = base64mem(json, strlen(json));

        ASSERT_TRUE(header);
        return registry_auth_decode(header, ret, NULL);
}

TEST(auth) {
        _cleanup_(RegistryAuth_donep) RegistryAuth a = {}, b = {}, c = {}, none = {};

        ASSERT_OK(decode("{\"username\":\"u\",\"password\":\"p:?>\",\"serveraddress\":\"https://h\"}", &a));
        ASSERT_STREQ(a.username, "u");
        ASSERT_STREQ(a.password, "p:?>");
        ASSERT_STREQ(a.server_address, "https://h");
        ASSERT_OK(decode("{\"identitytoken\":\"i\",\"registrytoken\":\"r\"}", &b));
        ASSERT_STREQ(b.identity_token, "i");
        ASSERT_STREQ(b.registry_token, "r");
        ASSERT_OK(decode("{\"auth\":\"dTpwOng=\"}", &c));
        ASSERT_STREQ(c.username, "u");
        ASSERT_STREQ(c.password, "p:x");
        ASSERT_OK(registry_auth_decode(NULL, &none, NULL));
        ASSERT_OK(registry_auth_decode("", &none, NULL));
        ASSERT_OK(registry_auth_decode("e30=", &none, NULL));
        ASSERT_OK(registry_auth_decode("e30", &none, NULL));
}

TEST(auth_refused) {
        static const char *const refused[] = {
                "[]", "{", "{\"username\":1}", "{\"auth\":\"!\"}", "{\"auth\":\"dQ==\"}",
                "{\"username\":\"a\\r\\nX: y\",\"password\":\"b\"}", "{\"registrytoken\":\"a\\nb\"}",
                "{\"username\":\"a:b\",\"password\":\"b\"}",
        };
        RegistryAuth a = {};

        FOREACH_ELEMENT(json, refused)
                ASSERT_FAIL(decode(*json, &a));
        ASSERT_FAIL(registry_auth_decode("%%%", &a, NULL));
        ASSERT_STREQ(a.username, NULL);
}

TEST(auths) {
        static const char json[] = "{\"https://index.docker.io/v1/\":{\"username\":\"hub\"},"
                                   "\"https://reg.local:5000/v2/\":{\"username\":\"reg\"},"
                                   "\"reg.local\":{\"username\":\"other\"}}";
        static const struct {
                const char *name, *username;
        } cases[] = {
                { "busybox", "hub" },
                { "reg.local:5000/a", "reg" },
                { "reg.local/a", "other" },
                { "reg2.local/a", NULL },
        };
        _cleanup_free_ char *header = base64mem(json, strlen(json));
        _cleanup_(RegistryAuths_donep) RegistryAuths all = {};

        ASSERT_OK(registry_auths_decode(header, &all, NULL));
        FOREACH_ELEMENT(c, cases) {
                _cleanup_reference_ Reference ref = {};
                const RegistryAuth *a;

                ASSERT_OK(reference_parse(c->name, &ref, NULL));
                a = registry_auths_find(&all, &ref);
                ASSERT_STREQ(a ? a->username : NULL, c->username);
        }
}

TEST(secrets_are_hidden) {
        const RegistryAccess a = {
                .token = (char *) "geheim",
                .auth = { .username = (char *) "u", .password = (char *) "geheim", .auth = (char *) "geheim",
                          .identity_token = (char *) "geheim", .registry_token = (char *) "geheim" },
                .proxies = { .http = (char *) "http://u:geheim@p" },
        };
        _cleanup_free_ char *text = json_redacted_text(&RegistryAccess_json, &a);

        ASSERT_TRUE(text);
        ASSERT_TRUE(strstr(text, "\"u\""));
        ASSERT_FALSE(strstr(text, "geheim"));
}

/* --- certs.d --- */

static void put(const char *directory, const char *name, const char *text) {
        _cleanup_free_ char *path = path_join(directory, name);

        ASSERT_OK(write_file_atomic_at(AT_FDCWD, path, text, strlen(text), 0600, 0));
}

TEST(certificates) {
        char directory[] = "/tmp/test-registry-XXXXXX";
        _cleanup_free_ char *host = NULL;
        _cleanup_error_ Error e = ERROR_NULL;
        _cleanup_reference_ Reference ref = {};
        RegistryAccess a = {};

        ASSERT_TRUE(mkdtemp(directory));
        host = path_join(directory, "10.2.2.3:443");
        ASSERT_OK(mkdir(host, 0700));
        put(host, "b.crt", "B");
        put(host, "a.crt", "A");
        put(host, "client.cert", "C");
        put(host, "client.key", "K");
        put(host, "note.txt", "x");
        registry_set_certs_directory(directory);

        ASSERT_OK(reference_parse("10.2.2.3:443/a", &ref, NULL));
        ASSERT_OK(registry_access_for(&config, &ref, REGISTRY_PULL, NULL, &a, NULL));
        ASSERT_STREQ(a.endpoints.items[0].ca, "A\nB\n");
        ASSERT_EQ(a.endpoints.items[0].clients.n_items, 1U);
        ASSERT_STREQ(a.endpoints.items[0].clients.items[0].certificate, "C");
        ASSERT_STREQ(a.endpoints.items[0].clients.items[0].key, "K");
        json_done(&RegistryAccess_json, &a);

        put(host, "lonely.cert", "C");
        ASSERT_FAIL(registry_access_for(&config, &ref, REGISTRY_PULL, NULL, &a, &e));
        ASSERT_STREQ(error_message(&e),
                     "missing key lonely.key for client certificate lonely.cert. CA certificates "
                     "must use the extension .crt");
        registry_set_certs_directory(NULL);
        ASSERT_OK(rm_rf_at(AT_FDCWD, directory));
}

/* --- /info --- */

TEST(service_config) {
        RegistryServiceConfig s = {};
        _cleanup_free_ char *text = NULL;

        ASSERT_OK(registry_service_config(&config, &s));
        text = json_encode_text(&RegistryServiceConfig_json, &s, 0);
        ASSERT_STREQ(text,
                     "{\"InsecureRegistryCIDRs\":[\"10.1.0.0/16\",\"::1/128\",\"127.0.0.0/8\"],\"IndexConfigs\":{"
                     "\"docker.io\":{\"Name\":\"docker.io\",\"Mirrors\":[\"https://mirror.local/\","
                     "\"http://plain.local:81/\"],\"Secure\":true,\"Official\":true},"
                     "\"reg.local:5000\":{\"Name\":\"reg.local:5000\",\"Mirrors\":[],\"Secure\":false,"
                     "\"Official\":false}},\"Mirrors\":[\"https://mirror.local/\",\"http://plain.local:81/\"]}");
        json_done(&RegistryServiceConfig_json, &s);
}

DEFINE_TEST_MAIN();
