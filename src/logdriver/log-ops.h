/* SPDX-License-Identifier: Apache-2.0 */
/* What a log driver implements; for the drivers in this folder only. The first member of a driver's own
 * struct is the generic one. */
#pragma once

#include "logdriver/log-driver.h"

typedef struct LogWriterOps {
        int (*write)(LogWriter *w, LogStream stream, const void *data, size_t size, uint64_t time_nsec);
        int (*flush)(LogWriter *w, LogStream stream, uint64_t time_nsec);
        size_t (*unfinished)(LogWriter *w, LogStream stream, const char **ret);
        void (*free)(LogWriter *w);
} LogWriterOps;

struct LogWriter {
        const LogWriterOps *ops;
};

typedef struct LogReaderOps {
        int (*step)(LogReader *r, LogEntry *ret);
        void (*finish)(LogReader *r);
        void (*free)(LogReader *r);
} LogReaderOps;

struct LogReader {
        const LogReaderOps *ops;
};

extern const LogDriver log_driver_json_file;
