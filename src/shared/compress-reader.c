/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/compress-reader.h"

#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/string-util.h"

#define INPUT_BLOCK (128U * 1024U)

struct CompressReader {
        CompressReaderOptions options;
        struct archive *archive;        /* libarchive's "raw" format above its decompression filters */
        DigestContext *input_hash, *output_hash;
        uint64_t input_size, output_size;
        bool input_eof, output_eof;
        Error input_error;              /* why the input callback failed, in our own words */
        char buffer[INPUT_BLOCK];
};

typedef int (*FilterFunc)(struct archive *a);

/* Filters that libarchive may hand to an external program answer ARCHIVE_WARN; those are refused. */
static const FilterFunc filters[] = {
        archive_read_support_filter_gzip,
        archive_read_support_filter_bzip2,
        archive_read_support_filter_xz,
        archive_read_support_filter_zstd,
};

static ssize_t read_some(int fd, void *buffer, size_t size) {
        for (;;) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                ssize_t n = read(fd, buffer, size);

                if (n >= 0)
                        return n;
                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN)
                        return -errno;
                if (poll(&p, 1, -1) < 0 && errno != EINTR)
                        return -errno;
        }
}

/* Next block of the input into r->buffer: its size, 0 at the end. */
static ssize_t input_read(CompressReader *r) {
        ssize_t n;
        int k;

        if (r->input_eof)
                return 0;

        n = read_some(r->options.fd, r->buffer, sizeof(r->buffer));
        if (n < 0)
                return error_set_errnof(&r->input_error, ERROR_INTERNAL, n, "Failed to read the archive");
        if (n == 0) {
                r->input_eof = true;
                return 0;
        }

        r->input_size += n;
        if (r->options.input_max > 0 && r->input_size > r->options.input_max)
                return error_setf(&r->input_error, ERROR_TOO_LARGE,
                                  "archive is larger than %" PRIu64 " bytes", r->options.input_max);
        digest_context_update(r->input_hash, r->buffer, n);
        if (r->options.tee_fd >= 0) {
                k = write_full(r->options.tee_fd, r->buffer, n);
                if (k < 0)
                        return error_set_errnof(&r->input_error, ERROR_INTERNAL, k,
                                                "Failed to store the archive");
        }
        return n;
}

static la_ssize_t input_callback(struct archive *a, void *userdata, const void **ret) {
        CompressReader *r = ASSERT_PTR(userdata);
        ssize_t n = input_read(r);

        if (n < 0) {
                archive_set_error(a, -n, "%s", error_message(&r->input_error));
                return ARCHIVE_FATAL;
        }
        *ret = r->buffer;
        return n;
}

static int reader_fail(CompressReader *r, Error *reterr) {
        if (error_is_set(&r->input_error))
                return error_copy(reterr, &r->input_error);
        return error_setf(reterr, ERROR_INVALID, "archive is damaged: %s",
                          archive_error_string(r->archive) ?: "unknown error");
}

static int reader_open(CompressReader *r, Error *reterr) {
        struct archive_entry *entry;
        int k;

        FOREACH_ELEMENT(f, filters)
                if ((*f)(r->archive) != ARCHIVE_OK)
                        return error_setf(reterr, ERROR_INTERNAL,
                                          "libarchive lacks an in-process decompressor: %s",
                                          archive_error_string(r->archive));
        if (archive_read_support_format_raw(r->archive) != ARCHIVE_OK ||
            archive_read_support_format_empty(r->archive) != ARCHIVE_OK ||
            archive_read_open(r->archive, r, NULL, input_callback, NULL) != ARCHIVE_OK)
                return reader_fail(r, reterr);

        k = archive_read_next_header(r->archive, &entry);
        if (k == ARCHIVE_EOF)
                r->output_eof = true;
        else if (k != ARCHIVE_OK)
                return reader_fail(r, reterr);

        /* The last filter is always "none". Something compressed twice is no archive, it is an attack on our
         * time. */
        if (archive_filter_count(r->archive) > 2)
                return error_setf(reterr, ERROR_INVALID, "archive is compressed more than once");
        return 0;
}

int compress_reader_new(const CompressReaderOptions *options, CompressReader **ret, Error *reterr) {
        _cleanup_(compress_reader_freep) CompressReader *r = NULL;
        int k;

        assert(options);
        assert(ret);

        r = new0(CompressReader, 1);
        if (!r)
                return error_fill(reterr, -ENOMEM);
        r->options = *options;
        r->archive = archive_read_new();
        r->input_hash = digest_context_new();
        r->output_hash = digest_context_new();
        if (!r->archive || !r->input_hash || !r->output_hash)
                return error_fill(reterr, -ENOMEM);

        k = reader_open(r, reterr);
        if (k < 0)
                return k;

        *ret = TAKE_PTR(r);
        return 0;
}

CompressReader *compress_reader_free(CompressReader *r) {
        if (!r)
                return NULL;
        archive_read_free(r->archive);
        digest_context_free(r->input_hash);
        digest_context_free(r->output_hash);
        error_done(&r->input_error);
        return mfree(r);
}

int compress_reader_read(CompressReader *r, const void **ret, size_t *ret_size, Error *reterr) {
        const void *block;
        la_int64_t offset;
        size_t size = 0;
        int k;

        assert(r);

        while (!r->output_eof) {
                k = archive_read_data_block(r->archive, &block, &size, &offset);
                if (k == ARCHIVE_EOF) {
                        r->output_eof = true;
                        break;
                }
                if (k != ARCHIVE_OK)
                        return reader_fail(r, reterr);
                if (size == 0)
                        continue;

                r->output_size += size;
                if (r->options.output_max > 0 && r->output_size > r->options.output_max)
                        return error_setf(reterr, ERROR_TOO_LARGE, "archive is larger than %" PRIu64
                                          " bytes when decompressed", r->options.output_max);
                digest_context_update(r->output_hash, block, size);
                *ret = block;
                *ret_size = size;
                return 1;
        }
        return 0;
}

static int drain(CompressReader *r, uint64_t trailing_max, Error *reterr) {
        uint64_t trailing = 0;
        const void *block;
        ssize_t n;
        size_t size = 0;
        int k;

        for (;;) {
                k = compress_reader_read(r, &block, &size, reterr);
                if (k < 0)
                        return k;
                if (k == 0)
                        break;
                trailing += size;
                if (trailing > trailing_max)
                        return error_setf(reterr, ERROR_INVALID, "archive has more than %" PRIu64
                                          " bytes after its end", trailing_max);
        }

        /* A filter may stop before the end of its input (padding after the last gzip member). */
        do {
                n = input_read(r);
                if (n < 0)
                        return reader_fail(r, reterr);
        } while (n > 0);
        return 0;
}

int compress_reader_finish(CompressReader *r, uint64_t trailing_max, CompressReaderSummary *ret,
                           Error *reterr) {
        CompressReaderSummary s = {};
        int k;

        assert(r);
        assert(ret);

        k = drain(r, trailing_max, reterr);
        if (k < 0)
                return k;
        digest_context_final(r->input_hash, &s.input_digest);
        digest_context_final(r->output_hash, &s.output_digest);
        s.input_size = r->input_size;
        s.output_size = r->output_size;
        s.compression = archive_filter_name(r->archive, 0) ?: "none";
        *ret = s;
        return 0;
}

uint64_t compress_reader_position(const CompressReader *r) {
        assert(r);
        return r->input_size;
}
