/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/http-client.h"

#include <dirent.h>
#include <netdb.h>
#include <strings.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/hexdecoct.h"
#include "basic/net-addr.h"
#include "basic/parse-util.h"
#include "basic/strv.h"
#include "json/json-type.h"
#include "registry/client-certificate.h"

/* Names whose addresses are kept: a registry, its token server, its storage, a proxy. */
#define RESOLVED_MAX 16U
#define ADDRESSES_MAX 16U
#define CA_BUNDLE_MAX (8U * 1024U * 1024U)
#define RECEIVE_BUFFER (256L * 1024L)

typedef struct Resolved {
        char *host;
        uint16_t port;
        char *entry;                    /* "HOST:PORT:ADDRESS,ADDRESS" */
        char *first;                    /* "ADDRESS:PORT", for messages */
} Resolved;

struct HttpClient {
        CURLM *multi;
        const ProxyRules *proxies;
        const char *user_agent;
        Resolved resolved[RESOLVED_MAX];
        size_t n_resolved;
        char *ca_bundle;                /* of the system; read when it is needed */
        Tristate hashed;                /* has_hashed_directory() */
};

/* --- URLs --- */

void http_origin_done(HttpOrigin *o) {
        free(o->scheme);
        free(o->host);
        *o = (HttpOrigin) {};
}

bool http_origin_equal(const HttpOrigin *a, const HttpOrigin *b) {
        return streq_ptr(a->scheme, b->scheme) && streq_ptr(a->host, b->host) && a->port == b->port;
}

static char *url_part(CURLU *u, CURLUPart part, unsigned flags) {
        char *text, *copy;

        if (curl_url_get(u, part, &text, flags) != CURLUE_OK)
                return NULL;
        copy = strdup(text);
        curl_free(text);
        return copy;
}

static char *strip_brackets(char *host) {
        size_t n = strlen(host);

        if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
                memmove(host, host + 1, n - 2);
                host[n - 2] = 0;
        }
        return host;
}

int http_origin_parse(const char *url, HttpOrigin *ret) {
        _cleanup_(http_origin_donep) HttpOrigin o = {};
        _cleanup_free_ char *port = NULL;
        CURLU *u = curl_url();
        uint32_t n;

        if (!u)
                return -ENOMEM;
        if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
                o.scheme = url_part(u, CURLUPART_SCHEME, 0);
                o.host = url_part(u, CURLUPART_HOST, 0);
                port = url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        }
        curl_url_cleanup(u);
        if (!o.scheme || !o.host || !port || parse_uint32(port, &n) < 0 || n == 0 || n > UINT16_MAX)
                return -EINVAL;
        ascii_strlower(o.scheme);
        ascii_strlower(strip_brackets(o.host));
        o.port = (uint16_t) n;
        if (!streq(o.scheme, "http") && !streq(o.scheme, "https"))
                return -EPROTONOSUPPORT;
        *ret = o;
        o = (HttpOrigin) {};
        return 0;
}

char *http_url_join(const char *base, const char *location) {
        _cleanup_free_ char *scheme = NULL;
        CURLU *u = curl_url();
        char *joined = NULL;

        if (u && curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
            curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK &&
            curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
            curl_url_set(u, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
            curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK) {
                scheme = url_part(u, CURLUPART_SCHEME, 0);
                if (scheme && (streq(scheme, "http") || streq(scheme, "https")))
                        joined = url_part(u, CURLUPART_URL, 0);
        }
        curl_url_cleanup(u);
        return joined;
}

char *http_escape(const char *s) {
        char *e = curl_easy_escape(NULL, s, (int) strlen(s)), *copy;

        copy = e ? strdup(e) : NULL;
        curl_free(e);
        return copy;
}

/* --- names --- */

static void resolved_done(Resolved *r) {
        free(r->host);
        free(r->entry);
        free(r->first);
}

static const char *lookup_message(int r) {
        return r == EAI_AGAIN ? "Temporary failure in name resolution" :
               r == EAI_NONAME || r == EAI_NODATA || r == EAI_ADDRFAMILY ? "no such host" : gai_strerror(r);
}

static int format_addresses(const struct addrinfo *list, Resolved *r) {
        _cleanup_buffer_ Buffer b = {};
        size_t n = 0;

        (void) buffer_appendf(&b, "%s:%u:", r->host, r->port);
        for (const struct addrinfo *a = list; a && n < ADDRESSES_MAX; a = a->ai_next) {
                char text[NI_MAXHOST];
                bool v6 = a->ai_family == AF_INET6;

                if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) !=
                                    0 ||
                    strchr(text, '%'))
                        continue;
                (void) buffer_appendf(&b, "%s%s%s%s", n > 0 ? "," : "", v6 ? "[" : "", text, v6 ? "]" : "");
                if (n++ == 0 && asprintf_safe(&r->first, v6 ? "[%s]:%u" : "%s:%u", text, r->port) < 0)
                        return -ENOMEM;
        }
        r->entry = buffer_steal(&b);
        return r->entry && r->first ? 0 : -ENOMEM;
}

/* 1: resolved; 0: it cannot be, *message says why. */
static int resolve(HttpClient *c, const char *host, uint16_t port, const Resolved **ret, char **message) {
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
        struct addrinfo *list;
        Resolved r = { .port = port };
        int e;

        for (size_t i = 0; i < c->n_resolved; i++)
                if (streq(c->resolved[i].host, host) && c->resolved[i].port == port) {
                        *ret = c->resolved + i;
                        return 1;
                }
        e = getaddrinfo(host, NULL, &hints, &list);
        if (e != 0)
                return asprintf_safe(message, "dial tcp: lookup %s: %s", host, lookup_message(e)) < 0 ?
                                       -ENOMEM :
                                       0;
        r.host = strdup(host);
        e = r.host ? format_addresses(list, &r) : -ENOMEM;
        freeaddrinfo(list);
        if (e < 0) {
                resolved_done(&r);
                return e;
        }
        if (c->n_resolved >= RESOLVED_MAX)
                resolved_done(c->resolved + --c->n_resolved);
        c->resolved[c->n_resolved] = r;
        *ret = c->resolved + c->n_resolved++;
        return 1;
}

static bool address_is_in(const char *address, char *const *prefixes) {
        NetPrefix p;
        NetAddr a;

        if (net_addr_parse(address, &a) < 0)
                return false;
        STRV_FOREACH(prefix, prefixes)
                if (net_prefix_parse(*prefix, &p) >= 0 && net_prefix_contains(&p, &a))
                        return true;
        return false;
}

int http_client_resolves_into(HttpClient *c, const char *host, uint16_t port, char *const *prefixes) {
        _cleanup_strv_free_ char **addresses = NULL;
        _cleanup_free_ char *message = NULL;
        const Resolved *resolved = NULL;
        int r;

        r = resolve(c, host, port, &resolved, &message);
        if (r <= 0)
                return r;
        /* "HOST:PORT:ADDRESS,[ADDRESS]" */
        r = strv_split(strchr(strchr(resolved->entry, ':') + 1, ':') + 1, ",[]", &addresses);
        if (r < 0)
                return r;
        STRV_FOREACH(address, addresses)
                if (address_is_in(*address, prefixes))
                        return 1;
        return 0;
}

/* --- the client --- */

int http_client_new(const ProxyRules *proxies, const char *user_agent, HttpClient **ret) {
        HttpClient *c;

        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -ENOMEM;
        c = new(HttpClient, 1);
        if (!c)
                return -ENOMEM;
        *c = (HttpClient) { .proxies = proxies, .user_agent = user_agent, .multi = curl_multi_init() };
        if (!c->multi) {
                free(c);
                return -ENOMEM;
        }
        *ret = c;
        return 0;
}

HttpClient *http_client_free(HttpClient *c) {
        if (!c)
                return NULL;
        curl_multi_cleanup(c->multi);
        for (size_t i = 0; i < c->n_resolved; i++)
                resolved_done(c->resolved + i);
        free(c->ca_bundle);
        return mfree(c);
}

/* "0123abcd.0": one certificate, found by its hash when it is needed. */
static bool is_hash_link(const char *name) {
        return strlen(name) == 10 && is_lower_hex(name, 8) && endswith(name, ".0");
}

/* Whether the system's certificates can be looked up one by one: to read the bundle of them all takes longer
 * than many a request. */
static bool has_hashed_directory(HttpClient *c) {
        const char *path = curl_version_info(CURLVERSION_NOW)->capath;
        _cleanup_closedir_ DIR *d = NULL;
        struct dirent *e;

        if (c->hashed == TRISTATE_UNSET) {
                c->hashed = TRISTATE_FALSE;
                d = path ? opendir(path) : NULL;
                while (d && c->hashed == TRISTATE_FALSE && (e = readdir(d)))
                        if (is_hash_link(e->d_name))
                                c->hashed = TRISTATE_TRUE;
        }
        return c->hashed == TRISTATE_TRUE;
}

/* The bundle, "" where there is none. */
static const char *read_ca_bundle(HttpClient *c) {
        const char *path = curl_version_info(CURLVERSION_NOW)->cainfo;
        size_t size;

        if (!c->ca_bundle && path)
                (void) read_file_at(AT_FDCWD, path, CA_BUNDLE_MAX, &c->ca_bundle, &size);
        if (!c->ca_bundle)
                c->ca_bundle = strdup("");
        return c->ca_bundle;
}

/* The system's certificates, and ours. */
static int set_authorities(HttpClient *c, CURL *easy, const char *ca) {
        bool hashed = has_hashed_directory(c);
        _cleanup_free_ char *all = NULL;

        if (isempty(ca)) {
                if (hashed)
                        curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
                return 0;
        }
        /* Ours take the place of the bundle. */
        all = hashed ? strdup(ca) : strjoin(ca, "\n", strempty(read_ca_bundle(c)));
        if (!all)
                return -ENOMEM;
        const struct curl_blob blob = { all, strlen(all), CURL_BLOB_COPY };

        return curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK ? 0 : -ENOMEM;
}

static int set_tls(HttpClient *c, CURL *easy, const HttpTls *tls) {
        curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
        if (tls->insecure) {
                curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
                curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
        } else if (set_authorities(c, easy, tls->ca) < 0)
                return -ENOMEM;
        return 0;
}

/* --- the answer --- */

static const struct {
        const char *name;
        size_t offset;
} answer_headers[] = {
        { "Content-Range",         offsetof(HttpTransfer, content_range)     },
        { "Content-Type",          offsetof(HttpTransfer, content_type_seen) },
        { "Docker-Content-Digest", offsetof(HttpTransfer, digest)            },
        { "Link",                  offsetof(HttpTransfer, link)              },
        { "Location",              offsetof(HttpTransfer, location)          },
        { "Range",                 offsetof(HttpTransfer, range_seen)        },
        { "Retry-After",           offsetof(HttpTransfer, retry_after)       },
        { "X-Docker-Token",        offsetof(HttpTransfer, token_seen)        },
};

static void drop_headers(HttpTransfer *t) {
        FOREACH_ELEMENT(h, answer_headers) {
                char **member = (char **) ((char *) t + h->offset);

                *member = mfree(*member);
        }
        auth_challenges_done(&t->challenges);
}

static int take_header(HttpTransfer *t, char *line) {
        char *value = strchr(line, ':');

        if (!value)
                return 0;
        *value++ = 0;
        value = strstrip(value);
        if (strcasecmp(line, "WWW-Authenticate") == 0)
                return auth_challenges_add(&t->challenges, value);
        FOREACH_ELEMENT(h, answer_headers)
                if (strcasecmp(line, h->name) == 0)
                        return free_and_strdup((char **) ((char *) t + h->offset), value);
        return 0;
}

static size_t on_header(char *data, size_t size, size_t n, void *userdata) {
        HttpTransfer *t = userdata;
        _cleanup_free_ char *line = memdup_suffix0(data, size * n);

        t->header_bytes += size * n;
        if (!line || t->header_bytes > HTTP_HEADERS_MAX)
                return 0;
        /* A status line: what came before was an interim answer. */
        if (startswith(line, "HTTP/"))
                drop_headers(t);
        return take_header(t, line) < 0 ? 0 : size * n;
}

static void see_status(HttpTransfer *t) {
        curl_off_t length = -1;
        long status = 0;

        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        t->status = (unsigned) status;
        t->content_length = length < 0 ? UINT64_MAX : (uint64_t) length;
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata) {
        HttpTransfer *t = userdata;
        size_t bytes = size * n, take = bytes;
        bool success;

        if (t->received == 0)
                see_status(t);
        success = t->status >= 200 && t->status < 300;
        t->received += bytes;
        if (success && t->sink) {
                t->sink_result = t->sink(data, bytes, t->userdata);
                return t->sink_result < 0 ? 0 : bytes;
        }
        if (t->text.size + bytes > t->text_max) {
                /* Of a refusal the begin is enough. */
                t->too_large = success;
                if (success)
                        return 0;
                take = t->text_max - t->text.size;
        }
        return buffer_append(&t->text, data, take) < 0 ? 0 : bytes;
}

/* --- the body of a request --- */

static size_t on_read(char *buffer, size_t size, size_t n, void *userdata) {
        HttpTransfer *t = userdata;
        size_t want = (size_t) min_u64(size * n, t->body_size - t->body_done);
        ssize_t got;

        if (t->body_fd < 0) {
                if (want > 0)
                        memcpy(buffer, (const char *) t->body + t->body_done, want);
                got = (ssize_t) want;
        } else
                got = pread(t->body_fd, buffer, want, (off_t) (t->body_offset + t->body_done));
        if (got < 0 || (got == 0 && want > 0))
                return CURL_READFUNC_ABORT;
        t->body_done += (uint64_t) got;
        if (t->sent)
                t->sent(t->body_done, t->userdata);
        return (size_t) got;
}

static int on_seek(void *userdata, curl_off_t offset, int origin) {
        HttpTransfer *t = userdata;

        if (origin != SEEK_SET || offset < 0 || (uint64_t) offset > t->body_size)
                return CURL_SEEKFUNC_FAIL;
        t->body_done = (uint64_t) offset;
        return CURL_SEEKFUNC_OK;
}

static void set_body(HttpTransfer *t) {
        bool has_body = t->body || t->body_fd >= 0;

        if (streq_ptr(t->method, "HEAD"))
                curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
        else if (streq_ptr(t->method, "POST") || streq_ptr(t->method, "PUT") ||
                 streq_ptr(t->method, "PATCH")) {
                curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
                curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, t->method);
                curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE,
                                 (curl_off_t) (has_body ? t->body_size : 0));
                curl_easy_setopt(t->easy, CURLOPT_UPLOAD_BUFFERSIZE, RECEIVE_BUFFER);
                curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, on_read);
                curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
                curl_easy_setopt(t->easy, CURLOPT_SEEKFUNCTION, on_seek);
                curl_easy_setopt(t->easy, CURLOPT_SEEKDATA, t);
        } else if (t->method)
                curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, t->method);
        if (!has_body)
                t->body_size = 0;
}

/* --- start --- */

static int add_header(HttpTransfer *t, const char *name, const char *value) {
        _cleanup_free_ char *line = NULL;
        struct curl_slist *l;

        if (isempty(value))
                return 0;
        /* A header of a request is never taken apart by what is in it. */
        if (strpbrk(value, "\r\n"))
                return 0;
        line = strjoin(name, ": ", value);
        l = line ? curl_slist_append(t->headers, line) : NULL;
        if (line)
                explicit_zero(line, strlen(line));
        if (!l)
                return -ENOMEM;
        t->headers = l;
        return 0;
}

static int set_headers(HttpTransfer *t) {
        struct curl_slist *l;

        if (add_header(t, "Authorization", t->authorization) < 0 || add_header(t, "Accept", t->accept) < 0 ||
            add_header(t, "Content-Type", t->content_type) < 0)
                return -ENOMEM;
        /* No pause before an upload. */
        l = curl_slist_append(t->headers, "Expect:");
        if (!l)
                return -ENOMEM;
        t->headers = l;
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
        curl_easy_setopt(t->easy, CURLOPT_HEADEROPT, (long) CURLHEADER_SEPARATE);
        return 0;
}

static void set_range(HttpTransfer *t) {
        char range[48];

        if (!t->range)
                return;
        if (t->range_to > 0)
                snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, t->range_from, t->range_to - 1);
        else
                snprintf(range, sizeof(range), "%" PRIu64 "-", t->range_from);
        curl_easy_setopt(t->easy, CURLOPT_RANGE, range);
}

static void set_common(HttpClient *c, HttpTransfer *t) {
        CURL *e = t->easy;

        curl_easy_setopt(e, CURLOPT_PRIVATE, t);
        curl_easy_setopt(e, CURLOPT_URL, t->url);
        curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->curl_error);
        curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
        curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(e, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
        curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
        curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        curl_easy_setopt(e, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
        curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, HTTP_CONNECT_SECONDS);
        curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, HTTP_STALL_SECONDS);
        curl_easy_setopt(e, CURLOPT_TIMEOUT, (long) t->seconds);
        curl_easy_setopt(e, CURLOPT_USERAGENT, c->user_agent);
        curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
        curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
}

static const char *find_proxy(const HttpClient *c, const HttpTransfer *t) {
        return proxy_for(c->proxies, t->origin.scheme, t->origin.host, t->origin.port);
}

/* The host that is connected to: the proxy's or the server's own. 0: it cannot be resolved. */
static int set_route(HttpClient *c, HttpTransfer *t) {
        const char *proxy = find_proxy(c, t);
        _cleanup_(http_origin_donep) HttpOrigin via = {};
        const HttpOrigin *target = &t->origin;
        const Resolved *resolved = NULL;
        _cleanup_free_ char *url = NULL;
        struct curl_slist *l;
        NetAddr addr;
        int r;

        curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
        if (proxy) {
                url = strstr(proxy, "://") ? strdup(proxy) : strjoin("http://", proxy);
                if (!url)
                        return -ENOMEM;
                curl_easy_setopt(t->easy, CURLOPT_PROXY, url);
                if (http_origin_parse(url, &via) < 0)
                        return asprintf_safe(&t->error, "proxyconnect tcp: invalid proxy address") < 0 ?
                                               -ENOMEM :
                                               0;
                target = &via;
        }
        if (net_addr_parse(target->host, &addr) >= 0)
                return asprintf_safe(&t->peer, addr.family == AF_INET6 ? "[%s]:%u" : "%s:%u", target->host,
                                     target->port) < 0 ? -ENOMEM : 1;
        r = resolve(c, target->host, target->port, &resolved, &t->error);
        if (r <= 0)
                return r;
        l = curl_slist_append(NULL, resolved->entry);
        t->peer = strdup(resolved->first);
        if (!l || !t->peer) {
                curl_slist_free_all(l);
                return -ENOMEM;
        }
        t->resolve = l;
        curl_easy_setopt(t->easy, CURLOPT_RESOLVE, t->resolve);
        return 1;
}

static void release(HttpTransfer *t) {
        if (t->easy)
                curl_easy_cleanup(t->easy);
        t->easy = NULL;
        /* They held the credentials. */
        for (struct curl_slist *l = t->headers; l; l = l->next)
                explicit_zero(l->data, strlen(l->data));
        curl_slist_free_all(t->headers);
        curl_slist_free_all(t->resolve);
        t->headers = t->resolve = NULL;
}

int http_transfer_start(HttpClient *c, HttpTransfer *t, const HttpTls *tls) {
        int r;

        http_transfer_reset(t);
        if (http_origin_parse(t->url, &t->origin) < 0) {
                t->done = true;
                return asprintf_safe(&t->error, "unsupported protocol scheme or invalid URL");
        }
        t->easy = curl_easy_init();
        if (!t->easy)
                return -ENOMEM;
        set_common(c, t);
        set_body(t);
        set_range(t);
        r = set_headers(t);
        if (r >= 0)
                r = set_tls(c, t->easy, tls);
        if (r >= 0)
                r = client_certificates_offer(t->easy, tls->clients,
                                              startswith(strempty(find_proxy(c, t)), "https://"));
        if (r >= 0)
                r = set_route(c, t);
        if (r > 0 && curl_multi_add_handle(c->multi, t->easy) != CURLM_OK)
                r = -ENOMEM;
        if (r > 0) {
                t->running = true;
                return 0;
        }
        release(t);
        t->done = true;
        return r;
}

/* --- running --- */

static int finish(HttpClient *c, HttpTransfer *t, CURLcode result) {
        curl_off_t handshake = 0;
        int r = 0;

        t->result = result;
        see_status(t);
        curl_easy_getinfo(t->easy, CURLINFO_APPCONNECT_TIME_T, &handshake);
        t->verified_transport = t->status > 0 || handshake > 0 || result == CURLE_PEER_FAILED_VERIFICATION;
        if (result != CURLE_OK)
                r = http_describe_failure(t);
        curl_multi_remove_handle(c->multi, t->easy);
        release(t);
        t->running = false;
        t->done = true;
        return r;
}

/* Returns how many have come to an end. */
static int collect(HttpClient *c) {
        CURLMsg *m;
        int left, n = 0, r = 0;

        while (r >= 0 && (m = curl_multi_info_read(c->multi, &left))) {
                HttpTransfer *t = NULL;

                if (m->msg != CURLMSG_DONE)
                        continue;
                curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
                if (t) {
                        r = finish(c, t, m->data.result);
                        n++;
                }
        }
        return r < 0 ? r : n;
}

int http_client_run(HttpClient *c, usec_t timeout, int writable_fd) {
        struct curl_waitfd w = { .fd = writable_fd, .events = CURL_WAIT_POLLOUT };
        int running, r;

        if (curl_multi_perform(c->multi, &running) != CURLM_OK)
                return -EIO;
        r = collect(c);
        if (r != 0 || timeout == 0)
                return r < 0 ? r : 0;
        if (curl_multi_poll(c->multi, &w, writable_fd >= 0, (int) (timeout / USEC_PER_MSEC), NULL) !=
            CURLM_OK)
                return -EIO;
        if (curl_multi_perform(c->multi, &running) != CURLM_OK)
                return -EIO;
        r = collect(c);
        return r < 0 ? r : 0;
}

int http_transfer_wait(HttpClient *c, HttpTransfer *t) {
        int r = 0;

        while (r >= 0 && !t->done) {
                r = http_client_run(c, 0, -EBADF);
                if (r >= 0 && !t->done)
                        r = http_client_run(c, USEC_PER_SEC, -EBADF);
        }
        return r;
}

void http_transfer_stop(HttpClient *c, HttpTransfer *t) {
        if (!t->running)
                return;
        curl_multi_remove_handle(c->multi, t->easy);
        release(t);
        t->running = false;
}

void http_transfer_reset(HttpTransfer *t) {
        assert(!t->running);
        drop_headers(t);
        buffer_done(&t->text);
        http_origin_done(&t->origin);
        t->error = mfree(t->error);
        t->peer = mfree(t->peer);
        t->status = 0;
        t->content_length = UINT64_MAX;
        t->received = t->body_done = 0;
        t->sink_result = 0;
        t->header_bytes = 0;
        t->too_large = t->done = t->verified_transport = false;
        t->curl_error[0] = 0;
}

void http_transfer_done(HttpTransfer *t) {
        http_transfer_reset(t);
        free(t->url);
        if (t->authorization)
                explicit_zero(t->authorization, strlen(t->authorization));
        free(t->authorization);
        *t = HTTP_TRANSFER_NULL;
}
