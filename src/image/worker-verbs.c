/* SPDX-License-Identifier: Apache-2.0 */
#include "image/worker-verbs.h"

static const JsonField layer_apply_params_fields[] = {
        JSON_STRING(LayerApplyParams, format, "Format", JSON_REQUIRED),
        JSON_BOOL(LayerApplyParams, tee, "Tee", 0),
        JSON_BOOL(LayerApplyParams, progress, "Progress", 0),
        JSON_UINT64(LayerApplyParams, input_max, "InputMax", 0),
};
JSON_TYPE(LayerApplyParams, layer_apply_params_fields);

static const JsonField layer_apply_reply_fields[] = {
        JSON_STRING(LayerApplyReply, diff_id, "DiffId", JSON_REQUIRED),
        JSON_STRING(LayerApplyReply, blob, "Blob", JSON_REQUIRED),
        JSON_UINT64(LayerApplyReply, blob_size, "BlobSize", 0),
        JSON_UINT64(LayerApplyReply, size, "Size", 0),
        JSON_STRING(LayerApplyReply, compression, "Compression", 0),
};
JSON_TYPE(LayerApplyReply, layer_apply_reply_fields);

static const JsonField worker_progress_fields[] = {
        JSON_UINT64(WorkerProgress, current, "Current", 0),
};
JSON_TYPE(WorkerProgress, worker_progress_fields);

static const JsonField unpacked_file_fields[] = {
        JSON_STRING(UnpackedFile, file, "File", JSON_REQUIRED),
        JSON_STRING(UnpackedFile, digest, "Digest", JSON_REQUIRED),
        JSON_UINT64(UnpackedFile, size, "Size", 0),
        JSON_STRING(UnpackedFile, media_type, "MediaType", 0),
};
JSON_TYPE(UnpackedFile, unpacked_file_fields);

static const JsonField unpacked_image_fields[] = {
        JSON_STRUCT(UnpackedImage, config, UnpackedFile, "Config", JSON_REQUIRED),
        JSON_ARRAY(UnpackedImage, layers, UnpackedFile, "Layers", 0),
        JSON_OBJECT(UnpackedImage, manifest, UnpackedFile, "Manifest", JSON_OMITEMPTY),
        JSON_STRV(UnpackedImage, names, "Names", 0),
        JSON_STRING(UnpackedImage, parent, "Parent", 0),
};
JSON_TYPE(UnpackedImage, unpacked_image_fields);

static const JsonField archive_unpack_params_fields[] = {
        JSON_STRING(ArchiveUnpackParams, os, "Os", JSON_REQUIRED),
        JSON_STRING(ArchiveUnpackParams, architecture, "Architecture", JSON_REQUIRED),
        JSON_STRING(ArchiveUnpackParams, variant, "Variant", 0),
        JSON_BOOL(ArchiveUnpackParams, only, "Only", 0),
};
JSON_TYPE(ArchiveUnpackParams, archive_unpack_params_fields);

static const JsonField archive_unpack_reply_fields[] = {
        JSON_ARRAY(ArchiveUnpackReply, images, UnpackedImage, "Images", 0),
};
JSON_TYPE(ArchiveUnpackReply, archive_unpack_reply_fields);

static const JsonField pack_item_fields[] = {
        JSON_STRING(PackItem, path, "Path", JSON_REQUIRED),
        JSON_STRING(PackItem, blob, "Blob", 0),
        JSON_STRING(PackItem, text, "Text", 0),
        JSON_TIME(PackItem, mtime, "Mtime", JSON_OMITEMPTY),
};
JSON_TYPE(PackItem, pack_item_fields);

static const JsonField archive_pack_params_fields[] = {
        JSON_ARRAY(ArchivePackParams, items, PackItem, "Items", 0),
};
JSON_TYPE(ArchivePackParams, archive_pack_params_fields);

static const JsonField layers_merge_params_fields[] = {
        JSON_STRV(LayersMergeParams, layers, "Layers", 0),
};
JSON_TYPE(LayersMergeParams, layers_merge_params_fields);

static const JsonField tree_copy_params_fields[] = {
        JSON_STRING(TreeCopyParams, path, "Path", JSON_REQUIRED),
};
JSON_TYPE(TreeCopyParams, tree_copy_params_fields);

static const JsonField tree_params_fields[] = {
        JSON_STRV(TreeParams, layers, "Layers", 0),
        JSON_BOOL(TreeParams, own_is_whole, "OwnIsWhole", 0),
        JSON_BOOL(TreeParams, difference, "Difference", 0),
        JSON_UINT64(TreeParams, touched_since, "TouchedSince", 0),
        JSON_BOOL(TreeParams, zstd, "Zstd", 0),
};
JSON_TYPE(TreeParams, tree_params_fields);

static const JsonField tree_pack_reply_fields[] = {
        JSON_UINT64(TreePackReply, n_entries, "Entries", 0),
        JSON_UINT64(TreePackReply, n_left_out, "NLeftOut", 0),
        JSON_STRV(TreePackReply, left_out, "LeftOut", 0),
};
JSON_TYPE(TreePackReply, tree_pack_reply_fields);

static const JsonField path_mount_fields[] = {
        JSON_STRING(PathMount, source, "Source", JSON_REQUIRED),
        JSON_STRING(PathMount, destination, "Destination", JSON_REQUIRED),
        JSON_BOOL(PathMount, recursive, "Recursive", 0),
        JSON_BOOL(PathMount, read_only, "ReadOnly", 0),
        JSON_BOOL(PathMount, read_only_recursive, "ReadOnlyRecursive", 0),
};
JSON_TYPE(PathMount, path_mount_fields);

static const JsonField path_params_fields[] = {
        JSON_STRING(PathParams, path, "Path", JSON_REQUIRED),
        JSON_ARRAY(PathParams, mounts, PathMount, "Mounts", JSON_OMITEMPTY),
        JSON_UINT64(PathParams, pid, "Pid", JSON_OMITEMPTY),
        JSON_BOOL(PathParams, no_overwrite, "NoOverwrite", 0),
        JSON_BOOL(PathParams, read_only_root, "ReadOnlyRoot", 0),
        JSON_BOOL(PathParams, own, "Own", 0),
        JSON_UINT64(PathParams, uid, "Uid", 0),
        JSON_UINT64(PathParams, gid, "Gid", 0),
};
JSON_TYPE(PathParams, path_params_fields);

static const JsonField usage_reply_fields[] = {
        JSON_UINT64(UsageReply, size, "Size", 0),
        JSON_UINT64(UsageReply, n_inodes, "Inodes", 0),
};
JSON_TYPE(UsageReply, usage_reply_fields);

JSON_TYPE_EMPTY(EmptyReply);
