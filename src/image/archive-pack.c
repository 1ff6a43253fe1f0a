/* SPDX-License-Identifier: Apache-2.0 */
#include "image/archive-pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/hexdecoct.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "shared/tar-writer.h"

#define CHUNK (128U * 1024U)

static int write_header(TarWriter *w, const PackItem *item, mode_t type, uint64_t size, Error *reterr) {
        return tar_writer_entry(w, &(TarEntry) {
                .path = item->path,
                .type = type,
                .mode = S_ISDIR(type) ? 0755 : 0644,
                .size = size,
                .mtime = { .tv_sec = (time_t) (item->mtime / NSEC_PER_SEC) },
        }, reterr);
}

static int write_blob(TarWriter *w, int blobs_fd, const PackItem *item, Error *reterr) {
        _cleanup_free_ char *buffer = malloc(CHUNK);
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        ssize_t n;
        int r;

        if (!buffer)
                return error_fill(reterr, -ENOMEM);
        if (!is_lower_hex(item->blob, strlen(item->blob)))
                return error_setf(reterr, ERROR_INVALID, "%s is no blob", item->blob);
        fd = open_beneath(blobs_fd, item->blob, O_RDONLY, 0);
        if (fd < 0 || fstat(fd, &st) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, fd < 0 ? fd : -errno,
                                        "Failed to open blob %s", item->blob);
        r = write_header(w, item, S_IFREG, st.st_size, reterr);
        while (r >= 0 && (n = read_full(fd, buffer, CHUNK)) != 0)
                r = n < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, n, "Failed to read blob %s",
                                             item->blob) :
                            tar_writer_data(w, buffer, n, reterr);
        return r;
}

static int write_item(TarWriter *w, int blobs_fd, const PackItem *item, Error *reterr) {
        size_t size;
        int r;

        if (endswith(item->path, "/"))
                return write_header(w, item, S_IFDIR, 0, reterr);
        if (!isempty(item->blob))
                return write_blob(w, blobs_fd, item, reterr);

        size = strlen(strempty(item->text));
        r = write_header(w, item, S_IFREG, size, reterr);
        return r < 0 || size == 0 ? r : tar_writer_data(w, item->text, size, reterr);
}

int archive_pack(int output_fd, int blobs_fd, const ArchivePackParams *params, Error *reterr) {
        _cleanup_(tar_writer_freep) TarWriter *w = NULL;
        int r;

        r = tar_writer_new(output_fd, TAR_PLAIN, &w, reterr);
        for (size_t i = 0; i < params->items.n_items && r >= 0; i++)
                r = write_item(w, blobs_fd, params->items.items + i, reterr);
        return r < 0 ? r : tar_writer_finish(w, reterr);
}
