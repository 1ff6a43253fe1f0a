/* SPDX-License-Identifier: Apache-2.0 */
/* Image resources of the Docker API (v1.51: ImageSummary, ImageInspect, HistoryResponseItem,
 * ImageDeleteResponseItem) and the parameters of their calls. Structs and field tables in Docker's order; no
 * logic.
 *
 * Members named `version` are the minor API version of the call. They have no row: the engine sets them. */
#pragma once

#include "api/oci-image.h"
#include "json/json-type.h"

/* --- GET /images/json
 * ------------------------------------------------------------------------------------------- */

typedef struct ImageListParams {
        bool all;
        Filters filters;                /* dangling, label, before, since, until, reference */
        bool shared_size;
        bool digests;
        bool manifests;
        unsigned version;
        bool containers;                /* count them; no row: the engine sets it */
} ImageListParams;
JSON_TYPE_DECLARE(ImageListParams);

/* One manifest of an image: of another platform than the local one it may be not here, or in parts. */
typedef struct ImageManifestSize {
        int64_t content;                /* bytes of its blobs that are here */
        int64_t total;                  /* the same, and of its layers on the disk */
} ImageManifestSize;
JSON_TYPE_DECLARE(ImageManifestSize);

typedef struct ImageDataSize {
        int64_t unpacked;
} ImageDataSize;
JSON_TYPE_DECLARE(ImageDataSize);

typedef struct ImageManifestImage {
        OciPlatform platform;
        ImageDataSize size;
        char **containers;              /* ids */
} ImageManifestImage;
JSON_TYPE_DECLARE(ImageManifestImage);

typedef struct ImageManifestAttestation {
        char *digest;                   /* of the manifest that it is about */
} ImageManifestAttestation;
JSON_TYPE_DECLARE(ImageManifestAttestation);

typedef struct ImageManifestSummary {
        char *id;                       /* the manifest's digest */
        OciDescriptor descriptor;
        bool available;                 /* all of its blobs are here */
        ImageManifestSize size;
        char *kind;                     /* "image", "attestation", "unknown" */
        ImageManifestImage *image;
        ImageManifestAttestation *attestation;
} ImageManifestSummary;
JSON_TYPE_DECLARE(ImageManifestSummary);
DEFINE_JSON_CLEANUP(ImageManifestSummary);

typedef struct ImageManifestList {
        ImageManifestSummary *items;
        size_t n_items;
} ImageManifestList;

typedef struct ImageSummary {
        int64_t containers;             /* -1 = not counted */
        int64_t created;                /* seconds since 1970 */
        char *id;
        StringMap labels;
        char *parent_id;
        OciDescriptor *descriptor;      /* of the index or the manifest; since 1.48 */
        ImageManifestList manifests;    /* since 1.47, where they were asked for */
        char **repo_digests;
        char **repo_tags;
        int64_t shared_size;            /* -1 = not counted */
        int64_t size;
        int64_t virtual_size;           /* = size, until 1.43 */
} ImageSummary;
JSON_TYPE_DECLARE(ImageSummary);

typedef struct ImageSummaryList {
        ImageSummary *items;
        size_t n_items;
} ImageSummaryList;
void image_summary_list_done(ImageSummaryList *l);
DEFINE_CLEANUP_DONE(ImageSummaryList, image_summary_list_done);

/* --- GET /images/{name}/json
 * ------------------------------------------------------------------------------------ */

typedef struct ImageInspectParams {
        char *name;
        bool manifests;
        char *platform;
        unsigned version;
} ImageInspectParams;
JSON_TYPE_DECLARE(ImageInspectParams);

typedef struct ImageGraphDriver {
        StringMap data;
        char *name;
} ImageGraphDriver;
JSON_TYPE_DECLARE(ImageGraphDriver);

typedef struct ImageRootfs {
        char *type;
        char **layers;
} ImageRootfs;
JSON_TYPE_DECLARE(ImageRootfs);

typedef struct ImageMetadata {
        nsec_t last_tag_time;
} ImageMetadata;
JSON_TYPE_DECLARE(ImageMetadata);

typedef struct ImageInspect {
        char *id;
        char **repo_tags;
        char **repo_digests;
        char *parent;
        char *comment;
        nsec_t created;
        char *docker_version;
        char *author;
        OciImageConfig config;          /* since 1.50 */
        ContainerConfig *container_config;      /* until 1.44: nobody's; docker-compose 1 looks for it */
        ContainerConfig *old_config;    /* the same as "Config" until 1.49, with members that mean nothing
                                         * for an image */
        char *architecture;
        char *variant;
        char *os;
        char *os_version;
        int64_t size;
        int64_t virtual_size;           /* until 1.43 */
        ImageGraphDriver graph_driver;
        ImageRootfs rootfs;
        ImageMetadata metadata;
        OciDescriptor *descriptor;      /* since 1.48, as the manifests */
        ImageManifestList manifests;
} ImageInspect;
JSON_TYPE_DECLARE(ImageInspect);
DEFINE_JSON_CLEANUP(ImageInspect);

/* --- GET /images/{name}/history
 * --------------------------------------------------------------------------------- */

typedef struct ImageHistoryParams {
        char *name;
        char *platform;
} ImageHistoryParams;
JSON_TYPE_DECLARE(ImageHistoryParams);

typedef struct ImageHistoryItem {
        char *comment;
        int64_t created;
        char *created_by;
        char *id;                       /* of the image for the newest item, else "<missing>" */
        int64_t size;
        char **tags;
} ImageHistoryItem;
JSON_TYPE_DECLARE(ImageHistoryItem);

typedef struct ImageHistory {
        ImageHistoryItem *items;
        size_t n_items;
} ImageHistory;
void image_history_done(ImageHistory *h);
DEFINE_CLEANUP_DONE(ImageHistory, image_history_done);

/* --- POST /images/{name}/tag, DELETE /images/{name}, POST /images/prune
 * ------------------------------------------ */

typedef struct ImageTagParams {
        char *name;
        char *repo;
        char *tag;
} ImageTagParams;
JSON_TYPE_DECLARE(ImageTagParams);

typedef struct ImageRemoveParams {
        char *name;
        bool force;
        bool noprune;
        char **platforms;
} ImageRemoveParams;
JSON_TYPE_DECLARE(ImageRemoveParams);

/* One of the two is set. */
typedef struct ImageDeleteItem {
        char *deleted;
        char *untagged;
} ImageDeleteItem;
JSON_TYPE_DECLARE(ImageDeleteItem);

typedef struct ImageDeleteList {
        ImageDeleteItem *items;
        size_t n_items;
} ImageDeleteList;
void image_delete_list_done(ImageDeleteList *l);
DEFINE_CLEANUP_DONE(ImageDeleteList, image_delete_list_done);

typedef struct ImagePruneParams {
        Filters filters;                /* dangling, until, label */
} ImagePruneParams;
JSON_TYPE_DECLARE(ImagePruneParams);

typedef struct ImagePruneReply {
        ImageDeleteList images_deleted;
        int64_t space_reclaimed;
} ImagePruneReply;
JSON_TYPE_DECLARE(ImagePruneReply);
DEFINE_JSON_CLEANUP(ImagePruneReply);

/* --- POST /images/create, /images/load, GET /images/get
 * --------------------------------------------------------- */

typedef struct ImageCreateParams {
        char *from_image;               /* pull */
        char *from_src;                 /* import: "-" = body */
        char *repo;
        char *tag;
        char *message;
        char **changes;                 /* Dockerfile instructions */
        char *platform;
        char *registry_auth;            /* base64 of a RegistryAuth */
} ImageCreateParams;
JSON_TYPE_DECLARE(ImageCreateParams);
DEFINE_JSON_CLEANUP(ImageCreateParams);

typedef struct ImagePushRequest {
        char *name;
        char *tag;                      /* "" = all tags */
        char *platform;                 /* JSON */
        char *registry_auth;            /* base64 of a RegistryAuth */
} ImagePushRequest;
JSON_TYPE_DECLARE(ImagePushRequest);

typedef struct ImageLoadParams {
        Tristate quiet;                 /* absent = true: no lines about layers */
        char *platform;
} ImageLoadParams;
JSON_TYPE_DECLARE(ImageLoadParams);

typedef struct ImageSaveParams {
        char *name;                     /* of /images/{name}/get */
        char **names;                   /* of /images/get */
        char *platform;
} ImageSaveParams;
JSON_TYPE_DECLARE(ImageSaveParams);

/* --- progress stream
 * -------------------------------------------------------------------------------------------- */

typedef struct ProgressDetail {
        int64_t current;
        int64_t total;
} ProgressDetail;
JSON_TYPE_DECLARE(ProgressDetail);

/* The last line of a push: what `docker push` prints of it, and what SDKs read. */
typedef struct PushResult {
        char *tag;
        char *digest;
        int64_t size;                   /* bytes of the manifest */
} PushResult;
JSON_TYPE_DECLARE(PushResult);

/* One line of a stream that create, load, pull, push and build answer with. */
typedef struct ProgressMessage {
        char *stream;
        char *status;
        ProgressDetail *progress_detail;
        char *id;
        PushResult *aux;
} ProgressMessage;
JSON_TYPE_DECLARE(ProgressMessage);
DEFINE_JSON_CLEANUP(ProgressMessage);
