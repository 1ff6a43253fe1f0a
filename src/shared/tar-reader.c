/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/tar-reader.h"

#include <inttypes.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "basic/errno-util.h"
#include "basic/string-util.h"

struct TarReader {
        CompressReader *input;          /* borrowed */
        struct archive *archive;
        struct archive_entry *entry;    /* current; owned by archive */
        uint64_t entries_max, n_entries;
        uint64_t size;                  /* declared by the current entry */
        uint64_t read;                  /* of that, up to the end of the last block */
        bool cut_off;                   /* the input ended where padding should have been */
        Error input_error;
};

static la_ssize_t input_callback(struct archive *a, void *userdata, const void **ret) {
        TarReader *t = ASSERT_PTR(userdata);
        size_t size = 0;
        int k;

        k = compress_reader_read(t->input, ret, &size, &t->input_error);
        if (k < 0) {
                archive_set_error(a, -k, "%s", error_message(&t->input_error));
                return ARCHIVE_FATAL;
        }
        return size;
}

static int tar_fail(TarReader *t, Error *reterr) {
        if (error_is_set(&t->input_error))
                return error_copy(reterr, &t->input_error);
        return error_setf(reterr, ERROR_INVALID, "invalid tar archive: %s",
                          archive_error_string(t->archive) ?: "unknown error");
}

int tar_reader_new(CompressReader *input, uint64_t entries_max, TarReader **ret, Error *reterr) {
        _cleanup_(tar_reader_freep) TarReader *t = NULL;

        assert(input);
        assert(ret);

        t = new(TarReader, 1);
        if (!t)
                return error_fill(reterr, -ENOMEM);
        *t = (TarReader) { .input = input, .entries_max = entries_max, .archive = archive_read_new() };
        if (!t->archive)
                return error_fill(reterr, -ENOMEM);
        if (archive_read_support_format_tar(t->archive) != ARCHIVE_OK ||
            archive_read_support_format_empty(t->archive) != ARCHIVE_OK ||
            archive_read_open(t->archive, t, NULL, input_callback, NULL) != ARCHIVE_OK)
                return tar_fail(t, reterr);

        *ret = TAKE_PTR(t);
        return 0;
}

TarReader *tar_reader_free(TarReader *t) {
        if (!t)
                return NULL;
        archive_read_free(t->archive);
        error_done(&t->input_error);
        return mfree(t);
}

/* An id that chown() would take for "leave as it is", or that the kernel has no room for, is not one. */
static int check_id(la_int64_t id, const char *path, Error *reterr) {
        if (id >= 0 && id < UINT32_MAX)
                return 0;
        return error_setf(reterr, ERROR_INVALID, "invalid tar archive: %s: owner %lld is out of range", path,
                          (long long) id);
}

static int check_name(const char *name, const char *what, Error *reterr) {
        if (isempty(name))
                return error_setf(reterr, ERROR_INVALID, "invalid tar archive: entry with an empty %s",
                                  what);
        if (strlen(name) >= TAR_PATH_MAX)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid tar archive: %s of %zu bytes, at most %u: %.64s...", what,
                                  strlen(name), TAR_PATH_MAX - 1, name);
        return 0;
}

static int fill_entry(TarReader *t, TarEntry *ret, Error *reterr) {
        struct archive_entry *e = t->entry;
        const char *hard = archive_entry_hardlink(e);
        TarEntry entry = {
                .path = archive_entry_pathname(e),
                .link = hard ?: archive_entry_symlink(e),
                .hard_link = hard,
                .type = archive_entry_filetype(e) & S_IFMT,
                .mode = archive_entry_perm(e) & 07777,
                .size = archive_entry_size(e) > 0 ? archive_entry_size(e) : 0,
                .mtime = { archive_entry_mtime(e), archive_entry_mtime_nsec(e) },
        };
        int r;

        r = check_name(entry.path, "name", reterr);
        if (r < 0)
                return r;
        if (entry.link || S_ISLNK(entry.type)) {
                r = check_name(entry.link, "link target", reterr);
                if (r < 0)
                        return r;
        }
        r = check_id(archive_entry_uid(e), entry.path, reterr);
        if (r >= 0)
                r = check_id(archive_entry_gid(e), entry.path, reterr);
        if (r < 0)
                return r;

        entry.uid = archive_entry_uid(e);
        entry.gid = archive_entry_gid(e);
        entry.device = makedev(archive_entry_rdevmajor(e), archive_entry_rdevminor(e));
        if (entry.mtime.tv_nsec < 0 || entry.mtime.tv_nsec >= 1000000000L)
                entry.mtime.tv_nsec = 0;
        t->size = entry.size;
        t->read = 0;
        *ret = entry;
        return 1;
}

/* A name that is no UTF-8: libarchive warns, and gives its bytes as they are, which is what they mean
 * here. */
static bool is_foreign_name(TarReader *t, int k) {
        const char *text = archive_error_string(t->archive);

        return k == ARCHIVE_WARN && text && strstr(text, "can't be converted from");
}

int tar_reader_next(TarReader *t, TarEntry *ret, Error *reterr) {
        int k;

        assert(t);
        assert(ret);

        if (t->cut_off)
                return 0;
        k = archive_read_next_header(t->archive, &t->entry);
        if (k == ARCHIVE_EOF) {
                t->entry = NULL;
                return 0;
        }
        /* Another ARCHIVE_WARN is an unreadable attribute: data would get lost. */
        if (k != ARCHIVE_OK && !is_foreign_name(t, k))
                return tar_fail(t, reterr);
        if (t->entries_max > 0 && ++t->n_entries > t->entries_max)
                return error_setf(reterr, ERROR_TOO_LARGE, "archive has more than %" PRIu64 " entries",
                                  t->entries_max);
        return fill_entry(t, ret, reterr);
}

int tar_reader_read_data(TarReader *t, const void **ret, size_t *ret_size, uint64_t *ret_offset,
                         Error *reterr) {
        la_int64_t offset;
        int k;

        assert(t);
        assert(t->entry);

        k = archive_read_data_block(t->archive, ret, ret_size, &offset);
        if (k == ARCHIVE_EOF)
                return 0;
        /* All is there but the padding of the last file: Go's reader takes that for an end, and umoci writes
         * such layers. */
        if (k != ARCHIVE_OK && t->size > 0 && t->read == t->size && !error_is_set(&t->input_error)) {
                t->cut_off = true;
                return 0;
        }
        if (k != ARCHIVE_OK)
                return tar_fail(t, reterr);
        if (offset < 0 || (uint64_t) offset > t->size || *ret_size > t->size - offset)
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid tar archive: %s: data beyond the end of the file",
                                  archive_entry_pathname(t->entry));
        *ret_offset = offset;
        t->read = offset + *ret_size;
        return 1;
}

static int pwrite_full(int fd, const void *data, size_t size, uint64_t offset) {
        while (size > 0) {
                ssize_t n = pwrite(fd, data, size, offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                data = (const char *) data + n;
                size -= n;
                offset += n;
        }
        return 0;
}

int tar_reader_copy_data(TarReader *t, int fd, Error *reterr) {
        uint64_t end = 0, offset = 0;
        const void *data;
        size_t size;
        int r;

        for (;;) {
                r = tar_reader_read_data(t, &data, &size, &offset, reterr);
                if (r < 0)
                        return r;
                if (r == 0)
                        break;
                r = pwrite_full(fd, data, size, offset);
                if (r < 0)
                        return error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to write %s",
                                                archive_entry_pathname(t->entry));
                end = offset + size;
        }
        if (end < t->size && ftruncate(fd, t->size) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno,
                                        "Failed to extend %s to %" PRIu64 " bytes",
                                        archive_entry_pathname(t->entry), t->size);
        return 0;
}

int tar_reader_foreach_xattr(TarReader *t,
                             int (*func)(const char *name, const void *value, size_t size, void *userdata),
                             void *userdata) {
        const char *name;
        const void *value;
        size_t size, total = 0;
        int r;

        assert(t);
        assert(t->entry);

        (void) archive_entry_xattr_reset(t->entry);
        while (archive_entry_xattr_next(t->entry, &name, &value, &size) == ARCHIVE_OK) {
                total += strlen(name) + size;
                if (total > TAR_XATTRS_MAX)
                        return -E2BIG;
                r = func(name, value, size, userdata);
                if (r < 0)
                        return r;
        }
        return 0;
}
