/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads: blobs (already there, mounted from another repository of the registry, or sent in one piece) and
 * manifests. */
#include "basic/digest.h"
#include "basic/fd-util.h"
#include "basic/strv.h"
#include "registry/registry-client.h"
#include "registry/registry-session.h"

#define PUSH_SECONDS 120U

typedef struct Push {
        const RegistryPushBlobParams *params;
        int fd;
        RegistryProgressFunction progress;
        usec_t progressed;
        RegistryPushBlobReply *reply;
        bool again;             /* the upload failed in a way that may pass ... */
        unsigned wait;          /* ... after so many seconds, as the server says; 0 = it does not */
} Push;

static int out_of_memory(RegistrySession *s) {
        return registry_fail_errno(s, -ENOMEM, "cannot start a request");
}

static void prepare(RegistryRequest *q, const char *method) {
        q->http.method = method;
        q->http.text_max = REGISTRY_ERROR_BODY_MAX;
        q->http.seconds = PUSH_SECONDS;
}

/* 1: it is there. */
static int is_there(RegistrySession *s, const Push *p) {
        _cleanup_(registry_request_donep) RegistryRequest q = REGISTRY_REQUEST_NULL;
        int r;

        prepare(&q, "HEAD");
        if (asprintf_safe(&q.path, "/v2/%s/blobs/%s", s->access->repository, p->params->digest) < 0)
                return out_of_memory(s);
        r = registry_request_run(s, &q);
        if (r >= 0)
                return 1;
        return q.http.status == 404 ? 0 : r;
}

/* The location of an upload, with the digest as one more parameter where it is given. */
static int take_location(RegistrySession *s, const RegistryRequest *q, const char *digest, char **ret) {
        _cleanup_free_ char *url = NULL, *escaped = NULL;

        url = q->http.location ? http_url_join(q->http.url, q->http.location) : NULL;
        if (!url)
                return registry_fail(s, REGISTRY_FAILURE_STATUS,
                                     "the registry does not say where to upload to");
        if (!digest) {
                *ret = TAKE_PTR(url);
                return 0;
        }
        escaped = http_escape(digest);
        *ret = escaped ? strjoin(url, strchr(url, '?') ? "&" : "?", "digest=", escaped) : NULL;
        return *ret ? 0 : out_of_memory(s);
}

static void forget_token(RegistrySession *s) {
        if (s->token)
                explicit_zero(s->token, strlen(s->token));
        s->token = mfree(s->token);
}

/* 1: mounted; 0: not, and *ret_location is where to send it to. */
static int begin_upload(RegistrySession *s, const Push *p, const char *from, char **ret_location) {
        _cleanup_(registry_request_donep) RegistryRequest q = REGISTRY_REQUEST_NULL;
        _cleanup_free_ char *query = NULL, *scope = NULL, *name = NULL;
        int r;

        if (from) {
                scope = strjoin("repository:", from, ":pull");
                name = http_escape(from);
                if (!scope || !name ||
                    asprintf_safe(&query, "?mount=%s&from=%s", p->params->digest, name) < 0 ||
                    registry_session_add_scope(s, scope) < 0)
                        return out_of_memory(s);
                forget_token(s);
        }
        prepare(&q, "POST");
        if (asprintf_safe(&q.path, "/v2/%s/blobs/uploads/%s", s->access->repository, strempty(query)) < 0)
                return out_of_memory(s);
        r = registry_request_run(s, &q);
        if (r < 0)
                return r;
        if (q.http.status == 201)
                return 1;
        return take_location(s, &q, NULL, ret_location);
}

static void on_sent(uint64_t bytes, void *userdata) {
        Push *p = userdata;
        usec_t now = now_usec(CLOCK_MONOTONIC);

        if (!p->progress || now - p->progressed < REGISTRY_PROGRESS_USEC)
                return;
        p->progressed = now;
        p->progress(&(const RegistryProgress) { .current = bytes });
}

/* 404: the registry has forgotten an upload that was cut off. */
static int send_once(RegistrySession *s, Push *p, RegistryRequest *q) {
        int r = registry_request_run_once(s, q);

        p->again = r < 0 && (registry_failure_is_temporary(s, q, &p->wait) || q->http.status == 404);
        return r;
}

/* All in one PATCH, then the PUT that ends it: what every registry takes. */
static int upload(RegistrySession *s, Push *p, char *location) {
        _cleanup_(registry_request_donep) RegistryRequest data = REGISTRY_REQUEST_NULL,
                                                          end = REGISTRY_REQUEST_NULL;
        int r;

        prepare(&data, "PATCH");
        data.path = location;
        data.http.seconds = 0;
        data.http.content_type = "application/octet-stream";
        data.http.body_fd = p->fd;
        data.http.body_size = p->params->size;
        data.http.sent = on_sent;
        data.http.userdata = p;
        r = send_once(s, p, &data);
        if (r < 0)
                return r;
        prepare(&end, "PUT");
        r = take_location(s, &data, p->params->digest, &end.path);
        return r < 0 ? r : send_once(s, p, &end);
}

/* An upload that broke is begun anew: docker-registry throws away what has come of one. */
static int upload_repeatedly(RegistrySession *s, Push *p, char *location) {
        unsigned wait;
        int r;

        for (unsigned i = 1;; i++) {
                r = upload(s, p, location);
                if (r >= 0 || i >= registry_attempts(s) || !p->again)
                        return r;
                wait = p->wait > 0 ? p->wait : i < 4 ? 1U << (i - 1) : 8;
                if (p->progress)
                        p->progress(&(const RegistryProgress) { .retry = s->failure.text, .seconds = wait });
                (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &(const struct timespec){ .tv_sec = wait }, NULL);
                location = NULL;
                r = begin_upload(s, p, NULL, &location);
                if (r != 0)
                        return r;
        }
}

static int push_at(RegistrySession *s, void *userdata) {
        Push *p = userdata;
        const char *mounted = "";
        char *location = NULL;
        int r;

        r = is_there(s, p);
        if (r < 0)
                return r;
        p->reply->existed = r > 0;
        if (r == 0) {
                STRV_FOREACH(from, p->params->mount_from) {
                        location = mfree(location);
                        r = begin_upload(s, p, *from, &location);
                        /* It may not be ours to read: then it is sent. */
                        if (r > 0)
                                mounted = *from;
                        if (r != 0 && (r > 0 || s->failure.kind == REGISTRY_FAILURE_LOCAL))
                                break;
                }
                if (r <= 0 && !location)
                        r = begin_upload(s, p, NULL, &location);
                if (r == 0)
                        r = upload_repeatedly(s, p, location);
                else
                        free(location);
                if (r < 0)
                        return r;
        }
        p->reply->endpoint = s->endpoint;
        p->reply->token = strdup(registry_session_token(s));
        p->reply->mounted_from = strdup(mounted);
        return p->reply->token && p->reply->mounted_from ? 0 : out_of_memory(s);
}

int registry_push_blob(const RegistryPushBlobParams *params, int fd, RegistryProgressFunction progress,
                       RegistryPushBlobReply *ret, Error *reterr) {
        _cleanup_(registry_session_donep) RegistrySession s = {};
        Push p = { .params = params, .fd = fd, .progress = progress, .reply = ret };
        int r;

        r = registry_session_init(&s, &params->access, "push,pull");
        if (r < 0)
                return error_fill(reterr, r);
        r = registry_each_endpoint(&s, isempty(params->access.token), push_at, &p);
        return r < 0 ? registry_plain_error(&s, reterr) : 0;
}

/* --- manifests --- */

typedef struct PushManifest {
        const RegistryPushManifestParams *params;
        char *text;
        size_t size;
        RegistryPushManifestReply *reply;
} PushManifest;

static int push_manifest_at(RegistrySession *s, void *userdata) {
        PushManifest *p = userdata;
        _cleanup_(registry_request_donep) RegistryRequest q = REGISTRY_REQUEST_NULL;
        char text[DIGEST_TEXT_MAX];
        Digest digest;
        int r;

        digest_of(p->text, p->size, &digest);
        digest_format(text, &digest);
        prepare(&q, "PUT");
        q.http.content_type = p->params->media_type;
        q.http.body = p->text;
        q.http.body_size = p->size;
        if (asprintf_safe(&q.path, "/v2/%s/manifests/%s", s->access->repository,
                          isempty(p->params->tag) ? text : p->params->tag) < 0)
                return out_of_memory(s);
        r = registry_request_run(s, &q);
        if (r < 0)
                return r;
        if (q.http.digest && startswith(q.http.digest, "sha256:") && !streq(q.http.digest, text))
                return registry_fail(s, REGISTRY_FAILURE_CONTENT,
                                     "the registry says the manifest is %.80s, but it is "
                                     "%s",
                                     q.http.digest, text);
        p->reply->size = p->size;
        p->reply->digest = strdup(text);
        p->reply->token = strdup(registry_session_token(s));
        return p->reply->digest && p->reply->token ? 0 : out_of_memory(s);
}

int registry_push_manifest(const RegistryPushManifestParams *params, int fd, RegistryPushManifestReply *ret,
                           Error *reterr) {
        _cleanup_(registry_session_donep) RegistrySession s = {};
        _cleanup_free_ char *text = NULL;
        PushManifest p = { .params = params, .reply = ret };
        int r;

        r = registry_session_init(&s, &params->access, "push,pull");
        if (r >= 0)
                r = read_to_end(fd, REGISTRY_DOCUMENT_MAX, &text, &p.size);
        if (r < 0)
                return error_fill(reterr, r);
        p.text = text;
        r = registry_each_endpoint(&s, isempty(params->access.token), push_manifest_at, &p);
        return r < 0 ? registry_plain_error(&s, reterr) : 0;
}
