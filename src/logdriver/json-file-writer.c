/* SPDX-License-Identifier: Apache-2.0 */
/* Writes <id>-json.log as Docker does: one JSON object per line of output, lines longer than 16 KiB in
 * pieces that have no "\n" but the last, rotation by size. What cannot be written is dropped, never half a
 * line is left behind. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/time-util.h"
#include "logdriver/json-file.h"

/* Entries are collected and written together: the largest entry is 6 * 16 KiB of escapes and a frame. */
#define OUT_SIZE (128U * 1024U)
#define ENTRY_MAX (6U * LOG_LINE_MAX + 256U)

typedef struct Pending {
        char *data;                     /* an unfinished line, LOG_LINE_MAX bytes; allocated when first
                                         * needed */
        size_t size;
        uint64_t time_nsec;             /* when its first piece came */
        bool continued;                 /* pieces of this line were written already */
} Pending;

typedef struct JsonFileWriter {
        LogWriter writer;
        char *path;
        JsonFileOptions options;
        int fd;
        uint64_t file_size;
        Pending pending[_LOG_STREAM_MAX];
        char *out;
        size_t out_size;
} JsonFileWriter;

static const char *const stream_names[_LOG_STREAM_MAX] = { "stdout", "stderr" };

static int file_open(JsonFileWriter *w, int flags) {
        struct stat st;
        int fd;

        fd = open(w->path, O_WRONLY|O_CREAT|O_APPEND|O_CLOEXEC|O_NOCTTY|O_NOFOLLOW|flags, 0640);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0) {
                safe_close(fd);
                return -errno;
        }

        safe_close(w->fd);
        w->fd = fd;
        w->file_size = (uint64_t) st.st_size;
        return 0;
}

/* path.(n-2) becomes path.(n-1), ..., path becomes path.1. */
static int rotate(JsonFileWriter *w) {
        int r;

        if (w->options.max_files <= 1)
                return file_open(w, O_TRUNC);

        /* Where an earlier rotation could not make the new file, the old ones are shifted already. */
        if (access(w->path, F_OK) < 0)
                return errno == ENOENT ? file_open(w, 0) : -errno;

        for (unsigned i = w->options.max_files - 1; i > 0; i--) {
                _cleanup_free_ char *from = NULL, *to = NULL;

                r = json_file_name(w->path, i - 1, &from);
                if (r < 0)
                        return r;
                r = json_file_name(w->path, i, &to);
                if (r < 0)
                        return r;
                if (rename(from, to) < 0 && errno != ENOENT)
                        return -errno;
        }
        return file_open(w, 0);
}

/* Everything collected so far, whole or not at all. */
static int out_flush(JsonFileWriter *w) {
        size_t done = 0;
        int r = 0;

        while (done < w->out_size) {
                ssize_t n = write(w->fd, w->out + done, w->out_size - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        r = n < 0 ? -errno : -EIO;
                        break;
                }
                done += (size_t) n;
        }

        if (r < 0 && done > 0)
                /* A reader must not see half an entry in front of a later, complete one. */
                (void) !ftruncate(w->fd, (off_t) w->file_size);
        else
                w->file_size += done;
        w->out_size = 0;
        return r;
}

static size_t put(char *p, const char *text, size_t n) {
        memcpy(p, text, n);
        return n;
}

/* The frame around the text; the file is rotated first where it is full, as Docker does. */
static int write_entry(JsonFileWriter *w, LogStream stream, const char *line, size_t size, bool newline,
                       uint64_t time_nsec) {
        char time[TIME_RFC3339_MAX];
        char *p;
        size_t n = 0;
        int r;

        if (w->options.max_size > 0 && w->file_size + w->out_size >= w->options.max_size) {
                r = out_flush(w);
                if (r < 0)
                        return r;
                r = rotate(w);
                if (r < 0)
                        return r;
        }
        if (OUT_SIZE - w->out_size < ENTRY_MAX) {
                r = out_flush(w);
                if (r < 0)
                        return r;
        }

        p = w->out + w->out_size;
        n += put(p + n, "{\"log\":\"", 8);
        n += json_log_escape(p + n, line, size);
        if (newline)
                n += put(p + n, "\\n", 2);
        n += put(p + n, "\",\"stream\":\"", 12);
        n += put(p + n, stream_names[stream], 6);
        n += put(p + n, "\",\"time\":\"", 10);
        format_rfc3339(time, time_nsec);
        n += put(p + n, time, strlen(time));
        n += put(p + n, "\"}\n", 3);
        w->out_size += n;
        return 0;
}

static int pending_append(Pending *p, const char *data, size_t size, uint64_t time_nsec) {
        if (!p->data) {
                p->data = malloc(LOG_LINE_MAX);
                if (!p->data)
                        return -ENOMEM;
        }
        if (p->size == 0 && !p->continued)
                p->time_nsec = time_nsec;
        memcpy(p->data + p->size, data, size);
        p->size += size;
        return 0;
}

/* One piece of output that ends in a newline, or is what is left of the buffer. */
static int take_piece(JsonFileWriter *w, LogStream stream, const char *data, size_t size, bool newline,
                      uint64_t time_nsec) {
        Pending *p = w->pending + stream;
        int r = 0;

        /* The common case: a whole line, nothing waiting. */
        if (newline && p->size == 0 && size <= LOG_LINE_MAX) {
                r = write_entry(w, stream, data, size, true, p->continued ? p->time_nsec : time_nsec);
                p->continued = false;
                return r;
        }

        while (size > 0) {
                size_t n = min_size(size, LOG_LINE_MAX - p->size);

                RET_GATHER(r, pending_append(p, data, n, time_nsec));
                if (r == -ENOMEM)
                        return r;
                data += n;
                size -= n;
                if (p->size < LOG_LINE_MAX)
                        break;
                RET_GATHER(r, write_entry(w, stream, p->data, p->size, false, p->time_nsec));
                p->size = 0;
                p->continued = true;
        }
        if (newline) {
                RET_GATHER(r, write_entry(w, stream, p->data ?: "", p->size, true, p->time_nsec));
                p->size = 0;
                p->continued = false;
        }
        return r;
}

static int json_file_write(LogWriter *writer, LogStream stream, const void *data, size_t size,
                           uint64_t time_nsec) {
        JsonFileWriter *w = (JsonFileWriter *) writer;
        const char *p = data, *end = p + size;
        int r = 0;

        while (p < end) {
                const char *newline = memchr(p, '\n', (size_t) (end - p));
                size_t n = (size_t) ((newline ?: end) - p);

                RET_GATHER(r, take_piece(w, stream, p, n, newline, time_nsec));
                p += n + (newline ? 1 : 0);
        }
        RET_GATHER(r, out_flush(w));
        return r;
}

static int json_file_flush(LogWriter *writer, LogStream stream, uint64_t time_nsec) {
        JsonFileWriter *w = (JsonFileWriter *) writer;
        Pending *p = w->pending + stream;
        int r = 0;

        if (p->size > 0)
                RET_GATHER(r, write_entry(w, stream, p->data, p->size, false, p->time_nsec));
        p->size = 0;
        p->continued = false;
        RET_GATHER(r, out_flush(w));
        return r;
}

static size_t json_file_unfinished(LogWriter *writer, LogStream stream, const char **ret) {
        const Pending *p = ((JsonFileWriter *) writer)->pending + stream;

        *ret = p->data;
        return p->size;
}

static void json_file_writer_free(LogWriter *writer) {
        JsonFileWriter *w = (JsonFileWriter *) writer;

        safe_close(w->fd);
        FOREACH_ELEMENT(p, w->pending)
                free(p->data);
        free(w->out);
        free(w->path);
        free(w);
}

static const LogWriterOps json_file_writer_ops = {
        .write = json_file_write,
        .flush = json_file_flush,
        .unfinished = json_file_unfinished,
        .free = json_file_writer_free,
};

int json_file_writer_open(const char *path, char *const *options, LogWriter **ret, Error *reterr) {
        JsonFileWriter *w;
        int r;

        w = new0(JsonFileWriter, 1);
        if (!w)
                return -ENOMEM;
        w->writer.ops = &json_file_writer_ops;
        w->fd = -EBADF;

        r = json_file_options_parse(options, &w->options, reterr);
        if (r < 0)
                goto fail;

        r = -ENOMEM;
        w->path = strdup(path);
        w->out = malloc(OUT_SIZE);
        if (!w->path || !w->out)
                goto fail;

        r = file_open(w, 0);
        if (r < 0) {
                error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to open %s", path);
                goto fail;
        }

        *ret = &w->writer;
        return 0;
fail:
        json_file_writer_free(&w->writer);
        return r;
}
