/* SPDX-License-Identifier: Apache-2.0 */
/* From a name to all documents of one image, and what GET /distribution tells of it. */
#include "basic/fd-util.h"
#include "basic/strv.h"
#include "registry/registry-client.h"
#include "registry/registry-document.h"

typedef struct Resolve {
        const RegistryResolveParams *params;
        int index_fd, manifest_fd, config_fd;
        char *reference;                /* for messages */
        RegistryResolveReply *reply;
} Resolve;

static int set_descriptor(RegistrySession *s, OciDescriptor *d, const char *media_type, const char *digest,
                          size_t size) {
        d->size = (int64_t) size;
        if (free_and_strdup(&d->media_type, media_type) < 0 || free_and_strdup(&d->digest, digest) < 0)
                return registry_fail_errno(s, -ENOMEM, "cannot keep a descriptor");
        return 0;
}

/* Another endpoint may have written something before. */
static int store(RegistrySession *s, int fd, const RegistryDocument *d) {
        int r = 0;

        if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
                r = -errno;
        if (r >= 0)
                r = write_full(fd, d->text.data, d->text.size);
        return r < 0 ? registry_fail_errno(s, r, "cannot store a document") : 0;
}

static int parse(RegistrySession *s, const RegistryDocument *d, const char *reference, Manifest *ret) {
        _cleanup_error_ Error e = ERROR_NULL;
        int r = manifest_parse(strempty(d->text.data), d->text.size, d->content_type, reference, ret, &e);

        return r < 0 ? registry_fail_error(s, REGISTRY_FAILURE_CONTENT, &e) : 0;
}

/* As Docker prints it: what was asked for, or the host's with the variant that an arm64 implies. */
static const char *shown_platform(const RegistryResolveParams *p, char buf[static PLATFORM_TEXT_MAX]) {
        PlatformBuffer b;
        Platform host;

        if (!isempty(p->architecture))
                return platform_format(buf, &(Platform) { p->os, p->architecture, p->variant });
        host = platform_normalise(&(Platform) { .os = p->os }, &b);
        host.variant = streq(host.architecture, "arm64") ? "v8" :
                       streq(host.architecture, "arm")   ? host.variant : NULL;
        return platform_format(buf, &host);
}

static int no_platform(RegistrySession *s, const RegistryResolveParams *p) {
        char buf[PLATFORM_TEXT_MAX];

        registry_fail(s, REGISTRY_FAILURE_CODE, "no matching manifest for %s in the manifest list entries",
                      shown_platform(p, buf));
        s->failure.code = REGISTRY_CODE_NO_PLATFORM;
        return -EREMOTEIO;
}

/* Out of the index: its best entry becomes the manifest. */
static int descend(RegistrySession *s, Resolve *v, Manifest *m, RegistryDocument *d) {
        PlatformBuffer buf;
        const RegistryResolveParams *p = v->params;
        const Platform wanted = platform_normalise(&(Platform) { p->os, p->architecture, p->variant }, &buf);
        const OciDescriptor *best = manifest_select(m, &wanted);
        _cleanup_(registry_document_donep) RegistryDocument inner = {};
        _cleanup_(manifest_donep) Manifest image = {};
        int r;

        if (!best)
                return no_platform(s, p);
        r = registry_get_manifest(s, best->digest, &inner);
        if (r < 0)
                return r;
        if (best->size > 0 && (size_t) best->size != inner.text.size)
                return registry_fail(s, REGISTRY_FAILURE_CONTENT,
                                     "manifest %s has %zu bytes, but the index says %lld", best->digest,
                                     inner.text.size, (long long) best->size);
        r = parse(s, &inner, v->reference, &image);
        if (r < 0)
                return r;
        if (image.kind != MANIFEST_IMAGE)
                return registry_fail(s, REGISTRY_FAILURE_CONTENT, "unsupported manifest format");
        registry_document_done(d);
        *d = TAKE_STRUCT(inner);
        manifest_done(m);
        *m = TAKE_STRUCT(image);
        return 0;
}

/* Nobody asks for them, and there may be megabytes. */
static void drop_annotations(OciDescriptorList *l) {
        for (size_t i = 0; i < l->n_items; i++)
                string_map_done(&l->items[i].annotations);
}

static int take_image(RegistrySession *s, Resolve *v, Manifest *m, const RegistryDocument *d) {
        _cleanup_(registry_document_donep) RegistryDocument config = {};
        _cleanup_error_ Error e = ERROR_NULL;
        RegistryResolveReply *reply = v->reply;
        const char *artifact = manifest_artifact_type(m);
        int r;

        if (!artifact && manifest_check_image(m, &e) < 0)
                return registry_fail_error(s, REGISTRY_FAILURE_CONTENT, &e);
        if (free_and_strdup(&reply->artifact, artifact) < 0)
                return registry_fail_errno(s, -ENOMEM, "cannot keep the type");
        r = registry_get_blob(s, m->document.config->digest, m->document.config->size, &config);
        if (r < 0)
                return registry_fail_prefix(s, r, "error pulling image configuration");
        r = store(s, v->manifest_fd, d);
        if (r >= 0)
                r = store(s, v->config_fd, &config);
        if (r >= 0)
                r = set_descriptor(s, &reply->manifest, m->media_type, d->digest, d->text.size);
        if (r >= 0)
                r = set_descriptor(s, &reply->config, strempty(m->document.config->media_type),
                                   config.digest, config.text.size);
        if (r < 0)
                return r;
        reply->layers = TAKE_STRUCT(m->document.layers);
        drop_annotations(&reply->layers);
        return 0;
}

static int finish(RegistrySession *s, RegistryResolveReply *reply) {
        reply->endpoint = s->endpoint;
        return free_and_strdup(&reply->token, registry_session_token(s)) < 0 ?
                registry_fail_errno(s, -ENOMEM, "cannot keep the token") : 0;
}

/* 1: the daemon has it already. */
static int look_known(RegistrySession *s, Resolve *v) {
        int r;

        if (strv_isempty(v->params->known) || !isempty(v->params->digest))
                return 0;
        r = registry_head_manifest(s, v->params->tag, &v->reply->target);
        if (r <= 0)
                return r;
        return strv_contains(v->params->known, v->reply->target.digest);
}

static int resolve_at(RegistrySession *s, void *userdata) {
        Resolve *v = userdata;
        const RegistryResolveParams *p = v->params;
        _cleanup_(registry_document_donep) RegistryDocument d = {};
        _cleanup_(manifest_donep) Manifest m = {};
        int r;

        r = look_known(s, v);
        if (r < 0)
                return r;
        if (r > 0) {
                v->reply->up_to_date = true;
                return finish(s, v->reply);
        }
        r = registry_get_manifest(s, isempty(p->digest) ? p->tag : p->digest, &d);
        if (r >= 0)
                r = parse(s, &d, v->reference, &m);
        if (r >= 0)
                r = set_descriptor(s, &v->reply->target, m.media_type, d.digest, d.text.size);
        if (r >= 0 && m.kind == MANIFEST_INDEX) {
                r = store(s, v->index_fd, &d);
                if (r >= 0)
                        r = descend(s, v, &m, &d);
        }
        if (r >= 0)
                r = take_image(s, v, &m, &d);
        return r < 0 ? r : finish(s, v->reply);
}

int registry_resolve(const RegistryResolveParams *p, int index_fd, int manifest_fd, int config_fd,
                     RegistryResolveReply *ret, Error *reterr) {
        _cleanup_(registry_session_donep) RegistrySession s = {};
        _cleanup_free_ char *reference = registry_familiar_reference(&p->access, p->tag, p->digest);
        Resolve v = { p, index_fd, manifest_fd, config_fd, reference, ret };
        int r;

        r = reference ? registry_session_init(&s, &p->access, "pull") : -ENOMEM;
        if (r < 0)
                return error_fill(reterr, r);
        r = registry_each_endpoint(&s, true, resolve_at, &v);
        return r < 0 ? registry_pull_error(&s, reference, reterr) : 0;
}

/* --- GET /distribution/{name}/json --- */

typedef struct Inspect {
        const RegistryInspectParams *params;
        const char *reference;
        RegistryInspectReply *reply;
} Inspect;

static int add_platform(RegistrySession *s, RegistryInspectReply *reply, const OciPlatform *p, size_t room) {
        if (!reply->platforms.items) {
                reply->platforms.items = new0(OciPlatform, room);
                if (!reply->platforms.items)
                        return registry_fail_errno(s, -ENOMEM, "cannot keep a platform");
        }
        if (json_copy(&OciPlatform_json, p, reply->platforms.items + reply->platforms.n_items) < 0)
                return registry_fail_errno(s, -ENOMEM, "cannot keep a platform");
        reply->platforms.n_items++;
        return 0;
}

static int add_index_platforms(RegistrySession *s, RegistryInspectReply *reply, const OciDescriptorList *l) {
        static const OciPlatform none = {};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < l->n_items; i++)
                r = add_platform(s, reply, l->items[i].platform ?: &none, l->n_items);
        return r;
}

/* A config that cannot be had or read is no failure: the platform is not known then. */
static int add_config_platform(RegistrySession *s, RegistryInspectReply *reply,
                               const OciDescriptor *config) {
        _cleanup_(registry_document_donep) RegistryDocument d = {};
        OciPlatform p = {};
        int r = 0;

        if (registry_get_blob(s, config->digest, config->size, &d) < 0)
                return s->failure.kind == REGISTRY_FAILURE_LOCAL ? -EREMOTEIO : 0;
        if (json_decode_text(&OciPlatform_json, strempty(d.text.data), d.text.size, 0, &p, NULL) >= 0 &&
            (!isempty(p.os) || !isempty(p.architecture)))
                r = add_platform(s, reply, &p, 1);
        json_done(&OciPlatform_json, &p);
        return r;
}

static int inspect_at(RegistrySession *s, void *userdata) {
        Inspect *v = userdata;
        const RegistryInspectParams *p = v->params;
        _cleanup_(registry_document_donep) RegistryDocument d = {};
        _cleanup_(manifest_donep) Manifest m = {};
        int r;

        r = registry_get_manifest(s, isempty(p->digest) ? p->tag : p->digest, &d);
        if (r >= 0)
                r = parse(s, &d, v->reference, &m);
        if (r >= 0)
                r = set_descriptor(s, &v->reply->descriptor, m.media_type, d.digest, d.text.size);
        if (r < 0)
                return r;
        return m.kind == MANIFEST_INDEX ? add_index_platforms(s, v->reply, &m.document.manifests)
                                        : add_config_platform(s, v->reply, m.document.config);
}

int registry_inspect(const RegistryInspectParams *p, RegistryInspectReply *ret, Error *reterr) {
        _cleanup_(registry_session_donep) RegistrySession s = {};
        _cleanup_free_ char *reference = registry_familiar_reference(&p->access, p->tag, p->digest);
        Inspect v = { p, reference, ret };
        int r;

        r = reference ? registry_session_init(&s, &p->access, "pull") : -ENOMEM;
        if (r < 0)
                return error_fill(reterr, r);
        r = registry_each_endpoint(&s, true, inspect_at, &v);
        return r < 0 ? registry_plain_error(&s, reterr) : 0;
}
