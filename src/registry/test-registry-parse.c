/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/string-util.h"
#include "basic/tests.h"
#include "registry/auth-challenge.h"
#include "registry/manifest.h"
#include "registry/proxy.h"
#include "registry/registry-error.h"
#include "registry/url-text.h"

#define DIGEST_A "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST_B "sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST_C "sha256:2123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

TEST(challenges) {
        static const struct {
                const char *header, *scheme, *realm, *service, *scope;
                size_t n;
        } cases[] = {
                { "Basic realm=\"Registry\"", "basic", "Registry", NULL, NULL, 1 },
                { "BEARER Realm=\"https://auth/token\",SERVICE=\"reg\",scope=\"repository:a/b:pull,push\"",
                  "bearer", "https://auth/token", "reg", "repository:a/b:pull,push", 1 },
                { "Bearer realm=\"a\\\"b\", service = x , scope=\"\"", "bearer", "a\"b", "x", "", 1 },
                { "Basic realm=\"a, b\", Bearer realm=\"c\"", "bearer", "c", NULL, NULL, 2 },
                { "Negotiate, Bearer realm=c", "bearer", "c", NULL, NULL, 2 },
                { "Bearer realm=\"first\",realm=\"second\"", "bearer", "first", NULL, NULL, 1 },
                { "Bearer realm=\"open", "bearer", NULL, NULL, NULL, 1 },
                { "Bearer", "bearer", NULL, NULL, NULL, 1 },
        };

        FOREACH_ELEMENT(c, cases) {
                _cleanup_(auth_challenges_donep) AuthChallengeList l = {};
                const AuthChallenge *found;

                ASSERT_OK(auth_challenges_add(&l, c->header));
                ASSERT_EQ(l.n_items, c->n);
                found = auth_challenges_find(&l, c->scheme);
                ASSERT_TRUE(found);
                ASSERT_STREQ(found->realm, c->realm);
                ASSERT_STREQ(found->service, c->service);
                ASSERT_STREQ(found->scope, c->scope);
        }
}

TEST(challenge_limits) {
        _cleanup_(auth_challenges_donep) AuthChallengeList l = {};
        _cleanup_buffer_ Buffer b = {};

        for (int i = 0; i < 1000; i++)
                ASSERT_OK(buffer_append_str(&b, "a x=1, "));
        ASSERT_OK(auth_challenges_add(&l, b.data));
        ASSERT_EQ(l.n_items, AUTH_CHALLENGES_MAX);
}

TEST(errors) {
        static const struct {
                unsigned status;
                const char *body, *challenge, *text;
                RegistryFailureKind kind;
                RegistryCode code;
        } cases[] = {
                { 404, "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\"}]}",
                  NULL, "manifest unknown: manifest unknown", REGISTRY_FAILURE_CODE,
                  REGISTRY_CODE_MANIFEST_UNKNOWN },
                { 404, "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}", NULL,
                  "name unknown: repository name not known to registry", REGISTRY_FAILURE_CODE,
                  REGISTRY_CODE_NAME_UNKNOWN },
                { 401, "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\"}]}",
                  "Bearer realm=\"x\",error=\"insufficient_scope\"",
                  "denied: requested access to the resource is denied", REGISTRY_FAILURE_CODE,
                  REGISTRY_CODE_DENIED },
                { 401, "{\"details\":\"incorrect username or password\"}", NULL,
                  "unauthorized: incorrect username or password", REGISTRY_FAILURE_CODE,
                  REGISTRY_CODE_UNAUTHORIZED },
                { 401, "", "Basic realm=\"x\"", "unauthorized: authentication required",
                  REGISTRY_FAILURE_CODE, REGISTRY_CODE_UNAUTHORIZED },
                { 429,
                  "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"You have reached your limit\"}]}",
                  NULL, "toomanyrequests: You have reached your limit", REGISTRY_FAILURE_CODE,
                  REGISTRY_CODE_TOO_MANY_REQUESTS },
                { 429, "slow down", NULL, "toomanyrequests: too many requests", REGISTRY_FAILURE_CODE,
                  REGISTRY_CODE_TOO_MANY_REQUESTS },
                { 403,
                  "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"a\\u001b[31mb\"},{\"code\":\"ODD\"}]}",
                  NULL, "errors:\ndenied: a?[31mb\nunknown: unknown error\n", REGISTRY_FAILURE_CODE,
                  REGISTRY_CODE_DENIED },
                { 404, "<html>\n", NULL,
                  "error parsing HTTP 404 response body: it is not JSON: \"<html>\\n\"",
                  REGISTRY_FAILURE_RESPONSE, REGISTRY_CODE_UNKNOWN },
                { 404, "{}", NULL,
                  "error parsing HTTP 404 response body: no error details found in HTTP response body: \"{}\"",
                  REGISTRY_FAILURE_RESPONSE, REGISTRY_CODE_UNKNOWN },
                { 500, "{\"errors\":[{\"code\":\"DENIED\"}]}", NULL,
                  "received unexpected HTTP status: 500 Internal Server Error", REGISTRY_FAILURE_STATUS,
                  REGISTRY_CODE_UNKNOWN },
        };

        FOREACH_ELEMENT(c, cases) {
                _cleanup_(auth_challenges_donep) AuthChallengeList l = {};
                _cleanup_(registry_failure_donep) RegistryFailure f = {};

                if (c->challenge)
                        ASSERT_OK(auth_challenges_add(&l, c->challenge));
                ASSERT_OK(registry_failure_from_response(c->status, c->body, strlen(c->body), &l, &f));
                ASSERT_STREQ(f.text, c->text);
                ASSERT_EQ(f.kind, c->kind);
                ASSERT_EQ(f.code, c->code);
        }
}

/* --- platforms --- */

TEST(platform_parse) {
        static const struct {
                const char *input, *text;
        } cases[] = {
                { "linux/amd64", "linux/amd64" },
                { "linux/x86_64", "linux/amd64" },
                { "Linux/AArch64", "linux/arm64" },
                { "linux/arm64/v8", "linux/arm64" },
                { "linux/arm/7", "linux/arm/v7" },
                { "linux/armhf", "linux/arm/v7" },
                { "linux/armel", "linux/arm/v6" },
                { "linux/i386", "linux/386" },
                { "arm64", "linux/arm64" },
                { "windows/amd64", "windows/amd64" },
        };
        static const char *const refused[] = { "", "nonsense", "a b", "linux/amd64/v1/x", "linux/$" };
        char buf[PLATFORM_TEXT_MAX];

        FOREACH_ELEMENT(c, cases) {
                PlatformBuffer b;
                Platform p;

                ASSERT_OK(platform_parse(c->input, &b, NULL));
                p = platform_of(&b);
                ASSERT_STREQ(platform_format(buf, &p), c->text);
        }
        FOREACH_ELEMENT(s, refused) {
                PlatformBuffer b;

                ASSERT_FAIL(platform_parse(*s, &b, NULL));
        }
}

static int rank(const char *wanted, const char *os, const char *architecture, const char *variant) {
        PlatformBuffer b;

        ASSERT_OK(platform_parse(wanted, &b, NULL));
        const Platform w = platform_of(&b);
        return platform_rank(&w, &(Platform) { os, architecture, variant });
}

TEST(platform_rank) {
        ASSERT_EQ(rank("linux/amd64", "linux", "amd64", NULL), 0);
        ASSERT_EQ(rank("linux/amd64", "linux", "amd64", "v1"), 0);
        ASSERT_TRUE(rank("linux/amd64", "linux", "amd64", "v3") < 0);
        ASSERT_TRUE(rank("linux/amd64/v3", "linux", "amd64", "v2") <
                    rank("linux/amd64/v3", "linux", "amd64", NULL));
        ASSERT_TRUE(rank("linux/amd64", "linux", "386", NULL) > 0);
        ASSERT_TRUE(rank("linux/amd64", "linux", "arm64", NULL) < 0);
        ASSERT_TRUE(rank("linux/amd64", "windows", "amd64", NULL) < 0);
        ASSERT_TRUE(rank("linux/amd64", "unknown", "unknown", NULL) < 0);
        ASSERT_EQ(rank("linux/arm64", "linux", "arm64", "v8"), 0);
        ASSERT_TRUE(rank("linux/arm64", "linux", "arm", "v7") > 0);
        ASSERT_EQ(rank("linux/arm/v7", "linux", "arm", "v7"), 0);
        ASSERT_EQ(rank("linux/arm/v7", "linux", "arm", "v6"), 1);
        ASSERT_TRUE(rank("linux/arm/v6", "linux", "arm", "v7") < 0);
        ASSERT_EQ(rank("linux/s390x", "linux", "s390x", ""), 0);
}

/* --- manifests --- */

#define DESCRIPTOR(type, digest) "{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":10}"
#define CONFIG "\"config\":" DESCRIPTOR(MEDIA_TYPE_OCI_CONFIG, DIGEST_A)
#define LAYERS "\"layers\":[" DESCRIPTOR(MEDIA_TYPE_OCI_LAYER "+gzip", DIGEST_B) "]"
#define ENTRY(digest, os, arch)                                               \
        "{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"digest\":\"" digest \
        "\",\"size\":5,\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}}"

static int parse(const char *text, const char *content_type, Manifest *ret, Error *e) {
        return manifest_parse(text, strlen(text), content_type, "docker.io/library/x:1", ret, e);
}

TEST(manifest_kinds) {
        static const struct {
                const char *text, *content_type, *media_type;
                ManifestKind kind;
        } cases[] = {
                { "{\"schemaVersion\":2," CONFIG "," LAYERS "}", NULL, MEDIA_TYPE_OCI_MANIFEST,
                  MANIFEST_IMAGE },
                { "{\"schemaVersion\":2," CONFIG "," LAYERS "}", MEDIA_TYPE_DOCKER_MANIFEST,
                  MEDIA_TYPE_DOCKER_MANIFEST, MANIFEST_IMAGE },
                { "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_DOCKER_MANIFEST "\"," CONFIG "," LAYERS
                  "}",
                  "application/octet-stream", MEDIA_TYPE_DOCKER_MANIFEST, MANIFEST_IMAGE },
                { "{\"schemaVersion\":2," CONFIG "," LAYERS "}", MEDIA_TYPE_OCI_MANIFEST "; charset=utf-8",
                  MEDIA_TYPE_OCI_MANIFEST, MANIFEST_IMAGE },
                { "{\"schemaVersion\":2,\"manifests\":[]}", NULL, MEDIA_TYPE_OCI_INDEX, MANIFEST_INDEX },
                { "{\"schemaVersion\":2,\"manifests\":[]}", MEDIA_TYPE_DOCKER_MANIFEST_LIST,
                  MEDIA_TYPE_DOCKER_MANIFEST_LIST, MANIFEST_INDEX },
        };

        FOREACH_ELEMENT(c, cases) {
                _cleanup_(manifest_donep) Manifest m = {};

                ASSERT_OK(parse(c->text, c->content_type, &m, NULL));
                ASSERT_EQ(m.kind, c->kind);
                ASSERT_STREQ(m.media_type, c->media_type);
        }
}

TEST(manifest_refused) {
        static const struct {
                const char *text, *content_type, *message;
        } cases[] = {
                { "", NULL, "the manifest cannot be read" },
                { "[]", NULL, "no JSON object" },
                { "{}", NULL, "unsupported manifest format" },
                { "{\"mediaType\":\"text/plain\"," CONFIG "}", NULL, "unsupported manifest format" },
                /* CVE-2021-41190 and its relatives */
                { "{\"schemaVersion\":2,\"manifests\":[]," CONFIG "," LAYERS "}", MEDIA_TYPE_OCI_INDEX,
                  "should not have \"config\"" },
                { "{\"schemaVersion\":2,\"manifests\":[]," CONFIG "," LAYERS "}", MEDIA_TYPE_OCI_MANIFEST,
                  "should not have \"manifests\"" },
                { "{\"schemaVersion\":2,\"manifests\":[]," CONFIG "}", NULL, "unsupported manifest format" },
                { "{\"schemaVersion\":2,\"manifests\":[],\"Layers\":[]}", MEDIA_TYPE_OCI_INDEX,
                  "should not have \"config\"" },
                { "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX "\",\"manifests\":[]}",
                  MEDIA_TYPE_OCI_MANIFEST, "mediaType in manifest should be" },
                { "{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, "schema 1 support has been removed" },
                { "{\"schemaVersion\":1}", MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED,
                  "author of docker.io/library/x:1" },
                { "{\"schemaVersion\":3," CONFIG "}", NULL, "schema version 3" },
                { "{\"schemaVersion\":2,\"layers\":[]}", NULL, "no config" },
                { "{\"schemaVersion\":2,\"config\":" DESCRIPTOR("x", "sha256:12") "}", NULL,
                  "could not validate config digest" },
                { "{\"schemaVersion\":2,\"config\":" DESCRIPTOR("x", "../../etc/passwd") "}", NULL,
                  "could not validate config digest" },
                { "{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"digest\":\"" DIGEST_B "\",\"size\":-1}]}",
                  NULL, "is negative" },
                { "{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"size\":1}]}", NULL, "digest" },
        };

        FOREACH_ELEMENT(c, cases) {
                _cleanup_(manifest_donep) Manifest m = {};
                _cleanup_error_ Error e = ERROR_NULL;

                ASSERT_FAIL(parse(c->text, c->content_type, &m, &e));
                if (!strstr(error_message(&e), c->message))
                        test_fail("\"%s\" does not say \"%s\"", error_message(&e), c->message);
        }
}

TEST(manifest_select) {
        static const char text[] = "{\"schemaVersion\":2,\"manifests\":[" ENTRY(
                        DIGEST_A, "unknown", "unknown") "," ENTRY(DIGEST_B, "linux",
                                                                  "386") "," ENTRY(DIGEST_C, "linux",
                                                                                   "amd64") "]}";
        static const struct {
                const char *platform, *digest;
        } cases[] = {
                { "linux/amd64", DIGEST_C },
                { "linux/386", DIGEST_B },
                { "linux/arm64", NULL },
                { "windows/amd64", NULL },
        };
        _cleanup_(manifest_donep) Manifest m = {};

        ASSERT_OK(parse(text, NULL, &m, NULL));
        FOREACH_ELEMENT(c, cases) {
                const OciDescriptor *d;
                PlatformBuffer b;

                ASSERT_OK(platform_parse(c->platform, &b, NULL));
                const Platform p = platform_of(&b);
                d = manifest_select(&m, &p);
                ASSERT_STREQ(d ? d->digest : NULL, c->digest);
        }
}

TEST(manifest_artifacts) {
        static const struct {
                const char *config, *layer, *message;
        } cases[] = {
                { MEDIA_TYPE_OCI_CONFIG, MEDIA_TYPE_OCI_LAYER "+zstd", NULL },
                { MEDIA_TYPE_DOCKER_CONFIG, "application/vnd.docker.image.rootfs.diff.tar.gzip", NULL },
                { "application/vnd.example.config+json", MEDIA_TYPE_OCI_LAYER,
                  "unsupported media type application/vnd."
                  "example.config+json" },
                { "application/vnd.docker.plugin.v1+json", MEDIA_TYPE_OCI_LAYER, "(plugin)" },
                { MEDIA_TYPE_OCI_CONFIG, "application/vnd.in-toto+json",
                  "unsupported media type application/vnd.in-"
                  "toto+json" },
                { MEDIA_TYPE_OCI_CONFIG, "application/vnd.oci.image.layer.v1.tarball",
                  "unsupported media type" },
        };

        FOREACH_ELEMENT(c, cases) {
                _cleanup_(manifest_donep) Manifest m = {};
                _cleanup_error_ Error e = ERROR_NULL;
                _cleanup_free_ char *text = NULL;
                int r;

                ASSERT_OK(asprintf_safe(
                                &text,
                                "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\",\"digest\":\"" DIGEST_A
                                "\"},\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"" DIGEST_B "\"}]}",
                                c->config, c->layer));
                ASSERT_OK(parse(text, NULL, &m, &e));
                r = manifest_check_image(&m, &e);
                ASSERT_EQ(r < 0, c->message != NULL);
                if (c->message && !strstr(error_message(&e), c->message))
                        test_fail("\"%s\" does not say \"%s\"", error_message(&e), c->message);
        }
}

/* --- proxies --- */

TEST(proxies) {
        static const struct {
                const char *no_proxy, *scheme, *host;
                uint16_t port;
                const char *proxy;
        } cases[] = {
                { NULL, "https", "example.com", 443, "http://s:1" },
                { NULL, "http", "example.com", 80, "http://p:1" },
                { NULL, "https", "localhost", 443, NULL },
                { NULL, "https", "127.0.0.5", 443, NULL },
                { NULL, "https", "::1", 443, NULL },
                { "example.com", "https", "example.com", 443, NULL },
                { "example.com", "https", "a.example.com", 443, NULL },
                { "example.com", "https", "notexample.com", 443, "http://s:1" },
                { ".example.com", "https", "example.com", 443, "http://s:1" },
                { ".example.com", "https", "a.example.com", 443, NULL },
                { "*.example.com", "https", "a.example.com", 443, NULL },
                { "example.com:8443", "https", "example.com", 443, "http://s:1" },
                { "a, example.com:443", "https", "example.com", 443, NULL },
                { "10.0.0.0/8", "https", "10.1.2.3", 443, NULL },
                { "10.0.0.0/8", "https", "11.1.2.3", 443, "http://s:1" },
                { "10.1.2.3", "https", "10.1.2.3", 443, NULL },
                { "fd00::/8", "https", "fd00::1", 443, NULL },
                { "[fd00::1]:443", "https", "fd00::1", 443, NULL },
                { "*", "https", "example.com", 443, NULL },
        };

        FOREACH_ELEMENT(c, cases) {
                const ProxyRules p = { "http://p:1", "http://s:1", c->no_proxy };

                ASSERT_STREQ(proxy_for(&p, c->scheme, c->host, c->port), c->proxy);
        }
        ASSERT_STREQ(proxy_for(&(ProxyRules) {}, "https", "example.com", 443), NULL);
}

TEST(urls) {
        static const struct {
                const char *url, *redacted;
                bool ok;
        } cases[] = {
                { "http://example.com", "http://example.com", true },
                { "HTTPS://example.com:8443/a?b@c:d", "HTTPS://example.com:8443/a?b@c:d", true },
                { "http://user:secret@example.com/a@b", "http://user:***@example.com/a@b", true },
                { "http://user:se@cret@example.com", "http://user:***@example.com", true },
                { "http://user@example.com", "http://user@example.com", true },
                { "http://[::1]:80/", "http://[::1]:80/", true },
                { "http://", "http://", false },
                { "http:///path", "http:///path", false },
                { "http://:80/", "http://:80/", false },
                { "http://user:secret@/", "http://user:***@/", false },
                { "ftp://example.com", "ftp://example.com", false },
                { "file:///etc/passwd", "file:///etc/passwd", false },
                { "example.com", "example.com", false },
                { "http://exa mple.com", "http://exa mple.com", false },
                { "http://example.com/\r\nX: y", "http://example.com/\r\nX: y", false },
        };

        FOREACH_ELEMENT(c, cases) {
                _cleanup_free_ char *redacted = url_redact(c->url);

                ASSERT_STREQ(redacted, c->redacted);
                ASSERT_EQ(url_check(c->url, NULL) >= 0, c->ok);
        }
}

DEFINE_TEST_MAIN();
