/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters and results of the dockerd-worker verbs that talk to a registry: one table for the daemon,
 * which writes the parameters, and for the worker, which reads them. The order of the descriptors is given
 * at each verb. The worker has no rights over files: the daemon opens them (O_TMPFILE beside the target,
 * say) and links them when the result is in. Everything in a result was checked against its digest.
 *
 * Errors carry Docker's texts; their kinds are what the HTTP status is to be. registry-config.h makes a
 * RegistryAccess. */
#pragma once

#include "api/oci-image.h"
#include "json/json-type.h"

/* Bytes of one config, manifest or index (the distribution project's own limit). */
#define REGISTRY_DOCUMENT_MAX (4U * 1024U * 1024U)
/* Tags of one repository (all pages). */
#define REGISTRY_TAGS_MAX 65536U
/* Times between two progress lines. */
#define REGISTRY_PROGRESS_USEC (100U * USEC_PER_MSEC)
/* Longest answer of a token server. */
#define REGISTRY_TOKEN_MAX (64U * 1024U)

/* What we may show to a server that asks who we are. */
typedef struct TlsClientCertificate {
        char *certificate;      /* PEM text, with its chain */
        char *key;
} TlsClientCertificate;
JSON_TYPE_DECLARE(TlsClientCertificate);

typedef struct TlsClientCertificateList {
        TlsClientCertificate *items;
        size_t n_items;
} TlsClientCertificateList;

/* Where one server is. A registry that may be talked to in plain text has two: https, then http. */
typedef struct RegistryEndpoint {
        char *url;              /* "https://host[:port]" */
        bool mirror;            /* gets no credentials; its failures are passed over */
        bool insecure;          /* the certificate is not looked at */
        bool by_address;        /* insecure, or for plain http: there at all, if the host resolves into one
                                 * of access.insecure_prefixes */
        char *ca;               /* PEM text, beside the system's; "" = none */
        TlsClientCertificateList clients;  /* the server says which authorities it trusts */
} RegistryEndpoint;
JSON_TYPE_DECLARE(RegistryEndpoint);

/* X-Registry-Auth. All members may be empty. */
typedef struct RegistryAuth {
        char *username;
        char *password;
        char *auth;             /* base64 of "username:password", older clients; registry-config.c resolves
                                 * it */
        char *server_address;   /* of POST /auth */
        char *identity_token;   /* OAuth2 refresh token */
        char *registry_token;   /* a bearer token, sent as it is */
} RegistryAuth;
JSON_TYPE_DECLARE(RegistryAuth);
DEFINE_JSON_CLEANUP(RegistryAuth);

typedef struct RegistryProxies {
        char *http, *https, *no_proxy;
} RegistryProxies;
JSON_TYPE_DECLARE(RegistryProxies);
DEFINE_JSON_CLEANUP(RegistryProxies);

#define REGISTRY_TOKEN_BASIC "basic"

/* What every verb needs. */
typedef struct RegistryAccess {
        struct {
                RegistryEndpoint *items;        /* in the order they are tried */
                size_t n_items;
        } endpoints;
        uint64_t first;         /* begin with this one, `endpoint` of an earlier result (then the later
                                 * ones) */
        char *token;            /* `token` of an earlier result for the same repository, of endpoint `first`;
                                 * a hint: an expired one is fetched again. REGISTRY_TOKEN_BASIC: it wants
                                 * the password */
        RegistryAuth auth;      /* never for mirrors */
        char **insecure_prefixes;
        RegistryProxies proxies;
        char *user_agent;
        char *repository;       /* "library/busybox" */
        char *familiar;         /* "busybox": for messages */
        uint64_t attempts;      /* of one transfer (max-download-attempts); 0 = 5 */
} RegistryAccess;
JSON_TYPE_DECLARE(RegistryAccess);
DEFINE_JSON_CLEANUP(RegistryAccess);

/* "registry-resolve": index, manifest, config: three empty files, read-write. From a tag or digest to
 * everything about one image but its layers. The index file stays empty where the name leads to a
 * manifest. */
typedef struct RegistryResolveParams {
        RegistryAccess access;
        char *tag;              /* one of them, or both: then the digest counts */
        char *digest;
        char **known;           /* digests the daemon has whole: if the tag leads to one of them nothing is
                                 * fetched (`up_to_date`) */
        char *os;               /* "" = any; with architecture and variant of --platform or the host */
        char *architecture;
        char *variant;
} RegistryResolveParams;
JSON_TYPE_DECLARE(RegistryResolveParams);
DEFINE_JSON_CLEANUP(RegistryResolveParams);

typedef struct RegistryResolveReply {
        uint64_t endpoint;      /* index of the one that answered */
        char *token;            /* "" = none was needed */
        bool up_to_date;        /* only target is set */
        OciDescriptor target;   /* what the name leads to: the index or the manifest */
        OciDescriptor manifest; /* the same as target where there is no index */
        char *artifact;         /* what it is, where it is no image; "" = an image */
        OciDescriptor config;
        OciDescriptorList layers;       /* lowest first; with `urls`: a foreign layer, not to be pushed, but
                                         * fetched like the others, as Docker does it on Linux */
} RegistryResolveReply;
JSON_TYPE_DECLARE(RegistryResolveReply);
DEFINE_JSON_CLEANUP(RegistryResolveReply);

/* "registry-fetch-blob": file (read-write; what is in it already is taken for the begin of the blob), [pipe
 * that gets the same bytes from the start, in order]. Progress: RegistryProgress. On success the file holds
 * the blob. A wrong digest truncates it to nothing; after a network error it keeps what came, for the next
 * try. The pipe never holds the download up. If its reader goes away (the unpacker failed) the verb ends
 * with ERROR_CANCELLED. Nothing is synced. */
typedef struct RegistryFetchParams {
        RegistryAccess access;
        char *digest;
        uint64_t size;
        bool tee;               /* the second descriptor is there */
} RegistryFetchParams;
JSON_TYPE_DECLARE(RegistryFetchParams);
DEFINE_JSON_CLEANUP(RegistryFetchParams);

typedef struct RegistryProgress {
        uint64_t current;
        char *retry;            /* "" or why it starts again: "Retrying in 5 seconds" is shown for it */
        uint64_t seconds;       /* of that wait that are left */
} RegistryProgress;
JSON_TYPE_DECLARE(RegistryProgress);
DEFINE_JSON_CLEANUP(RegistryProgress);

typedef struct RegistryFetchReply {
        uint64_t endpoint;
        char *token;
        uint64_t transferred;   /* bytes that came over the network */
} RegistryFetchReply;
JSON_TYPE_DECLARE(RegistryFetchReply);
DEFINE_JSON_CLEANUP(RegistryFetchReply);

/* "url-fetch": a pipe or file that gets the body. No registry: any http or https URL, whose redirects are
 * followed and which gets no credentials but those it has itself. Progress: UrlProgress, the first one as
 * soon as the server has agreed. If the pipe's reader goes away the verb ends with ERROR_CANCELLED. */
typedef struct UrlFetchParams {
        char *url;
        RegistryProxies proxies;
        uint64_t size_max;      /* bytes of the body */
} UrlFetchParams;
JSON_TYPE_DECLARE(UrlFetchParams);
DEFINE_JSON_CLEANUP(UrlFetchParams);

typedef struct UrlProgress {
        uint64_t current;
        uint64_t total;         /* 0 = the server has not said */
} UrlProgress;
JSON_TYPE_DECLARE(UrlProgress);

typedef struct UrlFetchReply {
        uint64_t size;
} UrlFetchReply;
JSON_TYPE_DECLARE(UrlFetchReply);

/* "registry-tags", "registry-login": params RegistryAccess, no descriptors. */
typedef struct RegistryTagsReply {
        uint64_t endpoint;
        char *token;
        char **tags;            /* as the registry orders them */
} RegistryTagsReply;
JSON_TYPE_DECLARE(RegistryTagsReply);
DEFINE_JSON_CLEANUP(RegistryTagsReply);

typedef struct RegistryLoginReply {
        char *status;           /* "Login Succeeded" */
        char *identity_token;
} RegistryLoginReply;
JSON_TYPE_DECLARE(RegistryLoginReply);
DEFINE_JSON_CLEANUP(RegistryLoginReply);

/* "registry-inspect" (GET /distribution/{name}/json): no descriptors. */
typedef struct RegistryInspectParams {
        RegistryAccess access;
        char *tag;
        char *digest;
} RegistryInspectParams;
JSON_TYPE_DECLARE(RegistryInspectParams);
DEFINE_JSON_CLEANUP(RegistryInspectParams);

typedef struct RegistryInspectReply {
        OciDescriptor descriptor;
        struct {
                OciPlatform *items;
                size_t n_items;
        } platforms;
} RegistryInspectReply;
JSON_TYPE_DECLARE(RegistryInspectReply);
DEFINE_JSON_CLEANUP(RegistryInspectReply);

/* "registry-search": no descriptors. access.endpoints holds the index server alone. */
typedef struct RegistrySearchParams {
        RegistryAccess access;
        char *term;
        uint64_t limit;
} RegistrySearchParams;
JSON_TYPE_DECLARE(RegistrySearchParams);
DEFINE_JSON_CLEANUP(RegistrySearchParams);

typedef struct RegistrySearchItem {
        char *description;
        bool is_automated;
        bool is_official;
        char *name;
        int64_t star_count;
} RegistrySearchItem;
JSON_TYPE_DECLARE(RegistrySearchItem);

typedef struct RegistrySearchReply {
        struct {
                RegistrySearchItem *items;
                size_t n_items;
        } results;
} RegistrySearchReply;
JSON_TYPE_DECLARE(RegistrySearchReply);
DEFINE_JSON_CLEANUP(RegistrySearchReply);

/* "registry-push-blob": file (read). Progress: RegistryProgress. */
typedef struct RegistryPushBlobParams {
        RegistryAccess access;
        char *digest;
        uint64_t size;
        char **mount_from;      /* repositories of the same registry that may have it, likeliest first */
} RegistryPushBlobParams;
JSON_TYPE_DECLARE(RegistryPushBlobParams);
DEFINE_JSON_CLEANUP(RegistryPushBlobParams);

typedef struct RegistryPushBlobReply {
        uint64_t endpoint;
        char *token;
        bool existed;           /* "Layer already exists" */
        char *mounted_from;     /* "Mounted from library/busybox"; "" = it was sent */
} RegistryPushBlobReply;
JSON_TYPE_DECLARE(RegistryPushBlobReply);
DEFINE_JSON_CLEANUP(RegistryPushBlobReply);

/* "registry-push-manifest": file (read) with a manifest or an index. */
typedef struct RegistryPushManifestParams {
        RegistryAccess access;
        char *tag;              /* "" = by its digest */
        char *media_type;
} RegistryPushManifestParams;
JSON_TYPE_DECLARE(RegistryPushManifestParams);
DEFINE_JSON_CLEANUP(RegistryPushManifestParams);

typedef struct RegistryPushManifestReply {
        char *token;
        char *digest;
        uint64_t size;
} RegistryPushManifestReply;
JSON_TYPE_DECLARE(RegistryPushManifestReply);
DEFINE_JSON_CLEANUP(RegistryPushManifestReply);
