/* SPDX-License-Identifier: Apache-2.0 */
/* Reads json-file logs from the oldest rotated file to the newest, and on while the shim writes and rotates.
 * It holds the files it has found open, so that a rotation in between loses nothing. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "logdriver/json-file.h"

#define FILES_MAX 128U                  /* held open by one reader */
#define READ_SIZE (64U * 1024U)
#define LINE_MAX_BYTES (1024U * 1024U)  /* longer lines are no entries of ours; they are skipped */
#define STEP_BYTES (256U * 1024U)       /* work of one step */

typedef struct JsonFileReader {
        LogReader reader;
        char *path;
        LogReadOptions options;
        int files[FILES_MAX];           /* 0 is the newest; closed from the end on */
        size_t n_files;
        uint64_t offset;                /* of the next read in files[n_files - 1] */

        char *buffer;
        size_t begin, end, allocated;
        bool skip_line;

        /* Looking for the place to begin: backwards, from the end of the newest file. */
        bool positioning;
        size_t tail_file;
        uint64_t tail_offset;
        int64_t tail_count;

        bool finished;
} JsonFileReader;

static int open_log(const char *path, unsigned n) {
        _cleanup_free_ char *name = NULL;
        int r;

        r = json_file_name(path, n, &name);
        if (r < 0)
                return r;
        return RET_NERRNO(open(name, O_RDONLY|O_CLOEXEC|O_NOCTTY|O_NOFOLLOW|O_NONBLOCK));
}

static bool same_file(int fd, int other) {
        struct stat a, b;

        return fstat(fd, &a) >= 0 && fstat(other, &b) >= 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static uint64_t file_size(int fd) {
        struct stat st;

        return fstat(fd, &st) >= 0 && st.st_size > 0 ? (uint64_t) st.st_size : 0;
}

/* All there are now. A rotation meanwhile shows the same file under two names; the second is left out. */
static int open_files(JsonFileReader *r) {
        for (unsigned n = 0; r->n_files < FILES_MAX; n++) {
                int fd = open_log(r->path, n);

                if (fd == -ENOENT && n == 0)
                        continue;               /* between two files of a rotation, or nothing was written
                                                 * yet */
                if (fd == -ENOENT)
                        break;
                if (fd < 0)
                        return fd;
                if (r->n_files > 0 && same_file(r->files[r->n_files - 1], fd)) {
                        safe_close(fd);
                        continue;
                }
                r->files[r->n_files++] = fd;
        }
        return 0;
}

/* --- tail: one block backwards a step --- */

static void begin_at(JsonFileReader *r, size_t file, uint64_t offset) {
        while (r->n_files > file + 1)
                safe_close(r->files[--r->n_files]);
        r->offset = offset;
        r->positioning = false;
}

/* Looks through the block from its end; true when the place is found. */
static bool count_lines(JsonFileReader *r, const char *block, size_t size, uint64_t block_offset) {
        for (size_t i = size; i > 0; i--) {
                if (block[i - 1] != '\n')
                        continue;
                if (r->tail_count == r->options.tail) {
                        begin_at(r, r->tail_file, block_offset + i);
                        return true;
                }
                r->tail_count++;
        }
        return false;
}

static int position_step(JsonFileReader *r) {
        size_t size = (size_t) min_u64(r->tail_offset, READ_SIZE);
        ssize_t n;

        if (r->n_files == 0) {
                r->positioning = false;
                return 0;
        }
        if (size == 0) {
                if (r->tail_file + 1 == r->n_files) {
                        begin_at(r, r->tail_file, 0);
                        return 0;
                }
                r->tail_file++;
                r->tail_offset = file_size(r->files[r->tail_file]);
                return 0;
        }

        r->tail_offset -= size;
        n = pread(r->files[r->tail_file], r->buffer, size, (off_t) r->tail_offset);
        if (n < 0)
                return -errno;
        (void) count_lines(r, r->buffer, (size_t) n, r->tail_offset);
        return 0;
}

/* --- following --- */

/* The file behind the current one is closed; files that came since are the newer ones. */
static int reopen_newer(JsonFileReader *r) {
        _cleanup_close_ int current = TAKE_FD(r->files[0]);
        int fds[FILES_MAX];
        size_t n = 0;

        r->n_files = 0;
        for (unsigned i = 0; n < FILES_MAX; i++) {
                int fd = open_log(r->path, i);

                if (fd == -ENOENT && i == 0)
                        continue;
                if (fd < 0)
                        break;
                if (same_file(fd, current)) {
                        safe_close(fd);
                        break;
                }
                fds[n++] = fd;
        }

        if (n == 0) {
                /* In the middle of a rotation: the new file is not there yet. */
                r->files[r->n_files++] = TAKE_FD(current);
                return 0;
        }
        memcpy(r->files, fds, n * sizeof(int));
        r->n_files = n;
        r->offset = 0;
        r->begin = r->end = 0;          /* an entry without its end, which never will come */
        return 1;
}

/* At the end of the newest file: 1 = there is more to read, 0 = there is not. */
static int look_for_more(JsonFileReader *r) {
        _cleanup_close_ int fd = -EBADF;

        if (r->n_files == 0)
                return open_files(r) < 0 ? 0 : r->n_files > 0;

        if (file_size(r->files[0]) < r->offset) {
                r->offset = 0;          /* emptied: max-file=1 */
                r->begin = r->end = 0;
                return 1;
        }
        fd = open_log(r->path, 0);
        if (fd < 0 || same_file(fd, r->files[0]))
                return 0;
        if (file_size(r->files[0]) > r->offset)
                return 1;               /* written after the read and before the rotation */
        return reopen_newer(r);
}

/* --- reading --- */

static int make_room(JsonFileReader *r) {
        char *p;

        if (r->begin > 0) {
                memmove(r->buffer, r->buffer + r->begin, r->end - r->begin);
                r->end -= r->begin;
                r->begin = 0;
        }
        if (r->allocated - r->end >= READ_SIZE)
                return 0;
        if (r->allocated >= LINE_MAX_BYTES) {
                r->skip_line = true;
                r->end = 0;
                return 0;
        }
        p = realloc(r->buffer, r->allocated * 2);
        if (!p)
                return -ENOMEM;
        r->buffer = p;
        r->allocated *= 2;
        return 0;
}

/* Reads on: bytes, 0 = nothing now. */
static ssize_t fill(JsonFileReader *r) {
        ssize_t n;
        int k;

        k = make_room(r);
        if (k < 0)
                return k;

        for (;;) {
                if (r->n_files > 0) {
                        n = pread(r->files[r->n_files - 1], r->buffer + r->end, READ_SIZE,
                                  (off_t) r->offset);
                        if (n < 0)
                                return -errno;
                        r->offset += (uint64_t) n;
                        r->end += (size_t) n;
                        if (n > 0)
                                return n;
                        if (r->n_files > 1) {
                                safe_close(r->files[--r->n_files]);
                                r->offset = 0;
                                r->begin = r->end = 0;
                                continue;
                        }
                }
                if (!r->options.follow && r->n_files > 0)
                        return 0;
                k = look_for_more(r);
                if (k <= 0)
                        return k;
        }
}

/* The next line of the buffer. */
static bool take_line(JsonFileReader *r, char **ret, size_t *ret_size) {
        for (;;) {
                char *p = r->buffer + r->begin, *newline = memchr(p, '\n', r->end - r->begin);

                if (!newline) {
                        if (r->skip_line)
                                r->begin = r->end = 0;
                        return false;
                }
                r->begin = (size_t) (newline + 1 - r->buffer);
                if (r->skip_line) {
                        r->skip_line = false;
                        continue;
                }
                *ret = p;
                *ret_size = (size_t) (newline - p);
                return true;
        }
}

static bool wanted(const JsonFileReader *r, const LogEntry *e) {
        if (e->time_nsec < r->options.since_nsec)
                return false;
        return e->stream == LOG_STDOUT ? !r->options.no_stdout : !r->options.no_stderr;
}

static int json_file_step(LogReader *reader, LogEntry *ret) {
        JsonFileReader *r = (JsonFileReader *) reader;
        size_t work = 0, size;
        char *line;
        ssize_t n;
        int k;

        if (r->positioning) {
                k = position_step(r);
                return k < 0 ? k : -EINPROGRESS;
        }

        for (;;) {
                while (take_line(r, &line, &size)) {
                        work += size;
                        /* A line that is no entry is what a power cut left; the next one is fine again. */
                        if (json_log_decode(line, size, ret) < 0)
                                continue;
                        if (r->options.until_nsec > 0 && ret->time_nsec > r->options.until_nsec)
                                return 0;
                        if (wanted(r, ret))
                                return 1;
                        if (work > STEP_BYTES)
                                return -EINPROGRESS;
                }

                n = fill(r);
                if (n < 0)
                        return (int) n;
                if (n > 0) {
                        if (work > STEP_BYTES)
                                return -EINPROGRESS;
                        continue;
                }
                return !r->options.follow || r->finished ? 0 : -EAGAIN;
        }
}

static void json_file_finish(LogReader *reader) {
        ((JsonFileReader *) reader)->finished = true;
}

static void json_file_reader_free(LogReader *reader) {
        JsonFileReader *r = (JsonFileReader *) reader;

        while (r->n_files > 0)
                safe_close(r->files[--r->n_files]);
        free(r->buffer);
        free(r->path);
        free(r);
}

static const LogReaderOps json_file_reader_ops = {
        .step = json_file_step,
        .finish = json_file_finish,
        .free = json_file_reader_free,
};

static int reader_init(JsonFileReader *r) {
        int k;

        if (!r->path || !r->buffer)
                return -ENOMEM;
        k = open_files(r);
        if (k < 0)
                return k;

        if (r->options.tail >= 0 && r->n_files > 0) {
                r->positioning = true;
                r->tail_offset = file_size(r->files[0]);
        }
        return 0;
}

int json_file_reader_open(const char *path, const LogReadOptions *options, LogReader **ret, Error *reterr) {
        JsonFileReader *r;
        int k;

        r = new(JsonFileReader, 1);
        if (!r)
                return -ENOMEM;
        *r = (JsonFileReader) {
                .reader.ops = &json_file_reader_ops,
                .path = strdup(path),
                .options = *options,
                .buffer = malloc(READ_SIZE),
                .allocated = READ_SIZE,
        };

        k = reader_init(r);
        if (k < 0) {
                error_set_errnof(reterr, ERROR_INTERNAL, k, "failed to read the log %s", path);
                json_file_reader_free(&r->reader);
                return k;
        }

        *ret = &r->reader;
        return 0;
}
