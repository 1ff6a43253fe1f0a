/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry-config.h"

#include <strings.h>

#include "basic/hexdecoct.h"
#include "basic/net-addr.h"
#include "basic/strv.h"
#include "config.h"
#include "registry/registry-certs.h"

#define CERTS_DIRECTORY "/etc/docker/certs.d"
#define INDEX_HOST "index.docker.io"
/* Bytes of one header with credentials. */
#define AUTH_HEADER_MAX (64U * 1024U)
#define AUTH_DEPTH_MAX 8U

static const char *certs_directory = CERTS_DIRECTORY;

/* Always insecure: a registry on this host. */
static const char *const loopback_prefixes[] = { "::1/128", "127.0.0.0/8" };

void registry_set_certs_directory(const char *path) {
        certs_directory = path ?: CERTS_DIRECTORY;
}

static bool is_official(const char *host) {
        return streq(host, REGISTRY_INDEX_NAME) || streq(host, INDEX_HOST);
}

/* --- insecure registries --- */

static int add_prefix(char ***l, const NetPrefix *p) {
        const NetPrefix masked = net_prefix_mask(p);
        char text[NET_PREFIX_TEXT_MAX];

        net_prefix_format(text, &masked);
        return strv_contains(*l, text) ? 0 : strv_extend(l, text);
}

static int insecure_prefixes(const DaemonRegistryConfig *c, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;
        NetPrefix p;
        int r = 0;

        STRV_FOREACH(entry, c->insecure)
                if (r >= 0 && net_prefix_parse(*entry, &p) >= 0)
                        r = add_prefix(&l, &p);
        FOREACH_ELEMENT(entry, loopback_prefixes)
                if (r >= 0 && net_prefix_parse(*entry, &p) >= 0)
                        r = add_prefix(&l, &p);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

static bool is_in_prefixes(char *const *prefixes, const NetAddr *addr) {
        NetPrefix p;

        STRV_FOREACH(prefix, prefixes)
                if (net_prefix_parse(*prefix, &p) >= 0 && net_prefix_contains(&p, addr))
                        return true;
        return false;
}

/* "host[:port]", "[::1]:port" without its port and brackets. */
static char *bare_host(const char *host) {
        const char *colon = strrchr(host, ':'), *bracket = strchr(host, ']');

        if (host[0] == '[' && bracket)
                return strndup_safe(host + 1, (size_t) (bracket - host - 1));
        return colon && strchr(host, ':') == colon ? strndup_safe(host, (size_t) (colon - host)) :
                                                     strdup(host);
}

typedef enum Security {
        SECURE,
        INSECURE,
        BY_ADDRESS,                     /* the worker decides when it has resolved the name */
} Security;

static int find_security(const DaemonRegistryConfig *c, char *const *prefixes, const char *host,
                         Security *ret) {
        _cleanup_free_ char *bare = NULL;
        NetAddr addr;

        STRV_FOREACH(entry, c->insecure)
                if (streq(*entry, host)) {
                        *ret = INSECURE;
                        return 0;
                }
        bare = bare_host(host);
        if (!bare)
                return -ENOMEM;
        if (net_addr_parse(bare, &addr) < 0)
                *ret = BY_ADDRESS;
        else
                *ret = is_in_prefixes(prefixes, &addr) ? INSECURE : SECURE;
        return 0;
}

/* --- endpoints --- */

static int add_endpoint(RegistryAccess *a, const char *scheme, const char *host, RegistryEndpoint **ret) {
        RegistryEndpoint *grown = reallocarray(a->endpoints.items, a->endpoints.n_items + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        a->endpoints.items = grown;
        *ret = grown + a->endpoints.n_items;
        **ret = (RegistryEndpoint) { .url = strjoin(scheme, "://", host) };
        if (!(*ret)->url)
                return -ENOMEM;
        a->endpoints.n_items++;
        return 0;
}

/* https, and http behind it where that is allowed. */
static int add_registry(const DaemonRegistryConfig *c, RegistryAccess *a, const char *host, Error *reterr) {
        RegistryEndpoint *e;
        Security security;
        int r;

        r = find_security(c, a->insecure_prefixes, host, &security);
        if (r >= 0)
                r = add_endpoint(a, "https", host, &e);
        if (r < 0)
                return error_fill(reterr, r);
        e->insecure = security == INSECURE;
        e->by_address = security == BY_ADDRESS;
        if (security != INSECURE) {
                r = registry_certs_load(certs_directory, host, e, reterr);
                if (r < 0)
                        return r;
        }
        if (security == SECURE)
                return 0;
        r = add_endpoint(a, "http", host, &e);
        if (r < 0)
                return error_fill(reterr, r);
        e->insecure = security == INSECURE;
        e->by_address = security == BY_ADDRESS;
        return 0;
}

const char *registry_mirror_url(const char *mirror, size_t *ret_host_length) {
        const char *scheme = strstr(mirror, "://"), *equals = strchr(mirror, '=');
        bool has_host = equals && scheme && equals < scheme;

        *ret_host_length = has_host ? (size_t) (equals - mirror) : 0;
        return has_host ? equals + 1 : mirror;
}

static bool mirrors_host(const char *mirror, const char *host, const char **ret_url) {
        size_t n;

        *ret_url = registry_mirror_url(mirror, &n);
        if (n == 0)
                return is_official(host);
        return strlen(host) == n && strncasecmp(mirror, host, n) == 0;
}

static int add_mirror(const DaemonRegistryConfig *c, RegistryAccess *a, const char *url, Error *reterr) {
        const char *host = strstr(url, "://") + 3;
        _cleanup_free_ char *scheme = strndup_safe(url, (size_t) (host - 3 - url));
        _cleanup_free_ char *name = strndup_safe(host, strcspn(host, "/"));
        RegistryEndpoint *e;
        Security security;
        int r;

        r = scheme && name ? find_security(c, a->insecure_prefixes, name, &security) : -ENOMEM;
        if (r >= 0)
                r = add_endpoint(a, scheme, name, &e);
        if (r < 0)
                return error_fill(reterr, r);
        e->mirror = true;
        /* A mirror in plain text was configured as one. */
        if (streq(scheme, "http"))
                return 0;
        e->insecure = security == INSECURE;
        e->by_address = security == BY_ADDRESS;
        return security == INSECURE ? 0 : registry_certs_load(certs_directory, name, e, reterr);
}

static int add_endpoints(const DaemonRegistryConfig *c, RegistryAccess *a, const char *host,
                         RegistryPurpose purpose, Error *reterr) {
        RegistryEndpoint *e;
        const char *url;
        int r = 0;

        STRV_FOREACH(mirror, c->mirrors)
                if (r >= 0 && purpose == REGISTRY_PULL && mirrors_host(*mirror, host, &url))
                        r = add_mirror(c, a, url, reterr);
        if (r < 0)
                return r;
        if (!is_official(host))
                return add_registry(c, a, host, reterr);
        r = add_endpoint(a, "https", REGISTRY_DEFAULT_HOST, &e);
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* --- access --- */

int registry_proxies(const DaemonRegistryConfig *c, RegistryProxies *ret) {
        const struct {
                char **member;
                const char *value, *upper, *lower;
        } rows[] = {
                { &ret->http,     c->http_proxy,  "HTTP_PROXY",  "http_proxy"  },
                { &ret->https,    c->https_proxy, "HTTPS_PROXY", "https_proxy" },
                { &ret->no_proxy, c->no_proxy,    "NO_PROXY",    "no_proxy"    },
        };

        FOREACH_ELEMENT(row, rows) {
                const char *value = empty_to_null(row->value);

                if (!value)
                        value = empty_to_null(getenv(row->upper));
                if (!value)
                        value = empty_to_null(getenv(row->lower));
                *row->member = strdup(strempty(value));
                if (!*row->member)
                        return -ENOMEM;
        }
        return 0;
}

static int access_init(const DaemonRegistryConfig *c, const RegistryAuth *auth, RegistryAccess *ret) {
        int r;

        r = insecure_prefixes(c, &ret->insecure_prefixes);
        if (r >= 0)
                r = registry_proxies(c, &ret->proxies);
        if (r >= 0 && auth)
                r = json_copy(&RegistryAuth_json, auth, &ret->auth);
        if (r < 0)
                return r;
        ret->user_agent = strdup("dockerd/" PROJECT_VERSION);
        ret->attempts = (uint64_t) c->max_download_attempts;
        return ret->user_agent ? 0 : -ENOMEM;
}

int registry_access_for(const DaemonRegistryConfig *c, const Reference *ref, RegistryPurpose purpose,
                        const RegistryAuth *auth, RegistryAccess *ret, Error *reterr) {
        _cleanup_(RegistryAccess_donep) RegistryAccess a = {};
        int r;

        r = access_init(c, auth, &a);
        if (r >= 0)
                r = (a.repository = strdup(ref->path)) ? 0 : -ENOMEM;
        if (r >= 0)
                r = (a.familiar = reference_familiar_name(ref)) ? 0 : -ENOMEM;
        if (r < 0)
                return error_fill(reterr, r);
        r = add_endpoints(c, &a, ref->domain, purpose, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_STRUCT(a);
        return 0;
}

/* The host of "[scheme://]host[/...]". */
static int server_host(const char *address, char **ret, Error *reterr) {
        const char *scheme = strstr(address, "://"), *host = scheme ? scheme + 3 : address;

        if (scheme && !startswith(address, "https://") && !startswith(address, "http://"))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid server address \"%s\": unsupported URL scheme "
                                  "\"%.*s\": must be \"http\" or \"https\"",
                                  address, (int) (scheme - address), address);
        *ret = strndup_safe(host, strcspn(host, "/?#"));
        if (!*ret)
                return error_fill(reterr, -ENOMEM);
        if (!isempty(*ret) && !strpbrk(*ret, "@ \t\r\n\"\\"))
                return 0;
        *ret = mfree(*ret);
        return error_setf(reterr, ERROR_INVALID, "invalid server address: unable to parse \"%s\"", address);
}

int registry_access_for_login(const DaemonRegistryConfig *c, const RegistryAuth *auth, RegistryAccess *ret,
                              Error *reterr) {
        _cleanup_(RegistryAccess_donep) RegistryAccess a = {};
        _cleanup_free_ char *host = NULL;
        int r;

        r = server_host(isempty(auth->server_address) ? INDEX_HOST : auth->server_address, &host, reterr);
        if (r < 0)
                return r;
        r = access_init(c, auth, &a);
        if (r < 0)
                return error_fill(reterr, r);
        r = add_endpoints(c, &a, host, REGISTRY_PUSH, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_STRUCT(a);
        return 0;
}

int registry_access_for_search(const DaemonRegistryConfig *c, const char *term, const RegistryAuth *auth,
                               RegistryAccess *ret, char **ret_term, Error *reterr) {
        _cleanup_(RegistryAccess_donep) RegistryAccess a = {};
        _cleanup_free_ char *host = NULL;
        const char *slash = strchr(term, '/'), *rest = term;
        RegistryEndpoint *e;
        int r;

        if (strstr(term, "://"))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid repository name: repository name (%s) should not "
                                  "have a scheme",
                                  term);
        host = slash ? strndup_safe(term, (size_t) (slash - term)) : strdup("");
        r = host ? access_init(c, auth, &a) : -ENOMEM;
        if (r < 0)
                return error_fill(reterr, r);
        if (strpbrk(host, ".:") || streq(host, "localhost"))
                rest = slash + 1;
        if (rest == term || is_official(host)) {
                rest = startswith(rest, "library/") ?: rest;
                r = add_endpoint(&a, "https", INDEX_HOST, &e);
                if (r < 0)
                        return error_fill(reterr, r);
        } else {
                r = add_registry(c, &a, host, reterr);
                if (r < 0)
                        return r;
        }
        *ret_term = strdup(rest);
        if (!*ret_term)
                return error_fill(reterr, -ENOMEM);
        *ret = TAKE_STRUCT(a);
        return 0;
}

/* --- credentials --- */

static const JsonField registry_auths_fields[] = {
        JSON_MAP(RegistryAuths, servers, RegistryAuthEntry, RegistryAuth, "servers", 0),
};
JSON_TYPE(RegistryAuths, registry_auths_fields);

/* Older clients: "auth" instead of user and password. */
static int split_auth(RegistryAuth *a) {
        _cleanup_free_ char *pair = NULL;
        char *colon;
        size_t size;
        int r = 0;

        if (isempty(a->auth) || !isempty(a->username))
                return 0;
        if (unbase64mem(a->auth, strlen(a->auth), &pair, &size) < 0)
                return -EINVAL;
        colon = memchr(pair, ':', size);
        if (!colon || strlen(pair) != size)
                r = -EINVAL;
        if (r >= 0) {
                *colon = 0;
                r = free_and_strdup(&a->username, pair);
        }
        if (r >= 0)
                r = free_and_strdup(&a->password, colon + 1);
        explicit_zero(pair, size);
        return r;
}

/* What cannot be a value of a header would only end up in one. */
static bool auth_is_clean(const RegistryAuth *a) {
        const char *const values[] = { a->username, a->password, a->identity_token, a->registry_token };

        FOREACH_ELEMENT(v, values)
                if (strpbrk(strempty(*v), "\r\n"))
                        return false;
        return !strchr(strempty(a->username), ':');
}

static int decode_base64(const char *header, char **ret, size_t *ret_size, Error *reterr) {
        if (strlen(header) > AUTH_HEADER_MAX || unbase64mem(header, strlen(header), ret, ret_size) < 0)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid X-Registry-Auth header: illegal base64 data");
        return 0;
}

static int finish_auth(RegistryAuth *a, Error *reterr) {
        if (split_auth(a) < 0 || !auth_is_clean(a))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid X-Registry-Auth header: unusable credentials");
        return 0;
}

int registry_auth_decode(const char *header, RegistryAuth *ret, Error *reterr) {
        _cleanup_(RegistryAuth_donep) RegistryAuth a = {};
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (isempty(header))
                return 0;
        r = decode_base64(header, &text, &size, reterr);
        if (r < 0)
                return r;
        r = json_decode_text(&RegistryAuth_json, text, size, 0, &a, reterr);
        explicit_zero(text, size);
        if (r < 0)
                return error_prefixf(reterr, r, "invalid X-Registry-Auth header");
        r = finish_auth(&a, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_STRUCT(a);
        return 0;
}

int registry_auths_decode(const char *header, RegistryAuths *ret, Error *reterr) {
        _cleanup_(RegistryAuths_donep) RegistryAuths all = {};
        _cleanup_free_ char *text = NULL, *wrapped = NULL;
        size_t size;
        int r;

        if (isempty(header))
                return 0;
        r = decode_base64(header, &text, &size, reterr);
        if (r < 0)
                return r;
        /* The map is the whole document; a table has it as a member. */
        if (strlen(text) != size || asprintf_safe(&wrapped, "{\"servers\":%s}", text) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid X-Registry-Config header");
        r = json_decode_text(&RegistryAuths_json, wrapped, strlen(wrapped), 0, &all, reterr);
        explicit_zero(text, size);
        explicit_zero(wrapped, strlen(wrapped));
        if (r < 0)
                return error_prefixf(reterr, r, "invalid X-Registry-Config header");
        for (size_t i = 0; i < all.servers.n_items; i++) {
                r = finish_auth(&all.servers.items[i].value, reterr);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_STRUCT(all);
        return 0;
}

/* "https://host/v1/" -> "host" */
static bool key_is_host(const char *key, const char *host) {
        const char *rest = startswith(key, "https://") ?: startswith(key, "http://") ?: key;
        size_t n = strcspn(rest, "/");

        return strlen(host) == n && strncmp(rest, host, n) == 0;
}

const RegistryAuth *registry_auths_find(const RegistryAuths *a, const Reference *ref) {
        const char *key = is_official(ref->domain) ? REGISTRY_INDEX_SERVER : ref->domain;

        for (size_t i = 0; i < a->servers.n_items; i++)
                if (streq(a->servers.items[i].key, key))
                        return &a->servers.items[i].value;
        for (size_t i = 0; i < a->servers.n_items && !is_official(ref->domain); i++)
                if (key_is_host(a->servers.items[i].key, key))
                        return &a->servers.items[i].value;
        return NULL;
}

/* --- /info --- */

static int add_index(RegistryServiceConfig *s, const char *name, bool secure, bool official,
                     IndexInfo **ret) {
        IndexInfoEntry *grown = reallocarray(s->index_configs.items, s->index_configs.n_items + 1,
                                             sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        s->index_configs.items = grown;
        grown += s->index_configs.n_items;
        *grown = (IndexInfoEntry) {
                .key = strdup(name),
                .value = { .name = strdup(name), .secure = secure, .official = official },
        };
        s->index_configs.n_items++;
        *ret = &grown->value;
        return grown->key && grown->value.name ? 0 : -ENOMEM;
}

static int add_mirrors(const DaemonRegistryConfig *c, const char *host, char ***ret) {
        const char *url;
        int r = 0;

        STRV_FOREACH(mirror, c->mirrors)
                if (r >= 0 && mirrors_host(*mirror, host, &url))
                        r = strv_extend(ret, url);
        return r;
}

static int compare_entries(const void *a, const void *b) {
        return strcmp(((const IndexInfoEntry *) a)->key, ((const IndexInfoEntry *) b)->key);
}

static int add_insecure_indexes(const DaemonRegistryConfig *c, RegistryServiceConfig *s) {
        IndexInfo *info;
        NetPrefix p;
        int r = 0;

        STRV_FOREACH(entry, c->insecure)
                if (r >= 0 && net_prefix_parse(*entry, &p) < 0 && !is_official(*entry)) {
                        r = add_index(s, *entry, false, false, &info);
                        if (r >= 0)
                                r = add_mirrors(c, *entry, &info->mirrors);
                }
        return r;
}

int registry_service_config(const DaemonRegistryConfig *c, RegistryServiceConfig *ret) {
        IndexInfo *official;
        int r;

        r = insecure_prefixes(c, &ret->insecure_registry_cidrs);
        if (r >= 0)
                r = add_mirrors(c, REGISTRY_INDEX_NAME, &ret->mirrors);
        if (r >= 0)
                r = add_insecure_indexes(c, ret);
        if (r >= 0)
                r = add_index(ret, REGISTRY_INDEX_NAME, true, true, &official);
        if (r >= 0)
                r = add_mirrors(c, REGISTRY_INDEX_NAME, &official->mirrors);
        if (r >= 0)
                qsort(ret->index_configs.items, ret->index_configs.n_items, sizeof(IndexInfoEntry),
                      compare_entries);
        return r;
}
