/* SPDX-License-Identifier: Apache-2.0 */
/* Log drivers: a writer, used by the shim, and a reader, used by the daemon. Drivers are rows of a table;
 * one that is not there is refused by name. Nothing here blocks or logs. */
#pragma once

#include "basic/error.h"
#include "basic/strv.h"

typedef enum LogStream {
        LOG_STDOUT,
        LOG_STDERR,
        _LOG_STREAM_MAX,
} LogStream;

typedef struct LogWriter LogWriter;
typedef struct LogReader LogReader;

/* Docker's piece of a long line. */
#define LOG_LINE_MAX (16U * 1024U)

typedef struct LogReadOptions {
        uint64_t since_nsec;            /* CLOCK_REALTIME; 0 = from the beginning */
        uint64_t until_nsec;            /* 0 = no end */
        int64_t tail;                   /* last lines; -1 = all */
        bool follow;
        bool no_stdout, no_stderr;      /* streams that are skipped; they count for tail, as with Docker */
} LogReadOptions;

typedef struct LogEntry {
        uint64_t time_nsec;
        LogStream stream;
        const char *line;               /* with its "\n" where it had one; valid until the next step */
        size_t size;
} LogEntry;

typedef struct LogDriver {
        const char *name;
        /* Options as "key=value"; ERROR_INVALID "unknown log opt 'x' for json-file log driver". */
        int (*validate)(char *const *options, Error *reterr);
        int (*writer_open)(const char *path, char *const *options, LogWriter **ret, Error *reterr);
        /* NULL: `docker logs` is refused: "configured logging driver does not support reading". */
        int (*reader_open)(const char *path, const LogReadOptions *options, LogReader **ret, Error *reterr);
} LogDriver;

/* ERROR_INVALID: "logger: no log driver named 'x' is registered"; ERROR_NOT_IMPLEMENTED for Docker's others.
 * */
int log_driver_find(const char *name, const LogDriver **ret, Error *reterr);
int log_options_validate(const char *driver, char *const *options, Error *reterr);

/* Names of the drivers that work, for /info. */
extern const char *const log_driver_names[];

/* --- writing ---
 * write() takes raw output of the container as it was read; lines are cut here. time_nsec: when it was read.
 * A failure (full disk) drops what could not be written, is returned once, and writing is tried again with
 * the next output. */
int log_writer_write(LogWriter *w, LogStream stream, const void *data, size_t size, uint64_t time_nsec);
/* Writes unfinished lines; at the end of a stream. */
int log_writer_flush(LogWriter *w, LogStream stream, uint64_t time_nsec);
/* What is kept of a line whose end has not come yet; a reader does not see it. Valid until the next
 * write. */
size_t log_writer_unfinished(LogWriter *w, LogStream stream, const char **ret);
LogWriter *log_writer_free(LogWriter *w);
DEFINE_TRIVIAL_CLEANUP_FUNC(LogWriter *, log_writer_free);

/* --- reading ---
 * A step object, each step a bounded amount of work: 1 = an entry, 0 = the end, -EINPROGRESS = no entry yet,
 * call again from a defer source, -EAGAIN = nothing more now (with follow only): call again when the log's
 * directory has changed, which has to be watched from before the first step. */
int log_reader_step(LogReader *r, LogEntry *ret);
/* The container has ended: deliver what is there, then return 0. */
void log_reader_finish(LogReader *r);
LogReader *log_reader_free(LogReader *r);
DEFINE_TRIVIAL_CLEANUP_FUNC(LogReader *, log_reader_free);
