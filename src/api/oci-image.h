/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of the OCI image-spec 1.1 (config.md, manifest.md, image-index.md, image-layout.md), which
 * Docker's own formats are read through as well: same members, other media types. Structs and field tables;
 * no logic. */
#pragma once

#include "api/container.h"
#include "json/json-type.h"

#define MEDIA_TYPE_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_TYPE_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_TYPE_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_TYPE_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_TYPE_DOCKER_MANIFEST_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"

/* Members of a config's "config" (DockerOCIImageConfig): what an image's author suggests for its
 * containers. */
typedef struct OciImageConfig {
        char *user;
        char **exposed_ports;           /* "80/tcp" */
        char **env;
        char **entrypoint;
        char **cmd;
        char **volumes;                 /* mount points */
        char *working_dir;
        StringMap labels;
        char *stop_signal;
        bool args_escaped;
        HealthConfig *healthcheck;
        char **on_build;
        char **shell;
} OciImageConfig;
JSON_TYPE_DECLARE(OciImageConfig);
DEFINE_JSON_CLEANUP(OciImageConfig);

typedef struct OciHistory {
        nsec_t created;
        char *created_by;
        char *author;
        char *comment;
        bool empty_layer;
} OciHistory;
JSON_TYPE_DECLARE(OciHistory);

typedef struct OciRootfs {
        char *type;                     /* "layers" */
        char **diff_ids;
} OciRootfs;
JSON_TYPE_DECLARE(OciRootfs);

/* The config blob; its digest is the image id. */
typedef struct OciImage {
        char *architecture;
        char *author;
        char *comment;                  /* Docker's own, as docker_version and parent */
        OciImageConfig config;
        nsec_t created;                 /* 0 = not given */
        char *docker_version;
        struct {
                OciHistory *items;
                size_t n_items;
        } history;
        char *os;
        char *os_version;
        OciRootfs rootfs;
        char *variant;
} OciImage;
JSON_TYPE_DECLARE(OciImage);
DEFINE_JSON_CLEANUP(OciImage);

typedef struct OciPlatform {
        char *architecture;
        char *os;
        char *os_version;
        char *variant;
} OciPlatform;
JSON_TYPE_DECLARE(OciPlatform);
DEFINE_JSON_CLEANUP(OciPlatform);

typedef struct OciDescriptor {
        char *media_type;
        char *digest;
        int64_t size;
        char **urls;                    /* of a foreign layer: where else it is */
        StringMap annotations;
        OciPlatform *platform;
} OciDescriptor;
JSON_TYPE_DECLARE(OciDescriptor);
DEFINE_JSON_CLEANUP(OciDescriptor);

typedef struct OciDescriptorList {
        OciDescriptor *items;
        size_t n_items;
} OciDescriptorList;

/* A manifest or an index: one struct, so that a document which claims to be both can be seen and refused
 * (CVE-2021-41190). */
typedef struct OciManifest {
        int64_t schema_version;
        char *media_type;
        char *artifact_type;            /* of what is no image */
        OciDescriptor *config;
        OciDescriptorList layers;
        OciDescriptorList manifests;
        StringMap annotations;
} OciManifest;
JSON_TYPE_DECLARE(OciManifest);
DEFINE_JSON_CLEANUP(OciManifest);

typedef struct OciLayout {
        char *version;
} OciLayout;
JSON_TYPE_DECLARE(OciLayout);
DEFINE_JSON_CLEANUP(OciLayout);
