/* SPDX-License-Identifier: Apache-2.0 */
#include "image/archive-pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/hexdecoct.h"
#include "basic/path-util.h"
#include "basic/string-util.h"

#define CHUNK (128U * 1024U)

typedef struct Pack {
        struct archive *archive;
        struct archive_entry *entry;
        int output_fd, blobs_fd;        /* borrowed */
} Pack;

static void pack_done(Pack *p) {
        archive_entry_free(p->entry);
        archive_write_free(p->archive);
}
DEFINE_CLEANUP_DONE(Pack, pack_done);

static la_ssize_t write_callback(struct archive *a, void *userdata, const void *data, size_t size) {
        Pack *p = ASSERT_PTR(userdata);
        int r = write_full(p->output_fd, data, size);

        if (r < 0) {
                archive_set_error(a, -r, "%s", strerror(-r));
                return ARCHIVE_FATAL;
        }
        return size;
}

static int pack_fail(Pack *p, Error *reterr) {
        return error_setf(reterr, ERROR_INTERNAL, "Failed to write the archive: %s",
                          archive_error_string(p->archive) ?: "unknown error");
}

static int write_header(Pack *p, const PackItem *item, mode_t type, uint64_t size, Error *reterr) {
        archive_entry_clear(p->entry);
        archive_entry_set_pathname(p->entry, item->path);
        archive_entry_set_filetype(p->entry, type);
        archive_entry_set_perm(p->entry, type == S_IFDIR ? 0755 : 0644);
        archive_entry_set_size(p->entry, size);
        archive_entry_set_mtime(p->entry, item->mtime / NSEC_PER_SEC, 0);
        return archive_write_header(p->archive, p->entry) == ARCHIVE_OK ? 0 : pack_fail(p, reterr);
}

static int write_data(Pack *p, const void *data, size_t size, Error *reterr) {
        return archive_write_data(p->archive, data, size) == (la_ssize_t) size ? 0 : pack_fail(p, reterr);
}

static int write_blob(Pack *p, const PackItem *item, Error *reterr) {
        _cleanup_free_ char *buffer = malloc(CHUNK);
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        ssize_t n;
        int r;

        if (!buffer)
                return error_fill(reterr, -ENOMEM);
        if (!is_lower_hex(item->blob, strlen(item->blob)))
                return error_setf(reterr, ERROR_INVALID, "%s is no blob", item->blob);
        fd = open_beneath(p->blobs_fd, item->blob, O_RDONLY, 0);
        if (fd < 0 || fstat(fd, &st) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, fd < 0 ? fd : -errno,
                                        "Failed to open blob %s", item->blob);
        r = write_header(p, item, S_IFREG, st.st_size, reterr);
        while (r >= 0 && (n = read_full(fd, buffer, CHUNK)) != 0)
                r = n < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, n, "Failed to read blob %s",
                                             item->blob) :
                            write_data(p, buffer, n, reterr);
        return r;
}

static int write_item(Pack *p, const PackItem *item, Error *reterr) {
        size_t size;
        int r;

        if (endswith(item->path, "/"))
                return write_header(p, item, S_IFDIR, 0, reterr);
        if (!isempty(item->blob))
                return write_blob(p, item, reterr);

        size = strlen(strempty(item->text));
        r = write_header(p, item, S_IFREG, size, reterr);
        return r < 0 || size == 0 ? r : write_data(p, item->text, size, reterr);
}

int archive_pack(int output_fd, int blobs_fd, const ArchivePackParams *params, Error *reterr) {
        _cleanup_(pack_donep) Pack p = {
                .archive = archive_write_new(),
                .entry = archive_entry_new(),
                .output_fd = output_fd,
                .blobs_fd = blobs_fd,
        };
        int r = 0;

        if (!p.archive || !p.entry)
                return error_fill(reterr, -ENOMEM);
        if (archive_write_set_format_pax_restricted(p.archive) != ARCHIVE_OK ||
            archive_write_open(p.archive, &p, NULL, write_callback, NULL) != ARCHIVE_OK)
                return pack_fail(&p, reterr);
        for (size_t i = 0; i < params->items.n_items && r >= 0; i++)
                r = write_item(&p, params->items.items + i, reterr);
        if (r >= 0 && archive_write_close(p.archive) != ARCHIVE_OK)
                r = pack_fail(&p, reterr);
        return r;
}
