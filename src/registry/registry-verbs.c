/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry-verbs.h"

static const JsonField tls_client_certificate_fields[] = {
        JSON_STRING(TlsClientCertificate, certificate, "Certificate", JSON_REQUIRED),
        JSON_STRING(TlsClientCertificate, key, "Key", JSON_REQUIRED | JSON_SECRET),
};
JSON_TYPE(TlsClientCertificate, tls_client_certificate_fields);

static const JsonField registry_endpoint_fields[] = {
        JSON_STRING(RegistryEndpoint, url, "Url", JSON_REQUIRED),
        JSON_BOOL(RegistryEndpoint, mirror, "Mirror", 0),
        JSON_BOOL(RegistryEndpoint, insecure, "Insecure", 0),
        JSON_BOOL(RegistryEndpoint, by_address, "ByAddress", 0),
        JSON_STRING(RegistryEndpoint, ca, "Ca", JSON_OMITEMPTY),
        JSON_ARRAY(RegistryEndpoint, clients, TlsClientCertificate, "Clients", JSON_OMITEMPTY),
};
JSON_TYPE(RegistryEndpoint, registry_endpoint_fields);

/* The names of X-Registry-Auth. */
static const JsonField registry_auth_fields[] = {
        JSON_STRING(RegistryAuth, username, "username", JSON_OMITEMPTY),
        JSON_STRING(RegistryAuth, password, "password", JSON_OMITEMPTY | JSON_SECRET),
        JSON_STRING(RegistryAuth, auth, "auth", JSON_OMITEMPTY | JSON_SECRET),
        JSON_STRING(RegistryAuth, server_address, "serveraddress", JSON_OMITEMPTY),
        JSON_STRING(RegistryAuth, identity_token, "identitytoken", JSON_OMITEMPTY | JSON_SECRET),
        JSON_STRING(RegistryAuth, registry_token, "registrytoken", JSON_OMITEMPTY | JSON_SECRET),
};
JSON_TYPE(RegistryAuth, registry_auth_fields);

/* The URLs may hold passwords. */
static const JsonField registry_proxies_fields[] = {
        JSON_STRING(RegistryProxies, http, "Http", JSON_OMITEMPTY | JSON_SECRET),
        JSON_STRING(RegistryProxies, https, "Https", JSON_OMITEMPTY | JSON_SECRET),
        JSON_STRING(RegistryProxies, no_proxy, "NoProxy", JSON_OMITEMPTY),
};
JSON_TYPE(RegistryProxies, registry_proxies_fields);

static const JsonField registry_access_fields[] = {
        JSON_ARRAY(RegistryAccess, endpoints, RegistryEndpoint, "Endpoints", JSON_REQUIRED),
        JSON_UINT64(RegistryAccess, first, "First", 0),
        JSON_STRING(RegistryAccess, token, "Token", JSON_OMITEMPTY | JSON_SECRET),
        JSON_STRUCT(RegistryAccess, auth, RegistryAuth, "Auth", 0),
        JSON_STRV(RegistryAccess, insecure_prefixes, "InsecurePrefixes", JSON_OMITEMPTY),
        JSON_STRUCT(RegistryAccess, proxies, RegistryProxies, "Proxies", 0),
        JSON_STRING(RegistryAccess, user_agent, "UserAgent", 0),
        JSON_STRING(RegistryAccess, repository, "Repository", 0),
        JSON_STRING(RegistryAccess, familiar, "Familiar", 0),
        JSON_UINT64(RegistryAccess, attempts, "Attempts", 0),
};
JSON_TYPE(RegistryAccess, registry_access_fields);

static const JsonField registry_resolve_params_fields[] = {
        JSON_STRUCT(RegistryResolveParams, access, RegistryAccess, "Access", JSON_REQUIRED),
        JSON_STRING(RegistryResolveParams, tag, "Tag", JSON_OMITEMPTY),
        JSON_STRING(RegistryResolveParams, digest, "Digest", JSON_OMITEMPTY),
        JSON_STRV(RegistryResolveParams, known, "Known", JSON_OMITEMPTY),
        JSON_STRING(RegistryResolveParams, os, "Os", JSON_OMITEMPTY),
        JSON_STRING(RegistryResolveParams, architecture, "Architecture", JSON_OMITEMPTY),
        JSON_STRING(RegistryResolveParams, variant, "Variant", JSON_OMITEMPTY),
};
JSON_TYPE(RegistryResolveParams, registry_resolve_params_fields);

static const JsonField registry_resolve_reply_fields[] = {
        JSON_UINT64(RegistryResolveReply, endpoint, "Endpoint", 0),
        JSON_STRING(RegistryResolveReply, token, "Token", JSON_SECRET),
        JSON_BOOL(RegistryResolveReply, up_to_date, "UpToDate", 0),
        JSON_STRUCT(RegistryResolveReply, target, OciDescriptor, "Target", JSON_REQUIRED),
        JSON_STRUCT(RegistryResolveReply, manifest, OciDescriptor, "Manifest", 0),
        JSON_STRING(RegistryResolveReply, artifact, "Artifact", JSON_OMITEMPTY),
        JSON_STRUCT(RegistryResolveReply, config, OciDescriptor, "Config", 0),
        JSON_ARRAY(RegistryResolveReply, layers, OciDescriptor, "Layers", 0),
};
JSON_TYPE(RegistryResolveReply, registry_resolve_reply_fields);

static const JsonField registry_fetch_params_fields[] = {
        JSON_STRUCT(RegistryFetchParams, access, RegistryAccess, "Access", JSON_REQUIRED),
        JSON_STRING(RegistryFetchParams, digest, "Digest", JSON_REQUIRED),
        JSON_UINT64(RegistryFetchParams, size, "Size", 0),
        JSON_BOOL(RegistryFetchParams, tee, "Tee", 0),
};
JSON_TYPE(RegistryFetchParams, registry_fetch_params_fields);

static const JsonField registry_progress_fields[] = {
        JSON_UINT64(RegistryProgress, current, "Current", 0),
        JSON_STRING(RegistryProgress, retry, "Retry", JSON_OMITEMPTY),
        JSON_UINT64(RegistryProgress, seconds, "Seconds", JSON_OMITEMPTY),
};
JSON_TYPE(RegistryProgress, registry_progress_fields);

static const JsonField registry_fetch_reply_fields[] = {
        JSON_UINT64(RegistryFetchReply, endpoint, "Endpoint", 0),
        JSON_STRING(RegistryFetchReply, token, "Token", JSON_SECRET),
        JSON_UINT64(RegistryFetchReply, transferred, "Transferred", 0),
};
JSON_TYPE(RegistryFetchReply, registry_fetch_reply_fields);

static const JsonField registry_tags_reply_fields[] = {
        JSON_UINT64(RegistryTagsReply, endpoint, "Endpoint", 0),
        JSON_STRING(RegistryTagsReply, token, "Token", JSON_SECRET),
        JSON_STRV(RegistryTagsReply, tags, "Tags", JSON_NONNULL),
};
JSON_TYPE(RegistryTagsReply, registry_tags_reply_fields);

static const JsonField registry_login_reply_fields[] = {
        JSON_STRING(RegistryLoginReply, status, "Status", JSON_REQUIRED),
        JSON_STRING(RegistryLoginReply, identity_token, "IdentityToken", JSON_SECRET),
};
JSON_TYPE(RegistryLoginReply, registry_login_reply_fields);

static const JsonField registry_inspect_params_fields[] = {
        JSON_STRUCT(RegistryInspectParams, access, RegistryAccess, "Access", JSON_REQUIRED),
        JSON_STRING(RegistryInspectParams, tag, "Tag", JSON_OMITEMPTY),
        JSON_STRING(RegistryInspectParams, digest, "Digest", JSON_OMITEMPTY),
};
JSON_TYPE(RegistryInspectParams, registry_inspect_params_fields);

/* DistributionInspect of the API. */
static const JsonField registry_inspect_reply_fields[] = {
        JSON_STRUCT(RegistryInspectReply, descriptor, OciDescriptor, "Descriptor", 0),
        JSON_ARRAY(RegistryInspectReply, platforms, OciPlatform, "Platforms", 0),
};
JSON_TYPE(RegistryInspectReply, registry_inspect_reply_fields);

static const JsonField registry_search_params_fields[] = {
        JSON_STRUCT(RegistrySearchParams, access, RegistryAccess, "Access", JSON_REQUIRED),
        JSON_STRING(RegistrySearchParams, term, "Term", JSON_REQUIRED),
        JSON_UINT64(RegistrySearchParams, limit, "Limit", 0),
};
JSON_TYPE(RegistrySearchParams, registry_search_params_fields);

/* SearchResult of the API, which is the index server's too. */
static const JsonField registry_search_item_fields[] = {
        JSON_INT64(RegistrySearchItem, star_count, "star_count", 0),
        JSON_BOOL(RegistrySearchItem, is_official, "is_official", 0),
        JSON_STRING(RegistrySearchItem, name, "name", 0),
        JSON_BOOL(RegistrySearchItem, is_automated, "is_automated", 0),
        JSON_STRING(RegistrySearchItem, description, "description", 0),
};
JSON_TYPE(RegistrySearchItem, registry_search_item_fields);

static const JsonField registry_search_reply_fields[] = {
        JSON_ARRAY(RegistrySearchReply, results, RegistrySearchItem, "results", JSON_NONNULL),
};
JSON_TYPE(RegistrySearchReply, registry_search_reply_fields);

static const JsonField registry_push_blob_params_fields[] = {
        JSON_STRUCT(RegistryPushBlobParams, access, RegistryAccess, "Access", JSON_REQUIRED),
        JSON_STRING(RegistryPushBlobParams, digest, "Digest", JSON_REQUIRED),
        JSON_UINT64(RegistryPushBlobParams, size, "Size", 0),
        JSON_STRV(RegistryPushBlobParams, mount_from, "MountFrom", JSON_OMITEMPTY),
};
JSON_TYPE(RegistryPushBlobParams, registry_push_blob_params_fields);

static const JsonField registry_push_blob_reply_fields[] = {
        JSON_UINT64(RegistryPushBlobReply, endpoint, "Endpoint", 0),
        JSON_STRING(RegistryPushBlobReply, token, "Token", JSON_SECRET),
        JSON_BOOL(RegistryPushBlobReply, existed, "Existed", 0),
        JSON_STRING(RegistryPushBlobReply, mounted_from, "MountedFrom", 0),
};
JSON_TYPE(RegistryPushBlobReply, registry_push_blob_reply_fields);

static const JsonField registry_push_manifest_params_fields[] = {
        JSON_STRUCT(RegistryPushManifestParams, access, RegistryAccess, "Access", JSON_REQUIRED),
        JSON_STRING(RegistryPushManifestParams, tag, "Tag", JSON_OMITEMPTY),
        JSON_STRING(RegistryPushManifestParams, media_type, "MediaType", JSON_REQUIRED),
};
JSON_TYPE(RegistryPushManifestParams, registry_push_manifest_params_fields);

static const JsonField registry_push_manifest_reply_fields[] = {
        JSON_STRING(RegistryPushManifestReply, token, "Token", JSON_SECRET),
        JSON_STRING(RegistryPushManifestReply, digest, "Digest", JSON_REQUIRED),
        JSON_UINT64(RegistryPushManifestReply, size, "Size", 0),
};
JSON_TYPE(RegistryPushManifestReply, registry_push_manifest_reply_fields);

static const JsonField url_fetch_params_fields[] = {
        JSON_STRING(UrlFetchParams, url, "Url", JSON_REQUIRED | JSON_SECRET),
        JSON_STRUCT(UrlFetchParams, proxies, RegistryProxies, "Proxies", 0),
        JSON_UINT64(UrlFetchParams, size_max, "SizeMax", JSON_REQUIRED),
};
JSON_TYPE(UrlFetchParams, url_fetch_params_fields);

static const JsonField url_progress_fields[] = {
        JSON_UINT64(UrlProgress, current, "Current", 0),
        JSON_UINT64(UrlProgress, total, "Total", 0),
};
JSON_TYPE(UrlProgress, url_progress_fields);

static const JsonField url_fetch_reply_fields[] = {
        JSON_UINT64(UrlFetchReply, size, "Size", 0),
};
JSON_TYPE(UrlFetchReply, url_fetch_reply_fields);
