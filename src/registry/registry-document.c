/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry-document.h"

#include "basic/parse-util.h"
#include "registry/reference.h"

#define DOCUMENT_SECONDS 120U

void registry_document_done(RegistryDocument *d) {
        buffer_done(&d->text);
        free(d->content_type);
        *d = (RegistryDocument) {};
}

char *registry_familiar_reference(const RegistryAccess *access, const char *tag, const char *digest) {
        return isempty(digest) ? strjoin(strempty(access->familiar), ":", strempty(tag))
                               : strjoin(strempty(access->familiar), "@", digest);
}

static int prepare(RegistrySession *s, RegistryRequest *q, const char *kind, const char *name) {
        if (asprintf_safe(&q->path, "/v2/%s/%s/%s", s->access->repository, kind, name) < 0)
                return registry_fail_errno(s, -ENOMEM, "cannot start a request");
        q->http.text_max = REGISTRY_DOCUMENT_MAX;
        q->http.seconds = DOCUMENT_SECONDS;
        return 0;
}

/* The bytes and what is said of them. Registries with other algorithms than ours say nothing we can
 * check. */
static int check_digests(RegistrySession *s, const RegistryDocument *d, const char *wanted, const char *said,
                         const char *what) {
        if (wanted && !streq(wanted, d->digest))
                return registry_fail(s, REGISTRY_FAILURE_CONTENT, "%s verification failed for digest %s",
                                     what, wanted);
        if (said && startswith(said, "sha256:") && !streq(said, d->digest))
                return registry_fail(s, REGISTRY_FAILURE_CONTENT, "%s verification failed for digest %.80s",
                                     what, said);
        return 0;
}

static int take_document(RegistrySession *s, RegistryRequest *q, RegistryDocument *ret) {
        Digest digest;

        ret->text = TAKE_STRUCT(q->http.text);
        ret->content_type = TAKE_PTR(q->http.content_type_seen);
        digest_of(strempty(ret->text.data), ret->text.size, &digest);
        digest_format(ret->digest, &digest);
        return 0;
}

int registry_get_manifest(RegistrySession *s, const char *name, RegistryDocument *ret) {
        _cleanup_(registry_request_donep) RegistryRequest q = REGISTRY_REQUEST_NULL;
        _cleanup_(registry_document_donep) RegistryDocument d = {};
        bool by_digest = strchr(name, ':');
        int r;

        r = prepare(s, &q, "manifests", name);
        if (r < 0)
                return r;
        q.http.accept = manifest_accept;
        q.content_addressed = by_digest;
        /* Docker asks by HEAD first, so this is what its users know. */
        q.label = by_digest ? NULL : "Head";
        r = registry_request_run(s, &q);
        if (r >= 0)
                r = take_document(s, &q, &d);
        if (r >= 0)
                r = check_digests(s, &d, by_digest ? name : NULL, q.http.digest, "manifest");
        if (r < 0)
                return r;
        *ret = TAKE_STRUCT(d);
        return 0;
}

int registry_head_manifest(RegistrySession *s, const char *tag, OciDescriptor *ret) {
        _cleanup_(registry_request_donep) RegistryRequest q = REGISTRY_REQUEST_NULL;
        int r;

        r = prepare(s, &q, "manifests", tag);
        if (r < 0)
                return r;
        q.http.method = "HEAD";
        q.http.accept = manifest_accept;
        r = registry_request_run(s, &q);
        /* Refusals come without words, and some servers do not know HEAD: the GET that follows tells. */
        if (r < 0)
                return s->failure.kind == REGISTRY_FAILURE_LOCAL ? r : 0;
        if (!q.http.digest || !reference_digest_is_valid(q.http.digest))
                return 0;
        if (free_and_strdup(&ret->digest, q.http.digest) < 0 ||
            free_and_strdup(&ret->media_type, strempty(q.http.content_type_seen)) < 0)
                return registry_fail_errno(s, -ENOMEM, "cannot keep a digest");
        ret->size = q.http.content_length > INT64_MAX ? 0 : (int64_t) q.http.content_length;
        return 1;
}

int registry_get_blob(RegistrySession *s, const char *digest, int64_t size, RegistryDocument *ret) {
        _cleanup_(registry_request_donep) RegistryRequest q = REGISTRY_REQUEST_NULL;
        _cleanup_(registry_document_donep) RegistryDocument d = {};
        int r;

        if (size > (int64_t) REGISTRY_DOCUMENT_MAX)
                return registry_fail(s, REGISTRY_FAILURE_CONTENT,
                                     "%s has %lld bytes, at most %u are supported", digest, (long long) size,
                                     REGISTRY_DOCUMENT_MAX);
        r = prepare(s, &q, "blobs", digest);
        if (r < 0)
                return r;
        q.content_addressed = true;
        r = registry_request_run(s, &q);
        if (r >= 0)
                r = take_document(s, &q, &d);
        if (r >= 0 && size >= 0 && d.text.size != (size_t) size)
                r = registry_fail(s, REGISTRY_FAILURE_CONTENT,
                                  "%s has %zu bytes, but the manifest says %lld", digest, d.text.size,
                                  (long long) size);
        if (r >= 0)
                r = check_digests(s, &d, digest, NULL, "image config");
        if (r < 0)
                return r;
        *ret = TAKE_STRUCT(d);
        return 0;
}
