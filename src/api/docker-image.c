/* SPDX-License-Identifier: Apache-2.0 */
#include "api/docker-image.h"

static const JsonField docker_archive_image_fields[] = {
        JSON_STRING(DockerArchiveImage, config, "Config", JSON_REQUIRED),
        JSON_STRV(DockerArchiveImage, repo_tags, "RepoTags", 0),
        JSON_STRV(DockerArchiveImage, layers, "Layers", JSON_NONNULL),
        JSON_STRING(DockerArchiveImage, parent, "Parent", JSON_OMITEMPTY),
};
JSON_TYPE(DockerArchiveImage, docker_archive_image_fields);
