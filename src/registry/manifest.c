/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/manifest.h"

#include <limits.h>
#include <strings.h>

#include "basic/string-util.h"
#include "json/json-value.h"
#include "registry/reference.h"

const char manifest_accept[] =
        MEDIA_TYPE_OCI_INDEX ", " MEDIA_TYPE_OCI_MANIFEST ", " MEDIA_TYPE_DOCKER_MANIFEST_LIST ", "
        MEDIA_TYPE_DOCKER_MANIFEST ", " MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED ", */*";

typedef enum DocumentMember {
        MEMBER_CONFIG = 1 << 0,
        MEMBER_LAYERS = 1 << 1,
        MEMBER_MANIFESTS = 1 << 2,
        MEMBER_FS_LAYERS = 1 << 3,      /* schema 1 */
} DocumentMember;

static const struct {
        const char *name;
        DocumentMember member;
} members[] = {
        { "config",    MEMBER_CONFIG    },
        { "layers",    MEMBER_LAYERS    },
        { "manifests", MEMBER_MANIFESTS },
        { "fsLayers",  MEMBER_FS_LAYERS },
};

static const struct {
        const char *media_type;
        ManifestKind kind;
        unsigned forbidden;             /* DocumentMember */
        const char *message;
} types[] = {
        { MEDIA_TYPE_OCI_MANIFEST, MANIFEST_IMAGE, MEMBER_MANIFESTS | MEMBER_FS_LAYERS,
          "should not have \"manifests\" or \"fsLayers\"" },
        { MEDIA_TYPE_DOCKER_MANIFEST, MANIFEST_IMAGE, MEMBER_MANIFESTS | MEMBER_FS_LAYERS,
          "should not have \"manifests\" or \"fsLayers\"" },
        { MEDIA_TYPE_OCI_INDEX, MANIFEST_INDEX, MEMBER_CONFIG | MEMBER_LAYERS | MEMBER_FS_LAYERS,
          "should not have \"config\", \"layers\", or \"fsLayers\"" },
        { MEDIA_TYPE_DOCKER_MANIFEST_LIST, MANIFEST_INDEX, MEMBER_CONFIG | MEMBER_LAYERS | MEMBER_FS_LAYERS,
          "should not have \"config\", \"layers\", or \"fsLayers\"" },
        { MEDIA_TYPE_DOCKER_SCHEMA1, _MANIFEST_KIND_INVALID, 0, NULL },
        { MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED, _MANIFEST_KIND_INVALID, 0, NULL },
};

/* Configs of images; registries have been seen to say these, too. */
static const char *const config_types[] = {
        MEDIA_TYPE_DOCKER_CONFIG, MEDIA_TYPE_OCI_CONFIG, "application/octet-stream", "application/json",
        "text/html", "",
};

static const char *const layer_prefixes[] = {
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
};

void manifest_done(Manifest *m) {
        json_done(&OciManifest_json, &m->document);
}

/* Readers do not agree whether case counts, so it does not here. */
static int add_member(const char *key, const JsonValue *v, void *userdata, Error *reterr) {
        unsigned *mask = userdata;

        FOREACH_ELEMENT(m, members)
                if (strcasecmp(key, m->name) == 0 && json_value_type(v) != JSON_VALUE_NULL)
                        *mask |= m->member;
        return 0;
}

static unsigned document_members(const JsonValue *v) {
        unsigned mask = 0;

        (void) json_value_foreach(v, add_member, &mask, NULL);
        return mask;
}

/* Without the parameters: "application/json; charset=utf-8". */
static bool media_type_is(const char *value, const char *type) {
        size_t n = strlen(type);

        return value && strncasecmp(value, type, n) == 0 && (value[n] == 0 || strchr("; \t", value[n]));
}

static size_t find_type(const char *value) {
        size_t i = 0;

        while (i < ELEMENTSOF(types) && !media_type_is(value, types[i].media_type))
                i++;
        return i;
}

static size_t guess_type(unsigned has) {
        if (FLAGS_SET(has, MEMBER_FS_LAYERS) && !FLAGS_SET(has, MEMBER_MANIFESTS))
                return find_type(MEDIA_TYPE_DOCKER_SCHEMA1);
        if ((has & (MEMBER_CONFIG | MEMBER_LAYERS)) && !(has & (MEMBER_MANIFESTS | MEMBER_FS_LAYERS)))
                return find_type(MEDIA_TYPE_OCI_MANIFEST);
        if (has == MEMBER_MANIFESTS)
                return find_type(MEDIA_TYPE_OCI_INDEX);
        return ELEMENTSOF(types);
}

/* Which row of types[] the document is. */
static int decide_type(const JsonValue *v, const char *content_type, size_t *ret, Error *reterr) {
        const char *own = json_value_string(json_value_get(v, "mediaType"));
        size_t claimed = find_type(content_type), i;
        unsigned has = document_members(v);

        i = isempty(own) ? claimed : find_type(own);
        if (i >= ELEMENTSOF(types) && isempty(own))
                i = guess_type(has);
        if (i >= ELEMENTSOF(types))
                return error_setf(reterr, ERROR_INVALID, "unsupported manifest format");
        if (claimed < ELEMENTSOF(types) && claimed != i)
                return error_setf(reterr, ERROR_INVALID, "mediaType in manifest should be '%s' not '%s'",
                                  types[claimed].media_type, types[i].media_type);
        if (has & types[i].forbidden)
                return error_setf(reterr, ERROR_INVALID, "media-type: \"%s\" %s", types[i].media_type,
                                  types[i].message);
        *ret = i;
        return 0;
}

static int refuse_schema1(const char *reference, Error *reterr) {
        return error_setf(
                        reterr, ERROR_INVALID,
                        "Docker Image Format v1 and Docker Image manifest version 2, "
                        "schema 1 support has been removed. Suggest the author of %s to upgrade the image to "
                        "the OCI Format or Docker Image manifest v2, schema 2. More information at "
                        "https://docs.docker.com/go/deprecated-image-specs/",
                        strempty(reference));
}

static int check_descriptor(const OciDescriptor *d, const char *what, Error *reterr) {
        if (!startswith(strempty(d->digest), "sha256:") || !reference_digest_is_valid(d->digest))
                return error_setf(reterr, ERROR_INVALID, "could not validate %s digest \"%.128s\"", what,
                                  strempty(d->digest));
        if (d->size < 0)
                return error_setf(reterr, ERROR_INVALID, "the size of %s %s is negative", what, d->digest);
        return 0;
}

static int check_list(const OciDescriptorList *l, size_t max, const char *what, Error *reterr) {
        int r = 0;

        if (l->n_items > max)
                return error_setf(reterr, ERROR_TOO_LARGE,
                                  "the manifest has %zu entries (%s), at most %zu are "
                                  "supported",
                                  l->n_items, what, max);
        for (size_t i = 0; r >= 0 && i < l->n_items; i++)
                r = check_descriptor(l->items + i, what, reterr);
        return r;
}

static int check_document(const Manifest *m, Error *reterr) {
        const OciManifest *d = &m->document;
        int r;

        if (d->schema_version != 2)
                return error_setf(reterr, ERROR_INVALID, "unsupported manifest schema version %lld",
                                  (long long) d->schema_version);
        if (m->kind == MANIFEST_INDEX)
                return check_list(&d->manifests, MANIFEST_LIST_MAX, "manifest", reterr);
        if (!d->config)
                return error_setf(reterr, ERROR_INVALID, "the manifest has no config");
        r = check_descriptor(d->config, "config", reterr);
        return r < 0 ? r : check_list(&d->layers, MANIFEST_LAYERS_MAX, "layer", reterr);
}

int manifest_parse(const char *text, size_t size, const char *content_type, const char *reference,
                   Manifest *ret, Error *reterr) {
        _cleanup_(json_value_unrefp) JsonValue *v = NULL;
        _cleanup_(manifest_donep) Manifest m = {};
        size_t type = 0;
        int r;

        r = json_value_parse(text, size, JSON_DEPTH_MAX, &v, reterr);
        if (r >= 0 && json_value_type(v) != JSON_VALUE_OBJECT)
                r = error_setf(reterr, ERROR_INVALID, "it is no JSON object");
        if (r < 0)
                return error_prefixf(reterr, r, "the manifest cannot be read");
        r = decide_type(v, content_type, &type, reterr);
        if (r < 0)
                return r;
        if (types[type].kind < 0)
                return refuse_schema1(reference, reterr);
        m.kind = types[type].kind;
        m.media_type = types[type].media_type;
        r = json_decode(&OciManifest_json, (struct json_object *) v, 0, &m.document, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "the manifest cannot be read");
        r = check_document(&m, reterr);
        if (r < 0)
                return r;
        *ret = m;
        m.document = (OciManifest) {};
        return 0;
}

/* A prefix counts up to a dot or plus: "...v1.tar+gzip", not "...v1.tarball". */
static bool layer_type_is_known(const char *type) {
        FOREACH_ELEMENT(p, layer_prefixes) {
                size_t n = strlen(*p);

                if (strncasecmp(type, *p, n) == 0 && (type[n] == 0 || strchr(".+", type[n])))
                        return true;
        }
        return false;
}

static bool config_type_is_known(const char *type) {
        FOREACH_ELEMENT(t, config_types)
                if (strcasecmp(type, *t) == 0)
                        return true;
        return false;
}

#define AI_CONFIG_PREFIX "application/vnd.docker.ai."
#define PLUGIN_CONFIG "application/vnd.docker.plugin.v1+json"

const char *manifest_artifact_type(const Manifest *m) {
        const char *config = strempty(m->document.config->media_type);

        if (startswith(config, AI_CONFIG_PREFIX) || streq(config, PLUGIN_CONFIG) ||
            manifest_check_image(m, NULL) >= 0)
                return NULL;
        return isempty(m->document.artifact_type) ? config : m->document.artifact_type;
}

int manifest_check_image(const Manifest *m, Error *reterr) {
        const char *config = strempty(m->document.config->media_type);

        if (startswith(config, AI_CONFIG_PREFIX))
                return error_setf(reterr, ERROR_INVALID,
                                  "AI models are not yet supported by the Engine, please "
                                  "use \"docker model pull/run\" instead");
        if (streq(config, PLUGIN_CONFIG))
                return error_setf(reterr, ERROR_INVALID, "Encountered remote \"%s\"(plugin) when fetching",
                                  config);
        if (!config_type_is_known(config))
                return error_setf(reterr, ERROR_INVALID, "unsupported media type %.128s", config);
        for (size_t i = 0; i < m->document.layers.n_items; i++) {
                const char *type = strempty(m->document.layers.items[i].media_type);

                if (!layer_type_is_known(type))
                        return error_setf(reterr, ERROR_INVALID, "unsupported media type %.128s", type);
        }
        return 0;
}

const OciDescriptor *manifest_select(const Manifest *m, const Platform *wanted) {
        const OciDescriptor *best = NULL;
        int best_rank = -1;

        for (size_t i = 0; i < m->document.manifests.n_items; i++) {
                const OciDescriptor *d = m->document.manifests.items + i;
                int rank;

                if (!d->platform || isempty(d->platform->os))
                        rank = INT_MAX;         /* any platform, but only if there is no better */
                else
                        rank = platform_rank(wanted, &(Platform) {
                                .os = d->platform->os,
                                .architecture = d->platform->architecture,
                                .variant = d->platform->variant,
                        });
                if (rank >= 0 && (!best || rank < best_rank)) {
                        best = d;
                        best_rank = rank;
                }
        }
        return best;
}
