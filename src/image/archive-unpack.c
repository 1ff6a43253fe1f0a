/* SPDX-License-Identifier: Apache-2.0 */
#include "image/archive-unpack.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "api/docker-image.h"
#include "api/oci-image.h"
#include "basic/digest.h"
#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/hashmap.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "json/json-value.h"
#include "registry/manifest.h"
#include "registry/reference.h"
#include "shared/tar-reader.h"

#define DOCKER_MANIFEST "manifest.json"
#define OCI_INDEX "index.json"
#define OCI_LAYOUT "oci-layout"

/* Older `docker save` wrote a layer that occurs twice as a symlink to the first one. */
#define LINKS_MAX 8U
#define INDEX_DEPTH_MAX 3U

typedef struct Member {
        char *path;             /* cleaned, relative; key of the map */
        char *link;             /* cleaned, relative; NULL = regular file */
        unsigned number;        /* name in the spool directory */
        Digest digest;
        uint64_t size;
} Member;

typedef struct Unpack {
        int spool_fd;           /* borrowed */
        TarReader *tar;
        Hashmap *members;
        unsigned n_files;
        Platform wanted;
        bool only;                      /* nothing but the wanted platform */
        ArchiveUnpackReply reply;
        size_t n_allocated;
} Unpack;

static Member *member_free(Member *m) {
        if (!m)
                return NULL;
        free(m->path);
        free(m->link);
        return mfree(m);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(Member *, member_free);

static void unpack_done(Unpack *u) {
        Member *m;

        tar_reader_free(u->tar);
        HASHMAP_FOREACH(m, u->members)
                member_free(m);
        hashmap_free(u->members);
        json_done(&ArchiveUnpackReply_json, &u->reply);
}
DEFINE_CLEANUP_DONE(Unpack, unpack_done);

/* --- the archive into files ---------------------------------------------------------------------------- */

/* Names in the archive are only keys here, so it is enough that equal things have equal names. */
static int clean_name(const char *directory, const char *name, char **ret) {
        _cleanup_free_ char *joined = NULL, *clean = NULL;
        int r;

        joined = directory && name[0] != '/' ? path_join(directory, name) : strdup(name);
        if (!joined)
                return -ENOMEM;
        r = path_clean(joined, &clean);
        if (r < 0)
                return r;
        *ret = strdup(clean[0] == '/' ? clean + 1 : clean);
        return *ret ? 0 : -ENOMEM;
}

static int store_data(Unpack *u, Member *m, Error *reterr) {
        _cleanup_(digest_context_freep) DigestContext *hash = digest_context_new();
        _cleanup_close_ int fd = -EBADF;
        char name[16];
        const void *data;
        uint64_t offset;
        size_t size;
        int r;

        if (!hash)
                return error_fill(reterr, -ENOMEM);
        snprintf(name, sizeof(name), "%u", m->number);
        fd = openat(u->spool_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "Failed to store %s", m->path);

        while ((r = tar_reader_read_data(u->tar, &data, &size, &offset, reterr)) > 0) {
                /* A hole would have to be hashed as zeros, and no writer of images makes one. */
                if (offset != m->size)
                        return error_setf(reterr, ERROR_INVALID, "invalid archive: %s is sparse", m->path);
                digest_context_update(hash, data, size);
                r = write_full(fd, data, size);
                if (r < 0)
                        return error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to store %s", m->path);
                m->size += size;
        }
        if (r < 0)
                return r;
        digest_context_final(hash, &m->digest);
        return 0;
}

static int add_member(Unpack *u, const TarEntry *e, Error *reterr) {
        _cleanup_(member_freep) Member *m = new0(Member, 1);
        _cleanup_free_ char *directory = NULL;
        Member *old;
        int r;

        if (!m)
                return error_fill(reterr, -ENOMEM);
        r = clean_name(NULL, e->path, &m->path);
        if (r >= 0 && e->link) {
                if (!e->hard_link)
                        r = path_parent(m->path, &directory);
                if (r >= 0)
                        r = clean_name(directory, e->link, &m->link);
        }
        if (r < 0)
                return error_fill(reterr, r);

        /* One name many times is as many files. */
        if (max_size(hashmap_size(u->members), u->n_files) >= ARCHIVE_FILES_MAX)
                return error_setf(reterr, ERROR_TOO_LARGE, "archive has more than %u files",
                                  ARCHIVE_FILES_MAX);
        if (!m->link) {
                m->number = u->n_files++;
                r = store_data(u, m, reterr);
                if (r < 0)
                        return r;
        }

        /* The last one wins, as when the archive is unpacked by tar. */
        old = hashmap_remove(u->members, m->path);
        member_free(old);
        r = hashmap_put(u->members, m->path, m);
        if (r < 0)
                return error_fill(reterr, r);
        TAKE_PTR(m);
        return 0;
}

static int unpack_entries(Unpack *u, Error *reterr) {
        TarEntry e;
        int r;

        while ((r = tar_reader_next(u->tar, &e, reterr)) > 0) {
                if (!e.hard_link && !S_ISREG(e.type) && !S_ISLNK(e.type))
                        continue;
                r = add_member(u, &e, reterr);
                if (r < 0)
                        return r;
        }
        return r;
}

static int unpack_stream(Unpack *u, int input_fd, Error *reterr) {
        _cleanup_(compress_reader_freep) CompressReader *stream = NULL;
        const CompressReaderOptions options = {
                .fd = input_fd,
                .tee_fd = -EBADF,
                .output_max = UINT64_C(1) << 42,
        };
        CompressReaderSummary summary;
        int r;

        r = compress_reader_new(&options, &stream, reterr);
        if (r >= 0)
                r = tar_reader_new(stream, 0, &u->tar, reterr);
        if (r >= 0)
                r = unpack_entries(u, reterr);
        if (r >= 0)
                r = compress_reader_finish(stream, options.output_max, &summary, reterr);
        u->tar = tar_reader_free(u->tar);
        if (r >= 0 && syncfs(u->spool_fd) < 0)
                r = error_set_errnof(reterr, ERROR_INTERNAL, -errno, "Failed to write the archive to disk");
        return r;
}

/* --- looking things up --------------------------------------------------------------------------------- */

static int find_member(Unpack *u, const char *path, const Member **ret, Error *reterr) {
        _cleanup_free_ char *name = NULL;
        const Member *m;
        int r;

        r = clean_name(NULL, path, &name);
        if (r < 0)
                return error_fill(reterr, r);
        m = hashmap_get(u->members, name);
        for (unsigned i = 0; m && m->link; i++)
                m = i < LINKS_MAX ? hashmap_get(u->members, m->link) : NULL;
        if (!m)
                return error_setf(reterr, ERROR_INVALID, "invalid archive: %s is missing", path);
        *ret = m;
        return 0;
}

static bool has_member(Unpack *u, const char *path) {
        return hashmap_get(u->members, path) != NULL;
}

static int read_member(Unpack *u, const Member *m, char **ret, size_t *ret_size, Error *reterr) {
        char name[16];
        int r;

        if (m->size > IMAGE_DOCUMENT_MAX)
                return error_setf(reterr, ERROR_TOO_LARGE,
                                  "invalid archive: %s has %" PRIu64 " bytes, at most %u", m->path, m->size,
                                  IMAGE_DOCUMENT_MAX);
        snprintf(name, sizeof(name), "%u", m->number);
        r = read_file_at(u->spool_fd, name, IMAGE_DOCUMENT_MAX, ret, ret_size);
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to read %s", m->path) : 0;
}

static int fill_file(UnpackedFile *f, const Member *m, const char *media_type, Error *reterr) {
        char text[DIGEST_TEXT_MAX];
        int r;

        f->size = m->size;
        r = asprintf_safe(&f->file, "%u", m->number);
        if (r >= 0)
                r = free_and_strdup(&f->digest, digest_format(text, &m->digest));
        if (r >= 0)
                r = free_and_strdup(&f->media_type, strempty(media_type));
        return r < 0 ? error_fill(reterr, r) : 0;
}

static int new_image(Unpack *u, size_t n_layers, UnpackedImage **ret, Error *reterr) {
        UnpackedImage *image;

        if (u->reply.images.n_items >= ARCHIVE_IMAGES_MAX)
                return error_setf(reterr, ERROR_TOO_LARGE, "archive has more than %u images",
                                  ARCHIVE_IMAGES_MAX);
        if (n_layers > IMAGE_LAYERS_MAX)
                return error_setf(reterr, ERROR_INVALID,
                                  "max depth exceeded: an image of %zu layers, at most %u", n_layers,
                                  IMAGE_LAYERS_MAX);
        if (!GREEDY_REALLOC0(u->reply.images.items, u->n_allocated, u->reply.images.n_items + 1))
                return error_fill(reterr, -ENOMEM);
        image = u->reply.images.items + u->reply.images.n_items++;
        image->layers.items = new0(UnpackedFile, n_layers);
        if (!image->layers.items)
                return error_fill(reterr, -ENOMEM);
        *ret = image;
        return 0;
}

static int add_name(UnpackedImage *image, const char *name, Error *reterr) {
        if (strv_contains(image->names, name))
                return 0;
        if (strv_length(image->names) >= ARCHIVE_NAMES_MAX)
                return error_setf(reterr, ERROR_TOO_LARGE, "an image of the archive has more than %u names",
                                  ARCHIVE_NAMES_MAX);
        return strv_extend(&image->names, name) < 0 ? error_fill(reterr, -ENOMEM) : 0;
}

/* --- docker-archive ------------------------------------------------------------------------------------ */

static int read_docker_image(Unpack *u, const DockerArchiveImage *d, Error *reterr) {
        UnpackedImage *image;
        const Member *m;
        int r;

        r = new_image(u, strv_length(d->layers), &image, reterr);
        if (r < 0)
                return r;
        r = find_member(u, d->config, &m, reterr);
        if (r >= 0)
                r = fill_file(&image->config, m, NULL, reterr);
        if (r >= 0 && free_and_strdup(&image->parent, strempty(d->parent)) < 0)
                r = error_fill(reterr, -ENOMEM);
        STRV_FOREACH(layer, d->layers) {
                if (r < 0)
                        return r;
                r = find_member(u, *layer, &m, reterr);
                if (r >= 0)
                        r = fill_file(image->layers.items + image->layers.n_items++, m, NULL, reterr);
        }
        STRV_FOREACH(name, d->repo_tags) {
                if (r < 0)
                        return r;
                r = add_name(image, *name, reterr);
        }
        return r;
}

static int read_docker_manifest(Unpack *u, Error *reterr) {
        _cleanup_(json_value_unrefp) JsonValue *list = NULL;
        _cleanup_free_ char *text = NULL;
        const Member *m;
        size_t size;
        int r;

        r = find_member(u, DOCKER_MANIFEST, &m, reterr);
        if (r >= 0)
                r = read_member(u, m, &text, &size, reterr);
        if (r < 0)
                return r;
        r = json_value_parse(text, size, JSON_DEPTH_MAX, &list, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "invalid archive: " DOCKER_MANIFEST);
        if (json_value_type(list) != JSON_VALUE_ARRAY)
                return error_setf(reterr, ERROR_INVALID, "invalid archive: " DOCKER_MANIFEST " is no list");

        for (size_t i = 0; i < json_value_length(list); i++) {
                _cleanup_(DockerArchiveImage_donep) DockerArchiveImage d = {};

                r = json_decode(&DockerArchiveImage_json, (JsonValue *) json_value_at(list, i), 0, &d,
                                reterr);
                if (r < 0)
                        return error_prefixf(reterr, r, "invalid archive: " DOCKER_MANIFEST);
                r = read_docker_image(u, &d, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* --- OCI layout ---------------------------------------------------------------------------------------- */

/* The blob must be what its descriptor says: the claimed digest names the file, the computed one must be
 * the same. */
static int find_blob(Unpack *u, const OciDescriptor *d, const Member **ret, Error *reterr) {
        _cleanup_free_ char *path = NULL;
        char hex[SHA256_SIZE * 2 + 1];
        Digest claimed;
        int r;

        r = digest_parse(d->digest, &claimed);
        if (r < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid archive: %s is no sha256 digest",
                                  d->digest);
        path = strjoin("blobs/sha256/", digest_format_hex(hex, &claimed));
        if (!path)
                return error_fill(reterr, -ENOMEM);
        r = find_member(u, path, ret, reterr);
        if (r < 0)
                return r;
        if (!digest_equal(&(*ret)->digest, &claimed))
                return error_setf(reterr, ERROR_INVALID, "invalid archive: content of %s has another digest",
                                  path);
        if (d->size < 0 || (uint64_t) d->size != (*ret)->size)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid archive: %s has %" PRIu64 " bytes, its descriptor says %" PRIi64,
                                  path, (*ret)->size, d->size);
        return 0;
}

static int read_document(Unpack *u, const Member *m, OciManifest *ret, Error *reterr) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_member(u, m, &text, &size, reterr);
        if (r < 0)
                return r;
        r = json_decode_text(&OciManifest_json, text, size, 0, ret, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "invalid archive: %s", m->path);
        if (ret->manifests.items && (ret->layers.items || ret->config))
                return error_setf(reterr, ERROR_INVALID, "invalid archive: %s has both manifests and layers",
                                  m->path);
        return 0;
}

/* containerd writes the whole name, skopeo and Docker only a tag or a whole name into ref.name. */
static int oci_names(UnpackedImage *image, const OciDescriptor *d, Error *reterr) {
        const char *name = string_map_get(&d->annotations, "io.containerd.image.name");
        _cleanup_reference_ Reference reference = {};

        if (!isempty(name))
                return add_name(image, name, reterr);
        name = string_map_get(&d->annotations, "org.opencontainers.image.ref.name");
        if (isempty(name) || reference_parse(name, &reference, NULL) < 0)
                return 0;
        /* A lone word is a tag of a repository that the archive does not name. */
        if (!reference.tag && !reference.digest && !strchr(name, '/'))
                return 0;
        return add_name(image, name, reterr);
}

static int add_manifest(UnpackedImage *image, const Member *m, const OciDescriptor *d, Error *reterr) {
        image->manifest = new0(UnpackedFile, 1);
        return image->manifest ? fill_file(image->manifest, m, d->media_type, reterr) :
                                 error_fill(reterr, -ENOMEM);
}

/* self: the file that the manifest is. */
static int read_oci_manifest(Unpack *u, const OciDescriptor *d, const Member *self,
                             const OciManifest *manifest, Error *reterr) {
        UnpackedImage *image;
        const Member *m;
        int r;

        if (!manifest->config)
                return error_setf(reterr, ERROR_INVALID, "invalid archive: manifest %s has no config",
                                  d->digest);
        r = new_image(u, manifest->layers.n_items, &image, reterr);
        if (r >= 0)
                r = add_manifest(image, self, d, reterr);
        if (r < 0)
                return r;
        r = find_blob(u, manifest->config, &m, reterr);
        if (r >= 0)
                r = fill_file(&image->config, m, manifest->config->media_type, reterr);
        for (size_t i = 0; r >= 0 && i < manifest->layers.n_items; i++) {
                const OciDescriptor *layer = manifest->layers.items + i;

                r = find_blob(u, layer, &m, reterr);
                if (r >= 0)
                        r = fill_file(image->layers.items + image->layers.n_items++, m, layer->media_type,
                                      reterr);
        }
        return r < 0 ? r : oci_names(image, d, reterr);
}

/* For an index that says so; what it says nothing of may be anything. */
static bool is_of_other_platform(const Unpack *u, const OciDescriptor *d) {
        return d->platform && !isempty(d->platform->os) &&
               platform_rank(&u->wanted, &(const Platform) { d->platform->os, d->platform->architecture,
                                                          d->platform->variant }) < 0;
}

/* What BuildKit puts beside an image. */
static bool is_of_no_platform(const OciDescriptor *d) {
        return d->platform && streq(strempty(d->platform->os), "unknown");
}

static int no_image(const Unpack *u, Error *reterr) {
        char text[PLATFORM_TEXT_MAX];

        return error_setf(reterr, ERROR_INVALID, "archive has no image for %s",
                          platform_format(text, &u->wanted));
}

static bool is_index(const OciDescriptor *d) {
        return d->media_type && (streq(d->media_type, MEDIA_TYPE_OCI_INDEX) ||
                                 streq(d->media_type, MEDIA_TYPE_DOCKER_MANIFEST_LIST));
}

static int read_oci_nested(Unpack *u, OciManifest *index, const OciDescriptor *outer, unsigned depth,
                           Error *reterr);

static int read_oci_target(Unpack *u, const OciDescriptor *d, unsigned depth, Error *reterr) {
        _cleanup_(OciManifest_donep) OciManifest document = {};
        const Member *m;
        int r;

        r = find_blob(u, d, &m, reterr);
        if (r >= 0)
                r = read_document(u, m, &document, reterr);
        if (r < 0)
                return r;
        return is_index(d) || document.manifests.items ?
                       read_oci_nested(u, &document, d, depth + 1, reterr) :
                       read_oci_manifest(u, d, m, &document, reterr);
}

/* outer: descriptor of this index, which carries the name for what is chosen from it. */
static int read_oci_nested(Unpack *u, OciManifest *index, const OciDescriptor *outer, unsigned depth,
                           Error *reterr) {
        const Manifest manifest = { .kind = MANIFEST_INDEX, .document = *index };
        const OciDescriptor *best = manifest_select(&manifest, &u->wanted);
        OciDescriptor d;

        if (depth > INDEX_DEPTH_MAX)
                return error_setf(reterr, ERROR_INVALID, "invalid archive: indexes are nested too deeply");
        if (!best)
                return u->only ? 0 : no_image(u, reterr);
        d = *best;                      /* borrowed for the call */
        d.annotations = outer->annotations;
        return read_oci_target(u, &d, depth, reterr);
}

static bool has_fitting(const Unpack *u, const OciManifest *index) {
        for (size_t i = 0; i < index->manifests.n_items; i++)
                if (!is_of_other_platform(u, index->manifests.items + i))
                        return true;
        return false;
}

/* Every entry of the outermost index is an image of its own. All of another platform are as good as none, if
 * nobody has asked for one. */
static int read_oci_index(Unpack *u, const OciManifest *index, Error *reterr) {
        bool any = !u->only && !has_fitting(u, index);
        int r = 0;

        for (size_t i = 0; i < index->manifests.n_items && r >= 0; i++) {
                const OciDescriptor *d = index->manifests.items + i;

                if (!is_of_no_platform(d) && (any || !is_of_other_platform(u, d)))
                        r = read_oci_target(u, d, 0, reterr);
        }
        return r >= 0 && u->reply.images.n_items == 0 && !u->only ? no_image(u, reterr) : r;
}

static int read_index_document(Unpack *u, OciManifest *ret, Error *reterr) {
        const Member *m;
        int r;

        r = find_member(u, OCI_INDEX, &m, reterr);
        return r < 0 ? r : read_document(u, m, ret, reterr);
}

static int read_oci_layout(Unpack *u, Error *reterr) {
        _cleanup_(OciManifest_donep) OciManifest index = {};
        int r;

        r = read_index_document(u, &index, reterr);
        return r < 0 ? r : read_oci_index(u, &index, reterr);
}

/* --- both ---------------------------------------------------------------------------------------------- */

static UnpackedImage *image_of_config(Unpack *u, const OciManifest *manifest) {
        for (size_t i = 0; manifest->config && i < u->reply.images.n_items; i++) {
                UnpackedImage *image = u->reply.images.items + i;

                if (streq(image->config.digest, manifest->config->digest) && !image->manifest)
                        return image;
        }
        return NULL;
}

/* Images of manifest.json keep the manifests, and with them the digests, that index.json has of them. It is
 * no harm if it has none. */
static int read_manifests(Unpack *u, Error *reterr) {
        _cleanup_(OciManifest_donep) OciManifest index = {};
        int r = read_index_document(u, &index, NULL);

        if (r < 0)
                return 0;
        for (size_t i = 0; i < index.manifests.n_items && i < ARCHIVE_IMAGES_MAX; i++) {
                _cleanup_(OciManifest_donep) OciManifest document = {};
                const OciDescriptor *d = index.manifests.items + i;
                UnpackedImage *image;
                const Member *m;

                if (find_blob(u, d, &m, NULL) < 0 || read_document(u, m, &document, NULL) < 0)
                        continue;
                image = image_of_config(u, &document);
                r = image ? add_manifest(image, m, d, reterr) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

int archive_unpack(int input_fd, int spool_fd, const ArchiveUnpackParams *params, ArchiveUnpackReply *ret,
                   Error *reterr) {
        _cleanup_(unpack_donep) Unpack u = {
                .spool_fd = spool_fd,
                .members = hashmap_new(),
                .wanted = { params->os, params->architecture, params->variant },
                .only = params->only,
        };
        int r;

        if (!u.members)
                return error_fill(reterr, -ENOMEM);
        r = unpack_stream(&u, input_fd, reterr);
        if (r < 0)
                return r;

        /* Archives of newer engines have both; manifest.json has the names as Docker means them. */
        if (has_member(&u, DOCKER_MANIFEST)) {
                r = read_docker_manifest(&u, reterr);
                if (r >= 0)
                        r = read_manifests(&u, reterr);
        } else if (has_member(&u, OCI_INDEX) || has_member(&u, OCI_LAYOUT))
                r = read_oci_layout(&u, reterr);
        else
                return error_setf(reterr, ERROR_INVALID,
                                  "unrecognized image format: the archive has neither " DOCKER_MANIFEST
                                  " nor " OCI_INDEX);
        if (r < 0)
                return r;

        *ret = TAKE_STRUCT(u.reply);
        return 0;
}
