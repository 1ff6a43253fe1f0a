/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests, manifest lists and indexes as registries hand them out (image-spec 1.1; Docker's schema 2):
 * what one is, whether it may be believed, and which of its images is wanted. No network. */
#pragma once

#include "api/oci-image.h"
#include "registry/platform.h"

/* Images of one index, layers of one manifest. */
#define MANIFEST_LIST_MAX 4096U
#define MANIFEST_LAYERS_MAX 127U

#define MEDIA_TYPE_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_TYPE_DOCKER_SCHEMA1 "application/vnd.docker.distribution.manifest.v1+json"
#define MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED "application/vnd.docker.distribution.manifest.v1+prettyjws"

typedef enum ManifestKind {
        MANIFEST_IMAGE,                 /* config and layers */
        MANIFEST_INDEX,                 /* manifests of other platforms */
        _MANIFEST_KIND_MAX,
        _MANIFEST_KIND_INVALID = -EINVAL,
} ManifestKind;

typedef struct Manifest {
        ManifestKind kind;
        const char *media_type;         /* as it is, not as the server said; a constant */
        OciManifest document;
} Manifest;

void manifest_done(Manifest *m);
DEFINE_CLEANUP_DONE(Manifest, manifest_done);

/* content_type: of the answer, NULL = not known. Refused: what claims to be both (CVE-2021-41190), what is
 * not what its own mediaType or the server says, schema 1 (`reference` is for its text), digests other than
 * SHA-256, negative sizes. */
int manifest_parse(const char *text, size_t size, const char *content_type, const char *reference,
                   Manifest *ret, Error *reterr);

/* An image that can be unpacked: a config and layers of known media types. */
int manifest_check_image(const Manifest *m, Error *reterr);

/* What kind of thing it is, where it is neither an image nor refused by name: its artifactType or the media
 * type of its config (image-spec, "Guidelines for Artifact Usage"). NULL = manifest_check_image() tells. */
const char *manifest_artifact_type(const Manifest *m);

/* The best entry of an index for a normalised platform, or NULL. */
const OciDescriptor *manifest_select(const Manifest *m, const Platform *wanted);

/* The value of the Accept header of a request for a manifest. */
extern const char manifest_accept[];
