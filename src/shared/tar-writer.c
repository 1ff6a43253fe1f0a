/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/tar-writer.h"

#include <sys/sysmacros.h>

#include <archive.h>
#include <archive_entry.h>

#include "basic/fd-util.h"
#include "basic/string-util.h"

#define BLOCK_SIZE (64 * 1024)

struct TarWriter {
        struct archive *archive;
        struct archive_entry *entry;    /* the next one */
        int fd;                         /* borrowed */
};

static la_ssize_t write_callback(struct archive *a, void *userdata, const void *data, size_t size) {
        TarWriter *w = ASSERT_PTR(userdata);
        int r = write_full(w->fd, data, size);

        if (r < 0) {
                archive_set_error(a, -r, "%s", strerror(-r));
                return ARCHIVE_FATAL;
        }
        return size;
}

static int fail(TarWriter *w, Error *reterr) {
        if (archive_errno(w->archive) == EPIPE)
                return error_setf(reterr, ERROR_CANCELLED, "the reader of the archive has gone away");
        return error_setf(reterr, ERROR_INTERNAL, "Failed to write the archive: %s",
                          archive_error_string(w->archive) ?: "unknown error");
}

/* Only SCHILY.xattr, which everybody reads; libarchive would write each attribute a second time in its own
 * way. No padding: the archive of nothing is the one whose digest everybody knows. */
static int set_up(TarWriter *w, TarCompression compression) {
        struct archive *a = w->archive;
        int r;

        r = archive_write_set_format_pax_restricted(a);
        if (r == ARCHIVE_OK)
                r = archive_write_set_format_option(a, "pax", "xattrheader", "SCHILY");
        if (r == ARCHIVE_OK && compression == TAR_ZSTD)
                r = archive_write_add_filter_zstd(a);
        if (r == ARCHIVE_OK)
                r = archive_write_set_bytes_per_block(a, BLOCK_SIZE);
        if (r == ARCHIVE_OK)
                r = archive_write_set_bytes_in_last_block(a, 1);
        if (r == ARCHIVE_OK)
                r = archive_write_open(a, w, NULL, write_callback, NULL);
        return r;
}

int tar_writer_new(int fd, TarCompression compression, TarWriter **ret, Error *reterr) {
        _cleanup_(tar_writer_freep) TarWriter *w = new(TarWriter, 1);

        if (!w)
                return error_fill(reterr, -ENOMEM);
        *w = (TarWriter) { .archive = archive_write_new(), .entry = archive_entry_new(), .fd = fd };
        if (!w->archive || !w->entry)
                return error_fill(reterr, -ENOMEM);
        if (set_up(w, compression) != ARCHIVE_OK)
                return fail(w, reterr);
        *ret = TAKE_PTR(w);
        return 0;
}

TarWriter *tar_writer_free(TarWriter *w) {
        if (!w)
                return NULL;
        archive_entry_free(w->entry);
        /* One that is not finished has failed; nothing more is to be written. */
        (void) archive_write_fail(w->archive);
        archive_write_free(w->archive);
        return mfree(w);
}

void tar_writer_add_xattr(TarWriter *w, const char *name, const void *value, size_t size) {
        archive_entry_xattr_add_entry(w->entry, name, value, size);
}

void tar_writer_add_data_range(TarWriter *w, uint64_t offset, uint64_t size) {
        /* Ranges behind the end are not taken; where that is, tar_writer_entry() says. */
        archive_entry_set_size(w->entry, INT64_MAX);
        archive_entry_sparse_add_entry(w->entry, (la_int64_t) offset, (la_int64_t) size);
}

int tar_writer_entry(TarWriter *w, const TarEntry *e, Error *reterr) {
        struct archive_entry *a = w->entry;
        int r;

        archive_entry_set_pathname(a, e->path);
        archive_entry_set_filetype(a, e->type);
        archive_entry_set_perm(a, e->mode);
        archive_entry_set_uid(a, e->uid);
        archive_entry_set_gid(a, e->gid);
        archive_entry_set_mtime(a, e->mtime.tv_sec, 0);
        archive_entry_set_size(a, S_ISREG(e->type) && !e->hard_link ? (la_int64_t) e->size : 0);
        if (e->hard_link)
                archive_entry_set_hardlink(a, e->link);
        else if (S_ISLNK(e->type))
                archive_entry_set_symlink(a, e->link);
        else if (S_ISCHR(e->type) || S_ISBLK(e->type)) {
                archive_entry_set_rdevmajor(a, major(e->device));
                archive_entry_set_rdevminor(a, minor(e->device));
        }
        r = archive_write_header(w->archive, a);
        archive_entry_clear(a);
        /* The warning is of names that are not UTF-8: they are written as they are. */
        return r == ARCHIVE_OK || r == ARCHIVE_WARN ? 0 : fail(w, reterr);
}

int tar_writer_data(TarWriter *w, const void *data, size_t size, Error *reterr) {
        return archive_write_data(w->archive, data, size) == (la_ssize_t) size ? 0 : fail(w, reterr);
}

int tar_writer_finish(TarWriter *w, Error *reterr) {
        return archive_write_close(w->archive) == ARCHIVE_OK ? 0 : fail(w, reterr);
}
