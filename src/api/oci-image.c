/* SPDX-License-Identifier: Apache-2.0 */
#include "api/oci-image.h"

static const JsonField oci_image_config_fields[] = {
        JSON_STRING(OciImageConfig, user, "User", JSON_OMITEMPTY),
        JSON_SET(OciImageConfig, exposed_ports, "ExposedPorts", JSON_OMITEMPTY),
        JSON_STRV(OciImageConfig, env, "Env", JSON_OMITEMPTY),
        JSON_STRV(OciImageConfig, entrypoint, "Entrypoint", JSON_OMITEMPTY | JSON_STRING_OR_LIST),
        JSON_STRV(OciImageConfig, cmd, "Cmd", JSON_OMITEMPTY | JSON_STRING_OR_LIST),
        JSON_SET(OciImageConfig, volumes, "Volumes", JSON_OMITEMPTY),
        JSON_STRING(OciImageConfig, working_dir, "WorkingDir", JSON_OMITEMPTY),
        JSON_STRING_MAP(OciImageConfig, labels, "Labels", JSON_OMITEMPTY),
        JSON_STRING(OciImageConfig, stop_signal, "StopSignal", JSON_OMITEMPTY),
        JSON_BOOL(OciImageConfig, args_escaped, "ArgsEscaped", JSON_OMITEMPTY),
        JSON_OBJECT(OciImageConfig, healthcheck, HealthConfig, "Healthcheck", JSON_OMITEMPTY),
        JSON_STRV(OciImageConfig, on_build, "OnBuild", JSON_OMITEMPTY),
        JSON_STRV(OciImageConfig, shell, "Shell", JSON_OMITEMPTY),
};
JSON_TYPE(OciImageConfig, oci_image_config_fields);

static const JsonField oci_history_fields[] = {
        JSON_TIME(OciHistory, created, "created", JSON_OMITEMPTY),
        JSON_STRING(OciHistory, created_by, "created_by", JSON_OMITEMPTY),
        JSON_STRING(OciHistory, author, "author", JSON_OMITEMPTY),
        JSON_STRING(OciHistory, comment, "comment", JSON_OMITEMPTY),
        JSON_BOOL(OciHistory, empty_layer, "empty_layer", JSON_OMITEMPTY),
};
JSON_TYPE(OciHistory, oci_history_fields);

static const JsonField oci_rootfs_fields[] = {
        JSON_STRING(OciRootfs, type, "type", 0),
        JSON_STRV(OciRootfs, diff_ids, "diff_ids", JSON_NONNULL),
};
JSON_TYPE(OciRootfs, oci_rootfs_fields);

static const JsonField oci_image_fields[] = {
        JSON_STRING(OciImage, architecture, "architecture", 0),
        JSON_STRING(OciImage, author, "author", JSON_OMITEMPTY),
        JSON_STRING(OciImage, comment, "comment", JSON_OMITEMPTY),
        JSON_STRUCT(OciImage, config, OciImageConfig, "config", 0),
        JSON_TIME(OciImage, created, "created", JSON_OMITEMPTY),
        JSON_STRING(OciImage, docker_version, "docker_version", JSON_OMITEMPTY),
        JSON_ARRAY(OciImage, history, OciHistory, "history", JSON_OMITEMPTY),
        JSON_STRING(OciImage, os, "os", 0),
        JSON_STRING(OciImage, os_version, "os.version", JSON_OMITEMPTY),
        JSON_STRUCT(OciImage, rootfs, OciRootfs, "rootfs", 0),
        JSON_STRING(OciImage, variant, "variant", JSON_OMITEMPTY),
};
JSON_TYPE(OciImage, oci_image_fields);

static const JsonField oci_platform_fields[] = {
        JSON_STRING(OciPlatform, architecture, "architecture", 0),
        JSON_STRING(OciPlatform, os, "os", 0),
        JSON_STRING(OciPlatform, os_version, "os.version", JSON_OMITEMPTY),
        JSON_STRING(OciPlatform, variant, "variant", JSON_OMITEMPTY),
};
JSON_TYPE(OciPlatform, oci_platform_fields);

static const JsonField oci_descriptor_fields[] = {
        JSON_STRING(OciDescriptor, media_type, "mediaType", JSON_OMITEMPTY),
        JSON_STRING(OciDescriptor, digest, "digest", JSON_REQUIRED),
        JSON_INT64(OciDescriptor, size, "size", 0),
        JSON_STRV(OciDescriptor, urls, "urls", JSON_OMITEMPTY),
        JSON_STRING_MAP(OciDescriptor, annotations, "annotations", JSON_OMITEMPTY),
        JSON_OBJECT(OciDescriptor, platform, OciPlatform, "platform", JSON_OMITEMPTY),
};
JSON_TYPE(OciDescriptor, oci_descriptor_fields);

static const JsonField oci_manifest_fields[] = {
        JSON_INT64(OciManifest, schema_version, "schemaVersion", 0),
        JSON_STRING(OciManifest, media_type, "mediaType", JSON_OMITEMPTY),
        JSON_STRING(OciManifest, artifact_type, "artifactType", JSON_OMITEMPTY),
        JSON_OBJECT(OciManifest, config, OciDescriptor, "config", JSON_OMITEMPTY),
        JSON_ARRAY(OciManifest, layers, OciDescriptor, "layers", JSON_OMITEMPTY),
        JSON_ARRAY(OciManifest, manifests, OciDescriptor, "manifests", JSON_OMITEMPTY),
        JSON_STRING_MAP(OciManifest, annotations, "annotations", JSON_OMITEMPTY),
};
JSON_TYPE(OciManifest, oci_manifest_fields);

static const JsonField oci_layout_fields[] = {
        JSON_STRING(OciLayout, version, "imageLayoutVersion", JSON_REQUIRED),
};
JSON_TYPE(OciLayout, oci_layout_fields);
