/* SPDX-License-Identifier: Apache-2.0 */
#include "image/content.h"

#include <dirent.h>
#include <sys/stat.h>

#include "basic/crash-point.h"
#include "basic/digest.h"
#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/path-util.h"
#include "image/image-manifest.h"
#include "image/layer-store.h"

#define DIRECTORY_MODE 0700
#define BLOB_MODE 0600

static int blob_path(ImageManager *m, const char *digest, char **ret) {
        char hex[SHA256_SIZE * 2 + 1];
        Digest d;
        int r;

        r = digest_parse(strempty(digest), &d);
        if (r < 0)
                return -ENOENT;
        *ret = path_join(m->blobs_dir, digest_format_hex(hex, &d));
        return *ret ? 0 : -ENOMEM;
}

int content_make_directories(ImageManager *m, Error *reterr) {
        static const char *const names[] = { "", "blobs", "blobs/sha256", "ingest" };
        char **const keep[] = { &m->content_dir, NULL, &m->blobs_dir, &m->ingest_dir };
        _cleanup_free_ char *top = path_join(m->config.data_root, "content"), *layout = NULL;

        if (!top)
                return error_fill(reterr, -ENOMEM);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *path = names[i][0] ? path_join(top, names[i]) : strdup(top);

                if (!path)
                        return error_fill(reterr, -ENOMEM);
                if (mkdir(path, DIRECTORY_MODE) < 0 && errno != EEXIST)
                        return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", path);
                if (keep[i])
                        *keep[i] = TAKE_PTR(path);
        }
        layout = path_join(top, "oci-layout");
        if (!layout)
                return error_fill(reterr, -ENOMEM);
        if (access(layout, F_OK) < 0 && write_file_atomic_at(AT_FDCWD, layout, OCI_LAYOUT_TEXT,
                                                             strlen(OCI_LAYOUT_TEXT), BLOB_MODE, 0) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot write %s", layout);
        return 0;
}

bool content_has(ImageManager *m, const char *digest) {
        _cleanup_free_ char *path = NULL;

        return blob_path(m, digest, &path) >= 0 && access(path, F_OK) >= 0;
}

int64_t content_size(ImageManager *m, const char *digest) {
        _cleanup_free_ char *path = NULL;
        struct stat st;

        return blob_path(m, digest, &path) >= 0 && stat(path, &st) >= 0 ? (int64_t) st.st_size : -ENOENT;
}

int content_open(ImageManager *m, const char *digest) {
        _cleanup_free_ char *path = NULL;
        int r, fd;

        r = blob_path(m, digest, &path);
        if (r < 0)
                return r;
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int content_missing(int r, const char *digest, Error *reterr) {
        if (r != -ENOENT)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot read blob %s", digest);
        return error_setf(reterr, ERROR_INTERNAL,
                          "blob %s is not in the content store any more: pull its image again, or stop the "
                          "daemon and run 'dockerd --repair'", digest);
}

int content_read(ImageManager *m, const char *digest, size_t max, char **ret, size_t *ret_size) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = blob_path(m, digest, &path);
        return r < 0 ? r : read_file_at(AT_FDCWD, path, max, ret, ret_size);
}

int content_adopt(ImageManager *m, int dir_fd, const char *path, const char *digest, Error *reterr) {
        _cleanup_free_ char *blob = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = blob_path(m, digest, &blob);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INVALID, r, "%s is no digest of a blob", digest);
        fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fsync(fd) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot keep blob %s", digest);
        crash_point("blob:before-link");
        if (linkat(dir_fd, path, AT_FDCWD, blob, 0) < 0 && errno != EEXIST)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot keep blob %s", digest);
        crash_point("blob:linked");
        r = fsync_directory_of(AT_FDCWD, blob);
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot keep blob %s", digest) : 0;
}

int content_put(ImageManager *m, const char *text, size_t size, char **ret_digest, Error *reterr) {
        _cleanup_free_ char *path = NULL;
        char name[DIGEST_TEXT_MAX];
        Digest d;
        int r;

        digest_of(text, size, &d);
        r = blob_path(m, digest_format(name, &d), &path);
        if (r >= 0)
                r = write_file_atomic_at(AT_FDCWD, path, text, size, BLOB_MODE, WRITE_SYNC);
        crash_point("blob:written");
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot write a blob");
        if (ret_digest && free_and_strdup(ret_digest, name) < 0)
                return error_fill(reterr, -ENOMEM);
        return 0;
}

void content_remove(ImageManager *m, const char *digest) {
        _cleanup_free_ char *path = NULL;

        if (blob_path(m, digest, &path) >= 0)
                (void) unlink(path);
        crash_point("blob:removed");
}

int content_ingest_open(ImageManager *m, const char *digest, char **ret_path, Error *reterr) {
        _cleanup_free_ char *path = NULL;
        char hex[SHA256_SIZE * 2 + 1];
        Digest d;
        int fd;

        if (digest_parse(strempty(digest), &d) < 0)
                return error_setf(reterr, ERROR_INVALID, "%s is no digest of a blob", strnull(digest));
        path = path_join(m->ingest_dir, digest_format_hex(hex, &d));
        if (!path)
                return error_fill(reterr, -ENOMEM);
        fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, BLOB_MODE);
        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot open %s", path);
        *ret_path = TAKE_PTR(path);
        return fd;
}

/* --- garbage --- */

static bool is_needed(ImageManager *m, const char *hex) {
        _cleanup_free_ char *digest = strjoin("sha256:", hex);

        return !digest || blob_is_used(m, digest);
}

static void sweep_directory(ImageManager *m, const char *directory,
                            bool (*needed)(ImageManager *m, const char *name), nsec_t grace) {
        DIR *d = opendir(directory);
        struct dirent *e;
        struct stat st;

        while (d && (e = readdir(d))) {
                if (e->d_name[0] == '.' || (needed && needed(m, e->d_name)))
                        continue;
                if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) >= 0 &&
                    !stat_is_younger(&st, grace))
                        (void) unlinkat(dirfd(d), e->d_name, 0);
        }
        if (d)
                closedir(d);
}

void content_sweep(ImageManager *m, nsec_t grace) {
        sweep_directory(m, m->blobs_dir, is_needed, grace);
        sweep_directory(m, m->ingest_dir, NULL, grace);
}
