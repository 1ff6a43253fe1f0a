/* SPDX-License-Identifier: Apache-2.0 */
#include "api/image.h"

static const JsonField image_list_params_fields[] = {
        JSON_BOOL(ImageListParams, all, "all", JSON_IN_QUERY),
        JSON_FILTERS(ImageListParams, filters, "filters", JSON_IN_QUERY),
        JSON_BOOL(ImageListParams, shared_size, "shared-size", JSON_IN_QUERY, .since = 42),
        JSON_BOOL(ImageListParams, digests, "digests", JSON_IN_QUERY),
        JSON_BOOL(ImageListParams, manifests, "manifests", JSON_IN_QUERY, .since = 47),
};
JSON_TYPE(ImageListParams, image_list_params_fields);

static const JsonField image_manifest_size_fields[] = {
        JSON_INT64(ImageManifestSize, content, "Content", 0),
        JSON_INT64(ImageManifestSize, total, "Total", 0),
};
JSON_TYPE(ImageManifestSize, image_manifest_size_fields);

static const JsonField image_data_size_fields[] = {
        JSON_INT64(ImageDataSize, unpacked, "Unpacked", 0),
};
JSON_TYPE(ImageDataSize, image_data_size_fields);

static const JsonField image_manifest_image_fields[] = {
        JSON_STRUCT(ImageManifestImage, platform, OciPlatform, "Platform", 0),
        JSON_STRUCT(ImageManifestImage, size, ImageDataSize, "Size", 0),
        JSON_STRV(ImageManifestImage, containers, "Containers", JSON_NONNULL),
};
JSON_TYPE(ImageManifestImage, image_manifest_image_fields);

static const JsonField image_manifest_attestation_fields[] = {
        JSON_STRING(ImageManifestAttestation, digest, "For", 0),
};
JSON_TYPE(ImageManifestAttestation, image_manifest_attestation_fields);

static const JsonField image_manifest_summary_fields[] = {
        JSON_STRING(ImageManifestSummary, id, "ID", 0),
        JSON_STRUCT(ImageManifestSummary, descriptor, OciDescriptor, "Descriptor", 0),
        JSON_BOOL(ImageManifestSummary, available, "Available", 0),
        JSON_STRUCT(ImageManifestSummary, size, ImageManifestSize, "Size", 0),
        JSON_STRING(ImageManifestSummary, kind, "Kind", 0),
        JSON_OBJECT(ImageManifestSummary, image, ImageManifestImage, "ImageData", JSON_OMITEMPTY),
        JSON_OBJECT(ImageManifestSummary, attestation, ImageManifestAttestation, "AttestationData",
                    JSON_OMITEMPTY),
};
JSON_TYPE(ImageManifestSummary, image_manifest_summary_fields);

static const JsonField image_summary_fields[] = {
        JSON_INT64(ImageSummary, containers, "Containers", 0),
        JSON_INT64(ImageSummary, created, "Created", 0),
        JSON_STRING(ImageSummary, id, "Id", 0),
        JSON_STRING_MAP(ImageSummary, labels, "Labels", 0),
        JSON_STRING(ImageSummary, parent_id, "ParentId", 0),
        JSON_OBJECT(ImageSummary, descriptor, OciDescriptor, "Descriptor", JSON_OMITEMPTY, .since = 48),
        JSON_ARRAY(ImageSummary, manifests, ImageManifestSummary, "Manifests", JSON_OMITEMPTY, .since = 47),
        JSON_STRV(ImageSummary, repo_digests, "RepoDigests", JSON_NONNULL),
        JSON_STRV(ImageSummary, repo_tags, "RepoTags", JSON_NONNULL),
        JSON_INT64(ImageSummary, shared_size, "SharedSize", 0),
        JSON_INT64(ImageSummary, size, "Size", 0),
        JSON_INT64(ImageSummary, virtual_size, "VirtualSize", 0, .until = 43),
};
JSON_TYPE(ImageSummary, image_summary_fields);

static const JsonField image_inspect_params_fields[] = {
        JSON_STRING(ImageInspectParams, name, "name", JSON_IN_PATH | JSON_REQUIRED),
        JSON_BOOL(ImageInspectParams, manifests, "manifests", JSON_IN_QUERY, .since = 48),
        JSON_STRING(ImageInspectParams, platform, "platform", JSON_IN_QUERY, .since = 49),
};
JSON_TYPE(ImageInspectParams, image_inspect_params_fields);

static const JsonField image_graph_driver_fields[] = {
        JSON_STRING_MAP(ImageGraphDriver, data, "Data", 0),
        JSON_STRING(ImageGraphDriver, name, "Name", 0),
};
JSON_TYPE(ImageGraphDriver, image_graph_driver_fields);

static const JsonField image_rootfs_fields[] = {
        JSON_STRING(ImageRootfs, type, "Type", JSON_OMITEMPTY),
        JSON_STRV(ImageRootfs, layers, "Layers", JSON_OMITEMPTY),
};
JSON_TYPE(ImageRootfs, image_rootfs_fields);

static const JsonField image_metadata_fields[] = {
        JSON_TIME(ImageMetadata, last_tag_time, "LastTagTime", 0),
};
JSON_TYPE(ImageMetadata, image_metadata_fields);

static const JsonField image_inspect_fields[] = {
        JSON_STRING(ImageInspect, id, "Id", 0),
        JSON_STRV(ImageInspect, repo_tags, "RepoTags", JSON_NONNULL),
        JSON_STRV(ImageInspect, repo_digests, "RepoDigests", JSON_NONNULL),
        JSON_STRING(ImageInspect, parent, "Parent", 0),
        JSON_STRING(ImageInspect, comment, "Comment", 0),
        JSON_TIME(ImageInspect, created, "Created", 0, .until = 43),
        JSON_TIME(ImageInspect, created, "Created", JSON_OMITEMPTY, .since = 44),
        JSON_OBJECT(ImageInspect, container_config, ContainerConfig, "ContainerConfig", 0, .until = 44),
        JSON_STRING(ImageInspect, docker_version, "DockerVersion", 0),
        JSON_STRING(ImageInspect, author, "Author", 0),
        JSON_OBJECT(ImageInspect, old_config, ContainerConfig, "Config", 0, .until = 49),
        JSON_STRUCT(ImageInspect, config, OciImageConfig, "Config", 0, .since = 50),
        JSON_STRING(ImageInspect, architecture, "Architecture", 0),
        JSON_STRING(ImageInspect, variant, "Variant", JSON_OMITEMPTY),
        JSON_STRING(ImageInspect, os, "Os", 0),
        JSON_STRING(ImageInspect, os_version, "OsVersion", JSON_OMITEMPTY),
        JSON_INT64(ImageInspect, size, "Size", 0),
        JSON_INT64(ImageInspect, virtual_size, "VirtualSize", 0, .until = 43),
        JSON_STRUCT(ImageInspect, graph_driver, ImageGraphDriver, "GraphDriver", 0),
        JSON_STRUCT(ImageInspect, rootfs, ImageRootfs, "RootFS", 0),
        JSON_STRUCT(ImageInspect, metadata, ImageMetadata, "Metadata", 0),
        JSON_OBJECT(ImageInspect, descriptor, OciDescriptor, "Descriptor", JSON_OMITEMPTY, .since = 48),
        JSON_ARRAY(ImageInspect, manifests, ImageManifestSummary, "Manifests", JSON_OMITEMPTY, .since = 48),
};
JSON_TYPE(ImageInspect, image_inspect_fields);

static const JsonField image_history_params_fields[] = {
        JSON_STRING(ImageHistoryParams, name, "name", JSON_IN_PATH | JSON_REQUIRED),
        JSON_STRING(ImageHistoryParams, platform, "platform", JSON_IN_QUERY, .since = 48),
};
JSON_TYPE(ImageHistoryParams, image_history_params_fields);

static const JsonField image_history_item_fields[] = {
        JSON_STRING(ImageHistoryItem, comment, "Comment", 0),
        JSON_INT64(ImageHistoryItem, created, "Created", 0),
        JSON_STRING(ImageHistoryItem, created_by, "CreatedBy", 0),
        JSON_STRING(ImageHistoryItem, id, "Id", 0),
        JSON_INT64(ImageHistoryItem, size, "Size", 0),
        JSON_STRV(ImageHistoryItem, tags, "Tags", 0),
};
JSON_TYPE(ImageHistoryItem, image_history_item_fields);

static const JsonField image_tag_params_fields[] = {
        JSON_STRING(ImageTagParams, name, "name", JSON_IN_PATH | JSON_REQUIRED),
        JSON_STRING(ImageTagParams, repo, "repo", JSON_IN_QUERY),
        JSON_STRING(ImageTagParams, tag, "tag", JSON_IN_QUERY),
};
JSON_TYPE(ImageTagParams, image_tag_params_fields);

static const JsonField image_remove_params_fields[] = {
        JSON_STRING(ImageRemoveParams, name, "name", JSON_IN_PATH | JSON_REQUIRED),
        JSON_BOOL(ImageRemoveParams, force, "force", JSON_IN_QUERY),
        JSON_BOOL(ImageRemoveParams, noprune, "noprune", JSON_IN_QUERY),
        JSON_STRV(ImageRemoveParams, platforms, "platforms", JSON_IN_QUERY, .since = 50),
};
JSON_TYPE(ImageRemoveParams, image_remove_params_fields);

static const JsonField image_delete_item_fields[] = {
        JSON_STRING(ImageDeleteItem, deleted, "Deleted", JSON_OMITEMPTY),
        JSON_STRING(ImageDeleteItem, untagged, "Untagged", JSON_OMITEMPTY),
};
JSON_TYPE(ImageDeleteItem, image_delete_item_fields);

static const JsonField image_prune_params_fields[] = {
        JSON_FILTERS(ImagePruneParams, filters, "filters", JSON_IN_QUERY),
};
JSON_TYPE(ImagePruneParams, image_prune_params_fields);

static const JsonField image_prune_reply_fields[] = {
        JSON_ARRAY(ImagePruneReply, images_deleted, ImageDeleteItem, "ImagesDeleted", 0),
        JSON_INT64(ImagePruneReply, space_reclaimed, "SpaceReclaimed", 0),
};
JSON_TYPE(ImagePruneReply, image_prune_reply_fields);

static const JsonField image_create_params_fields[] = {
        JSON_STRING(ImageCreateParams, from_image, "fromImage", JSON_IN_QUERY),
        JSON_STRING(ImageCreateParams, from_src, "fromSrc", JSON_IN_QUERY),
        JSON_STRING(ImageCreateParams, repo, "repo", JSON_IN_QUERY),
        JSON_STRING(ImageCreateParams, tag, "tag", JSON_IN_QUERY),
        JSON_STRING(ImageCreateParams, message, "message", JSON_IN_QUERY),
        JSON_STRV(ImageCreateParams, changes, "changes", JSON_IN_QUERY),
        JSON_STRING(ImageCreateParams, platform, "platform", JSON_IN_QUERY, .since = 32),
        JSON_STRING(ImageCreateParams, registry_auth, "X-Registry-Auth", JSON_IN_HEADER | JSON_SECRET),
};
JSON_TYPE(ImageCreateParams, image_create_params_fields);

static const JsonField image_push_request_fields[] = {
        JSON_STRING(ImagePushRequest, name, "name", JSON_IN_PATH),
        JSON_STRING(ImagePushRequest, tag, "tag", JSON_IN_QUERY),
        JSON_STRING(ImagePushRequest, platform, "platform", JSON_IN_QUERY, .since = 46),
        JSON_STRING(ImagePushRequest, registry_auth, "X-Registry-Auth", JSON_IN_HEADER | JSON_SECRET),
};
JSON_TYPE(ImagePushRequest, image_push_request_fields);

static const JsonField image_load_params_fields[] = {
        JSON_TRISTATE(ImageLoadParams, quiet, "quiet", JSON_IN_QUERY),
        JSON_STRING(ImageLoadParams, platform, "platform", JSON_IN_QUERY | JSON_ONCE, .since = 48),
};
JSON_TYPE(ImageLoadParams, image_load_params_fields);

static const JsonField image_save_params_fields[] = {
        JSON_STRING(ImageSaveParams, name, "name", JSON_IN_PATH),
        JSON_STRV(ImageSaveParams, names, "names", JSON_IN_QUERY),
        JSON_STRING(ImageSaveParams, platform, "platform", JSON_IN_QUERY | JSON_ONCE, .since = 48),
};
JSON_TYPE(ImageSaveParams, image_save_params_fields);

static const JsonField progress_detail_fields[] = {
        JSON_INT64(ProgressDetail, current, "current", JSON_OMITEMPTY),
        JSON_INT64(ProgressDetail, total, "total", JSON_OMITEMPTY),
};
JSON_TYPE(ProgressDetail, progress_detail_fields);

static const JsonField push_result_fields[] = {
        JSON_STRING(PushResult, tag, "Tag", 0),
        JSON_STRING(PushResult, digest, "Digest", 0),
        JSON_INT64(PushResult, size, "Size", 0),
};
JSON_TYPE(PushResult, push_result_fields);

static const JsonField progress_message_fields[] = {
        JSON_STRING(ProgressMessage, stream, "stream", JSON_OMITEMPTY),
        JSON_STRING(ProgressMessage, status, "status", JSON_OMITEMPTY),
        JSON_OBJECT(ProgressMessage, progress_detail, ProgressDetail, "progressDetail", JSON_OMITEMPTY),
        JSON_STRING(ProgressMessage, id, "id", JSON_OMITEMPTY),
        JSON_OBJECT(ProgressMessage, aux, PushResult, "aux", JSON_OMITEMPTY),
};
JSON_TYPE(ProgressMessage, progress_message_fields);

/* Lists at the top of a reply have no row of their own. */
static void list_done(const JsonType *type, void *items, size_t n_items) {
        for (size_t i = 0; i < n_items; i++)
                json_done(type, (char *) items + i * type->size);
        free(items);
}

void image_summary_list_done(ImageSummaryList *l) {
        list_done(&ImageSummary_json, l->items, l->n_items);
        *l = (ImageSummaryList) {};
}

void image_history_done(ImageHistory *h) {
        list_done(&ImageHistoryItem_json, h->items, h->n_items);
        *h = (ImageHistory) {};
}

void image_delete_list_done(ImageDeleteList *l) {
        list_done(&ImageDeleteItem_json, l->items, l->n_items);
        *l = (ImageDeleteList) {};
}
